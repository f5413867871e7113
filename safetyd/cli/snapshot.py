"""How the demo stands at one moment, as a plain value that nothing changes any more, and what is new in it.

Rule: a `Camera` is used in the daemon's thread only, between two turns of its loop; what it returns may go
to any thread.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from safetyd.core import obligation, power
from safetyd.core.model import CLAUSE, Condition, Place, Verdict
from safetyd.core.ticket import Deadline, Ticket
from safetyd.core.units import beside
from safetyd.objects import room_object
from safetyd.service import Service

COLUMN = timedelta(minutes=10)  # how much time one character of a room's history stands for
COLUMNS = 18
TOO = {Condition.COLD: "too cold", Condition.HEAT: "too hot", Condition.OUTAGE: "no electricity"}


@dataclass(frozen=True, slots=True)
class RoomSeen:
    """A room; `temps_f` is its history, the newest last, None where nothing was known."""

    name: str
    temperature_f: float | None
    humidity: float | None
    heat_index_f: float | None
    cold: Verdict
    heat: Verdict
    is_near: bool
    """Whether the heat index is where one begins to watch it."""
    was_heard: bool
    temps_f: tuple[float | None, ...] = ()
    below_f: float | None = None
    above_f: float | None = None
    """The limits of cold and heat."""


@dataclass(frozen=True, slots=True)
class MainsSeen:
    """A building's electricity; while it is out, since when and from when on that is a breach."""

    verdict: Verdict
    witnesses: Mapping[str, bool | None]
    out_since: datetime | None = None
    breach_at: datetime | None = None
    is_returning: bool = False


@dataclass(frozen=True, slots=True)
class TicketSeen:
    """A ticket and the earliest relief it still owes."""

    id: str
    where: str
    what: str
    clause: str
    status: str
    verdict: Verdict
    began_at: datetime
    opened_at: datetime
    tier: str
    due_at: datetime | None


@dataclass(frozen=True, slots=True)
class NoticeSeen:
    """The same words to one or several people."""

    at: datetime
    to: tuple[str, ...]
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Show:
    """What stays the same as long as the demo runs."""

    scenario: str
    story: str
    speed: float
    broker: str
    building: str
    timezone: ZoneInfo
    pages: str = ""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything a person who watches may know; tickets and notices in order of time.

    `is_dark` while the gateway has no power; `district` is what a second safetyd sees from afar, if one runs.
    """

    show: Show
    at: datetime
    rooms: tuple[RoomSeen, ...]
    mains: MainsSeen
    tickets: tuple[TicketSeen, ...] = ()
    notices: tuple[NoticeSeen, ...] = ()
    readings: int = 0
    is_dark: bool = False
    district: str = ""


def mains_word(mains: MainsSeen) -> str:
    """Return what is known of a building's electricity, in a word or a few."""
    if mains.out_since is None:
        return "on" if mains.verdict is Verdict.OK else str(mains.verdict)
    if mains.is_returning:
        return "back, not yet for long"
    return "OUT, longer than 9.14.5 allows" if mains.verdict is Verdict.BREACH else "OUT"


