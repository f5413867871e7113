"""Law 8: what was received is not lost, whatever ends the daemon and whatever its disk does meanwhile."""

import random
import signal
import threading
from collections.abc import Callable

import pytest

from safetyd.store.audit import FIRST, chained
from safetyd.store.moments import moment
from tests.journeys.servers import Broker, Client, House, Sink, Site, ago, until, utc

pytestmark = pytest.mark.journey

TOPIC = "safetyd/readings/maple/12"
ROOMS = [f"r{number}" for number in range(20)]
COLD_ROOMS = ROOMS[:5]
A_ROOM = 1000  # readings
Make = Callable[..., House]


def temperature_f(room: str, number: int) -> float:
    """Return what a room's sensor says: the cold ones are too cold for a while."""
    usual = 70.0 + number % 7 / 10
    return usual - 14 if room in COLD_ROOMS and 300 <= number < 600 else usual


def test_a_daemon_killed_again_and_again_stores_every_reading_once_and_opens_every_ticket_once(
    broker: Broker, client: Client, sink: Sink, house: Make
) -> None:
    chance = random.Random(20261201)
    home = house(broker, Site(rooms=ROOMS, people={"Ada": [sink.address("ada")], "Bo": [sink.address("bo")]}))
    home.start(client)
    first_at = int(ago(hours=4).timestamp())
    is_told = threading.Event()

    def tell() -> None:
        for number in range(A_ROOM):
            said = [
                client.say(
                    f"safetyd/readings/maple/{room}",
                    {"temperature_f": temperature_f(room, number), "ts": first_at + 12 * number},
                )
                for room in ROOMS
            ]
            if number % 10 == 0:
                client.delivered(said)
        client.delivered(said)
        is_told.set()

    teller = threading.Thread(target=tell)
    teller.start()
    kills = 0
    while not is_told.wait(chance.uniform(0.05, 1.0)) or kills < 8:
        home.kill()
        kills += 1
        home.spawn()
    teller.join()
    everything = A_ROOM * len(ROOMS)
    home.has("reading", everything)
    home.has("ticket", len(COLD_ROOMS))
    until(
        "every notice has arrived",
        lambda: home.count("notice") and not home.rows("SELECT 1 FROM delivery WHERE state = 'waiting'"),
    )
    client.tell(TOPIC, {"temperature_f": 70})  # of no room of ours: whatever was still to come came before it
    until("the later message is stored", lambda: home.count("unassigned"))

    stored = home.rows("SELECT room, observed_at, value FROM reading JOIN sensor ON sensor.id = sensor")
    told = {
        (room, (first_at + 12 * number) * 1_000_000): temperature_f(room, number)
        for room in ROOMS
        for number in range(A_ROOM)
    }
    assert len(stored) == everything
    assert {(room, at): value for room, at, value in stored} == told
    tickets = home.tickets()
    assert sorted(ticket["id"] for ticket in tickets) == [f"maple-2026-{n:04d}" for n in range(1, 6)] or (
        sorted(ticket["id"][-4:] for ticket in tickets) == [f"{n:04d}" for n in range(1, 6)]
    )
    assert sorted(ticket["room"] for ticket in tickets) == COLD_ROOMS
    assert [len(ticket["episodes"]) for ticket in tickets] == [1] * len(COLD_ROOMS), tickets
    assert_chained(home)
    for name in ("Ada", "Bo"):
        owed = set(
            home.rows(
                "SELECT title, text FROM notice, delivery WHERE notice.id = notice AND person = ?", name
            )
        )
        arrived = [f"{letter.title}\n{letter.text}" for letter in sink.of(name.lower())]
        assert owed
        for title, text in owed:  # several at a time may come as one message
            assert any(title in each and text in each for each in arrived), (title, arrived)


