"""What `safetyd explain` says, in the words of whoever asks: why judged so, why a ticket or why none."""

import json
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import pytest

from safetyd.cli import main
from tests.explain.scene import DAY, explain, explained
from tests.story import COLD, FIRST, HOT, MILD, SCHOOL_YEAR, SOMEBODY, Story, device

HOLD = 'outside_work_hours = "hold"'


def at(clock: str) -> str:
    """Return a moment of the day of the stories."""
    return f"{DAY} {clock}"


def asked(clock: str, where: str = "maple/12") -> str:
    """Return what is asked: a place at a moment."""
    return f"{where}@{DAY}T{clock}"


def cold_morning(**how: str) -> Story:
    return Story(**how).reading("12", at("08:05"), until=at("08:40"), **COLD)


# From reading to verdict


def test_a_reading_is_told_with_its_topic_its_values_its_times_and_what_the_check_said(
    tmp_path: Path,
) -> None:
    told = explained(cold_morning(), tmp_path, asked("08:05"))
    assert (
        "Sensor 12 on topic safetyd/readings/maple/12 (native) said temperature 57.2 °F and humidity 40 %,"
        " measured at 08:05 and received at once. It was believed."
    ) in told
    first = told[told.index("What was heard") :].splitlines()[1]
    assert first.endswith(
        "A reading is kept as its topic, format, values and units as they were sent, when it was measured and"
        " when it was received; the text of a payload that could be read is not kept."
    )


def test_one_that_came_some_seconds_later_has_both_its_times_too(tmp_path: Path) -> None:
    story = Story().reading("12", at("08:05"), ts=f"{DAY}T15:04:30Z", **COLD)
    assert "measured at 08:04:30 and received at 08:05" in explained(story, tmp_path, asked("08:05"))


def test_one_that_came_late_has_both_its_times(tmp_path: Path) -> None:
    story = Story().reading("12", at("08:05"), **COLD)
    story.reading("12", at("08:20"), ts=f"{DAY}T15:10:00Z", **COLD)
    assert "measured at 08:10, received only at 08:20, 10 minutes later" in explained(
        story, tmp_path, asked("08:20")
    )


def test_what_came_only_afterwards_is_not_known_yet_and_said_to_come(tmp_path: Path) -> None:
    story = Story().reading("12", at("08:05"), **MILD)
    story.reading("12", at("08:20"), ts=f"{DAY}T15:07:00Z", **COLD)
    told = explained(story, tmp_path, asked("08:10"))
    assert "The verdict on cold is ok" in told
    assert "2 values of the time up to then arrived only afterwards, the last at 08:20" in told


def test_sixty_degrees_is_ok_and_a_hair_below_is_a_breach(tmp_path: Path) -> None:
    for value, words in (
        (60.0, "ok: the lowest temperature that counted, 60.0 °F of 08:05, is not below 60 °F"),
        (59.999, "in breach: the lowest temperature that counted, 59.999 °F of 08:05, is below"),
    ):
        story = Story().reading("12", at("08:05"), temperature_f=value, humidity=40)
        assert words in explained(story, tmp_path, asked("08:05"))


def test_rules_are_named_by_version_hash_and_date(tmp_path: Path) -> None:
    rules = ["effective = 2026-01-01", "effective = 2026-10-06\ncold = { below_f = 62, end_f = 63 }"]
    story = Story(rules=rules).reading(
        "12", "2026-10-05 23:55", until=at("00:05"), temperature_f=61, humidity=40
    )
    before = explained(story, tmp_path, "maple/12@2026-10-05T23:59")
    after = explained(story, tmp_path, asked("00:05"))
    assert "in force since 2026-01-01: a temperature below 60 °F" in before and "cold is ok" in before
    assert "in force since 2026-10-06: a temperature below 62 °F" in after and "cold is in breach" in after
    assert "(sha256:" in before


