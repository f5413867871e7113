"""A topic that no site file names is given a room by a person, and that holds as if the file said so."""

import json
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from safetyd.assigning import carry_out
from safetyd.bulletin import live_ticket
from safetyd.core.errors import SafetydError
from safetyd.core.model import Place, TroubleKind
from safetyd.ingest.message import Message
from safetyd.replay import Line, replay
from safetyd.service import Service
from safetyd.site import Site, read_site
from safetyd.store import assignments, strays
from safetyd.store.assignment_schema import assignment
from safetyd.store.database import Connection, open_for_writing
from safetyd.view import view
from tests.stores import store_url

NOON = datetime(2026, 12, 1, 20, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
TOPIC = "zigbee2mqtt/North window"
COLD, MILD = {"temperature": 13.1, "humidity": 44}, {"temperature": 21.2, "humidity": 44}
ROOMS = ("12", "lab")
ANN = {"by": "Ann Ruiz", "role": "facilities"}


def site(tmp_path: Path, *rooms: str, more: str = "") -> Site:
    """Return a site as it is read from its file."""
    given = ", ".join(f'{{ id = "{room}" }}' for room in rooms or ROOMS)
    head = f'timezone = "America/Los_Angeles"\n[[buildings]]\nid = "maple"\nrooms = [{given}]\n'
    file, faults = tmp_path / "site.toml", list[Any]()
    file.write_text(head + more, encoding="utf-8")
    found = read_site([file], {}, faults)
    assert found is not None and not faults, faults
    return found


def device(room: str, more: str = "") -> str:
    return (
        f'[[buildings.sensors]]\nid = "win"\nroom = "{room}"\ntopic = "{TOPIC}"\n'
        f'format = "zigbee2mqtt"\n{more}\n'
    )


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Connection]:
    with closing(open_for_writing(store_url(tmp_path, "kept.db"))) as connection:
        yield connection


@pytest.fixture
def service(store: Connection, tmp_path: Path) -> Service:
    return Service(store, site(tmp_path), "safetyd", NOON - DAY)


def says(service: Service, at: datetime, said: object, topic: str = TOPIC) -> None:
    service.take(Message(at, topic, json.dumps(said).encode()))
    service.commit(at)


def said(**more: object) -> dict[str, Any]:
    return {"do": "assign", "topic": TOPIC, "building": "maple", "room": "12", **ANN, **more}


def assign(service: Service, at: datetime = NOON, **more: object) -> dict[str, Any]:
    told = carry_out(service, said(**more), at)
    service.commit(at)
    return told


def unassign(service: Service, at: datetime, **more: object) -> dict[str, Any]:
    told = carry_out(service, {"do": "unassign", "topic": TOPIC, **ANN, **more}, at)
    service.commit(at)
    return told


def refused(service: Service, **more: object) -> str:
    with pytest.raises(SafetydError) as caught:
        carry_out(service, said(**more), NOON)
    assert not service.assignments and not service.is_waiting
    return str(caught.value)


def strays_of(service: Service, at: datetime = NOON) -> list[str]:
    seen = view(service.connection, service.site, "safetyd", at)
    return [each["topic"] for each in seen.strays()]


def test_from_now_on_it_is_the_rooms_and_opens_a_ticket(service: Service) -> None:
    says(service, NOON - HOUR, MILD)
    assert strays_of(service) == [TOPIC]
    told = assign(service)
    assert told["assignment"] == {
        "topic": TOPIC,
        "building": "maple",
        "room": "12",
        "sensor": "north-window",
        "format": "zigbee2mqtt",
        "from": "2026-12-01T20:00:00Z",
        "until": None,
        "at": "2026-12-01T20:00:00Z",
        "note": "",
        **ANN,
    }
    assert (told["judged"], told["is_all"], strays_of(service)) == (0, True, [])
    says(service, NOON + MINUTE, COLD)
    (ticket,) = service.world.tickets.values()
    assert ticket.place == Place("maple", "12") and ticket.began_at == NOON + MINUTE


