"""A building's stored readings judged again by the service itself, on a store in memory that is thrown away.

Rule: the store on disk is only read. What arrived is taken in at its arrival, in its order; what was
concluded from silence is taken as it was concluded then. No notice is kept, and nobody could send one.
"""

from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from operator import attrgetter

from safetyd.core.account import stretches
from safetyd.core.model import IMPORT, Observation, Place, Verdict
from safetyd.core.room import EMPTY, Room, is_settled, walk
from safetyd.core.rules import RuleBook
from safetyd.core.units import JUST_AFTER
from safetyd.ingest.message import Message
from safetyd.service import Service
from safetyd.site import Site
from safetyd.store import readings, retired, supposing
from safetyd.store.database import Connection, in_memory
from safetyd.store.readings import Numbered
from safetyd.whatif.deeds import do_again, on_record
from safetyd.whatif.figures import Ledger, Outcome

_LATEST = timedelta(days=8)  # what is dated further back than 7 days is not believed
_SETTLE_EVERY = timedelta(days=2)
_COMMIT_EVERY = timedelta(hours=1)


def judge_again(
    connection: Connection,
    site: Site,
    root: str,
    building: str,
    begin: datetime,
    end: datetime,
    progress: Callable[[int], object] = lambda _: None,
) -> Outcome:
    """Return what a building's readings from `begin` up to before `end` come to under a site's rules.

    `progress` is called with the number of each row that was looked at.
    """
    only = tuple(each for each in site.buildings if each.id == building)
    service = _service(connection, replace(site, buildings=only), root, begin)
    service.facts = replace(
        service.facts, mains_powered=frozenset()
    )  # what silence told is among the readings
    numbers = {sensor.key: number for number, sensor in service.hearing.sensors.items()}
    told = deque(
        each for each in supposing.doings(connection, begin, end) if each.subject[0].building == building
    )
    accounts = _Accounts(service.site.rulebook, Ledger(service.facts, begin, end), begin, end)
    settled_at = committed_at = begin
    for id, spoke in _said(connection, service, building, begin, end):
        at = spoke.received_at
        while told and told[0].at <= at:
            _do(service, told.popleft())
        _pass_time(service, at - JUST_AFTER)
        service.observe(numbers[spoke.sensor.key], spoke, Message(at, str(spoke.sensor), b""))
        if service.has_decision or service.waiting.late or at - committed_at >= _COMMIT_EVERY:
            _commit(service, at)
            committed_at = at
        accounts.take(spoke)
        if at - settled_at >= _SETTLE_EVERY:
            accounts.settle(at - _LATEST)
            retired.forget_before(service.connection, at - 2 * _LATEST)
            settled_at = at
        progress(id)
    for doing in told:
        _do(service, doing)
    _pass_time(service, end)
    _commit(service, end)
    ledger = accounts.finish({Place(each.id, room.id) for each in only for room in each.rooms})
    tickets = tuple(service.world.tickets.values())
    ledger.add_tickets(tickets, on_record(service.world, supposing.ticketed(connection, begin, end), end))
    return Outcome(ledger.rows, ledger.known, tickets, ledger.in_class)


def _service(connection: Connection, site: Site, root: str, now: datetime) -> Service:
    memory = in_memory()
    heard = [each for each in readings.sensors(connection) if not each.sensor.id.startswith(IMPORT)]
    readings.add_sensors(memory, heard)
    memory.commit()
    service = Service(memory, site, root, now)
    service.is_replay = True
    return service


def _said(
    connection: Connection, service: Service, building: str, begin: datetime, end: datetime
) -> Iterable[Numbered]:
    here = {
        number: sensor
        for number, sensor in service.hearing.sensors.items()
        if sensor.place.building == building
    }
    if not here:
        return ()
    first, after = readings.first_id_since(connection, begin), readings.first_id_since(connection, end)
    return readings.observations(connection, here, first - 1, begin, after - 1)


def _do(service: Service, doing: supposing.Doing) -> None:
    _pass_time(service, doing.at - JUST_AFTER)
    do_again(service.world, service.facts, doing)
    _commit(service, doing.at)


def _pass_time(service: Service, until: datetime) -> None:
    while (due := service.world.next_due()) is not None and due <= until:
        service.elapse(due)
        if service.has_decision:
            _commit(service, due)


def _commit(service: Service, at: datetime) -> None:
    service.world.changes.notices.clear()
    service.commit(at)


class _Accounts:
    """Adds up what each room's readings say of its time, as `replay` does, a piece of the past at a time."""

    def __init__(self, book: RuleBook, ledger: Ledger, begin: datetime, end: datetime) -> None:
        self._book, self._ledger, self._begin, self._end = book, ledger, begin, end
        self._held: dict[Place, list[Observation]] = {}
        self._rooms: dict[Place, tuple[Room, datetime]] = {}

    def take(self, spoke: Observation) -> None:
        """Keep what was said until nothing can come before it any more."""
        if spoke.sensor.place.room is not None:
            self._held.setdefault(spoke.sensor.place, []).append(spoke)

    def settle(self, up_to: datetime) -> None:
        """Add up to before a moment; where a value waits to be borne out, later."""
        for place, held in self._held.items():
            held.sort(key=attrgetter("observed_at"))
            count = bisect_left(held, up_to, key=attrgetter("observed_at"))
            if count and self._spend(place, held[:count], is_last=False):
                del held[:count]

    def finish(self, places: Iterable[Place]) -> Ledger:
        """Add up the rest, and return all of it."""
        for place in sorted({*places, *self._held}, key=str):
            held = sorted(self._held.get(place, ()), key=attrgetter("observed_at"))
            self._spend(place, held, is_last=True)
        return self._ledger

    def _spend(self, place: Place, said: list[Observation], *, is_last: bool) -> bool:
        room, at = self._rooms.get(place, (EMPTY, self._begin))
        walked = list(walk(room, said, self._book))
        if not is_last and not is_settled(walked[-1].room):
            return False
        runs = _Runs(self._ledger, place.building)
        for step in walked:
            until = min(step.at, self._end)
            for stretch in stretches(room, self._book, at, until):
                runs.add(stretch.begin, stretch.end, stretch.room)
            room, at = step.room, max(at, until)
        if is_last:
            for stretch in stretches(room, self._book, at, self._end):
                runs.add(stretch.begin, stretch.end, stretch.room)
        runs.close()
        self._rooms[place] = room, at
        return True


class _Runs:
    """Joins stretches of one verdict, so that each is split by months and days once."""

    def __init__(self, ledger: Ledger, building: str) -> None:
        self._ledger, self._building = ledger, building
        self._run: tuple[datetime, datetime, Verdict] | None = None

    def add(self, begin: datetime, end: datetime, verdict: Verdict) -> None:
        run = self._run
        if run is not None and run[1] == begin and run[2] is verdict:
            self._run = run[0], end, verdict
            return
        self.close()
        self._run = begin, end, verdict

    def close(self) -> None:
        if self._run is None:
            return
        begin, end, verdict = self._run
        self._run = None
        if verdict is not Verdict.UNKNOWN:
            self._ledger.add_known(self._building, begin, end)
        if verdict is Verdict.BREACH:
            self._ledger.add_breach(self._building, begin, end)
