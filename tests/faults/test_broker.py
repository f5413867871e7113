"""A broker that is killed, emptied or cut off takes with it at most what only it had."""

import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.journeys.gateway import Gateway
from tests.journeys.servers import Broker, Client, House, ago, until

pytestmark = [pytest.mark.journey, pytest.mark.timeout(600)]  # the machine may be busy

Make = Callable[..., House]
Figure = Callable[[str], None]
Often = Callable[[int, int], int]
TOPIC = "safetyd/readings/maple/12"
STATUS = "safetyd/status/#"


def say(broker: Broker, home: House, count: int, first_at: int) -> None:
    """Say readings to a broker that has just started, and wait until they are stored."""
    with closing(Client(broker, STATUS)) as client:
        until(
            "the daemon is there again",
            lambda: client.last("safetyd/status/safetyd") == b'{"state":"online"}',
        )
        before = home.count("reading")
        client.tell(TOPIC, *({"temperature_f": 70 + n % 7 / 10, "ts": first_at + n} for n in range(count)))
        home.has("reading", before + count)


@pytest.mark.timeout(1800)
def test_a_broker_that_is_killed_again_and_again(
    broker: Broker, house: Make, figure: Figure, often: Often
) -> None:
    """kill -9 of the broker: what was acknowledged stays, and everything is heard again without a hand."""
    kills = often(3, 50)
    first_at = int(ago(days=3).timestamp())
    with closing(Client(broker, STATUS)) as client:
        home = house(broker).start(client)
    for number in range(kills):
        say(broker, home, 500, first_at + 500 * number)
        broker.send_signal(signal.SIGKILL)
        broker.stop()
        home.log_says("lost")
        broker.start()
    say(broker, home, 500, first_at + 500 * kills)
    everything = 500 * (kills + 1)
    assert home.rows("SELECT count(*), count(DISTINCT observed_at) FROM reading") == [
        (everything, everything)
    ]
    figure(f"{kills} kills of the broker: {everything:,} readings, none lost, none twice")


def test_a_broker_that_loses_all_that_it_kept(broker: Broker, house: Make, figure: Figure) -> None:
    """A broker emptied while we were away: what we have stays, and a trouble says what may be missing."""
    first_at = int(ago(hours=3).timestamp())
    with closing(Client(broker, STATUS)) as client:
        home = house(broker).start(client)
    say(broker, home, 500, first_at)
    assert home.stop() == 0
    with closing(Client(broker, STATUS)) as client:
        client.tell(TOPIC, *({"temperature_f": 70, "ts": first_at + 500 + n} for n in range(200)))
    broker.stop()
    for kept in broker.folder.glob("*.db"):
        kept.unlink()
    broker.start()
    home.spawn()
    say(broker, home, 500, first_at + 1000)
    assert home.count("reading") == 1000
    gaps = "SELECT note FROM trouble WHERE kind = 'gap' AND ended_at IS NOT NULL AND note LIKE '%broker%'"
    ((note,),) = until("the trouble is on record", lambda: home.rows(gaps))
    figure(f"1,000 readings stay; of the 200 that only the broker had is said: {note!r}")


# The network


@contextmanager
def network(name: str) -> Iterator[Callable[[str], None]]:
    """Yield what puts the cable of a network of its own `up` or `down`; 10.213.77.1 is our end of it."""
    assert os.geteuid() == 0, "a network of its own can be made by root only: run this as root"
    assert shutil.which("ip"), "ip is not on this machine; it comes with: apt-get install iproute2"

    def ip(*words: str) -> None:
        subprocess.run(["ip", *words], check=True, capture_output=True)

    ip("netns", "add", name)
    try:
        ip("link", "add", f"{name}0", "type", "veth", "peer", "name", f"{name}1", "netns", name)
        ip("addr", "add", "10.213.77.1/30", "dev", f"{name}0")
        ip("link", "set", f"{name}0", "up")
        ip("-n", name, "addr", "add", "10.213.77.2/30", "dev", f"{name}1")
        ip("-n", name, "link", "set", f"{name}1", "up")
        ip("-n", name, "link", "set", "lo", "up")
        yield lambda state: ip("link", "set", f"{name}0", state)
    finally:
        ip("netns", "del", name)


@pytest.mark.soak
def test_a_network_that_is_cut_for_a_day(tmp_path: Path, house: Make, figure: Figure) -> None:
    """A day without network: what was said meanwhile waits at the broker, is stored once and judged."""
    folder = tmp_path / "broker"
    folder.mkdir()
    broker = Broker(folder)
    with network(f"sfd{os.getpid() % 10_000}") as cable:
        broker.more = (f"listener {broker.port} 10.213.77.1", "allow_anonymous true")
        broker.start()
        try:
            with closing(Client(broker, STATUS)) as client:
                home = house(broker, mqtt='keepalive = "5s"')
                text = home.config.read_text(encoding="utf-8").replace("127.0.0.1", "10.213.77.1", 1)
                home.config.write_text(text, encoding="utf-8")
                gateway = Gateway(home, datetime.now(UTC).replace(microsecond=0))
                home.command = ["ip", "netns", "exec", f"sfd{os.getpid() % 10_000}", *home.command]
                home.start(client)
                began_at = gateway.wall
                client.tell(TOPIC, {"temperature_f": 70, "ts": began_at.timestamp()})
                home.has("reading", 1)
                cable("down")
                home.log_says("lost", within=60)
                minutes = 24 * 60
                for minute in range(1, minutes + 1):
                    at = began_at + timedelta(minutes=minute)
                    cold = 600 <= minute < 700
                    client.say(TOPIC, {"temperature_f": 55 if cold else 70, "ts": at.timestamp()})
                gateway.passes(days=1)
                assert home.count("reading") == 1
                cable("up")
                home.has("reading", minutes + 1)
                (ticket,) = until("the cold is known", home.tickets)
                assert ticket["began_at"] == f"{began_at + timedelta(minutes=600):%Y-%m-%dT%H:%M:%SZ}"
                figure(
                    f"{home.count('reading'):,} of {minutes + 1:,} readings stored, that day's cold ticketed"
                )
                home.close()
        finally:
            broker.stop()
