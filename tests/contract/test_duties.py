"""9.14.3.A to E, 9.14.4 and 9.14.5 as a checklist: who did what and when, and what is not on record.

A notice of safetyd's own is nobody's written notice, a sensor in range is nobody's relief, and whether
anybody may refuse work (9.9.1) is never said.
"""

from typing import Any

import pytest

from tests.story import COLD, FIRST, MILD, SCHOOL_YEAR, Json, Story, clock

AT_SCHOOL, IN_THE_EVENING = "09:00", "18:00"


def a_cold_room(at: str = AT_SCHOOL) -> Story:
    return Story(calendar=SCHOOL_YEAR).reading("12", at, **COLD)


def does(story: Story, at: str, do: str, **keys: Any) -> Story:
    return story.line(at, do=do, **{"ticket": FIRST, "by": "J. Doe", **keys})


def checklist(story: Story, until: str) -> dict[str, str]:
    ticket = story.replay(until=until).the_ticket()
    return {duty["clause"]: duty["state"] for duty in ticket["duties"]}


def duty(story: Story, clause: str, until: str) -> Json:
    ticket = story.replay(until=until).the_ticket()
    (found,) = [each for each in ticket["duties"] if each["clause"] == clause]
    return dict(found)


def test_a_new_ticket_asks_for_a_notice_relief_and_a_space() -> None:
    assert checklist(a_cold_room(), "09:05") == {
        "9.14.3.A": "not_on_record",
        "9.14.3.B": "not_on_record",
        "9.14.3.C": "not_on_record",
        "9.14.3.D": "not_applicable",
    }


def test_outside_the_student_day_a_location_is_asked_for_and_no_space() -> None:
    found = checklist(a_cold_room(IN_THE_EVENING), "18:05")
    assert (found["9.14.3.C"], found["9.14.3.D"]) == ("not_applicable", "not_on_record")


@pytest.mark.parametrize(
    ("until", "c"), [("2026-12-02 08:29", "not_applicable"), ("2026-12-02 08:30", "not_on_record")]
)
def test_a_breach_that_reaches_into_the_next_student_day_asks_for_a_space(until: str, c: str) -> None:
    assert checklist(a_cold_room(IN_THE_EVENING), until)["9.14.3.C"] == c


def test_the_educators_own_notice_is_a_and_safetyds_is_not() -> None:
    story = a_cold_room()
    told = story.replay(until="09:05")
    assert told.notices("opened"), "everybody was told"
    assert checklist(story, "09:05")["9.14.3.A"] == "not_on_record"
    story.report("09:12", "12", notice="cold", note="57 degrees, children in coats")
    found = duty(story, "9.14.3.A", "09:15")
    assert found["state"] == "on_record"
    assert found["proofs"] == [
        {"at": clock("09:12"), "by": "A. Reyes", "words": "57 degrees, children in coats"}
    ]


def test_relief_is_b_with_its_kind_and_place_and_is_due_in_a_day() -> None:
    story = a_cold_room()
    assert duty(story, "9.14.3.B", "09:05")["due_at"] == clock("09:00", hours=24)
    assert checklist(story, "2026-12-02 09:00")["9.14.3.B"] == "not_on_record"
    assert checklist(story, "2026-12-02 09:00:01")["9.14.3.B"] == "overdue"
    does(story, "10:00", "relieve", tier="mitigation", kind="fans_or_heaters", note="two heaters")
    found = duty(story, "9.14.3.B", "10:05")
    assert (found["state"], found["proofs"][0]["words"]) == ("on_record", "fans or heaters; two heaters")
    assert checklist(story, "10:05")["9.14.3.C"] == "not_on_record", "heaters are no other space"


def test_a_space_that_was_offered_is_c_with_the_room_and_the_time() -> None:
    story = does(
        a_cold_room(), "10:00", "relieve",
        tier="mitigation", kind="alternative_space", room="Library", since=clock("09:40"),
    )  # fmt: skip
    assert checklist(story, "10:05")["9.14.3.C"] == "on_record"
    assert duty(story, "9.14.3.C", "10:05")["proofs"][0]["words"] == "alternative space; Library"
    row = story.replay(until="10:05").the_ticket()["history"][-1]
    assert (row["room"], row["since"]) == ("Library", clock("09:40"))