def test_what_it_said_before_is_judged_as_learned_now(service: Service) -> None:
    for minute in range(60, 0, -5):
        says(service, NOON - minute * MINUTE, COLD)
    assert not service.world.tickets
    told = assign(service, **{"from": "2026-12-01T11:30:00"})
    (ticket,) = service.world.tickets.values()
    assert (ticket.began_at, ticket.opened_at) == (NOON - 30 * MINUTE, NOON)
    assert told["judged"] == 6 and told["is_all"]
    assert "6 messages were judged as learned now" in told["says"]


def test_a_late_past_goes_between_what_the_room_has_said(service: Service) -> None:
    for minute in range(60, 0, -5):
        says(service, NOON - minute * MINUTE, COLD if 40 > minute > 20 else MILD)
        says(
            service,
            NOON - minute * MINUTE,
            {"temperature_f": 70, "humidity": 44},
            "safetyd/readings/maple/12",
        )
    assert not service.world.tickets
    assign(service, **{"from": "first"})
    (ticket,) = service.world.tickets.values()
    assert (ticket.began_at, ticket.opened_at) == (NOON - 35 * MINUTE, NOON)


def test_a_past_judged_at_once_is_what_it_is_judged_piece_by_piece(service: Service, tmp_path: Path) -> None:
    """The same as a backlog of a sensor of the site file: law 2 knows no difference."""
    native = "safetyd/readings/maple/12"
    for minute in range(300, 0, -5):
        says(service, NOON - minute * MINUTE, COLD if minute % 100 > 60 else MILD)
        says(service, NOON - minute * MINUTE + MINUTE, {"temperature_f": 70, "humidity": 44}, native)
    assign(service, **{"from": "first"})
    rows = service.connection.exec_driver_sql("SELECT count(*) FROM reading").scalar()

    with closing(open_for_writing(store_url(tmp_path, "other.db"))) as other:
        by_file = Service(other, site(tmp_path, more=device("12")), "safetyd", NOON - DAY)
        for minute in range(300, 0, -5):
            said_then = {"temperature_f": 70, "humidity": 44}
            says(by_file, NOON - minute * MINUTE + MINUTE, said_then, native)
        for minute in range(300, 0, -5):
            at = NOON - minute * MINUTE
            late = (COLD if minute % 100 > 60 else MILD) | {"last_seen": at.isoformat()}
            by_file.take(Message(NOON, TOPIC, json.dumps(late).encode()))
        by_file.commit(NOON)
        assert other.exec_driver_sql("SELECT count(*) FROM reading").scalar() == rows

        def spans(of: Service) -> list[object]:
            return sorted((e.condition, e.began_at, e.ended_at, e.worst) for e in of.world.episodes.values())

        assert spans(by_file) == spans(service) and len(spans(service)) == 3
        ids = [(each.id, each.began_at) for each in service.world.tickets.values()]
        assert [(each.id, each.began_at) for each in by_file.world.tickets.values()] == ids


def test_what_was_not_kept_is_said_to_be_lost(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strays, "KEPT_A_TOPIC", 3)
    for minute in range(60, 0, -5):
        says(service, NOON - minute * MINUTE, MILD)
    told = assign(service, **{"from": "first"})
    assert (told["judged"], told["is_all"]) == (3, False)
    assert told["says"].endswith("what came before Tue 1 Dec 11:45 is not kept and cannot be")


def test_nothing_of_a_past_before_the_first_word_is_missed(service: Service) -> None:
    says(service, NOON - HOUR, MILD)
    assert assign(service, **{"from": "2026-11-01"})["is_all"]


def test_a_restart_goes_on_and_knows_by_whom(store: Connection, service: Service, tmp_path: Path) -> None:
    says(service, NOON - HOUR, MILD)
    assign(service, note="found behind the curtain")
    again = Service(store, site(tmp_path), "safetyd", NOON + HOUR)
    assert again.site == service.site
    says(again, NOON + HOUR, COLD)
    assert [each.place for each in again.world.tickets.values()] == [Place("maple", "12")]
    (sensor,) = view(store, site(tmp_path), "safetyd", NOON + HOUR).sensors()
    (binding,) = sensor.bindings
    assert binding.assigned is not None and binding.assigned.note == "found behind the curtain"


