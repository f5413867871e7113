"""What is made of the time that nobody watched: whether it was a stop, a crash, or the power that was gone.

Rule: a hole in the watch is on record as a trouble of each building. Where the machine itself was down for
longer than the contract allows a building to be without electricity, a ticket asks people what happened.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from safetyd.core import obligation, power, telling
from safetyd.core.model import EVERYWHERE, Condition, Episode, Observation, Place, TroubleKind
from safetyd.core.register import Question, answer, answered
from safetyd.core.trouble import Sign
from safetyd.core.world import Facts, World

HOLE_OF_OURS = "the site"
LEAST = timedelta(seconds=60)  # ours: a restart takes less


class Beat(NamedTuple):
    """A sign of life: the machine's boot it was given in; `is_last` when the daemon was stopped in order.

    `since_boot` is None where nobody counted; not `is_sure` when it was given by a clock that was believed
    for want of a better.
    """

    at: datetime
    boot: str
    is_last: bool = False
    since_boot: timedelta | None = None
    is_sure: bool = True


class Cause(StrEnum):
    """Why nobody watched."""

    STOPPED = "safetyd was stopped"
    CRASHED = "safetyd had crashed"
    RESTARTED = "the machine was shut down in order"
    LOST = "the machine stopped without warning, as when it loses power"
    FORGOTTEN = "the broker has forgotten us, so what was said to it meanwhile may be missing"
    MOVED = (
        "another broker has taken us, which has kept nothing for us: what was said to it meanwhile, "
        "or waits at the one before, may be missing"
    )


class Hole(NamedTuple):
    """A span that nobody watched."""

    began_at: datetime
    ended_at: datetime
    cause: Cause

    @property
    def was_down(self) -> bool:
        """Whether the machine itself was down: while it ran, it had power."""
        return self.cause in (Cause.RESTARTED, Cause.LOST)


def hole(last: Beat | None, now: datetime, boot: str, since_boot: timedelta | None = None) -> Hole | None:
    """Return the span between the last sign of life and a start at `now`, None if it is none to speak of.

    Where the last sign was given by a clock that was not sure, and the clock was put right while nobody
    watched, the span is that of the machine's own silence before.
    """
    if last is None or now - last.at <= LEAST:
        return None
    if last.boot == boot:
        if not last.is_sure and since_boot is not None and last.since_boot is not None:
            put_forward = now - last.at - (since_boot - last.since_boot)
            if put_forward > LEAST:
                return Hole(last.at, now, Cause.LOST)
        return Hole(last.at, now, Cause.STOPPED if last.is_last else Cause.CRASHED)
    return Hole(last.at, now, Cause.RESTARTED if last.is_last else Cause.LOST)


def wake(world: World, facts: Facts, found: Hole, now: datetime) -> None:
    """Put a hole on record, and ask about an outage that it may hide."""
    world.now = max(now, world.now)
    put_on_record(world, facts, found, now)
    if facts.watched:  # from afar: that we did not look says nothing of how the buildings were
        return
    for place in sorted(facts.places, key=str):
        if place.room is not None:
            continue
        longer_than = facts.book.in_force(found.began_at).outage.longer_than
        if found.was_down and found.ended_at - found.began_at > longer_than:
            _ask(world, facts, place, found, now)


def put_on_record(world: World, facts: Facts, found: Hole, now: datetime) -> None:
    """Note a hole as a trouble of each building, or from afar of the site, that is over."""
    signs = [
        Sign(TroubleKind.GAP, True, found.began_at, found.cause),
        Sign(TroubleKind.GAP, False, found.ended_at),
    ]
    if facts.watched:
        telling.signs(world, HOLE_OF_OURS, EVERYWHERE, signs, now)
        return
    for place in sorted(facts.places, key=str):
        if place.room is None:
            telling.signs(world, f"{place.building}/watch", place, signs, now)


def _ask(world: World, facts: Facts, place: Place, found: Hole, now: datetime) -> None:
    """Open a ticket for what may have been an outage; one that was known to run goes on by itself."""
    if world.powers.get(place, power.EMPTY).began_at is not None:
        return
    episode = Episode(place, Condition.OUTAGE, found.began_at, found.ended_at)
    number = world.new_episode(episode)
    span = f"{found.began_at:%Y-%m-%d %H:%M} to {found.ended_at:%Y-%m-%d %H:%M} UTC"
    note = f"possible 9.14.5 event, to be confirmed or denied: nobody watched from {span}, and {found.cause}"
    ticket = obligation.take_up(world, facts, number, found.began_at, now, note, is_presumed=True)
    standing = world.powers.get(place, power.EMPTY)
    if standing.registers:
        asked = Question(ticket.id, found.ended_at, standing.registers)
        world.powers[place] = standing._replace(question=asked)
        world.changes.places.add(place)


def weigh(world: World, observation: Observation, now: datetime) -> None:
    """Put on record what a meter's register says of a time that nobody watched, once it is heard again."""
    place = observation.sensor.place
    standing = world.powers.get(place, power.EMPTY)
    said = answer(standing.question, observation)
    if standing.question is None or not said:
        return
    telling.record(world, now, standing.question.ticket, "register", said)
    left = answered(standing.question, observation.sensor.id)
    world.powers[place] = standing._replace(question=left)
    world.changes.places.add(place)
