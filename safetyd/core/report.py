"""What people report that no sensor sees: hazards, a hand-held reading, an educator's written notice.

Rule: the contract's own instrument is the hand-held one (9.9.2): its reading is judged like a sensor of its
own, and one over a limit is enough. A written notice and a new work location are put on record and open
nothing.
"""

from dataclasses import dataclass
from datetime import datetime

from safetyd.core import obligation, telling
from safetyd.core.errors import ActionError, TransitionError
from safetyd.core.model import HAND, Condition, Hazard, Mark, Observation, Place, Sensor
from safetyd.core.quality import Flaw
from safetyd.core.ticket import Ticket
from safetyd.core.world import Facts, World


@dataclass(frozen=True, slots=True)
class Report:
    """What a person said of a place; exactly one of hazard, temperature, notice, location, mains is given."""

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


def check(facts: Facts, report: Report) -> None:
    """Refuse a report of an unknown place, without a name, or of nothing or several things.

    Raises:
        ActionError: in a sentence.
    """
    if not report.by.strip():
        raise ActionError("a report needs by: the name of who reports")
    if report.place not in facts.places:
        raise ActionError(f"there is no {'building' if report.place.room is None else 'room'} {report.place}")
    has_temperature = report.temperature_f is not None or report.temperature_c is not None
    said = [report.hazard, report.notice, report.location, report.mains, has_temperature or None]
    if sum(thing is not None for thing in said) != 1:
        raise ActionError(
            "a report needs one of hazard, temperature_f or temperature_c, notice, location, mains"
        )
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


def measured(world: World, report: Report, now: datetime) -> None:
    """Put what a person measured or saw on record with the tickets of its place that are open."""
    if report.mains is not None:
        ticket = world.open.get((report.place, Condition.OUTAGE, None))
        if ticket is not None:
            seen = "there is power" if report.mains else "there is no power"
            note = f"{seen}; {report.note}" if report.note else seen
            telling.record(world, now, ticket, "witnessed", note, report.by)
        return
    temperature = (
        f"{report.temperature_c} °C" if report.temperature_f is None else f"{report.temperature_f} °F"
    )
    said = f"{temperature}, {report.humidity} %" + (
        f", with {report.instrument}" if report.instrument else ""
    )
    note = f"{said}; {report.note}" if report.note else said
    for (place, condition, _), id in sorted(world.open.items(), key=lambda item: item[1]):
        if place == report.place and condition in (Condition.COLD, Condition.HEAT):
            telling.record(world, now, id, "measured", note, report.by)


def put_on_record(world: World, facts: Facts, report: Report, now: datetime) -> Ticket | None:
    """Carry out a report that is no reading, and return the hazard's ticket if it is one.

    Raises:
        TransitionError: a written notice or new location, and no ticket of that room is open.
    """
    if report.hazard is not None:
        return _hazard(world, facts, report, report.hazard, now)
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
    for id in standing:
        telling.record(world, now, id, event, note, report.by)
    return None


def _hazard(world: World, facts: Facts, report: Report, hazard: Hazard, now: datetime) -> Ticket:
    subject = (report.place, Condition.HAZARD, hazard)
    return obligation.raise_ticket(world, facts, subject, now, now, report.by, report.note)


def refuse_flawed(flaws: tuple[Flaw, ...]) -> None:
    """Refuse a hand-held reading that cannot be true.

    Raises:
        ActionError: with the reason.
    """
    for flaw in flaws:
        if flaw.mark is Mark.REJECTED:
            raise ActionError(f"{flaw.quantity}: {flaw.reason}")
