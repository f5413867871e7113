"""Replay: recorded time told again, the same words every time, and nothing on standard output but them.

A line that is none stops everything; an action that is refused stops nothing. What-ifs change the rules of
the whole recording.
"""

import json
import re

import pytest

from tests.story import COLD, FIRST, HOT, MILD, SOMEBODY, Story, clock, instant

PIECES = {
    "tickets": "id building room condition hazard clause rules status verdict student_day began_at opened_at "
    "worst episodes deadlines history disputed follows",
    "notices": "at ticket tickets reason roles to title text",
    "troubles": "kind sensor building room began_at ended_at",
    "rooms": "building room ok_s breach_s unknown_s",
    "rejected": "at kind reason",
}
TROUBLES = "silent stuck implausible unreadable clock battery gap disagreement undeliverable configuration"
REASONS = (
    "opened recurred ended reminder overdue relieved closed extended disputed acknowledged outage_began "
    "outage_warning outage_over trouble trouble_over digest"
)


def messy_day() -> Story:
    """A day on which a bit of everything happened."""
    story = Story().reading("12", "07:00", until="07:40", **MILD)
    story.reading("12", "08:00", until="09:00", **COLD)
    story.reading("lab", "08:10", **HOT).reading("lab", "08:20", ts="soon", **MILD)
    story.says("08:30", "safetyd/readings/maple/12", "rubbish").reading("lab", "08:40", temperature_c=-127)
    story.reading("attic", "08:50", **MILD)
    story.power("09:00", mains="off").report("09:30", "lab", hazard="mold", note="behind the shelf")
    story.act("10:00", "acknowledge").act("10:10", "relieve", tier="mitigation", note="heater")
    story.act("10:20", "close").reading("12", "10:30", until="11:10", **MILD)
    return story.power("11:30", until="11:50", mains="on")


# Shape


def test_output_has_all_its_parts() -> None:
    output = messy_day().replay(until="12:00").output
    assert {*PIECES, "unassigned", "rules"} <= set(output)
    for part, names in PIECES.items():
        assert output[part] != [], part
        for entry in output[part]:
            assert set(names.split()) <= set(entry), part
    assert output["unassigned"] == ["safetyd/readings/maple/attic"]
    assert re.fullmatch(r"sha256:[0-9a-f]{64}", output["rules"])


def test_a_ticket_has_all_its_parts() -> None:
    for ticket in messy_day().replay(until="12:00").tickets:
        assert re.fullmatch(r"maple-2026-\d{4}", ticket["id"])
        assert re.fullmatch(r"sha256:[0-9a-f]{64}", ticket["rules"])
        for episode in ticket["episodes"]:
            assert {"began_at", "ended_at", "worst", "coverage"} <= set(episode)
        for entry in ticket["deadlines"]:
            assert {"tier", "due_at", "state", "met_at", "by"} <= set(entry)
        for row in ticket["history"]:
            assert {"at", "event", "by", "note", "hash"} <= set(row)


def test_a_story_without_events_has_all_its_parts_too() -> None:
    told = Story().reading("12", "08:00", **MILD).replay(until="08:10")
    for part in ("tickets", "notices", "troubles", "rejected", "unassigned"):
        assert told.output[part] == []
    assert told.room("12") == (600, 0, 0)


def test_a_recording_that_nothing_is_in_says_so_beside_the_output() -> None:
    run = Story().run()
    assert (run.code, run.err) == (0, "recording.jsonl: nothing is in it\n")
    assert json.loads(run.out)["tickets"] == []
    assert Story().reading("12", "08:00", **MILD).run().err == ""


def test_every_time_is_universal_time() -> None:
    text = messy_day().replay(until="12:00").text
    found = re.findall(r'"(\w+_at|at)": ?"([^"]*)"', text)
    assert found != []
    for _key, moment in found:
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", moment)


def test_only_known_words_are_used() -> None:
    output = messy_day().replay(until="2026-12-03 12:00").output
    assert {trouble["kind"] for trouble in output["troubles"]} <= set(TROUBLES.split())
    assert {notice["reason"] for notice in output["notices"]} <= set(REASONS.split())
    assert {entry["kind"] for entry in output["rejected"]} <= {"payload", "value", "action"}


def test_what_was_rejected_stands_in_order_of_time() -> None:
    told = messy_day().replay(until="12:00")
    assert [(entry["at"], entry["kind"]) for entry in told.rejected()] == [
        (clock("08:30"), "payload"),
        (clock("08:40"), "value"),
        (clock("10:20"), "action"),
    ]


# The same again


def test_the_same_recording_gives_the_same_bytes() -> None:
    assert messy_day().replay(until="12:00").text == messy_day().replay(until="12:00").text


def test_messages_that_concern_nobody_change_no_ticket() -> None:
    story = messy_day()
    tickets = story.replay(until="2026-12-02 12:00").tickets
    story.reading("7", "07:00:30", until="12:00", every=1, building="cedar", **MILD)
    assert story.replay(until="2026-12-02 12:00").tickets == tickets


# Rooms


def test_the_seconds_of_every_room_add_up_to_the_whole_recording() -> None:
    told = messy_day().replay(until="12:00")
    whole = (instant("12:00") - instant("07:00")).total_seconds()
    rows = told.output["rooms"]
    assert sorted(f"{row['building']}/{row['room']}" for row in rows) == ["cedar/7", "maple/12", "maple/lab"]
    for row in rows:
        assert row["ok_s"] + row["breach_s"] + row["unknown_s"] == whole


