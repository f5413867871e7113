"""The promise: a restart, or another site file, makes nothing heard twice and forgets nothing heard once."""

import json
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from safetyd.bulletin import live_ticket
from safetyd.core.model import Place, TroubleKind
from safetyd.core.waking import Cause, Hole, wake
from safetyd.ingest.message import Message
from safetyd.ingest.sparkplug_message import message_class
from safetyd.objects import notice_object
from safetyd.replay import Line, replay
from safetyd.saving import SAVE_PLACES_EVERY
from safetyd.service import Service
from safetyd.site import Site, read_site
from safetyd.store import bridges, ledger, outbox, shelves
from safetyd.store.database import open_for_writing
from tests.stores import store_url

NOON = datetime(2026, 12, 1, 20, tzinfo=UTC)
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
NATIVE = "safetyd/readings/maple/12"
UPLINK = "application/6/device/70b3d57ed0000031/event/up"
PLUG = "tele/hall/SENSOR"
MESH, MESH_STATE = "zigbee2mqtt/air", "zigbee2mqtt/bridge/state"
BIRTH, DATA = (f"spBv1.0/Oakdale/{kind}/boiler-house/room-12" for kind in ("DBIRTH", "DDATA"))
SITE = """
timezone = "America/Los_Angeles"
[[buildings]]
id = "maple"
rooms = [{ id = "12" }, { id = "lab" }]
"""
SENSOR = """
  [[buildings.sensors]]
  id = "{id}"
  room = "12"
  topic = "{topic}"
  format = "{format}"
"""


def sensor(id: str, topic: str, format: str, more: str = "") -> str:
    return f"{SENSOR.format(id=id, topic=topic, format=format)}{more}\n"


SENSORS = (
    sensor("radio", UPLINK, "chirpstack")
    + sensor("plug", PLUG, "tasmota")
    + sensor("mesh", MESH, "zigbee2mqtt")
    + sensor("wired", DATA, "sparkplug", 'unit = "C"\nvalues = { temperature = "Air" }')
)


@pytest.fixture
def site(tmp_path: Path) -> Callable[..., Site]:
    """The site file, read as a start reads it."""

    def read(sensors: str = SENSORS) -> Site:
        (tmp_path / "site.toml").write_text(SITE + sensors, encoding="utf-8")
        faults: list[Any] = []
        found = read_site([tmp_path / "site.toml"], {}, faults)
        assert found is not None and not faults, faults
        return found

    return read


@pytest.fixture
def running(tmp_path: Path, site: Callable[..., Site]) -> Callable[..., Any]:
    """A daemon's life from a moment on; its end is as sudden as that of the power."""

    @contextmanager
    def run(now: datetime) -> Iterator[Service]:
        with closing(open_for_writing(store_url(tmp_path))) as connection:
            yield Service(connection, site(), "safetyd", now)

    return run


Running = Callable[..., Any]


def hear(service: Service, at: datetime, topic: str, said: object) -> None:
    payload = said if isinstance(said, bytes) else json.dumps(said).encode()
    service.take(Message(at, topic, payload))
    service.commit(at)


def stored(service: Service) -> list[float]:
    return list(service.connection.exec_driver_sql("SELECT value FROM reading ORDER BY id").scalars())


def uplink(counter: int, celsius: float = 21.0) -> dict[str, Any]:
    return {"fCnt": counter, "devAddr": "0a1b2c3d", "object": {"temperature": celsius}}


def test_a_radio_frame_that_comes_again_after_a_restart_counts_once(running: Running) -> None:
    with running(NOON) as service:
        hear(service, NOON, UPLINK, uplink(7))
    with running(NOON + MINUTE) as service:
        hear(service, NOON + MINUTE, UPLINK, uplink(7))
        assert stored(service) == [21.0]
        hear(service, NOON + 2 * MINUTE, UPLINK, uplink(8))
        assert stored(service) == [21.0, 21.0]


def test_the_same_counter_with_another_value_is_a_frame_of_another_session(running: Running) -> None:
    with running(NOON) as service:
        hear(service, NOON, UPLINK, uplink(0))
    with running(NOON + MINUTE) as service:
        hear(service, NOON + MINUTE, UPLINK, uplink(0, 21.5))
        assert stored(service) == [21.0, 21.5]


def test_a_frame_of_more_than_an_hour_ago_is_forgotten(running: Running) -> None:
    with running(NOON) as service:
        hear(service, NOON, UPLINK, uplink(7))
    with running(NOON + 61 * MINUTE) as service:
        hear(service, NOON + 61 * MINUTE, UPLINK, uplink(7))
        assert stored(service) == [21.0, 21.0]


