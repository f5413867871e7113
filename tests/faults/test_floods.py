"""Too much of anything is stored or counted, and harms nobody else."""

import threading
import time
from collections.abc import Callable, Iterable
from contextlib import closing

import pytest

from tests.journeys.servers import Broker, Client, House, Sink, Site, ago, until

pytestmark = pytest.mark.journey

Make = Callable[..., House]
Figure = Callable[[str], None]
Often = Callable[[int, int], int]
TOPIC = "safetyd/readings/maple/12"
COLD = {"temperature_f": 55.0}
A_PIECE = 2000


def memory_mb(home: House, what: str = "VmRSS") -> float:
    """Return the daemon's memory now, or at its most with `VmHWM`, in MB of 1,000,000 bytes."""
    assert home.daemon is not None
    with open(f"/proc/{home.daemon.pid}/status", encoding="ascii") as status:
        (found,) = [line.split()[1] for line in status if line.startswith(f"{what}:")]
    return int(found) * 1024 / 1e6


def pour(client: Client, messages: Iterable[tuple[str, object]]) -> None:
    """Say many things, some at a time, so that the test's own memory is not what is measured."""
    said = []
    for topic, payload in messages:
        said.append(client.say(topic, payload))
        if len(said) >= A_PIECE:
            client.delivered(said)
            said = []
    client.delivered(said)


def is_told_of_the_cold_lab(home: House, client: Client, sink: Sink) -> float:
    """Let another room be cold, and return after how many seconds its people know."""
    began = time.monotonic()
    client.tell("safetyd/readings/maple/lab", COLD)
    until("the cold is a ticket", lambda: home.count("ticket"), within=300)  # it waits behind the flood
    until("its people know", lambda: any("lab" in letter.title for letter in sink.of("ada")), within=120)
    return time.monotonic() - began


