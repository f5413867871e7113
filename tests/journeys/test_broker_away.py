"""The broker is a server like any other: it may be late, end, come back, or not let us in."""

import json
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from safetyd.ingest.mqtt import Link
from safetyd.setting_mqtt import Mqtt
from tests.journeys.servers import STATUS, Broker, Client, House, Site, ago, until, utc

pytestmark = pytest.mark.journey

TOPIC = "safetyd/readings/maple/12"
COLD = {"temperature_f": 55.0, "humidity": 40}
OFFLINE = b'{"state":"offline"}'
Make = Callable[..., House]


@contextmanager
def connected(broker: Broker, *filters: str) -> Iterator[Client]:
    client = Client(broker, *filters)
    try:
        yield client
    finally:
        client.close()


def test_a_broker_that_comes_late_is_found(tmp_path: Path, house: Make) -> None:
    broker = Broker(tmp_path)
    home = house(broker)
    home.spawn()
    home.log_says("cannot be reached")
    try:
        broker.start()
        with connected(broker, "safetyd/status/#") as client:
            until("the daemon is online", lambda: client.last(STATUS) == b'{"state":"online"}')
            client.tell(TOPIC, COLD)
            home.has("ticket", 1)
    finally:
        broker.stop()


def test_after_a_restart_of_the_broker_everything_is_heard_again(broker: Broker, house: Make) -> None:
    with connected(broker, "safetyd/status/#") as client:
        home = house(broker).start(client)
    broker.stop()
    home.log_says("lost")
    broker.start()
    with connected(broker, "safetyd/status/#", "safetyd/tickets/#") as client:
        until("the daemon is online", lambda: client.last(STATUS) == b'{"state":"online"}')
        client.tell(TOPIC, COLD)
        until("the ticket is told", lambda: client.last("safetyd/tickets/maple/maple-2026-0001"))


def test_what_is_said_while_we_are_away_waits_for_us(broker: Broker, client: Client, house: Make) -> None:
    home = house(broker).start(client)
    home.kill()
    began_at = ago(hours=2)
    at = int(began_at.timestamp())
    client.tell(TOPIC, *({"temperature_f": 70 + i % 5 / 10, "ts": at + 10 * i} for i in range(500)))
    home.start(client)
    home.has("reading", 500)
    assert home.rows("SELECT count(DISTINCT observed_at) FROM reading") == [(500,)]


def test_it_waits_even_if_the_broker_restarts_meanwhile(broker: Broker, house: Make) -> None:
    with connected(broker, "safetyd/status/#") as client:
        home = house(broker).start(client)
        assert home.stop() == 0
        client.tell(TOPIC, *({"temperature_f": 55, "ts": utc(ago(minutes=30 - i))} for i in range(20)))
    broker.stop()
    broker.start()
    home.spawn()
    home.has("reading", 20)
    home.has("ticket", 1)


def test_a_ticket_that_closes_while_the_broker_is_away_is_cleared_when_it_is_back(
    broker: Broker, house: Make
) -> None:
    topic = "safetyd/tickets/maple/maple-2026-0001"
    with connected(broker, "safetyd/status/#", topic) as client:
        home = house(broker).start(client)
        client.tell(TOPIC, COLD)
        until("the ticket is told", lambda: client.last(topic))
    broker.stop()
    home.log_says("lost")
    closed = home.run("ticket", "maple-2026-0001", "close", "--by", "A. Reyes", "--note", "moved out")
    assert closed.code == 0, closed.err
    broker.start()
    with connected(broker, "safetyd/status/#", topic) as client:
        until("the daemon is online", lambda: client.last(STATUS) == b'{"state":"online"}')
        until("the closed ticket is no longer told", lambda: client.last(topic) in (None, b""), within=10)


def test_a_ticket_that_closes_while_the_daemon_is_away_is_cleared_when_it_is_back(
    broker: Broker, house: Make
) -> None:
    topic = "safetyd/tickets/maple/maple-2026-0001"
    with connected(broker, "safetyd/status/#", topic) as client:
        home = house(broker).start(client)
        client.tell(TOPIC, COLD)
        until("the ticket is told", lambda: client.last(topic))
        assert home.stop() == 0
        closed = home.run("ticket", "maple-2026-0001", "close", "--by", "A. Reyes", "--note", "moved out")
        assert closed.code == 0, closed.err
        home.start(client)
        until("the closed ticket is no longer told", lambda: client.last(topic) == b"", within=10)


def test_a_retained_message_proves_nothing_however_often_we_start(broker: Broker, house: Make) -> None:
    with connected(broker, "safetyd/status/#", "safetyd/rooms/#") as client:
        client.tell(TOPIC, COLD | {"ts": utc(ago(minutes=1))}, retain=True)
        client.tell("safetyd/power/maple", {"mains": "off", "ts": utc(ago(hours=5))}, retain=True)
        home = house(broker)
        for number in (1, 2):
            home.start(client)
            until("the message was kept", lambda n=number: home.count("reading") >= 3 * n)
            assert home.stop() == 0
        assert home.count("ticket") == home.count("episode") == 0
        assert home.asked("readings", "maple/12")["points"] == []


def test_a_retained_message_does_not_hide_the_same_one_that_proves_something(
    broker: Broker, client: Client, house: Make
) -> None:
    said = COLD | {"ts": utc(ago(minutes=1))}
    client.tell(TOPIC, said, retain=True)
    home = house(broker).start(client)
    home.has("reading", 2)
    client.tell(TOPIC, said)
    home.has("ticket", 1)


