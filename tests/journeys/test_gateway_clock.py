"""A gateway without a battery behind its clock: nothing is judged by a wrong time, told twice, or lost."""

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from safetyd.store.moments import micros, moment
from tests.journeys.gateway import Gateway
from tests.journeys.servers import STATUS, Broker, Client, House, Site, until

pytestmark = pytest.mark.journey

Make = Callable[..., House]
ROOM, MAINS = "safetyd/readings/maple/12", "safetyd/power/maple"
NOWHERE = "safetyd/readings/maple/nowhere"  # a room that is none
COLD, MILD = {"temperature_f": 55, "humidity": 40}, {"temperature_f": 70, "humidity": 40}
EIGHT = datetime(2026, 12, 1, 16, tzinfo=UTC)  # in Oregon
YEAR_ZERO = datetime(1970, 1, 1, 0, 0, 30, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
SITE = Site(people={"Ada": []})  # named in each notice, and without an address


def settles(home: House, client: Client, gateway: Gateway) -> None:
    """Wait until everything up to the present moment is decided and on disk."""
    client.tell(NOWHERE, MILD)
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
    """Return how many messages are on disk, also those not judged yet, but for what the broker remembers."""
    stored = home.rows("SELECT count(DISTINCT sensor || '/' || observed_at) FROM reading")
    kept = home.rows("SELECT count(*) FROM undated WHERE topic LIKE '%/readings/%' OR topic LIKE '%/power/%'")
    return sum(rows[0][0] for rows in (stored, kept) if rows)


def outcome(home: House) -> dict[str, list[Any]]:
    """Return all that was decided, in whole seconds: messages that come at once are a microsecond apart."""
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
            case str() if value[4:5] == "-":
                return value[:19]
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
    hears(home, client, MAINS, {"mains": "off"})  # by the first word it is known since when somebody listens
    gateway.passes(seconds=10)
    hears(home, client, ROOM, COLD)
    hears(home, client, "safetyd/readings/maple/lab", COLD)
    gateway.passes(seconds=10)
    if not gateway.is_synchronised:
        hears(home, client, NOWHERE, MILD)  # by now the broker knows that we have what came before
        home.kill()
        home.start(client)
    gateway.passes(seconds=10)
    hears(home, client, ROOM, MILD)
    hears(home, client, MAINS, {"mains": "on"})
    gateway.passes(seconds=30)
    gateway.is_put(now + MINUTE)
    settles(home, client, gateway)
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


def clock_troubles(home: House) -> list[tuple[str, bool, str]]:
    """Return each trouble with the gateway's clock: of which subject, whether it stands, in which words."""
    rows = home.rows("SELECT sensor, ended_at IS NULL, note FROM trouble WHERE kind = 'clock' ORDER BY id")
    return [(sensor, bool(stands), note) for sensor, stands, note in rows]


def unwatched(home: House) -> list[tuple[datetime, datetime, str]]:
    rows = home.rows("SELECT began_at, ended_at, note FROM trouble WHERE kind = 'gap' ORDER BY id")
    return [(moment(began_at), moment(ended_at), note) for began_at, ended_at, note in rows]


def in_doubt(home: House, client: Client, shows: datetime) -> Gateway:
    """A daemon that was alive at eight, and has booted since with a clock that nobody vouches for."""
    gateway = Gateway(home, EIGHT)
    home.start(client)
    hears(home, client, ROOM, MILD)
    dies(home, gateway)
    gateway.boots(shows, is_synchronised=False)
    home.start(client)
    return gateway


def test_while_the_time_is_not_known_nothing_is_judged_and_everything_acknowledged(
    broker: Broker, client: Client, house: Make
) -> None:
    home = house(broker, SITE)
    gateway = in_doubt(home, client, YEAR_ZERO)
    for number in range(30):
        client.say(ROOM, COLD | {"humidity": number})
    home.has("undated", 30)
    gateway.passes(minutes=9, seconds=29)  # half a minute had gone before
    hears(home, client, MAINS, {"mains": False})
    assert home.count("ticket") == 0 and home.count("notice") == 0 and home.count("reading") == 2
    kept = home.rows("SELECT count(DISTINCT since_boot) FROM undated WHERE topic IN (?, ?)", ROOM, MAINS)
    assert kept == [(31,)]
    assert client.last(STATUS) == b'{"state":"online"}'
    assert home.stop() == 0
    assert home.rows("SELECT at, is_last FROM beat") == [(micros(EIGHT), 0)]  # what is known of the hole


def test_a_daemon_killed_while_it_takes_in_what_was_kept_takes_each_in_once(
    broker: Broker, client: Client, house: Make
) -> None:
    home = house(broker, SITE)
    gateway = in_doubt(home, client, YEAR_ZERO)
    hears(home, client, ROOM, COLD)
    home.kill()
    kept = [
        ("boot 2", (40 + n) * 1_000_000, ROOM, json.dumps(COLD | {"humidity": n % 90}).encode(), 0)
        for n in range(5000)
    ]
    columns = "boot, since_boot, topic, payload, retain"
    with closing(sqlite3.connect(home.store)) as connection, connection:
        connection.executemany(f"INSERT INTO undated ({columns}) VALUES (?, ?, ?, ?, ?)", kept)
    gateway.passes(hours=2)
    gateway.is_put(EIGHT + 5 * HOUR)
    stored = "SELECT count(*) FROM reading JOIN sensor ON sensor.id = sensor WHERE room = '12'"

    def has_stored(least: int) -> bool:
        return bool(home.rows(stored)[0][0] >= least)

    for least in (3, 2003, 4003):  # it takes in a thousand at a time, of two values each
        home.spawn()
        until("more of it is taken in", partial(has_stored, least), 60)
        home.kill()
    home.start(client)
    until("all is taken in", lambda: home.count("undated") == 0, 60)
    assert home.rows(stored) == [(2 * 5002,)]  # temperature and humidity; and one at eight, one of this boot
    assert home.count("ticket") == 2  # the cold room's, and the question of the five hours' hole
    (gap,) = unwatched(home)
    assert gap[0] == EIGHT


def test_a_person_is_heard_at_the_moment_at_which_they_asked(
    broker: Broker, client: Client, house: Make
) -> None:
    home = house(broker, SITE)
    gateway = Gateway(home, EIGHT)
    home.start(client)
    hears(home, client, ROOM, COLD)
    dies(home, gateway)
    gateway.boots(YEAR_ZERO, is_synchronised=False)
    home.start(client)
    gateway.passes(seconds=30)
    body = json.dumps({"do": "acknowledge", "ticket": "maple-2026-0001", "by": "A. Reyes"})
    with closing(sqlite3.connect(home.store)) as connection, connection:
        connection.execute("INSERT INTO inbox (at, body) VALUES (0, ?)", (body,))
    until("it is marked", lambda: home.rows("SELECT 1 FROM undated WHERE command IS NOT NULL"))
    gateway.passes(minutes=2)
    gateway.is_put(EIGHT + HOUR)
    until("it is answered", lambda: home.rows("SELECT 1 FROM inbox WHERE answer IS NOT NULL"))
    asked_at = int((EIGHT + HOUR - 2 * MINUTE).timestamp())
    assert home.rows("SELECT at / 1000000 FROM history WHERE event = 'acknowledged'") == [(asked_at,)]


@pytest.mark.parametrize(
    ("shows", "goes_on_at", "words"),
    [
        (EIGHT + HOUR, EIGHT + HOUR + 10 * MINUTE, "not synchronised"),
        (YEAR_ZERO, EIGHT + 10 * MINUTE + timedelta(seconds=30), "behind the last sign of life"),
    ],
)
def test_a_building_without_a_time_server_is_watched_after_ten_minutes(
    shows: datetime, goes_on_at: datetime, words: str, broker: Broker, client: Client, house: Make
) -> None:
    home = house(broker, SITE)
    gateway = in_doubt(home, client, shows)
    gateway.passes(minutes=5)
    hears(home, client, ROOM, COLD)
    gateway.passes(minutes=5)
    home.has("ticket", 1)
    assert home.rows("SELECT opened_at / 1000000 FROM ticket") == [((goes_on_at - 5 * MINUTE).timestamp(),)]
    until("the trouble is on record", lambda: clock_troubles(home))
    ((subject, stands, note),) = clock_troubles(home)
    assert subject == "maple/gateway" and stands and words in note
    # and when the clock is right at last, it is seen how long the machine was down
    right = EIGHT + 5 * HOUR
    gateway.is_put(right)
    until("the trouble is over", lambda: not clock_troubles(home)[0][1])
    began_at, ended_at, note = unwatched(home)[-1]
    assert (ended_at, ended_at - began_at) == (right, right - goes_on_at) and "loses power" in note
    assert home.rows("SELECT condition FROM ticket ORDER BY id") == [("cold",), ("outage",)]


def test_what_an_earlier_boot_never_learned_to_date_is_kept_as_refused(
    broker: Broker, client: Client, house: Make
) -> None:
    home = house(broker, SITE)
    gateway = in_doubt(home, client, YEAR_ZERO)
    hears(home, client, MAINS, {"mains": False})
    home.kill()
    gateway.boots(EIGHT + HOUR, is_synchronised=True)
    home.start(client)
    until("it is refused", lambda: home.count("refused"))
    ((at, topic, reason, payload),) = home.rows("SELECT at, topic, reason, payload FROM refused")
    assert EIGHT < moment(at) < EIGHT + HOUR and topic == MAINS and json.loads(payload) == {"mains": False}
    assert "never learned the time" in reason
    assert home.count("undated") == 0
    ((_, stands, note),) = clock_troubles(home)
    assert not stands and "cannot be dated" in note and reason in note
    assert home.rows("SELECT 1 FROM notice WHERE reason = 'outage_began'") == []


# While it runs


def running(home: House, client: Client) -> Gateway:
    """A cold room with its ticket, a mild one, an outage of an hour, and all of it told."""
    gateway = Gateway(home, EIGHT)
    home.start(client)
    hears(home, client, MAINS, {"mains": False})
    gateway.passes(minutes=55)
    hears(home, client, ROOM, COLD)
    hears(home, client, "safetyd/readings/maple/lab", MILD)
    gateway.passes(minutes=6)
    settles(home, client, gateway)
    return gateway


def test_a_step_forward_is_on_record_and_judged(broker: Broker, client: Client, house: Make) -> None:
    home = house(broker, SITE)
    gateway = running(home, client)
    before = gateway.wall
    gateway.is_put(before + HOUR)
    settles(home, client, gateway)
    ((subject, stands, note),) = clock_troubles(home)
    assert subject == "maple/gateway" and not stands
    assert f"forward from {before:%Y-%m-%d %H:%M:%S} UTC to {before + HOUR:%Y-%m-%d %H:%M:%S} UTC" in note
    assert "outage" in {ticket["condition"] for ticket in home.tickets()}
    assert unwatched(home) == []  # the machine ran


def test_a_few_minutes_forward_are_not_worth_a_word(broker: Broker, client: Client, house: Make) -> None:
    home = house(broker, SITE)
    gateway = running(home, client)
    gateway.is_put(gateway.wall + 5 * MINUTE)
    settles(home, client, gateway)
    assert clock_troubles(home) == [] and "it was put forward" in home.log


def test_after_a_step_back_nothing_comes_twice_and_nobody_is_silent(
    broker: Broker, client: Client, house: Make
) -> None:
    home = house(broker, SITE)
    gateway = running(home, client)
    before, was = outcome(home), gateway.wall
    gateway.is_put(was - HOUR)
    gateway.passes(seconds=30)
    hears(home, client, ROOM, COLD)
    hears(home, client, "safetyd/readings/maple/lab", MILD)
    after = outcome(home)
    for what in ("tickets", "episodes", "history", "notices"):
        assert after[what] == before[what], what
    assert [at for *_, at, _, _, _ in after["readings"]] == sorted(
        at for *_, at, _, _, _ in after["readings"]
    )
    assert moment(home.rows("SELECT max(observed_at) FROM reading")[0][0]) >= was
    ((subject, stands, note),) = clock_troubles(home)
    assert subject == "maple/gateway" and stands and "put back" in note
    # an hour later nothing has fallen silent that spoke, and what is due is due once
    for _ in range(12):
        gateway.passes(minutes=5)
        hears(home, client, ROOM, COLD)
        hears(home, client, "safetyd/readings/maple/lab", MILD)
    reasons = [reason for _, reason, *_ in outcome(home)["notices"]]
    assert len(home.tickets()) == 2  # the cold room's, and of the outage by the second limb: told together
    assert (reasons.count("outage_began"), reasons.count("digest"), reasons.count("opened")) == (1, 1, 0)
    silent = home.rows("SELECT sensor FROM trouble WHERE kind = 'silent' AND sensor LIKE 'maple/%/%'")
    assert silent == []
    assert len(home.rows("SELECT DISTINCT key FROM notice")) == home.count("notice")
    gateway.is_put(was + 2 * HOUR)
    until("the trouble is over", lambda: not clock_troubles(home)[0][1])


def test_a_restart_behind_a_step_back_goes_on_where_it_was(
    broker: Broker, client: Client, house: Make
) -> None:
    home = house(broker, SITE)
    gateway = running(home, client)
    before, was = outcome(home), gateway.wall
    dies(home, gateway)
    gateway.is_put(was - HOUR)
    gateway.passes(seconds=30)
    home.start(client)
    hears(home, client, ROOM, COLD)
    assert moment(home.rows("SELECT max(observed_at) FROM reading")[0][0]) >= was + timedelta(seconds=30)
    after = outcome(home)
    for what in ("tickets", "episodes", "history", "notices"):
        assert after[what] == before[what], what
    until("the trouble stands", lambda: [stands for _, stands, _ in clock_troubles(home)] == [True])
    assert unwatched(home) == []
