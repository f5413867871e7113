"""What people do, as plain keys: the same in a recording, on the command line and in the inbox.

Rule: a command is understood whole or refused in a sentence that names the key, its value and the mend.
"""

from base64 import b64decode
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from safetyd.core.assignment import AssignAction, AssignVerb
from safetyd.core.attachment import Attachment, attachment, check_name, check_number, check_size
from safetyd.core.closure import ClosureAction, ClosureVerb
from safetyd.core.errors import ActionError, SafetydError, SomeRefusedError
from safetyd.core.model import Condition, Hazard, Place, Role
from safetyd.core.report import Report
from safetyd.core.shelf import ShelfAction, ShelfVerb
from safetyd.core.ticket import Action, Relief, Tier, Verb
from safetyd.core.trial import Trial
from safetyd.faults import Misfit, did_you_mean
from safetyd.shapes import identifier, topic
from safetyd.times import read_time
from safetyd.wording import sound

_TOO_MUCH = 1e9  # of any quantity that people measure
_A_DAY = timedelta(days=1) - timedelta(seconds=1)

Word = TypeVar("Word", bound=StrEnum)
Done = TypeVar("Done")

REPORT = "report"
ATTACH = "attach"
TEST_NOTICE = "test_notice"
_OF_ACTION = {
    Verb.ACKNOWLEDGE: (),
    Verb.RELIEVE: ("tier", "kind", "room", "since"),
    Verb.NOTE: (ATTACH,),
    Verb.EXTEND: ("tier", "until", "agreed_by"),
    Verb.DISPUTE: ("tier", "withdraw"),
    Verb.CLOSE: (),
    Verb.REOPEN: (),
}
_OF_CLOSURE = {
    ClosureVerb.TELL_DISTRICT: (),
    ClosureVerb.CLOSE_BUILDING: ("since",),
    ClosureVerb.LIFT: (),
    ClosureVerb.CONFIRM_LIFT: (),
}
_OF_REPORT = (
    "building",
    "room",
    "hazard",
    "temperature_f",
    "temperature_c",
    "humidity",
    "instrument",
    "notice",
    "location",
    "mains",
    "role",
    "heat_index_f",
)
_OF_SHELF = {
    ShelfVerb.SHELVE: ("building", "room", "until", "role"),
    ShelfVerb.UNSHELVE: ("building", "room", "role"),
}
_SETTINGS = ("unit", "measures", "channel", "values")
HEARD, ELSEWHERE = "heard", "elsewhere"  # of a district: another store has heard it, and it is nobody's
_OF_ASSIGNING = {
    AssignVerb.ASSIGN: (
        *("topic", "building", "room", "sensor", "format", "from", "role", HEARD, *_SETTINGS),
    ),
    AssignVerb.UNASSIGN: ("topic", "until", "role"),
}
FIRST_HEARD = "first"
_ALWAYS = ("at", "do", "by", "note")


def read_command(
    said: Mapping[str, Any], timezone: ZoneInfo
) -> tuple[str, Action | ClosureAction] | Report | ShelfAction:
    """Return a ticket's id and an action on it or on its building, or a report, or what is to be shelved.

    Raises:
        ActionError: a key is lacking or unknown, or a value is not what it must be.
    """
    do = said.get("do")
    if do == REPORT:
        _only(said, _OF_REPORT)
        return _report(said)
    if do in list(ClosureVerb):
        return _closure(said, ClosureVerb(do), timezone)
    if do in list(ShelfVerb):
        return _shelf(said, ShelfVerb(do), timezone)
    if do not in list(Verb):
        words = [*Verb, *ClosureVerb, *ShelfVerb, *AssignVerb, REPORT, TEST_NOTICE]
        raise ActionError(
            f"do: {do!r} is no action; expected one of {', '.join(words)}{did_you_mean(str(do), words)}"
        )
    verb = Verb(do)
    _only(said, ("ticket", "role", *_OF_ACTION[verb]))
    withdraw = False if said.get("withdraw") is None else said["withdraw"]
    if not isinstance(withdraw, bool):
        raise ActionError(f"withdraw: {withdraw!r} is neither true nor false")
    action = Action(
        verb,
        _text(said, "by", needed=True),
        _text(said, "note"),
        _word(said, "tier", Tier),
        _moment(said, "until", timezone, by_end_of_day=True),
        _word(said, "kind", Relief),
        withdraw,
        _text(said, "room"),
        _moment(said, "since", timezone),
        _text(said, "agreed_by"),
        _word(said, "role", Role),
        _files(said),
    )
    return _text(said, "ticket", needed=True), action


