"""One ticket with every fact that its evidence packet tells, as frozen values.

Rule: a Case is `ticket.json` of the packet, read: whatever is drawn of a Case stands there too. A name that
is withheld is in neither.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

import msgspec

FORMAT = 1  # of the packet
STAMP = "stamp.tsr"  # the part with what an authority has signed
_OF_EVERY_LINE = frozenset({"at", "event", "by", "note", "hash", "attachments"})


@dataclass(frozen=True, slots=True)
class Head:
    """The last row of the chain when the packet was made."""

    number: int
    at: datetime
    hash: str


@dataclass(frozen=True, slots=True)
class Stamp:
    """The newest word of an authority that a row of the chain was there: its answer is the part `path`."""

    number: int
    hash: str
    at: datetime
    by: str
    path: str


@dataclass(frozen=True, slots=True)
class Segment:
    """The rows of the chain that the packet holds."""

    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Worst:
    """The most extreme value of a ticket; `humidity` says where none was known and one was assumed."""

    value: float
    unit: str
    at: datetime
    humidity: str | None = None


@dataclass(frozen=True, slots=True)
class Episode:
    """One stretch of breach; `coverage` is the share of it that was seen, 0 to 1."""

    began_at: datetime
    ended_at: datetime | None
    worst: float | None
    coverage: float


@dataclass(frozen=True, slots=True)
class Deadline:
    """One tier's promise and what became of it."""

    tier: str
    due_at: datetime | None
    state: str
    met_at: datetime | None = None
    by: str | None = None
    extended_to: datetime | None = None
    amended_to: datetime | None = None
    basis: str = ""


@dataclass(frozen=True, slots=True)
class Proof:
    """One line of the record by which a duty is done."""

    at: datetime
    by: str
    words: str


@dataclass(frozen=True, slots=True)
class Duty:
    """What a clause asks for, whether it is on record (`core.duty.Record`), with who and when."""

    clause: str
    duty: str
    state: str
    due_at: datetime | None
    proofs: tuple[Proof, ...]


@dataclass(frozen=True, slots=True)
class File:
    """A file that goes with a note; `path` is where in the packet it lies, None if the store has lost it."""

    name: str
    size: int
    sha256: str
    path: str | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the history; `detail` is what it carries beside a person's words."""

    at: datetime
    event: str
    by: str
    note: str
    hash: str
    detail: Mapping[str, Any]
    files: tuple[File, ...] = ()


@dataclass(frozen=True, slots=True)
class Ticket:
    """The ticket as it stood at `Case.as_of`; `room` is None for a whole building."""

    id: str
    building: str
    room: str | None
    condition: str
    hazard: str | None
    clause: str
    rules: str
    calendar: str | None
    status: str
    verdict: str
    student_day: bool
    began_at: datetime
    opened_at: datetime
    worst: Worst | None
    episodes: tuple[Episode, ...]
    deadlines: tuple[Deadline, ...]
    disputed: bool
    follows: str | None
    duties: tuple[Duty, ...]
    not_on_record: tuple[str, ...]
    closure: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt to hand a notice to one address."""

    at: datetime
    ended_at: datetime | None
    outcome: str
    answer: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """How far a notice has come at one address of a person, `kind` of which is all that is said of it."""

    person: str
    kind: str | None
    state: str
    attempts: int
    answer: str
    instead_of: str | None
    went_to: tuple[str, ...]
    next_at: datetime | None
    done_at: datetime | None
    tried: tuple[Attempt, ...]


@dataclass(frozen=True, slots=True)
class Notice:
    """What people were told about the ticket; `shelved` says who held it back, if anybody did."""

    at: datetime
    reason: str
    roles: tuple[str, ...]
    to: tuple[str, ...]
    title: str
    text: str
    plan: str | None
    shelved: Mapping[str, Any] | None
    deliveries: tuple[Delivery, ...]


@dataclass(frozen=True, slots=True)
class Rules:
    """The version of the rules that judged the ticket: every key with its value, such as
    ("cold.below_f", "60.0"); `effective` None is from the beginning."""

    hash: str
    effective: date | None
    numbers: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Calibration:
    """What is added to a sensor's values from a moment on (None: from the beginning)."""

    since: datetime | None
    temperature_f: float
    humidity: float


@dataclass(frozen=True, slots=True)
class Sensor:
    """One sensor of the place, as the site file has it now, and what it said in the packet's span.

    The error bands are None where nobody has said them; `readings` counts values, `rejected` some of them.
    """

    id: str
    topic: str
    format: str
    interval_s: float | None
    since: datetime | None
    until: datetime | None
    calibrations: tuple[Calibration, ...]
    error_band_f: float | None
    error_band_humidity: float | None
    readings: int
    rejected: int
    first_at: datetime | None
    last_at: datetime | None


class Point(NamedTuple):
    """The values that counted in one span of a series."""

    at: datetime
    low: float
    mean: float
    high: float
    n: int


@dataclass(frozen=True, slots=True)
class Series:
    """What a chart shows of one quantity, in spans of `every_s` seconds."""

    quantity: str
    unit: str
    every_s: float
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit of the rules, as a line in the chart of a quantity."""

    quantity: str
    value: float
    words: str


class Span(NamedTuple):
    """A stretch of time."""

    begin: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Coverage:
    """What is known of the span, in whole seconds: by what its condition asks for."""

    ok_s: int
    breach_s: int
    unknown_s: int


@dataclass(frozen=True, slots=True)
class Case:
    """One ticket. `as_of` is the newest moment on record: that of the chain's head or of the last reading.

    `span` is the time whose readings the packet holds, `readings` how many values these are. `withheld` is
    whether names of educators who reported are left out.
    """

    format: int
    made_by: str
    site: str
    timezone: str
    as_of: datetime
    head: Head | None
    stamp: Stamp | None
    segment: Segment | None
    withheld: bool
    building_name: str
    room_name: str | None
    ticket: Ticket
    timeline: tuple[Line, ...]
    rules: Rules
    notices: tuple[Notice, ...]
    sensors: tuple[Sensor, ...]
    span: Span
    student_days: tuple[Span, ...]
    readings: int
    series: tuple[Series, ...]
    limits: tuple[Limit, ...]
    coverage: Coverage
    attachments: tuple[File, ...]


def read_case(document: Mapping[str, Any]) -> Case:
    """Return what `ticket.json` says."""
    paths = {each["sha256"]: each["path"] for each in document["attachments"]}
    timeline = [_line(each, paths) for each in document["ticket"]["history"]]
    return msgspec.convert({**document, "timeline": timeline}, Case)


def _line(row: Mapping[str, Any], paths: Mapping[str, str | None]) -> dict[str, Any]:
    line = {name: row[name] for name in ("at", "event", "by", "note", "hash")}
    detail = {name: value for name, value in row.items() if name not in _OF_EVERY_LINE}
    files = [each | {"path": paths.get(each["sha256"])} for each in row.get("attachments", ())]
    return line | {"detail": detail, "files": files}
