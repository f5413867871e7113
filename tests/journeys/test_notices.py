"""Who is owed a word gets it: a dead or slow address holds up no other, and no end of ours swallows one."""

import time
from collections.abc import Callable

import pytest

from tests.journeys.servers import (
    LOOPBACK,
    WITHIN,
    Broker,
    Client,
    House,
    Sink,
    Site,
    free_port,
    until,
)

pytestmark = pytest.mark.journey

TOPIC = "safetyd/readings/maple/12"
COLD = {"temperature_f": 55.0, "humidity": 40}
Make = Callable[..., House]


def test_a_dead_and_a_silent_address_hold_up_no_other(
    broker: Broker, client: Client, sink: Sink, house: Make
) -> None:
    people = {
        "Dee": [f"json://{LOOPBACK}:{free_port()}/dee"],
        "Sol": [sink.address("silent")],
        "Ada": [sink.address("ada")],
        "Bo": ["json://no.such.host.invalid/bo", sink.address("bo")],
    }
    home = house(broker, Site(people=people)).start(client)
    with sink.hold("silent"):
        client.tell(TOPIC, COLD)
        for name in ("ada", "bo"):
            until(f"{name} is told", lambda n=name: sink.of(n))
        (id,) = home.rows("SELECT id FROM ticket")[0]
        assert home.run("ticket", id, "acknowledge", "--by", "Finn").code == 0
        for name in ("ada", "bo"):
            until(f"{name} is told again", lambda n=name: len(sink.of(n)) == 2)
        assert not sink.of("silent")
        began_at = time.monotonic()
        assert home.stop() == 0
        assert time.monotonic() - began_at < 2, "an address that does not answer holds up the end"


def test_what_was_refused_is_sent_again(broker: Broker, client: Client, sink: Sink, house: Make) -> None:
    sink.answer("ada", 500, 0)
    home = house(broker, Site(people={"Ada": [sink.address("ada")]})).start(client)
    client.tell(TOPIC, COLD)
    until("Ada was asked", lambda: sink.asked_of("ada"))
    home.log_says("trying again")
    until("Ada is told", lambda: sink.of("ada"), within=60)
    (letter,) = sink.of("ada")
    assert letter.title == "Maple School, Room 12: too cold"
    assert all(asked == letter for asked in sink.asked_of("ada"))
    until(
        "the record says so",
        lambda: home.rows("SELECT state, attempts FROM delivery") == [("accepted", 3)],
    )


def test_a_notice_that_was_decided_and_not_yet_due_survives_a_kill(
    broker: Broker, client: Client, sink: Sink, house: Make
) -> None:
    home = house(broker, Site(people={"Ada": [sink.address("ada")]})).start(client)
    client.tell(TOPIC, COLD)
    home.has("ticket", 1)
    home.kill()
    assert home.count("notice") == 0 and not sink.asked, (
        "it was to be killed while the notice waits for company"
    )
    home.spawn()
    until("Ada is told", lambda: sink.of("ada"))


def test_a_notice_that_was_under_way_survives_a_kill(
    broker: Broker, client: Client, sink: Sink, house: Make
) -> None:
    home = house(broker, Site(people={"Ada": [sink.address("ada")]})).start(client)
    with sink.hold("ada"):
        client.tell(TOPIC, COLD)
        until("Ada was asked", lambda: sink.asked_of("ada"))
        home.kill()
    accepted = len(sink.of("ada"))
    home.spawn()
    until("Ada is told", lambda: len(sink.of("ada")) > accepted)


@pytest.mark.parametrize("code", [200, 500])
def test_what_became_of_an_attempt_is_not_forgotten_when_the_store_is_held_just_then(
    code: int, broker: Broker, client: Client, sink: Sink, house: Make
) -> None:
    sink.answer("ada", code)
    home = house(broker, Site(people={"Ada": [sink.address("ada")]})).start(client)
    with sink.hold("ada"):
        client.tell(TOPIC, COLD)
        until("Ada was asked", lambda: sink.asked_of("ada"))
        lock = home.locked()
        lock.__enter__()
    home.log_says("nothing is acknowledged")
    lock.__exit__(None, None, None)
    home.log_says("can be written again")
    until(
        "the notice is on record as delivered",
        lambda: home.rows("SELECT 1 FROM delivery WHERE state = 'accepted'"),
        within=WITHIN,
    )
    assert sink.of("ada")


def test_an_address_that_is_gone_from_the_site_file_is_asked_no_more(
    broker: Broker, client: Client, sink: Sink, house: Make
) -> None:
    dead = f"json://{LOOPBACK}:{free_port()}/ada"
    home = house(broker, Site(people={"Ada": [dead]})).start(client)
    client.tell(TOPIC, COLD)
    home.log_says("trying again")
    home.write(Site(people={"Ada": [sink.address("ada")]}))
    assert home.daemon is not None
    home.daemon.send_signal(1)
    until("the delivery is withdrawn", lambda: home.rows("SELECT 1 FROM delivery WHERE state = 'withdrawn'"))


def test_no_address_is_in_the_log_or_the_store(
    broker: Broker, client: Client, sink: Sink, house: Make
) -> None:
    sink.answer("token-of-ada", 500)
    people = {"Ada": [sink.address("token-of-ada")], "Bo": ["json://bo:s3cret-word@127.0.0.1:9/hook-of-bo"]}
    home = house(broker, Site(people=people), mqtt='[log]\nlevel = "debug"').start(client)
    client.tell(TOPIC, COLD)
    until("Ada is told", lambda: sink.of("token-of-ada"))
    assert home.stop() == 0
    files = [home.log_file, *home.store.parent.iterdir()]
    for secret in (b"token-of-ada", b"s3cret-word", b"hook-of-bo"):
        assert [file.name for file in files if secret in file.read_bytes()] == [], secret
