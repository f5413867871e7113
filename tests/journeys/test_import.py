"""A logger's file is imported while the real daemon runs: it goes on watching, and history has it."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from tests.journeys.servers import Broker, Client, House, until

pytestmark = pytest.mark.journey

ROOM = "safetyd/readings/maple/12"
Make = Callable[..., House]


def test_a_running_daemon_takes_it_whole_and_watches_on(broker: Broker, client: Client, house: Make) -> None:
    home = house(broker).start(client)
    client.tell(ROOM, {"temperature_f": 68.0, "humidity": 40})
    home.has("reading", 2)
    begin = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(days=60)
    times = (begin + number * timedelta(minutes=5) for number in range(2_000))
    rows = "".join(f"{at:%Y-%m-%d %H:%M}Z,{55 if n % 400 < 9 else 68},40\n" for n, at in enumerate(times))
    (home.folder / "old.csv").write_text("time,temp (F),rh\n" + rows, encoding="utf-8")
    argv = ("import", str(home.folder / "old.csv"), "--place", "maple/12", "--by", "Ada", "--yes", "--json")

    done = home.run(*argv)
    assert done.code == 0, done
    told = json.loads(done.out)
    assert (told["values"], len(told["places"][0]["breaches"])) == (4_000, 5)
    home.has("reading", 4_002)
    assert home.rows("SELECT count(*) FROM ticket") == home.rows("SELECT count(*) FROM trouble") == [(0,)]
    assert json.loads(home.run(*argv).out)["values"] == 0
    home.has("reading", 4_002)

    home.kill()
    home.start(client)
    client.tell(ROOM, {"temperature_f": 69.0, "humidity": 40})
    home.has("reading", 4_004)
    assert home.rows("SELECT count(*) FROM ticket") == [(0,)]
    assert home.run(*argv, "--tickets").code == 0
    (id,) = until("the ticket is there", lambda: home.rows("SELECT id FROM ticket"))[0]
    assert len(home.ticket(id)["episodes"]) == 5
    assert home.stop() == 0
