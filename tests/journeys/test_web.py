"""The API of a daemon that runs: what happened over MQTT is seen, and what people do is on record."""

import json
import socket
from collections.abc import Callable, Iterator

import pytest

from tests.journeys.served import TWO, Served
from tests.journeys.servers import HANG_UP, LOOPBACK, Broker, Client, House, Json, Site, free_port, until

pytestmark = pytest.mark.journey

Make = Callable[..., House]
COLD = {"temperature_f": 57.5, "humidity": 44}


@pytest.fixture
def served(house: Make, broker: Broker, client: Client) -> Iterator[Served]:
    """A daemon that answers, of two buildings."""
    port = free_port()
    home = house(broker, TWO, f'[web]\nlisten = "{LOOPBACK}:{port}"')
    home.start(client)
    yield Served(home, port).is_answering()


def breach(served: Served, client: Client, room: str = "maple/12") -> str:
    """Let a room be cold and return its ticket's id."""
    before = served.house.count("ticket")
    client.tell(f"safetyd/readings/{room}", COLD)
    served.house.has("ticket", before + 1)
    return str(served.house.rows("SELECT id FROM ticket ORDER BY rowid DESC LIMIT 1")[0][0])


def test_a_breach_is_seen_acted_on_and_on_record(served: Served, client: Client) -> None:
    token = served.token("Ann Lee", "administrator")
    id = breach(served, client)
    (shown,) = served.ask("/api/v1/tickets?status=open", token).json["tickets"]
    assert shown == next(each for each in served.house.tickets() if each["id"] == id) | {
        "episodes": shown["episodes"]  # how much of it was seen grows by the moment
    }
    done = served.ask(f"/api/v1/tickets/{id}/acknowledge", token, {"note": "on my way"})
    assert (done.status, done.json["status"]) == (200, "acknowledged")
    last = served.house.ticket(id)["history"][-1]
    assert (last["by"], last["note"]) == ("Ann Lee", "on my way") and "administrator" in json.dumps(last)
    again = served.ask(f"/api/v1/tickets/{id}/acknowledge", token, {})
    assert (again.status, again.kind) == (409, "application/problem+json")
    assert "cannot acknowledge" in again.json["detail"]
    assert served.ask(f"/api/v1/tickets/{id}", token).json.keys() == served.house.ticket(id).keys()


def test_what_is_said_over_mqtt_is_seen_as_the_command_line_shows_it(served: Served, client: Client) -> None:
    token = served.token("Una Ro", "association", scope="read")
    breach(served, client)
    client.tell("safetyd/readings/maple/lab", {"temperature_f": 70, "humidity": 40})
    client.tell("safetyd/readings/oak/1", {"temperature_f": 70})

    def lab() -> Json | None:
        rooms = served.ask("/api/v1/rooms?building=maple", token).json["rooms"]
        (found,) = [each for each in rooms if each["room"] == "lab"]
        return dict(found) if found["observed_at"] else None

    found = until("the room is seen", lab)
    assert found is not None and found["verdicts"] == {"cold": "ok", "heat": "ok"}
    assert found["values"]["temperature_f"] == 70
    until("the stray is stored", lambda: served.ask("/api/v1/sensors", token).json["unassigned"])
    seen, said = served.ask("/api/v1/sensors", token).json, served.house.asked("sensors")
    assert seen["unassigned"] == said["unassigned"] == ["safetyd/readings/oak/1"]
    assert [each["last"] for each in seen["sensors"]] == [each["last"] for each in said["sensors"]]
    past = served.ask("/api/v1/readings?building=maple&room=lab", token).json
    assert [point[1:] for point in past["points"]] == [[70, 70, 70, 1]]
    by_hour = served.ask("/api/v1/readings?building=maple&room=lab&quantity=humidity&every=1h", token).json
    assert [point[1:] for point in by_hour["points"]] == [[40, 40, 40, 1]]


def test_an_educators_report_opens_a_ticket_in_their_name(served: Served) -> None:
    token = served.token("Ed Ucator", "educator", "--building", "maple")
    told = served.ask(
        "/api/v1/reports", token, {"building": "maple", "room": "12", "hazard": "leaks", "note": "ceiling"}
    )
    assert told.status == 201
    ticket = served.house.ticket(told.json["ticket"])
    assert (ticket["condition"], ticket["hazard"]) == ("hazard", "leaks")
    assert "Ed Ucator" in json.dumps(ticket["history"])
    measured = {"building": "maple", "room": "lab", "temperature_f": 51.5, "humidity": 40}
    cold = served.ask("/api/v1/reports", token, measured | {"instrument": "sling psychrometer"})
    assert served.house.ticket(cold.json["ticket"])["condition"] == "cold"
    elsewhere = served.ask("/api/v1/reports", token, {"building": "cedar", "room": "1", "hazard": "leaks"})
    assert elsewhere.status == 400 and elsewhere.json["parameter"] == "building"
    assert served.house.count("ticket") == 2


