"""All that has been decided so far, as one value in memory, and what of it has changed since it was saved.

Rule: whatever changes a World also notes it in `changes`; a World and the readings since it was saved are all
that is needed to go on.
"""

import heapq
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from safetyd.core import power, room, watch
from safetyd.core.afar import Afar
from safetyd.core.attachment import Attachment
from safetyd.core.calendar import Calendar
from safetyd.core.errors import ActionError
from safetyd.core.health import Health
from safetyd.core.model import (
    Condition,
    Episode,
    Hazard,
    Observation,
    Place,
    Role,
    Sensor,
    Trouble,
    TroubleKind,
    same_name,
)
from safetyd.core.notice import Desk
from safetyd.core.plan import PlanBook, Reason
from safetyd.core.rules import RuleBook
from safetyd.core.shelf import Shelf
from safetyd.core.ticket import AT_REST, Ticket

_BEGINNING = datetime.min.replace(tzinfo=UTC)

Span = tuple[datetime | None, datetime | None]  # from, and up to before; None is without limit
Subject = tuple[Place, Condition, Hazard | None]


class Watched(NamedTuple):
    """A building that is watched from afar: its gateway, by client id, and what hears it here."""

    gateway: str
    sensor: Sensor


@dataclass(frozen=True, slots=True)
class Facts:
    """What the site file says and the engine needs.

    `spans` says from when until when a sensor of the site file, by key, is to be waited for; of one that has
    left it there are none. `bridges` says through which a sensor may be heard, the likeliest first, `behind`
    the same the other way about; `mains_powered` are those that fall silent with the power;
    `lifters` are the names of those who may lift a building's closure, by its id; `roles` are who people are
    to a building, by its id and `same_name`. `watched` are the buildings watched from afar;
    `listeners` who is told of troubles, where that is not as usual. `calendars` are those of the buildings
    that have one of their own; `plans` say who is told of what.
    """

    timezone: ZoneInfo
    book: RuleBook
    calendar: Calendar
    places: frozenset[Place]
    spans: Mapping[str, Collection[Span]] = field(default_factory=dict)
    bridges: Mapping[str, Sequence[str]] = field(default_factory=dict)
    behind: Mapping[str, Sequence[str]] = field(default_factory=dict)
    mains_powered: Collection[str] = ()
    lifters: Mapping[str, Collection[str]] = field(default_factory=dict)
    roles: Mapping[str, Mapping[str, Sequence[Role]]] = field(default_factory=dict)
    watched: Mapping[str, Watched] = field(default_factory=dict)
    listeners: tuple[Role, ...] = ()
    calendars: Mapping[str, Calendar] = field(default_factory=dict)
    plans: PlanBook = field(default_factory=PlanBook)

    def calendar_of(self, building: str) -> Calendar:
        """Return the calendar that a building goes by."""
        return self.calendars.get(building, self.calendar)

    def role_of(self, name: str, building: str, said: Role | None = None) -> str:
        """Return who a person is to a building, by the site file, else as they say; nothing if nobody says.

        Raises:
            ActionError: the site file knows them as somebody else.
        """
        known = self.roles.get(building, {}).get(same_name(name), ())
        if said is not None and known and said not in known:
            raise ActionError(f"role: {name} is {', '.join(known)} here and not {said}")
        return ", ".join(known) or (said or "")

    def is_awaited(self, key: str, at: datetime) -> bool:
        """Return whether a sensor ought to be heard at a moment."""
        spans = self.spans.get(key)
        if spans is None:
            return True
        return any((since is None or since <= at) and (until is None or at < until) for since, until in spans)


class Row(NamedTuple):
    """One line of a ticket's history; `files` are what its `detail` names, on their way into the store."""

    at: datetime
    ticket: str
    event: str
    by: str
    note: str = ""
    detail: Mapping[str, Any] = MappingProxyType({})
    files: tuple[Attachment, ...] = ()


class Notice(NamedTuple):
    """One message owed to the people of some roles. `key` is the same however often it is worked out.

    `about` are the facts the text is made of; exactly one of `ticket` and `tickets` may be given; `plan` is
    the fingerprint of the version that says who is told. One that is `shelved` is on record and sent to
    nobody.
    """

    key: str
    at: datetime
    building: str
    reason: Reason
    roles: tuple[Role, ...]
    ticket: str | None = None
    tickets: tuple[str, ...] | None = None
    about: Mapping[str, str] = MappingProxyType({})
    plan: str = ""
    shelved: Shelf | None = None