def test_a_temperature_pairs_with_the_humidity_of_its_moment(tmp_path: Path) -> None:
    story = Story().reading("12", at("08:00"), humidity=50).reading("12", at("08:09"), temperature_f=90)
    told = explained(story, tmp_path, asked("08:09"))
    assert "pairs with its own humidity of 50 %, 9 minutes apart (at most 10 min is allowed)" in told
    assert "The verdict on heat is in breach" in told


def test_one_of_eleven_minutes_before_does_not_count(tmp_path: Path) -> None:
    story = Story().reading("12", at("08:00"), humidity=50).reading("12", at("08:11"), temperature_f=90)
    told = explained(story, tmp_path, asked("08:11"))
    assert "No humidity was heard within 10 min of the 90.0 °F of 12" in told
    assert "The verdict on heat is unknown: a temperature counted, but no humidity with it" in told
    assert "not to know is no breach" in told


def test_a_value_that_is_no_temperature_is_told_with_its_reason_and_payload(tmp_path: Path) -> None:
    story = Story().reading("12", at("08:05"), **MILD).reading("12", at("08:10"), temperature_c=-127)
    story.says(at("08:11"), "safetyd/readings/maple/12", "rubbish")
    told = explained(story, tmp_path, asked("08:12"))
    assert "Its temperature was not believed: -127 °C is an error code" in told
    assert "unknown: what its sensor said last was not believed" in told
    assert "It is kept as it came: rubbish" in told


def test_a_jump_waits_and_counts_once_it_is_borne_out(tmp_path: Path) -> None:
    story = Story().reading("12", at("08:00"), **MILD).reading("12", at("08:01"), **COLD)
    assert "held back: 57.2 °F 60 s after 70.0 °F" in explained(story, tmp_path, asked("08:01"))
    story.reading("12", at("08:06"), **COLD)
    told = explained(story, tmp_path, asked("08:06"))
    assert "the next reading bore it out, so it counts at its own time" in told
    assert "The episode began at 08:01" in told


def test_silence_is_unknown_from_a_moment_on(tmp_path: Path) -> None:
    story = Story().reading("12", at("08:00"), **MILD)
    assert "The verdict on cold is ok" in explained(story, tmp_path, asked("08:15"))
    told = explained(story, tmp_path, asked("08:16"))
    assert "The verdict on cold is unknown: nothing counted any more" in told
    assert "vouched for the room until 08:15, 1 minute before; silence is unknown, never ok" in told


# How far a sensor may be off


READ = 'unit = "F"\nvalues = { temperature = "t" }\ntolerance = { temperature_f = TOLERANCE }'
SENSOR = device("sill", "12", "own/sill", "json", READ)


@pytest.mark.parametrize(
    ("tolerance", "words"),
    [
        (0.5, "a tolerance of ±0.5 °F of sill: the verdict would be in breach at either end"),
        (
            1.0,
            "in breach if every reading were that much lower, and ok if that much higher.",
        ),
    ],
)
def test_the_verdict_at_both_ends_of_a_tolerance(tmp_path: Path, tolerance: float, words: str) -> None:
    story = Story(sensors=SENSOR.replace("TOLERANCE", str(tolerance))).sends("own/sill", at("08:05"), t=59.2)
    told = explained(story, tmp_path, asked("08:05"))
    assert words in told and "conclu" not in told


def test_without_a_tolerance_nothing_is_said_of_it(tmp_path: Path) -> None:
    told = explained(cold_morning(), tmp_path, asked("08:05"))
    assert (
        "The site file gives no tolerance of 12, so nothing is said of how far its values may be off" in told
    )


# Why this ticket, or why none


def test_a_breach_opens_a_ticket_because_none_was_open(tmp_path: Path) -> None:
    told = explained(cold_morning(), tmp_path, FIRST)
    assert f"{FIRST} was opened for Maple School, Room 12" in told
    assert f"{FIRST} was opened at 08:05, because none was open for the same place and condition" in told
    assert "Episode 1 began at 08:05 and has no end on record" in told