def one_by_one(said: Mapping[str, Any], carry_out: Callable[[Mapping[str, Any]], Done | None]) -> Done | None:
    """Do the same with several tickets, and return the last that was done; a refusal stops no other.

    Raises:
        ActionError: it is no list of tickets, or some were refused, with each reason.
    """
    ids = said["ticket"]
    if not ids or not all(isinstance(id, str) for id in ids):
        raise ActionError(
            f"ticket: {ids!r:.60} is no list of tickets; expected ids such as lincoln-2026-0007"
        )
    if ATTACH in said:
        said = {**said, ATTACH: _files(said)}  # read once for all
    done, refusals = None, dict[str, str]()
    for id in dict.fromkeys(ids):
        try:
            done = carry_out({**said, "ticket": id})
        except SafetydError as error:
            refusals[id] = str(error)
    if refusals:
        raise SomeRefusedError(refusals, is_any_done=done is not None)
    return done


def _closure(said: Mapping[str, Any], verb: ClosureVerb, timezone: ZoneInfo) -> tuple[str, ClosureAction]:
    _only(said, ("ticket", *_OF_CLOSURE[verb]))
    since = _moment(said, "since", timezone)
    action = ClosureAction(verb, _text(said, "by", needed=True), _text(said, "note"), since)
    return _text(said, "ticket", needed=True), action


def _shelf(said: Mapping[str, Any], verb: ShelfVerb, timezone: ZoneInfo) -> ShelfAction:
    _only(said, _OF_SHELF[verb])
    until = _moment(said, "until", timezone, by_end_of_day=True)
    by, note = _text(said, "by", needed=True), _text(said, "note")
    return ShelfAction(verb, _place(said), by, note, until, _word(said, "role", Role))


def read_assignment(said: Mapping[str, Any], timezone: ZoneInfo) -> AssignAction:
    """Return whose a topic is to be, or that it is to be nobody's.

    Raises:
        ActionError: a key is lacking or unknown, or a value is not what it must be.
    """
    verb = AssignVerb(said["do"])
    _only(said, _OF_ASSIGNING[verb])
    is_new, is_first = verb is AssignVerb.ASSIGN, said.get("from") == FIRST_HEARD
    named = _fitting(said, "topic", topic) or _text(said, "topic", needed=True)
    return AssignAction(
        verb,
        named,
        _text(said, "by", needed=True),
        _text(said, "note"),
        _word(said, "role", Role),
        _place(said) if is_new else None,
        _fitting(said, "sensor", identifier),
        _text(said, "format"),
        tuple((key, value) for key in _SETTINGS if (value := _text(said, key))),
        None if is_first else _moment(said, "from" if is_new else "until", timezone),
        is_first,
        said.get(HEARD) == ELSEWHERE,
    )


def read_trial(said: Mapping[str, Any]) -> Trial:
    """Return whom a test notice is to try.

    Raises:
        ActionError: a key is lacking or unknown, or a value is not what it must be.
    """
    _only(said, ("person", "role"))
    person, by = _text(said, "person", needed=True), _text(said, "by", needed=True)
    return Trial(person, by, _text(said, "note"), _word(said, "role", Role))


def _place(said: Mapping[str, Any]) -> Place:
    if "room" not in said:
        raise ActionError(f"{said['do']} needs room: a room's id, or null for the whole building")
    room = said["room"]
    if not (room is None or isinstance(room, str)):
        raise ActionError(f"room: {room!r} is no room's id")
    return Place(_text(said, "building", needed=True), room and sound(room))


