"""Shelving: while people work at a place its messages stop and nothing else does; nothing is forgotten.

Shelving needs a name, a reason and an end, is told at once, ends by itself, and then tells all that is open.
"""

from typing import Any

import pytest

from tests.story import COLD, FIRST, MILD, STAFF, Json, Story, Told, clock

WATCH = ["administrator", "facilities", "safety_committee"]
TOLD = sorted(name for name, (roles, where) in STAFF.items() if set(WATCH) & set(roles) and "maple" in where)
SECOND = "maple-2026-0002"


def shelve(story: Story, at: str, end: str, room: str | None = "12", **keys: Any) -> Story:
    said = {
        "building": "maple",
        "room": room,
        "by": "Finn",
        "note": "new valve",
        "until": clock(end),
    } | keys
    return story.line(at, do="shelve", **said)


def unshelve(story: Story, at: str, room: str | None = "12", **keys: Any) -> Story:
    return story.line(at, do="unshelve", **{"building": "maple", "room": room, "by": "Ada", **keys})


def sent(told: Told) -> list[Json]:
    return [notice for notice in told.output["notices"] if notice["shelved"] is None]


def held_back(told: Told) -> list[Json]:
    return [notice for notice in told.output["notices"] if notice["shelved"] is not None]


def reasons(notices: list[Json]) -> list[str]:
    return [notice["reason"] for notice in notices]


def events(ticket: Json) -> list[str]:
    return [row["event"] for row in ticket["history"]]


def the_summary(told: Told) -> Json:
    (notice,) = told.notices("unshelved")
    return notice


# What stops, and what does not


def test_a_ticket_opens_and_its_deadlines_run_but_nobody_is_told() -> None:
    story = shelve(Story(), "08:00", "2026-12-03 08:00").reading("12", "09:00", **COLD)
    told = story.replay(until="2026-12-02 09:30")
    ticket = told.the_ticket()
    assert ticket["began_at"] == clock("09:00")
    assert [entry["state"] for entry in ticket["deadlines"]][:2] == ["missed", "pending"]
    assert reasons(sent(told)) == ["shelved"]
    assert reasons(held_back(told)) == ["opened", "trouble", "reminder", "reminder", "overdue"]
    assert events(ticket) == ["opened", "shelved", "missed"]


def test_what_was_not_sent_is_on_record_with_its_people_its_words_and_who_held_it_back() -> None:
    told = shelve(Story(), "08:00", "12:00").reading("12", "09:00", **COLD).replay(until="09:10")
    (notice,) = told.notices("opened")
    assert notice["shelved"] == {"by": "Finn", "until": clock("12:00")}
    assert sorted(notice["to"]) == TOLD
    assert notice["title"] == "Maple School, Room 12: too cold"


def test_the_ticket_says_who_holds_its_messages_back_while_it_lasts() -> None:
    story = shelve(Story(), "08:00", "12:00").reading("12", "09:00", **COLD)
    ticket = story.replay(until="11:59:59").the_ticket()
    assert ticket["shelved"] == {"by": "Finn", "until": clock("12:00"), "note": "new valve"}
    row = ticket["history"][1]
    assert (row["event"], row["by"], row["note"], row["until"]) == (
        "shelved",
        "Finn",
        "new valve",
        clock("12:00"),
    )
    assert story.replay(until="12:00").the_ticket()["shelved"] is None


def test_every_other_room_is_told_of_as_ever() -> None:
    story = (
        shelve(Story(), "08:00", "12:00").reading("12", "09:00", **COLD).reading("lab", "09:00:01", **COLD)
    )
    told = story.replay(until="09:10")
    assert told.notices("digest") == []
    assert told.notices("opened", ticket=FIRST)[0]["shelved"] is not None
    assert told.notices("opened", ticket=SECOND)[0]["shelved"] is None