def test_a_reload_keeps_it_and_a_room_that_is_gone_rests_it(
    store: Connection, service: Service, tmp_path: Path
) -> None:
    says(service, NOON - HOUR, MILD)
    assign(service)
    service.take_site(site(tmp_path, "12", "lab", "gym"), NOON + MINUTE)
    assert list(service.hearing.routes.exact) == [TOPIC]

    service.take_site(site(tmp_path, "lab"), NOON + 2 * MINUTE)
    service.commit(NOON + 2 * MINUTE)
    assert not service.hearing.routes.exact
    trouble = service.world.troubles[f"assignment of {TOPIC}"][TroubleKind.CONFIGURATION]
    assert "rests: room: no room here has the id '12'" in trouble.note
    assert trouble.place == Place("maple", None)

    again = Service(store, site(tmp_path, "lab"), "safetyd", NOON + HOUR)
    assert again.world.troubles.keys() >= {f"assignment of {TOPIC}"}
    again.take_site(site(tmp_path), NOON + HOUR)
    assert not again.world.troubles.get(f"assignment of {TOPIC}")
    assert list(again.hearing.routes.exact) == [TOPIC]


def test_the_site_file_wins(service: Service, tmp_path: Path) -> None:
    says(service, NOON - HOUR, MILD)
    assign(service)
    service.take_site(site(tmp_path, more=device("lab")), NOON + MINUTE)
    (route,) = service.hearing.routes.of(TOPIC)
    assert route.sensor.place == Place("maple", "lab")
    trouble = service.world.troubles[f"assignment of {TOPIC}"][TroubleKind.CONFIGURATION]
    assert "this is the topic of maple/win already" in trouble.note


def test_beside_a_span_of_the_site_file_that_is_over_it_holds(store: Connection, tmp_path: Path) -> None:
    file = site(tmp_path, more=device("lab", "until = 2026-11-20"))
    service = Service(store, file, "safetyd", NOON - DAY)
    says(service, NOON - HOUR, MILD)
    assign(service)
    assert [each.sensor.place.room for each in service.hearing.routes.of(TOPIC)] == ["lab", "12"]
    says(service, NOON + MINUTE, COLD)
    assert [each.place.room for each in service.world.tickets.values()] == ["12"]


def test_a_native_topic_of_no_room_is_of_the_one_it_is_assigned_to_until_the_file_has_its_own(
    service: Service, tmp_path: Path
) -> None:
    topic = "safetyd/readings/maple/attic"
    says(service, NOON - HOUR, {"temperature_f": 70}, topic)
    told = assign(service, topic=topic)
    assert (told["assignment"]["format"], told["assignment"]["sensor"]) == ("native", "attic")
    says(service, NOON + MINUTE, {"temperature_f": 55}, topic)
    assert [each.place.room for each in service.world.tickets.values()] == ["12"]
    service.take_site(site(tmp_path, "12", "attic"), NOON + HOUR)
    assert not service.hearing.routes.exact
    assert "by its own name" in str(service.world.troubles[f"assignment of {topic}"])


def test_a_witness_of_the_mains_is_of_the_building(service: Service) -> None:
    says(service, NOON - HOUR, {"mains": "on"}, "safetyd/power/oak")
    told = assign(service, topic="safetyd/power/oak", room=None)
    assert told["assignment"]["room"] is None
    says(service, NOON + MINUTE, {"mains": "off"}, "safetyd/power/oak")
    assert service.world.powers[Place("maple", None)].is_out


@pytest.mark.parametrize(
    ("topic", "heard", "room", "words"),
    [
        (TOPIC, MILD, None, "has told of humidity and temperature only, which is nothing of the building's"),
        ("safetyd/readings/oak/9", {"temperature_f": 66}, None, "assign it to its room"),
        ("safetyd/power/oak", {"mains": "on"}, "12", "has told of mains only, which is nothing of a room"),
        ("safetyd/power/oak", {"power_w": 60, "battery": 90}, "12", "witness of the building's electricity"),
    ],
)
def test_what_says_nothing_that_counts_in_a_place_is_not_assigned_to_it(
    service: Service, topic: str, heard: dict[str, Any], room: str | None, words: str
) -> None:
    says(service, NOON - HOUR, heard, topic)
    assert words in refused(service, topic=topic, room=room)