def _report(said: Mapping[str, Any]) -> Report:
    place = _place(said)
    location = said.get("location")
    return Report(
        place,
        _text(said, "by", needed=True),
        _text(said, "note"),
        _word(said, "hazard", Hazard),
        _number(said, "temperature_f"),
        _number(said, "temperature_c"),
        _number(said, "humidity"),
        _text(said, "instrument"),
        _word(said, "notice", Condition),
        None if location is None else _text(said, "location", needed=True),
        _on_or_off(said, "mains"),
        _word(said, "role", Role),
        _number(said, "heat_index_f"),
    )


def _files(said: Mapping[str, Any]) -> tuple[Attachment, ...]:
    """Return the files of a note; the size is looked at before the content is read."""
    given = said.get(ATTACH)
    if given is None or isinstance(given, tuple):
        return given or ()
    if not isinstance(given, list) or not all(isinstance(each, dict) for each in given):
        raise ActionError(
            f'{ATTACH}: it is no list of files; expected [{{"name": "photo.jpg", "base64": "…"}}]'
        )
    for each in given:
        for key in ("name", "base64"):
            if not isinstance(each.get(key), str):
                raise ActionError(f"{ATTACH}: {each.get('name')!r:.60} needs {key}, as text")
        for key in each:
            if key not in ("name", "base64"):
                raise ActionError(f"{ATTACH}: a file has no key {key!r:.60}; expected name and base64")
    check_number([each["name"] for each in given])
    return tuple(_file(each["name"], each["base64"]) for each in given)


def _file(name: str, text: str) -> Attachment:
    check_name(name)
    check_size(name, len(text) * 3 // 4 - text[-2:].count("="))
    try:
        return attachment(name, b64decode(text, validate=True))
    except ValueError as error:
        raise ActionError(
            f"{ATTACH}: {name!r}: its base64 is broken ({error}); send the file again"
        ) from error


def _only(said: Mapping[str, Any], known: tuple[str, ...]) -> None:
    for key in said:
        if key not in known and key not in _ALWAYS:
            raise ActionError(f"{said['do']} has no key {key!r}{did_you_mean(key, [*known, *_ALWAYS])}")


def _text(said: Mapping[str, Any], key: str, *, needed: bool = False) -> str:
    value = said.get(key)
    if value is None and not needed:
        return ""
    if not isinstance(value, str) or (needed and not value.strip()):
        raise ActionError(
            f"{said['do']} needs {key}" if value in (None, "") else f"{key}: {value!r} is no text"
        )
    return sound(value)


def _fitting(said: Mapping[str, Any], key: str, read: Callable[[object], str]) -> str:
    try:
        return read(said[key]) if said.get(key) not in (None, "") else ""
    except Misfit as misfit:
        raise ActionError(f"{key}: {misfit}") from misfit


def _on_or_off(said: Mapping[str, Any], key: str) -> bool | None:
    value = said.get(key)
    if value is None or isinstance(value, bool):
        return value
    if value not in ("on", "off"):
        raise ActionError(f"{key}: {value!r} is not one of on, off")
    return bool(value == "on")


def _number(said: Mapping[str, Any], key: str) -> float | None:
    value = said.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < _TOO_MUCH:
        raise ActionError(f"{key}: {value!r:.60} is no number")
    return float(value)


def _word(said: Mapping[str, Any], key: str, words: type[Word]) -> Word | None:
    value = said.get(key)
    if value is None:
        return None
    if value not in list(words):
        known = list(words)
        raise ActionError(
            f"{key}: {value!r} is not one of {', '.join(known)}{did_you_mean(str(value), known)}"
        )
    return words(value)


def _moment(
    said: Mapping[str, Any], key: str, timezone: ZoneInfo, *, by_end_of_day: bool = False
) -> datetime | None:
    value = said.get(key)
    if value is None:
        return None
    try:
        at = read_time(value, timezone)
    except ValueError as error:
        raise ActionError(f"{key}: {error}") from error
    is_day = isinstance(value, str) and len(value) == len("2026-12-01")
    return at + _A_DAY if is_day and by_end_of_day else at