@dataclass(slots=True)
class Changes:
    """What has to be saved together; it is a decision if it is true, and may wait if only `afar` is in it."""

    places: set[Place] = field(default_factory=set)
    tickets: dict[str, Ticket] = field(default_factory=dict)
    episodes: dict[int, Episode] = field(default_factory=dict)
    dropped: set[int] = field(default_factory=set)
    desks: set[str] = field(default_factory=set)
    held: bool = False
    rows: list[Row] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    troubles: list[Trouble] = field(default_factory=list)
    awaited: dict[str, datetime | None] = field(default_factory=dict)
    shelves: list[Shelf] = field(default_factory=list)
    afar: set[str] = field(default_factory=set)

    def ticket_ids(self) -> set[str]:
        """Return every ticket that looks different now."""
        of_episodes = {episode.ticket for episode in self.episodes.values() if episode.ticket is not None}
        return of_episodes.union(self.tickets, (row.ticket for row in self.rows))

    def __bool__(self) -> bool:
        return bool(
            self.places
            or self.tickets
            or self.episodes
            or self.dropped
            or self.desks
            or self.held
            or self.rows
            or self.notices
            or self.troubles
            or self.awaited
            or self.shelves
        )


class Due(NamedTuple):
    """Something that time alone will do: `kind` says what, `key` to whom."""

    at: datetime
    kind: str
    key: str