def assert_chained(home: House) -> None:
    """Fail unless the history is one unbroken chain."""
    import json

    before = FIRST
    rows = home.rows("SELECT at, ticket, event, by, note, detail, hash FROM history ORDER BY id")
    assert rows
    for at, ticket, event, by, note, detail, kept in rows:
        line = {"at": moment(at).isoformat(), "ticket": ticket, "event": event, "by": by, "note": note}
        line |= {"detail": json.loads(detail)} if json.loads(detail) else {}
        assert kept == (before := chained(before, line))


def say_many(client: Client, count: int, first_at: int) -> None:
    client.tell(TOPIC, *({"temperature_f": 70 + n % 7 / 10, "ts": first_at + n} for n in range(count)))


def test_a_store_that_another_program_holds_for_eight_seconds_delays_and_loses_nothing(
    broker: Broker, client: Client, house: Make
) -> None:
    home = house(broker).start(client)
    began_at = int(ago(hours=3).timestamp())
    with home.locked():
        say_many(client, 3000, began_at)  # more than the broker hands over unacknowledged
        client.tell("safetyd/readings/maple/lab", {"temperature_f": 55})
        home.log_says("nothing is acknowledged")
        held_until = threading.Event()
        threading.Timer(3, held_until.set).start()  # the daemon has been patient for 5 s by now
        held_until.wait()
        assert home.count("reading") == 0
    home.log_says("can be written again")
    home.has("reading", 3001)
    home.has("ticket", 1)
    assert home.rows("SELECT count(DISTINCT observed_at) FROM reading") == [(3001,)]


def test_a_command_is_carried_out_once_even_if_the_store_is_held_just_then(
    broker: Broker, client: Client, house: Make
) -> None:
    home = house(broker).start(client)
    client.tell(TOPIC, {"temperature_f": 55})
    home.has("ticket", 1)
    body = '{"do": "note", "ticket": "maple-2026-0001", "by": "A. Reyes", "note": "once"}'
    body = body.replace("maple-2026-0001", home.rows("SELECT id FROM ticket")[0][0])
    with home.locked(f"INSERT INTO inbox (at, body) VALUES (0, '{body}')"):
        home.log_says("nothing is acknowledged")
    (answer,) = until(
        "the command is answered", lambda: home.rows("SELECT answer FROM inbox WHERE answer IS NOT NULL")
    )
    assert "refused" not in answer[0]
    home.log_says("can be written again")
    client.tell(TOPIC, {"temperature_f": 55.1})  # another commit, and another look into the inbox
    home.has("reading", 2)
    assert home.rows("SELECT count(*) FROM history WHERE note = 'once'") == [(1,)]


def test_a_commands_answer_is_true_even_if_the_store_is_held_just_then(
    broker: Broker, client: Client, house: Make
) -> None:
    home = house(broker).start(client)
    client.tell(TOPIC, {"temperature_f": 55})
    home.has("ticket", 1)
    (id,) = home.rows("SELECT id FROM ticket")[0]
    body = f'{{"do": "acknowledge", "ticket": "{id}", "by": "A. Reyes"}}'
    with home.locked(f"INSERT INTO inbox (at, body) VALUES (0, '{body}')"):
        home.log_says("nothing is acknowledged")
    (answer,) = until(
        "the command is answered", lambda: home.rows("SELECT answer FROM inbox WHERE answer IS NOT NULL")
    )
    assert "refused" not in answer[0]
    assert home.ticket(id)["status"] == "acknowledged"


def test_a_full_disk_is_waited_out_calmly_and_nothing_is_lost(
    broker: Broker, client: Client, house: Make
) -> None:
    home = house(broker).start(client)
    began_at = int(ago(hours=3).timestamp())
    say_many(client, 500, began_at)
    home.has("reading", 500)
    fill(home)
    say_many(client, 4000, began_at + 500)
    home.log_says("nothing is acknowledged")
    before = home.cpu_seconds()
    calm = threading.Event()
    threading.Timer(3, calm.set).start()
    calm.wait()
    assert home.cpu_seconds() - before < 1, "it runs hot while it waits for the disk"
    home.limit_files(-1)
    home.log_says("can be written again")
    home.has("reading", 4500)
    assert home.rows("SELECT count(DISTINCT observed_at) FROM reading") == [(4500,)]