@pytest.mark.timeout(600)
def test_a_backlog(broker: Broker, client: Client, house: Make, figure: Figure, often: Often) -> None:
    """What waited at the broker while nobody was there is stored once, in bounded memory."""
    count = often(10_000, 100_000)
    rooms = [str(number) for number in range(20)]
    home = house(broker, Site(rooms=rooms)).start(client)
    client.tell("safetyd/readings/maple/0", {"temperature_f": 70, "ts": time.time()})  # told twice, it is one
    home.has("reading", 1)
    before_mb = memory_mb(home)
    home.kill()
    first_at = ago(hours=20).timestamp()
    pour(
        client,
        (
            (
                f"safetyd/readings/maple/{rooms[n % 20]}",
                {"temperature_f": 70 + n % 7 / 10, "ts": first_at + n // 20},
            )
            for n in range(count)
        ),
    )
    began = time.monotonic()
    home.start(client)
    until("all of it is stored", lambda: home.count("reading") >= count + 1, within=500)
    took_s = time.monotonic() - began
    assert home.rows("SELECT count(*) FROM (SELECT DISTINCT sensor, observed_at FROM reading)") == [
        (count + 1,)
    ]
    most_mb = memory_mb(home, "VmHWM")
    assert most_mb < before_mb + 150
    figure(
        f"{count:,} messages stored once in {took_s:.0f} s with the start;"
        f" memory {before_mb:.0f} to {most_mb:.0f} MB"
    )


@pytest.mark.timeout(600)
@pytest.mark.parametrize("says", ["values", "rubbish"])
def test_a_babbling_sensor(
    says: str, broker: Broker, client: Client, sink: Sink, house: Make, figure: Figure, often: Often
) -> None:
    """A sensor that speaks 5,000 times a second is its own trouble; another room's cold is told even so."""
    seconds = often(5, 60)
    home = house(broker, Site(people={"Ada": [sink.address("ada")]})).start(client)
    first_at = time.time()
    said = 0
    is_over = threading.Event()

    def babble() -> None:
        nonlocal said
        with closing(Client(broker)) as babbler:
            began = time.monotonic()
            while not is_over.is_set():
                ahead_s = said / 5000 - (time.monotonic() - began)
                if ahead_s > 0:
                    is_over.wait(ahead_s)
                piece = [
                    {"temperature_f": 70 + n % 7 / 10, "ts": first_at + n / 5000}
                    if says == "values"
                    else b"\x00rubbish"
                    for n in range(said, said + 500)
                ]
                babbler.tell(TOPIC, *piece)
                said += 500

    babbler = threading.Thread(target=babble)
    began = time.monotonic()
    babbler.start()
    until("it babbles", lambda: said >= 5000)
    told_s = is_told_of_the_cold_lab(home, client, sink)
    is_over.wait(max(0.0, seconds - (time.monotonic() - began)))
    is_over.set()
    babbler.join()
    rate = said / (time.monotonic() - began)
    if says == "values":
        until("all is stored", lambda: home.count("reading") >= said + 1, within=300)
        assert home.rows("SELECT count(*) FROM reading") == [(said + 1,)]
        assert home.rows("SELECT DISTINCT kind, room FROM trouble WHERE ended_at IS NULL") == [
            ("babbling", "12")
        ]
        kept = "all stored, one trouble `babbling` of that sensor"
    else:
        troubles = home.rows("SELECT DISTINCT kind, room FROM trouble WHERE ended_at IS NULL")
        assert troubles == [("unreadable", "12")]
        assert home.count("refused") <= 100
        kept = f"{home.count('refused')} kept, one trouble `unreadable` of that sensor"
    figure(
        f"{rate:,.0f} messages/s of {says}, {kept};"
        f" the other room told after {told_s:.1f} s (5 s of them on purpose)"
    )


@pytest.mark.timeout(600)
def test_payloads_of_ten_megabytes(
    broker: Broker, client: Client, sink: Sink, house: Make, figure: Figure, often: Often
) -> None:
    """A huge payload is refused with its reason and 4 kB of it kept; memory is bounded, others are heard."""
    count = often(4, 30)
    home = house(broker, Site(people={"Ada": [sink.address("ada")]})).start(client)
    client.tell(TOPIC, {"temperature_f": 70})
    home.has("reading", 1)
    before_mb = memory_mb(home)
    for number in range(count):
        topic = (TOPIC, "safetyd/readings/maple/nowhere")[number % 2]
        client.tell(topic, b'{"temperature_f": 70, "x": "' + b"x" * 10_000_000)
    is_told_of_the_cold_lab(home, client, sink)
    assert home.rows("SELECT count(*), max(length(payload)) FROM refused") == [(-(-count // 2), 4096)]
    assert home.rows("SELECT heard, length(payload) FROM unassigned") == [(count // 2, 4096)]
    most_mb, after_mb = memory_mb(home, "VmHWM"), memory_mb(home)
    assert most_mb < before_mb + 150
    figure(f"{count} of 10 MB: memory {before_mb:.0f} MB, at most {most_mb:.0f}, after it {after_mb:.0f}")


@pytest.mark.timeout(1200)
def test_unknown_topics(
    broker: Broker, client: Client, sink: Sink, house: Make, figure: Figure, often: Often
) -> None:
    """Topics without number that are nobody's cost bounded memory and rows, and no room its watch."""
    count = often(15_000, 100_000)
    home = house(broker, Site(people={"Ada": [sink.address("ada")]})).start(client)
    client.tell(TOPIC, {"temperature_f": 70})
    home.has("reading", 1)
    before_mb, before_s = memory_mb(home), home.cpu_seconds()
    pour(client, ((f"safetyd/readings/maple/x{n}/{n}", {"temperature_f": 70}) for n in range(count)))
    told_s = is_told_of_the_cold_lab(home, client, sink)
    last = "safetyd/readings/maple/x0/0"
    client.tell(last, {"temperature_f": 71})
    until(
        "the last is noted", lambda: home.rows("SELECT 1 FROM unassigned WHERE topic = ? AND heard = 2", last)
    )
    assert home.count("unassigned") <= 10_000
    spent_s, after_mb = home.cpu_seconds() - before_s, memory_mb(home)
    assert after_mb < before_mb + 100
    figure(
        f"{count:,} topics: {home.count('unassigned'):,} kept, memory {before_mb:.0f} to {after_mb:.0f} MB,"
        f" {spent_s:.0f} s of processor time; the other room told after {told_s:.1f} s"
    )
