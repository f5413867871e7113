"""A sensor that no file names is given a room while the daemon runs, by a command and over HTTP."""

from collections.abc import Callable

import pytest

from tests.journeys.servers import HANG_UP, LOOPBACK, Broker, Client, House, Site, free_port, until
from tests.journeys.test_web import Served

pytestmark = pytest.mark.journey

TOPIC = "zigbee2mqtt/North window"
COLD = {"temperature": 12.9, "humidity": 41}
HEARD = 'also = ["zigbee2mqtt/+"]'
BY = ("--by", "Ann Ruiz", "--role", "facilities")
Make = Callable[..., House]


def test_a_new_sensor_is_heard_assigned_with_its_past_and_stays_so(
    broker: Broker, client: Client, house: Make
) -> None:
    home = house(broker, Site(), HEARD).start(client)
    client.tell(TOPIC, COLD)
    home.has("stray", 1)
    shown = home.run("sensors", "--unassigned")
    assert TOPIC in shown.out and "safetyd assign TOPIC BUILDING ROOM" in shown.out

    wrong = home.run("assign", TOPIC, "maple", "120", *BY)
    assert wrong.code == 1 and wrong.err.count("\n") == 1 and "no room here has the id '120'" in wrong.err
    assert home.run("assign", TOPIC, "maple", "12", "--by", "Ed", "--role", "educator").code == 1
    done = home.run("assign", TOPIC, "maple", "12", "--from", "first", *BY, "--note", "behind the curtain")
    assert done.code == 0, done.err
    assert "1 message was judged as learned now." in done.out
    home.has("ticket", 1)
    (ticket,) = home.tickets()
    assert (ticket["room"], ticket["condition"]) == ("12", "cold")
    assert ticket["began_at"] < ticket["opened_at"]

    home.kill()
    home.start(client)
    client.tell(TOPIC, COLD)
    home.has("reading", 4)
    home.write(Site(rooms=("12", "lab", "gym")))
    assert home.daemon is not None
    home.daemon.send_signal(HANG_UP)
    home.log_says("the site file was taken anew")
    client.tell(TOPIC, COLD)
    home.has("reading", 6)
    (sensor,) = home.asked("sensors")["sensors"]
    assert sensor["assigned"]["by"] == "Ann Ruiz" and sensor["assigned"]["note"] == "behind the curtain"
    assert "by Ann Ruiz (facilities)" in home.run("sensors").out
    assert f"{TOPIC} is of maple/12, assigned by Ann Ruiz (facilities)" in home.run("check").out

    home.write(Site(rooms=("lab",)))
    home.daemon.send_signal(HANG_UP)
    home.has("trouble", 1)
    assert "rests: room: no room here has the id '12'" in home.run("check").out

    home.write(Site())
    home.daemon.send_signal(HANG_UP)
    until("it holds again", lambda: home.rows("SELECT 1 FROM trouble WHERE ended_at IS NOT NULL"))
    assert home.run("unassign", TOPIC, *BY).code == 0
    client.tell(TOPIC, COLD)
    home.has("stray", 2)
    assert home.count("reading") == 6 and home.asked("sensors", "--unassigned")["unassigned"] == [TOPIC]
    assert home.stop() == 0


def test_who_has_the_role_assigns_over_http(broker: Broker, client: Client, house: Make) -> None:
    port = free_port()
    home = house(broker, Site(), f'{HEARD}\n[web]\nlisten = "{LOOPBACK}:{port}"').start(client)
    served = Served(home, port).is_answering()
    keeper, watcher = served.token("Ann Ruiz", "facilities"), served.token("Sam Oba", "safety_committee")
    client.tell(TOPIC, COLD)
    home.has("stray", 1)
    path, asked = "/api/v1/assignments", {"topic": TOPIC, "building": "maple", "room": "12", "from": "first"}
    refused = served.ask(path, watcher, asked)
    assert refused.status == 403 and "safety_committee" in refused.json["detail"]

    wrong = served.ask(path, keeper, asked | {"room": "21"})
    assert (wrong.status, wrong.json["parameter"]) == (400, "room")
    soon = served.ask(path, keeper, asked | {"from": "2190-01-01"})
    assert soon.status == 409 and "is yet to come" in soon.json["detail"]

    done = served.ask(path, keeper, asked)
    assert (done.status, done.json["judged"], done.json["assignment"]["by"]) == (201, 1, "Ann Ruiz")
    seen = served.ask("/api/v1/sensors", keeper).json
    assert seen["unassigned"] == [] and seen["sensors"][0]["assigned"]["role"] == "facilities"
    assert [each["room"] for each in served.ask("/api/v1/tickets", keeper).json["tickets"]] == ["12"]
    again = served.ask(path, keeper, asked)
    assert again.status == 409 and "bound to maple/12 already" in again.json["detail"]

    over = served.ask(f"{path}/end", keeper, {"topic": TOPIC})
    assert over.status == 201 and over.json["assignment"]["until"] is not None
    nobodys = served.ask(f"{path}/end", keeper, {"topic": TOPIC})
    assert nobodys.status == 409 and "is assigned to no room" in nobodys.json["detail"]
