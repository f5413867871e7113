"""`ticket ID …`: look at a ticket, or act on it, by the daemon if one is running, else directly."""

import json
import time
from contextlib import closing
from enum import StrEnum
from typing import Annotated, Any

import typer

from safetyd.cli.application import Config, Json, app
from safetyd.cli.loading import loaded
from safetyd.cli.looking import show_ticket
from safetyd.clock import now
from safetyd.commands import read_command
from safetyd.configuration import Loaded
from safetyd.core.errors import SafetydError
from safetyd.core.ticket import Relief, Tier
from safetyd.service import Service
from safetyd.store import inbox
from safetyd.store.database import open_for_reading, open_for_writing, writer_lock

_PATIENCE_SECONDS = 15.0
_LOOK_SECONDS = 0.05


class RefusedError(SafetydError):
    """The action was refused; nothing has changed."""


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
    until: Annotated[str | None, typer.Option(metavar="TIME", help="extend: the new date.")] = None,
    since: Annotated[
        str | None, typer.Option(metavar="TIME", help="close-building: from when it applied.")
    ] = None,
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
    given = {
        "by": by,
        "tier": tier,
        "kind": kind,
        "note": note,
        "until": until,
        "since": since,
        "withdraw": withdraw or None,
    }
    said = {"do": do.key, "ticket": id} | {key: value for key, value in given.items() if value is not None}
    carry_out(said, loaded(config))
    return show_ticket(id, config, as_json=as_json)


def carry_out(said: dict[str, Any], configuration: Loaded) -> None:
    """Have an action carried out by whoever is the writer.

    Raises:
        SafetydError: it was refused, or nobody answered.
    """
    url = configuration.settings.store.url
    read_command(said, configuration.site.timezone)
    open_for_reading(url).close()  # there is nothing to act on before the first run
    number: int | None = None
    give_up_at = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < give_up_at:
        with writer_lock(url) as is_ours:
            if is_ours:
                _act(said, number, configuration)
                return
        if number is None:
            with closing(open_for_writing(url)) as connection:
                number = inbox.leave(connection, json.dumps(said), now())
        answer = _answer(url, number)
        if answer is not None:
            if "refused" in answer:
                raise RefusedError(answer["refused"])
            return
        time.sleep(_LOOK_SECONDS)
    raise RefusedError(
        f"the daemon has not answered for {_PATIENCE_SECONDS:.0f} s; it will carry out the action when it can"
    )


def _act(said: dict[str, Any], number: int | None, configuration: Loaded) -> None:
    """Carry out an action ourselves, and answer it if it was left in the inbox of a writer that is gone."""
    at = now()
    with closing(open_for_writing(configuration.settings.store.url)) as connection:
        if number is not None and (done := inbox.answered(connection, number)) is not None:
            answer = json.loads(done)
            if "refused" in answer:
                raise RefusedError(answer["refused"])
            return
        service = Service(connection, configuration.site, configuration.settings.mqtt.root, at)
        service.command(said, at)
        if number is not None:
            inbox.answer(connection, number, json.dumps({"ticket": said.get("ticket")}))
        service.commit(at)


def _answer(url: str, number: int) -> dict[str, Any] | None:
    with closing(open_for_reading(url)) as connection:
        answer = inbox.answered(connection, number)
    return None if answer is None else dict(json.loads(answer))
