"""A disk that cannot be written, or only slowly, costs time and no reading."""

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.faults.disk import Disk
from tests.journeys.servers import Broker, Client, House, ago

pytestmark = [pytest.mark.journey, pytest.mark.timeout(600)]  # the machine may be busy

Make = Callable[..., House]
Figure = Callable[[str], None]
TOPIC = "safetyd/readings/maple/12"
COLD = {"temperature_f": 55.0}


def say(client: Client, count: int, first_at: int) -> None:
    """Say so many readings, each of a second of its own."""
    client.tell(TOPIC, *({"temperature_f": 70 + n % 7 / 10, "ts": first_at + n} for n in range(count)))


def stored_once(home: House) -> int:
    ((rows, distinct),) = home.rows(
        "SELECT count(*), count(DISTINCT observed_at) FROM reading JOIN sensor ON sensor.id = sensor"
        " WHERE room = '12'"
    )
    assert rows == distinct
    return int(rows)


@pytest.mark.parametrize("mode", ["full", "readonly"])
@pytest.mark.parametrize("ends", ["it goes on", "it is killed meanwhile"])
def test_a_disk_that_cannot_be_written(
    mode: str, ends: str, broker: Broker, client: Client, house: Make, disk: Callable[[House], Disk],
    figure: Figure,
) -> None:  # fmt: skip
    """Nothing is acknowledged that is not on disk, the trouble is said, and it goes on once mended."""
    home = house(broker)
    below = disk(home)
    home.start(client)
    first_at = int(ago(hours=3).timestamp())
    say(client, 500, first_at)
    home.has("reading", 500)
    below.is_now(mode)
    say(client, 3000, first_at + 500)
    client.tell("safetyd/readings/maple/lab", COLD)
    home.log_says("nothing is acknowledged")
    assert home.count("reading") == 500
    if ends == "it goes on":
        below.is_now("")
        home.log_says("can be written again")
    else:
        home.kill()
        below.is_now("")
        home.start(client)
    home.has("reading", 3501)
    home.has("ticket", 1)
    figure(f"{stored_once(home):,} of 3,500 readings stored once, the trouble said")


def test_a_disk_that_takes_a_second_to_sync(
    broker: Broker, client: Client, house: Make, disk: Callable[[House], Disk], figure: Figure
) -> None:
    """A disk of one sync a second delays decisions by seconds, and loses nothing, killed or not."""
    home = house(broker)
    below = disk(home)
    home.start(client)
    below.is_now("slow 1")
    first_at = int(ago(hours=3).timestamp())
    say(client, 2000, first_at)
    client.tell("safetyd/readings/maple/lab", COLD)
    home.has("ticket", 1)
    home.has("reading", 2001)
    say(client, 2000, first_at + 2000)
    home.kill()
    home.start(client)
    home.has("reading", 4001)
    figure(f"{stored_once(home):,} of 4,000 readings stored once, the ticket opened")


@contextmanager
def small_file_system(at: Path, size: str) -> Iterator[None]:
    """Mount a file system of its own at a folder; only root may."""
    assert os.geteuid() == 0, "a file system can be mounted by root only: run this as root"
    at.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(at)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(at)], check=True)


@pytest.mark.soak
def test_a_file_system_that_is_full(broker: Broker, client: Client, house: Make, figure: Figure) -> None:
    """On a real file system without room nothing is lost, and it goes on once there is room."""
    home = house(broker)
    with small_file_system(home.store.parent, "4m"):
        home.start(client)
        first_at = int(ago(hours=20).timestamp())
        say(client, 500, first_at)
        home.has("reading", 500)
        ballast = home.store.parent / "ballast"
        with ballast.open("wb", buffering=0) as file, pytest.raises(OSError):
            while True:
                file.write(bytes(4096))
        say(client, 20_000, first_at + 500)
        home.log_says("nothing is acknowledged")
        ballast.unlink()
        home.log_says("can be written again")
        home.has("reading", 20_500)
        figure(f"{stored_once(home):,} of 20,500 readings stored once")
        home.close()
