"""Law 2: the same messages at the same moments lead to the same tickets, told live or told again."""

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any

import pytest

from tests.journeys.servers import LOOPBACK, Broker, Client, House, Json, Site, ago, until, utc

pytestmark = pytest.mark.journey

Make = Callable[..., House]
FIELDS = ("", "temperature_f", "temperature_c", "humidity", "mains", "voltage", "power_w", "battery")
RETAINED = 3
A_STAMP = "ts"
RULES = 'quality = { max_step_f_per_min = 60 }\ncold = { end_after = "10m" }\nheat = { end_after = "10m" }'
PEOPLE = {"Ada": [f"json://{LOOPBACK}:9/ada"]}


def minutes_ago(minutes: float) -> str:
    return f"{datetime.now(UTC) - timedelta(minutes=minutes):%Y-%m-%dT%H:%M:%S.%fZ}"


def a_day() -> list[tuple[str, object]]:
    """Return what sensors say of a few hours that are past: topic and payload, as they come in."""
    cold_room, hot_room = "safetyd/readings/maple/12", "safetyd/readings/maple/lab"
    mains = "safetyd/power/maple"
    said: list[tuple[str, object]] = [(mains, {"mains": "off", "ts": utc(ago(hours=5))})]
    for minute in range(300, 60, -5):
        at = utc(ago(minutes=minute))
        cold = 56.5 if 120 < minute < 200 else 68.0
        hot = 91.0 if 150 < minute < 240 else 74.0
        said.append((cold_room, {"temperature_f": cold + minute / 1000, "humidity": 40, "ts": at}))
        said.append((hot_room, {"temperature_c": (hot - 32) / 1.8, "humidity": 55, "ts": at}))
        if minute % 20 == 0:
            said.append((mains, {"mains": "on" if minute < 130 else "off", "ts": at}))
        if minute % 50 == 0:
            said.append((cold_room, {"temperature_f": 56.5, "ts": at}))  # told twice, and differently
    late = utc(ago(minutes=203))
    said.append((cold_room, {"temperature_f": 55.25, "humidity": 41, "ts": late}))
    said.append((cold_room + "/second", {"temperature_f": 54.0, "humidity": 41, "ts": late}))
    said.append((hot_room, b"no JSON"))
    said.append((hot_room, {"temperature_f": 900, "humidity": 50, "ts": utc(ago(minutes=61))}))
    said.append((hot_room, {"temperature_f": 74, "humidity": 50, "ts": utc(ago(days=9))}))
    said.append(("safetyd/readings/maple/attic", {"temperature_f": 40}))
    said.append((cold_room, {"temperature_f": 68.0, "humidity": 40}))
    return said


def told_again(home: House) -> list[str]:
    """Return what the daemon has heard, by its own record, as the lines of a recording."""
    lines: list[Json] = []
    rows = home.rows(
        "SELECT topic, observed_at, delay, stamp, mark = 3, quantity, value, sensor"
        " FROM reading JOIN sensor ON sensor.id = sensor ORDER BY reading.id"
    )
    for (topic, observed_at, delay, stamp, retained, _), found in groupby(
        rows, lambda row: (*row[:5], row[7])
    ):
        payload: dict[str, Any] = {}
        for *_, quantity, value, _sensor in found:
            payload[FIELDS[quantity]] = bool(value) if FIELDS[quantity] == "mains" else value
        if stamp is not None or delay:
            payload[A_STAMP] = stamp if stamp is not None else moment(observed_at)
        at = observed_at + delay
        lines.append({"at": at, "topic": topic, "payload": json.dumps(payload), "retain": bool(retained)})
    for at, topic, payload in home.rows("SELECT at, topic, payload FROM refused WHERE kind = 'payload'"):
        coded = base64.b64encode(payload).decode()
        lines.append({"at": at, "topic": topic, "payload": coded, "encoding": "base64"})
    lines.sort(key=lambda line: int(line["at"]))
    return [json.dumps(line | {"at": moment(line["at"])}) for line in lines]


def moment(micros: int) -> str:
    at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros)
    return f"{at:%Y-%m-%dT%H:%M:%S.%fZ}"


def settled(tickets: list[Json]) -> list[Json]:
    """Return tickets without what depends on the moment of asking: the coverage of what still goes on."""
    for ticket in tickets:
        for episode in ticket["episodes"]:
            if episode["ended_at"] is None:
                del episode["coverage"]
    return tickets


def replayed(home: House, lines: list[str], asked_at: str) -> Json:
    recording = home.folder / "told-again.jsonl"
    recording.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return dict(home.asked("replay", str(recording), "--until", asked_at))


def kept_notices(home: House) -> list[Json]:
    rows = home.rows("SELECT at, ticket, tickets, reason, people, title, text FROM notice ORDER BY at, id")
    keys = ("ticket", "tickets", "reason", "to", "title", "text")
    return [
        dict(zip(keys, (ticket, json.loads(tickets), reason, json.loads(people), title, text), strict=True))
        for _, ticket, tickets, reason, people, title, text in rows
    ]


