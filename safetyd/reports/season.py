"""What reports are made of: a range of some buildings, as the store has it.

Rule: facts only, read once; a report is made of a Season and of nothing else.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from safetyd.core.calendar import Calendar
from safetyd.core.errors import SafetydError
from safetyd.core.model import Episode, Place
from safetyd.core.tally import Account
from safetyd.core.ticket import AT_REST, Ticket
from safetyd.core.world import World
from safetyd.history.queries import History
from safetyd.reports.hours import Month, Time, by_month, on_edges, total
from safetyd.site import Building, Site
from safetyd.store import ledger, promptness, rollups
from safetyd.store.database import Connection
from safetyd.store.promptness import Prompt
from safetyd.store.rollups import HOUR, Level, RolledPlace


class ReportError(SafetydError):
    """A report that there is nothing to make of."""


class Case(NamedTuple):
    """A ticket with its episodes, in order of beginning."""

    ticket: Ticket
    episodes: tuple[Episode, ...]

    @property
    def is_open(self) -> bool:
        """Whether something may still be owed."""
        return self.ticket.status not in AT_REST

    @property
    def recurred_at(self) -> list[datetime]:
        """When it came back: the beginnings of all episodes but the first."""
        return [each.began_at for each in self.episodes[1:]]


class Season(NamedTuple):
    """`places` are the rooms and the buildings as a whole, in the order of the site; `months` are of each.

    Cases are those of the buildings whenever they opened; `holds` asks for a part of them. The range is
    to the moment, so that nothing on record is left out of it; its hours are counted by five minutes.
    """

    site: Site
    buildings: tuple[Building, ...]
    begin: datetime
    end: datetime
    made_at: datetime
    months: Mapping[Place, tuple[Month, ...]]
    cases: tuple[Case, ...]
    prompts: tuple[Prompt, ...]
    notes: tuple[str, ...] = ()

    @property
    def zone(self) -> ZoneInfo:
        """The site's time zone."""
        return self.site.timezone

    @property
    def rooms(self) -> list[Place]:
        """Every room."""
        return [place for place in self.months if place.room is not None]

    @property
    def is_measured(self) -> bool:
        """Whether any of its time rests on readings."""
        return any(
            time.known
            for months in self.months.values()
            for month in months
            for time in month.always.values()
        )

    def holds(self, at: datetime | None) -> bool:
        """Return whether a moment lies in the range."""
        return at is not None and self.begin <= at < self.end

    def opened(self) -> list[Case]:
        """Return what opened in the range."""
        return [each for each in self.cases if self.holds(each.ticket.opened_at)]

    def of(self, place: Place) -> list[Case]:
        """Return the cases of a place, whenever they opened."""
        return [each for each in self.cases if each.ticket.place == place]

    def building_name(self, id: str) -> str:
        """Return what a building is called."""
        found = self.site.building(id)
        return found.name if found else id

    def room_name(self, place: Place) -> str:
        """Return what a room is called; of a building as a whole that it is that."""
        if place.room is None:
            return "whole building"
        building = self.site.building(place.building)
        room = building.room(place.room) if building else None
        return room.name if room else f"{place.room} (no longer in the site file)"

    def time(self, place: Place, account: Account, *, in_class: bool = False) -> Time:
        """Return the time of a place over the whole range."""
        return total(self.months[place], account, in_class=in_class)

    def rooms_time(self, account: Account, *, in_class: bool = False) -> Time:
        """Return the time of all rooms together."""
        return sum((self.time(each, account, in_class=in_class) for each in self.rooms), Time())


def season(
    connection: Connection,
    site: Site,
    root: str,
    buildings: Sequence[Building],
    begin: datetime,
    end: datetime,
    now: datetime,
    progress: Callable[[int], object] = lambda _: None,
) -> Season:
    """Return what is on record of some buildings in a range, which ends now at the latest.

    Raises:
        ReportError: nothing is, in one sentence.
    """
    end = min(end, now)
    if begin >= end:
        raise ReportError(
            f"from {_moment(begin, site)} to {_moment(end, site)} nothing has happened yet;"
            " ask for a time that has begun"
        )
    history = History(connection, site, root, now)
    ids = [each.id for each in buildings]
    rolled = [each for each in rollups.places(connection) if each.place.building in ids]
    places = _places(buildings, [each.place for each in rolled])

    def calendar_of(id: str) -> Calendar:
        building = site.building(id)
        return (building.calendar if building else None) or site.calendar

    months = by_month(history, connection, places, calendar_of, on_edges(begin, end), site.timezone, progress)
    cases = _cases(connection, ids)
    prompts = tuple(promptness.notices(connection, begin, end, ids))
    notes = tuple(filter(None, (history.backlog(), _retired(connection, rolled, begin))))
    made = Season(site, tuple(buildings), begin, end, now, months, cases, prompts, notes)
    _refuse_emptiness(made)
    return made


def _places(buildings: Sequence[Building], rolled: Sequence[Place]) -> list[Place]:
    """Return the rooms of the site file and those that have left it, each building after its rooms."""
    found = []
    for building in buildings:
        rooms = [Place(building.id, room.id) for room in building.rooms]
        gone = [each for each in rolled if each.building == building.id and each.room and each not in rooms]
        found += [*rooms, *sorted(gone), Place(building.id, None)]
    return found


def _cases(connection: Connection, ids: Sequence[str]) -> tuple[Case, ...]:
    world = World()
    ledger.load(connection, world)
    return tuple(
        Case(each, tuple(world.episodes_of(each.id)))
        for each in world.tickets.values()
        if each.place.building in ids
    )


def _retired(connection: Connection, rolled: Sequence[RolledPlace], begin: datetime) -> str:
    """Return what is missing because it is kept no longer, in words."""
    oldest = rollups.first_start(connection, Level.HOUR)
    if oldest is None or begin >= oldest or not any(each.since + HOUR < oldest for each in rolled):
        return ""
    return f"what was measured before {oldest:%Y-%m-%d} is no longer kept"


def _refuse_emptiness(made: Season) -> None:
    is_on_record = made.prompts or any(
        made.holds(at)
        for case in made.cases
        for at in (case.ticket.opened_at, *case.recurred_at, *(each.due_at for each in case.ticket.deadlines))
    )
    is_owed = any(case.is_open and case.ticket.opened_at < made.end for case in made.cases)
    if not (made.is_measured or is_on_record or is_owed):
        where = " or ".join(each.name for each in made.buildings) or "any building"
        last = made.end - timedelta(seconds=1)
        is_whole = made.end.astimezone(made.zone).date() != last.astimezone(made.zone).date()
        until = _day(last, made.site) if is_whole else _moment(made.end, made.site)
        span = f"from {_day(made.begin, made.site)} to {until}"
        raise ReportError(f"{span} nothing is on record of {where}: no reading, no ticket, no notice")


def _moment(at: datetime, site: Site) -> str:
    return f"{at.astimezone(site.timezone):%Y-%m-%d %H:%M}"


def _day(at: datetime, site: Site) -> str:
    return f"{at.astimezone(site.timezone):%Y-%m-%d}"
