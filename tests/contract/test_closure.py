"""9.14.5: a building without electricity is closed until two people of the right role reopen it.

From when to when it was closed, and when a person told the district, is on record with its ticket; so are the
work hours in which staff could not work there, for which nobody's pay is reduced.
"""

import pytest

from tests.story import COLD, SCHOOL_YEAR, Json, Story, Told, clock

NOTHING: Json = {
    "state": "none",
    "told_district_at": None,
    "told_district_by": None,
    "closed_at": None,
    "closed_by": None,
    "lift_proposed_by": None,
    "reopened_at": None,
    "reopened_by": None,
    "staff_window": [],
}


def dark(calendar: str = "") -> Story:
    """Maple is dark from eight, its ticket opens at ten, and power is back for good at eleven."""
    story = Story(calendar=calendar).power("08:00", mains="off")
    return story.power("11:00", until="11:30", mains="on")


def closed(calendar: str = "") -> Story:
    return dark(calendar).act("10:10", "close_building", by="Ada", since=clock("09:00"))


def reopened(calendar: str = "") -> Story:
    story = closed(calendar).act("12:00", "lift", by="Bo", note="power is back")
    return story.act("12:30", "confirm_lift", by="Dora")


def closure(told: Told) -> Json:
    return dict(told.the_ticket(condition="outage")["closure"])


def row(told: Told, event: str) -> Json:
    (found,) = [line for line in told.the_ticket()["history"] if line["event"] == event]
    return dict(found)


def refusals(told: Told) -> list[str]:
    return [refused["reason"] for refused in told.rejected("action")]


# On record


def test_at_first_nothing_is_on_record_and_the_opening_says_what_to_do() -> None:
    told = dark().replay(until="12:00")
    assert closure(told) == NOTHING
    (notice,) = told.notices("opened")
    assert "safetyd ticket maple-2026-0001 close-building --by NAME" in notice["text"]


def test_what_is_no_outage_has_no_closure_and_is_told_so_in_a_sentence() -> None:
    story = Story().reading("12", "08:00", **COLD)
    for verb in ("tell_district", "close_building", "lift", "confirm_lift"):
        story.act("09:00", verb, by="Ada")
    told = story.replay(until="09:01")
    assert told.the_ticket()["closure"] is None
    assert len(refusals(told)) == 4 and all("is no outage but cold" in reason for reason in refusals(told))
    assert "close" not in told.notices("opened")[0]["text"]


def test_a_whole_closing_from_the_telling_to_the_reopening() -> None:
    told = reopened().act("10:04", "tell_district", by="Ada", note="by telephone").replay(until="13:00")
    assert closure(told) == {
        "state": "reopened",
        "told_district_at": clock("10:04"),
        "told_district_by": "Ada",
        "closed_at": clock("09:00"),
        "closed_by": "Ada",
        "lift_proposed_by": "Bo",
        "reopened_at": clock("12:30"),
        "reopened_by": "Dora",
        "staff_window": [[clock("09:00"), clock("12:30")]],
    }
    events = [(line["event"], line["by"], line["at"]) for line in told.the_ticket()["history"]]
    assert [each for each in events if each[1] != "safetyd"] == [
        ("tell_district", "Ada", clock("10:04")),
        ("close_building", "Ada", clock("10:10")),
        ("lift", "Bo", clock("12:00")),
        ("confirm_lift", "Dora", clock("12:30")),
    ]
    assert told.rejected() == []


def test_a_notice_to_the_district_is_not_the_administrators_own_telling() -> None:
    told = dark().replay(until="12:00")
    assert "Dora" in told.notices("opened")[0]["to"]
    assert closure(told)["told_district_at"] is None


def test_how_long_after_the_opening_the_district_was_told_is_on_record() -> None:
    told = dark().act("10:25", "tell_district", by="Ada").replay(until="12:00")
    assert row(told, "tell_district")["minutes_after_opening"] == "25"


def test_from_when_the_closing_applied_is_in_the_history() -> None:
    assert row(closed().replay(until="11:00"), "close_building")["closed_at"] == clock("09:00")


def test_a_closing_applies_from_its_recording_unless_it_says_otherwise() -> None:
    told = dark().act("10:10", "close_building").replay(until="11:00")
    assert closure(told)["closed_at"] == clock("10:10")


@pytest.mark.parametrize("since", ["07:59:59", "10:10:01"])
def test_it_applies_neither_before_the_outage_nor_from_a_time_to_come(since: str) -> None:
    told = dark().act("10:10", "close_building", since=clock(since)).replay(until="11:00")
    assert closure(told) == NOTHING
    assert "expected a time from" in refusals(told)[0]


def test_a_day_is_the_beginning_of_that_day() -> None:
    story = Story().power("2026-11-30 18:00", mains="off").act("10:10", "close_building", since="2026-12-01")
    assert closure(story.replay(until="11:00"))["closed_at"] == clock("00:00")


# Lifting


def test_power_that_is_back_lifts_nothing_and_neither_does_time() -> None:
    assert closure(closed().replay(until="2026-12-20 12:00"))["state"] == "closed"


def test_one_person_proposes_and_the_building_stays_closed() -> None:
    told = closed().act("12:00", "lift", by="Bo").replay(until="13:00")
    assert (closure(told)["state"], closure(told)["lift_proposed_by"]) == ("lifting", "Bo")
    assert closure(told)["reopened_at"] is None


