"""A gateway in a building and a centre elsewhere, two real brokers and the bridge between them: what the one
decides the other has, row by row, however long they were apart."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from tests.journeys.servers import Broker, Client, House, Site, ago, bridged, until, utc
from tests.journeys.shipped import FILES, Shipped

pytestmark = pytest.mark.journey

Make = Callable[..., House]
UP = ("status", "gateways", "buildings", "tickets", "record", "answer")
DOWN = ("have", "command")
GATEWAY = 'client_id = "maple-gw"\n[centre]\nrecord = true\ncommands = true'
CENTRE = 'client_id = "district"\n[[gateways]]\nname = "maple-gw"\nsite = ["maple.toml"]'
DISTRICT = """
name = "North District"
timezone = "America/Los_Angeles"
[[buildings]]
id = "maple"
name = "Maple School"
gateway = "maple-gw"
link = "safetyd/links/maple"
[[people]]
name = "Dora"
roles = ["district"]
"""
FIRST, SECOND = "maple-2026-0001", "maple-2026-0002"
MOST = 90.0  # seconds, on a machine that does other things as well


@pytest.fixture
def there(tmp_path: Path, broker: Broker) -> Iterator[Broker]:
    """The building's own broker, with a bridge to the centre's."""
    up, down = (f"{each}/# out" for each in UP), (f"{each}/maple-gw in" for each in DOWN)
    with bridged(tmp_path / "there", broker, *up, *down) as made:
        yield made


@pytest.fixture
def centre(house: Make, broker: Broker) -> Iterator[House]:
    made = house(broker, mqtt=CENTRE)
    made.write(DISTRICT)
    made.command = [made.command[0], "watch", *made.command[2:]]
    (made.folder / "maple.toml").write_text(Site().text(), encoding="utf-8")
    yield made
    made.close()


def copy_of(centre: House) -> Path:
    return centre.folder / "var" / "gateways" / "maple-gw.db"


def asked(file: Path, query: str, *values: object) -> list[Any]:
    if not file.exists():
        return []
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=30)) as connection:
        try:
            return connection.execute(query, values).fetchall()
        except sqlite3.OperationalError:
            return []


def head(file: Path) -> tuple[int, str] | None:
    found = asked(file, "SELECT number, hash FROM chain ORDER BY number DESC LIMIT 1")
    return found[0] if found else None


def readings(file: Path) -> tuple[int, str]:
    rows = asked(file, "SELECT * FROM reading ORDER BY id")
    return len(rows), sha256(repr(rows).encode()).hexdigest()


def ids(centre: House) -> list[str]:
    """Return the tickets that the centre knows of."""
    return sorted(each["id"] for each in centre.asked("--gateway", "maple-gw", "tickets")["tickets"])


def are_one(gateway: House, centre: House) -> bool:
    copy = copy_of(centre)
    return head(gateway.store) == head(copy) is not None and readings(gateway.store) == readings(copy)


def rolled(centre: House) -> bool:
    return bool(asked(copy_of(centre), "SELECT 1 FROM roll_up LIMIT 1"))


def is_sound(house: House, *arguments: str) -> dict[str, Any]:
    said = house.run(*arguments, "audit", "verify", "--json")
    assert said.code == 0, said.err + said.out
    return dict(said.json)


def bo(gateway: House, ticket: str, *what: str) -> None:
    """Somebody acts at the building."""
    said = gateway.run("ticket", ticket, *what, "--by", "Bo", "--role", "facilities")
    assert said.code == 0, said.err


def dora(centre: House, ticket: str, note: str) -> str:
    """Somebody acts at the centre; return what she is told when nobody has answered for a while."""
    who = ("--by", "Dora", "--role", "district")
    said = centre.run("--gateway", "maple-gw", "ticket", ticket, "note", *who, "--note", note)
    return said.err if said.code else ""


def days(beginning: datetime, low: float, minutes: range) -> Iterator[dict[str, Any]]:
    """A room's temperatures of days that are over."""
    for n in minutes:
        at = utc(beginning + timedelta(minutes=n))
        yield {"temperature_f": low + (n % 600) / 60, "humidity": 40, "ts": at}


