"""The ticket: people move it, physics may only wake it, and what is not allowed changes nothing.

It goes from open by acknowledged and relieved to closed. A new episode opens it again, so does a person; at
most one is open for a place and condition, and it closes by no other hand than a person's.
"""

import json

import pytest

from tests.story import COLD, FIRST, MILD, SOMEBODY, Json, Story, clock, deadline, states, times

STEPS_TO = {
    "open": (),
    "acknowledged": ("acknowledge",),
    "relieved": ("acknowledge", "relieve"),
    "closed": ("acknowledge", "relieve", "close"),
}
KEYS: dict[str, Json] = {
    "relieve": {"tier": "mitigation"},
    "extend": {"tier": "immediate", "until": "2027-01-08T20:00:00Z"},
}
LATER = "2026-12-01 11:00"


def cold_since_eight() -> Story:
    return Story().reading("12", "08:00", **COLD)


def cold_and_over() -> Story:
    return cold_since_eight().reading("12", "08:05", until="08:40", **MILD)


def act(story: Story, at: str, do: str, **keys: object) -> Story:
    return story.act(at, do, **{"note": "as agreed", **KEYS.get(do, {}), **keys})


def brought_to(status: str) -> Story:
    story = cold_since_eight()
    for step, do in enumerate(STEPS_TO[status]):
        act(story, f"09:0{step}", do)
    return story


# Status and action


@pytest.mark.parametrize("status", list(STEPS_TO))
def test_a_ticket_goes_from_open_by_acknowledged_and_relieved_to_closed(status: str) -> None:
    told = brought_to(status).replay(until="10:00")
    assert told.the_ticket()["status"] == status
    assert told.rejected() == []


@pytest.mark.parametrize(
    ("status", "do", "becomes"),
    [
        ("open", "acknowledge", "acknowledged"),
        ("open", "relieve", "relieved"),
        ("open", "note", "open"),
        ("open", "extend", "open"),
        ("open", "dispute", "open"),
        ("open", "close", "closed"),
        ("acknowledged", "relieve", "relieved"),
        ("acknowledged", "note", "acknowledged"),
        ("acknowledged", "extend", "acknowledged"),
        ("acknowledged", "dispute", "acknowledged"),
        ("acknowledged", "close", "closed"),
        ("acknowledged", "reopen", "open"),
        ("relieved", "relieve", "relieved"),
        ("relieved", "note", "relieved"),
        ("relieved", "extend", "relieved"),
        ("relieved", "dispute", "relieved"),
        ("relieved", "close", "closed"),
        ("relieved", "reopen", "open"),
        ("closed", "reopen", "open"),
    ],
)
def test_what_the_state_allows_is_done(status: str, do: str, becomes: str) -> None:
    tier = {"tier": "immediate"} if do == "relieve" else {}
    told = act(brought_to(status), "10:00", do, **tier).replay(until="10:01")
    assert told.rejected() == []
    ticket = told.the_ticket()
    assert ticket["status"] == becomes
    assert (ticket["history"][-1]["at"], ticket["history"][-1]["by"]) == (clock("10:00"), SOMEBODY)


@pytest.mark.parametrize(
    ("status", "do"),
    [("relieved", "acknowledge"), ("closed", "acknowledge"), ("closed", "relieve"), ("closed", "close")],
)
def test_what_the_state_does_not_allow_is_refused_and_changes_nothing(status: str, do: str) -> None:
    untouched = brought_to(status).replay(until="10:01").the_ticket()
    told = act(brought_to(status), "10:00", do).replay(until="10:01")
    assert told.the_ticket() == untouched
    (refused,) = told.rejected("action")
    assert refused["at"] == clock("10:00")
    assert refused["reason"]


@pytest.mark.parametrize(
    ("status", "do"),
    [
        ("open", "reopen"),
        ("acknowledged", "acknowledge"),
        ("closed", "note"),
        ("closed", "extend"),
        ("closed", "dispute"),
    ],
)
def test_refused_or_not_these_leave_the_status_alone(status: str, do: str) -> None:
    assert act(brought_to(status), "10:00", do).replay(until="10:01").the_ticket()["status"] == status


