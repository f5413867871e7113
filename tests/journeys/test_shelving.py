"""While a place is shelved the real daemon sends nothing about it, and at the end all that is open there."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from tests.journeys.servers import Broker, Client, House, Sink, Site, until

pytestmark = pytest.mark.journey

SHELVED, LOUD = "safetyd/readings/maple/12", "safetyd/readings/maple/lab"
COLD = {"temperature_f": 55.0, "humidity": 40}
SOON = timedelta(seconds=12)  # long enough for a busy machine to begin a command
Make = Callable[..., House]


def titles(sink: Sink) -> list[str]:
    return [letter.title for letter in sink.of("ada")]


def shelve(home: House, lasts: timedelta) -> datetime:
    """Shelve the room, and return when that is over."""
    end = datetime.now(UTC) + lasts
    why = ("--by", "Ada", "--note", "the valve is swapped")
    done = home.run("shelve", "maple/12", "--until", end.isoformat(), *why)
    assert done.code == 0 and "held back" in done.out, done
    return end


def test_nothing_is_sent_while_it_lasts_and_all_that_is_open_at_its_end(
    broker: Broker, client: Client, sink: Sink, house: Make
) -> None:
    home = house(broker, Site(people={"Ada": [sink.address("ada")]})).start(client)
    shelve(home, timedelta(hours=1))
    until("Ada is told that it begins", lambda: len(sink.of("ada")) == 1)
    assert "messages stop until" in titles(sink)[0] and "the valve is swapped" in sink.of("ada")[0].text

    client.tell(SHELVED, COLD)
    home.has("ticket", 1)
    (id,) = home.rows("SELECT id FROM ticket")[0]
    home.kill()  # it is held back through a kill, too
    home.start(client)
    assert home.run("ticket", id, "acknowledge", "--by", "Ada").code == 0
    client.tell(LOUD, COLD)
    until("Ada is told of the other room", lambda: "Maple School, Room lab: too cold" in titles(sink))
    held = home.rows("SELECT reason FROM notice WHERE shelved IS NOT NULL ORDER BY id")
    assert [reason for (reason,) in held] == ["opened", "acknowledged"]
    assert len(sink.asked) == 2
    assert home.ticket(id)["shelved"]["by"] == "Ada"
    assert "not sent: shelved by Ada" in home.run("ticket", id).out

    end = shelve(home, SOON)
    until("Ada is told that it is over", lambda: len(sink.of("ada")) == 4)
    assert datetime.now(UTC) >= end
    assert "messages stop until" in titles(sink)[-2] and "Before, Ada had it until" in sink.of("ada")[-2].text
    summary = sink.of("ada")[-1]
    assert summary.title == "Maple School, Room 12: messages are sent again"
    assert "Room 12: too cold (opened meanwhile). Relief from the temperature due" in summary.text
    assert id in summary.text
    client.tell(SHELVED, {"temperature_f": 54.0, "humidity": 40})
    assert home.run("ticket", id, "relieve", "--tier", "mitigation", "--by", "Ada").code == 0
    until("Ada is told again", lambda: titles(sink)[-1] == "Maple School, Room 12: relief on record")
    assert not any("Room 12: too cold" in title for title in titles(sink))
    assert home.ticket(id)["shelved"] is None
    assert home.stop() == 0
