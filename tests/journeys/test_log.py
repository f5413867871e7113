"""What the log of a real daemon says, whatever fails: which and where, but no secret and nobody's name."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.journeys.served import Served
from tests.journeys.servers import (
    HANG_UP,
    LOOPBACK,
    Broker,
    Client,
    House,
    Sink,
    Site,
    free_port,
    until,
)

pytestmark = pytest.mark.journey

Make = Callable[..., House]
TOLD, REPORTER, ACTOR = "Ximena Planted-Told", "Quentin Planted-Reporter", "Ottoline Planted-Actor"
SECRETS = {
    "mqtt": "planted-mqtt-passw0rd",
    "influx": "planted-influx-t0ken",
    "heartbeat": "planted-heartbeat-key",
    "hook": "planted-hook-path-0001",
    "address": "planted-address-key-01",
    "mailbox": "planted.mailbox@example.org",
    "payload": "planted words of a payload",
}
TOPIC = "safetyd/readings/maple/12"


def toml(folder: Path, web: int, form: str) -> str:
    """Every section that knows a secret; nobody answers at any of these addresses."""
    gone = free_port()
    for name in ("mqtt", "influx"):
        (folder / f"{name}.secret").write_text(SECRETS[name])
    (folder / "hook.secret").write_text("whsec_" + "cGxhbnRlZC1ob29rLXNlY3JldC0wMDAx")
    return "\n".join(
        [
            f'username = "gateway"\npassword_file = "{folder}/mqtt.secret"',
            f'[web]\nlisten = "{LOOPBACK}:{web}"',
            f'[log]\nformat = "{form}"\nlevel = "debug"',
            f'[influx]\nurl = "http://{LOOPBACK}:{gone}"\nbucket = "b"',
            f'token_file = "{folder}/influx.secret"',
            f'[heartbeat]\nurl = "http://{LOOPBACK}:{gone}/{SECRETS["heartbeat"]}"\nevery = "1s"',
            f'[last_resort]\nurl = "http://{LOOPBACK}:{gone}/{SECRETS["hook"]}"\nafter = "1s"',
            f'[[webhook]]\nurl = "http://{LOOPBACK}:{gone}/{SECRETS["hook"]}"\n'
            f'secret_file = "{folder}/hook.secret"',
        ]
    )


def spoken(home: House, form: str) -> list[dict[str, Any]]:
    """Return the lines of the log; one that is not as it was asked for fails here."""
    lines = home.log.splitlines()
    if form == "json":
        return [json.loads(line) for line in lines]
    said = [re.match(r"at=\S+ level=(\w+) logger=(\S+) event=", line) for line in lines]
    assert all(said), lines
    return [{"level": each[1], "logger": each[2]} for each in said if each]


@pytest.mark.parametrize("form", ["logfmt", "json"])
def test_whatever_fails_no_secret_and_no_name_is_in_the_log(
    broker: Broker, house: Make, sink: Sink, tmp_path: Path, form: str
) -> None:
    port = free_port()
    broker.stop()
    broker.admit_only("gateway", SECRETS["mqtt"])
    broker.admit_only("other", "0ther")
    broker.start()
    address = f"{sink.address('told')}?key={SECRETS['address']}"
    sink.answer("told", *[500] * 20)
    mail = f"mailto://robin:{SECRETS['hook']}@{LOOPBACK}:{free_port()}?to={SECRETS['mailbox']}"
    site = Site(people={TOLD: [address, mail]})
    home = house(broker, site, mqtt=toml(tmp_path, port, form))
    client = Client(broker, "safetyd/#", name="other", password="0ther")
    try:
        home.start(client)
        school = Served(home, port).is_answering()
        client.tell(TOPIC, {"temperature_f": 55, "humidity": 40}, SECRETS["payload"].encode())
        client.tell(TOPIC, *[b'{"temperature_f": "%s"}' % SECRETS["payload"].encode()] * 200)
        home.has("ticket", 1)
        (ticket,) = home.tickets()
        home.run("ticket", ticket["id"], "note", "--by", ACTOR, "--note", SECRETS["payload"])
        home.run("ticket", ticket["id"], "reopen", "--by", ACTOR)  # refused: it is open
        token = school.token(REPORTER, "educator")
        school.ask("/api/v1/reports", token, {"building": "maple", "room": "12", "hazard": "mold"})
        school.ask(f"/api/v1/tickets/{REPORTER.replace(' ', '%20')}", token)
        home.write(site.text() + f'\n[[people]]\nname = "{TOLD}"\nroles = ["nobody"]\n')
        home.daemon.send_signal(HANG_UP)  # type: ignore[union-attr]
        home.log_says("was not taken")
        home.log_says("a notice was not accepted")
        home.log_says("influx: nothing is taken")
        home.log_says("the heartbeat was not heard")
        home.log_says("the last resort was not told")
        home.log_says("web hook")
        broker.stop()
        home.log_says("lost")
        broker.admit_only("gateway", "an0ther")
        broker.start()
        home.log_says("refuses us")
        assert home.stop() == 0
    finally:
        client.close()
    said = home.log
    planted = {*SECRETS.values(), *(part for name in (TOLD, REPORTER, ACTOR) for part in name.split()), token}
    assert [each for each in planted if each in said] == []
    assert len(spoken(home, form)) > 10
    about = [line for line in said.splitlines() if TOPIC in line]
    assert len(about) == 1, "two hundred payloads that cannot be read are one line a minute"


def test_who_holds_a_link_is_the_one_thing_that_the_log_gives_away_and_only_until_somebody_may_log_in(
    broker: Broker, client: Client, house: Make
) -> None:
    port = free_port()
    home = house(broker, mqtt=f'[web]\nlisten = "{LOOPBACK}:{port}"').start(client)
    home.log_says("/first?key=")
    Served(home, port).is_answering().token("Robin Vale", "administrator")
    assert home.stop() == 0
    home.start(client)
    until("it answers", Served(home, port).is_answering)
    assert "key=" not in home.log