def test_a_second_episode_joins_the_open_ticket(tmp_path: Path) -> None:
    story = cold_morning().reading("12", at("08:45"), until=at("09:30"), **MILD)
    story.reading("12", at("09:35"), until=at("09:45"), **COLD)
    told = explained(story, tmp_path, asked("09:40"))
    assert f"It is in {FIRST}, which was open already" in told and "set open again at 09:35" in told


def test_a_breach_goes_on_until_it_has_been_back_for_long_enough(tmp_path: Path) -> None:
    story = cold_morning().reading("12", at("08:45"), until=at("09:30"), **MILD)
    told = explained(story, tmp_path, asked("09:14"))
    assert "in breach still: since 08:45 it was back at 61 °F or better, which must hold for 30 min" in told
    told = explained(story, tmp_path, asked("09:15"))
    assert "The verdict on cold is ok" in told
    assert f"{FIRST} was open all the same: readings close no ticket, only a person does" in told


def test_one_of_two_readings_that_are_asked_for_waits(tmp_path: Path) -> None:
    story = Story(rules="cold = { confirm = 2 }").reading("12", at("08:05"), until=at("08:10"), **COLD)
    told = explained(story, tmp_path, asked("08:09"))
    assert "The rule asks for 2 such readings running and there had been 1, so no episode had begun" in told
    assert "an episode opens one, and none had begun" in told
    assert "with the first of 2 readings running" in explained(story, tmp_path, asked("08:10"))


def test_what_begins_outside_work_hours_is_held_until_they_begin(tmp_path: Path) -> None:
    story = Story(rules=HOLD, calendar=SCHOOL_YEAR).reading("12", at("07:00"), until=at("08:00"), **COLD)
    told = explained(story, tmp_path, asked("07:30"))
    assert (
        "No ticket on cold yet" in told and "still runs at 07:45, when work begins, it opens one then" in told
    )
    assert "That moment was outside work hours" in told
    told = explained(story, tmp_path, asked("07:45"))
    assert f"{FIRST} was opened at 07:45" in told
    assert "The episode itself began at 07:00; the ticket and its deadlines count from 07:45" in told


def test_what_is_over_before_work_begins_never_becomes_a_ticket(tmp_path: Path) -> None:
    story = Story(rules=HOLD, calendar=SCHOOL_YEAR).reading("12", at("06:00"), until=at("06:10"), **COLD)
    story.reading("12", at("06:15"), until=at("07:00"), **MILD)
    told = explained(story, tmp_path, asked("06:10"))
    assert "No ticket on cold yet" in told and "It was over at 06:15, so none came of it" in told


def test_after_a_close_with_a_note_only_the_next_episode_opens_one(tmp_path: Path) -> None:
    story = cold_morning().act(at("08:30"), "close", note="moved to the gym")
    told = explained(story, tmp_path, asked("08:40"))
    assert f"{FIRST} was closed by {SOMEBODY} at 08:30: moved to the gym" in told
    assert "only the next episode opens a ticket again" in told


def test_a_shelf_withholds_messages_and_nothing_else(tmp_path: Path) -> None:
    story = cold_morning()
    story.line(
        at("08:00"),
        do="shelve",
        building="maple",
        room="12",
        by="Finn",
        note="new radiators",
        until=f"{DAY}T20:00:00Z",
    )
    told = explained(story, tmp_path, asked("08:10"))
    assert "Finn held back messages about it since 08:00" in told and "nothing else" in told
    assert f"{FIRST} was opened at 08:05" in told


def test_a_hazard_was_reported_by_a_person(tmp_path: Path) -> None:
    story = Story().report(at("09:00"), "12", hazard="mold", note="Behind the shelf.")
    told = explained(story, tmp_path, FIRST)
    assert f"{SOMEBODY} reported mold at 09:00: Behind the shelf." in told and "shelf.." not in told
    assert "No reading opened this ticket, a person did" in told
    story.reading("12", at("09:05"), **MILD)
    told = explained(story, tmp_path, asked("09:05"))
    assert f"{FIRST} (mold) was open too: a person reported it, and no reading bears on it" in told