class Camera:
    """Takes snapshots of the first building of a daemon, and remembers how warm its rooms were."""

    def __init__(self, service: Service, show: Show) -> None:
        self._service = service
        self._show = show
        self._building = service.site.buildings[0]
        self._temps: dict[str, dict[int, float]] = {room.id: {} for room in self._building.rooms}

    def follow(self, service: Service) -> None:
        """Look at another daemon of the same school from now on."""
        self._service = service

    def take(
        self,
        at: datetime,
        notices: tuple[NoticeSeen, ...],
        readings: int,
        district: str = "",
        *,
        is_dark: bool = False,
    ) -> Snapshot:
        """Return how everything stands at `at`."""
        world = self._service.world
        return Snapshot(
            self._show,
            at,
            tuple(self._room(room.id, room.name, at) for room in self._building.rooms),
            self._mains(at),
            tuple(self._ticket(ticket, at) for ticket in world.tickets.values()),
            notices,
            readings,
            is_dark,
            district,
        )

    def _room(self, id: str, name: str, at: datetime) -> RoomSeen:
        service = self._service
        rules = service.facts.book.in_force(at)
        seen = room_object(service.world, service.facts, Place(self._building.id, id), name, at)
        values, verdicts = seen["values"], seen["verdicts"]
        temps, column = self._temps[id], int(at.timestamp() // COLUMN.total_seconds())
        if values["temperature_f"] is not None:
            temps[column] = values["temperature_f"]
        temps.pop(column - COLUMNS, None)
        return RoomSeen(
            name,
            values["temperature_f"],
            values["humidity"],
            values["heat_index_f"],
            Verdict(verdicts["cold"]),
            Verdict(verdicts["heat"]),
            seen["watch"],
            seen["observed_at"] is not None,
            tuple(temps.get(each) for each in range(column - COLUMNS + 1, column + 1)),
            rules.cold.below_f,
            rules.heat.above_f,
        )

    def _mains(self, at: datetime) -> MainsSeen:
        rule = self._service.facts.book.in_force(at).outage
        found = self._service.world.powers.get(Place(self._building.id, None), power.EMPTY)
        began_at = found.began_at
        return MainsSeen(
            power.verdict(found, at, rule),
            {witness: word.is_on for witness, word in sorted(found.words.items())},
            began_at,
            None if began_at is None else began_at + rule.longer_than,
            found.state is power.State.RETURNING,
        )

    def _ticket(self, ticket: Ticket, at: datetime) -> TicketSeen:
        owed = next((each for each in ticket.deadlines if each.is_owed), None)
        room = self._building.room(ticket.place.room) if ticket.place.room else None
        return TicketSeen(
            ticket.id,
            room.name if room else self._building.name,
            TOO.get(ticket.condition, ticket.condition.value),
            CLAUSE[ticket.condition],
            ticket.status.value,
            obligation.verdict(self._service.world, self._service.facts, ticket, at),
            ticket.began_at,
            ticket.opened_at,
            *_due(owed),
        )


def _due(owed: Deadline | None) -> tuple[str, datetime | None]:
    return ("", None) if owed is None else (owed.tier.value.replace("_", " "), owed.in_force_at)


def news(before: Snapshot | None, after: Snapshot) -> Iterator[tuple[datetime, str, str]]:
    """Yield what happened between two snapshots, as moment, kind and words, in order of time."""
    return iter(sorted(_news(before, after), key=lambda each: each[0]))


def _news(before: Snapshot | None, after: Snapshot) -> Iterator[tuple[datetime, str, str]]:
    zone = after.show.timezone
    old = {room.name: room for room in before.rooms} if before else {}
    for room in after.rooms:
        was = old.get(room.name)
        if was is not None and was.was_heard:
            yield from ((after.at, "verdict", words) for words in _changes(was, room))
    known = {ticket.id for ticket in before.tickets} if before else set()
    for ticket in after.tickets:
        if ticket.id not in known:
            due = (
                f"; {ticket.tier} is due {ticket.due_at.astimezone(zone):%a %d %b %H:%M}"
                if ticket.due_at
                else ""
            )
            words = f"{ticket.id} opened, {ticket.clause}: {ticket.where}, {ticket.what}{due}"
            yield ticket.opened_at, "ticket", words
    if before and before.mains.witnesses and mains_word(before.mains) != mains_word(after.mains):
        since = after.mains.out_since
        out = f", since {since.astimezone(zone):%H:%M}" if since and not after.mains.is_returning else ""
        yield after.at, "mains", f"{mains_word(before.mains)} → {mains_word(after.mains)}{out}"
    if before and before.is_dark is not after.is_dark:
        yield after.at, "gateway", "dark: its UPS is empty" if after.is_dark else "back, with the power"
    if before and before.district != after.district and after.district:
        yield after.at, "district", after.district
    for position, notice in enumerate(after.notices):  # notices are only added, and readers to them
        told = before.notices[position].to if before and position < len(before.notices) else ()
        fresh = [name for name in notice.to if name not in told]
        if fresh:
            yield notice.at, "notice", f"{notice.title} (to {'; '.join(fresh)})"


def _changes(was: RoomSeen, room: RoomSeen) -> Iterator[str]:
    for condition, old, new, value, limit_f, unit in (
        ("cold", was.cold, room.cold, room.temperature_f, room.below_f, "°F"),
        ("heat", was.heat, room.heat, room.heat_index_f, room.above_f, "°F heat index"),
    ):
        if old is not new:
            shown = "no value" if value is None else f"{beside(value, limit_f, 2)} {unit}"
            yield f"{room.name}: {condition} {old} → {new} ({shown})"