def test_what_people_do_with_the_ticket_is_on_record_and_not_sent() -> None:
    story = Story().reading("12", "08:00", **COLD)
    shelve(story, "08:30", "12:00").act("09:00", "relieve", tier="mitigation").act("09:10", "dispute")
    told = story.act("09:20", "close", note="moved out").act("09:30", "dispute").replay(until="09:40")
    for reason in ("relieved", "disputed", "closed"):
        assert all(notice["shelved"] is not None for notice in told.notices(reason)), reason
    ended = events(told.the_ticket())
    assert ended == ["opened", "shelved", "relieved", "disputed", "closed", "disputed", "shelved"]


def test_a_ticket_that_is_reopened_at_a_shelved_place_says_so() -> None:
    story = Story().reading("12", "08:00", **COLD).act("08:10", "close", note="moved out")
    told = shelve(story, "08:30", "12:00").act("09:00", "reopen").replay(until="09:10")
    assert events(told.the_ticket()) == ["opened", "closed", "reopened", "shelved"]


def test_a_rooms_shelf_stops_its_own_sensors_troubles_only() -> None:
    story = Story().reading("12", "08:00", **MILD).reading("lab", "08:00", **MILD)
    told = shelve(story, "08:05", "12:00").replay(until="09:00")
    assert sorted((len(n["text"]) > 0, n["shelved"] is None) for n in told.notices("trouble")) == [
        (True, False),
        (True, True),
    ]
    assert len(told.troubles("silent")) == 2


def test_a_trouble_that_came_up_before_is_still_told() -> None:
    story = Story().reading("12", "08:00", **MILD)
    told = shelve(story, "08:15:30", "12:00").replay(until="09:00")
    (notice,) = told.notices("trouble")
    assert notice["shelved"] is None


def test_an_outage_is_stopped_by_its_buildings_shelf_and_by_no_rooms() -> None:
    for room, is_sent in ((None, False), ("12", True)):
        story = shelve(Story(), "08:00", "12:00", room=room).power("08:30", mains=False)
        told = story.replay(until="11:00")
        for reason in ("outage_began", "outage_warning"):
            notices = told.notices(reason)
            assert notices and all((notice["shelved"] is None) is is_sent for notice in notices), reason
        (opened,) = told.notices("opened")
        assert opened["shelved"] is None, "that a building must be closed is never held back"
        assert told.the_ticket()["opened_at"] == clock("10:30")


def test_a_buildings_shelf_stops_its_rooms_and_no_other_building() -> None:
    story = shelve(Story(), "08:00", "12:00", room=None).reading("12", "09:00", **COLD)
    told = story.reading("7", "09:00", building="cedar", **COLD).replay(until="09:10")
    assert told.notices("opened", ticket=FIRST)[0]["shelved"] is not None
    assert told.notices("opened", ticket="cedar-2026-0001")[0]["shelved"] is None


def test_a_mornings_warning_leaves_out_the_shelved_room_only() -> None:
    rules = 'outside_work_hours = "hold"\nquality = { stale_after = "12h" }'
    story = Story(rules=rules, calendar='work_hours = "07:45-16:30"')
    story.reading("12", "02:00", **COLD).reading("lab", "02:00", **COLD)
    told = shelve(story, "03:00", "07:00").replay(until="07:30")
    assert sorted((n["shelved"] is None, "Room 12" in n["text"]) for n in told.notices("held")) == [
        (False, True),
        (True, False),
    ]
    assert "Room 12: too cold since Tue 1 Dec 02:00, a ticket when work begins" in the_summary(told)["text"]


# What waits for company


def test_what_waited_for_company_when_the_silence_began_is_sent_before_it() -> None:
    story = shelve(Story().reading("12", "08:00", **COLD), "08:00:02", "12:00")
    told = story.replay(until="08:10")
    (notice,) = told.notices("opened")
    assert (notice["at"], notice["shelved"]) == (clock("08:00:02"), None)