@pytest.mark.parametrize("since", [clock("08:59:59"), clock("10:00:01")])
def test_relief_was_given_between_the_breach_and_now(since: str) -> None:
    story = does(a_cold_room(), "10:00", "relieve", tier="mitigation", since=since)
    told = story.replay(until="10:05")
    assert "since" in told.rejected("action")[0]["reason"]
    assert told.the_ticket()["status"] == "open"


def test_a_new_work_location_is_d() -> None:
    story = a_cold_room(IN_THE_EVENING).report("18:10", "12", location="the staff room", role="educator")
    found = duty(story, "9.14.3.D", "18:15")
    assert (found["state"], found["proofs"][0]["words"]) == ("on_record", "the staff room")


def test_e_is_what_is_not_on_record_and_no_conclusion() -> None:
    story = a_cold_room().report("09:12", "12", notice="cold")
    told = story.replay(until="2026-12-02 10:00")
    ticket = told.the_ticket()
    assert ticket["not_on_record"] == ["9.14.3.B", "9.14.3.C", "9.14.3.D"]
    assert ticket["verdict"] == "breach"
    assert "9.9.1" not in told.text


def test_warm_air_is_nobodys_relief() -> None:
    story = a_cold_room().reading("12", "09:30", until="11:00", **MILD)
    ticket = story.replay(until="11:00").the_ticket()
    assert ticket["verdict"] == "ok" and ticket["episodes"][0]["ended_at"] is not None
    assert "9.14.3.B" in ticket["not_on_record"]


def test_a_hazard_has_the_same_duties_by_its_own_clause() -> None:
    story = Story(calendar=SCHOOL_YEAR).report("09:00", "12", hazard="leaks")
    assert set(checklist(story, "09:05")) == {f"9.14.4.{letter}" for letter in "ABCD"}
    assert duty(story, "9.14.4.B", "09:05")["due_at"] == clock("09:00", days=14)


def test_an_outage_asks_that_the_district_is_told_and_the_building_closed() -> None:
    story = Story().power("09:00", mains="off")
    does(story, "11:05", "tell_district")
    ticket = story.replay(until="11:10").the_ticket()
    assert [(each["duty"], each["state"]) for each in ticket["duties"]] == [
        ("the district told immediately", "on_record"),
        ("the building closed until resolved", "not_on_record"),
        ("relief (9.9.4)", "not_on_record"),
    ]
    assert ticket["duties"][0]["proofs"][0]["by"] == "J. Doe"


# Who acts


def test_who_a_person_is_to_the_building_stands_with_what_they_did() -> None:
    story = does(a_cold_room(), "10:00", "acknowledge", by="finn")
    does(story, "10:01", "note", by="T. Brandt", role="association", note="seen")
    does(story, "10:02", "note", by="Somebody", note="seen")
    rows = story.replay(until="10:05").the_ticket()["history"]
    assert [row.get("role") for row in rows[-3:]] == ["facilities", "association", None]


def test_nobody_passes_for_what_the_site_file_knows_them_not_to_be() -> None:
    story = does(a_cold_room(), "10:00", "acknowledge", by="Finn", role="association")
    told = story.replay(until="10:05")
    assert "Finn is facilities here" in told.rejected("action")[0]["reason"]
    assert told.the_ticket()["status"] == "open"


def test_who_agreed_to_an_extension_is_on_record() -> None:
    until = clock("09:00", hours=48)
    story = does(
        a_cold_room(), "10:00", "extend",
        tier="mitigation", until=until, agreed_by="Ada, T. Brandt", note="parts on Thursday",
    )  # fmt: skip
    row = story.replay(until="10:05").the_ticket()["history"][-1]
    assert (row["event"], row["agreed_by"], row["note"]) == (
        "extended",
        "Ada, T. Brandt",
        "parts on Thursday",
    )


