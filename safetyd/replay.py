"""The same service over recorded time: a store in memory, and nothing is ever sent.

Rule: time passes between the lines of a recording, every due moment in its turn; the same recording under the
same configuration gives the same bytes.
"""

import base64
import json
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

from safetyd import objects
from safetyd.core.account import shares, whole_seconds
from safetyd.core.errors import SafetydError
from safetyd.core.model import Place
from safetyd.core.units import JUST_AFTER
from safetyd.ingest.message import Message
from safetyd.past import observations_of
from safetyd.service import Service
from safetyd.site import Site
from safetyd.store import ledger, leftovers, outbox
from safetyd.store.database import Connection, in_memory
from safetyd.store.troubles import every_trouble
from safetyd.times import read_time, rfc3339
from safetyd.trying import carry_out
from safetyd.wording import sound


class RecordingError(SafetydError):
    """A line of a recording that cannot be read."""


class Line(NamedTuple):
    """One line of a recording: a message, or with `command` what a person did."""

    at: datetime
    message: Message | None
    command: dict[str, Any] | None


def read_recording(lines: Iterable[str], name: str) -> Iterator[Line]:
    """Yield the lines of a recording.

    Raises:
        RecordingError: naming the line, what is wrong with it and what was expected.
    """
    last: datetime | None = None
    for number, text in enumerate(lines, 1):
        if not text.strip():
            continue
        try:
            line = _line(text)
        except ValueError as error:
            raise RecordingError(f"{name}:{number}: {error}") from error
        if last is not None and line.at < last:
            raise RecordingError(
                f"{name}:{number}: at is {rfc3339(line.at)}, earlier than the line before;"
                " expected lines in order of at"
            )
        last = line.at
        yield line


def _line(text: str) -> Line:
    try:
        said = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"is not JSON ({error}); expected one JSON object a line") from error
    if not isinstance(said, dict):
        raise ValueError("is no JSON object; expected one a line")
    if "at" not in said:
        raise ValueError('lacks at; expected a time such as "2026-12-01T16:05:00Z"')
    try:
        at = read_time(said["at"])
    except ValueError as error:
        raise ValueError(f"at: {error}") from error
    if "do" in said and "topic" not in said:
        return Line(at, None, said)
    topic = said.get("topic")
    if not isinstance(topic, str):
        raise ValueError("has neither topic nor do; expected one of them, as text")
    return Line(at, Message(at, sound(topic), _payload(said), said.get("retain") is True), None)


def _payload(said: dict[str, Any]) -> bytes:
    payload = said.get("payload", "")
    if not isinstance(payload, str):
        raise ValueError(f"payload is {type(payload).__name__}; expected the text on the wire")
    if said.get("encoding") == "base64":
        try:
            return base64.b64decode(payload, validate=True)
        except ValueError as error:
            raise ValueError(f"payload is no base64: {error}") from error
    if "encoding" in said and said["encoding"] is not None:
        raise ValueError(f"encoding is {said['encoding']!r}; expected base64, or none for text")
    return payload.encode("utf-8", "surrogatepass")


def replay(
    lines: Iterable[Line],
    site: Site,
    root: str = "safetyd",
    until: datetime | None = None,
    progress: Callable[[], object] = lambda: None,
    store: Connection | None = None,
) -> dict[str, Any]:
    """Return what the recording leads to, as `replay --json` prints it; `progress` is called a line.

    Without a `store` to keep it in it is forgotten.
    """
    service: Service | None = None
    first = last = until or datetime(1970, 1, 1, tzinfo=UTC)
    for line in lines:
        if until is not None and line.at > until:
            break
        if service is None:
            first = line.at
            service = _begin(site, root, first, store)
        last = line.at
        _pass_time(service, line.at - JUST_AFTER)
        if line.message is not None:
            service.take(line.message)
        elif line.command is not None:
            try:
                carry_out(service, line.command, line.at)
            except SafetydError as error:
                service.waiting.refuse_command(line.command, str(error), line.at)
        if service.has_decision:
            service.commit(line.at)
        progress()
    if service is None:
        service = _begin(site, root, first, store)
    end = until or last
    _pass_time(service, end)
    service.commit(end)
    return _told(service, site, first, end)


def _begin(site: Site, root: str, now: datetime, store: Connection | None) -> Service:
    service = Service(store or in_memory(), site, root, now)
    service.is_replay = True
    return service


def _pass_time(service: Service, until: datetime) -> None:
    while (due := service.world.next_due()) is not None and due <= until:
        service.elapse(due)
        if service.has_decision:
            service.commit(due)


def _told(service: Service, site: Site, first: datetime, end: datetime) -> dict[str, Any]:
    world, facts, connection = service.world, service.facts, service.connection
    return {
        "tickets": [
            objects.ticket_object(world, facts, ticket, ledger.history(connection, ticket.id), end)
            for ticket in world.tickets.values()
        ],
        "notices": [objects.notice_object(notice) for notice in outbox.notices(connection)],
        "troubles": [objects.trouble_object(trouble) for trouble in every_trouble(connection)],
        "rooms": [
            _seconds(service, Place(building.id, room.id), first, end)
            for building in site.buildings
            for room in building.rooms
        ],
        "rejected": [objects.refusal_object(refusal) for refusal in leftovers.refusals(connection)],
        "unassigned": leftovers.unassigned_topics(connection),
        "rules": site.rulebook.fingerprint,
    }


def _seconds(service: Service, place: Place, first: datetime, end: datetime) -> dict[str, Any]:
    spent = whole_seconds(
        shares(
            observations_of(service.connection, service.hearing.sensors, place),
            service.site.rulebook,
            first,
            end,
        )
    )
    return {"building": place.building, "room": place.room} | {f"{name}_s": spent[name] for name in spent}
