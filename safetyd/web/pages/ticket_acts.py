"""What is done with a ticket, or with several at once, from their pages: forms into commands.

Rule: the same commands as the API's, by the same keys; what was left empty was not said.
"""

from base64 import b64encode
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from safetyd.core.attachment import MOST_A_NOTE, MOST_BYTES, check_name, check_number, check_size
from safetyd.core.closure import ClosureVerb
from safetyd.core.model import same_name
from safetyd.core.ticket import Relief, Ticket, Verb
from safetyd.faults import did_you_mean
from safetyd.view import View
from safetyd.web import acts
from safetyd.web.answers import visible_ticket
from safetyd.web.pages.page import FORM_BYTES, Deed, Upload, Visit
from safetyd.web.problems import Problem
from safetyd.web.routes import ROUTES, Kind, Route

FILES_BYTES = MOST_A_NOTE * MOST_BYTES + FORM_BYTES
MAY_BRING_FILES = (Verb.NOTE, Verb.RELIEVE)
_NAMED = 30  # rooms, where one is not found
OF_TICKET: tuple[str, ...] = (*Verb, *ClosureVerb)
_ROUTES = {each.name: each for each in ROUTES if each.acts and each.in_path}
_WITHDRAWN = "Your dispute is withdrawn, and that is on record too."
_DONE = {
    Verb.ACKNOWLEDGE: "It is on record that you are on it.",
    Verb.RELIEVE: "The relief is on record.",
    Verb.NOTE: "The note is on record.",
    Verb.EXTEND: "The new date is on record beside the old one.",
    Verb.DISPUTE: "Your dispute is on record.",
    Verb.CLOSE: "The ticket is closed.",
    Verb.REOPEN: "The ticket is open again.",
    ClosureVerb.TELL_DISTRICT: "It is on record that the district was told.",
    ClosureVerb.CLOSE_BUILDING: "It is on record that the building is closed.",
    ClosureVerb.LIFT: "Your proposal to open the building is on record; another person must confirm it.",
    ClosureVerb.CONFIRM_LIFT: "It is on record that the building is open again.",
}


def act(name: str) -> Callable[[View, Visit], Deed]:
    """Return what makes a deed of a form on a ticket's page."""
    route = _ROUTES[name]

    def deed(view: View, visit: Visit) -> Deed:
        ticket = visible_ticket(view, visit.account, visit.path["id"])
        said, files = _said(route, visit), _files(visit.uploads)
        if said.get("room"):
            said["room"] = _room(view, ticket, said["room"])
        if files and name == Verb.NOTE:
            said["attach"] = files
        commands = [acts.command(route, said, ticket, visit.account, view.facts, view.site)]
        if files and name == Verb.RELIEVE:  # its note alone takes files
            words = visit.field("note") or f"Files with the {visit.field('tier')} relief"
            note = {"note": words, "attach": files}
            commands.append(
                acts.command(_ROUTES[Verb.NOTE], note, ticket, visit.account, view.facts, view.site)
            )
        return Deed(tuple(commands), f"/tickets/{ticket.id}", _done(name, said))

    return deed


def act_on_several(name: str) -> Callable[[View, Visit], Deed]:
    """Return what makes a deed of the form on the list."""
    route = _ROUTES[name]

    def deed(view: View, visit: Visit) -> Deed:
        ids = list(dict.fromkeys(visit.form.getlist("ticket")))
        if not ids:
            raise Problem(400, "no ticket is chosen; tick the box beside each that is meant")
        tickets = [visible_ticket(view, visit.account, id) for id in ids]
        said = _said(route, visit)
        commands = acts.commands(route, said, tickets, visit.account, view.facts, view.site)
        count = f"{len(ids)} tickets: " if len(ids) > 1 else f"{ids[0]}: "
        return Deed(commands, f"/tickets?{visit.query}", count + _done(name, said))

    return deed


def _done(name: str, said: Mapping[str, Any]) -> str:
    return (
        _WITHDRAWN if said.get("withdraw") else next(words for verb, words in _DONE.items() if verb == name)
    )


def _said(route: Route, visit: Visit) -> dict[str, Any]:
    """Return what a form says of an act.

    Raises:
        Problem: it leaves open what was done, or what is disputed.
    """
    said: dict[str, Any] = {}
    for each in route.body or ():
        text = visit.field(each.name)
        if text and each.kind is not Kind.FILES:
            said[each.name] = True if each.kind is Kind.FLAG else text
    if lacking := _lacking(route.name, said):
        raise Problem(400, lacking)
    return said


def _lacking(name: str, said: Mapping[str, Any]) -> str:
    """Return what has to be said as well: an empty tap is no relief, and no dispute."""
    if said.get("note"):
        return ""
    if name == Verb.DISPUTE and not said.get("withdraw"):
        return "what you dispute: write it in your own words; it goes on record as you write it"
    if name != Verb.RELIEVE:
        return ""
    match said.get("kind"):
        case None:
            return "what was done: choose it, or write it in your own words"
        case Relief.OTHER:
            return "in your words: something else was done; write what"
        case Relief.ALTERNATIVE_SPACE if not said.get("room"):
            return "which room was offered: choose it, or write in your own words where it is"
    return ""


def _room(view: View, ticket: Ticket, said: str) -> str:
    """Return what a room of a ticket's building is called that is meant by its name or id.

    Raises:
        Problem: there is no such room.
    """
    building = view.site.building(ticket.place.building)
    rooms = building.rooms if building else ()
    meant = same_name(said)
    for each in rooms:
        if meant in (same_name(each.name), same_name(each.id)):
            return each.name or each.id
    names = [each.name or each.id for each in rooms]
    known = ", ".join(names[:_NAMED]) + (", …" if len(names) > _NAMED else "")
    hint = did_you_mean(said[:80], names)
    raise Problem(
        400,
        f"which room was offered: {said[:80]!r} is none of {known}{hint}; a place elsewhere goes into words",
    )


def _files(uploads: Iterable[Upload]) -> list[dict[str, str]]:
    """Return files as the action `note` takes them.

    Raises:
        ActionError: their number, a name or a size will not do.
    """
    found = list(uploads)
    check_number([each.name for each in found])
    for each in found:
        check_name(each.name)
        check_size(each.name, len(each.content))
    return [{"name": each.name, "base64": b64encode(each.content).decode()} for each in found]
