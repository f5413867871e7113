"""What a filled-in report asks of the writer, and what became of it, in words.

Rule: what cannot be understood is refused whole, by the name of its field. Who is not logged in is marked so
on record, whatever they call themselves.
"""

import re
from base64 import b64encode
from datetime import datetime
from typing import Any, NamedTuple

from safetyd.commands import ATTACH
from safetyd.core.attachment import attachment, check_number
from safetyd.core.errors import ActionError
from safetyd.core.model import CLAUSE, Condition, Hazard, Place, Role, same_name
from safetyd.core.plan import Reason
from safetyd.core.ticket import Ticket, Verb
from safetyd.core.units import fahrenheit
from safetyd.faults import did_you_mean
from safetyd.site import Building
from safetyd.store import accounts
from safetyd.store.accounts import Account, AccountError
from safetyd.view import View
from safetyd.web import acts
from safetyd.web.content_type import check_kind
from safetyd.web.pages.hazards import CONDITIONS, GROUPS, HOT, LOCATION, MEASURED, NOTICE, words_of
from safetyd.web.pages.page import Visit
from safetyd.web.pages.tiers import name_of
from safetyd.web.problems import misused
from safetyd.web.routes import ROUTES

WHOLE = "*"  # the building as a whole, among its rooms
_LONGEST = 4000  # characters of one's own words
_LONGEST_LINE = 200
_NUMBER = re.compile(r"[-+]?[0-9]{1,6}([.,][0-9]{1,6})?")
_REPORT = next(each for each in ROUTES if each.name == "report")
_NOTE = next(each for each in ROUTES if each.name == Verb.NOTE)


class Wish(NamedTuple):
    """What is asked: one command, and others that go with it; `standing` is the ticket there was before."""

    by: Account
    place: Place
    what: str
    condition: Condition | None
    first: dict[str, Any]
    others: tuple[dict[str, Any], ...]
    is_written: bool
    files: tuple[dict[str, str], ...]
    standing: str | None


class Outcome(NamedTuple):
    """What became of it: what is on record, what is not and why, and what is due when.

    `unwritten` is the clause of a notice in writing that nobody asked to put on record with it.
    """

    building: Building
    room: str
    by: str
    at: datetime
    what: str
    is_known: bool
    ticket: str | None
    is_new: bool
    told: tuple[str, ...]
    due: tuple[tuple[str, datetime], ...]
    kept: tuple[str, ...]
    lacking: tuple[str, ...]
    unwritten: str


def stranger(view: View, name: str, building: Building) -> Account:
    """Return who reports without being logged in, as they stand on record.

    Raises:
        Problem: it is no name, or what would stand on record is the name of somebody known.
    """
    try:
        accounts.check_name(name)
    except AccountError as error:
        raise misused("name", f"your name: {error}") from error
    marked = f"{name} {accounts.STRANGER}"
    known = {same_name(each.name) for each, _ in accounts.everybody(view.connection)}
    known |= {same_name(each.name) for each in view.site.people}
    if same_name(marked) in known:
        raise misused(
            "name", f"your name: {name!r} cannot be told from somebody else's here; write it otherwise"
        )
    return Account(0, marked, Role.EDUCATOR, (building.id,), view.at)


def wish(view: View, visit: Visit, building: Building) -> Wish:
    """Return what a form asks for.

    Raises:
        Problem: a field will not do.
    """
    what, by = visit.field("what"), visit.account
    if what not in (known := [each.value for group in GROUPS for each in group.choices]):
        raise misused(
            "what", f"what: {what!r:.80} is not to be chosen{_hint(what, known)}" if what else _WHAT
        )
    place = _place(building, visit.field("room"))
    note = _text(visit, "note", "your words", _LONGEST)
    condition = _condition(visit, what)
    things = _things(visit, what, condition)
    is_written = bool(visit.field("written")) and what not in (NOTICE, LOCATION)
    if what == NOTICE and not note:
        raise misused("note", "your words: a written notice says what is wrong; write it in your own words")
    if is_written and not note:
        raise misused(
            "note", "your words: it is also your written notice; write in your own words what is wrong"
        )
    if is_written:
        things.append({"notice": condition.value if condition else Condition.HAZARD.value})
    commands = [
        acts.command(_REPORT, _said(place, note, each), building.id, by, view.facts, view.site)
        for each in things
    ]
    hazard = Hazard(what) if what in list(Hazard) else None
    standing = None if condition is None else view.world.open.get((place, condition, hazard))
    if standing is None and what in (NOTICE, LOCATION):
        standing = _any_open(view, place, condition)
    return Wish(
        by, place, what, condition, commands[0], tuple(commands[1:]), is_written, _files(visit), standing
    )


def with_files(view: View, asked: Wish, ticket: str) -> dict[str, Any]:
    """Return the command by which the files of a report go with its ticket."""
    said = {"note": f"with the report: {words_of(asked.what)}", ATTACH: list(asked.files)}
    return acts.command(_NOTE, said, view.world.tickets[ticket], asked.by, view.facts, view.site)


def outcome(
    view: View, asked: Wish, ticket: str | None, *, is_known: bool, kept: list[str], lacking: list[str]
) -> Outcome:
    """Return what became of a report, as it stands now."""
    building = view.site.building(asked.place.building)
    assert building is not None
    room = building.room(asked.place.room or "")
    found = view.world.tickets.get(ticket or "")
    is_new = found is not None and found.id != asked.standing
    return Outcome(
        building,
        room.name if room else "",
        asked.by.name,
        view.at,
        words_of(asked.what),
        is_known,
        ticket,
        is_new,
        _told(view, asked, found, is_new=is_new),
        _due(found),
        tuple(kept),
        tuple(lacking),
        ""
        if asked.is_written or asked.what in (NOTICE, LOCATION) or found is None
        else clause_of_notice(asked),
    )


