"""The three things that can happen: a sensor speaks, time passes, a person acts.

Rule: every change of a World goes through `observe`, `read_again`, `elapse` or `act`; each is worked out for a
given moment, and how often `elapse` is called never changes an outcome. Time is passed strictly up to a
reading or an action, so what happens at the very moment of a limit comes before the limit.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from safetyd.core import obligation, power, room, trouble
from safetyd.core.errors import ActionError, TransitionError
from safetyd.core.model import Condition, Episode, Finding, Observation, Place, TroubleKind
from safetyd.core.notice import Reason, next_flush
from safetyd.core.quality import Flaw, judge
from safetyd.core.ticket import Action, Ticket, Verb
from safetyd.core.ticket import act as act_on
from safetyd.core.world import Facts, World

_REASONS = {
    Verb.ACKNOWLEDGE: Reason.ACKNOWLEDGED,
    Verb.RELIEVE: Reason.RELIEVED,
    Verb.EXTEND: Reason.EXTENDED,
    Verb.DISPUTE: Reason.DISPUTED,
    Verb.CLOSE: Reason.CLOSED,
}
_EVENTS = {
    Verb.ACKNOWLEDGE: "acknowledged",
    Verb.RELIEVE: "relieved",
    Verb.NOTE: "note",
    Verb.EXTEND: "extended",
    Verb.DISPUTE: "disputed",
    Verb.CLOSE: "closed",
    Verb.REOPEN: "reopened",
}


class Told(NamedTuple):
    """What became of an observation: the flaws of its values, and whether the past must be read again."""

    flaws: tuple[Flaw, ...] = ()
    is_late: bool = False


def observe(world: World, facts: Facts, observation: Observation, now: datetime) -> Told:
    """Take in what a sensor said, learned at `now`. A late observation changes nothing: see `read_again`."""
    place = observation.sensor.place
    if observation.retained:
        return Told()
    rules = facts.book.in_force(observation.observed_at)
    if place.room is None:
        found = flaws(facts, observation)
        if not found:
            told = power.observe(world.powers.get(place, power.EMPTY), observation, rules)
            if told is None:
                return Told(is_late=True)
            standing, steps = told
            standing, learned = power.pass_time(standing, now, rules)
            _keep_power(world, facts, place, standing, steps + _now_learned(learned, now), now)
    else:
        old = world.rooms.get(place, room.EMPTY)
        seen = room.observe(old, observation, rules)
        found = seen.judged.flaws
        if seen.is_late:
            _examine(world, facts, observation, found, now)
            return Told(found, is_late=True)
        world.rooms[place] = seen.room
        if seen.findings:
            _find(world, facts, place, seen.findings, now)
        if seen.room.cold.back or seen.room.heat.back:
            world.schedule("room", str(place), room.next_due(seen.room))
    _examine(world, facts, observation, found, now)
    return Told(found)


def _now_learned(steps: tuple[power.Step, ...], now: datetime) -> tuple[power.Step, ...]:
    """What a reading of the past brings about was not known when it happened, but only now."""
    return tuple(step._replace(at=now) for step in steps)


def _keep_power(
    world: World,
    facts: Facts,
    place: Place,
    standing: power.Power,
    steps: tuple[power.Step, ...],
    now: datetime,
) -> None:
    world.powers[place] = standing
    for step in steps:
        world.changes.places.add(place)
        obligation.outage_step(world, facts, place, step, now)
    if standing.is_out and not standing.is_breach:
        obligation.second_limb(world, facts, place.building, now)
    rules = facts.book.in_force(standing.at or now)
    world.places[str(place)] = place
    world.schedule("power", str(place), power.next_due(world.powers[place], rules))


def _find(world: World, facts: Facts, place: Place, findings: Iterable[Finding], now: datetime) -> None:
    world.changes.places.add(place)
    world.places[str(place)] = place
    for finding in findings:
        if finding.ended_at is None:
            obligation.episode_began(world, facts, place, finding, now)
        else:
            number = world.running.get((place, finding.condition))
            if number is not None:
                obligation.episode_ended(world, facts, number, finding, now)
    obligation.second_limb(world, facts, place.building, now)


def _examine(
    world: World, facts: Facts, observation: Observation, flaws: tuple[Flaw, ...], now: datetime
) -> None:
    if observation.by_hand:
        return
    place, key = observation.sensor.place, str(observation.sensor)
    quality = facts.book.in_force(observation.observed_at).quality
    health, signs = trouble.examine(world.health.get(key), observation, flaws, quality)
    world.health[key] = health
    standing = world.troubles.get(key, {})
    if health.repeats and TroubleKind.STUCK not in standing:
        neighbours = (
            other
            for name, other in world.health.items()
            if name != key and name.startswith(place.building + "/")
        )
        stuck = trouble.stuck(health, observation.observed_at, neighbours, quality)
        signs += [stuck] if stuck else []
    if len(world.rooms.get(place, room.EMPTY).sources) > 1:
        apart = trouble.disagreement(world.rooms[place], observation.observed_at, quality)
        signs += [apart] if apart else []
    fresh = trouble.news(signs, standing)
    if fresh:
        obligation.signs(world, key, place, fresh, now)
    if ("silence", key) not in world.scheduled:
        world.places[key] = place
        world.schedule("silence", key, trouble.next_silence(health))


def flaws(facts: Facts, observation: Observation) -> tuple[Flaw, ...]:
    """Return what is wrong with an observation in itself."""
    return judge(room.NOBODY, observation, facts.book.in_force(observation.observed_at).quality)[1].flaws


def complain(
    world: World, subject: str, place: Place, kind: TroubleKind, is_on: bool, now: datetime, note: str
) -> None:
    """Note a trouble that is not judged from values (unreadable, wrong clock, undeliverable), or its end."""
    fresh = trouble.news([trouble.Sign(kind, is_on, now, note)], world.troubles.get(subject, {}))
    obligation.signs(world, subject, place, fresh, now)


def schedule_all(world: World, facts: Facts, now: datetime) -> None:
    """Note everything that will fall due in a World that was read back."""
    for place, standing_room in world.rooms.items():
        world.places[str(place)] = place
        world.schedule("room", str(place), room.next_due(standing_room))
    for place, standing in world.powers.items():
        world.places[str(place)] = place
        world.schedule("power", str(place), power.next_due(standing, facts.book.in_force(standing.at or now)))
    for key, health in world.health.items():
        building, *middle = key.split("/")[:-1]
        world.places[key] = Place(building, middle[0] if middle else None)
        if TroubleKind.SILENT not in world.troubles.get(key, {}):
            world.schedule("silence", key, trouble.next_silence(health))
    for ticket in world.tickets.values():
        obligation.schedule_ticket(world, facts, ticket)
    for number, due_at in world.held.items():
        world.schedule("hold", str(number), due_at)
    for building, desk in world.desks.items():
        world.schedule("desk", building, next_flush(desk))


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
    world.rooms[place] = again
    for condition in (Condition.COLD, Condition.HEAT):
        found = _episodes(base, again, condition, findings)
        _reconcile(
            world, facts, place, found, [item for item in known if item[1].condition is condition], now
        )
    obligation.second_limb(world, facts, place.building, now)
    world.schedule("room", str(place), room.next_due(again))


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
    if was.is_breach and standing.began_at is not None:
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
        obligation.outage_step(world, facts, place, step, now)
    _reconcile(world, facts, place, found, known, now)
    if was.began_at is not None and standing.began_at is None and over:
        obligation.outage_step(world, facts, place, over[-1], now)
    _keep_power(world, facts, place, world.powers[place], (), now)


def _episodes(
    base: room.Room, again: room.Room, condition: Condition, findings: Iterable[Finding]
) -> list[Finding]:
    """Return every episode since `base` as one Finding, the last perhaps still running."""
    whole = [
        finding for finding in findings if finding.condition is condition and finding.ended_at is not None
    ]
    watch = again.watch(condition)
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
            number, episode = same[0]
            left = [item for item in left if item not in same]
            if finding.ended_at is not None and episode.ended_at is None:
                obligation.episode_moved(world, number, finding._replace(ended_at=None), now)
                obligation.episode_ended(world, facts, number, finding, now)
            else:
                obligation.episode_moved(world, number, finding, now)
        else:
            number = world.next_episode
            obligation.episode_began(world, facts, place, finding._replace(ended_at=None), now)
            if finding.ended_at is not None:
                obligation.episode_ended(world, facts, number, finding, now)
    for number, episode in left:  # a late reading contradicts it; what was promised stands, it only ends
        if episode.ended_at is None:
            gone = Finding(episode.condition, episode.began_at, episode.began_at, episode.worst, episode.seen)
            obligation.episode_ended(world, facts, number, gone, now)


def _overlap(episode: Episode, finding: Finding) -> bool:
    begins_before_end = finding.ended_at is None or episode.began_at <= finding.ended_at
    return begins_before_end and (episode.ended_at is None or finding.began_at <= episode.ended_at)


def elapse(world: World, facts: Facts, now: datetime) -> None:
    """Let time pass up to and including `now`."""
    for due in world.take_due(now):
        match due.kind:
            case "room" | "power":
                _pass_place(world, facts, world.places[due.key], due.at)
            case "silence":
                _pass_silence(world, due.key, due.at)
            case "hold":
                obligation.release(world, facts, int(due.key), due.at)
            case "ticket":
                obligation.ticket_due(world, facts, due.key, now)
            case "desk":
                obligation.flush(world, facts, due.key, due.at)


def _pass_place(world: World, facts: Facts, place: Place, at: datetime) -> None:
    if place.room is None:
        standing = world.powers[place]
        rules = facts.book.in_force(standing.at or at)
        _keep_power(world, facts, place, *power.pass_time(standing, at, rules), at)
        return
    passed, findings = room.pass_time(world.rooms[place], at)
    world.rooms[place] = passed
    if findings:
        _find(world, facts, place, findings, at)
    world.schedule("room", str(place), room.next_due(passed))


def _pass_silence(world: World, key: str, at: datetime) -> None:
    health = world.health[key]
    sign = trouble.silence(health, at)
    if sign is None:
        world.schedule("silence", key, trouble.next_silence(health))
    else:
        obligation.signs(world, key, world.places[key], trouble.news([sign], world.troubles.get(key, {})), at)


def act(world: World, facts: Facts, ticket_id: str, action: Action, now: datetime) -> Ticket:
    """Carry out a person's action on a ticket and return it.

    Raises:
        ActionError: there is no such ticket, or the action lacks something.
        TransitionError: the ticket's state does not allow it.
    """
    if not action.by.strip():
        raise ActionError(f"{action.verb} for {ticket_id} needs by: the name of who does it")
    ticket = world.tickets.get(ticket_id)
    if ticket is None:
        raise ActionError(f"there is no ticket {ticket_id!r}; see: safetyd tickets")
    standing = world.open.get(ticket.subject)
    if action.verb is Verb.REOPEN and standing not in (None, ticket_id):
        raise TransitionError(
            f"{ticket_id} cannot be reopened: {standing} is open for the same place and condition"
        )
    changed = act_on(ticket, action, obligation.verdict(world, facts, ticket, now), now)
    if action.verb is Verb.REOPEN:
        changed = replace(changed, told_until=now)
    world.put_ticket(changed)
    event = "dispute_withdrawn" if action.withdraw and action.verb is Verb.DISPUTE else _EVENTS[action.verb]
    obligation.record(world, now, ticket_id, event, action.note, action.by, **_detail(action))
    if action.verb in _REASONS:
        about = {**_detail(action), "by": action.by, "note": action.note, "event": event}
        obligation.tell(world, facts, _REASONS[action.verb], changed, now, **about)
    obligation.schedule_ticket(world, facts, changed)
    return changed


def _detail(action: Action) -> dict[str, str]:
    detail = {"tier": action.tier, "kind": action.kind, "until": action.until and action.until.isoformat()}
    return {name: str(value) for name, value in detail.items() if value}
