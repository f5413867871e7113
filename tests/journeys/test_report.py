"""A report from a telephone on the building's network, through the daemon that runs, to the ticket."""

import json
import re
from collections.abc import Callable
from urllib.parse import urlencode

import pytest

from tests.journeys.servers import LOOPBACK, Broker, Client, House, Site, free_port
from tests.journeys.test_web import Served

pytestmark = pytest.mark.journey

CEDAR = 'id = "cedar"\nname = "Cedar"\nrooms = [{ id = "1", name = "One" }]\nreports_from = ["127.0.0.0/8"]'


def test_a_report_without_a_login_opens_a_ticket_whose_author_only_some_see(
    house: Callable[..., House], broker: Broker, client: Client
) -> None:
    port = free_port()
    home = house(broker, Site(more=f"[[buildings]]\n{CEDAR}"), f'[web]\nlisten = "{LOOPBACK}:{port}"')
    home.start(client)
    served = Served(home, port).is_answering()
    assert served.ask("/report?building=maple").headers["location"].startswith("/login")
    form = dict(re.findall(r'name="(\w+)" value="([^"]*)"', served.ask("/report?building=cedar&room=1").text))
    said = {"once": form["once"], "building": "cedar", "room": "1", "name": "Jo Park", "unit": "F"}
    said |= {"what": "cold", "temperature": "57.5", "humidity": "40", "written": "yes", "note": "coats on"}
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    answers = [served.ask("/report", said=urlencode(said).encode(), **kind) for _ in range(2)]
    assert [each.status for each in answers] == [303, 303]
    assert "It has opened a ticket" in served.ask(answers[0].headers["location"]).text
    (ticket,) = served.ask("/api/v1/tickets", served.token("Ann Lee", "administrator")).json["tickets"]
    (notice,) = [row for row in ticket["history"] if row["event"] == "notice"]
    assert (notice["by"], notice["role"]) == ("Jo Park (not logged in)", "educator")
    seen = served.ask("/api/v1/tickets", served.token("Fay Custer", "facilities")).json["tickets"]
    assert json.loads(json.dumps(ticket).replace("Jo Park", "an educator")) == seen[0]