def test_and_the_others_on_the_same_desk_wait_on() -> None:
    story = Story().reading("12", "08:00", **COLD).reading("lab", "08:00", **COLD)
    told = shelve(story, "08:00:02", "12:00").replay(until="08:10")
    assert [(n["ticket"], n["at"]) for n in told.notices("opened")] == [
        (FIRST, clock("08:00:02")),
        (SECOND, clock("08:00:05")),
    ]


def test_several_that_waited_are_sent_as_one() -> None:
    story = Story().reading("12", "08:00", **COLD).reading("lab", "08:00", **COLD)
    told = shelve(story, "08:00:02", "12:00", room=None).replay(until="08:10")
    (digest,) = told.notices("digest")
    assert (digest["at"], digest["tickets"], digest["shelved"]) == (clock("08:00:02"), [FIRST, SECOND], None)


# The word that it begins


def test_whom_it_concerns_is_told_at_once_who_why_and_until_when_and_what_is_open() -> None:
    story = shelve(Story().reading("12", "08:00", **COLD), "08:30", "12:00")
    (notice,) = story.replay(until="08:31").notices("shelved")
    assert (notice["at"], notice["shelved"], notice["tickets"]) == (clock("08:30"), None, [FIRST])
    assert (notice["roles"], sorted(notice["to"])) == (WATCH, TOLD)
    assert notice["title"] == "Maple School, Room 12: messages stop until Tue 1 Dec 12:00"
    for words in ("Finn (facilities)", "new valve", "too cold", "due Wed 2 Dec 08:00", FIRST):
        assert words in notice["text"]


def test_where_nothing_is_open_it_says_so() -> None:
    (notice,) = shelve(Story(), "08:30", "12:00").replay(until="08:31").notices("shelved")
    assert "Nothing is open there." in notice["text"]
    assert notice["tickets"] is None


# Its end


def test_it_is_over_at_its_end_and_not_a_moment_before() -> None:
    story = shelve(Story(), "08:00", "12:00").reading("12", "11:50", until="11:55", **MILD)
    before, after = (story.replay(until=at) for at in ("11:59:59", "12:00"))
    assert before.notices("unshelved") == []
    assert the_summary(after)["at"] == clock("12:00")


def test_what_happens_at_its_very_end_is_told() -> None:
    just_before = shelve(Story(), "08:00", "12:00").reading("12", "11:59:59", **COLD)
    (notice,) = just_before.replay(until="12:01").notices("opened")
    assert notice["shelved"] is not None
    at_its_end = shelve(Story(), "08:00", "12:00").reading("12", "12:00", **COLD)
    (notice,) = at_its_end.replay(until="12:01").notices("opened")
    assert notice["shelved"] is None


def test_a_reminder_at_its_very_end_is_told() -> None:
    story = shelve(Story().reading("12", "08:00", **COLD), "09:00", "20:00")
    (notice,) = story.replay(until="20:30").notices("reminder")
    assert (notice["at"], notice["shelved"]) == (clock("20:00"), None)


def test_at_its_end_all_that_is_open_is_told_with_what_is_due() -> None:
    story = Story().reading("12", "08:00", **COLD)
    shelve(story, "09:00", "2026-12-03 09:00").report("10:00", "12", hazard="leaks", note="ceiling")
    told = (
        story.report("10:30", "12", hazard="mold")
        .act("11:00", "close", ticket="maple-2026-0003")
        .replay(until="2026-12-03 09:00")
    )
    notice = the_summary(told)
    everybody = [*WATCH, "district", "association"]  # for something is overdue by now, and they were not told
    assert (notice["roles"], notice["shelved"]) == (everybody, None)
    assert {*TOLD, "Dora", "Axel"} == set(notice["to"])
    assert notice["tickets"] == [FIRST, SECOND, "maple-2026-0003"]
    lines = notice["text"].splitlines()
    assert "The time that Finn (facilities) had asked for is over." in lines
    assert [line for line in lines if FIRST in line] == [
        "- Maple School, Room 12: too cold. Relief from the temperature is OVERDUE since Wed 2 Dec 08:00."
        f" Immediate relief due Tue 15 Dec 08:00 (12 days left). [{FIRST}]"
    ]
    assert "hazard: leaks (opened meanwhile). Immediate relief due" in notice["text"]