# Refusals


@pytest.mark.parametrize(
    "keys",
    [
        {"do": "acknowledge", "ticket": FIRST},
        {"do": "acknowledge", "ticket": FIRST, "by": ""},
        {"do": "acknowledge", "by": SOMEBODY},
        {"do": "acknowledge", "ticket": "maple-2026-0099", "by": SOMEBODY},
        {"do": "celebrate", "ticket": FIRST, "by": SOMEBODY},
        {"do": "relieve", "ticket": FIRST, "by": SOMEBODY},
        {"do": "relieve", "ticket": FIRST, "by": SOMEBODY, "tier": "someday"},
        {"do": "relieve", "ticket": FIRST, "by": SOMEBODY, "tier": "mitigation", "kind": "prayer"},
        {"do": "extend", "ticket": FIRST, "by": SOMEBODY, "tier": "immediate"},
        {"do": "extend", "ticket": FIRST, "by": SOMEBODY, "until": "2027-01-08T20:00:00Z"},
        {"do": "extend", "ticket": FIRST, "by": SOMEBODY, "tier": "immediate", "until": "soon"},
        {"do": "close", "ticket": FIRST, "by": SOMEBODY},
    ],
    ids=[
        "no name",
        "empty name",
        "no ticket",
        "unknown ticket",
        "unknown action",
        "relief of no tier",
        "relief of an unknown tier",
        "an unknown kind of relief",
        "extended to no date",
        "extension of no tier",
        "extended to no date that is one",
        "closed over a breach without a word",
    ],
)
def test_an_action_that_is_not_in_order_is_refused_and_changes_nothing(keys: Json) -> None:
    untouched = cold_since_eight().replay(until=LATER).the_ticket()
    told = cold_since_eight().line("10:00", **keys).replay(until=LATER)
    assert told.the_ticket() == untouched
    (refused,) = told.rejected("action")
    assert refused["at"] == clock("10:00")
    assert refused["reason"]


def test_a_refusal_names_the_ticket_and_the_replay_goes_on() -> None:
    told = cold_since_eight().act("10:00", "close").act("10:05", "acknowledge").replay()
    (refused,) = told.rejected()
    assert refused["kind"] == "action"
    assert FIRST in (refused.get("ticket"), refused.get("topic"))
    assert told.the_ticket()["status"] == "acknowledged"


# Relief and waking up


@pytest.mark.parametrize(
    "kind", ["restored", "alternative_space", "fans_or_heaters", "early_release", "closure", "other"]
)
def test_relief_may_say_of_what_kind_it_is(kind: str) -> None:
    told = act(cold_since_eight(), "09:00", "relieve", kind=kind).replay()
    assert told.the_ticket()["status"] == "relieved"


@pytest.mark.parametrize("status", ["acknowledged", "relieved"])
def test_a_new_episode_opens_it_again_and_moves_no_deadline(status: str) -> None:
    story = cold_and_over()
    for step, do in enumerate(STEPS_TO[status]):
        act(story, f"09:0{step}", do)
    before = story.replay(until="09:59").the_ticket()
    story.reading("12", "10:00", **COLD)
    after = story.replay(until="10:01").the_ticket()
    assert (before["status"], after["status"]) == (status, "open")
    assert after["deadlines"] == before["deadlines"]
    assert len(after["episodes"]) == len(before["episodes"]) + 1


def test_the_same_breach_carrying_on_wakes_nobody() -> None:
    story = act(cold_since_eight(), "09:00", "relieve").reading("12", "09:05", until="10:00", **COLD)
    ticket = story.replay().the_ticket()
    assert (ticket["status"], ticket["verdict"]) == ("relieved", "breach")