def test_a_retained_good_word_does_not_end_a_breach_after_a_restart(
    broker: Broker, client: Client, house: Make
) -> None:
    home = house(broker).start(client)
    client.tell(TOPIC, COLD | {"ts": utc(ago(minutes=50))})
    home.has("ticket", 1)
    home.kill()
    client.tell(TOPIC, {"temperature_f": 70, "humidity": 40}, retain=True)  # one live, then retained for ever
    home.start(client)
    home.has("reading", 4)
    home.kill()
    home.start(client)
    home.has("reading", 6)
    (ticket,) = home.tickets()
    assert ticket["verdict"] == "breach" and ticket["episodes"][0]["ended_at"] is None


def test_a_name_and_its_password_let_us_in(tmp_path: Path, house: Make) -> None:
    broker = Broker(tmp_path)
    broker.admit_only("safetyd", "correct horse")
    home = house(broker, mqtt='username = "safetyd"\npassword_file = "password"')
    (home.folder / "password").write_text("correct horse\n", encoding="utf-8")
    try:
        broker.start()
        client = Client(broker, "safetyd/status/#", name="safetyd", password="correct horse")
        home.start(client)
        client.tell(TOPIC, COLD)
        home.has("ticket", 1)
        client.close()
    finally:
        broker.stop()


def test_a_wrong_password_is_said_and_tried_again_and_never_shown(tmp_path: Path, house: Make) -> None:
    broker = Broker(tmp_path)
    broker.admit_only("safetyd", "correct horse")
    broker.admit_only("tester", "t")
    home = house(broker, mqtt='username = "safetyd"\npassword_file = "password"\n[log]\nlevel = "debug"')
    (home.folder / "password").write_text("battery staple\n", encoding="utf-8")
    try:
        broker.start()
        client = Client(broker, "safetyd/status/#", name="tester", password="t")
        home.spawn()
        home.log_says("refuses us")
        broker.admit_only("safetyd", "battery staple")  # the broker's people mend it on their side
        broker.send_signal(signal.SIGHUP)
        home.is_online(client)
        assert "battery staple" not in home.log_file.read_text(encoding="utf-8")
        client.close()
    finally:
        broker.stop()


@pytest.mark.parametrize("temperature_f", [70, 55], ids=["nothing was the matter", "it was too cold"])
def test_a_room_that_falls_silent_is_told_as_unknown(
    temperature_f: float, broker: Broker, client: Client, house: Make
) -> None:
    rules = 'quality = { stale_after = "8s" }'
    house(broker, Site(rules=rules)).start(client)
    client.tell(TOPIC, {"temperature_f": temperature_f, "humidity": 40})

    def heat_is(word: str) -> bool:
        told = client.last("safetyd/rooms/maple/12")
        return told is not None and json.loads(told)["verdicts"]["heat"] == word

    until("the room is told as ok", lambda: heat_is("ok"))
    until("the room is told as unknown", lambda: heat_is("unknown"), within=20)


def test_rooms_that_speak_one_after_the_other_are_all_told(
    broker: Broker, client: Client, house: Make
) -> None:
    home = house(broker).start(client)
    for number, room in enumerate(("12", "lab"), 1):
        client.tell(f"safetyd/readings/maple/{room}", COLD)
        home.has("ticket", number)
    for room in ("12", "lab"):
        until(f"room {room} is told", lambda r=room: client.last(f"safetyd/rooms/maple/{r}"), within=10)


def test_one_message_on_a_native_topic_that_the_site_file_names_too_is_one_reading(
    broker: Broker, client: Client, house: Make
) -> None:
    binding = (
        '[[buildings.sensors]]\nid = "t12"\nroom = "12"\nformat = "native"\n'
        f'topic = "{TOPIC}"\ninterval = "5m"'
    )
    home = house(broker, Site(rules="cold = { confirm = 2 }", more=binding)).start(client)
    client.tell(TOPIC, {"temperature_f": 55})
    client.tell("safetyd/readings/maple/lab", {"temperature_f": 70})  # what comes after it has been heard
    until(
        "the later message is stored",
        lambda: home.rows("SELECT 1 FROM reading JOIN sensor ON sensor.id = sensor WHERE room = 'lab'"),
    )
    assert home.count("reading") == 2
    assert home.count("ticket") == 0


RIVAL = "SELECT note, ended_at FROM trouble WHERE sensor = '[mqtt] client_id'"


def test_two_daemons_of_one_client_id_say_what_is_wrong_and_what_to_do(
    broker: Broker, client: Client, house: Make
) -> None:
    homes = [house(broker), house(broker)]
    ours, theirs = homes[0].start(client), homes[1]
    theirs.spawn()
    for home in homes:
        ((note, ended_at),) = until("it is a trouble", lambda home=home: home.rows(RIVAL))
        assert "another program " in note and "client id safetyd at the broker: each drives the other" in note
        assert "stop it, or give it another client_id under [mqtt]" in note
        assert ended_at is None
    assert theirs.stop() == 0
    client.tell(TOPIC, COLD)
    until("the one that is left has its session again", lambda: ours.count("ticket"))
    assert ours.rows(RIVAL)[0][1] is None, "it may come back any moment"
    assert ours.stop() == 0


def test_a_rival_that_was_not_seen_for_a_while_is_none(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Mqtt(port=broker.port)
    both = [Link(settings, ["t"], lambda: datetime.now(UTC)) for _ in range(2)]

    def know() -> bool:
        for link in both:
            link.tend()
            link.receive(10)
        return all(link.rival for link in both)

    assert not any(link.rival for link in both)
    until("both know", know)
    monkeypatch.setattr("safetyd.ingest.mqtt.RIVAL_SECONDS", 0.0)
    assert not any(link.rival for link in both)
    for link in both:
        link.close()
