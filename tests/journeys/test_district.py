"""A district's daemon, through a real broker: it hears before it has said all that it has to say."""

import re
from collections.abc import Callable

import pytest

from tests.journeys.servers import Broker, Client, House, until

pytestmark = pytest.mark.journey

YEAR = re.compile(r"-20[0-9]{2}-")
ROOMS = 130  # more tickets than are published at once
SITE = (
    'name = "North District"\ntimezone = "America/Los_Angeles"\n[[buildings]]\nid = "maple"\nrooms = ['
    + ", ".join(f'{{ id = "r{number}" }}' for number in range(ROOMS))
    + "]\n"
)


def test_every_open_ticket_is_said_again_to_a_broker_that_has_forgotten_them(
    house: Callable[..., House], broker: Broker, client: Client
) -> None:
    home = house(broker, SITE).start(client)
    for number in range(ROOMS):
        client.tell(f"safetyd/readings/maple/r{number}", {"temperature_f": 55.0, "humidity": 40})
    topics = {f"safetyd/tickets/maple/maple-2026-{number + 1:04}" for number in range(ROOMS)}

    def said(since: int) -> set[str]:
        return {YEAR.sub("-2026-", topic) for topic, body, _ in client.heard[since:] if body}

    until("every ticket is said", lambda: topics <= said(0))
    assert home.stop() == 0
    before = len(client.heard)
    home.start(client)
    until("every ticket is said again", lambda: topics <= said(before))
