"""What nobody may read stands nowhere: not in a process list, log, store, page, metric, error or packet."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple
from zipfile import ZipFile

import pytest

from tests.journeys.served import Served
from tests.journeys.servers import LOOPBACK, Broker, Client, House, Site, free_port, until

pytestmark = pytest.mark.journey

PASSWORD = "nine grey herons"  # of everybody whom `Served.token` lets in
HOOK = "whsec_aGVyb25zIHN0YW5kIGluIHRoZSByaXZlciBhdCBkYXdu"
PROCESSES = Path("/proc")
FAULTY = 2  # the exit code of check
REPORTER = "Odalys Brackenfield"


class Planted(NamedTuple):
    """A house whose every door to the outside has a secret, and leads nowhere."""

    served: Served
    secrets: dict[str, str]


@pytest.fixture
def planted(house: Callable[..., House], broker: Broker) -> Iterator[Planted]:
    secrets = {
        "mqtt": "quartz-lantern-81",
        "influx": "saffron-bellows-82",
        "heartbeat": "marigold-anvil-83",
        "hook's address": "cobalt-thimble-84",
        "hook": HOOK,
        "person": "vermilion-oar-85",
        "mail": "ochre-spindle-86",
    }
    broker.admit_only("safetyd", secrets["mqtt"])
    broker.admit_only("lookout", "-")
    broker.stop()
    broker.start()
    nowhere, port = free_port(), free_port()
    site = Site(people={"Ann Lee": [f"json://ann:{secrets['person']}@{LOOPBACK}:{nowhere}/"]})
    settings = f"""username = "safetyd"
password_file = "mqtt"
[web]
listen = "{LOOPBACK}:{port}"
[influx]
url = "http://{LOOPBACK}:{nowhere}"
bucket = "rooms"
token_file = "influx"
[heartbeat]
url = "http://{LOOPBACK}:{nowhere}/{secrets["heartbeat"]}"
[last_resort]
smtp_host = "{LOOPBACK}"
smtp_port = {nowhere}
smtp_from = "safetyd@maple.example"
smtp_to = "duty@maple.example"
smtp_username = "safetyd"
smtp_password_file = "mail"
[[webhook]]
url = "http://{LOOPBACK}:{nowhere}/{secrets["hook's address"]}"
secret_file = "hook"
"""
    made = house(broker, site, settings)
    for name in ("mqtt", "influx", "hook", "mail"):
        (made.folder / name).write_text(secrets[name] + "\n", encoding="utf-8")
    lookout = Client(broker, "safetyd/status/#", name="lookout", password="-")
    made.start(lookout)
    served = Served(made, port).is_answering()
    secrets["token"] = served.token("Ann Lee", "administrator")
    secrets["password"] = PASSWORD
    yield Planted(served, secrets)
    lookout.close()


def test_a_secret_that_was_planted_is_found_nowhere(planted: Planted, tmp_path: Path) -> None:
    served, secrets = planted
    house, token = served.house, secrets["token"]
    reporter = served.token(REPORTER, "educator", "--building", "maple")
    report = {"building": "maple", "room": "12", "hazard": "leaks", "note": "the ceiling"}
    ticket = str(served.ask("/api/v1/reports", reporter, report).json["ticket"])
    until("a hook and a person were tried in vain", lambda: len(house.rows("SELECT 1 FROM attempt")) > 1)
    house.log_says("influx")

    found: dict[str, bytes] = {
        each.parent.name: each.read_bytes() for each in PROCESSES.glob("[0-9]*/cmdline")
    }
    for path in ("/metrics", "/healthz", "/api/v1/troubles", f"/api/v1/tickets/{ticket}"):
        found[path] = served.ask(path, token).text.encode()
    for command in (
        ["check"],
        ["tickets"],
        ["sensors"],
        ["ticket", ticket, "show"],
        ["explain", ticket],
        ["report", "everything", "-o", str(tmp_path / "everything.zip")],
        ["evidence", ticket, "-o", str(tmp_path / "packet.zip")],
        ["backup", str(tmp_path / "backup")],
    ):
        said = house.run(*command)
        assert said.code == 0, said.err
        found[" ".join(command[:2])] = (said.out + said.err).encode()
    faulty = f"[audit]\nhead_url = 'ftp://ann:{secrets['person']}@{LOOPBACK}/'\n"
    house.config.write_text(house.config.read_text("utf-8") + faulty, encoding="utf-8")
    said = house.run("check")
    assert said.code == FAULTY
    found["a fault"] = (said.out + said.err).encode()
    house.stop()
    found["log"] = house.log_file.read_bytes()
    for written in (*house.store.parent.iterdir(), *tmp_path.glob("*.zip"), tmp_path / "backup"):
        found[written.name] = written.read_bytes()
    for archive in tmp_path.glob("*.zip"):
        with ZipFile(archive) as parts:
            found |= {f"{archive.name}: {name}": parts.read(name) for name in parts.namelist()}

    assert [
        (where, what)
        for where, content in found.items()
        for what, secret in secrets.items()
        if secret.encode() in content
    ] == []
    named = [where for where, content in found.items() if REPORTER.encode() in content]
    assert "backup" in named, "it is on record"
    assert [where for where in named if where in ("log", "/metrics") or where.startswith("packet.zip")] == []
