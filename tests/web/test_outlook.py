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
from safetyd.objects import building_object, room_object, shelf_object
from safetyd.service import Service
from safetyd.site import Site
from safetyd.store import copy_of, ledger, places, retired, standing
from safetyd.store.database import open_for_reading, open_for_writing
from safetyd.view import view
from safetyd.web.outlook import Outlook
from safetyd.web.problems import Problem
from tests.examples import examples
from tests.stores import store_lines

ROOMS = ("1", "2")
SITE = 'timezone = "UTC"\n[[buildings]]\nid = "b"\nrooms = [{ id = "1" }, { id = "2" }]\n'
MOVED = """[[buildings.sensors]]
id = "m"
topic = "zigbee2mqtt/m"
format = "zigbee2mqtt"
room = "%s"
"""
START = datetime(2026, 10, 5, 15, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


class Writer:
    """Whoever writes the store, and whoever looks at it meanwhile, by one clock."""

    def __init__(self, folder: Path) -> None:
        settings = 'site = ["site.toml"]\n' + store_lines(folder / "var")
        (folder / "safetyd.toml").write_text(settings, encoding="utf-8")
        self._folder, self.room, self.now = folder, ROOMS[0], START
        self.site = self._read_site()
        self.url = load(folder / "safetyd.toml", {}).settings.store.url
        self.connection = open_for_writing(self.url)
        self.service = Service(self.connection, self.site, "safetyd", START)
        self.outlook = Outlook(self.url, "safetyd", lambda: self.site, lambda: self.now)

    def _read_site(self) -> Site:
        (self._folder / "site.toml").write_text(SITE + MOVED % self.room, encoding="utf-8")
        return load(self._folder / "safetyd.toml", {}).site

    def say(self, room: str, temperature_f: float, *, late: timedelta = timedelta(0)) -> None:
        """Let a sensor speak, and commit."""
        self.now += MINUTE
        said = {"temperature_f": temperature_f, "humidity": 40, "ts": (self.now - late).isoformat()}
        self.hear(f"safetyd/readings/b/{room}", said)

    def hear(self, topic: str, said: dict[str, Any]) -> None:
        """Take a message, and commit."""
        self.service.take(Message(self.now, topic, json.dumps(said).encode()))
        self.service.elapse(self.now)
        self.service.commit(self.now)

    def wait(self, span: timedelta) -> None:
        """Let time pass in which nobody speaks."""
        self.now += span
        self.service.elapse(self.now)
        self.service.commit(self.now)

    def move(self) -> None:
        """Have the sensor of the site file be in the other room from now on."""
        self.room = ROOMS[self.room == ROOMS[0]]
        self.site = self._read_site()
        self.service.take_site(self.site, self.now)
        self.service.commit(self.now)

    def save(self) -> None:
        """Save how every place stands, whoever spoke."""
        self.service.save_all(self.now)

    def forget(self) -> None:
        """Delete what has served its time, and was looked at in it: all but what the last minutes brought."""
        self.save()
        self.seen()
        retired.forget_before(self.connection, self.now - 3 * MINUTE)
        places.forget_old(self.connection, self.now + places.REACH)
        self.connection.commit()

    def restart(self) -> None:
        """Begin again with what is on record, nothing having been saved for it."""
        self.service = Service(self.connection, self.site, "safetyd", self.now)
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
        world, facts, rooms = seen.world, seen.facts, [Place("b", room) for room in ROOMS]
        troubles = [each for of_sensor in world.troubles.values() for each in of_sensor.values()]
        return {
            "rooms": [room_object(world, facts, each, "", self.now) for each in rooms],
            "building": building_object(world, facts, "b", self.now),
            "tickets": [seen.ticket(id) for id in seen.world.tickets],
            "sensors": seen.sensor_objects(seen.sensors()),
            "troubles": sorted(map(str, troubles)),
            "shelves": {str(place): shelf_object(each, self.now) for place, each in world.shelves.items()},
            "running": world.running,
            "spans": {key: list(spans) for key, spans in facts.spans.items()},
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


def _steps() -> st.SearchStrategy[list[tuple[Any, bool]]]:
    """All that may happen, each with whether somebody looks after it."""
    temperatures, rooms = st.sampled_from([55.0, 60.0, 70.0, 90.0, 185.0]), st.sampled_from(ROOMS)
    of_room = st.tuples(st.just("say"), rooms, temperatures, st.sampled_from([0, 0, 90]))
    another = st.tuples(st.just("another"), rooms, temperatures, st.sampled_from(["x", "y"]))
    spans = st.tuples(st.just("wait"), st.sampled_from([MINUTE, 31 * MINUTE, 121 * MINUTE]))
    do = st.sampled_from(["acknowledge", "close", "dispute", "shelve"])
    rest = st.sampled_from([("move",), ("save",), ("forget",), ("restart",)])
    some = (of_room, of_room, another, spans, st.tuples(st.just("act"), do), rest)
    power = st.tuples(st.just("power"), st.booleans())
    bound = st.tuples(st.just("bound"), st.sampled_from([12.0, 21.0]))
    return st.lists(st.tuples(st.one_of(*some, power, bound), st.booleans()), min_size=2, max_size=14)


def _happen(made: Writer, step: Any) -> None:
    match step:
        case "say", room, temperature_f, late_s:
            made.say(room, temperature_f, late=timedelta(seconds=late_s))
        case "another", room, temperature_f, id:
            made.now += MINUTE
            made.hear(f"safetyd/readings/b/{room}/{id}", {"temperature_f": temperature_f})
        case "power", is_on:
            made.now += MINUTE
            made.hear("safetyd/power/b/ups", {"mains": is_on})
        case "bound", temperature_c:
            made.now += MINUTE
            made.hear("zigbee2mqtt/m", {"temperature": temperature_c, "humidity": 40})
        case "wait", span:
            made.wait(span)
        case "act", "shelve":
            until = (made.now + 30 * MINUTE).isoformat()
            made.act(do="shelve", building="b", room="1", until=until, role="facilities", note="painters")
        case "act", do:
            for id in list(made.service.world.open.values()):
                made.act(do=do, ticket=id, note="seen to")
        case (name,):
            getattr(made, name)()


@settings(max_examples=examples(60), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=_steps())
def test_it_shows_what_the_store_says_whatever_happens(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[Any, bool]]
) -> None:
    made = Writer(tmp_path_factory.mktemp("store"))
    with closing(made.connection):
        made.seen()
        for step, is_looked_at in steps:
            _happen(made, step)
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


def test_an_outage_that_time_ends_is_over_with_no_line_on_record(writer: Writer) -> None:
    for is_on in (False, True):
        _happen(writer, ("power", is_on))
        assert writer.seen() == writer.stored()
    for _ in range(4):
        writer.wait(5 * MINUTE)
        assert writer.seen() == writer.stored()
    assert writer.seen()["building"]["since"] is None


def test_a_sensor_that_is_new_costs_the_others_nothing(writer: Writer) -> None:
    writer.say("1", 70)
    with writer.outlook.view() as seen:
        before = seen.world
    _happen(writer, ("another", "2", 70.0, "x"))
    with writer.outlook.view() as seen:
        assert seen.world is before
    assert writer.seen() == writer.stored()


def test_what_was_followed_beyond_what_is_saved_later_is_followed_again(writer: Writer) -> None:
    """As in a copy, where readings may come before how the places stood."""
    writer.say("1", 70)
    writer.save()
    kept = standing.rows(writer.connection, "place_state")
    writer.say("1", 71)
    writer.save()
    newer = standing.rows(writer.connection, "place_state")
    standing.replace(writer.connection, "place_state", kept)
    writer.connection.commit()
    writer.say("1", 61)
    writer.seen()
    standing.replace(writer.connection, "place_state", newer)
    writer.connection.commit()
    writer.say("1", 61.5)
    assert writer.seen() == writer.stored()


def test_a_place_that_is_kept_no_more_has_everything_read_anew(writer: Writer) -> None:
    writer.say("1", 70)
    writer.save()
    writer.seen()
    standing.replace(writer.connection, "place_state", [])
    writer.connection.commit()
    writer.say("1", 71)
    assert writer.seen() == writer.stored()


def test_of_a_copy_every_place_may_be_another(writer: Writer) -> None:
    for room in ROOMS:
        writer.say(room, 70)
    writer.save()
    copy_of.say(writer.connection, "gateway")
    writer.connection.commit()
    writer.seen()
    found = standing.rows(writer.connection, "place_state")
    bodies = [row["body"] for row in found]
    swapped = [row | {"body": body} for row, body in zip(found, reversed(bodies), strict=True)]
    standing.replace(writer.connection, "place_state", swapped)
    writer.connection.commit()
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
        before = dict(seen.world.tickets)
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