@pytest.mark.parametrize("room", ["12", None])
@pytest.mark.parametrize("heard", [{"battery": 90}, {"temperature_f": 66, "voltage": 121}])
def test_what_may_yet_say_something_of_a_place_is_assigned_to_it(
    service: Service, heard: dict[str, Any], room: str | None
) -> None:
    says(service, NOON - HOUR, heard, "safetyd/power/oak")
    assert assign(service, topic="safetyd/power/oak", room=room)["assignment"]["room"] == room


def test_it_is_let_go_and_given_to_another_room(store: Connection, service: Service) -> None:
    says(service, NOON - HOUR, MILD)
    assign(service)
    says(service, NOON + MINUTE, MILD)
    told = unassign(service, NOON + HOUR, note="moved")
    assert told["assignment"]["until"] == "2026-12-01T21:00:00Z"
    says(service, NOON + HOUR + MINUTE, COLD)
    assert not service.world.tickets and strays_of(service, NOON + 2 * HOUR) == [TOPIC]
    told = assign(service, NOON + 2 * HOUR, room="lab", **{"from": "2026-12-01T13:00:00"})
    assert told["judged"] == 1
    assert [each.place.room for each in service.world.tickets.values()] == ["lab"]
    verbs = [line.verb.value for line in assignments.record(store)]
    assert verbs == ["assign", "unassign", "assign"]
    assert store.exec_driver_sql("SELECT count(*) FROM reading").scalar() == 4  # nothing was taken back


def test_the_record_shows_what_was_changed_in_it(store: Connection, service: Service) -> None:
    says(service, NOON - HOUR, MILD)
    assign(service)
    unassign(service, NOON + HOUR)
    assert assignments.first_broken(store) is None
    store.execute(assignment.update().where(assignment.c.id == 1).values(room="lab"))
    assert assignments.first_broken(store) == 1


def test_a_replay_of_it_is_what_was_live(store: Connection, service: Service, tmp_path: Path) -> None:
    lines = []
    for minute in range(60, 0, -5):
        said_then = json.dumps(COLD if minute > 20 else MILD).encode()
        lines.append(Line(NOON - minute * MINUTE, Message(NOON - minute * MINUTE, TOPIC, said_then), None))
    lines.append(Line(NOON, None, said(**{"from": "first"})))
    lines.append(Line(NOON + MINUTE, Message(NOON + MINUTE, TOPIC, json.dumps(COLD).encode()), None))
    for line in lines:
        if line.message is not None:
            service.take(line.message)
        else:
            carry_out(service, line.command or {}, line.at)
        service.commit(line.at)
    told = replay(lines, site(tmp_path))
    assert [each["id"] for each in told["tickets"]] == list(service.world.tickets) != []
    live = [live_ticket(service, each, NOON + MINUTE) for each in service.world.tickets.values()]
    assert told["tickets"] == live


def test_nothing_of_a_batch_that_is_not_committed_yet_is_missed(service: Service) -> None:
    service.take(Message(NOON - MINUTE, TOPIC, json.dumps(COLD).encode()))
    assert assign(service, **{"from": "first"})["judged"] == 1
    assert len(service.world.tickets) == 1


def test_who_may_not_is_told_who_may(service: Service) -> None:
    says(service, NOON - HOUR, MILD)
    assert refused(service, role="educator") == (
        "Ann Ruiz is educator at maple: to assign is for facilities, administrator or district"
    )
    assert "give role" in refused(service, role=None)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (
            {"topic": "zigbee2mqtt/North windw"},
            "nothing was ever heard on 'zigbee2mqtt/North windw'; did you",
        ),
        ({"topic": "zigbee2mqtt/+"}, "has a wildcard; expected the topic of one device"),
        ({"topic": ""}, "assign needs topic"),
        ({"topic": "safetyd/readings/maple/lab"}, "is of maple/lab already, by its own name"),
        ({"building": "mapel"}, "no building has the id 'mapel'; did you mean 'maple'?"),
        ({"room": "labb"}, "no room here has the id 'labb'; expected 12 or lab; did you mean 'lab'?"),
        ({"format": "zigbe2mqtt"}, "no format is called 'zigbe2mqtt'"),
        ({"format": "zwave_js"}, "expected"),
        ({"from": "2026-12-01T20:00:01Z"}, "is yet to come; expected now or a time before it"),
        ({"from": "last week"}, "from: 'last week' is no time"),
        ({"sensor": "North Window"}, "sensor: 'North Window' is not an id"),
        ({"unit": "K"}, "unit: "),
        ({"measures": "warmth"}, "measures"),
        ({"values": "nonsense"}, "values"),
        ({"colour": "red"}, "assign has no key 'colour'"),
    ],
)
def test_what_cannot_be_is_refused_in_one_sentence(
    service: Service, asked: dict[str, Any], words: str
) -> None:
    says(service, NOON - HOUR, MILD)
    sentence = refused(service, **asked)
    assert words in sentence and "\n" not in sentence