def test_a_message_with_a_stamp_of_local_time_that_is_delivered_again_after_a_restart_counts_once(
    running: Running,
) -> None:
    said = {"Time": "2026-12-01T12:00:00", "AM2301": {"Temperature": 20.5, "Humidity": 41.0}, "TempUnit": "C"}
    with running(NOON) as service:
        hear(service, NOON, PLUG, said)
    with running(NOON + MINUTE) as service:
        hear(service, NOON + MINUTE, PLUG, said)
        assert stored(service) == [20.5, 41.0]


@pytest.mark.parametrize(("word", "is_cached"), [("online", True), ("offline", False)])
def test_a_bridge_that_came_back_a_moment_before_a_restart_still_says_what_it_remembers(
    word: str, is_cached: bool, running: Running
) -> None:
    with running(NOON) as service:
        hear(service, NOON - SECOND, MESH_STATE, {"state": "online"})
        hear(service, NOON, MESH_STATE, {"state": word})
    with running(NOON + 2 * SECOND) as service:
        hear(service, NOON + 3 * SECOND, MESH, {"temperature": 13.0})
        assert not service.world.tickets if is_cached else service.world.tickets
        assert list(bridges.load(service.connection)) == ([MESH_STATE] if is_cached else [])
        hear(service, NOON + 11 * SECOND, MESH, {"temperature": 13.0})
        assert service.world.tickets


def test_a_late_reading_before_a_restart_makes_no_redelivery_news(running: Running) -> None:
    newest = {"temperature_f": 70.0, "ts": "2026-12-01T20:00:00Z"}
    with running(NOON) as service:
        hear(service, NOON, NATIVE, newest)
        service.save_all(NOON)
        hear(service, NOON + MINUTE, NATIVE, {"temperature_f": 69.0, "ts": "2026-12-01T19:50:00Z"})
        assert MINUTE < SAVE_PLACES_EVERY, "only the late one is read again"
    with running(NOON + 2 * MINUTE) as service:
        hear(service, NOON + 2 * MINUTE, NATIVE, newest)
        assert stored(service) == [70.0, 69.0]


# Another site file


def metrics(alias: int, celsius: float, name: str = "") -> bytes:
    made = message_class()()
    metric = made.metrics.add(alias=alias, datatype=9, float_value=celsius)
    if name:
        metric.name = name.encode()
    return bytes(made.SerializeToString())


def troubles(service: Service) -> list[str]:
    return [trouble.note for of_one in service.world.troubles.values() for trouble in of_one.values()]


def test_a_birth_is_remembered_while_its_sensor_stays_as_it_is(
    running: Running, site: Callable[..., Site]
) -> None:
    with running(NOON) as service:
        hear(service, NOON, BIRTH, metrics(4, 20.0, "Air"))
        service.take_site(site(SENSORS + sensor("new", "zigbee2mqtt/new", "zigbee2mqtt")), NOON)
        hear(service, NOON + MINUTE, DATA, metrics(4, 20.5))
        assert stored(service) == [20.0, 20.5] and not troubles(service)


def test_a_sensor_that_is_read_differently_from_now_on_must_be_born_again(
    running: Running, site: Callable[..., Site]
) -> None:
    with running(NOON) as service:
        hear(service, NOON, BIRTH, metrics(4, 70.0, "Air"))
        service.take_site(site(SENSORS.replace('unit = "C"', 'unit = "F"')), NOON)
        hear(service, NOON + MINUTE, DATA, metrics(4, 70.5))
        assert any("rebirth" in note for note in troubles(service))
        hear(service, NOON + 2 * MINUTE, BIRTH, metrics(4, 71.0, "Air"))
        rows = service.connection.exec_driver_sql("SELECT value, quantity FROM reading ORDER BY id")
        assert [tuple(row) for row in rows] == [(70.0, 2), (71.0, 1)]


# A sensor that was never heard

NIGHTLY = timedelta(hours=24)
SLOW = sensor("slow", "zigbee2mqtt/slow", "zigbee2mqtt", 'interval = "12h"')  # three of them are 36 h


@pytest.fixture
def slow(tmp_path: Path, site: Callable[..., Site]) -> Running:
    """A life of a daemon whose site file has a sensor that speaks twice a day, and others that are heard."""

    @contextmanager
    def run(now: datetime, sensors: str = SLOW) -> Iterator[Service]:
        with closing(open_for_writing(store_url(tmp_path))) as connection:
            service = Service(connection, site(sensors), "safetyd", now)
            service.elapse(now)
            service.commit(now)
            yield service
            service.commit(service.world.now)

    return run


def silent(service: Service, at: datetime) -> list[str]:
    service.elapse(at)
    return [key for key, standing in service.world.troubles.items() if TroubleKind.SILENT in standing]