def test_after_a_week_apart_both_hold_the_same_record(
    broker: Broker, there: Broker, house: Make, centre: House
) -> None:
    client, gateway = Client(there, "safetyd/status/#"), house(there, mqtt=GATEWAY)
    beginning = ago(days=6, hours=23)
    online = b'{"state":"online"}'

    def pending() -> list[dict[str, Any]]:
        (told,) = centre.asked("gateways")["gateways"]
        return list(told["pending"])

    try:
        centre.spawn()
        gateway.spawn()
        until("the gateway listens", lambda: client.last("safetyd/status/maple-gw") == online)
        client.tell("safetyd/readings/maple/12", *days(beginning, 57.0, range(3)))
        until("its ticket is there", lambda: gateway.count("ticket"))
        bo(gateway, FIRST, "acknowledge")
        until("the centre has all of it", lambda: are_one(gateway, centre), MOST)
        (seen,) = centre.asked("--gateway", "maple-gw", "tickets")["tickets"]
        assert seen["status"] == "acknowledged" and seen["history"] == gateway.ticket(FIRST)["history"]
        assert dora(centre, FIRST, "who is there?") == "", "it is answered while the line is up"

        broker.stop()
        centre.kill()
        centre.spawn()
        assert "it is asked until it does" in dora(centre, FIRST, "on our way")
        for room, low in (("12", 57.0), ("lab", 66.0)):
            client.tell(f"safetyd/readings/maple/{room}", *days(beginning, low, range(10, 10_000, 2)))
            gateway.kill()
            gateway.spawn()
        until("the gateway has them", lambda: gateway.count("reading") >= 2 * 2 * 4995 + 6, MOST)
        client.tell("safetyd/readings/maple/lab", *days(beginning, 50.0, range(10_000, 10_003)))
        until("another room's ticket is there", lambda: gateway.count("ticket") == 2, MOST)
        assert sorted(each["id"] for each in gateway.tickets()) == [FIRST, SECOND]
        assert ids(centre) == [FIRST], "the centre cannot know yet"
        bo(gateway, FIRST, "note", "--note", "boiler")
        assert [each["asked"]["note"] for each in pending()] == ["on our way"]
        assert head(copy_of(centre)) != head(gateway.store)

        held = readings(copy_of(centre))[0]
        broker.start()
        until("the week begins to arrive", lambda: readings(copy_of(centre))[0] > held, MOST)
        centre.kill()
        centre.spawn()
        until("the command is carried out", lambda: not pending(), MOST)
        until("both are one again", lambda: are_one(gateway, centre), MOST)
        assert ids(centre) == [FIRST, SECOND]
        begun = gateway.ticket(SECOND)
        assert (begun["room"], begun["condition"], begun["status"]) == ("lab", "cold", "open")
        assert centre.asked("--gateway", "maple-gw", "ticket", SECOND, "show")["history"] == begun["history"]
        history = gateway.ticket(FIRST)["history"]
        notes = [each["note"] for each in history if each["event"] == "note"]
        assert sorted(notes) == ["boiler", "on our way", "who is there?"], "once, however often it was sent"
        assert centre.asked("--gateway", "maple-gw", "ticket", FIRST, "show")["history"] == history
        ours, theirs = is_sound(gateway), is_sound(centre, "--gateway", "maple-gw")
        assert ours["head"] == theirs["head"]
        days_of = ("readings", "maple/lab", "--every", "1d", "--from", utc(beginning))
        days_there = gateway.asked(*days_of)["points"]
        assert len(days_there) >= 7
        until(
            "the centre has rolled up the same days",
            lambda: (
                rolled(centre) and centre.asked("--gateway", "maple-gw", *days_of)["points"] == days_there
            ),
            MOST,
        )
    finally:
        client.close()


