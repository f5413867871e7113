"""9.14.4: what no sensor sees, a person reports, and it is owed relief like anything else.

A hazard of one of the known classes opens a ticket of its own; a reading by hand counts like a sensor's; a
written notice and a new work location go on record with the ticket of the room.
"""

import pytest

from tests.story import COLD, FIRST, SOMEBODY, Json, Story, clock, deadline, states

CLASSES = [
    "electricity",
    "internet",
    "water",
    "pests",
    "mold",
    "asbestos",
    "smoke",
    "air_quality",
    "leaks",
    "temperature",
    "other",
]


def a_leak() -> Story:
    return Story().report("10:00", "lab", hazard="leaks", note="under the sink")


# Hazards


@pytest.mark.parametrize("hazard", CLASSES)
def test_every_class_can_be_reported(hazard: str) -> None:
    ticket = Story().report("10:00", "lab", hazard=hazard, note="seen").replay().the_ticket()
    assert (ticket["condition"], ticket["hazard"], ticket["clause"]) == ("hazard", hazard, "9.14.4")
    assert (ticket["building"], ticket["room"], ticket["status"]) == ("maple", "lab", "open")
    assert (ticket["began_at"], ticket["opened_at"]) == (clock("10:00"), clock("10:00"))


def test_relief_is_due_in_two_weeks() -> None:
    ticket = a_leak().replay().the_ticket()
    assert list(states(ticket)) == ["immediate", "midterm", "long_term"]
    assert deadline(ticket, "immediate")["due_at"] == clock("10:00", days=14)


def test_for_temperature_there_is_the_day_as_well() -> None:
    ticket = Story().report("10:00", "lab", hazard="temperature").replay().the_ticket()
    assert deadline(ticket, "mitigation")["due_at"] == clock("10:00", hours=24)
    assert deadline(ticket, "immediate")["due_at"] == clock("10:00", days=14)


def test_the_history_names_who_reported_what() -> None:
    rows = a_leak().replay().the_ticket()["history"]
    assert any("under the sink" in row["note"] for row in rows)
    assert any(SOMEBODY in f"{row['by']} {row['note']}" for row in rows)


def test_a_hazard_of_the_whole_building_has_no_room() -> None:
    assert Story().report("10:00", None, hazard="water").replay().the_ticket()["room"] is None


def test_the_same_hazard_of_the_same_place_is_one_ticket() -> None:
    told = a_leak().report("11:00", "lab", hazard="leaks", note="more").replay()
    assert told.the_ticket()["began_at"] == clock("10:00")


def test_another_class_another_room_or_the_building_is_another() -> None:
    story = a_leak().report("11:00", "lab", hazard="mold").report("12:00", "12", hazard="leaks")
    story.report("13:00", None, hazard="leaks")
    assert len(story.replay().tickets) == 4


def test_it_is_a_breach_until_relieved_and_unknown_thereafter() -> None:
    story = a_leak()
    assert story.replay(until="2026-12-03 10:00").the_ticket()["verdict"] == "breach"
    story.act("2026-12-03 10:00", "relieve", tier="immediate", note="pipe mended")
    ticket = story.replay().the_ticket()
    assert (ticket["status"], ticket["verdict"]) == ("relieved", "unknown")


def test_unrelieved_it_closes_only_with_a_note_and_relieved_without() -> None:
    refused = a_leak().act("11:00", "close").replay()
    assert refused.the_ticket()["status"] == "open"
    assert len(refused.rejected("action")) == 1
    closed = a_leak().act("11:00", "relieve", tier="immediate").act("12:00", "close").replay()
    assert closed.the_ticket()["status"] == "closed"


# Reports that are refused


@pytest.mark.parametrize(
    "keys",
    [
        {"building": "maple", "room": "lab", "by": SOMEBODY, "hazard": "dragons"},
        {"building": "maple", "room": "lab", "by": SOMEBODY},
        {"building": "maple", "room": "lab", "hazard": "leaks"},
        {"building": "maple", "room": "lab", "by": "", "hazard": "leaks"},
        {"building": "maple", "by": SOMEBODY, "hazard": "leaks"},
        {"room": "lab", "by": SOMEBODY, "hazard": "leaks"},
        {"building": "maple", "room": "attic", "by": SOMEBODY, "hazard": "leaks"},
        {"building": "birch", "room": "lab", "by": SOMEBODY, "hazard": "leaks"},
    ],
    ids=[
        "unknown hazard",
        "nothing reported",
        "no name",
        "empty name",
        "no room",
        "no building",
        "unknown room",
        "unknown building",
    ],
)
def test_a_report_that_lacks_something_or_names_the_unknown_is_refused(keys: dict[str, object]) -> None:
    told = Story().line("10:00", do="report", **keys).replay(until="11:00")
    assert told.tickets == []
    (refused,) = told.rejected("action")
    assert refused["at"] == clock("10:00")
    assert refused["reason"]


# Readings by hand


@pytest.mark.parametrize(
    ("air", "condition"),
    [
        ({"temperature_f": 59.9, "humidity": 45}, "cold"),
        ({"temperature_c": 15.5, "humidity": 45}, "cold"),
        ({"temperature_f": 88, "humidity": 50}, "heat"),
        ({"temperature_c": 31, "humidity": 55}, "heat"),
    ],
)
def test_a_reading_by_hand_beyond_the_limit_opens_a_ticket_by_itself(air: Json, condition: str) -> None:
    ticket = Story().report("10:00", "lab", instrument="psychrometer 4", **air).replay().the_ticket()
    assert (ticket["condition"], ticket["clause"], ticket["room"]) == (condition, "9.14.3", "lab")
    assert ticket["began_at"] == clock("10:00")


@pytest.mark.parametrize("temperature_f", [60, 83])
def test_a_reading_by_hand_within_the_limits_opens_none(temperature_f: float) -> None:
    story = Story().report(
        "10:00", "lab", temperature_f=temperature_f, humidity=45, instrument="psychrometer 4"
    )
    told = story.replay(until="10:10")
    assert told.tickets == []
    assert told.rejected() == []


def test_a_reading_by_hand_counts_beside_a_sensor_that_sees_nothing() -> None:
    story = Story().reading("lab", "09:55", until="10:30", temperature_f=70, humidity=40)
    story.report("10:02", "lab", temperature_f=58, humidity=45, instrument="psychrometer 4")
    assert story.replay().the_ticket()["began_at"] == clock("10:02")


# Notices and locations


@pytest.mark.parametrize(
    "what",
    [{"notice": "cold", "note": "wrote to the office"}, {"location": "library annex", "note": "until noon"}],
)
def test_a_written_notice_and_a_new_location_go_into_the_history_of_the_rooms_ticket(
    what: dict[str, str],
) -> None:
    story = Story().reading("lab", "09:55", **COLD).report("10:30", "lab", by="T. Ito", **what)
    told = story.replay(until="11:00")
    ticket = told.the_ticket(id=FIRST)
    (row,) = [row for row in ticket["history"] if row["at"] == clock("10:30")]
    assert row["by"] == "T. Ito"
    assert what.get("location", what["note"]) in row["note"]
    assert told.rejected() == []


@pytest.mark.parametrize("what", [{"notice": "cold"}, {"location": "library annex"}])
def test_and_open_none_of_their_own(what: dict[str, str]) -> None:
    assert Story().report("10:30", "lab", note="as agreed", **what).replay(until="11:00").tickets == []