def test_what_was_closed_meanwhile_is_not_in_it() -> None:
    story = shelve(Story(), "08:00", "12:00").report("09:00", "12", hazard="leaks")
    told = story.act("10:00", "close", note="mended").replay(until="12:00")
    assert "Nothing is open there." in the_summary(told)["text"]


def test_a_room_that_was_cold_again_meanwhile_is_in_it() -> None:
    story = Story().reading("12", "08:00", **COLD).reading("12", "08:05", until="08:45", **MILD)
    shelve(story, "09:00", "12:00").reading("12", "10:00", **COLD)
    assert "too cold (again meanwhile)" in the_summary(story.replay(until="12:00"))["text"]


def test_a_sensor_that_fell_silent_meanwhile_is_in_it_and_one_that_is_back_is_not() -> None:
    story = Story().reading("12", "08:00", **MILD)
    shelve(story, "08:05", "12:00").reading("12", "11:50", until="12:10", **MILD)
    assert "silent" not in the_summary(story.replay(until="12:00"))["text"]
    story = shelve(Story().reading("12", "08:00", **MILD), "08:05", "12:00")
    assert (
        "Room 12 has fallen silent, since Tue 1 Dec 08:15" in the_summary(story.replay(until="12:00"))["text"]
    )


def test_an_outage_that_is_no_ticket_yet_is_in_it() -> None:
    story = shelve(Story(), "08:00", "09:00", room=None).power("08:30", mains=False)
    told = story.replay(until="10:00")
    assert "no electricity since Tue 1 Dec 08:30" in the_summary(told)["text"]
    assert [notice["shelved"] for notice in told.notices("outage_warning")] == [None, None]


def test_after_its_end_everything_is_told_again() -> None:
    story = shelve(Story(), "08:00", "12:00").reading("12", "09:00", **COLD)
    told = story.replay(until="2026-12-02 10:00")
    after = [notice for notice in told.output["notices"] if notice["at"] > clock("12:00")]
    assert reasons(after) == ["reminder", "reminder", "overdue"]
    assert all(notice["shelved"] is None for notice in after)


# Ended by a person


def test_a_person_ends_it_sooner_and_that_is_told() -> None:
    story = shelve(Story(), "08:00", "12:00").reading("12", "09:00", **COLD)
    unshelve(story, "10:00", note="done").act("10:10", "acknowledge")
    told = story.replay(until="13:00")
    notice = the_summary(told)
    assert notice["at"] == clock("10:00")
    assert "Ada has ended it: done" in notice["text"] and "opened meanwhile" in notice["text"]
    assert told.notices("acknowledged")[0]["shelved"] is None
    assert [row["by"] for row in told.the_ticket()["history"] if row["event"] == "unshelved"] == ["Ada"]


# Another end


@pytest.mark.parametrize("end", ["10:00", "14:00"])
def test_shelving_again_replaces_the_end_and_is_told(end: str) -> None:
    story = shelve(shelve(Story(), "08:00", "12:00"), "09:00", end, by="Ada", note="more of it")
    told = story.replay(until="15:00")
    _, second = told.notices("shelved")
    assert "Before, Finn had it until Tue 1 Dec 12:00." in second["text"]
    assert the_summary(told)["at"] == clock(end)


def test_the_summary_reaches_back_to_the_first_of_several() -> None:
    story = shelve(Story(), "08:00", "12:00").reading("12", "08:30", **COLD)
    told = shelve(story, "09:00", "14:00").replay(until="14:00")
    assert "opened meanwhile" in the_summary(told)["text"]
    assert "since Tue 1 Dec 08:00" in the_summary(told)["text"]