def test_another_building_is_not_there_for_who_is_of_one(served: Served, client: Client) -> None:
    token = served.token("Ann Lee", "administrator", "--building", "maple")
    id = breach(served, client, "cedar/1")
    assert served.ask("/api/v1/tickets", token).json["tickets"] == []
    for path in (f"/api/v1/tickets/{id}", "/api/v1/tickets/cedar-2026-9999"):
        assert served.ask(path, token).status == 404
    assert served.ask(f"/api/v1/tickets/{id}/close", token, {"note": "x"}).status == 404
    assert {each["building"] for each in served.ask("/api/v1/rooms", token).json["rooms"]} == {"maple"}
    assert 'building="cedar"' not in served.ask("/metrics", token).text
    assert 'building="cedar"' in served.ask("/metrics").text
    assert served.house.ticket(id)["status"] == "open"


def test_what_comes_again_under_its_key_is_done_once_also_after_a_kill(
    served: Served, client: Client
) -> None:
    token = served.token("Ann Lee", "administrator")
    path, said = f"/api/v1/tickets/{breach(served, client)}", {"tier": "mitigation", "note": "a heater"}
    key = {"Idempotency-Key": "5b1c7a52"}
    first = served.ask(f"{path}/relieve", token, said, **key)
    served.house.kill()
    served.house.start(client)
    again = served.is_answering().ask(f"{path}/relieve", token, said, **key)
    assert (first.status, again.status) == (200, 200)
    assert [each["event"] for each in again.json["history"]] == ["opened", "relieved"]
    other = served.ask(f"{path}/note", token, {"note": "else"}, **key)
    assert (other.status, other.kind) == (422, "application/problem+json")
    tag = served.ask("/api/v1/openapi.json").headers["etag"]
    same = served.ask("/api/v1/openapi.json", **{"If-None-Match": tag})
    assert (same.status, same.text) == (304, "")


def test_a_token_ends_with_its_person(served: Served) -> None:
    token = served.token("Ann Lee", "administrator")
    assert served.ask("/api/v1/rooms", token).status == 200
    assert served.house.run("user", "remove", "Ann Lee").code == 0
    assert served.ask("/api/v1/rooms", token).status == 401
    assert token not in served.house.log
    assert token.encode() not in b"".join(each.read_bytes() for each in served.house.store.parent.iterdir())


def test_a_note_brings_a_photo(served: Served, client: Client) -> None:
    token = served.token("Ann Lee", "administrator")
    id = breach(served, client)
    files = [{"name": "heater.txt", "base64": "aGVhdGVy"}]
    assert served.ask(f"/api/v1/tickets/{id}/note", token, {"note": "see", "attach": files}).status == 200
    assert served.house.count("attachment") == 1
    broken = [{"name": "heater.txt", "base64": "?"}]
    assert served.ask(f"/api/v1/tickets/{id}/note", token, {"attach": broken}).status == 400


def test_a_port_that_is_taken_is_a_trouble_and_the_watch_goes_on(
    house: Make, broker: Broker, client: Client
) -> None:
    with socket.create_server((LOOPBACK, 0)) as other:
        port = other.getsockname()[1]
        home = house(broker, Site(), f'[web]\nlisten = "{LOOPBACK}:{port}"').start(client)
        until("it is a trouble", lambda: home.rows("SELECT note FROM trouble WHERE sensor = '[web]'"))
        ((note,),) = home.rows("SELECT note FROM trouble WHERE sensor = '[web]'")
        assert str(port) in note and "taken by another program" in note
        client.tell("safetyd/readings/maple/12", COLD)
        home.has("ticket", 1)
    assert home.stop() == 0


def test_a_site_taken_anew_is_seen(served: Served) -> None:
    token = served.token("Una Ro", "association", scope="read")
    served.house.write(Site(rooms=("12", "annex")))
    assert served.house.daemon is not None
    served.house.daemon.send_signal(HANG_UP)

    def names() -> list[str]:
        return [each["room"] for each in served.ask("/api/v1/rooms", token).json["rooms"]]

    until("the new room is there", lambda: names() == ["12", "annex"])


@pytest.mark.parametrize(
    "noise",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n\r\n",
        b"POST /api/v1/reports HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + b"X: y\r\n" * 20_000 + b"\r\n",
    ],
)
def test_noise_on_the_port_disturbs_nobody(served: Served, client: Client, noise: bytes) -> None:
    with socket.create_connection((LOOPBACK, served.port), timeout=10) as connection:
        try:
            connection.sendall(noise)
            connection.recv(4096)
        except OSError:
            pass
    assert served.ask("/healthz").status == 200
    breach(served, client)
    assert "exception=" not in served.house.log