@dataclass(slots=True)
class World:
    """Everything the engine remembers, up to `now`, the latest moment it has lived through.

    `bound` are the numbers of each ticket's episodes, `running` those in progress, `held` those of them
    that become a ticket only when work hours begin; `dues` and `scheduled` are what time alone will do;
    `shown` are retained messages, which fill the screen and prove nothing; `conclusions` are observations
    of our own, drawn from the silence of devices or another safetyd's words, that are taken in and not
    stored yet. `awaited` says of sensors of the site file that were never heard since when they ought to
    be. `afar` is what is known of buildings watched from afar, whom we hear since `listening_since`, not
    since `deaf_since`. `shelves` are those that stand, by the place whose messages are held back.
    """

    rooms: dict[Place, room.Room] = field(default_factory=dict)
    powers: dict[Place, power.Power] = field(default_factory=dict)
    shown: dict[Place, Observation] = field(default_factory=dict)
    conclusions: list[Observation] = field(default_factory=list)
    health: dict[str, Health] = field(default_factory=dict)
    awaited: dict[str, datetime] = field(default_factory=dict)
    places: dict[str, Place] = field(default_factory=dict)
    troubles: dict[str, dict[TroubleKind, Trouble]] = field(default_factory=dict)
    tickets: dict[str, Ticket] = field(default_factory=dict)
    open: dict[Subject, str] = field(default_factory=dict)
    last: dict[Subject, str] = field(default_factory=dict)
    numbers: dict[tuple[str, int], int] = field(default_factory=dict)
    running: dict[tuple[Place, Condition], int] = field(default_factory=dict)
    episodes: dict[int, Episode] = field(default_factory=dict)
    bound: dict[str, tuple[int, ...]] = field(default_factory=dict)
    next_episode: int = 1
    held: dict[int, datetime] = field(default_factory=dict)
    desks: dict[str, Desk] = field(default_factory=dict)
    shelves: dict[Place, Shelf] = field(default_factory=dict)
    afar: dict[str, Afar] = field(default_factory=dict)
    listening_since: datetime = _BEGINNING
    deaf_since: datetime | None = None
    now: datetime = _BEGINNING
    changes: Changes = field(default_factory=Changes)
    dues: list[Due] = field(default_factory=list)
    scheduled: dict[tuple[str, str], datetime] = field(default_factory=dict)

    def schedule(self, kind: str, key: str, at: datetime | None) -> None:
        """Note that something falls due; an earlier note of the same thing stands."""
        if at is None:
            return
        noted = self.scheduled.get((kind, key))
        if noted is None or at < noted:
            self.scheduled[kind, key] = at
            heapq.heappush(self.dues, Due(at, kind, key))

    def next_due(self) -> datetime | None:
        """Return the earliest moment at which something may fall due."""
        while self.dues and self.scheduled.get(self.dues[0][1:]) != self.dues[0].at:
            heapq.heappop(self.dues)
        return self.dues[0].at if self.dues else None

    def take_due(self, now: datetime) -> Iterator[Due]:
        """Yield what has fallen due up to `now`, in order; what is scheduled meanwhile is included."""
        while (at := self.next_due()) is not None and at <= now:
            due = heapq.heappop(self.dues)
            del self.scheduled[due.kind, due.key]
            yield due

    def put_ticket(self, ticket: Ticket) -> None:
        """Keep a ticket and its place in the index of open ones."""
        if ticket.id not in self.tickets:
            self.last[ticket.subject] = ticket.id
        self.tickets[ticket.id] = ticket
        if ticket.status in AT_REST:
            if self.open.get(ticket.subject) == ticket.id:
                del self.open[ticket.subject]
        else:
            self.open[ticket.subject] = ticket.id
        self.changes.tickets[ticket.id] = ticket

    def put_episode(self, number: int, episode: Episode) -> None:
        """Keep an episode that is another now."""
        self.keep_episode(number, episode)
        self.changes.episodes[number] = episode

    def keep_episode(self, number: int, episode: Episode) -> None:
        """Keep an episode as it is on record; of a place's that have no end the latest is in progress."""
        self._unbind(number)
        self.episodes[number] = episode
        if episode.ticket is not None:
            self.bound[episode.ticket] = (*self.bound.get(episode.ticket, ()), number)
        where = episode.place, episode.condition
        running = self.running.get(where)
        if episode.ended_at is not None:
            if running == number:
                del self.running[where]
        elif running is None or self.episodes[running].began_at <= episode.began_at:
            self.running[where] = number

    def _unbind(self, number: int) -> None:
        known = self.episodes.get(number)
        if known is not None and known.ticket is not None:
            self.bound[known.ticket] = tuple(each for each in self.bound[known.ticket] if each != number)

    def new_episode(self, episode: Episode) -> int:
        """Keep a new episode and return its number."""
        number = self.next_episode
        self.next_episode += 1
        self.put_episode(number, episode)
        return number

    def drop_episode(self, number: int) -> None:
        """Forget an episode that turned out to be part of another."""
        self._unbind(number)
        episode = self.episodes.pop(number)
        where = episode.place, episode.condition
        if self.running.get(where) == number:
            del self.running[where]
        if self.held.pop(number, None) is not None:
            self.changes.held = True
        self.changes.episodes.pop(number, None)
        self.changes.dropped.add(number)

    def put_afar(self, building: str, afar: Afar) -> None:
        """Keep what is known of a building from afar."""
        if self.afar.get(building) != afar:
            self.afar[building] = afar
            self.changes.afar.add(building)

    def put_trouble(self, trouble: Trouble) -> None:
        """Keep a trouble while it stands."""
        standing = self.troubles.setdefault(trouble.sensor, {})
        if trouble.ended_at is None:
            standing[trouble.kind] = trouble
        else:
            standing.pop(trouble.kind, None)
        self.changes.troubles.append(trouble)

    def put_shelf(self, shelf: Shelf) -> None:
        """Keep a shelf while it stands; each change of one is on record."""
        if shelf.ended_at is None:
            self.shelves[shelf.place] = shelf
        else:
            self.shelves.pop(shelf.place, None)
        self.changes.shelves.append(shelf)

    def number(self, building: str, year: int) -> int:
        """Return the next ticket number of a building and year, from 1 without gaps."""
        self.numbers[building, year] = self.numbers.get((building, year), 0) + 1
        return self.numbers[building, year]

    def episodes_of(self, ticket_id: str) -> list[Episode]:
        """Return a ticket's episodes in order of beginning."""
        numbers = sorted(self.bound.get(ticket_id, ()))
        return sorted((self.episodes[number] for number in numbers), key=lambda each: each.began_at)


def up_to_date(world: World, episode: Episode, now: datetime) -> Episode:
    """Return an episode as it stands at `now`; one in progress with its worst value so far."""
    number = world.running.get((episode.place, episode.condition))
    if number is None or world.episodes[number].began_at != episode.began_at:
        return episode
    if episode.condition is Condition.OUTAGE:
        standing = world.powers.get(episode.place)
        return episode if standing is None else replace(episode, seen=power.seen(standing, now))
    standing_room = world.rooms.get(episode.place)
    if standing_room is None:
        return episode
    watching = standing_room.watch(episode.condition)
    return (
        replace(episode, worst=watching.worst, seen=watch.seen(watching, now))
        if watching.is_breach
        else episode
    )
