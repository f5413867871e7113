"""Watches buildings from afar: hears their gateways, and when one falls silent says what that means.

Rule: only what is fresh is a sign of life; what a broker remembers fills in what was last known. A silence is
a trouble of its building, told apart by `afar`; where that means a suspected outage, the silence is a witness
like that of devices, heard only where nobody has a vote. While we hear nobody at all, no building is judged;
after an hour of that, with our broker there, each counts as without power: a false silence does more harm.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from safetyd.core import afar, power, telling
from safetyd.core.afar import Afar, Cause, Hello, Known, Life, Link, LinkWord, Mains, Own, Span
from safetyd.core.health import Health, expected
from safetyd.core.model import (
    EVERYWHERE,
    GATEWAY,
    SILENCE,
    Condition,
    Observation,
    Place,
    Sensor,
    TroubleKind,
)
from safetyd.core.ticket import Status
from safetyd.core.trouble import Sign
from safetyd.core.units import JUST_AFTER
from safetyd.core.world import Facts, Watched, World

OURSELVES = "the whole site"  # the subject of the trouble that we hear nobody
SILENT_GATEWAY = f"{SILENCE}gateway"
_OURS_FOR = timedelta(hours=1)  # ours: our own network is mended by then, or it is not the network
_STAGGER = timedelta(seconds=65)  # each speaks once a minute: cut off together, so far apart at most
_RAISED = (Cause.STOPPED, Cause.NO_NETWORK, Cause.NO_GATEWAY, Cause.NO_MAINS)


def sensor_of(building: str, gateway: str, silent_after: timedelta) -> Sensor:
    """Return a gateway as a witness of its building; its word counts until it is silent."""
    return Sensor(Place(building, None), f"{GATEWAY}{gateway}", lapse=silent_after)


def watched_by(facts: Facts, key: str) -> str | None:
    """Return the building whose gateway has this key, None if it is another sensor's."""
    building = key.partition("/")[0]
    watched = facts.watched.get(building)
    return building if watched is not None and watched.sensor.key == key else None


def expect(world: World, facts: Facts, now: datetime, since: datetime | None = None) -> None:
    """Wait for every gateway from now on; while we were away they were all silent to us.

    With `since` they have so much less time to speak.
    """
    if not facts.watched:
        return
    world.listening_since = max(since or now, world.listening_since)
    quality = facts.book.in_force(now).quality
    for building, watched in facts.watched.items():
        sensor = watched.sensor
        known = world.afar.get(building, afar.NOTHING)
        health = world.health.setdefault(sensor.key, expected(sensor, now, quality))
        if known.heard_at is not None and (health.heard_at is None or health.heard_at < known.heard_at):
            until = max(health.until, known.heard_at + _patience(watched))
            world.health[sensor.key] = health._replace(heard_at=known.heard_at, until=until)
        world.places[sensor.key] = sensor.place
        if known.cause in _RAISED and TroubleKind.SILENT not in world.troubles.get(sensor.key, {}):
            known = known._replace(cause=Cause.WELL, since=None)  # it had left the site file
            world.put_afar(building, known)
        if known.cause not in _RAISED:
            _wait(world, watched, now)


def hear(
    world: World, facts: Facts, building: str, heard: afar.Heard, now: datetime, *, is_retained: bool
) -> Iterator[Observation]:
    """Take in a word on a building, and yield what is concluded from it of its mains."""
    known = world.afar.get(building, afar.NOTHING)
    match heard:
        case Own(id, outages):
            _hear_own(world, building, known, id, outages, now)
            return
        case Mains() if is_retained:
            world.put_afar(building, afar.after_mains(known, heard))
        case Mains():
            yield from _hear_mains(world, facts, building, known, heard, now)
        case Hello() | Life() | LinkWord():
            world.put_afar(building, afar.after_word(known, heard, now, is_retained=is_retained))
            if heard == LinkWord(True) and not is_retained:
                _hear_again(world, facts, now)
    yield from _judge_again(world, facts, building, now)


