"""What people report that no sensor sees: hazards, a hand-held reading, an educator's written notice.

Rule: the contract's own instrument is the hand-held one (9.9.2): its reading is judged like a sensor of its
own, and one over a limit is enough. A written notice and a new work location are put on record and open
nothing.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from safetyd.core import obligation, telling
from safetyd.core.errors import ActionError, TransitionError
from safetyd.core.model import HAND, Condition, Episode, Hazard, Mark, Observation, Place, Role, Sensor, Worst
from safetyd.core.quality import Flaw
from safetyd.core.ticket import Ticket
from safetyd.core.world import Facts, World

_COLDEST_F, _HOTTEST_F = 32.0, 160.0  # of a heat index that an instrument shows


@dataclass(frozen=True, slots=True)
class Report:
    """What a person said of a place; exactly one of hazard, temperature, heat index, notice, location, mains
    is given."""

    place: Place
    by: str
    note: str = ""
    hazard: Hazard | None = None
    temperature_f: float | None = None
    temperature_c: float | None = None
    humidity: float | None = None
    instrument: str = ""
    notice: Condition | None = None
    location: str | None = None
    mains: bool | None = None
    role: Role | None = None
    heat_index_f: float | None = None


def check(facts: Facts, report: Report) -> None:
    """Refuse a report of an unknown place, without a name, or of nothing or several things.

    Raises:
        ActionError: in a sentence.
    """
    if not report.by.strip():
        raise ActionError("a report needs by: the name of who reports")
    if report.place not in facts.places:
        raise ActionError(f"there is no {'building' if report.place.room is None else 'room'} {report.place}")
    facts.role_of(report.by, report.place.building, report.role)
    has_temperature = report.temperature_f is not None or report.temperature_c is not None
    said = [report.hazard, report.notice, report.location, report.mains, report.heat_index_f]
    if sum(thing is not None for thing in [*said, has_temperature or None]) != 1:
        raise ActionError(
            "a report needs one of hazard, temperature_f or temperature_c, heat_index_f, notice, location,"
            " mains"
        )
    if report.heat_index_f is not None and not _COLDEST_F <= report.heat_index_f <= _HOTTEST_F:
        said_f = f"heat_index_f: {report.heat_index_f:g} °F"
        raise ActionError(
            f"{said_f} is beyond what an instrument shows; {_COLDEST_F:g} to {_HOTTEST_F:g} is known"
        )
    if report.heat_index_f is not None and report.place.room is None:
        raise ActionError("a hand-held reading needs its room")
    if report.mains is not None and report.place.room is not None:
        raise ActionError("mains are the building's: room must be null; one room's are a hazard: electricity")
    if has_temperature and report.humidity is None:
        raise ActionError("a hand-held reading needs humidity beside the temperature")
    if has_temperature and report.place.room is None:
        raise ActionError("a hand-held reading needs its room")
    if report.temperature_f is not None and report.temperature_c is not None:
        raise ActionError("temperature_f and temperature_c are both given; give the one that was read")


def observation(report: Report, now: datetime) -> Observation | None:
    """Return what a person measured, or saw of the mains, as an observation; None for any other report."""
    if report.mains is not None:
        sensor = Sensor(report.place, HAND + report.by)
        return Observation(sensor, now, now, mains=report.mains, stamp=_words(report), by_hand=True)
    if report.temperature_f is None and report.temperature_c is None:
        return None
    sensor = Sensor(report.place, HAND + (report.instrument or report.by))
    return Observation(
        sensor,
        now,
        now,
        temperature_f=report.temperature_f,
        temperature_c=None if report.temperature_f is not None else report.temperature_c,
        humidity=report.humidity,
        stamp=_words(report),
        by_hand=True,
    )


def _words(report: Report) -> str:
    said = f"measured by {report.by}" + (f" with {report.instrument}" if report.instrument else "")
    return said + (f": {report.note}" if report.note else "")


def measured(world: World, report: Report, now: datetime) -> Ticket | None:
    """Put what a person measured or saw on record with the open tickets of its place; return the first."""
    if report.mains is not None:
        conditions: tuple[Condition, ...] = (Condition.OUTAGE,)
        event, said = "witnessed", "there is power" if report.mains else "there is no power"
    else:
        conditions, event = (Condition.COLD, Condition.HEAT), "measured"
        sent = f"{report.temperature_c} °C" if report.temperature_f is None else f"{report.temperature_f} °F"
        said = f"{sent}, {report.humidity} %" + (f", with {report.instrument}" if report.instrument else "")
    note = f"{said}; {report.note}" if report.note else said
    found = [id for c in conditions if (id := world.open.get((report.place, c, None))) is not None]
    for id in sorted(found):
        telling.record(world, now, id, event, note, report.by)
    return world.tickets[found[0]] if found else None


def put_on_record(world: World, facts: Facts, report: Report, now: datetime) -> Ticket | None:
    """Carry out a report that is no reading, and return the hazard's ticket if it is one.

    Raises:
        TransitionError: a written notice or new location, and no ticket of that room is open.
    """
    if report.hazard is not None:
        return _hazard(world, facts, report, report.hazard, now)
    if report.heat_index_f is not None:
        return _heat_index(world, facts, report, report.heat_index_f, now)
    conditions = list(Condition) if report.notice is None else [report.notice]
    standing = sorted(
        id
        for (place, condition, _), id in world.open.items()
        if place == report.place and condition in conditions
    )
    if not standing:
        raise TransitionError(f"no ticket of {report.place} is open that this could be put on record with")
    event = "notice" if report.notice is not None else "location"
    note = "; ".join(words for words in (report.location, report.note) if words)
    role = facts.role_of(report.by, report.place.building, report.role)
    detail = {"role": role} if role else {}
    for id in standing:
        telling.record(world, now, id, event, note, report.by, **detail)
    return None


def _hazard(world: World, facts: Facts, report: Report, hazard: Hazard, now: datetime) -> Ticket:
    subject = (report.place, Condition.HAZARD, hazard)
    return obligation.raise_ticket(world, facts, subject, now, now, report.by, report.note)


def _heat_index(world: World, facts: Facts, report: Report, value_f: float, now: datetime) -> Ticket | None:
    """An instrument that shows the heat index itself: it is an episode of one moment where it is a breach."""
    said = f"heat index {value_f:g} °F" + (f", with {report.instrument}" if report.instrument else "")
    note = f"{said}; {report.note}" if report.note else said
    standing = world.open.get((report.place, Condition.HEAT, None))
    if value_f <= facts.book.in_force(now).heat.above_f:
        if standing is not None:
            telling.record(world, now, standing, "measured", note, report.by)
        return None
    if (report.place, Condition.HEAT) in world.running and standing is not None:
        telling.record(world, now, standing, "measured", note, report.by)
        return world.tickets[standing]
    before = _lately(world, facts, standing, now)
    if standing is not None and before is not None:  # the same heat, measured again
        episode = world.episodes[before]
        worst = max(filter(None, (episode.worst, Worst(value_f, now))), key=lambda each: each.value)
        world.put_episode(before, replace(episode, ended_at=now, worst=worst))
        telling.record(world, now, standing, "measured", note, report.by)
        return world.tickets[standing]
    number = world.new_episode(Episode(report.place, Condition.HEAT, now, now, Worst(value_f, now)))
    return obligation.take_up(world, facts, number, now, now, f"measured by {report.by}: {note}")


def _lately(world: World, facts: Facts, ticket: str | None, now: datetime) -> int | None:
    """The episode of a ticket that ended so lately that the breach may as well go on."""
    gone = now - facts.book.in_force(now).heat.end_after
    found = [
        (episode.ended_at, number)
        for number, episode in world.episodes.items()
        if ticket is not None and episode.ticket == ticket and episode.ended_at is not None
    ]
    return max((number for ended_at, number in found if ended_at >= gone), default=None)


def refuse_flawed(flaws: tuple[Flaw, ...]) -> None:
    """Refuse a hand-held reading that cannot be true.

    Raises:
        ActionError: with the reason.
    """
    for flaw in flaws:
        if flaw.mark is Mark.REJECTED:
            raise ActionError(f"{flaw.quantity}: {flaw.reason}")
