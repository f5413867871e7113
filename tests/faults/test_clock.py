"""A clock that is put wrong by an hour or a year, either way, loses nothing and tells nobody twice."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from tests.journeys.gateway import Gateway
from tests.journeys.servers import Broker, Client, House, Letter, Sink, Site, until

pytestmark = [pytest.mark.journey, pytest.mark.timeout(600)]  # the machine may be busy

Make = Callable[..., House]
NINE = datetime(2026, 12, 1, 17, tzinfo=UTC)  # in Oregon
FIRST = "maple-2026-0001"
HOUR, YEAR = timedelta(hours=1), timedelta(days=365)


def headlines(letter: Letter) -> list[str]:
    """Return the headline of each notice that a letter names, in full or in its list of the others."""
    if " more)" not in letter.title:
        return [letter.title]
    lines = [line.removeprefix("- ").partition(" [")[0] for line in letter.text.splitlines()]
    return [line for line in lines if line.startswith("Maple School")]


def notices_in(letter: Letter) -> int:
    """Return how many notices a letter says it is."""
    more = re.search(r" \(and (one|\d+) more\)$", letter.title)
    return 1 if more is None else 2 if more[1] == "one" else int(more[1]) + 1


@pytest.mark.parametrize("by", [HOUR, -HOUR, YEAR, -YEAR], ids=["hour", "hour back", "year", "year back"])
def test_a_step_of_the_clock(
    by: timedelta, broker: Broker, client: Client, house: Make, sink: Sink, figure: Callable[[str], None]
) -> None:
    """Every reading before, at and after a step is stored once; the step is on record with both times."""
    home = house(broker, Site(people={"Robin Vale": [sink.address("robin")]}))
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
    owed = "SELECT 1 FROM delivery WHERE state = 'waiting'"
    until("all that is owed was told", lambda: gateway.passes(seconds=1) or not home.rows(owed))
    letters, told = sink.asked_of("robin"), "SELECT count(*) FROM delivery WHERE state = 'accepted'"
    assert any(FIRST in letter.text for letter in letters)
    assert any("wrong clock" in letter.title + letter.text for letter in letters)
    heads = [head for letter in letters for head in headlines(letter)]
    assert len(heads) == len(set(heads)), "somebody was told twice"
    assert home.rows(told) == [(sum(map(notices_in, letters)),)], "each notice arrived in one letter"
    figure(
        f"29 of 29 readings stored once, one ticket, {sum(map(notices_in, letters))} notices in "
        f"{len(letters)} letters, none twice; on record: {note!r}"
    )
    assert home.stop() == 0