def _hear_mains(
    world: World, facts: Facts, building: str, known: Afar, heard: Mains, now: datetime
) -> Iterator[Observation]:
    if heard.at is not None and heard.at == known.stamp:
        return  # a bridge that comes back says again what its broker remembers
    at, off_by, known = afar.said_at(known._replace(stamp=heard.at), heard.at, now)
    watched, place = facts.watched[building], Place(building, None)
    wrong = f"its clock is {_ahead_or_behind(off_by)}" if off_by else ""
    sign = Sign(TroubleKind.CLOCK, bool(wrong), now, wrong)
    telling.signs(world, watched.sensor.key, place, [sign], now)
    health = world.health.get(watched.sensor.key)
    if health is not None and health.heard_at is not None and at < health.heard_at:
        world.put_afar(building, known)
        return
    world.put_afar(building, afar.after_mains(known._replace(heard_at=at), heard))
    is_alive = at + _patience(watched) >= now
    if is_alive:
        _hear_again(world, facts, now)
    standing = world.powers.get(place, power.EMPTY)
    if standing.at is not None and at < standing.at:
        at = max(at, standing.at) if is_alive else at
    since = None if heard.since is None else min(heard.since + off_by, at)
    mains = {power.Standing.ON: True, power.Standing.OUT: False}.get(heard.standing)
    yield Observation(watched.sensor, at, now, mains=mains, device_at=since if mains is False else None)
    is_presumed = standing.words.get(SILENT_GATEWAY)
    was_out = is_presumed is not None and is_presumed.is_on is False
    if heard.standing is power.Standing.SUSPECTED and not was_out:
        yield _of_silence(place, False, at, now, since or at)
    elif heard.standing is not power.Standing.SUSPECTED and was_out and is_alive:
        yield _of_silence(place, True, at, now, at)
    if is_alive and known.cause in _RAISED:
        _note_return(world, place, heard.standing, now)
    if is_alive:  # that its silence is over shows in its own word
        changed = world.afar[building]
        word = afar.Word.NONE if changed.word is afar.Word.STOPPED else changed.word
        world.put_afar(building, changed._replace(cause=Cause.WELL, since=None, word=word, link_lost_at=None))


def _note_return(world: World, place: Place, standing: power.Standing, now: datetime) -> None:
    """Write into the ticket that a silence opened what the gateway says when it is heard again."""
    ticket = world.tickets.get(world.open.get((place, Condition.OUTAGE, None), ""))
    if ticket is not None and ticket.is_presumed and standing is power.Standing.ON:
        note = (
            "its own safetyd is heard again and says that power is on; was it out meanwhile? ask, and note it"
        )
        telling.record(world, now, ticket.id, "heard_again", note)


def _ahead_or_behind(off_by: timedelta) -> str:
    minutes = abs(off_by) / timedelta(minutes=1)
    return f"{minutes:.0f} min {'behind' if off_by > timedelta(0) else 'ahead'}"


def _of_silence(place: Place, is_on: bool, at: datetime, known_at: datetime, since: datetime) -> Observation:
    return Observation(Sensor(place, SILENT_GATEWAY), at, known_at, mains=is_on, device_at=since)


def _patience(watched: Watched) -> timedelta:
    assert watched.sensor.lapse is not None
    return watched.sensor.lapse


def _wait(world: World, watched: Watched, now: datetime) -> None:
    health = world.health[watched.sensor.key]
    until = max(health.until, world.listening_since + _patience(watched))
    world.schedule("silence", watched.sensor.key, max(until + JUST_AFTER, now))


def pass_silence(world: World, facts: Facts, building: str, at: datetime) -> Observation | None:
    """Judge a gateway that has said nothing for too long, or look again when it may be.

    Returns what is concluded from it of the mains.
    """
    watched = facts.watched[building]
    health, known = world.health[watched.sensor.key], world.afar.get(building, afar.NOTHING)
    until = max(health.until, world.listening_since + _patience(watched))
    if until >= at:
        _wait(world, watched, at)
        return None
    if known.cause in _RAISED:
        return None
    return _judge(world, facts, building, health, at)


