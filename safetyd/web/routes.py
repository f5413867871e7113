"""Everything that may be asked, as one table: paths, who may, parameters, answers.

Rule: the application and the OpenAPI document are both made of this table, so that neither knows more.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from safetyd.core.closure import ClosureVerb
from safetyd.core.model import Condition, Hazard, TroubleKind
from safetyd.core.tally import Measure
from safetyd.core.ticket import Relief, Status, Tier, Verb
from safetyd.web.access import Right

API = "/api/v1"
MOST_TICKETS, MOST_TROUBLES = 200, 500
BODY_BYTES = 64 * 1024
ARCHIVE = "archive"  # an answer that is no JSON, and sent piece by piece
NOTE_BYTES = 8 * 1024 * 1024  # a note may bring a file of 5 MB, in base64


class Kind(StrEnum):
    """What a value is in JSON, or in the text of a parameter."""

    TEXT = "string"
    NUMBER = "number"
    WHOLE = "integer"
    FLAG = "boolean"
    FILES = "array"


class Parameter(NamedTuple):
    """`words` are all that it may be; `most` the largest whole number."""

    name: str
    about: str
    words: tuple[str, ...] = ()
    kind: Kind = Kind.TEXT
    is_needed: bool = False
    most: int | None = None
    may_be_null: bool = False


@dataclass(frozen=True, slots=True)
class Route:
    """`right` is None where no login is needed; `body` is None where there is none."""

    method: str
    path: str
    name: str
    about: str
    answer: str
    right: Right | None
    query: tuple[Parameter, ...] = ()
    in_path: tuple[Parameter, ...] = ()
    body: tuple[Parameter, ...] | None = None
    most_bytes: int = BODY_BYTES
    statuses: tuple[int, ...] = (200,)

    @property
    def acts(self) -> bool:
        """Whether it changes something."""
        return self.body is not None

    @property
    def has_tag(self) -> bool:
        """Whether whoever has the answer may ask only whether it is another now."""
        return self.method == "GET" and self.path.startswith(API) and self.answer != ARCHIVE


def _words(words: type[StrEnum]) -> tuple[str, ...]:
    return tuple(each.value for each in words)


_BUILDING = Parameter("building", "Only of this building.")
_CURSOR = Parameter("cursor", "Where the answer before this one has ended: its `next`.")
_OF_A_TICKET = Parameter("id", "The ticket, such as lincoln-2026-0007.", is_needed=True)
_NOTE = Parameter("note", "In your own words.")
_TIER = Parameter("tier", "Which step of relief.", _words(Tier), is_needed=True)
_OF_VERB: dict[Verb, tuple[Parameter, ...]] = {
    Verb.ACKNOWLEDGE: (_NOTE,),
    Verb.RELIEVE: (
        _TIER,
        Parameter("kind", "What was done.", _words(Relief)),
        Parameter("room", "The space that was offered."),
        Parameter("since", "From when it applied."),
        _NOTE,
    ),
    Verb.NOTE: (
        _NOTE,
        Parameter("attach", "Files: a list of objects with name and base64.", kind=Kind.FILES),
    ),
    Verb.EXTEND: (
        _TIER,
        Parameter("until", "The new date or time.", is_needed=True),
        Parameter("agreed_by", "Who agreed to it."),
        _NOTE,
    ),
    Verb.DISPUTE: (
        _TIER._replace(is_needed=False),
        Parameter("withdraw", "Take it back.", kind=Kind.FLAG),
        _NOTE,
    ),
    Verb.CLOSE: (_NOTE,),
    Verb.REOPEN: (_NOTE,),
}
_OF_CLOSURE: dict[ClosureVerb, tuple[Parameter, ...]] = {
    ClosureVerb.TELL_DISTRICT: (_NOTE,),
    ClosureVerb.CLOSE_BUILDING: (Parameter("since", "From when it applied."), _NOTE),
    ClosureVerb.LIFT: (_NOTE,),
    ClosureVerb.CONFIRM_LIFT: (_NOTE,),
}
_OF_REPORT = (
    Parameter("building", "Where.", is_needed=True),
    Parameter("room", "Where in it; null for the whole building.", is_needed=True, may_be_null=True),
    Parameter("hazard", "What is wrong there (9.9.2.C).", _words(Hazard)),
    Parameter("temperature_f", "Measured by hand, °F …", kind=Kind.NUMBER),
    Parameter("temperature_c", "… or °C; with humidity.", kind=Kind.NUMBER),
    Parameter("humidity", "Measured beside it, percent.", kind=Kind.NUMBER),
    Parameter("heat_index_f", "As the instrument shows it, °F.", kind=Kind.NUMBER),
    Parameter("instrument", "What it was measured with."),
    Parameter("notice", "An educator's written notice of this.", _words(Condition)),
    Parameter("location", "An educator's new work location."),
    _NOTE,
)

_TOPIC = Parameter("topic", "As the list of `unassigned` in `sensors` has it.", is_needed=True)
_OF_ASSIGNMENT = (
    _TOPIC,
    Parameter("building", "Whose it is.", is_needed=True),
    Parameter("room", "Where in it; null for the building's mains.", is_needed=True, may_be_null=True),
    Parameter("sensor", "Its name; else made of the topic."),
    Parameter("format", "Which system speaks there, where its messages leave that open."),
    Parameter("from", "From when on: a time, or `first` for when it was first heard; else now."),
    Parameter("unit", "C or F, where the device does not say."),
    Parameter("measures", "What it is, where that is open, such as temperature."),
    Parameter("values", "Where the values stand, such as temperature=air.t."),
    Parameter("channel", "Which of several in a message."),
    _NOTE,
)

ROUTES: tuple[Route, ...] = (
    Route("GET", "/healthz", "health", "Whether all is well.", "Health", None, statuses=(200, 503)),
    Route("GET", "/metrics", "metrics", "Figures for Prometheus.", "text", Right.METRICS),
    Route("GET", f"{API}/openapi.json", "openapi", "This document.", "OpenAPI", None),
    Route(
        "GET",
        f"{API}/tickets",
        "tickets",
        "Tickets, the newest first.",
        "Tickets",
        Right.TICKETS,
        (
            Parameter("status", "Only of this status.", _words(Status)),
            _BUILDING,
            Parameter("condition", "Only of this condition.", _words(Condition)),
            Parameter("limit", "How many at most; else 50.", kind=Kind.WHOLE, most=MOST_TICKETS),
            _CURSOR,
        ),
    ),
    Route(
        "GET",
        f"{API}/tickets/{{id}}",
        "ticket",
        "One ticket, with who was told and the rooms that could take its class in.",
        "Ticket",
        Right.TICKETS,
        in_path=(_OF_A_TICKET,),
        statuses=(200, 404),
    ),
    Route(
        "GET",
        f"{API}/tickets/{{id}}/evidence",
        "evidence",
        "All that is on record of a ticket as one archive, which its own verify.py checks.",
        ARCHIVE,
        Right.TICKETS,
        (Parameter("names", "Also the names of educators who reported.", ("true", "false")),),
        in_path=(_OF_A_TICKET,),
        statuses=(200, 404, 413),
    ),
    *(
        Route(
            "POST",
            f"{API}/tickets/{{id}}/{verb.value}",
            verb.value,
            f"{verb.value.capitalize()}, in the name of whose token it is; the ticket as it is then.",
            "Ticket",
            Right(verb.value),
            in_path=(_OF_A_TICKET,),
            body=keys,
            most_bytes=NOTE_BYTES if verb is Verb.NOTE else BODY_BYTES,
            statuses=(200, 202, 404, 409),
        )
        for verb, keys in _OF_VERB.items()
    ),
    *(
        Route(
            "POST",
            f"{API}/tickets/{{id}}/{verb.value}",
            verb.value,
            f"{verb.value.replace('_', ' ').capitalize()}: of the building of an outage's ticket.",
            "Ticket",
            Right(verb.value),
            in_path=(_OF_A_TICKET,),
            body=keys,
            statuses=(200, 202, 404, 409),
        )
        for verb, keys in _OF_CLOSURE.items()
    ),
    Route(
        "POST",
        f"{API}/reports",
        "report",
        "Put a hazard, a hand-held reading, a written notice or a new work location on record.",
        "Reported",
        Right.REPORT,
        body=_OF_REPORT,
        statuses=(201, 202, 409),
    ),
    Route(
        "POST",
        f"{API}/assignments",
        "assign",
        "Give a topic that is nobody's a place from a time on; what is kept of its past is judged.",
        "Assigned",
        Right.ASSIGN,
        body=_OF_ASSIGNMENT,
        statuses=(201, 202, 409),
    ),
    Route(
        "POST",
        f"{API}/assignments/end",
        "unassign",
        "Let go of a topic that was assigned, from a time on; what it said stays on record.",
        "Assigned",
        Right.ASSIGN,
        body=(_TOPIC, Parameter("until", "Until when it was; else until now."), _NOTE),
        statuses=(201, 202, 409),
    ),
    Route("GET", f"{API}/rooms", "rooms", "How every room stands.", "Rooms", Right.ROOMS, (_BUILDING,)),
    Route(
        "GET",
        f"{API}/readings",
        "readings",
        "The past of a room, or of a building's mains.",
        "Readings",
        Right.READINGS,
        (
            _BUILDING._replace(about="Of which building.", is_needed=True),
            Parameter("room", "Of which room; else of the building as a whole."),
            Parameter("quantity", "What was measured; else temperature, or mains.", _words(Measure)),
            Parameter("from", "The first moment: a time with its zone, or one of the site's."),
            Parameter("to", "The moment before which it ends; else now."),
            Parameter("every", "One point a span of 15m, 1h, 1d; else at the resolution that fits."),
        ),
    ),
    Route(
        "GET",
        f"{API}/troubles",
        "troubles",
        "Faults of the monitoring itself, the newest first.",
        "Troubles",
        Right.TROUBLES,
        (
            _BUILDING,
            Parameter("kind", "Only of this kind.", _words(TroubleKind)),
            Parameter("standing", "Only those that stand, or only those that are over.", ("true", "false")),
            Parameter("limit", "How many at most; else 100.", kind=Kind.WHOLE, most=MOST_TROUBLES),
            _CURSOR,
        ),
    ),
    Route(
        "GET",
        f"{API}/sensors",
        "sensors",
        "Every sensor that was heard or is waited for, and topics that are nobody's.",
        "Sensors",
        Right.SENSORS,
        (_BUILDING,),
    ),
)
