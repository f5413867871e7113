"""A world on a stage: time passes, sensors speak, people act, and what came late is read again.

Rule: a Scene does what the service does and decides nothing; every clock in it is the scene's own.

    scene = Scene().says(clock("08:05"), temperature_f=57.2).until(clock("09:00"))
    assert scene.the_ticket().began_at == clock("08:05")
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Self
from zoneinfo import ZoneInfo

from safetyd.core import engine, power, revision, room, shelving, supervision
from safetyd.core.calendar import Calendar
from safetyd.core.model import Condition, Episode, Observation, Place, Role, Sensor, TroubleKind, Verdict
from safetyd.core.rules import ColdRule, HeatRule, OutageRule, QualityRule, RuleBook, Rules
from safetyd.core.shelf import ShelfAction, ShelfVerb
from safetyd.core.ticket import Action, Ticket, Verb
from safetyd.core.units import JUST_AFTER
from safetyd.core.world import Facts, Notice, Row, World

DAY = "2026-12-01"  # a Tuesday
ZONE = ZoneInfo("America/Los_Angeles")
ROOM = Place("maple", "12")
LAB = Place("maple", "lab")
BUILDING = Place("maple", None)
ALWAYS = Calendar(ZONE)
GREENWICH = Calendar(ZoneInfo("UTC"))
MINUTE = timedelta(minutes=1)


def clock(text: str, **later: float) -> datetime:
    """Return the moment of "08:05" or "2026-12-24 08:05:30" in UTC, or one `later` by hours=, minutes=, …"""
    wall = text if " " in text else f"{DAY} {text}"
    return datetime.fromisoformat(wall).replace(tzinfo=UTC) + timedelta(**later)


def said(at: datetime, *, sensor: str = "a", place: Place = ROOM, **values: Any) -> Observation:
    """Return what a sensor said at `at`, received at once unless `received_at` says otherwise."""
    known = {"received_at": at} | values
    device = {name: known.pop(name) for name in ("interval", "invalid", "offsets") if name in known}
    return Observation(Sensor(place, sensor, **device), at, **known)


def rules(**changed: Any) -> Rules:
    """Return the contract's rules with some numbers of a section changed: cold={"confirm": 2}."""
    kinds = {"cold": ColdRule, "heat": HeatRule, "outage": OutageRule, "quality": QualityRule}
    return Rules(
        **{name: kinds[name](**value) if name in kinds else value for name, value in changed.items()}
    )


def strictly(world: World, facts: Facts, now: datetime) -> None:
    """Let time pass up to `now`, each due moment in its turn, as the service does before anything happens."""
    while (due := world.next_due()) is not None and due < now:
        engine.elapse(world, facts, due)


class Scene:
    """One building and its people. `pass_time` is how time is passed before each thing that happens."""

    def __init__(
        self,
        *versions: Rules,
        calendar: Calendar = ALWAYS,
        pass_time: Callable[[World, Facts, datetime], None] = strictly,
    ) -> None:
        book = RuleBook(versions or (Rules(),), calendar.timezone)
        self.facts = Facts(calendar.timezone, book, calendar, frozenset({ROOM, LAB, BUILDING}))
        self.world = World()
        self.now = datetime.min.replace(tzinfo=UTC)
        self.learned: list[tuple[datetime, Notice]] = []
        self._heard: dict[Place, list[Observation]] = {}
        self._pass_time = pass_time

    def hears(self, observation: Observation) -> Self:
        """Take in one observation at the moment it was received."""
        now = observation.received_at
        self._let_pass(now)
        doubt = supervision.doubt(self.world, observation)
        observation = observation._replace(doubt=doubt) if doubt else observation
        told = engine.observe(self.world, self.facts, observation, now)
        if not observation.retained:
            place = observation.sensor.place
            heard = self._heard.setdefault(place, [])
            heard.append(observation)
            heard.sort(key=lambda one: one.observed_at)
            if told.is_late:
                known = [(n, e) for n, e in self.world.episodes.items() if e.place == place]
                base = power.EMPTY if place.room is None else room.EMPTY
                revision.read_again(self.world, self.facts, place, base, heard, known, now)
        return self._note()

    def says(self, at: datetime, **values: Any) -> Self:
        """Take in what a sensor says."""
        return self.hears(said(at, **values))

    def keeps_saying(
        self, first: datetime, last: datetime, every: timedelta = 5 * MINUTE, **values: Any
    ) -> Self:
        """Take in the same word again and again, from `first` to `last`."""
        while first <= last:
            self.says(first, **values)
            first += every
        return self

    def does(self, at: datetime, verb: Verb, ticket: str = "maple-2026-0001", **keys: Any) -> Self:
        """Let a person act on a ticket."""
        self._let_pass(at)
        engine.act(self.world, self.facts, ticket, Action(verb, **{"by": "A. Reyes", **keys}), at)
        return self._note()

    def shelves(self, at: datetime, until: datetime, place: Place = ROOM, by: str = "F. Ray") -> Self:
        """Let a person hold back the messages about a place."""
        return self._shelf(ShelfAction(ShelfVerb.SHELVE, place, by, "new valve", until, Role.FACILITIES), at)

    def unshelves(self, at: datetime, place: Place = ROOM) -> Self:
        """Let a person end that."""
        return self._shelf(ShelfAction(ShelfVerb.UNSHELVE, place, "F. Ray", role=Role.FACILITIES), at)

    def _shelf(self, action: ShelfAction, at: datetime) -> Self:
        self._let_pass(at)
        shelving.act(self.world, self.facts, action, at)
        return self._note()

    def until(self, now: datetime) -> Self:
        """Let time pass up to and including `now`."""
        self._let_pass(now + JUST_AFTER)
        self.now = now
        return self

    def _let_pass(self, now: datetime) -> None:
        assert now >= self.now, "time does not run backwards on this stage"
        self._pass_time(self.world, self.facts, now)
        self._note()
        self.now = now

    def _note(self) -> Self:
        noted = len(self.learned)
        self.learned.extend((self.now, notice) for notice in self.world.changes.notices[noted:])
        return self

    def the_ticket(self) -> Ticket:
        """Return the only ticket there is."""
        (ticket,) = self.world.tickets.values()
        return ticket

    def episodes(self, condition: Condition = Condition.COLD) -> list[Episode]:
        """Return the episodes under one condition, in order of beginning."""
        found = [episode for episode in self.world.episodes.values() if episode.condition is condition]
        return sorted(found, key=lambda episode: episode.began_at)

    def spans(self, condition: Condition = Condition.COLD) -> list[tuple[datetime, datetime | None]]:
        """Return when each episode under one condition began and ended."""
        return [(episode.began_at, episode.ended_at) for episode in self.episodes(condition)]

    def verdict(self, condition: Condition, place: Place = ROOM) -> Verdict:
        """Return what is known of a room now."""
        known = self.world.rooms.get(place, room.EMPTY)
        return room.verdict(known, condition, self.now, self.facts.book.in_force(self.now))

    def troubles(self, kind: TroubleKind) -> list[str]:
        """Return the sensors that have this trouble now."""
        return [sensor for sensor, standing in self.world.troubles.items() if kind in standing]

    def rows(self, event: str | None = None) -> list[Row]:
        """Return the history, or its lines of one event."""
        return [row for row in self.world.changes.rows if event in (None, row.event)]

    def notices(self, *reasons: str) -> list[Notice]:
        """Return the notices owed so far, or those of some reasons."""
        return [notice for notice in self.world.changes.notices if not reasons or notice.reason in reasons]