def _judge_again(world: World, facts: Facts, building: str, now: datetime) -> Iterator[Observation]:
    """What is learned of a building that is silent may mean that something else is the matter."""
    if world.afar.get(building, afar.NOTHING).cause in _RAISED:
        concluded = _judge(world, facts, building, world.health[facts.watched[building].sensor.key], now)
        if concluded is not None:
            yield concluded


def _judge(world: World, facts: Facts, building: str, health: Health, now: datetime) -> Observation | None:
    known = world.afar.get(building, afar.NOTHING)
    is_ours = known.cause not in _RAISED and _is_ours(world, facts, building, now)
    ours_until = health.until + _OURS_FOR
    if world.deaf_since is None and now > ours_until:  # the broker is there: a storm may have them all
        is_ours = False
    found = afar.told_apart(Known(known.said, known.word, known.link, is_ours))
    if found.cause is Cause.UNHEARD:
        world.put_afar(building, known._replace(cause=Cause.UNHEARD, since=known.since or now))
        if now <= ours_until:
            world.schedule("silence", facts.watched[building].sensor.key, ours_until + JUST_AFTER)
        if world.deaf_since is None:
            _complain(
                world, f"nobody is heard any more: our own network, or all {_gateways(facts)} at once", now
            )
        return None
    why = found.why if health.heard_at is not None else f"{found.why}; never heard"
    if found.cause is not known.cause:
        alive_at = health.heard_at or health.until
        _raise(world, facts.watched[building].sensor, f"{found.cause}: {why}", alive_at, now)
        world.put_afar(building, known._replace(cause=found.cause, since=now))
    return _presumption(world, building, health, found.cause, now)


def _presumption(
    world: World, building: str, health: Health, cause: Cause, now: datetime
) -> Observation | None:
    """What a silence says of the mains: out since the last sign of life, or on while the network lives."""
    place, known = Place(building, None), world.afar[building]
    word = world.powers.get(place, power.EMPTY).words.get(SILENT_GATEWAY)
    was_out = word is not None and word.is_on is False
    if cause in afar.PRESUMED_OUT and not was_out and health.heard_at is not None:
        alive_at = max(health.heard_at, known.link_lost_at or health.heard_at)
        return _of_silence(place, False, now, now, alive_at)
    if cause is Cause.NO_GATEWAY and was_out:
        return _of_silence(place, True, now, now, now)
    return None


def _raise(world: World, sensor: Sensor, note: str, began_at: datetime, now: datetime) -> None:
    """Begin the trouble of a silent building; of one that stands, only what it means changes."""
    standing = world.troubles.get(sensor.key, {}).get(TroubleKind.SILENT)
    if standing is not None:
        world.put_trouble(replace(standing, ended_at=max(now, standing.began_at)))
        began_at = now
    sign = Sign(TroubleKind.SILENT, True, began_at, note)
    telling.signs(world, sensor.key, sensor.place, [sign], now, is_urgent=True)


# Whether it is we who do not hear


def _gateways(facts: Facts) -> int:
    return len({watched.gateway for watched in facts.watched.values()})


def _is_ours(world: World, facts: Facts, building: str, at: datetime) -> bool:
    """Whether everybody who was heard fell silent together, and nothing shows that our network lives."""
    if world.deaf_since is not None or TroubleKind.GAP in world.troubles.get(OURSELVES, {}):
        return True
    if any(world.afar.get(each, afar.NOTHING).link is Link.UP for each in facts.watched):
        return False
    gateway = facts.watched[building].gateway
    others = [
        world.health[watched.sensor.key]
        for other, watched in facts.watched.items()
        if watched.gateway != gateway and not _is_explained(world.afar.get(other, afar.NOTHING))
    ]
    heard = [health for health in others if health.heard_at is not None]
    return bool(heard) and all(health.until - _STAGGER < at for health in heard)


def _is_explained(known: Afar) -> bool:
    """Whether a building's silence has been told already, or would be explained by what it said itself."""
    words = Known(known.said, known.word)
    return known.cause in _RAISED or afar.told_apart(words).cause in (Cause.NO_MAINS, Cause.STOPPED)


