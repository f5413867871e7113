"""A clock that is put wrong by an hour or a year, either way, loses nothing and tells nobody twice."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from tests.journeys.gateway import Gateway
from tests.journeys.servers import Broker, Client, House, until

pytestmark = [pytest.mark.journey, pytest.mark.timeout(600)]  # the machine may be busy

Make = Callable[..., House]
NINE = datetime(2026, 12, 1, 17, tzinfo=UTC)  # in Oregon
HOUR, YEAR = timedelta(hours=1), timedelta(days=365)


@pytest.mark.parametrize("by", [HOUR, -HOUR, YEAR, -YEAR], ids=["hour", "hour back", "year", "year back"])
def test_a_step_of_the_clock(
    by: timedelta, broker: Broker, client: Client, house: Make, figure: Callable[[str], None]
) -> None:
    """Every reading before, at and after a step is stored once; the step is on record with both times."""
    home = house(broker)
    gateway = Gateway(home, NINE)
    home.start(client)
    client.tell("safetyd/readings/maple/12", {"temperature_f": 55})
    home.has("ticket", 1)
    gateway.is_put(NINE + by)
    home.log_says("the clock: it was put")
    for number in range(2, 30):
        gateway.passes(seconds=30)
        client.tell("safetyd/readings/maple/12", {"temperature_f": 55})
        home.has("reading", number)
    notes = "SELECT note FROM trouble WHERE kind = 'clock' AND sensor = 'maple/gateway'"
    ((note, *_), *_) = until("the step is on record", lambda: home.rows(notes))
    assert f"from {NINE:%Y-%m-%d %H:%M:%S} UTC to {NINE + by:%Y-%m-%d %H:%M:%S} UTC" in note
    assert home.rows("SELECT count(*), count(DISTINCT observed_at) FROM reading") == [(29, 29)]
    assert home.rows("SELECT count(*) FROM ticket WHERE condition = 'cold'") == [(1,)]
    assert home.rows("SELECT 1 FROM notice GROUP BY key HAVING count(*) > 1") == []
    figure(f"29 of 29 readings stored once, one ticket; on record: {note!r}")
    assert home.stop() == 0
