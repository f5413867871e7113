"""A school where everything happens at once while its daemon ends again and again, and what must be left.

Rule: what is said to the broker is known beforehand, so every reading and every episode of the record can be
counted; of what people ask it is known what was answered.
"""

import json
import threading
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http.client import HTTPException
from random import Random
from typing import NamedTuple

from safetyd.store.moments import micros
from tests.journeys.gateway import Gateway
from tests.journeys.served import Answer, Served
from tests.journeys.servers import (
    LOOK_AGAIN,
    LOOPBACK,
    STATUS,
    Broker,
    Client,
    House,
    Sink,
    free_port,
    until,
)

BUILDINGS = ("alder", "birch", "cedar", "dogwood", "elm")
ROOMS = ("1", "2", "3", "4")
LATE = ("cedar", "dogwood", "elm")  # their readings come days late, a minute of them after the other
PEOPLE = 3
PATIENCE_S = 300  # the machine may be as busy as it likes
A_LEG = 6  # rounds of readings between two ends
WARM_ROUNDS, COLD_ROUNDS = 45, 15
COLD_F, WARM_F, BELOW_F, END_F = 55.0, 70.0, 60.0, 61.0
END_AFTER = timedelta(seconds=30)
RULES = '[[rules]]\ncold = { end_after = "30s" }\nquality = { max_step_f_per_min = 1e6, stuck_after = "24h" }'


class Asked(NamedTuple):
    """A note that a person asked for, and the status of the answer: 0 if there was none."""

    note: str
    status: int


def site_text(sink: Sink) -> str:
    """Return the site file: five buildings, two people with an address each."""
    parts = ['name = "Riverbend"\ntimezone = "America/Los_Angeles"', RULES]
    for building in BUILDINGS:
        parts.append(f'[[buildings]]\nid = "{building}"\nname = "{building.title()} School"')
        parts += [f'[[buildings.rooms]]\nid = "{room}"' for room in ROOMS]
    for name in ("ada", "bo"):
        parts.append(
            f'[[people]]\nname = "{name}"\nroles = ["facilities", "administrator"]\nbuildings = ["*"]\n'
            f'notify = ["{sink.address(name)}"]'
        )
    return "\n\n".join(parts) + "\n"