def test_the_very_moment_is_not_in_the_future(service: Service) -> None:
    says(service, NOON - HOUR, MILD)
    assert assign(service, **{"from": "2026-12-01T20:00:00Z"})["judged"] == 0


def test_what_is_bound_is_let_go_first(service: Service, tmp_path: Path) -> None:
    says(service, NOON - HOUR, MILD)
    assign(service)
    with pytest.raises(SafetydError, match="is bound to maple/12 already, as north-window; end that first"):
        assign(service, NOON + MINUTE, room="lab")
    service.take_site(site(tmp_path, more=device("lab")), NOON + HOUR)
    unassign(service, NOON + HOUR)
    with pytest.raises(SafetydError, match="stands in the site file; it ends there"):
        unassign(service, NOON + HOUR)


def test_what_is_nobodys_cannot_be_let_go(service: Service) -> None:
    with pytest.raises(SafetydError, match="is assigned to no room"):
        unassign(service, NOON)


def test_it_cannot_end_before_it_began(service: Service) -> None:
    says(service, NOON - HOUR, MILD)
    assign(service)
    with pytest.raises(SafetydError, match="is before 2026-12-01T20:00:00Z"):
        unassign(service, NOON + HOUR, until="2026-12-01T19:59:59Z")
    assert unassign(service, NOON + HOUR, until="2026-12-01T20:00:00Z")["assignment"]["until"]


def test_a_message_that_says_nothing_of_its_system_needs_a_format(service: Service) -> None:
    says(service, NOON - HOUR, {"air": {"t": 13.0}}, "box/7")
    assert "leaves open who speaks; say one of" in refused(service, topic="box/7")
    assert "values" in refused(service, topic="box/7", format="json")
    assign(service, topic="box/7", format="json", values="temperature=air.t", unit="C")
    says(service, NOON + MINUTE, {"air": {"t": 13.0}}, "box/7")
    assert len(service.world.tickets) == 1


def test_of_each_topic_the_newest_are_kept_and_nothing_that_is_too_long(store: Connection) -> None:
    many = [strays.KeptStray(TOPIC, NOON + n * MINUTE, b"%d" % n) for n in range(strays.KEPT_A_TOPIC + 2)]
    strays.keep(store, [*many, strays.KeptStray("other", NOON, b"x" * strays.KEPT_BYTES)])
    strays.keep(store, [strays.KeptStray("other", NOON, b"x" * (strays.KEPT_BYTES + 1))])
    assert [each.payload for each in strays.kept(store, TOPIC)][:1] == [b"2"]
    assert len(strays.kept(store, TOPIC)) == strays.KEPT_A_TOPIC
    assert len(strays.kept(store, "other")) == 1


def test_a_retained_message_is_no_past(service: Service) -> None:
    service.take(Message(NOON - HOUR, TOPIC, json.dumps(COLD).encode(), retain=True))
    service.commit(NOON - HOUR)
    assert assign(service, **{"from": "first"})["judged"] == 0
    assert not service.world.tickets


def test_a_site_that_was_made_so_before_is_made_anew_from_its_file(service: Service) -> None:
    says(service, NOON - HOUR, MILD)
    assign(service)
    service.take_site(service.site, NOON + MINUTE)
    service.take_site(service.site, NOON + MINUTE)
    assert len(service.hearing.routes.of(TOPIC)) == 1
