"""A gateway without a battery behind its clock: nothing is judged by a wrong time, told twice, or lost."""

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from safetyd.store.moments import micros
from tests.journeys.gateway import Gateway
from tests.journeys.servers import Broker, Client, House, Site, until

pytestmark = pytest.mark.journey

Make = Callable[..., House]
ROOM, MAINS = "safetyd/readings/maple/12", "safetyd/power/maple"
COLD, MILD = {"temperature_f": 55, "humidity": 40}, {"temperature_f": 70, "humidity": 40}
EIGHT = datetime(2026, 12, 1, 16, tzinfo=UTC)  # in Oregon
YEAR_ZERO = datetime(1970, 1, 1, 0, 0, 30, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
SITE = Site(people={"Ada": []})  # named in each notice, and without an address


def settles(home: House, client: Client, gateway: Gateway) -> None:
    """Wait until everything up to the present moment is decided and on disk."""
    client.tell("safetyd/readings/maple/nowhere", MILD)
    now = micros(gateway.wall)
    until("it is decided", lambda: home.rows("SELECT 1 FROM unassigned WHERE last_at >= ?", now))


def dies(home: House, gateway: Gateway) -> None:
    """End the daemon as a power cut would, its last sign of life as fresh as can be."""
    home.kill()
    with closing(sqlite3.connect(home.store)) as connection, connection:
        now = micros(gateway.wall), round(gateway.since_boot.total_seconds() * 1_000_000)
        assert connection.execute("UPDATE beat SET at = ?, since_boot = ?", now).rowcount == 1


def hears(home: House, client: Client, topic: str, payload: object) -> None:
    """Say something, and wait until it is on disk, judged or not."""
    before = heard(home)
    client.tell(topic, payload)
    until("it is on disk", lambda: heard(home) > before)


def heard(home: House) -> int:
    """Return how many messages are on disk, those not judged yet included."""
    stored = home.rows("SELECT count(DISTINCT sensor || '/' || observed_at) FROM reading")
    return (stored[0][0] if stored else 0) + home.count("undated") + home.count("refused")


def outcome(home: House) -> dict[str, list[Any]]:
    """Return all that was decided, in whole seconds: of messages that come at once each has its microsecond."""
    return {
        "readings": home.rows(
            "SELECT building, room, name, observed_at / 1000000, quantity, value, mark FROM reading"
            " JOIN sensor ON sensor.id = sensor ORDER BY reading.id"
        ),
        "tickets": [
            (id, status, opened_at // 1_000_000, _seconds(body))
            for id, status, opened_at, body in home.rows(
                "SELECT id, status, opened_at, body FROM ticket ORDER BY id"
            )
        ],
        "episodes": home.rows(
            "SELECT room, condition, began_at / 1000000, ended_at / 1000000, ticket FROM episode ORDER BY id"
        ),
        "history": home.rows("SELECT ticket, at / 1000000, event, note FROM history ORDER BY id"),
        "notices": home.rows("SELECT at / 1000000, reason, title, text FROM notice ORDER BY id"),
        "troubles": home.rows(
            "SELECT kind, sensor, began_at / 1000000, ended_at / 1000000, note FROM trouble ORDER BY id"
        ),
    }


def _seconds(body: str) -> str:
    """A ticket's document with its moments in whole seconds, but for when reminders were last looked for."""

    def cut(value: Any) -> Any:
        match value:
            case dict():
                return {name: cut(each) for name, each in value.items() if name != "told_until"}
            case list():
                return [cut(each) for each in value]
            case str() if value[4:5] == "-" and "." in value:
                return value.partition(".")[0]
            case int() if value > 10**15:
                return value // 1_000_000
        return value

    return json.dumps(cut(json.loads(body)))


def before_the_cut(home: House, client: Client) -> Gateway:
    """A cold room and a building without electricity, each with its ticket, shortly before the first reminder
    of the cold one is due; then a last sign of life."""
    gateway = Gateway(home, EIGHT)
    home.start(client)
    hears(home, client, ROOM, COLD)
    hears(home, client, MAINS, {"mains": "off"})
    gateway.passes(hours=11, minutes=50)  # half of a day's 24 hours are over at 12
    settles(home, client, gateway)
    assert home.count("ticket") == 2
    dies(home, gateway)
    return gateway


def after_the_cut(home: House, client: Client, gateway: Gateway, now: datetime) -> None:
    """Three hours later: two rooms are cold, and a minute and a half after the boot the clock is right. If it
    was not, the daemon dies once more meanwhile."""
    home.start(client)
    gateway.passes(seconds=10)
    hears(home, client, ROOM, COLD)
    hears(home, client, "safetyd/readings/maple/lab", COLD)
    gateway.passes(seconds=10)
    if not gateway.is_synchronised:
        home.kill()
        home.start(client)
    gateway.passes(seconds=10)
    hears(home, client, ROOM, MILD)
    hears(home, client, MAINS, {"mains": "on"})
    gateway.passes(seconds=30)
    gateway.is_put(now + MINUTE)
    until("the fourth message is judged", lambda: home.count("undated") == 0 and heard(home) >= 6)
    for _ in range(4):  # openings, and then troubles, wait for company
        gateway.passes(seconds=20)
        settles(home, client, gateway)


@pytest.mark.parametrize("shows", ["1970", "the last moment", "an hour before that"])
def test_a_clock_that_boots_in_the_past_changes_nothing_once_it_is_right(
    shows: str, broker: Broker, client: Client, house: Make
) -> None:
    found = []
    for is_right in (True, False):
        home = house(broker, SITE)
        gateway = before_the_cut(home, client)
        cut_at = gateway.wall
        back_at = cut_at + 3 * HOUR
        wrong = {"1970": YEAR_ZERO, "the last moment": cut_at, "an hour before that": cut_at - HOUR}[shows]
        gateway.boots(back_at if is_right else wrong, is_synchronised=is_right)
        after_the_cut(home, client, gateway, back_at)
        found.append(outcome(home))
        home.kill()
    right, wrong_at_first = found
    for what, expected in right.items():
        assert wrong_at_first[what] == expected, what
    reasons = [reason for _, reason, *_ in right["notices"]]
    assert reasons.count("reminder") == 1 and reasons.count("outage_began") == 1
    gaps = [(began, ended) for kind, _, began, ended, _ in right["troubles"] if kind == "gap"]
    assert [round((ended - began) / 3600) for began, ended in gaps] == [3]
    assert len(right["tickets"]) == 3
