"""What the words of the record are called on paper, and its moments by the site's clocks.

Rule: a word that has no name here stands as it is; a moment names its zone, for an hour may come twice.
"""

import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from safetyd.evidence.case import Duty, Ticket
from safetyd.record_words import not_yet

Moment = Callable[[datetime | None], str]

CONDITIONS = {"cold": "Too cold", "heat": "Too hot", "outage": "No electricity", "hazard": "Hazard"}
CLAUSES = {  # the numbers as printed, and those that are meant where the contract counts by its older ones
    "9.14.3": "9.14.3, extreme temperature; relief by 9.9.4 (9.14.3.B prints “9.8.2”)",
    "9.14.4": "9.14.4, hazards of 9.9.2.C; relief by 9.9.4",
    "9.14.5": "9.14.5, loss of electricity; relief by 9.9.4 (printed “9.8.4”)",
}
TIERS = {
    "mitigation": "Relief from the temperature",
    "immediate": "Immediate relief",
    "midterm": "Midterm relief",
    "long_term": "Long-term resolution",
}
DEADLINES = {
    "unset": "no date set",
    "pending": "pending",
    "met": "met",
    "missed": "missed",
    "met_late": "met late",
}
DUTIES = {
    "on_record": "on record",
    "not_on_record": "not on record",
    "overdue": "not on record, its time is over",
}
EVENTS = {
    "opened": "Ticket opened",
    "recurred": "Out of range again",
    "ended": "In range again",
    "began_earlier": "Began earlier than known",
    "relieved": "Relief recorded",
    "extended": "Date extended",
    "missed": "Deadline missed",
    "escalated": "More people told",
    "tell_district": "District told",
    "close_building": "Building closed",
    "lift": "Reopening of the building proposed",
    "confirm_lift": "Building open again",
    "notice": "Written notice",
    "second_limb": "Too cold or too hot while power is out",
    "joined": "Joined to another ticket",
    "ambiguous": "The contract leaves open",
    "location": "New work location",
    "shelved": "Messages held back",
    "unshelved": "Messages sent again",
}
QUANTITIES = {"heat_index": "heat index", "mains": "electricity"}
_SPANS = (
    *("end_after", "pair_within", "longer_than", "warn_at", "restored_after"),
    *("immediate", "mitigation", "overdue_every", "stale_after", "stuck_after"),
)
_ENDS = {"_f": "°F", "_f_per_min": "°F a minute", "_c": "°C", "_v": "V", "battery_below": "%"}
_UNITS = {"degF": "°F", "degC": "°C", "percent": "%", "celsius": "°C"}


def moments(zone: ZoneInfo) -> Moment:
    """Return what says a moment by the clocks of `zone`: Tue 1 Dec 2026, 08:05 PST; nothing for None."""

    def moment(at: datetime | None) -> str:
        if at is None:
            return ""
        local = at.astimezone(zone)
        clock = f"{local:%H:%M:%S}" if local.second else f"{local:%H:%M}"
        return f"{local:%a} {local.day} {local:%b %Y}, {clock} {local:%Z}"

    return moment


def plain(word: str) -> str:
    """Return a word of the record as people write it."""
    return word.replace("_", " ")


def event(word: str) -> str:
    """Return what happened, in words."""
    return EVENTS.get(word, plain(word).capitalize())


def tier(word: str) -> str:
    """Return the name of a step of relief."""
    return TIERS.get(word, plain(word).capitalize())


def quantity(word: str) -> str:
    """Return what was measured."""
    return QUANTITIES.get(word, plain(word))


def unit(word: str) -> str:
    """Return a unit as it is written."""
    return _UNITS.get(word, word)


def share(part: float, whole: float) -> str:
    """Return a part in percent; what is short of all is never called 100 %, nor what there is 0 %."""
    if whole <= 0:
        return "–"
    percent = 100 * part / whole
    if 0 < part < whole:
        percent = min(max(percent, 0.1), 99.9)
    return f"{percent:.1f} %"


def length(seconds: float) -> str:
    """Return a duration in its two largest units, days from two on; what is none of it is left out."""
    minutes = round(seconds / 60)
    if not minutes:
        return f"{round(seconds)} s"
    hours, minutes = divmod(minutes, 60)
    parts = [(hours // 24, "d"), (hours % 24, "h")] if hours >= 48 else [(hours, "h"), (minutes, "min")]
    return " ".join(f"{many} {name}" for many, name in parts if many)


def number(key: str, value: str) -> str:
    """Return a number of the rules with its unit; a span of time comes in seconds."""
    last = key.rpartition(".")[2]
    try:
        values = [float(each) for each in value.split(", ")]
    except ValueError:
        return plain(value)
    if last in _SPANS:
        return ", ".join(map(length, values))
    name = next((name for end, name in _ENDS.items() if last.endswith(end)), "")
    return f"{', '.join(f'{each:g}' for each in values)} {name}".rstrip()


def duty_state(duty: Duty, ticket: Ticket) -> str:
    """Return whether a duty is on record, in words."""
    if duty.state == "not_applicable":
        return not_yet(duty.clause, is_over=ticket.status in ("closed", "joined"))
    return DUTIES.get(duty.state, plain(duty.state))


def size(many: int) -> str:
    """Return how large a file is, in bytes."""
    return f"{many:,} bytes"


def lasted(begin: datetime, end: datetime) -> str:
    """Return how long something went on."""
    return length((end - begin) / timedelta(seconds=1))


def details(found: Mapping[str, Any], moment: Moment) -> str:
    """Return what a line of the history carries beside a person's words: its names, and what they are."""
    return "; ".join(f"{name}: {words}" for name, words in named(found, moment))


def named(found: Mapping[str, Any], moment: Moment) -> tuple[tuple[str, str], ...]:
    """Return what is there of a JSON object, by name."""
    return tuple((plain(name), _said(value, moment)) for name, value in sorted(found.items()) if value)


def _said(value: Any, moment: Moment) -> str:
    match value:
        case str():
            at = _as_moment(value)
            return plain(value) if at is None else moment(at)
        case None:
            return "–"
        case list() | tuple():
            return ", ".join(_said(each, moment) for each in value)
        case True:
            return "yes"
        case int() | float():
            return f"{value:g}"
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def _as_moment(text: str) -> datetime | None:
    if len(text) < 20 or not text.endswith("Z"):
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None
