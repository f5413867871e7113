"""Files through a running daemon: on record with their note or not at all, and then out of the inbox."""

import base64
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from safetyd.core.attachment import MOST_BYTES
from tests.journeys.servers import Broker, Client, House, Json, Site, until
from tests.journeys.test_daemon import in_breach
from tests.journeys.test_nothing_is_lost import assert_chained
from tests.journeys.test_replay_equals_live import minutes_ago, moment, replayed, settled, told_again

pytestmark = pytest.mark.journey

Make = Callable[..., House]
PHOTO = bytes(range(256)) * 100
BY = ("--by", "A. Reyes", "--note", "57 at the window")


def photo(home: House, content: bytes = PHOTO, name: str = "photo.jpg") -> str:
    path = home.folder / name
    path.write_bytes(content)
    return str(path)


def saved(home: House, id: str, folder: str) -> list[bytes]:
    found = home.asked("attachments", id, "--save", str(home.folder / folder))["attachments"]
    return [Path(each["file"]).read_bytes() for each in found]


def test_a_file_goes_in_and_comes_out_through_a_running_daemon(
    broker: Broker, client: Client, house: Make
) -> None:
    home = house(broker).start(client)
    id = in_breach(home, client)
    shown = home.asked("ticket", id, "note", *BY, "--attach", photo(home))
    (named,) = shown["history"][-1]["attachments"]
    assert (named["name"], named["size"]) == ("photo.jpg", len(PHOTO))
    assert saved(home, id, "out") == [PHOTO]
    until(
        "everybody hears of it", lambda: b"photo.jpg" in (client.last(f"safetyd/tickets/maple/{id}") or b"")
    )
    ((body, answer),) = home.rows("SELECT body, answer FROM inbox")
    assert json.loads(body)["attach"] == [{"name": "photo.jpg"}] and json.loads(answer) == {"ticket": id}
    assert json.loads(body)["note"] == "57 at the window"


def test_as_much_as_a_note_may_bring_is_taken_while_readings_come(
    broker: Broker, client: Client, house: Make
) -> None:
    home = house(broker).start(client)
    id = in_breach(home, client)
    files = [photo(home, bytes([n]) * MOST_BYTES, f"{n}.jpg") for n in range(5)]
    attach = [word for file in files for word in ("--attach", file)]
    writing = home.begin("ticket", id, "note", *BY, *attach)
    client.tell("safetyd/readings/maple/lab", *({"temperature_f": 70 + n / 100} for n in range(50)))
    _, err = writing.communicate(timeout=60)
    assert writing.returncode == 0, err
    assert saved(home, id, "out") == [bytes([n]) * MOST_BYTES for n in range(5)]
    assert home.rows("SELECT max(length(body)) < 1000 FROM inbox") == [(1,)]


@pytest.mark.parametrize("attach", [
    [{"name": "../photo.jpg", "base64": "eA=="}],
    [{"name": "photo.jpg", "base64": "e"}],
    [{"name": "photo.jpg", "base64": ""}],
    "photo.jpg",
], ids=["path", "broken", "empty", "no list"])  # fmt: skip
def test_what_another_program_leaves_in_the_inbox_is_refused_and_not_kept(
    attach: object, broker: Broker, client: Client, house: Make
) -> None:
    home = house(broker).start(client)
    id = in_breach(home, client)
    before = home.ticket(id)["history"]
    body = json.dumps({"do": "note", "ticket": id, "by": "A. Reyes", "note": "x", "attach": attach})
    with home.locked(f"INSERT INTO inbox (at, body) VALUES (0, '{body}')"):
        pass
    (row,) = until("it is answered", lambda: home.rows("SELECT answer, body FROM inbox WHERE answer NOTNULL"))
    assert "attach" in json.loads(row[0])["refused"] and "base64" not in row[1]
    assert home.ticket(id)["history"] == before and home.count("attachment") == 0


def test_a_file_outlives_a_restart_and_a_power_cut(broker: Broker, client: Client, house: Make) -> None:
    home = house(broker).start(client)
    id = in_breach(home, client)
    home.asked("ticket", id, "note", *BY, "--attach", photo(home))
    home.kill()
    home.start(client)
    home.asked("ticket", id, "note", *BY, "--attach", photo(home, b"again"))
    assert home.stop() == 0
    assert saved(home, id, "out") == [PHOTO, b"again"]
    home.asked("ticket", id, "note", *BY, "--attach", photo(home, b"without a daemon"))
    assert saved(home, id, "more")[2] == b"without a daemon"
    assert_chained(home)


def test_a_power_cut_while_files_come_leaves_each_whole_and_once(
    broker: Broker, client: Client, house: Make
) -> None:
    home = house(broker).start(client)
    id = in_breach(home, client)
    for n in range(8):
        coded = base64.b64encode(bytes([n]) * 1_000_000).decode()
        said = {"do": "note", "ticket": id, "by": "A. Reyes", "note": f"{n}"}
        body = json.dumps(said | {"attach": [{"name": f"{n}.jpg", "base64": coded}]})
        with home.locked(f"INSERT INTO inbox (at, body) VALUES (0, '{body}')"):
            pass
        if n % 2:
            until("it is at work", lambda n=n: home.count("attachment") >= n - 1)
            home.kill()
            home.start(client)
    until("all are answered", lambda: not home.rows("SELECT 1 FROM inbox WHERE answer IS NULL"))
    lines = [line for line in home.ticket(id)["history"] if line["event"] == "note"]
    assert [line["note"] for line in lines] == [f"{n}" for n in range(8)]
    assert saved(home, id, "out") == [bytes([n]) * 1_000_000 for n in range(8)]
    assert_chained(home)


def test_a_day_with_files_told_again_gives_the_same_tickets(
    broker: Broker, client: Client, house: Make
) -> None:
    home = house(broker, Site()).start(client)
    id = in_breach(home, client)
    home.asked(
        "ticket", id, "note", *BY, "--attach", photo(home), "--attach", photo(home, b"%PDF", "order.pdf")
    )
    assert home.stop() == 0
    ((at, kept),) = home.rows("SELECT history.at, body FROM history, inbox WHERE event = 'note'")
    contents = {"photo.jpg": PHOTO, "order.pdf": b"%PDF"}
    said: Json = json.loads(kept)
    for each in said["attach"]:
        each["base64"] = base64.b64encode(contents[each["name"]]).decode()
    lines = [*told_again(home), json.dumps(said | {"at": moment(at)})]
    live = settled(home.tickets())
    assert settled(replayed(home, lines, minutes_ago(0))["tickets"]) == live
    assert len(live[0]["history"][-1]["attachments"]) == 2