class Turmoil:
    """The school, what was said and asked in it, and its daemon."""

    def __init__(
        self, make: Callable[..., House], broker: Broker, client: Client, sink: Sink, chance: Random
    ) -> None:
        port = free_port()
        self.home = make(broker, site_text(sink), f'[web]\nlisten = "{LOOPBACK}:{port}"')
        self.served = Served(self.home, port)
        self.said: dict[tuple[str, str], dict[int, float]] = {
            (building, room): {} for building in BUILDINGS for room in ROOMS
        }
        self.asked: list[Asked] = []
        self._client, self._sink, self._chance = client, sink, chance
        self._rounds = self._heard = 0
        self._first = datetime.now(UTC).replace(microsecond=0) - timedelta(days=6)
        self._is_over = threading.Event()

    def goes_on(self, ends: int, end: Callable[[], None]) -> None:
        """Let the daemon end so often, at random points, and begin again while everything happens."""
        self.home.start(self._client)
        token = self.served.token("Una Ro", "administrator")
        people = [threading.Thread(target=self._act, args=(token, number)) for number in range(PEOPLE)]
        for person in people:
            person.start()
        try:
            for _ in range(ends):
                self._live_to_a_random_point()
                self.home.kill()
                end()
                self._heard = len(self._client.heard)
                self.home.spawn()
            self._say()
            self._is_online()
            self._drain()
        finally:
            self._is_over.set()
            for person in people:
                person.join()

    def _live_to_a_random_point(self) -> None:
        """Return while the daemon starts, while it takes in what was said, or while people act."""
        point = self._chance.choice(("starts", "listens", "listens", "answers"))
        if point != "starts":
            self._is_online()
        if point == "answers":
            until("it answers", lambda: self._ask("/healthz", ""), within=PATIENCE_S)
        self._say()
        threading.Event().wait(self._chance.uniform(0.0, 0.5))

    def _is_online(self) -> None:
        online = (STATUS, b'{"state":"online"}', False)
        until("it is online", lambda: online in self._client.heard[self._heard :], within=PATIENCE_S)

    def _say(self) -> None:
        """Have every room speak, at moments that nobody can take for others."""
        said = []
        for _ in range(A_LEG):
            self._rounds += 1
            for number, (building, room) in enumerate(self.said):
                at = datetime.now(UTC)
                if building in LATE:
                    at = self._first + self._rounds * timedelta(minutes=1)
                in_cycle = (self._rounds + 7 * number) % (WARM_ROUNDS + COLD_ROUNDS)
                value = COLD_F if in_cycle < COLD_ROUNDS else WARM_F
                self.said[building, room][micros(at)] = value
                topic = f"safetyd/readings/{building}/{room}"
                said.append(self._client.say(topic, {"temperature_f": value, "ts": at.isoformat()}))
        self._client.delivered(said)

    def _act(self, token: str, who: int) -> None:
        """A person at work: notes, and now and then the end of a ticket. The daemon may end at every word."""
        number = who
        while not self._is_over.wait(LOOK_AGAIN):
            shown = self._ask("/api/v1/tickets?status=open", token)
            for ticket in shown.json["tickets"] if shown is not None else ():
                number += PEOPLE
                note = f"note {number} on {ticket['id']}"
                action = ("note", "acknowledge", "note", "note", "close")[number % 5]
                answer = self._ask(f"/api/v1/tickets/{ticket['id']}/{action}", token, {"note": note})
                self.asked.append(Asked(note, 0 if answer is None else answer.status))
                if answer is None:
                    break

    def _ask(self, path: str, token: str, said: object = None) -> Answer | None:
        """Return an answer, None if none came or not all of it."""
        try:
            return self.served.ask(path, token, said)
        except (OSError, HTTPException):
            return None

    def _drain(self) -> None:
        """Wait until everything that was said is on disk."""
        everything = sum(map(len, self.said.values()))
        until("every reading is stored", lambda: self.home.count("reading") >= everything, within=PATIENCE_S)

    # what must be left

    def is_whole(self) -> str:
        """Fail unless the record holds everything once and everybody was told; return it in figures."""
        self._tell_what_waits()
        readings = self._readings_are_there_once()
        tickets, lines = self._tickets_and_history_are_there_once()
        notices = self._notices_have_arrived()
        verified = self.home.run("audit", "verify")
        assert verified.code == 0, verified.out + verified.err
        answered = Counter(each.status for each in self.asked)
        return (
            f"{readings:,} readings, {tickets} tickets, {lines:,} lines of history, {notices} notices,"
            f" {sum(answered.values())} acts of people ({answered[0]} unanswered): none lost, none twice"
        )

    def _readings_are_there_once(self) -> int:
        stored = self.home.rows(
            "SELECT building, room, observed_at, value FROM reading JOIN sensor ON sensor.id = sensor"
        )
        told = {(*place, at, value) for place, values in self.said.items() for at, value in values.items()}
        assert len(stored) == len(told)
        assert set(stored) == told
        return len(stored)

    def _tickets_and_history_are_there_once(self) -> tuple[int, int]:
        rows = self.home.rows
        began = rows("SELECT building, room, began_at FROM episode WHERE condition = 'cold' ORDER BY 1, 2, 3")
        expected = sorted((*place, at) for place, values in self.said.items() for at in beginnings(values))
        assert began == expected
        ids = {id for (id,) in rows("SELECT id FROM ticket")}
        assert ids == {id for (id,) in rows("SELECT DISTINCT ticket FROM episode")}
        for building in BUILDINGS:
            numbers = sorted(int(id.rsplit("-", 1)[1]) for id in ids if id.startswith(building))
            assert numbers == list(range(1, len(numbers) + 1)), numbers
        opened = Counter(id for (id,) in rows("SELECT ticket FROM history WHERE event = 'opened'"))
        assert opened == Counter(ids)
        twice = 'SELECT ticket, at, event, "by", note, detail FROM history GROUP BY 1, 2, 3, 4, 5, 6'
        assert rows(f"{twice} HAVING count(*) > 1") == []
        noted = Counter(note for (note,) in rows("SELECT note FROM history WHERE note LIKE 'note %'"))
        for note, status in self.asked:
            if status == 200:
                assert noted[note] == 1, f"{note!r} was answered with 200 and is {noted[note]} times there"
            else:
                assert noted[note] <= (1 if status in (0, 503, 504) else 0), (note, status)
        return len(ids), self.home.count("history")

    def _tell_what_waits(self) -> None:
        """End the day: a quarter of an hour passes, in which what waits for company is told."""
        assert self.home.stop() == 0
        gateway = Gateway(self.home, datetime.now(UTC))
        self.home.start(self._client)
        before = micros(datetime.now(UTC))
        gateway.passes(minutes=15)
        tickets = {id for (id,) in self.home.rows("SELECT id FROM ticket")}
        until("every ticket is told", lambda: tickets <= self._told(), within=PATIENCE_S)
        waiting = (
            "SELECT count(*) FROM notice JOIN delivery ON notice = notice.id"
            " WHERE state = 'waiting' AND notice.at <= ?"
        )
        until("everybody has it", lambda: self.home.rows(waiting, before) == [(0,)], within=PATIENCE_S)
        assert self.home.stop() == 0

    def _told(self) -> set[str]:
        """Return the tickets whose opening is told, by itself or with others."""
        rows = self.home.rows
        told = {ticket for (ticket,) in rows("SELECT ticket FROM notice WHERE reason = 'opened'")}
        together = rows("SELECT tickets FROM notice WHERE tickets <> 'null'")
        return told.union(*(json.loads(tickets) for (tickets,) in together))

    def _notices_have_arrived(self) -> int:
        rows = self.home.rows
        owed = rows(
            "SELECT DISTINCT ticket, tickets, title, person FROM notice JOIN delivery"
            " ON notice = notice.id WHERE state = 'accepted'"
        )
        arrived = {
            name: [f"{letter.title}\n{letter.text}" for letter in self._sink.of(name)]
            for name in ("ada", "bo")
        }
        for ticket, together, title, person in owed:
            about = [ticket] if ticket else json.loads(together) or []
            assert any(all(each in letter for each in (title, *about)) for letter in arrived[person]), (
                f"{person} was never told {title!r} of {about}"
            )
        assert not rows("SELECT 1 FROM delivery WHERE state NOT IN ('accepted', 'waiting', 'overtaken')")
        return len(owed)


def beginnings(values: dict[int, float]) -> list[int]:
    """Return when the cold began in a room, each time, by all that its sensor said.

    It is over when the room has been warm for long enough, whether a reading says so just then or not.
    """
    found: list[int] = []
    is_cold, warm_since = False, None
    for at, value in sorted(values.items()):
        if warm_since is not None and at - warm_since >= END_AFTER / timedelta(microseconds=1):
            is_cold, warm_since = False, None
        if value < BELOW_F:
            if not is_cold:
                found.append(at)
            is_cold, warm_since = True, None
        elif is_cold and value >= END_F and warm_since is None:
            warm_since = at
    return found