def test_nightly_restarts_do_not_begin_the_wait_for_a_sensor_anew(slow: Running) -> None:
    with slow(NOON) as service:
        assert silent(service, NOON + NIGHTLY - SECOND) == []
    with slow(NOON + NIGHTLY) as service:
        assert silent(service, NOON + 36 * HOUR) == []
        assert silent(service, NOON + 36 * HOUR + SECOND) == ["maple/12/slow"]
    with slow(NOON + 2 * NIGHTLY) as service:
        assert silent(service, NOON + 3 * NIGHTLY) == ["maple/12/slow"], "told once, and it stands"


def test_after_a_long_stop_such_a_sensor_has_the_time_of_one_word(slow: Running) -> None:
    with slow(NOON):
        pass
    with slow(NOON + 3 * NIGHTLY) as service:
        assert silent(service, NOON + 3 * NIGHTLY + 15 * MINUTE) == []
        assert silent(service, NOON + 3 * NIGHTLY + 15 * MINUTE + SECOND) == ["maple/12/slow"]


def test_a_sensor_that_left_the_site_file_and_comes_back_is_waited_for_anew(slow: Running) -> None:
    with slow(NOON):
        pass
    with slow(NOON + NIGHTLY, sensors="") as service:
        assert silent(service, NOON + NIGHTLY + HOUR) == []
    with slow(NOON + 2 * NIGHTLY) as service:
        assert silent(service, NOON + 2 * NIGHTLY + 36 * HOUR) == []
        assert silent(service, NOON + 2 * NIGHTLY + 36 * HOUR + SECOND) == ["maple/12/slow"]


# What energy registers say of a time that nobody watched

METER = "safetyd/power/maple/meter"


def woken(service: Service, since: datetime, now: datetime) -> None:
    wake(service.world, service.facts, Hole(since, now, Cause.LOST), now)
    service.commit(now)


def evidence(service: Service) -> list[str]:
    rows = ledger.history(service.connection, "maple-2026-0001")
    return [row.note for row, _ in rows if row.event == "register"]


def test_a_register_answers_once_although_the_daemon_is_killed_before_and_after(running: Running) -> None:
    back = NOON + 3 * HOUR
    with running(NOON) as service:
        hear(service, NOON, METER, {"mains": True, "energy_kwh": 88.2})
    with running(back) as service:
        woken(service, NOON, back)
    with running(back + MINUTE) as service:
        hear(service, back + MINUTE, METER, {"mains": True, "energy_kwh": 88.2})
        assert ["nothing was used" in note for note in evidence(service)] == [True]
    with running(back + 2 * MINUTE) as service:
        hear(service, back + 2 * MINUTE, METER, {"mains": True, "energy_kwh": 88.4})
        assert len(evidence(service)) == 1


def test_a_register_is_read_where_the_site_file_names_it(running: Running, site: Callable[..., Site]) -> None:
    keys = 'power = true\nvalues = { voltage = "v", energy = { at = "aenergy.total", unit = "Wh" } }'
    plug = sensor("main", "shellies/main", "json", keys).replace('room = "12"', "")
    with running(NOON) as service:
        service.take_site(site(plug), NOON)
        hear(service, NOON, "shellies/main", {"v": 121, "aenergy": {"total": 88200.5}})
        register = service.world.powers[Place("maple", None)].registers["main"]
        assert (register.kwh, register.at) == (88.2005, NOON)


# What cannot be read


def unreadable(service: Service) -> list[str]:
    return [key for key, of_one in service.world.troubles.items() if TroubleKind.UNREADABLE in of_one]


def test_a_sensor_of_two_topics_is_readable_once_it_is_so_on_both(running: Running) -> None:
    with running(NOON) as service:
        for topic in (DATA, BIRTH):
            hear(service, NOON, topic, b"\x00\xff")
        assert len(unreadable(service)) == 1
        hear(service, NOON + MINUTE, BIRTH, metrics(4, 20.0, "Air"))
        assert len(unreadable(service)) == 1, "on the other topic it is still what it was"
        hear(service, NOON + 2 * MINUTE, DATA, metrics(4, 20.5))
        assert unreadable(service) == []


def test_what_cannot_be_read_before_a_sensor_is_there_is_nobodys(
    running: Running, site: Callable[..., Site]
) -> None:
    tomorrow = sensor("mesh", MESH, "zigbee2mqtt", "from = 2026-12-02")
    with running(NOON) as service:
        service.take_site(site(tomorrow), NOON)
        hear(service, NOON, MESH, b"{")
        hear(service, NOON + 24 * HOUR, MESH, b"{")
        assert len(unreadable(service)) == 1
        hear(service, NOON + 25 * HOUR, MESH, {"temperature": 20.0})
        assert unreadable(service) == []


# A shelf