MAY = [
    *(
        f"safetyd/{each}"
        for each in ("links/maple", "status/maple-gw", "gateways/maple-gw", "buildings/maple")
    ),
    "safetyd/tickets/maple/+",
    "safetyd/record/maple-gw",
    "safetyd/answer/maple-gw",
    "read:safetyd/have/maple-gw",
    "read:safetyd/command/maple-gw",
]


def as_safetyd(broker: Shipped) -> str:
    kept = broker.folder / "mqtt-password"
    kept.write_text(broker.passwords["safetyd"], encoding="utf-8")
    return f'username = "safetyd"\npassword_file = "{kept}"\n'


def test_the_shipped_files_carry_the_record_and_commands_and_let_nobody_else_speak_so(
    tmp_path: Path, house: Make
) -> None:
    away, here = Shipped(tmp_path / "district"), Shipped(tmp_path / "maple")
    told = (FILES / "district.conf").read_text("utf-8").replace("\n# ", " ")
    assert " ".join(MAY[5:]) in told, "the account that the file tells to ask for"
    away.add("maple-bridge", *MAY)
    away.add("oak-bridge", "safetyd/status/oak-gw")
    kinds = ("record", "answer", "have", "command")
    here.bridge_to(away, "maple-bridge", {f"# topic {each}/": f"topic {each}/" for each in kinds})
    try:
        away.start()
        here.start()
        centre = house(away, mqtt=CENTRE.replace("\n[[", f"\n{as_safetyd(away)}[[", 1))
        centre.write(DISTRICT)
        (centre.folder / "maple.toml").write_text(Site().text(), encoding="utf-8")
        centre.command = [centre.command[0], "watch", *centre.command[2:]]
        gateway = house(here, mqtt=GATEWAY.replace("\n[", f"\n{as_safetyd(here)}[", 1))
        centre.spawn()
        gateway.spawn()
        client = Client(here, "safetyd/status/#", name="safetyd", password=here.passwords["safetyd"])
        until("the gateway listens", lambda: client.last("safetyd/status/maple-gw") == b'{"state":"online"}')
        client.tell("safetyd/readings/maple/12", {"temperature_f": 57.0, "humidity": 40})
        until("the centre has all of it", lambda: gateway.count("ticket") and are_one(gateway, centre), MOST)
        assert dora(centre, FIRST, "on our way") == ""
        for topic in ("safetyd/record/maple-gw", "safetyd/answer/maple-gw", "safetyd/command/maple-gw"):
            assert "Not authorized" in away.device("oak-bridge", topic, "-m", "forged").stderr
        assert "Not authorized" in away.device("maple-bridge", "safetyd/have/maple-gw", "-m", "x").stderr
        client.close()
    finally:
        here.stop()
        away.stop()


def test_a_falsified_record_is_a_trouble_at_the_centre_that_names_the_row(
    broker: Broker, there: Broker, house: Make, centre: House
) -> None:
    client, gateway = Client(there, "safetyd/status/#"), house(there, mqtt=GATEWAY)
    try:
        gateway.spawn()
        until("the gateway listens", lambda: client.last("safetyd/status/maple-gw") == b'{"state":"online"}')
        client.tell("safetyd/readings/maple/12", {"temperature_f": 57.0, "humidity": 40})
        until("its ticket is there", lambda: gateway.count("ticket"))
        gateway.kill()
        with closing(sqlite3.connect(gateway.store)) as connection:
            connection.execute("UPDATE history SET note = 'all is well' WHERE id = 1")
            connection.commit()
        centre.spawn()
        gateway.spawn()

        def told() -> list[str]:
            rows = centre.rows("SELECT note FROM trouble WHERE sensor = '[[gateways]] maple-gw'")
            return [note for (note,) in rows]

        (note,) = until("it is told", told, MOST)
        assert "history 1 is not what row" in note
        until("readings go on", lambda: asked(copy_of(centre), "SELECT 1 FROM reading"), MOST)
        assert copy_of(centre).with_name("maple-gw.db.refused").exists()
        assert head(copy_of(centre)) is None
    finally:
        client.close()
