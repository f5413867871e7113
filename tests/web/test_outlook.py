"""What is kept between two requests is what the store says: readings folded in, decisions read anew."""

import json
from collections.abc import Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from safetyd.configuration import load
from safetyd.core.errors import SafetydError
from safetyd.core.model import Place
from safetyd.ingest.message import Message
from safetyd.objects import room_object
from safetyd.service import Service
from safetyd.store import ledger
from safetyd.store.database import open_for_reading, open_for_writing
from safetyd.view import view
from safetyd.web.outlook import Outlook
from safetyd.web.problems import Problem
from tests.examples import examples
from tests.stores import store_lines

ROOMS = ("1", "2")
SITE = 'timezone = "UTC"\n[[buildings]]\nid = "b"\nrooms = [{ id = "1" }, { id = "2" }]\n'
START = datetime(2026, 10, 5, 15, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


class Writer:
    """Whoever writes the store, and whoever looks at it meanwhile, by one clock."""

    def __init__(self, folder: Path) -> None:
        settings = 'site = ["site.toml"]\n' + store_lines(folder / "var")
        (folder / "safetyd.toml").write_text(settings, encoding="utf-8")
        (folder / "site.toml").write_text(SITE, encoding="utf-8")
        configuration = load(folder / "safetyd.toml", {})
        self.url, self.site, self.now = configuration.settings.store.url, configuration.site, START
        self.connection = open_for_writing(self.url)
        self.service = Service(self.connection, self.site, "safetyd", START)
        self.outlook = Outlook(self.url, "safetyd", lambda: self.site, lambda: self.now)

    def say(self, room: str, temperature_f: float, *, late: timedelta = timedelta(0)) -> None:
        """Let a sensor speak, and commit."""
        self.now += MINUTE
        said = {"temperature_f": temperature_f, "humidity": 40, "ts": (self.now - late).isoformat()}
        topic = f"safetyd/readings/b/{room}"
        self.service.take(Message(self.now, topic, json.dumps(said).encode()))
        self.service.elapse(self.now)
        self.service.commit(self.now)

    def act(self, **said: Any) -> None:
        with suppress(SafetydError):  # one that is refused changes nothing
            self.service.command({"by": "Ann", **said}, self.now)
        self.service.commit(self.now)

    def seen(self) -> dict[str, Any]:
        """Return what the outlook shows."""
        with self.outlook.view() as seen:
            return self._shown(seen)

    def stored(self) -> dict[str, Any]:
        """Return what the store says when it is read from the beginning."""
        with open_for_reading(self.url) as connection:
            return self._shown(view(connection, self.site, "safetyd", self.now))

    def _shown(self, seen: Any) -> dict[str, Any]:
        places = [Place("b", room) for room in ROOMS]
        return {
            "rooms": [room_object(seen.world, seen.facts, each, "", self.now) for each in places],
            "tickets": [seen.ticket(id) for id in seen.world.tickets],
            "sensors": seen.sensor_objects(seen.sensors()),
        }


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[Writer]:
    made = Writer(tmp_path)
    with closing(made.connection):
        yield made
    made.outlook.close()


STEPS = st.lists(
    st.tuples(
        st.sampled_from(ROOMS),
        st.sampled_from([55.0, 59.9, 60.0, 61.5, 70.0, 70.5, 90.0, 185.0]),
        st.sampled_from([0, 0, 0, 30, 90]),
        st.booleans(),
        st.sampled_from([None, None, "acknowledge", "relieve", "close"]),
    ),
    min_size=1,
    max_size=12,
)


@settings(max_examples=examples(40), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_it_shows_what_the_store_says_whatever_comes(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, float, int, bool, str | None]]
) -> None:
    made = Writer(tmp_path_factory.mktemp("store"))
    with closing(made.connection):
        for room, temperature_f, late, is_looked_at, do in steps:
            made.say(room, temperature_f, late=late * timedelta(seconds=1))
            for id in list(made.service.world.open.values()) if do is not None else ():
                how = {"tier": "immediate", "kind": "other"} if do == "relieve" else {}
                made.act(do=do, ticket=id, note="seen to", **how)
            if is_looked_at:
                assert made.seen() == made.stored()
        assert made.seen() == made.stored()
    made.outlook.close()


def test_a_reading_is_folded_in_without_reading_everything(writer: Writer) -> None:
    writer.say("1", 70)
    writer.say("2", 70)
    writer.seen()
    with writer.outlook.view() as seen:
        before = seen.world
    writer.say("1", 71)
    with writer.outlook.view() as seen:
        assert seen.world is before
    assert writer.seen() == writer.stored()