@pytest.mark.parametrize("by", ["Bo", "bo", " BO "])
def test_the_same_person_cannot_do_both(by: str) -> None:
    told = closed().act("12:00", "lift", by="Bo").act("12:30", "confirm_lift", by=by).replay(until="13:00")
    assert closure(told)["state"] == "lifting"
    assert "cannot confirm it too" in refusals(told)[0]


@pytest.mark.parametrize("by", ["Finn", "Edda", "Axel", "Cleo", "A. Reyes"])
def test_nor_can_people_of_other_roles_or_buildings(by: str) -> None:
    told = closed().act("12:00", "lift", by=by).replay(until="13:00")
    assert closure(told)["state"] == "closed"
    assert refusals(told)[0].endswith(
        "expected one of Ada, Dora, Bo (in the site file administrator or district of this building)"
    )


def test_what_is_not_closed_cannot_be_lifted_nor_confirmed_unproposed() -> None:
    told = dark().act("12:00", "lift", by="Bo").act("12:10", "confirm_lift", by="Bo").replay(until="13:00")
    assert closure(told) == NOTHING
    assert ["cannot lift" in refusals(told)[0], "cannot confirm_lift" in refusals(told)[1]] == [True, True]


def test_while_it_is_dark_a_proposal_needs_words() -> None:
    story = Story().power("08:00", mains="off").act("10:10", "close_building")
    told = story.act("12:00", "lift", by="Bo").replay(until="13:00")
    assert closure(told)["state"] == "closed" and "say why in a note" in refusals(told)[0]
    told = story.act("12:10", "lift", by="Bo", note="a generator runs").replay(until="13:00")
    assert closure(told)["state"] == "lifting"


def test_the_next_outage_undoes_a_proposal() -> None:
    story = closed().act("12:00", "lift", by="Bo").power("12:10", mains="off")
    assert closure(story.replay(until="14:10"))["state"] == "lifting"
    told = story.act("14:30", "confirm_lift", by="Dora").replay(until="15:00")
    assert (closure(told)["state"], closure(told)["lift_proposed_by"]) == ("closed", None)
    assert "cannot confirm_lift" in refusals(told)[0]


def test_the_next_outage_after_a_reopening_may_close_the_building_again() -> None:
    story = reopened().power("13:00", mains="off").act("15:30", "close_building", since=clock("15:00"))
    told = story.replay(until="16:00")
    assert (closure(told)["state"], closure(told)["closed_at"]) == ("closed", clock("15:00"))
    assert closure(told)["staff_window"] == [[clock("09:00"), clock("12:30")], [clock("15:00"), None]]


# The ticket


def test_a_ticket_is_not_closed_before_its_building_is_open_again() -> None:
    told = closed().act("12:00", "close", note="power is back").replay(until="13:00")
    assert told.the_ticket()["status"] == "open"
    assert "the building is on record as closed" in refusals(told)[0]
    told = reopened().act("12:45", "close", note="power is back").replay(until="13:00")
    assert (told.the_ticket()["status"], refusals(told)) == ("closed", [])


def test_a_ticket_whose_building_was_never_closed_closes_as_ever() -> None:
    told = dark().act("12:00", "close", note="power is back").replay(until="13:00")
    assert (told.the_ticket()["status"], refusals(told)) == ("closed", [])


def test_the_closing_of_a_building_is_no_relief_and_moves_no_status() -> None:
    told = reopened().replay(until="13:00")
    assert told.the_ticket()["status"] == "open"
    assert told.the_ticket()["deadlines"] == dark().replay(until="13:00").the_ticket()["deadlines"]


# Pay


def test_the_staff_window_is_cut_to_work_hours_and_kept_in_the_history() -> None:
    story = closed(SCHOOL_YEAR).act("17:00", "lift", by="Bo")
    told = story.act("2026-12-02 09:30", "confirm_lift", by="Dora").replay(until="2026-12-03 12:00")
    spans = [[clock("09:00"), clock("16:30")], [clock("2026-12-02 07:45"), clock("2026-12-02 09:30")]]
    assert closure(told)["staff_window"] == spans
    assert row(told, "confirm_lift")["staff_window"] == ", ".join("/".join(span) for span in spans)


# Usage


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"do": "close_building", "by": ""}, "needs by"),
        ({"do": "lift", "by": None}, "needs by"),
        ({"do": "lift", "by": "Bo", "since": clock("09:00")}, "lift has no key 'since'"),
        ({"do": "close_building", "tier": "immediate"}, "close_building has no key 'tier'"),
        ({"do": "close_building", "since": "nine"}, "since: 'nine' is no time"),
        ({"do": "tell_district", "ticket": "maple-2026-0009"}, "there is no ticket"),
        ({"do": "tell_distrct"}, "did you mean"),
    ],
)
def test_what_is_said_wrongly_is_refused_and_changes_nothing(keys: Json, words: str) -> None:
    told = dark().act("12:00", **keys).replay(until="13:00")
    assert closure(told) == NOTHING
    assert words in refusals(told)[0].lower()


def test_the_same_story_gives_the_same_bytes() -> None:
    assert (
        reopened(SCHOOL_YEAR).replay(until="13:00").text == reopened(SCHOOL_YEAR).replay(until="13:00").text
    )
