"""`ticket ID …`: look at a ticket, or act on it, or on several alike."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from safetyd.cli.application import Config, Json, app
from safetyd.cli.attaching import files_to_attach
from safetyd.cli.carrying import carry_out
from safetyd.cli.loading import loaded
from safetyd.cli.looking import show_ticket, view
from safetyd.core.model import Role
from safetyd.core.ticket import Relief, Tier


class Do(StrEnum):
    """What may be done with a ticket."""

    SHOW = "show"
    ACKNOWLEDGE = "acknowledge"
    RELIEVE = "relieve"
    NOTE = "note"
    EXTEND = "extend"
    DISPUTE = "dispute"
    CLOSE = "close"
    REOPEN = "reopen"
    TELL_DISTRICT = "tell-district"
    CLOSE_BUILDING = "close-building"
    LIFT = "lift"
    CONFIRM_LIFT = "confirm-lift"

    @property
    def key(self) -> str:
        """The word for it in a recording."""
        return self.value.replace("-", "_")


def _do(word: str) -> Do:
    try:
        return Do(word.lower().replace("_", "-"))
    except ValueError:
        raise typer.BadParameter(f"{word!r} is not one of {', '.join(Do)}") from None


@app.command("ticket")
def ticket_command(
    id: Annotated[str, typer.Argument(metavar="ID", help="Such as lincoln-2026-0007.")],
    do: Annotated[Do, typer.Argument(metavar="DO", parser=_do, help="What to do with it.")] = Do.SHOW,
    by: Annotated[str | None, typer.Option(metavar="NAME", help="Who does it.")] = None,
    tier: Annotated[Tier | None, typer.Option(help="relieve, extend: which relief.")] = None,
    kind: Annotated[Relief | None, typer.Option(help="relieve: what was done.")] = None,
    note: Annotated[str | None, typer.Option(metavar="TEXT", help="In your own words.")] = None,
    attach: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="note: a photo or a document; more than once."),
    ] = None,
    until: Annotated[str | None, typer.Option(metavar="TIME", help="extend: the new date.")] = None,
    since: Annotated[
        str | None, typer.Option(metavar="TIME", help="relieve, close-building: from when it applied.")
    ] = None,
    room: Annotated[str | None, typer.Option(metavar="TEXT", help="relieve: the space offered.")] = None,
    agreed_by: Annotated[str | None, typer.Option(metavar="NAMES", help="extend: who agreed to it.")] = None,
    role: Annotated[Role | None, typer.Option(help="Who you are, where the site file does not say.")] = None,
    also: Annotated[
        list[str] | None, typer.Option(metavar="ID", help="Do the same with this ticket; more than once.")
    ] = None,
    alike: Annotated[
        bool, typer.Option("--alike", help="… with every open ticket of its building and condition.")
    ] = False,
    withdraw: Annotated[bool, typer.Option("--withdraw", help="dispute: take it back.")] = False,
    config: Config = None,
    as_json: Json = False,
) -> int:
    """Look at one ticket, or act on it.

    A building without electricity is closed by close-building; lift proposes its reopening, and confirm-lift,
    by another administrator or district person, lifts the closure.

    Example: safetyd ticket lincoln-2026-0007 relieve --tier mitigation --by "J. Doe" --note "space heater"
    """
    if do is Do.SHOW:
        return show_ticket(id, config, as_json=as_json)
    if by is None:
        raise typer.BadParameter(f"--by is needed: the name of who wants to {do}")
    if tier is None and do in (Do.RELIEVE, Do.EXTEND):
        raise typer.BadParameter(f"--tier is needed: one of {', '.join(Tier)}")
    if attach and do is not Do.NOTE:
        raise typer.BadParameter(f"--attach goes with note, not with {do}")
    given = {
        "by": by,
        "tier": tier,
        "kind": kind,
        "note": note,
        "until": until,
        "since": since,
        "room": room,
        "agreed_by": agreed_by,
        "role": role,
        "withdraw": withdraw or None,
        "attach": files_to_attach(attach) if attach else None,
    }
    several = list(dict.fromkeys([id, *(also or ()), *(_alike(id, config) if alike else ())]))
    ticket = id if len(several) == 1 else several
    said = {"do": do.key, "ticket": ticket} | {
        key: value for key, value in given.items() if value is not None
    }
    carry_out(said, loaded(config, id))
    return show_ticket(id, config, as_json=as_json)


def _alike(id: str, config: str | None) -> list[str]:
    """Return the open tickets of the same building and condition."""
    with view(loaded(config, id)) as seen:
        ticket = seen.world.tickets.get(id)
        if ticket is None:
            return []
        kind = ticket.place.building, ticket.condition, ticket.hazard
        return sorted(
            number
            for (place, condition, hazard), number in seen.world.open.items()
            if (place.building, condition, hazard) == kind
        )