def test_a_stuck_sensor_is_a_trouble_and_no_ticket(tmp_path: Path) -> None:
    story = Story(rules='quality = { stuck_after = "1h" }')
    story.reading("12", at("08:00"), until=at("12:00"), **MILD)
    for minute in range(0, 241, 5):
        moved = {"temperature_f": 70 + minute / 60, "humidity": 40}
        story.line(
            f"{DAY} {8 + minute // 60:02d}:{minute % 60:02d}",
            topic="safetyd/readings/maple/lab",
            payload=json.dumps(moved),
            retain=False,
        )
    told = explained(story, tmp_path, asked("12:00"))
    assert "was in trouble (stuck)" in told and "trouble of a sensor is no breach and no ticket" in told


IMPORT = "time,temperature,humidity\n2026-09-28 08:00,55,40\n2026-09-28 08:05,55,40\n"


def test_imported_readings_are_history_and_not_judged_again(tmp_path: Path) -> None:
    file = tmp_path / "old.csv"
    file.write_text(IMPORT, encoding="utf-8")
    config = str(cold_morning().keep(tmp_path, at("09:00")))
    argv = [
        "import",
        str(file),
        "--place",
        "maple/12",
        "--yes",
        "--unit",
        "F",
        "--by",
        "Ada",
        "--config",
        config,
    ]
    assert main(argv) == 0
    out = StringIO()
    with redirect_stdout(out):
        assert main(["explain", "maple/12@2026-09-28T08:02", "--config", config]) == 0
    assert "Readings of this time were imported from old.csv by Ada" in out.getvalue()
    assert "are not judged again here" in out.getvalue()


# Electricity


def test_an_outage_of_two_hours_is_none_by_the_contract_and_one_second_more_is(tmp_path: Path) -> None:
    story = Story().power(at("07:55"), mains="on").power(at("08:00"), mains="off")
    told = explained(story, tmp_path, asked("10:00", "maple"))
    assert "had lasted 2 hours" in told and "that is not longer than 2 h" in told
    assert "one is once power has been out for longer than 2 h" in told
    told = explained(story, tmp_path, asked("10:00:01", "maple"))
    assert "in breach: that is longer than 2 h" in told and f"{FIRST} was opened at 10:00" in told
    assert "1 of 1 votes that counted said off; with a quorum of majority that is: power is out" in told
    assert "Witness mains said off since 08:00" in told
    assert "that is longer than 2 h" in explained(story, tmp_path, FIRST)


def test_a_room_in_breach_meanwhile_is_the_second_limb(tmp_path: Path) -> None:
    story = Story().power(at("08:00"), mains="off").reading("12", at("08:30"), **COLD)
    told = explained(story, tmp_path, asked("08:31", "maple"))
    assert "not longer than 2 h, but a room was in breach meanwhile" in told
    assert "By the clause's second limb: in breach while the power is out: maple/12" in told


def test_witnesses_that_disagree_are_counted_by_the_quorum(tmp_path: Path) -> None:
    story = (
        Story().power(at("08:00"), sensor="ups", mains="off").power(at("08:01"), sensor="plug", voltage=121)
    )
    told = explained(story, tmp_path, asked("08:02", "maple"))
    assert "1 of 2 votes that counted said off; with a quorum of majority that is: power is on" in told


# What nobody knows