SHELVE = {
    "do": "shelve",
    "building": "maple",
    "room": "12",
    "by": "F. Ray",
    "role": "facilities",
    "note": "new valve",
    "until": "2026-12-01T22:00:00Z",
}
COLD = {"temperature_f": 55.0, "humidity": 40}


def owed(service: Service) -> list[tuple[str, str, bool, str]]:
    """Every notice: when, why, whether it was held back, and its words."""
    return [
        (each["at"].isoformat(), each["reason"], each["shelved"] is not None, each["text"])
        for each in outbox.notices(service.connection)
    ]


def passed(service: Service, at: datetime) -> None:
    service.elapse(at)
    service.commit(at)


def events(service: Service) -> list[str]:
    return [row.event for row, _ in ledger.history(service.connection, "maple-2026-0001")]


def a_shelved_afternoon(life: Running, restarts: list[datetime], end: datetime) -> tuple[object, ...]:
    """What came of an afternoon in which the daemon starts again at some moments: all but what is told of
    silent sensors, who have the time of one word to be heard by a new one."""
    begun, cold = NOON, NOON + 30 * MINUTE
    steps: list[tuple[datetime, Callable[[Service], object]]] = [
        (begun, lambda service: service.command(SHELVE, begun)),
        (cold, lambda service: hear(service, cold, NATIVE, COLD)),
        (end, lambda service: passed(service, end)),
    ]
    for since, until in zip([NOON, *restarts], [*restarts, end + SECOND], strict=True):
        with life(since, sensors="") as service:
            for at, step in steps:
                if since <= at < until:
                    step(service)
                    service.commit(at)
            passed(service, until - SECOND)
            told = [each for each in owed(service) if each[1] != "trouble"]
            found = told, events(service), shelves.record(service.connection)
    return found


@pytest.mark.sqlite
@pytest.mark.parametrize("after", [SECOND, 31 * MINUTE, HOUR, 2 * HOUR - SECOND, 2 * HOUR, 2 * HOUR + SECOND])
def test_a_shelf_holds_and_ends_through_a_restart_as_without_one(
    after: timedelta, slow: Running, tmp_path: Path
) -> None:
    end = NOON + 2 * HOUR + MINUTE
    with_one = a_shelved_afternoon(slow, [NOON + after], end)
    (tmp_path / "safetyd.db").unlink()
    assert with_one == a_shelved_afternoon(slow, [], end)


def test_a_shelf_whose_end_came_while_nobody_watched_ends_at_the_start_and_holds_nothing_back_then(
    running: Running,
) -> None:
    with running(NOON) as service:
        service.command(SHELVE, NOON)
        hear(service, NOON + MINUTE, NATIVE, COLD)
    back = NOON + 20 * HOUR
    with running(back) as service:
        passed(service, back)
        told = {reason: is_held for _, reason, is_held, _ in owed(service)}
        assert told["opened"] and not told["reminder"] and not told["unshelved"]
        (kept,) = shelves.record(service.connection)
        assert (kept.ended_at, kept.ended_by) == (NOON + 2 * HOUR, "safetyd")
        assert events(service) == ["opened", "shelved", "unshelved"]


def test_a_kill_before_the_commit_of_its_end_tells_it_once(running: Running) -> None:
    with running(NOON) as service:
        service.command(SHELVE, NOON)
        service.commit(NOON)
        service.elapse(NOON + 2 * HOUR)  # and is killed
    with running(NOON + 3 * HOUR) as service:
        passed(service, NOON + 3 * HOUR)
        assert [reason for _, reason, _, _ in owed(service)] == ["shelved", "unshelved"]
    with running(NOON + 4 * HOUR) as service:
        passed(service, NOON + 4 * HOUR)
        assert [reason for _, reason, _, _ in owed(service)] == ["shelved", "unshelved"]


def test_a_shelf_told_again_from_a_recording_is_the_same_as_it_was_live(
    slow: Running, site: Callable[..., Site]
) -> None:
    cold, end = NOON + 30 * MINUTE, NOON + 2 * HOUR + MINUTE
    said = Message(cold, NATIVE, json.dumps(COLD).encode())
    with slow(NOON, sensors="") as service:
        service.command(SHELVE, NOON)
        service.commit(NOON)
        service.take(said)
        for minutes in range(31, 121, 7):  # a daemon that looks now and then, and late
            passed(service, NOON + minutes * MINUTE)
        passed(service, end)
        live = [notice_object(each) for each in outbox.notices(service.connection)]
        ticket = live_ticket(service, service.world.tickets["maple-2026-0001"], end)
    told = replay([Line(NOON, None, SHELVE), Line(cold, said, None)], site(""), until=end)
    assert told["notices"] == live and told["tickets"] == [ticket]
    assert [each["reason"] for each in live] == ["shelved", "opened", "trouble", "unshelved"]