def clause_of_notice(asked: Wish) -> str:
    """Return the clause by which an educator informs in writing."""
    return f"{CLAUSE[asked.condition or Condition.HAZARD]}.A"


def _told(view: View, asked: Wish, ticket: Ticket | None, *, is_new: bool) -> tuple[str, ...]:
    if ticket is None or not (is_new or asked.what in list(Hazard)):
        return ()
    plan = view.facts.plans.in_force(view.at)
    return tuple(plan.roles(Reason.OPENED if is_new else Reason.RECURRED, ticket.condition))


def _due(ticket: Ticket | None) -> tuple[tuple[str, datetime], ...]:
    if ticket is None:
        return ()
    return tuple(
        (name_of(ticket, each).capitalize(), each.in_force_at)
        for each in ticket.deadlines
        if each.is_owed and each.in_force_at is not None
    )


def _any_open(view: View, place: Place, condition: Condition | None) -> str | None:
    """The ticket that a notice or a location goes with, the first of several."""
    found = sorted(
        id
        for (where, about, _), id in view.world.open.items()
        if where == place and condition in (None, about)
    )
    return found[0] if found else None


_WHAT = "what: choose what is wrong"


def _place(building: Building, room: str) -> Place:
    if room == WHOLE:
        return Place(building.id, None)
    if not room:
        raise misused("room", "room: choose where it is, or the building as a whole")
    if building.room(room) is None:
        hint = _hint(room, [each.id for each in building.rooms])
        raise misused("room", f"room: no room of {building.id} is called {room!r:.80}{hint}")
    return Place(building.id, room)


def _condition(visit: Visit, what: str) -> Condition | None:
    if what in MEASURED:
        return MEASURED[what]
    if what == NOTICE:
        said = visit.field("condition")
        if said not in list(CONDITIONS):
            raise misused("condition", "what the notice is of: choose one")
        return Condition(said)
    return None if what == LOCATION else Condition.HAZARD


def _things(visit: Visit, what: str, condition: Condition | None) -> list[dict[str, Any]]:
    """What the contract knows of: readings, a hazard, a notice, a location."""
    if what in MEASURED:
        return _readings(visit, what)
    if what == NOTICE:
        return [{"notice": condition}]
    if what == LOCATION:
        where = _text(visit, "location", "your new work location", _LONGEST_LINE)
        if not where:
            raise misused("location", "your new work location: write where you work now")
        return [{"location": where}]
    return [{"hazard": what}]


def _readings(visit: Visit, what: str) -> list[dict[str, Any]]:
    unit = visit.field("unit")
    if unit not in ("F", "C"):
        raise misused("unit", f"unit: {unit!r:.80} is neither F nor C")
    read = {name: _number(visit, name, words) for name, words in _MEASURES.items()}
    temperature, humidity, index = read["temperature"], read["humidity"], read["heat_index"]
    instrument = _text(visit, "instrument", "the instrument", _LONGEST_LINE)
    more = {"instrument": instrument} if instrument else {}
    found: list[dict[str, Any]] = []
    if (temperature is None) != (humidity is None):
        name = "humidity" if humidity is None else "temperature"
        raise misused(name, f"{_MEASURES[name]}: {_TOGETHER}")
    if temperature is not None:
        found.append({f"temperature_{unit.lower()}": temperature, "humidity": humidity, **more})
    if index is not None:
        found.append({"heat_index_f": index if unit == "F" else fahrenheit(index), **more})
    if not found:
        either = ", or the heat index" if what == HOT else ""
        mend = f"or choose: {words_of(Hazard.TEMPERATURE)}"
        raise misused(
            "temperature", f"temperature: write what was measured with its humidity{either}; {mend}"
        )
    return found


_TOGETHER = (
    "a reading counts with temperature and humidity; write both as the instrument shows them, or choose: "
    + words_of(Hazard.TEMPERATURE)
)
_MEASURES = {"temperature": "temperature", "humidity": "humidity", "heat_index": "heat index"}


def _number(visit: Visit, name: str, words: str) -> float | None:
    text = visit.field(name)
    plain = text.strip("°% ")
    if not text:
        return None
    if not _NUMBER.fullmatch(plain):
        raise misused(name, f"{words}: {text!r:.80} is no number; write it as 58.5")
    return float(plain.replace(",", "."))


def _text(visit: Visit, name: str, words: str, most: int) -> str:
    text = visit.field(name).replace("\0", "\N{REPLACEMENT CHARACTER}")
    text = " ".join(text.split()) if most == _LONGEST_LINE else text
    if len(text) > most:
        raise misused(name, f"{words}: {len(text)} characters; at most {most}: say it shorter")
    return text


def _said(place: Place, note: str, thing: dict[str, Any]) -> dict[str, Any]:
    return {"building": place.building, "room": place.room, **thing, **({"note": note} if note else {})}


def _files(visit: Visit) -> tuple[dict[str, str], ...]:
    try:
        check_number([each.name for each in visit.uploads])
        found = [attachment(each.name, each.content) for each in visit.uploads]
        for file in found:
            check_kind(file)
    except ActionError as error:
        raise misused("photo", str(error).replace(ATTACH, "photo", 1)) from error
    return tuple({"name": each.name, "base64": b64encode(each.content).decode()} for each in found)


def _hint(said: str, known: list[str]) -> str:
    return did_you_mean(said[:80], known)