@pytest.mark.parametrize(
    ("what", "sentence"),
    [
        ("cedar/7@2026-10-06T08:00", "Cedar School, Room 7 has no sensor, so nothing is known of it."),
        ("cedar@2026-10-06T08:00", "Cedar School has no witness of its mains, so nothing is known of it."),
        (
            "maple/12@2026-10-06T08:04",
            "Nothing had been heard of Maple School, Room 12 by then: its first reading is of 08:05.",
        ),
        (
            "maple/12@2199-01-01T08:00",
            "Tuesday, 1 January 2199, 08:00 PST is still to come: nothing is known of"
            " Maple School, Room 12 then.",
        ),
    ],
)
def test_it_is_said_in_one_sentence(tmp_path: Path, what: str, sentence: str) -> None:
    assert explained(cold_morning(), tmp_path, what).strip() == sentence


def test_a_sensor_that_nobody_assigned_is_named_where_none_is(tmp_path: Path) -> None:
    story = Story().says(at("08:00"), "safetyd/readings/maple/attic", '{"temperature_f": 50}')
    told = explained(story, tmp_path, asked("09:00"))
    assert "1 topic that nobody is assigned to has been heard: see safetyd sensors --unassigned" in told


@pytest.mark.parametrize(
    ("what", "code", "sentence"),
    [
        ("maple-2026-0009", 1, f"there is no ticket 'maple-2026-0009'; did you mean '{FIRST}'?"),
        ("maple/12", 2, "'maple/12' lacks a time; expected ROOM@TIME such as maple/12@2026-12-01T08:05"),
        ("maple/13@2026-10-06T08:00", 2, "no room of maple is called '13'"),
        ("maple/12@noon", 2, "'noon' is no time"),
    ],
)
def test_what_is_not_there_is_said(tmp_path: Path, what: str, code: int, sentence: str) -> None:
    run = explain(cold_morning(), tmp_path, what)
    assert run.code == code and sentence in run.err and run.out == ""


# For programs


def test_json_has_the_facts_and_the_same_sentences(tmp_path: Path) -> None:
    story = cold_morning()
    told = json.loads(explained(story, tmp_path, asked("08:10"), f"{DAY} 18:00", "--json"))
    cold, heat = told["conditions"]
    assert (cold["verdict"], cold["why"], cold["way"], cold["ticket"]) == (
        "breach",
        "episode",
        "opened",
        FIRST,
    )
    assert (heat["verdict"], heat["way"], heat["ticket"]) == ("ok", "no_breach", None)
    assert cold["value"] == 57.2 and told["readings"][0]["sent"] == {"temperature_f": 57.2, "humidity": 40.0}
    text = explained(story, tmp_path, asked("08:10"))
    assert all(line in text for each in told["sections"] for line in each["sentences"])


def test_a_long_story_is_bounded_and_says_so(tmp_path: Path) -> None:
    story = Story().reading("12", at("00:00"), until=at("12:00"), every=1, **HOT)
    told = explained(story, tmp_path, asked("12:00"))
    assert "more of its readings since" in told and told.count("Sensor 12 on topic") <= 14


@pytest.mark.sqlite
def test_it_changes_nothing(tmp_path: Path) -> None:
    config = cold_morning().keep(tmp_path, at("09:00"))
    before = (tmp_path / "kept.db").read_bytes()
    assert main(["explain", FIRST, "--config", str(config)]) == 0
    assert (tmp_path / "kept.db").read_bytes() == before


# What was learned late


def backlog(rules: str = "", values: tuple[float, ...] = (60.5, 59.9, 56.0, 62.0, 62.0, 62.0)) -> Story:
    """Return a night that reached us four days later, a reading every 15 minutes from 21:00 on."""
    story = Story(rules=rules)
    for number, value in enumerate(values):
        minutes = 4 * 60 + 15 * number  # 21:00 at the school is 04:00 UTC
        ts = f"2026-10-03T{minutes // 60:02d}:{minutes % 60:02d}:00Z"
        story.reading("12", at(f"08:05:{number:02d}"), ts=ts, temperature_f=value, humidity=40)
    return story


