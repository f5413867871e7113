"""Has a person's action carried out: by the daemon if one is running, else directly."""

import json
import time
from contextlib import closing, nullcontext
from typing import Any

from safetyd.clock import now
from safetyd.commands import read_command
from safetyd.configuration import Loaded
from safetyd.core.errors import SafetydError
from safetyd.errands import answer_to
from safetyd.service import Service
from safetyd.store import inbox
from safetyd.store.database import open_for_reading, open_for_writing, writer_lock

_PATIENCE_SECONDS = 15.0
_LOOK_SECONDS = 0.05


class RefusedError(SafetydError):
    """The action was refused; of several tickets, those that it names."""


def carry_out(said: dict[str, Any], configuration: Loaded) -> str | None:
    """Have an action carried out by whoever is the writer, and return the id of the ticket it is about.

    Raises:
        SafetydError: it was refused, or nobody answered.
    """
    ids = said["ticket"] if isinstance(said.get("ticket"), list) else None
    read_command(said | ({"ticket": ids[0]} if ids else {}), configuration.site.timezone)
    ticket = answered(said, configuration).get("ticket")
    return None if ticket is None else str(ticket)


def answered(
    said: dict[str, Any], configuration: Loaded, patience_s: float = _PATIENCE_SECONDS
) -> dict[str, Any]:
    """Have something done by whoever is the writer, and return the answer.

    Raises:
        SafetydError: it was refused, or nobody answered.
    """
    url = configuration.settings.store.url
    open_for_reading(url).close()  # there is nothing to act on before the first run
    number: int | None = None
    give_up_at = time.monotonic() + patience_s
    gateway = configuration.copy_of
    while time.monotonic() < give_up_at:
        with writer_lock(url) if gateway is None else nullcontext(False) as is_ours:
            if is_ours:
                return _outcome(_act(said, number, configuration))
        if number is None:
            with closing(open_for_writing(url)) as connection:
                number = inbox.leave(connection, json.dumps(said), now())
        with closing(open_for_reading(url)) as connection:
            answer = inbox.answered(connection, number)
        if answer is not None:
            return _outcome(answer)
        time.sleep(_LOOK_SECONDS)
    if gateway is not None:
        raise RefusedError(f"{gateway} has not answered for {patience_s:.0f} s; it is asked until it does")
    raise RefusedError(
        f"the daemon has not answered for {patience_s:.0f} s; it will carry out the action when it can"
    )


def _outcome(answer: str) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(answer)
    if "refused" in said:
        raise RefusedError(said["refused"])
    return said


def _act(said: dict[str, Any], number: int | None, configuration: Loaded) -> str:
    """Carry out an action ourselves, and answer it if it was left in the inbox of a writer that is gone."""
    at = now()
    with closing(open_for_writing(configuration.settings.store.url)) as connection:
        if number is not None and (done := inbox.answered(connection, number)) is not None:
            return done
        service = Service(connection, configuration.site, configuration.settings.mqtt.root, at)
        answer = answer_to(service, said, at)
        if number is not None:
            inbox.answer(connection, number, answer)
        service.commit(at)  # of several tickets some may have been acted on
    return answer