def test_a_daemon_killed_while_the_disk_is_full_has_acknowledged_nothing_it_does_not_have(
    broker: Broker, client: Client, house: Make
) -> None:
    home = house(broker).start(client)
    began_at = int(ago(hours=3).timestamp())
    fill(home)
    say_many(client, 6000, began_at)
    home.log_says("nothing is acknowledged")
    home.kill()
    home.start(client)
    home.has("reading", 6000)
    assert home.rows("SELECT count(DISTINCT observed_at) FROM reading") == [(6000,)]


def test_a_full_disk_does_not_keep_the_daemon_from_ending(
    broker: Broker, client: Client, house: Make
) -> None:
    home = house(broker).start(client)
    fill(home)
    say_many(client, 6000, int(ago(hours=3).timestamp()))
    home.log_says("nothing is acknowledged")
    assert home.stop() == 0


def fill(home: House) -> None:
    """Leave the daemon's files as good as no room to grow: what is written goes to the write-ahead log."""
    others = [path for path in home.store.parent.iterdir() if path != home.store]
    home.limit_files(max(path.stat().st_size for path in (*others, home.log_file)) + 4096)


@pytest.mark.parametrize("payload", [
    b'{"temperature_f": 70, "ts": "\\ud800"}',
    b'{"temperature_f": "\\ud800"}',
    b'{"temperature_f": "\\u0000"}',
    b'{"temperature_f": 70, "ts": "\x80"}',
    b'{"temperature_f": 1e308, "temperature_c": -1e308}',
    b'{"temperature_c": 1e308, "humidity": -1e308, "voltage": 1e308, "battery": 1e308}',
    b'{"temperature_f": 70, "ts": 1' + b"0" * 4000 + b"}",
    b'{"temperature_f": 70, "ts": "9999-12-31T23:59:59-23:59"}',
    b'{"temperature_f": 70, "x": ' + b"[" * 100_000,
    b"\xff\xfe\x00",
    b"",
], ids=lambda payload: payload[:30].decode("latin-1"))  # fmt: skip
def test_no_payload_ends_the_daemon(payload: bytes, broker: Broker, client: Client, house: Make) -> None:
    home = house(broker).start(client)
    client.tell(TOPIC, payload)
    client.tell("safetyd/readings/maple/lab", {"temperature_f": 70})

    def look() -> bool:
        assert home.is_running, f"the daemon has ended:\n{home.log[-2000:]}"
        return bool(home.rows("SELECT 1 FROM reading JOIN sensor ON sensor.id = sensor WHERE room = 'lab'"))

    until("the next message is stored", look)
    assert home.stop() == 0


def test_a_sensor_that_is_first_heard_behind_a_late_reading_is_still_known_after_a_restart(
    broker: Broker, client: Client, house: Make
) -> None:
    home = house(broker).start(client)
    client.tell(TOPIC, {"temperature_f": 70, "ts": utc(ago(minutes=1))})
    home.has("reading", 1)
    assert home.daemon is not None
    home.daemon.send_signal(signal.SIGSTOP)  # so that it hears all three in one breath
    client.tell(TOPIC, {"temperature_f": 70.2, "ts": utc(ago(seconds=30))})
    client.tell(TOPIC, {"temperature_f": 70.5, "ts": utc(ago(minutes=2))})
    client.tell(f"{TOPIC}/second", {"temperature_f": 71})
    home.daemon.send_signal(signal.SIGCONT)
    home.has("reading", 4)
    home.kill()
    home.start(client)
    client.tell("safetyd/readings/maple/lab", {"temperature_f": 72})
    home.has("reading", 5)
    told = home.rows(
        "SELECT room, name, value FROM reading JOIN sensor ON sensor.id = sensor ORDER BY reading.id"
    )
    assert [(name, value) for _, name, value in told] == [
        ("12", 70), ("12", 70.2), ("12", 70.5), ("second", 71), ("lab", 72),
    ]  # fmt: skip