def test_a_ticket_learned_days_late_begins_with_the_reading_that_opened_it(tmp_path: Path) -> None:
    told = explained(backlog(), tmp_path, FIRST)
    assert told.startswith(
        f"{FIRST} was opened for Maple School, Room 12, Tuesday, 6 October 2026, 08:05:01 PDT, by what was"
        " measured 3 days 10 hours before, Friday, 2 October 2026, 21:15 PDT: too cold (in breach)."
    )
    assert (
        "temperature 59.9 °F and humidity 40 %, measured at 21:15, received only at Tue 6 Oct 2026 08:05:01"
        in told
    )
    assert "The episode began at 21:15, with the first reading beyond the limit" in told
    learned = told.index("That was learned only at Tue 6 Oct 2026 08:05:01, 3 days 10 hours later")
    assert told.index("The episode began at 21:15") < learned < told.index(f"- {FIRST} was opened at Tue 6")
    for wrong in ("unknown:", "Nothing was heard", "No ticket on cold", "all the same"):
        assert wrong not in told


def test_one_that_asks_for_two_readings_begins_with_the_second_and_names_the_first(tmp_path: Path) -> None:
    told = explained(backlog("cold = { confirm = 2 }"), tmp_path, FIRST)
    assert "Friday, 2 October 2026, 21:30 PDT: too cold (in breach)." in told
    assert "The episode began at 21:15, with the first of 2 readings running beyond the limit" in told
    assert "measured at 21:15" in told and "measured at 21:30" in told


def test_what_reached_us_within_a_minute_is_told_as_of_the_opening(tmp_path: Path) -> None:
    for second, is_late in (("00Z", True), ("01Z", False)):
        story = Story().reading("12", at("08:05"), ts=f"{DAY}T15:04:{second}", **COLD)
        assert ("was learned only" in explained(story, tmp_path, FIRST)) is is_late


def test_an_explanation_says_to_programs_when_it_was_learned(tmp_path: Path) -> None:
    late = json.loads(explained(backlog(), tmp_path, FIRST, f"{DAY} 18:00", "--json"))
    assert (late["at"], late["learned_at"]) == ("2026-10-03T04:15:00Z", f"{DAY}T15:05:01Z")
    at_once = json.loads(explained(cold_morning(), tmp_path, FIRST, f"{DAY} 18:00", "--json"))
    assert at_once["learned_at"] is None


def test_the_worst_of_an_episode_in_progress_is_the_ticket_s(tmp_path: Path) -> None:
    story = cold_morning().reading("12", at("08:45"), temperature_f=55.2, humidity=40)
    story.reading("12", at("08:50"), **COLD)
    told = explained(story, tmp_path, FIRST)
    assert "has no end on record, worst temperature 55.2 °F at 08:45" in told


# How a sensor is corrected


@pytest.mark.parametrize(
    ("offsets", "words"),
    [
        ("", "It was believed."),
        ("temperature_f = -0.8", "It was believed; calibrated by −0.8 °F that is 59.83 °F."),
        ("humidity = 3", "It was believed; calibrated by +3 % humidity that is 44 % humidity."),
        (
            "temperature_f = -0.8, humidity = 3",
            "It was believed; calibrated by −0.8 °F and +3 % humidity that is 59.83 °F and 44 % humidity.",
        ),
        ("temperature_f = -0.631", "It was believed; calibrated by −0.631 °F that is 59.999 °F."),
    ],
)
def test_only_what_somebody_configured_is_said_of_a_sensor_s_correction(
    tmp_path: Path, offsets: str, words: str
) -> None:
    given = f"offsets = [{{ from = 2026-09-15, {offsets} }}]" if offsets else ""
    more = f'unit = "F"\nvalues = {{ temperature = "t", humidity = "h" }}\n{given}'
    story = Story(sensors=device("sill", "12", "own/sill", "json", more))
    assert words in explained(story.sends("own/sill", at("08:05"), t=60.63, h=41), tmp_path, asked("08:05"))
