"""Judges a place's past again once something late has come, and reconciles it with what was decided.

Rule: an episode may turn out longer, earlier or new; a promise made on it stands. A late reading may open a
ticket, never close one, and what was announced is not announced again but to who has heard that it was over.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from safetyd.core import obligation, power, room, telling
from safetyd.core.chronicle import Chronicle, is_over
from safetyd.core.model import Condition, Episode, Finding, Observation, Place
from safetyd.core.watch import CALM
from safetyd.core.world import Facts, World


def take_late(
    world: World, facts: Facts, chronicle: Chronicle, late: Observation, mine: Sequence[tuple[int, Episode]]
) -> None:
    """Judge a place's past again as far as an observation that came late may change it.

    Args:
        chronicle: The place's past, with what came late.
        mine: All episodes of the place, with their numbers.
    """
    place, now = late.sensor.place, late.received_at
    world.places[str(place)] = place
    if isinstance(chronicle.base, power.Power):
        known = [item for item in mine if not is_over(chronicle.base, item[1])]
        _read_power_again(world, facts, place, chronicle.base, chronicle.observations, known, now)
        return
    again = chronicle.read_again([episode for _, episode in mine], facts.book)
    known = [
        item
        for item in mine
        if not is_over(again.base, item[1]) and (again.until is None or item[1].began_at <= again.until)
    ]
    _reconcile_room(world, facts, place, again.base, again.room, again.findings, known, now)


def read_again(
    world: World,
    facts: Facts,
    place: Place,
    base: room.Room | power.Power,
    observations: Sequence[Observation],
    known: Sequence[tuple[int, Episode]],
    now: datetime,
) -> None:
    """Judge a place's past again from `base` on, now that something late has come.

    Args:
        base: The place as it stood before the first of `observations`.
        observations: All of the place since then, in order of their own time.
        known: Its episodes that were not over before `base`, with their numbers.
    """
    world.changes.places.add(place)
    world.places[str(place)] = place
    if isinstance(base, power.Power):
        _read_power_again(world, facts, place, base, observations, known, now)
        return
    again, findings = room.read_again(base, observations, facts.book)
    _reconcile_room(world, facts, place, base, again, findings, known, now)


def _reconcile_room(
    world: World,
    facts: Facts,
    place: Place,
    base: room.Room,
    again: room.Room | None,
    findings: tuple[Finding, ...],
    known: Sequence[tuple[int, Episode]],
    now: datetime,
) -> None:
    """Reconcile what a room went through since `base`; it stands as `again` now, or as before if None.

    What was judged over because time had passed stays so, if by what is known now it was.
    """
    if again is not None:
        if (reached := world.rooms.get(place, room.EMPTY).at) is not None:
            again, more = room.pass_time(again, reached)
            findings += more
        world.rooms[place] = again
        world.schedule("room", str(place), room.next_due(again))
    for condition in (Condition.COLD, Condition.HEAT):
        found = _episodes(again, condition, findings)
        mine = [item for item in known if item[1].condition is condition]
        _reconcile(world, facts, place, found, mine, now)
    obligation.second_limb(world, facts, place.building, now)


def _read_power_again(
    world: World,
    facts: Facts,
    place: Place,
    base: power.Power,
    observations: Sequence[Observation],
    known: Sequence[tuple[int, Episode]],
    now: datetime,
) -> None:
    was = world.powers.get(place, power.EMPTY)
    standing, steps = power.read_again(base, observations, facts.book)
    standing, more = power.pass_time(standing, now, facts.book.in_force(now))
    standing = standing._replace(question=was.question)
    is_same = was.began_at is not None and standing.began_at is not None and standing.began_at <= was.began_at
    if was.is_breach and is_same:
        standing = standing._replace(is_breach=True)
    world.powers[place] = standing
    over = [step for step in (*steps, *more) if step.stage is power.Stage.OVER]
    found = [Finding(Condition.OUTAGE, step.began_at, step.ended_at, None, step.seen) for step in over]
    ended = {step.began_at for step in over if not step.was_breach}
    found = [f for f in found if f.began_at not in ended or any(_overlap(e, f) for _, e in known)]
    if standing.is_breach and standing.began_at is not None:
        found.append(Finding(Condition.OUTAGE, standing.began_at, None, None, standing.seen))
    if was.began_at is None and standing.began_at is not None:
        step = power.Step(power.Stage.BEGAN, now, standing.began_at)
        obligation.outage_step(world, facts, place, step, f"/{now.isoformat()}")
    _reconcile(world, facts, place, found, known, now)
    if was.began_at is not None and standing.began_at is None and over:
        obligation.outage_step(world, facts, place, over[-1]._replace(at=now), f"/{now.isoformat()}")
    obligation.keep_power(world, facts, place, world.powers[place], (), now)


def _episodes(again: room.Room | None, condition: Condition, findings: Iterable[Finding]) -> list[Finding]:
    """Return every episode that was found as one Finding, the last perhaps still running."""
    whole = [
        finding for finding in findings if finding.condition is condition and finding.ended_at is not None
    ]
    watch = CALM if again is None else again.watch(condition)
    if watch.is_breach and watch.began_at is not None:
        whole.append(Finding(condition, watch.began_at, None, watch.worst, watch.seen))
    return whole


def _reconcile(
    world: World,
    facts: Facts,
    place: Place,
    found: Sequence[Finding],
    known: Sequence[tuple[int, Episode]],
    now: datetime,
) -> None:
    left = list(known)
    for finding in found:
        same = [item for item in left if _overlap(item[1], finding)]
        if same:
            left = [item for item in left if item not in same]
            number, episode = _as_one(world, same, now)
            if finding.ended_at is not None and episode.ended_at is None:
                obligation.episode_moved(world, facts, number, finding._replace(ended_at=None), now)
                obligation.episode_ended(world, facts, number, finding, now)
            else:
                obligation.episode_moved(world, facts, number, finding, now)
        else:
            number = world.next_episode
            obligation.episode_began(world, facts, place, finding, now)
            if finding.ended_at is not None:
                obligation.episode_ended(world, facts, number, finding, now)
    for number, episode in left:  # a late reading contradicts it; what was promised stands, it only ends
        if episode.ended_at is None:
            gone = Finding(episode.condition, episode.began_at, episode.began_at, episode.worst, episode.seen)
            obligation.episode_ended(world, facts, number, gone, now)


def _as_one(world: World, same: Sequence[tuple[int, Episode]], now: datetime) -> tuple[int, Episode]:
    """Return the one episode that several turn out to be; one with a ticket of its own stays."""
    number, episode = same[0]
    for other, later in same[1:]:
        if later.ticket not in (None, episode.ticket):
            number, episode = other, later
            continue
        world.drop_episode(other)
        if episode.ticket is not None:
            since = f"{later.began_at:%Y-%m-%d %H:%M} UTC"
            telling.record(world, now, episode.ticket, "joined", f"what began {since} is the same episode")
    return number, episode


def _overlap(episode: Episode, finding: Finding) -> bool:
    """Whether they share a time; of one that ended as it began that moment is enough, and of others none."""
    begin = max(episode.began_at, finding.began_at)
    end = min((at for at in (episode.ended_at, finding.ended_at) if at is not None), default=None)
    is_moment = episode.began_at == episode.ended_at or finding.began_at == finding.ended_at
    return end is None or begin < end or (is_moment and begin == end)