def test_readings_close_nothing() -> None:
    story = cold_and_over().reading("12", "08:45", until="2026-12-02 08:45", every=15, **MILD)
    assert story.replay().the_ticket()["status"] == "open"


# Closing, and what follows


def test_once_the_episode_is_over_it_closes_without_a_note() -> None:
    told = cold_and_over().act("09:00", "close").replay()
    assert told.the_ticket()["status"] == "closed"
    assert told.rejected() == []


def test_when_nothing_is_known_any_more_it_closes_without_a_note() -> None:
    told = cold_and_over().act("14:00", "close").replay()
    assert told.the_ticket()["status"] == "closed"


def test_after_a_close_over_a_breach_the_breach_that_goes_on_opens_nothing() -> None:
    story = act(cold_since_eight(), "09:00", "close").reading("12", "09:05", until="11:00", **COLD)
    assert story.replay().the_ticket()["status"] == "closed"


def test_the_next_episode_opens_another_that_follows_it() -> None:
    story = act(cold_since_eight(), "09:00", "close").reading("12", "09:05", until="09:40", **MILD)
    story.reading("12", "10:00", **COLD)
    first, second = story.replay(until="10:10").tickets
    assert (first["id"], first["status"], first["follows"]) == (FIRST, "closed", None)
    assert (second["id"], second["status"], second["follows"]) == ("maple-2026-0002", "open", FIRST)
    assert second["began_at"] == clock("10:00")
    assert deadline(second, "mitigation")["due_at"] == clock("10:00", hours=24)


def test_after_a_close_in_peace_the_next_episode_opens_another_too() -> None:
    story = cold_and_over().act("09:00", "close").reading("12", "10:00", **COLD)
    first, second = story.replay(until="10:10").tickets
    assert (first["status"], second["status"]) == ("closed", "open")
    assert second["began_at"] == clock("10:00")


def test_reopened_it_keeps_its_deadlines_and_takes_the_next_episode() -> None:
    story = act(cold_and_over(), "09:00", "close").act("09:10", "reopen")
    before = story.replay().the_ticket()
    ticket = story.reading("12", "10:00", **COLD).replay(until="10:10").the_ticket()
    assert (before["status"], ticket["status"]) == ("open", "open")
    assert len(ticket["episodes"]) == 2
    assert ticket["deadlines"] == before["deadlines"]
    assert ticket["began_at"] == clock("08:00")


def test_a_closed_ticket_cannot_be_opened_beside_another_of_the_same_place() -> None:
    story = cold_and_over().act("09:00", "close").reading("12", "10:00", **COLD).act("10:05", "reopen")
    told = story.replay(until="10:10")
    assert [ticket["status"] for ticket in told.tickets] == ["closed", "open"]
    assert len(told.rejected("action")) == 1


# Disputes


def test_a_dispute_is_on_record_until_it_is_withdrawn() -> None:
    story = act(cold_since_eight(), "09:00", "dispute", tier="mitigation", note="the fan is no relief")
    disputed = story.replay().the_ticket()
    withdrawn = act(story, "10:00", "dispute", withdraw=True).replay().the_ticket()
    assert (disputed["disputed"], withdrawn["disputed"]) == (True, False)
    assert states(disputed) == states(cold_since_eight().replay(until="09:00").the_ticket())
    assert "the fan is no relief" in disputed["history"][-1]["note"]
    assert len(withdrawn["history"]) == len(disputed["history"]) + 1


def test_a_ticket_nobody_disputes_is_not_disputed() -> None:
    assert cold_since_eight().replay(until="09:00").the_ticket()["disputed"] is False


# History


def test_history_is_who_did_what_when_in_order_and_chained() -> None:
    story = act(cold_since_eight(), "09:00", "acknowledge", by="M. Odeh")
    story.act("09:30", "note", note="heater ordered")
    rows = story.replay().the_ticket()["history"]
    assert (rows[0]["event"], rows[0]["by"], rows[0]["at"]) == ("opened", "safetyd", clock("08:00"))
    assert times(rows) == [row["at"] for row in rows]
    assert [row["by"] for row in rows if row["at"] == clock("09:00")] == ["M. Odeh"]
    assert "heater ordered" in rows[-1]["note"]
    assert all(row["event"] and row["hash"] for row in rows)
    assert len({row["hash"] for row in rows}) == len(rows)


