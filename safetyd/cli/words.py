"""What people read on a terminal: tables and plain words, times in the site's zone."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from safetyd.core.model import Condition
from safetyd.core.ticket import AT_REST
from safetyd.core.units import beside
from safetyd.record_words import not_yet, noted
from safetyd.site import Site

_PIPE_COLUMNS = 200
_STYLES = {
    "open": "bold red",
    "acknowledged": "yellow",
    "relieved": "green",
    "closed": "dim",
    "missed": "bold red",
    "met_late": "yellow",
    "met": "green",
    "breach": "bold red",
    "reported": "bold red",
    "ok": "green",
    "unknown": "magenta",
    "out": "bold red",
    "suspected": "bold yellow",
    "on": "green",
    "well": "green",
    "stopped": "yellow",
    "no network": "bold red",
    "no gateway": "bold red",
    "no mains": "bold red",
    "unheard": "magenta",
    "joined": "dim",
}
_MOST_SPACES = 6


class _Terminal(Console):
    def on_broken_pipe(self) -> None:
        raise BrokenPipeError  # rich would end the process as failed


def plain_console() -> Console:
    """The terminal, or lines as wide as they need to be for a pipe."""
    console = _Terminal()
    return console if console.is_terminal else _Terminal(width=_PIPE_COLUMNS)


def local(text: str | None, site: Site) -> str:
    """Return a moment in the site's zone, short; a dash for none."""
    if text is None:
        return "–"
    return f"{datetime.fromisoformat(text).astimezone(site.timezone):%a %d %b %Y %H:%M}"


def styled(word: str) -> Text:
    """Return a state in its colour."""
    return Text(word.replace("_", " "), style=_STYLES.get(word, ""))


def _now(ticket: dict[str, Any]) -> str:
    """Return how a place stands; a hazard is what people reported, and nothing measures it."""
    is_reported = ticket["hazard"] and ticket["verdict"] == "breach"
    return "reported" if is_reported else str(ticket["verdict"])


def tickets_words(tickets: Sequence[dict[str, Any]], site: Site) -> None:
    """Print tickets as a table, what is due next beside each."""
    console = plain_console()
    if not tickets:
        console.print("No tickets.")
        return
    table = Table(
        Column("ticket", no_wrap=True),
        "where",
        "what",
        "status",
        "now",
        "began",
        "due next",
        "worst",
        box=None,
    )
    for ticket in tickets:
        owed = [d for d in ticket["deadlines"] if d["state"] in ("pending", "missed") and d["due_at"]]
        due = (
            f"joined to {ticket['joined']}"
            if ticket["joined"]
            else (
                f"{owed[0]['tier']} {local(owed[0].get('extended_to') or owed[0]['due_at'], site)}"
                if owed
                else "–"
            )
        )
        table.add_row(
            ticket["id"],
            Text(where(ticket, site)),
            ticket["hazard"] or ticket["condition"],
            styled(ticket["status"]) + Text(f", {held_back(ticket, site)}" if ticket["shelved"] else ""),
            styled(_now(ticket)),
            local(ticket["began_at"], site),
            Text(due, style="bold red" if owed and owed[0]["state"] == "missed" else ""),
            _worst(ticket, site),
        )
    console.print(table)


def held_back(shown: dict[str, Any], site: Site) -> str:
    """Return who holds back the messages of a ticket, or has held back a notice, and until when."""
    return f"shelved by {shown['shelved']['by']} until {local(shown['shelved']['until'], site)}"


def ticket_words(ticket: dict[str, Any], site: Site) -> None:
    """Print one ticket: what is owed, what happened, who was told."""
    console = plain_console()
    what = ticket["hazard"] or ticket["condition"]
    console.print(
        Text.assemble((ticket["id"], "bold"), f"  {where(ticket, site)}: {what}  ", styled(ticket["status"]))
    )
    console.print(
        f"clause {ticket['clause']}, began {local(ticket['began_at'], site)}, {_worst(ticket, site)}",
        highlight=False,
    )
    deadlines = Table("relief", "due", "state", "met", "by", box=None)
    for deadline in ticket["deadlines"]:
        due = local(deadline["due_at"], site)
        if deadline.get("extended_to"):
            due += f", extended to {local(deadline['extended_to'], site)}"
        due += " (between two work years)" if deadline.get("basis") else ""
        if deadline.get("amended_to"):
            due += f" (promised; the work year now ends {local(deadline['amended_to'], site)})"
        met, by = local(deadline["met_at"], site), Text(deadline["by"] or "")
        deadlines.add_row(deadline["tier"].replace("_", " "), due, styled(deadline["state"]), met, by)
    console.print(deadlines)
    asked = Table("clause", "what it asks", "on record", box=None)
    is_over = ticket["status"] in AT_REST
    for duty in ticket["duties"]:
        asked.add_row(duty["clause"], duty["duty"], _standing(duty, site, is_over=is_over))
    console.print(asked)
    for line in _spaces(ticket):
        console.print(Text(line))
    if ticket["joined"]:
        console.print(f"joined to {ticket['joined']}, whose deadlines count", highlight=False)
    if ticket["shelved"]:
        console.print(Text(f"its messages are {held_back(ticket, site)}: {ticket['shelved']['note']}"))
    for line in _closure(ticket, site):
        console.print(Text(line))
    happened = Table("when", "what", "by", "note", box=None)
    for row in ticket["history"]:
        happened.add_row(local(row["at"], site), row["event"], Text(row["by"]), _noted(row, site))
    console.print(happened)