def test_a_room_that_was_never_heard_is_unknown_all_the_time() -> None:
    assert Story().reading("12", "08:00", **MILD).replay(until="08:10").room("lab") == (0, 0, 600)


def test_seconds_follow_the_readings_not_the_verdict() -> None:
    story = Story().reading("12", "08:00", **COLD).reading("12", "08:10", temperature_f=60.5, humidity=40)
    story.reading("12", "08:20", temperature_f=61, humidity=40)
    told = story.replay(until="08:30")
    assert told.the_ticket()["verdict"] == "breach"
    assert told.room("12") == (600, 1200, 0)


def test_outside_an_episode_what_is_short_of_its_end_is_ok() -> None:
    story = Story().reading("12", "08:00", temperature_f=60.5, humidity=40)
    assert story.replay(until="08:10").room("12") == (600, 0, 0)


# Until


def test_without_until_time_ends_with_the_last_line() -> None:
    story = Story().power("08:00", mains="off").reading("12", "10:00:01", **MILD)
    told = story.replay()
    assert told.the_ticket()["opened_at"] == clock("10:00")
    assert sum(told.room("12")) == 7201


def test_until_lets_time_pass_beyond_the_last_line() -> None:
    story = Story().reading("12", "08:00", **COLD)
    assert story.replay().notices("overdue") == []
    assert len(story.replay(until="2026-12-02 08:00:01").notices("overdue")) == 1


def test_until_keeps_what_comes_later_out() -> None:
    story = Story().reading("12", "08:00", **MILD).reading("12", "09:00", **COLD)
    told = story.replay(until="08:30")
    assert told.tickets == []
    assert sum(told.room("12")) == 1800


# What if


def test_a_rule_may_be_changed() -> None:
    story = Story().reading("12", "13:00", temperature_f=82, humidity=50)
    as_it_is = story.replay(until="13:10")
    what_if = story.replay(until="13:10", what_if=["rules.heat.above_f=80"])
    assert as_it_is.tickets == []
    assert what_if.the_ticket()["condition"] == "heat"
    assert what_if.output["rules"] != as_it_is.output["rules"]


def test_several_may() -> None:
    story = Story().reading("12", "08:00", temperature_f=62, humidity=40).power("08:00", mains="off")
    what_if = ["rules.cold.below_f=65", "rules.cold.end_f=66", "rules.outage.longer_than=20m"]
    told = story.replay(until="08:20:01", what_if=what_if)
    assert {ticket["condition"] for ticket in told.tickets} == {"cold", "outage"}


def test_every_version_is_changed() -> None:
    story = Story(rules=["", "effective = 2026-12-02\ncold = { below_f = 65, end_f = 66 }"])
    story.reading("12", "2026-12-01 12:00", **COLD).reading("lab", "2026-12-02 12:00", **COLD)
    assert len(story.replay(until="2026-12-02 12:10").tickets) == 2
    assert story.replay(until="2026-12-02 12:10", what_if=["rules.cold.below_f=50"]).tickets == []


@pytest.mark.parametrize("override", ["rules.cold.beneath_f=50", "rules.cold.below_f=chilly", "nonsense"])
def test_a_rule_that_does_not_exist_is_wrong_usage(override: str) -> None:
    run = Story().reading("12", "08:00", **MILD).run(what_if=[override])
    assert (run.code, run.out) == (2, "")
    assert run.err.strip()


# Faulty lines and refused actions


@pytest.mark.parametrize(
    "line",
    [
        "rubbish",
        "[1, 2]",
        '"text"',
        '{"at": "2026-12-01T20:00:00Z"',
        json.dumps({"topic": "safetyd/readings/maple/12", "payload": "{}"}),
        json.dumps({"do": "acknowledge", "ticket": FIRST, "by": SOMEBODY}),
        json.dumps({"at": "2026-12-01T20:00:00Z", "payload": "{}"}),
    ],
)
def test_a_line_that_is_none_is_named_and_nothing_else_is_said(line: str) -> None:
    story = Story().reading("12", "08:00", **MILD).reading("12", "08:05", **COLD)
    run = story.run(last_line=line)
    assert (run.code, run.out) == (2, "")
    assert re.search(r"\b3\b", run.err)


@pytest.mark.parametrize(
    "keys",
    [
        {"do": "acknowledge", "ticket": "maple-2026-0042", "by": SOMEBODY},
        {"do": "acknowledge", "ticket": FIRST},
        {"do": "juggle", "ticket": FIRST, "by": SOMEBODY},
        {"do": "note", "ticket": [], "by": SOMEBODY, "note": "of none"},
        {"do": "note", "ticket": [[FIRST]], "by": SOMEBODY, "note": "of a list in a list"},
        {"do": "report", "building": "maple", "room": "12", "by": SOMEBODY, "heat_index_f": 10**400},
    ],
)
def test_a_refused_action_does_not_stop_the_replay(keys: dict[str, object]) -> None:
    story = Story().reading("12", "08:00", **COLD).line("09:00", **keys).act("09:10", "acknowledge")
    told = story.replay()
    (refused,) = told.rejected()
    assert (refused["at"], refused["kind"]) == (clock("09:00"), "action")
    assert refused["reason"]
    assert told.the_ticket()["status"] == "acknowledged"
