"""What nobody may read stands nowhere: not in a process list, log, store, page, metric, error or packet, nor
in what is published, wherever the secret came from: a file, a variable, an address."""

import re
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote, quote_plus, urlsplit
from zipfile import ZipFile

import pytest

from tests.journeys.served import Answer, Served
from tests.journeys.servers import LOOPBACK, WITHIN, Broker, Client, House, Site, free_port, until
from tests.postgres import Postgres, postgres
from tests.web.district import CLIENT as DISTRICT_CLIENT
from tests.web.district import SECRET as DISTRICT_SECRET
from tests.web.district import District, district

pytestmark = pytest.mark.journey

PASSWORD = "nine grey herons"  # of everybody whom `Served.token` lets in
HOOK = "whsec_aGVyb25zIHN0YW5kIGluIHRoZSByaXZlciBhdCBkYXdu"
PROCESSES = Path("/proc")
FAULTY = 2  # the exit code of check
REPORTER = "Odalys Brackenfield"
PATHS = ("/metrics", "/healthz", "/api/v1/troubles", "/api/v1/sensors", "/login", "/", "/people", "/gateways")
ONCE = {"Idempotency-Key": "3f1c2a54-0b62-4c8e-9d2e-6a5f7f0c1b7d"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class Planted(NamedTuple):
    """A house whose doors to the outside all have a secret, and leads nowhere but to the district's login."""

    served: Served
    secrets: dict[str, str]
    lookout: Client
    record: Callable[[], bytes]


SECRETS = {
    "mqtt": "quartz-lantern-81",
    "influx": "saffron-bellows-82",
    "heartbeat": "marigold-anvil-83",
    "hook's address": "cobalt-thimble-84",
    "hook": HOOK,
    "person": "vermilion-oar-85",
    "person elsewhere": "russet-pulley-86",
    "mail": "ochre-spindle-87",
    "last resort": "umber-ratchet-88",
    "head": "sienna-gimlet-89",
    "district": DISTRICT_SECRET,
    "store": "viridian-trowel-90",
}


def settings(web: int, nowhere: int, issuer: str) -> str:
    """Return what stands in safetyd.toml of either kind."""
    return f"""username = "safetyd"
[web]
listen = "{LOOPBACK}:{web}"
public_url = "http://{LOOPBACK}:{web}"
[influx]
url = "http://{LOOPBACK}:{nowhere}"
bucket = "rooms"
[audit]
head_url = "http://{LOOPBACK}:{nowhere}/heads"
[oidc]
issuer = "{issuer}"
client_id = "{DISTRICT_CLIENT}"
grants = [{{ group = "maple-custodians", role = "facilities", buildings = ["maple"] }}]
[[webhook]]
url = "http://{LOOPBACK}:{nowhere}/{SECRETS["hook's address"]}"
"""


def kept_in_files(made: House, nowhere: int) -> None:
    """Have every secret that may be in a file in one of its own."""
    for name in ("mqtt", "influx", "hook", "mail", "head", "district"):
        (made.folder / name).write_text(SECRETS[name] + "\n", encoding="utf-8")
    told = made.config.read_text("utf-8")
    told = told.replace('username = "safetyd"\n', 'username = "safetyd"\npassword_file = "mqtt"\n')
    for section, key, name in (
        ("[influx]", "token_file", "influx"),
        ("[audit]", "head_token_file", "head"),
        ("[oidc]", "client_secret_file", "district"),
        ("[[webhook]]", "secret_file", "hook"),
    ):
        told = told.replace(f"{section}\n", f'{section}\n{key} = "{name}"\n')
    told += f"""[heartbeat]
url = "http://{LOOPBACK}:{nowhere}/{SECRETS["heartbeat"]}"
[last_resort]
smtp_host = "{LOOPBACK}"
smtp_port = {nowhere}
smtp_from = "safetyd@maple.example"
smtp_to = "duty@maple.example"
smtp_username = "safetyd"
smtp_password_file = "mail"
"""
    made.config.write_text(told, encoding="utf-8")


def kept_in_variables(made: House, nowhere: int) -> None:
    """Have the environment say every secret that it may."""
    made.variables |= {
        "SAFETYD_MQTT__PASSWORD": SECRETS["mqtt"],
        "SAFETYD_INFLUX__TOKEN": SECRETS["influx"],
        "SAFETYD_AUDIT__HEAD_TOKEN": SECRETS["head"],
        "SAFETYD_OIDC__CLIENT_SECRET": SECRETS["district"],
        "SAFETYD_STORE__PASSWORD": SECRETS["store"],
        "SAFETYD_HEARTBEAT__URL": f"http://{LOOPBACK}:{nowhere}/{SECRETS['heartbeat']}",
        "SAFETYD_LAST_RESORT__URL": f"http://{LOOPBACK}:{nowhere}/{SECRETS['last resort']}",
        "DESK_SECRET": SECRETS["hook"],
    }
    told = made.config.read_text("utf-8")
    told = told.replace("//safetyd@", "//locked@")  # who is let in by the password only
    told = told.replace("[[webhook]]\n", '[[webhook]]\nsecret_env = "DESK_SECRET"\n')
    made.config.write_text(told, encoding="utf-8")


@pytest.fixture
def elsewhere() -> Iterator[District]:
    with district() as made:
        yield made


@pytest.fixture
def server() -> Iterator[Postgres]:
    with postgres() as running:
        running.asks_for("locked", SECRETS["store"])
        yield running


@pytest.fixture(params=["files", "variables"])
def planted(
    request: pytest.FixtureRequest, house: Callable[..., House], broker: Broker, elsewhere: District
) -> Iterator[Planted]:
    """By files beside a store in a file; by variables beside a store in a PostgreSQL."""
    are_files = request.param == "files"
    broker.admit_only("safetyd", SECRETS["mqtt"])
    broker.admit_only("lookout", "-")
    broker.stop()
    broker.start()
    nowhere, port = free_port(), free_port()
    own = f"json://ann:{SECRETS['person']}@{LOOPBACK}:{nowhere}/"
    told = f"json://bo:{SECRETS['person elsewhere']}@{LOOPBACK}:{nowhere}/"
    where = '{ file = "bo" }' if are_files else '{ env = "BO" }'
    second = f'[[people]]\nname = "Bo Rae"\nroles = ["administrator"]\nnotify = [{where}]'
    url = ""
    if not are_files:
        server: Postgres = request.getfixturevalue("server")
        url = server.url("locked")
    site = Site(people={"Ann Lee": [own]}, more=second)
    made = house(broker, site, settings(port, nowhere, elsewhere.issuer), url)
    (kept_in_files if are_files else kept_in_variables)(made, nowhere)
    (made.folder / "bo").write_text(told if are_files else "", encoding="utf-8")
    made.variables |= {} if are_files else {"BO": told}

    def record() -> bytes:
        """Return the store as it lies on the disk."""
        if are_files:
            return b"".join(each.read_bytes() for each in made.store.parent.iterdir() if each.is_file())
        return server.dumped()

    lookout = Client(broker, "#", name="lookout", password="-")
    made.start(lookout)
    served = Served(made, port).is_answering()
    secrets = SECRETS | {"token": served.token("Ann Lee", "administrator"), "password": PASSWORD}
    yield Planted(served, secrets, lookout, record)
    lookout.close()


def logged_in(served: Served) -> list[Answer]:
    """Let somebody come back from the district's login, once right and once with what is no answer."""
    left = served.ask("/sso?then=/")
    assert left.status == 302, left.text
    there = urlsplit(left.headers["location"])
    connection = HTTPConnection(there.netloc, timeout=WITHIN)
    connection.request("GET", f"{there.path}?{there.query}")
    back = urlsplit(connection.getresponse().headers["Location"])
    connection.close()
    cookie = left.headers["set-cookie"].partition(";")[0]
    found = [served.ask(f"{back.path}?{back.query}", cookie=cookie) for _ in range(2)]
    assert found[0].status == 303, "the district's secret was of use"
    return [left, *found]


def test_a_secret_that_was_planted_is_found_nowhere(planted: Planted, tmp_path: Path) -> None:
    served, secrets = planted.served, planted.secrets
    house, token = served.house, secrets["token"]
    reporter = served.token(REPORTER, "educator", "--building", "maple")
    report = {"building": "maple", "room": "12", "hazard": "leaks", "note": "the ceiling"}
    ticket = str(served.ask("/api/v1/reports", reporter, report).json["ticket"])
    until("a hook and two people were tried in vain", lambda: len(house.rows("SELECT 1 FROM attempt")) > 2)
    house.log_says("influx")

    found: dict[str, bytes] = {
        each.parent.name: each.read_bytes() for each in PROCESSES.glob("[0-9]*/cmdline")
    }
    answers = [(path, served.ask(path, token)) for path in PATHS] + [
        (f"/api/v1/tickets/{ticket}", served.ask(f"/api/v1/tickets/{ticket}", token)),
        ("nowhere", served.ask("/api/v1/nowhere", token)),
        ("nowhere", served.ask(f"/nowhere?token={token}", token)),
        ("a stranger", served.ask("/api/v1/tickets", token[:-1])),
        ("no report", served.ask("/api/v1/reports", token, report | {"hazard": "rust"})),
        ("once", served.ask("/api/v1/reports", reporter, report, **ONCE)),
        ("no more", served.ask("/api/v1/reports", reporter, report | {"note": token}, **ONCE)),
        ("no JSON", served.ask("/api/v1/reports", token, token.encode())),
        ("a wrong password", served.ask("/login", "", f"name=Ann&password={PASSWORD}".encode(), **FORM)),
        *(("the district's login", each) for each in logged_in(served)),
    ]
    shown = {each.status for _, each in answers}
    assert {400, 401, 404, 422} <= shown
    for what, answer in answers:
        found |= {f"{what} {answer.status}": (repr(answer.headers) + answer.text).encode()}
    for command, code in (
        (["check"], 0),
        (["tickets"], 0),
        (["sensors"], 0),
        (["ticket", ticket, "show"], 0),
        (["explain", ticket], 0),
        (["doctor"], 1),
        (["doctor", "--json"], 1),
        (["notify", "test"], 1),
        (["test-notice", "Ann Lee", "--by", "Ann Lee"], 0),
        (["test-notice", "Bo Rae", "--by", "Ann Lee"], 0),
        (["audit", "head"], 0),
        (["user", "list"], 0),
        (["report", "everything", "-o", str(tmp_path / "everything.zip")], 0),
        (["evidence", ticket, "-o", str(tmp_path / "packet.zip")], 0),
        *([(["backup", str(tmp_path / "backup")], 0)] if house.store.exists() else []),
    ):
        said = house.run(*command)
        assert said.code == code, said.out + said.err
        found[" ".join(command)] = (said.out + said.err).encode()
    for doomed in ("head_url = ", "issuer = "):
        told = house.config.read_text("utf-8")
        wrong = f'{doomed}"ftp://ann:{secrets["person"]}@{LOOPBACK}/"'
        house.config.write_text(re.sub(f"^{doomed}.*", wrong, told, flags=re.MULTILINE), encoding="utf-8")
        said = house.run("check")
        assert said.code == FAULTY
        found[f"a fault of {doomed}"] = (said.out + said.err).encode()
        house.config.write_text(told, encoding="utf-8")
    house.stop()
    found["log"] = house.log_file.read_bytes()
    found["record"] = planted.record()
    found["broker"] = repr(planted.lookout.heard).encode()
    assert b"safetyd/tickets" in found["broker"]
    for written in tmp_path.glob("backup"):
        found[written.name] = written.read_bytes()
    for archive in tmp_path.glob("*.zip"):
        with ZipFile(archive) as parts:
            found |= {f"{archive.name}: {name}": parts.read(name) for name in parts.namelist()}

    assert [
        (where, what)
        for where, content in found.items()
        for what, secret in secrets.items()
        if any(each.encode() in content for each in (secret, quote(secret), quote_plus(secret)))
    ] == []
    named = [where for where, content in found.items() if REPORTER.encode() in content]
    assert "record" in named, "it is on record"
    assert [where for where in named if where in ("log", "/metrics 200") or "packet.zip" in where] == []
