"""What people do over HTTP: left in the inbox for the one writer, who answers.

Rule: who acts is whose token it is. What the writer refuses is a 409 with its sentence; what it has not
answered in time it will carry out all the same, and that is what is said. What comes again under its key is
not done again: its outcome is looked at, or waited for.
"""

import json
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import closing
from types import MappingProxyType
from typing import Any, NamedTuple, TypeVar

import anyio
from anyio import CapacityLimiter, to_thread

from safetyd.assigned import guessed_format
from safetyd.commands import ELSEWHERE, HEARD, REPORT, read_assignment, read_command
from safetyd.core.assignment import AssignVerb, standing
from safetyd.core.closure import ClosureVerb
from safetyd.core.errors import ActionError
from safetyd.core.model import same_name
from safetyd.core.report import Report, check
from safetyd.core.ticket import Action, Ticket
from safetyd.core.world import Facts
from safetyd.ingest.topics import native_route, routes
from safetyd.site import Site
from safetyd.store import assignments, inbox, leftovers, once
from safetyd.store.accounts import Account
from safetyd.store.database import (
    Connection,
    StoreError,
    open_for_reading,
    open_for_writing,
    undone_on_failure,
)
from safetyd.store.once import Key, Left
from safetyd.view import View
from safetyd.web.access import sees
from safetyd.web.answers import building_of, place_of
from safetyd.web.asking import KEY_HEADER, faulty
from safetyd.web.content_type import check_kind
from safetyd.web.health import Pulse
from safetyd.web.problems import Problem, misused
from safetyd.web.routes import Route

T = TypeVar("T")
_LOOK_S = 0.05


class Done(NamedTuple):
    """What became of an act: the ticket it is about, if it is about one, and all that was answered; or nobody
    knows yet."""

    ticket: str | None
    is_known: bool = True
    told: Mapping[str, Any] = MappingProxyType({})


def command(
    route: Route, said: Mapping[str, Any], about: Ticket | str, account: Account, facts: Facts, site: Site
) -> dict[str, Any]:
    """Return a command as the inbox has it: on a ticket, or a report on a building.

    Raises:
        Problem: it cannot be understood.
    """
    whole = {**said, "by": account.name}
    if isinstance(about, Ticket):
        building = about.place.building
        whole |= {"do": route.name, "ticket": about.id}
    else:
        building = about
        whole |= {"do": REPORT}
    is_unknown = same_name(account.name) not in facts.roles.get(building, {})
    if is_unknown and route.name not in list(ClosureVerb):  # else the site file says who they are
        whole["role"] = account.role.value
    try:
        read = read_command(whole, site.timezone)
        if isinstance(read, Report):
            check(facts, read)
        elif isinstance(read, tuple) and isinstance(read[1], Action):
            for each in read[1].attachments:
                check_kind(each)
    except ActionError as error:
        raise faulty(route, str(error)) from error
    return whole


def assignment(route: Route, said: Mapping[str, Any], account: Account, view: View) -> dict[str, Any]:
    """Return a command that gives a topic a place, or lets go of one, as the inbox has it.

    Raises:
        Problem: it cannot be understood, or is not of their buildings.
    """
    is_new = route.name == AssignVerb.ASSIGN
    whole = {**(_of_district(said, view) if is_new else said), "by": account.name, "do": route.name}
    try:
        read = read_assignment(whole, view.site.timezone)
    except ActionError as error:
        raise faulty(route, str(error)) from error
    if read.place is not None:
        place = place_of(building_of(view.site, account, read.place.building), read.place.room)
        ids = {place.building}
    else:
        ids = set(holders(view, read.topic))
        if not any(sees(account, id) for id in ids):
            raise Problem(409, f"{read.topic} is assigned to no room")
    if not any(same_name(account.name) in view.facts.roles.get(id, {}) for id in ids):
        whole["role"] = account.role.value  # else the site file says who they are
    return whole