def test_a_room_stays_silent_while_its_building_is_and_its_summary_says_so() -> None:
    story = shelve(Story(), "08:00", "10:00")
    shelve(story, "08:30", "14:00", room=None, by="Dora", note="fire drill").reading("12", "11:00", **COLD)
    told = story.replay(until="14:00")
    room, building = told.notices("unshelved")
    assert room["title"] == "Maple School, Room 12: messages stay held back"
    assert "Dora holds them back until Tue 1 Dec 14:00." in room["text"]
    assert told.notices("opened")[0]["shelved"] == {"by": "Dora", "until": clock("14:00")}
    assert "opened meanwhile" in building["text"]


# Refused, and nothing changes


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"note": ""}, "needs note"),
        ({"note": "  "}, "needs note"),
        ({"until": None}, "needs until"),
        ({"until": clock("08:00")}, "expected later than 2026-12-01 16:00 UTC"),
        ({"until": clock("08:00:00", days=7, seconds=1)}, "by 2026-12-08 16:00 UTC, which is 7 days"),
        ({"until": "noon"}, "'noon' is no time"),
        ({"room": "attic"}, "there is no room maple/attic"),
        ({"building": "birch", "room": None}, "there is no building birch"),
        ({"by": ""}, "needs by"),
        ({"by": "Edda"}, "Edda is educator at maple"),
        ({"by": "Sam"}, "Sam is safety_committee at maple"),
        ({"by": "Cleo"}, "the site file does not know Cleo at maple"),
        ({"by": "Cleo", "role": "educator"}, "Cleo is educator at maple"),
        ({"by": "Edda", "role": "facilities"}, "Edda is educator here and not facilities"),
        ({"hush": True}, "has no key 'hush'"),
    ],
)
def test_what_may_not_be_is_refused_in_one_sentence(keys: Json, words: str) -> None:
    story = shelve(Story(), "08:00", "12:00", **keys).reading("12", "09:00", **COLD)
    told = story.replay(until="12:30")
    (refused,) = told.rejected("action")
    assert words in refused["reason"]
    assert "\n" not in refused["reason"]
    assert held_back(told) == [] and told.notices("shelved") + told.notices("unshelved") == []


@pytest.mark.parametrize(
    "keys",
    [
        {"until": clock("08:00:01")},
        {"until": clock("08:00", days=7)},
        {"until": "2026-12-07"},
        {"by": "Dora"},
        {"by": "Ada"},
        {"by": "Cleo", "role": "district"},
        {"room": None},
    ],
)
def test_what_may_be_is_done(keys: Json) -> None:
    told = shelve(Story(), "08:00", "12:00", **keys).replay(until="08:00")
    assert told.rejected("action") == []
    assert len(told.notices("shelved")) == 1


@pytest.mark.parametrize(
    ("at", "keys", "words"),
    [
        ("07:00", {}, "maple/12 is not shelved"),
        ("12:00", {}, "maple/12 is not shelved"),
        ("13:00", {}, "maple/12 is not shelved"),
        ("09:00", {"room": None}, "maple is not shelved"),
        ("09:00", {"room": "attic"}, "there is no room"),
        ("09:00", {"by": "Edda"}, "Edda is educator at maple"),
        ("09:00", {"by": "A. Reyes"}, "does not know A. Reyes"),
    ],
)
def test_so_is_an_end_of_what_is_not_there_or_by_somebody_who_may_not(
    at: str, keys: Json, words: str
) -> None:
    told = unshelve(shelve(Story(), "08:00", "12:00"), at, **keys).replay(until="13:30")
    (refused,) = told.rejected("action")
    assert words in refused["reason"]
    assert the_summary(told)["at"] == clock("12:00")


def test_a_refused_shelving_leaves_the_standing_one_alone() -> None:
    story = shelve(shelve(Story(), "08:00", "12:00"), "09:00", "08:30")
    told = story.replay(until="12:00")
    assert len(told.rejected("action")) == 1
    assert the_summary(told)["at"] == clock("12:00")