def test_history_only_grows() -> None:
    story = act(cold_since_eight(), "09:00", "acknowledge")
    before = story.replay().the_ticket()["history"]
    after = act(story, "10:00", "relieve").replay().the_ticket()["history"]
    assert after[: len(before)] == before
    assert len(after) > len(before)


# Numbers


def test_numbers_run_by_building_without_gaps() -> None:
    story = Story().reading("12", "08:00", **COLD).reading("7", "09:00", building="cedar", **COLD)
    story.reading("lab", "10:00", **COLD)
    assert [(ticket["id"], ticket["opened_at"]) for ticket in story.replay(until="10:10").tickets] == [
        ("cedar-2026-0001", clock("09:00")),
        ("maple-2026-0001", clock("08:00")),
        ("maple-2026-0002", clock("10:00")),
    ]


def test_a_refused_report_leaves_no_gap() -> None:
    story = Story().report("08:00", "lab", hazard="leaks").report("09:00", "lab", hazard="dragons")
    story.report("10:00", "lab", hazard="mold")
    assert [ticket["id"] for ticket in story.replay().tickets] == ["maple-2026-0001", "maple-2026-0002"]


def test_the_year_is_that_of_the_school_and_each_year_counts_anew() -> None:
    story = Story().report("2026-12-31 23:59:59", "lab", hazard="leaks")
    story.report("2027-01-01 00:00:01", "12", hazard="leaks")
    assert [ticket["id"] for ticket in story.replay().tickets] == ["maple-2026-0001", "maple-2027-0001"]


def test_the_year_is_that_of_the_opening_not_of_the_breach() -> None:
    story = Story().reading("12", "2027-01-01 00:30", ts=clock("2026-12-31 23:30"), **COLD)
    assert story.replay(until="2027-01-01 01:00").the_ticket()["id"] == "maple-2027-0001"


# A breach that had not ended


def goes_on_until_night(story: Story) -> Story:
    """A late reading shows that it was cold all the while, and it stays so."""
    late = json.dumps({"ts": clock("09:22"), "temperature_f": 59.5, "humidity": 40})
    story.says("09:43", "safetyd/readings/maple/12", late).reading("12", "09:45", **WARM)
    return story.reading("12", "09:50", until="23:00", **CHILLY)


CHILLY, WARM = {"temperature_f": 59.0, "humidity": 40.0}, {"temperature_f": 64.0, "humidity": 40.0}


def in_range_at_half_past_nine() -> Story:
    return (
        Story().reading("12", "08:00", until="09:00", **CHILLY).reading("12", "09:05", until="09:40", **WARM)
    )


def test_who_closed_it_while_it_was_in_range_hears_of_another_if_it_had_not_ended() -> None:
    story = goes_on_until_night(in_range_at_half_past_nine().act("09:42", "close", note="warm again"))
    first, second = story.replay(until="23:00").tickets
    assert (first["status"], second["status"]) == ("closed", "open")
    assert [each["event"] for each in first["history"]][-1] == "goes_on"
    assert second["began_at"] == clock("09:05") and second["opened_at"] == clock("09:43")
    assert "had not ended" in second["history"][0]["note"]


def test_one_with_relief_is_open_again_if_it_had_not_ended_and_one_without_stays_as_it_is() -> None:
    relieved = in_range_at_half_past_nine().act("09:42", "relieve", tier="mitigation", kind="fans_or_heaters")
    for story, expected in ((relieved, 1), (in_range_at_half_past_nine(), 0)):
        told = goes_on_until_night(story).replay(until="23:00")
        assert told.the_ticket()["status"] == "open"
        assert len(told.notices("recurred")) == expected
