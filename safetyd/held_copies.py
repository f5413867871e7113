"""How far the copy of a gateway's record is, as the command line and the pages of a centre show it.

Rule: it only looks; what a copy lacks is counted against what its gateway last said of itself.
"""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from safetyd.setting_centre import Gateway
from safetyd.store import bidden, chain, copy_of, readings
from safetyd.store.database import Connection
from safetyd.store.inbox import without_contents
from safetyd.store.moments import moment
from safetyd.times import rfc3339, rfc3339_or_none

_NOTHING: dict[str, Any] = {
    "heard_at": None,
    "number": 0,
    "hash": None,
    "behind": None,
    "readings": 0,
    "readings_behind": None,
    "open": None,
    "breach": None,
    "pending": [],
}


def copy_object(name: str, connection: Connection | None) -> dict[str, Any]:
    """Return how far a copy is; without a connection there is none yet.

    That is: rows of the chain and readings, how many more its gateway had when it last spoke, the tickets
    that are open and breaches that go on by number, and the commands that it has not answered.
    """
    if connection is None:
        return {"gateway": name, **_NOTHING}
    head, heard = chain.head(connection), copy_of.noted(connection)
    number, last = head.number if head else 0, readings.last_id(connection)
    heard_at, found = heard.get("heard"), copy_of.counts(connection)
    return {
        "gateway": name,
        "heard_at": rfc3339_or_none(None if heard_at is None else moment(heard_at)),
        "number": number,
        "hash": head.hash if head else None,
        "behind": None if heard_at is None else max(0, heard["head"] - number),
        "readings": last,
        "readings_behind": None if heard_at is None else max(0, heard["newest"] - last),
        "open": found.open,
        "breach": found.breach,
        "pending": [_pending(each) for each in bidden.waiting(connection)],
    }


def _pending(waiting: bidden.Waiting) -> dict[str, Any]:
    return {"since": rfc3339(waiting.at), "asked": without_contents(json.loads(waiting.body))}


class Pending(NamedTuple):
    """A command that waits for its gateway's answer, in words."""

    words: str
    by: str
    since: datetime


def pending(connection: Connection, may_see: Callable[[str], bool] = lambda _: True) -> list[Pending]:
    """Return what waits for the answer of the gateway whose copy this is, of buildings to be seen."""
    waiting = [(each.at, json.loads(each.body)) for each in bidden.waiting(connection)]
    return [
        Pending(said(asked), str(asked.get("by", "")), at)
        for at, asked in waiting
        if all(map(may_see, _buildings(connection, asked)))
    ]


def _buildings(connection: Connection, asked: Mapping[str, Any]) -> set[str]:
    """Return the buildings that a command is about; of tickets that are not there, none can be known."""
    named = asked.get("ticket") or []
    ids = [str(each) for each in (named if isinstance(named, list) else [named])]
    found = bidden.buildings_of(connection, ids)
    place = str(asked.get("building") or asked.get("place") or "").partition("/")[0]
    return {*found, *([place] if place else [])} or {""}  # which only who sees all may see


def begin_anew(gateway: Gateway) -> Path:
    """Set the file of a copy aside, and return where it is; the writer's lock must be held."""
    path, number = gateway.copy, 1
    while (aside := path.with_name(f"{path.stem}.until-{number}{path.suffix}")).exists():
        number += 1
    for ending in ("-wal", "-shm", ""):
        beside = path.with_name(path.name + ending)
        if beside.exists():
            beside.rename(aside.with_name(aside.name + ending))
    return aside


def said(command: dict[str, Any]) -> str:
    """Return what a command is, in words for a list."""
    about = command.get("ticket") or command.get("building") or command.get("topic") or ""
    return f"{command.get('do')} {about if isinstance(about, str) else ', '.join(about)}".strip()