def test_a_day_told_again_from_the_record_gives_the_same_bytes(
    broker: Broker, client: Client, house: Make
) -> None:
    home = house(broker, Site(rules=RULES, people=PEOPLE)).start(client)
    for topic, payload in a_day():
        client.say(topic, payload)
    client.tell("safetyd/readings/maple/nowhere", {"temperature_f": 70})
    until("everything is stored", lambda: home.rows("SELECT 1 FROM unassigned WHERE topic LIKE '%nowhere'"))
    until("the building's news has gone out", lambda: home.count("notice"))
    assert home.stop() == 0
    live = settled(home.tickets())
    asked_at = minutes_ago(0)
    again = replayed(home, told_again(home), asked_at)
    assert {ticket["condition"] for ticket in live} == {"cold", "heat", "outage"}
    assert settled(again["tickets"]) == live
    told = [
        {key: notice[key] for key in kept}
        for notice, kept in zip(again["notices"], kept_notices(home), strict=False)
    ]
    assert told == kept_notices(home)


def test_a_day_with_a_power_cut_in_every_hour_told_again_gives_the_same_bytes(
    broker: Broker, client: Client, house: Make
) -> None:
    home = house(broker, Site(rules=RULES, people=PEOPLE)).start(client)
    said = a_day()
    for begin in range(0, len(said), 30):
        client.delivered([client.say(topic, payload) for topic, payload in said[begin : begin + 30]])
        home.kill()
        home.start(client)
    client.tell("safetyd/readings/maple/nowhere", {"temperature_f": 70})
    until("everything is stored", lambda: home.rows("SELECT 1 FROM unassigned WHERE topic LIKE '%nowhere'"))
    assert home.stop() == 0
    live = settled(home.tickets())
    asked_at = minutes_ago(0)
    again = replayed(home, told_again(home), asked_at)
    assert settled(again["tickets"]) == live


def test_a_backlog_that_comes_in_order_with_power_cuts_between_told_again_gives_the_same_bytes(
    broker: Broker, client: Client, house: Make
) -> None:
    home = house(broker).start(client)
    first_at = int(ago(hours=4).timestamp())
    for begin in range(0, 1000, 100):
        said = [
            {"temperature_f": 70 - 14 * (300 <= n < 600) + n % 7 / 10, "ts": first_at + 12 * n}
            for n in range(begin, begin + 100)
        ]
        client.tell("safetyd/readings/maple/12", *said)
        home.has("reading", begin + 80)
        home.kill()
        home.start(client)
    home.has("reading", 1000)
    assert home.stop() == 0
    live, asked_at = settled(home.tickets()), minutes_ago(0)
    assert settled(replayed(home, told_again(home), asked_at)["tickets"]) == live


def test_a_recorder_beside_the_daemon_hears_the_same_story(
    broker: Broker, client: Client, house: Make
) -> None:
    home = house(broker, Site(rules=RULES, people=PEOPLE)).start(client)
    recording = home.folder / "day.jsonl"
    recorder = home.begin("record", str(recording))
    try:

        def listens() -> bool:
            client.tell("safetyd/readings/maple/nowhere", {"temperature_f": 70})
            return recording.exists() and recording.stat().st_size > 0

        until("the recorder listens", listens)
        for topic, payload in a_day():
            client.say(topic, payload)
        client.tell("safetyd/readings/maple/12", {"temperature_f": 68.5, "humidity": 40})
        until("the recorder has heard the last", lambda: b"68.5" in recording.read_bytes())
        until("the daemon has heard the last", lambda: home.rows("SELECT 1 FROM reading WHERE value = 68.5"))
    finally:
        recorder.terminate()
        _, said = recorder.communicate(timeout=30)
    assert recorder.returncode == 0 and "messages written" in said
    assert home.stop() == 0
    live, asked_at = home.tickets(), minutes_ago(0)
    again = home.asked("replay", str(recording), "--until", asked_at)["tickets"]
    assert len(again) == len(live) == 3
    for one, other in zip(live, again, strict=True):
        assert without_arrivals(one) == without_arrivals(other)
        for ours, theirs in zip(arrivals(one), arrivals(other), strict=True):
            assert abs(ours - theirs) < timedelta(seconds=2)


def arrivals(ticket: Json) -> list[datetime]:
    """Return the moments at which something was learned; a recorder sees them a little differently."""
    moments = [ticket["opened_at"], *(line["at"] for line in ticket["history"])]
    return [datetime.fromisoformat(moment) for moment in moments]


def without_arrivals(ticket: Json) -> Json:
    """Return all else that does not depend on the moment of asking."""
    (kept,) = settled([json.loads(json.dumps(ticket))])
    del kept["opened_at"]
    for line in kept["history"]:
        del line["at"], line["hash"]
    return kept