def _of_district(said: Mapping[str, Any], view: View) -> Mapping[str, Any]:
    """Return an assignment with what the writer of one store cannot know: that another has heard the topic.

    Raises:
        Problem: it is somebody's already.
    """
    topic = said.get("topic")
    if not view.parts or not isinstance(topic, str):
        return said
    if topic not in {each["topic"] for each in view.strays()}:
        bound = routes(view.site)
        if bound.of(topic) or topic in bound.bridges or native_route(topic, view.site, view.root):
            raise Problem(409, f"topic: {topic[:80]!r} is somebody's already; end that first")
        return said  # whether it was ever heard its writer knows
    heard = (leftovers.stray_of(each.connection, topic) for each in view.each)
    stray = next(filter(None, heard), None)
    found = guessed_format(topic, stray.payload, view.site, view.root) if stray is not None else ""
    return {HEARD: ELSEWHERE, **({"format": found} if found else {}), **said}


def holders(view: View, topic: str) -> list[str]:
    """Return the buildings that a topic is assigned to now."""
    found = [held for each in view.each for held in standing(assignments.record(each.connection))]
    return [each.line.place.building for each in found if each.until is None and each.line.topic == topic]


def commands(
    route: Route,
    said: Mapping[str, Any],
    tickets: Iterable[Ticket],
    account: Account,
    facts: Facts,
    site: Site,
) -> tuple[dict[str, Any], ...]:
    """Return commands that do the same with several tickets: as few as there are roles to do it in.

    Raises:
        Problem: it cannot be understood.
    """
    found: dict[str | None, dict[str, Any]] = {}
    for each in tickets:
        one = command(route, said, each, account, facts, site)
        found.setdefault(one.get("role"), one | {"ticket": []})["ticket"].append(each.id)
    return tuple(found.values())


class Inbox:
    """Leaves one command after the other, and waits so long for the answer of each."""

    def __init__(self, url: str, pulse: Pulse, patience_s: float = 15.0) -> None:
        self.patience_s = patience_s
        self._url = url
        self._pulse = pulse
        self._reader: Connection | None = None
        self._one = CapacityLimiter(1)

    async def carry_out(self, understand: Callable[[], Awaitable[dict[str, Any]]], key: Key | None) -> Done:
        """Have a command carried out by the writer, unless it was left under its key before.

        `understand` returns the command, and is not asked for one that was.

        Raises:
            Problem: it is refused, or could not be left, or the key is another command's.
        """
        before = await to_thread.run_sync(self._left, key, limiter=self._one) if key else None
        if before is None:
            body = json.dumps(await understand())
            before = await to_thread.run_sync(self._leave, body, key, limiter=self._one)
        number = _same(before)
        give_up_at = time.monotonic() + self.patience_s
        while time.monotonic() < give_up_at:
            await anyio.sleep(_LOOK_S)
            answer = await to_thread.run_sync(self._answer, number, limiter=self._one)
            if answer is not None:
                return _outcome(answer)
        return Done(None, is_known=False)

    async def knows(self, key: Key) -> bool:
        """Return whether a command was left here under a key."""
        return await to_thread.run_sync(self._left, key, limiter=self._one) is not None

    def _left(self, key: Key) -> Left | None:
        return self._asked(lambda connection: once.left(connection, key, self._pulse.now()))

    def _leave(self, body: str, key: Key | None) -> Left:
        now = self._pulse.now()
        try:
            with closing(open_for_writing(self._url)) as connection, undone_on_failure(connection):
                if key is not None:
                    return once.leave(connection, key, body, now)
                return Left(inbox.leave(connection, body, now), is_same=True)
        except StoreError as error:
            raise Problem(503, f"{error}; nothing was done; try again later") from error

    def _answer(self, number: int) -> str | None:
        return self._asked(lambda connection: inbox.answered(connection, number))

    def _asked(self, read: Callable[[Connection], T]) -> T:
        """Return what is read by a connection that is kept; where that broke meanwhile, by another."""
        is_kept = self._reader is not None
        try:
            if self._reader is None:
                self._reader = open_for_reading(self._url)
            return read(self._reader)
        except Exception:
            self.close()
            if not is_kept:
                raise
        return self._asked(read)

    def close(self) -> None:
        """Let go of everything."""
        reader, self._reader = self._reader, None
        if reader is not None:
            reader.close()


def _same(left: Left) -> int:
    if not left.is_same:
        words = "something else was asked under this key within a day; ask under a new one"
        raise misused(KEY_HEADER, f"{KEY_HEADER}: {words}", 422)
    return left.number


def _outcome(answer: str) -> Done:
    said = json.loads(answer)
    if "refused" in said:
        raise Problem(409, said["refused"], refusals=said.get("each", {}))
    return Done(None if said.get("ticket") is None else str(said["ticket"]), told=said)