def _complain(world: World, note: str, now: datetime) -> None:
    if TroubleKind.GAP not in world.troubles.get(OURSELVES, {}):
        sign = Sign(TroubleKind.GAP, True, now, note)
        telling.signs(world, OURSELVES, EVERYWHERE, [sign], now, is_urgent=True)


def go_deaf(world: World, facts: Facts, now: datetime) -> None:
    """Take in that our own connection to the broker is gone."""
    if facts.watched and world.deaf_since is None:
        world.deaf_since = world.now = max(now, world.now)
        world.schedule("deaf", OURSELVES, now + _least_patience(facts))


def pass_deafness(world: World, facts: Facts, at: datetime) -> None:
    """Say once that we hear nobody, when the broker has been away for too long."""
    if world.deaf_since is None:
        return
    due_at = world.deaf_since + _least_patience(facts)
    if due_at > at:
        world.schedule("deaf", OURSELVES, due_at)
    else:
        _complain(world, "our own connection to the broker is gone: no building is watched", at)


def _least_patience(facts: Facts) -> timedelta:
    return min(map(_patience, facts.watched.values()))


def hear_broker(world: World, facts: Facts, now: datetime) -> None:
    """Take in that a connection to the broker is there, which will say again all that it remembers."""
    if not facts.watched:
        return
    world.now = max(now, world.now)
    was_short = world.deaf_since is not None and now - world.deaf_since < _STAGGER
    world.deaf_since = None
    for building, known in list(world.afar.items()):
        world.put_afar(building, known._replace(own={}))
    # After a moment each has the time of a word: a line that comes and goes must not hide who is silent.
    _listen_anew(world, facts, now, now + _STAGGER - _least_patience(facts) if was_short else now)


def wake_up(world: World, facts: Facts, since: datetime, now: datetime) -> None:
    """After a time in which we did nothing ourselves nobody is judged by it."""
    if facts.watched and now - since > _least_patience(facts) / 2:
        _listen_anew(world, facts, now, now)


def _hear_again(world: World, facts: Facts, now: datetime) -> None:
    """Somebody is heard: if we heard nobody, everybody has the time to speak before anybody is judged."""
    if TroubleKind.GAP in world.troubles.get(OURSELVES, {}):
        _listen_anew(world, facts, now, now)


def _listen_anew(world: World, facts: Facts, now: datetime, since: datetime) -> None:
    if TroubleKind.GAP in world.troubles.get(OURSELVES, {}):
        telling.signs(world, OURSELVES, EVERYWHERE, [Sign(TroubleKind.GAP, False, now)], now)
    for building, known in list(world.afar.items()):
        if known.cause is Cause.UNHEARD:
            world.put_afar(building, known._replace(cause=Cause.WELL, since=None))
    expect(world, facts, now, since)


# One outage, one ticket with duties


def _hear_own(
    world: World, building: str, known: Afar, id: str, outages: tuple[Span, ...] | None, now: datetime
) -> None:
    """Take in a building's own ticket; ours for the same outage leaves its duties to it."""
    if outages is None:
        world.put_afar(building, known._replace(own={k: v for k, v in known.own.items() if k != id}))
        for ticket in world.tickets.values():
            if ticket.joined == id and id in known.own:
                note = f"{id}, which carried it, was closed; whoever agrees closes this one too"
                telling.record(world, now, ticket.id, "own_closed", note)
        return
    known = known._replace(own={**known.own, id: outages})
    world.put_afar(building, known)
    standing = world.open.get((Place(building, None), Condition.OUTAGE, None))
    if standing is None:
        return
    spans = [Span(each.began_at, each.ended_at) for each in world.episodes_of(standing)]
    own = afar.carrier(known, spans)
    if own is not None:  # to close it is still a person's
        world.put_ticket(replace(world.tickets[standing], status=Status.JOINED, joined=own))
        note = f"the building has its own ticket for this outage, {own}: its deadlines count"
        telling.record(world, now, standing, "joined", note, own=own)