def test_a_decision_is_seen_by_who_has_just_made_it(writer: Writer) -> None:
    writer.say("1", 55)
    (ticket,) = writer.seen()["tickets"]
    writer.act(do="acknowledge", ticket=ticket["id"])
    assert writer.seen()["tickets"][0]["status"] == "acknowledged"
    assert writer.seen() == writer.stored()


def test_of_a_decision_only_what_it_changed_is_read(writer: Writer) -> None:
    for room in ROOMS:
        writer.say(room, 55)
    first, second = (each["id"] for each in writer.seen()["tickets"])
    with writer.outlook.view() as seen:
        before = seen.world.tickets
    writer.act(do="acknowledge", ticket=first)
    with writer.outlook.view() as seen:
        assert seen.world.tickets[second] is before[second]
        assert seen.world.tickets[first] is not before[first]
    assert writer.seen() == writer.stored()


def test_what_the_writer_has_loaded_is_shared_and_brought_up_to_date(writer: Writer) -> None:
    for room in ROOMS:
        writer.say(room, 55)
    writer.service.save_all(writer.now)
    again = Service(writer.connection, writer.site, "safetyd", writer.now)
    writer.service = again
    writer.outlook = Outlook(writer.url, "safetyd", lambda: writer.site, lambda: writer.now, again.loaded)
    first, second = again.world.tickets
    writer.act(do="acknowledge", ticket=first)
    with writer.outlook.view() as seen:
        assert seen.world.tickets[second] is again.world.tickets[second]
        assert seen.world.tickets[first] == again.world.tickets[first]
    assert writer.seen() == writer.stored()


def test_after_very_many_decisions_everything_is_read(
    writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger, "_FEW", 1)
    for temperature_f in (55, 70, 70, 70, 55):
        writer.say("1", temperature_f)
        assert writer.seen() == writer.stored()


def test_what_is_no_row_of_this_store_is_not_gone_on_from(writer: Writer) -> None:
    writer.say("1", 55)
    writer.seen()
    writer.connection.exec_driver_sql("UPDATE chain SET hash = 'other'")  # another store took its place
    writer.connection.commit()
    writer.say("2", 55)
    with writer.outlook.view() as seen:
        before = seen.world
    writer.connection.exec_driver_sql("DELETE FROM ticket WHERE room = '1'")
    writer.connection.exec_driver_sql("UPDATE chain SET hash = 'another'")
    writer.connection.commit()
    writer.act(
        do="acknowledge", ticket=next(id for id, each in before.tickets.items() if each.place.room == "2")
    )
    with writer.outlook.view() as seen:
        assert len(seen.world.tickets) == 1


def test_what_came_late_has_only_its_own_room_gone_through_again(writer: Writer) -> None:
    writer.say("1", 70)
    writer.say("2", 70)
    writer.seen()
    with writer.outlook.view() as seen:
        other = seen.world.rooms[Place("b", "2")]
    writer.say("1", 71, late=90 * timedelta(seconds=1))
    with writer.outlook.view() as seen:
        assert seen.world.rooms[Place("b", "2")] is other
    assert writer.seen() == writer.stored()


def test_a_request_that_is_refused_costs_the_next_one_nothing(writer: Writer) -> None:
    writer.say("1", 70)
    writer.seen()
    with writer.outlook.view() as seen:
        before = seen.world
    with pytest.raises(Problem), writer.outlook.view():
        raise Problem(404, "there is none")
    with writer.outlook.view() as seen:
        assert seen.world is before


def test_after_a_fault_everything_is_read_anew(writer: Writer) -> None:
    writer.say("1", 70)
    with pytest.raises(ZeroDivisionError), writer.outlook.view():
        raise ZeroDivisionError
    assert writer.seen() == writer.stored()


def test_its_version_tells_readings_from_decisions_and_from_nothing_new(writer: Writer) -> None:
    def version() -> tuple[int, int]:
        with writer.outlook.view() as seen:
            return tuple(seen.version)  # type: ignore[return-value]

    for room in ("1", "2"):
        writer.say(room, 61)
    first = version()
    assert version() == first
    writer.say("1", 61.5)
    assert version() == (first[0], first[1] + 1)
    writer.say("1", 59)
    decided = version()
    assert decided[0] == first[0] + 1
    writer.connection.exec_driver_sql("INSERT INTO roll_up_place VALUES (1, 'b', '1', 0)")
    writer.connection.commit()
    assert version() == decided, "something was written that nobody looks at here"