# One decision for many rooms

ROOMS = ("12", "14", "16")


def a_boiler_failure() -> Story:
    story = Story(rooms=ROOMS)
    for room in ROOMS:
        story.reading(room, "09:00", **COLD)
    return story


def test_several_tickets_are_acted_on_at_once_and_each_has_it_on_record() -> None:
    ids = [f"maple-2026-000{n}" for n in (1, 2, 3)]
    story = a_boiler_failure().line(
        "10:00", do="relieve", ticket=ids, tier="mitigation", kind="restored", by="Finn", note="boiler lit"
    )
    tickets = story.replay(until="10:05").tickets
    assert [ticket["status"] for ticket in tickets] == ["relieved"] * 3
    assert all(ticket["history"][-1]["note"] == "boiler lit" for ticket in tickets)


def test_what_is_refused_of_one_stops_no_other() -> None:
    story = a_boiler_failure()
    does(story, "09:30", "close", ticket="maple-2026-0002", note="no room any more")
    told = story.line(
        "10:00", do="acknowledge", ticket=["maple-2026-0001", "maple-2026-0002", "nothing"], by="Finn"
    ).replay(until="10:05")
    assert [ticket["status"] for ticket in told.tickets] == ["acknowledged", "closed", "open"]
    (refused,) = told.rejected("action")
    assert "maple-2026-0002 is closed" in refused["reason"] and "nothing" in refused["reason"]
    assert "the others are done" in refused["reason"]


# An instrument that shows the heat index itself


@pytest.mark.parametrize(("value_f", "opens"), [(85.0, False), (85.1, True)])
def test_a_heat_index_beyond_the_limit_opens_a_ticket_by_itself(value_f: float, opens: bool) -> None:
    story = Story().reading("12", "12:55", **MILD)
    story.report("13:00", "12", heat_index_f=value_f, instrument="heat index psychrometer")
    told = story.replay(until="13:05")
    assert bool(told.tickets) is opens
    if opens:
        ticket = told.the_ticket()
        assert (ticket["condition"], ticket["worst"]["value"]) == ("heat", value_f)
        assert "heat index psychrometer" in ticket["history"][0]["note"]
        assert ticket["verdict"] == "ok", "what the sensor says stands beside it"


@pytest.mark.parametrize("value_f", [31.9, 160.1])
def test_a_heat_index_that_no_instrument_shows_is_refused(value_f: float) -> None:
    told = Story().report("13:00", "12", heat_index_f=value_f).replay(until="13:05")
    assert told.tickets == [] and "heat_index_f" in told.rejected("action")[0]["reason"]


def test_the_same_heat_measured_again_is_one_episode_and_one_message_and_later_heat_another() -> None:
    story = Story().report("13:00", "12", heat_index_f=91.0).report("13:10", "12", heat_index_f=93.0)
    story.report("13:20", "12", heat_index_f=90.0).report("14:30", "12", heat_index_f=92.0)
    told = story.replay(until="15:00")
    first, second = told.the_ticket()["episodes"]
    assert (first["began_at"], first["ended_at"], first["worst"]) == (clock("13:00"), clock("13:20"), 93.0)
    assert second["began_at"] == clock("14:30")
    assert (len(told.notices("opened")), len(told.notices("recurred"))) == (1, 1)


def test_relief_that_was_put_off_by_agreement_is_not_overdue_before_that() -> None:
    story = Story().reading("12", "08:00", **COLD)
    story.act("09:00", "extend", tier="mitigation", until=clock("08:00", hours=72), agreed_by="both")
    (duty,) = [
        each
        for each in story.replay(until="2026-12-03 08:00").the_ticket()["duties"]
        if ".B" in each["clause"]
    ]
    assert (duty["state"], duty["due_at"]) == ("not_on_record", clock("08:00", hours=72))
    (duty,) = [
        each
        for each in story.replay(until="2026-12-05 08:00").the_ticket()["duties"]
        if ".B" in each["clause"]
    ]
    assert duty["state"] == "overdue"