def _noted(row: dict[str, Any], site: Site) -> Text:
    """The words of a line, and below them the files that go with them."""
    files = [f"+ {each['name']} ({each['size']:,} bytes)" for each in row.get("attachments", ())]
    words = noted(row["note"], row["by"], lambda at: local(at.isoformat(), site))
    return Text("\n".join([words, *files]))


def _spaces(ticket: dict[str, Any]) -> Iterator[str]:
    """Where a class could go, while no other space is on record."""
    asks = any(
        duty["clause"].endswith(".C") and duty["state"] == "not_on_record" for duty in ticket["duties"]
    )
    if asks:
        found = ticket["alternative_spaces"]
        rooms = ", ".join(f"{each['name']} ({each['temperature_f']:.0f} °F)" for each in found[:_MOST_SPACES])
        more = f" and {len(found) - _MOST_SPACES} more" if len(found) > _MOST_SPACES else ""
        yield (
            f"rooms known to be in range now: {rooms}{more}"
            if rooms
            else "no room is known to be in range now"
        )


def _standing(duty: dict[str, Any], site: Site, *, is_over: bool) -> Text:
    """Whether a duty is on record: never by colour alone."""
    if duty["proofs"]:
        said = [
            f"✓ {local(each['at'], site)}, {each['by']}" + (f": {each['words']}" if each["words"] else "")
            for each in duty["proofs"]
        ]
        return Text("\n".join(said), style="green")
    due = f", due {local(duty['due_at'], site)}" if duty["due_at"] else ""
    match duty["state"]:
        case "overdue":
            return Text(f"✗ nothing{due}", style="bold red")
        case "not_applicable":
            return Text(f"– {not_yet(duty['clause'], is_over=is_over)}", style="dim")
    return Text(f"○ nothing yet{due}", style="yellow")


def _closure(ticket: dict[str, Any], site: Site) -> Iterator[str]:
    """The closing of the building of an outage, in sentences."""
    closure = ticket["closure"]
    if closure is None:
        return
    if closure["told_district_at"] is None:
        yield "district: nobody has put on record that it was told (tell-district)"
    else:
        told_at = datetime.fromisoformat(closure["told_district_at"])
        minutes = (told_at - datetime.fromisoformat(ticket["opened_at"])).total_seconds() / 60
        told = f"told by {closure['told_district_by']} {local(closure['told_district_at'], site)}"
        yield f"district: {told}, {minutes:.0f} min after the ticket opened"
    if closure["state"] == "none":
        yield "building: its closing is not on record (close-building)"
        return
    closed = f"building: closed by {closure['closed_by']} since {local(closure['closed_at'], site)}"
    if closure["state"] == "lifting":
        closed += f"; {closure['lift_proposed_by']} proposes to reopen it, another person must confirm-lift"
    if closure["state"] == "reopened":
        closed += f", reopened {local(closure['reopened_at'], site)} by {closure['reopened_by']}"
        closed += f" (proposed by {closure['lift_proposed_by']})"
    yield closed
    for since, until in closure["staff_window"]:
        yield f"staff could not work there: {local(since, site)} to {local(until, site) if until else 'now'}"


def replay_words(told: dict[str, Any], site: Site) -> None:
    """Print what a recording led to."""
    console = plain_console()
    tickets_words(told["tickets"], site)
    table = Table("when", "told", "to", "words", box=None)
    for notice in told["notices"]:
        table.add_row(
            local(notice["at"], site),
            notice["reason"],
            Text(held_back(notice, site) if notice["shelved"] else ", ".join(notice["to"])),
            Text(notice["title"]),
        )
    if table.row_count:
        console.print(table)
    for trouble in told["troubles"]:
        since = local(trouble["began_at"], site)
        until = local(trouble["ended_at"], site) if trouble["ended_at"] else "now"
        console.print(Text(f"trouble: {trouble['sensor']} {trouble['kind']}, {since} to {until}"))
    for refused in told["rejected"]:
        subject = refused.get("topic") or refused.get("ticket") or ""
        console.print(Text(f"refused: {local(refused['at'], site)} {subject}: {refused['reason']}"))
    for topic in told["unassigned"]:
        console.print(Text(f"unassigned: {topic}"))


def where(shown: Mapping[str, Any], site: Site) -> str:
    """Return the names of the building and room that an object is about."""
    building = site.building(shown["building"])
    name = building.name if building else shown["building"]
    if shown["room"] is None:
        return str(name)
    room = building.room(shown["room"]) if building else None
    return f"{name}, {room.name if room else shown['room']}"


def _worst(ticket: dict[str, Any], site: Site) -> str:
    worst = ticket["worst"]
    if worst is None:
        return "–"
    rules = site.rulebook.in_force(datetime.fromisoformat(ticket["began_at"]))
    value = beside(worst["value"], rules.limit_f(Condition(ticket["condition"])))
    return f"worst {value} °F" + (" (humidity unknown)" if "humidity" in worst else "")
