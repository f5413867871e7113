"""`safetyd whatif`: a season under other rules, from roll-ups and from every reading."""

import json
import sqlite3
from contextlib import closing, redirect_stdout
from io import StringIO
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from safetyd.cli import main
from safetyd.cli.loading import loaded
from safetyd.ingest.topics import routes
from safetyd.recovery import facts_of
from safetyd.site import with_rules
from safetyd.store import rollups
from safetyd.store.database import open_for_reading
from safetyd.whatif.answer import Answer, Question, answer_object, full_hours
from safetyd.whatif.estimate import estimate
from safetyd.whatif.figures import Outcome
from safetyd.whatif.parallel import Job, judge
from safetyd.whatif.record import Stored
from safetyd.whatif.rolled import estimated
from tests.story import SCHOOL_YEAR, Story, instant, states
from tests.whatif.season import BEGIN, END, Json, ask, digest, kept, tell

STRICT = ("rules.heat.above_f=80", "rules.cold.below_f=62")


def hot_afternoon(day: int = 2, temperature_f: float = 86.0) -> Story:
    """A mild day but for two hours, 13:00 to 14:55, of a heat index a little above the temperature."""
    story, date = Story(calendar=SCHOOL_YEAR), f"2026-09-{day:02d}"
    story.reading("12", f"{date} 08:00", until=f"{date} 12:55", temperature_f=72.0, humidity=45.0)
    story.reading("12", f"{date} 13:00", until=f"{date} 14:55", temperature_f=temperature_f, humidity=45.0)
    story.reading("12", f"{date} 15:00", until=f"{date} 18:00", temperature_f=72.0, humidity=45.0)
    return story


def judged(config, *settings, building="maple") -> Outcome:
    """Return what every reading of a building comes to, worked out in this process."""
    return judge(Job(config, settings, building, instant(BEGIN), instant(END)))


def supposed(config, *settings) -> Answer:
    """Return the estimate for maple."""
    configuration = loaded(str(config))
    question = Question(instant(BEGIN), instant(END), settings, ("maple",))
    with closing(open_for_reading(configuration.settings.store.url)) as connection:
        return estimated(connection, configuration.site, question)


def report(config: Path, begin: str, end: str) -> Json:
    """Return what `report rooms` tells of a range."""
    out = StringIO()
    with redirect_stdout(out):
        argv = ["report", "rooms", "--from", begin, "--to", end, "--config", str(config), "--json"]
        assert main(argv) == 0
    return dict(json.loads(out.getvalue()))


def figures(outcome: Outcome) -> tuple[int, ...]:
    return tuple(sum(column) for column in zip(*outcome.rows.values(), strict=True)) or (0, 0, 0, 0, 0)


# What it says.


def test_a_lower_heat_limit_finds_the_breach_that_was_none(tmp_path):
    told = ask(kept(hot_afternoon(temperature_f=82.0), tmp_path), "rules.heat.above_f=80")
    assert told["total"]["in_force"]["tickets"] == 0
    assert told["total"]["proposed"]["tickets"] == 1
    assert told["total"]["difference"]["breach_h"] == 2.0
    assert told["total"]["difference"]["student_day_h"] == 2.0


def test_a_higher_one_leaves_it_out(tmp_path):
    told = ask(kept(hot_afternoon(), tmp_path), "rules.heat.above_f=95")
    assert told["total"]["in_force"]["breach_h"] == 2.0
    assert told["total"]["proposed"] == dict.fromkeys(told["total"]["proposed"], 0)


def test_the_value_of_the_limit_is_no_breach_and_a_hair_below_it_is(tmp_path):
    cold = Story().reading(
        "12", "2026-09-02 08:00", until="2026-09-02 10:00", temperature_f=62.0, humidity=40
    )
    config = kept(cold, tmp_path)
    for exact in (False, True):
        at = ask(config, "rules.cold.below_f=62", exact=exact)["total"]["proposed"]
        below = ask(config, "rules.cold.below_f=62.001", exact=exact)["total"]["proposed"]
        assert (at["tickets"], below["tickets"]) == (0, 1)


def test_hours_count_in_the_month_and_the_hours_of_class_in_which_they_were(tmp_path):
    story = Story(calendar=SCHOOL_YEAR)
    story.reading("12", "2026-09-30 22:00", until="2026-10-01 10:00", temperature_f=57.0, humidity=40.0)
    config = kept(story, tmp_path, "2026-10-02 00:00")
    for exact in (False, True):
        months = ask(config, exact=exact, end="2026-10-02 00:00")["months"]
        assert [each["month"] for each in months] == ["2026-09", "2026-10"]
        assert [each["in_force"]["tickets"] for each in months] == [1, 0]
        assert months[0]["in_force"]["breach_h"] == 2.0
        assert months[0]["in_force"]["student_day_h"] is None, "nothing is known of its student days"
        assert months[1]["in_force"]["student_day_h"] == pytest.approx(1.75, abs=0.1)


def test_an_estimate_says_that_it_is_one_and_what_is_known(tmp_path):
    config = kept(hot_afternoon(), tmp_path)
    told = ask(config)
    assert told["basis"] == "estimated from 5-minute values"
    assert 0 < told["total"]["coverage"] < 0.05
    assert told["recorded_breach_h"] == told["total"]["in_force"]["breach_h"]
    assert ask(config, exact=True)["basis"].startswith("every stored reading")
    words = tell(config, *STRICT).out
    assert "estimated from 5-minute values" in words
    assert "█" in words


# How much is known.


def two_evenings() -> Story:
    """A cold evening in each of two buildings, after class."""
    story, cold = Story(calendar=SCHOOL_YEAR), {"temperature_f": 58.0, "humidity": 40.0}
    for building, room in (("maple", "12"), ("cedar", "7")):
        story.reading(room, "2026-09-02 18:00", until="2026-09-02 19:55", building=building, **cold)
    return story


def test_months_without_a_reading_count_in_the_coverage_as_in_reports(tmp_path):
    config = kept(hot_afternoon(), tmp_path)
    rows = report(config, "2025-09-11", "2026-09-11")["tables"]["rooms"]
    share = sum(row["seen_cold"] for row in rows) / len(rows)
    for exact in (False, True):
        told = ask(config, exact=exact, begin="2025-09-11 00:00")
        assert told["total"]["coverage"] == pytest.approx(share, abs=0.0002)
        assert 0 < share < 0.002
        assert [each["month"] for each in told["months"]] == ["2026-09"]
        assert any("have no row" in each for each in told["notes"])
    assert "Coverage: under 1 %" in tell(config, begin="2025-09-11 00:00").out


def test_of_a_student_day_that_nobody_measured_no_hours_are_told(tmp_path):
    config = kept(two_evenings(), tmp_path)
    for exact in (False, True):
        told = ask(config, *STRICT, exact=exact)
        for row in (*told["months"], told["total"]):
            for side in ("in_force", "proposed", "difference"):
                assert row[side]["student_day_h"] is None
                assert row[side]["breach_h"] is not None
    assert " – " in tell(config, *STRICT).out


def test_of_one_with_a_single_reading_they_are(tmp_path):
    story = two_evenings().reading("12", "2026-09-03 15:05", temperature_f=70.0, humidity=40.0)
    config = kept(story, tmp_path)
    for exact in (False, True):
        maple, cedar = ask(config, exact=exact)["months"]
        assert (maple["in_force"]["student_day_h"], cedar["in_force"]["student_day_h"]) == (0, None)


def not_yet_rolled_up(config: Path, building: str) -> None:
    """Take a building's roll-ups away: its backlog has just arrived."""
    with closing(sqlite3.connect(config.parent / "kept.db")) as store:
        here = f"place IN (SELECT id FROM roll_up_place WHERE building = '{building}')"
        for table in ("roll_up", "roll_up_time"):
            store.execute(f"DELETE FROM {table} WHERE {here}")
        store.execute("UPDATE roll_up_progress SET reading = 0")
        store.commit()


@pytest.mark.sqlite
def test_a_building_whose_backlog_is_not_rolled_up_yet_is_named(tmp_path):
    config = kept(two_evenings(), tmp_path)
    not_yet_rolled_up(config, "nobody")
    assert not any("not rolled up yet" in each for each in ask(config)["notes"])
    not_yet_rolled_up(config, "cedar")
    told = ask(config)
    assert [each["building"] for each in told["months"]] == ["maple"]
    (note,) = [each for each in told["notes"] if "not rolled up yet" in each]
    assert note.startswith("of Cedar School readings are on record") and "--exact counts them" in note
    assert [each["building"] for each in ask(config, exact=True)["months"]] == ["maple", "cedar"]


@pytest.mark.sqlite
def test_one_that_alone_is_asked_for_is_not_said_to_be_unread(tmp_path):
    config = kept(two_evenings(), tmp_path)
    not_yet_rolled_up(config, "cedar")
    run = tell(config, more=["--building", "cedar"])
    assert run.code == 1 and "of Cedar School readings are on record that are not rolled up yet" in run.err
    assert "no reading" not in run.err


# Deadlines, and what people did.


def test_relief_on_record_counts_for_the_ticket_that_would_have_been(tmp_path):
    story = hot_afternoon().act("2026-09-02 15:30", "relieve", tier="mitigation")
    config = kept(story, tmp_path)
    for exact in (False, True):
        total = ask(config, "rules.heat.above_f=80", exact=exact)["total"]
        assert total["in_force"]["missed"] == total["proposed"]["missed"] == 0
        shorter = ask(config, "rules.deadlines.mitigation=2h", exact=exact)["total"]
        assert (shorter["proposed"]["missed"], shorter["proposed"]["missed_not_on_record"]) == (1, 0)


def test_without_a_ticket_on_record_no_relief_is_known_and_that_is_said(tmp_path):
    config = kept(hot_afternoon(temperature_f=82.0), tmp_path)
    for exact in (False, True):
        told = ask(config, "rules.heat.above_f=80", exact=exact)
        assert told["total"]["proposed"]["missed"] == 1
        assert told["total"]["proposed"]["missed_not_on_record"] == 1
        assert any("no relief is known" in note for note in told["notes"])


def test_an_outage_is_weighed_against_the_proposed_time(tmp_path):
    story = hot_afternoon()
    story.power("2026-09-03 09:00", mains=True).power("2026-09-03 10:00", mains=False)
    story.power("2026-09-03 13:00", until="2026-09-03 14:00", mains=True)
    config = kept(story, tmp_path)
    for exact in (False, True):
        total = ask(config, "rules.outage.longer_than=4h", exact=exact)["total"]
        assert (total["in_force"]["tickets"], total["proposed"]["tickets"]) == (2, 1)


def test_a_hazard_that_a_person_reported_stays_one(tmp_path):
    config = kept(hot_afternoon().report("2026-09-04 09:00", "12", hazard="leaks"), tmp_path)
    for exact in (False, True):
        assert ask(config, "rules.heat.above_f=95", exact=exact)["total"]["proposed"]["tickets"] == 1


# Exactly.


def test_with_nothing_set_every_reading_leads_to_the_record_itself(tmp_path):
    story = hot_afternoon()
    story.reading("lab", "2026-09-03 06:00", until="2026-09-03 09:00", temperature_f=58.0, humidity=40.0)
    late = {"temperature_f": 57.0, "humidity": 40.0, "ts": "2026-09-03T12:30:00Z"}
    story.says("2026-09-03 09:30", "safetyd/readings/maple/lab", json.dumps(late))
    story.report("2026-09-04 09:00", "12", temperature_f=91.0, humidity=60.0, instrument="sling")
    story.power("2026-09-05 10:00", mains=True).power("2026-09-05 10:10", mains=False)
    story.act("2026-09-02 15:30", "relieve", tier="immediate").act("2026-09-06 09:00", "close", note="done")
    told, config = story.replay(END), kept(story, tmp_path)
    outcome = judged(config)
    seconds = told.output["rooms"]
    assert round(figures(outcome)[1] / 1e6) == sum(each["breach_s"] for each in seconds)
    known = sum(each["breach_s"] + each["ok_s"] for each in seconds)
    assert round(sum(outcome.known.values()) / 1e6) == known
    assert [ticket.id for ticket in outcome.tickets] == [ticket["id"] for ticket in told.output["tickets"]]
    for ticket, recorded in zip(outcome.tickets, told.output["tickets"], strict=True):
        assert ticket.status == recorded["status"]
        assert {each.tier: each.state for each in ticket.deadlines} == states(recorded)
        assert instant(recorded["began_at"]) == ticket.began_at
        assert instant(recorded["opened_at"]) == ticket.opened_at


def test_other_rules_lead_to_what_replay_tells_of_them(tmp_path):
    story = hot_afternoon(temperature_f=82.0)
    told, config = story.replay(END, STRICT), kept(story, tmp_path)
    outcome = judged(config, *STRICT)
    assert [ticket.id for ticket in outcome.tickets] == [ticket["id"] for ticket in told.output["tickets"]]
    assert round(figures(outcome)[1] / 1e6) == sum(each["breach_s"] for each in told.output["rooms"])


def test_processes_of_their_own_come_to_the_same(tmp_path):
    config = kept(hot_afternoon(), tmp_path)
    alone = figures(judged(config, *STRICT))
    total = ask(config, *STRICT, exact=True)["total"]["proposed"]
    assert (total["tickets"], total["breach_h"]) == (alone[0], alone[1] / 3.6e9)


# Laws.

HEATS = (72.0, 79.0, 80.5, 83.0, 84.2, 85.5, 88.0, 95.0)
COLDS = (55.0, 59.9, 60.0, 60.5, 61.5, 63.0)
spells = st.lists(
    st.tuples(st.sampled_from((*HEATS, *COLDS)), st.integers(1, 30), st.sampled_from((0, 0, 0, 25, 200))),
    min_size=1,
    max_size=12,
)


def season_of(drawn: list[tuple[float, int, int]]) -> Story:
    """Return a story of spells: a temperature, how many readings of it, and minutes of silence after."""
    story, minute = Story(calendar=SCHOOL_YEAR), 8 * 60
    for temperature_f, count, silence in drawn:
        for _ in range(count):
            day, rest = divmod(minute, 24 * 60)
            at = f"2026-09-{2 + day:02d} {rest // 60:02d}:{rest % 60:02d}"
            story.reading("12", at, temperature_f=temperature_f, humidity=45.0)
            minute += 7
        minute += silence
    return story


@settings(max_examples=50)  # each is asked eleven times
@given(spells)
@pytest.mark.slow
def test_a_stricter_limit_never_finds_less_and_nothing_set_changes_nothing(tmp_path_factory, drawn):
    config = kept(season_of(drawn), tmp_path_factory.mktemp("season"))
    for limits in (
        [f"rules.heat.above_f={limit}" for limit in (90, 85, 84.5, 82, 79)],
        [f"rules.cold.below_f={limit}" for limit in (56, 60, 60.5, 62, 64)],
    ):
        rows = [supposed(config, each).total for each in limits]
        assert all(a.proposed.breach <= b.proposed.breach for a, b in pairwise(rows))
        assert all(a.proposed.student <= b.proposed.student for a, b in pairwise(rows))
    total = supposed(config).total
    assert total.in_force == total.proposed


@given(spells, st.sampled_from(("rules.heat.above_f=80", "rules.cold.below_f=62", "rules.heat.above_f=90")))
@pytest.mark.slow
def test_hours_that_are_passed_over_change_nothing(tmp_path_factory, drawn, setting):
    config = kept(season_of(drawn), tmp_path_factory.mktemp("season"))
    answer = supposed(config, setting)
    configuration = loaded(str(config))
    site = configuration.site
    with closing(open_for_reading(configuration.settings.store.url)) as connection:
        places = {
            each.number: each.place for each in rollups.places(connection) if each.place.building == "maple"
        }
        books = [site.rulebook, with_rules(site, [setting]).rulebook]
        span = full_hours(answer.question.begin, answer.question.end)
        facts = facts_of(site, routes(site))
        some = estimate(Stored(connection), facts, books, places, span)
        every = estimate(Stored(connection), facts, books, places, span, skips=False)
    assert [(a.rows, a.tickets) for a in some] == [(b.rows, b.tickets) for b in every]


# It keeps nothing.


@pytest.mark.sqlite
@pytest.mark.parametrize("exact", [False, True])
def test_the_store_is_the_same_to_the_byte(tmp_path, exact):
    config = kept(hot_afternoon(), tmp_path)
    before = digest(tmp_path)
    ask(config, *STRICT, exact=exact)
    assert digest(tmp_path) == before


# Bad input.


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (["rules.heat.abve_f=80"], "did you mean 'above_f'?"),
        (["heat.above_f=80"], "a key that begins with rules."),
        (["rules.heat.above_f"], "it has no ="),
        (["rules.heat.above_f=warm"], "rules.heat.above_f"),
        (["rules.quality.stale_after=1h"], "add --exact"),
    ],
)
def test_a_setting_that_is_none_is_one_sentence(tmp_path, settings, words):
    run = tell(kept(hot_afternoon(), tmp_path), *settings)
    assert run.code in (1, 2)
    assert words in run.err
    assert run.out == ""
    assert "Traceback" not in run.err


@pytest.mark.parametrize(
    ("begin", "end", "words"),
    [
        ("2026-09-11 00:00", "2026-09-01 00:00", "is not before"),
        ("2025-09-01 00:00", "2025-09-11 00:00", "no reading of a room of maple, cedar is on record"),
        ("2026-09-02 09:01", "2026-09-02 09:59", "no full hour"),
    ],
)
def test_a_range_without_anything_is_one_sentence(tmp_path, begin, end, words):
    run = tell(kept(hot_afternoon(), tmp_path), begin=begin, end=end)
    assert run.code in (1, 2)
    assert words in run.err
    assert run.err.count("\n") == 1


def test_a_season_without_data_is_told_by_every_reading_too(tmp_path):
    run = tell(kept(hot_afternoon(), tmp_path), exact=True, begin="2025-09-01 00:00", end="2025-09-11 00:00")
    assert (run.code, run.out) == (1, "")
    assert "no reading of a room" in run.err


def test_without_roll_ups_it_says_how_to_make_them(tmp_path):
    run = tell(hot_afternoon().keep(tmp_path, END))
    assert run.code == 1
    assert "safetyd history rebuild" in run.err


def test_a_building_that_is_none_is_named(tmp_path):
    run = tell(kept(hot_afternoon(), tmp_path), more=["--building", "mapel"])
    assert run.code == 2
    assert "did you mean 'maple'?" in run.err


def test_an_answer_as_an_object_adds_up(tmp_path):
    told = answer_object(supposed(kept(hot_afternoon(), tmp_path), *STRICT))
    for side in ("in_force", "proposed", "difference"):
        for name, value in told["total"][side].items():
            assert value == pytest.approx(sum(each[side][name] for each in told["months"]))


def test_an_estimate_says_why_it_ends_before_the_end_that_was_asked_for(tmp_path):
    config = kept(hot_afternoon(), tmp_path)
    assert not any("it ends at" in each for each in ask(config)["notes"])
    (note,) = [each for each in ask(config, end="2026-09-10 09:30")["notes"] if "it ends at" in each]
    assert note == (
        "it ends at 2026-09-10 09:00, not at 2026-09-10 09:30: it counts full hours,"
        " as far as they are rolled up by now"
    )
    assert "\nIt ends at 2026-09-10 09:00, not at" in tell(config, end="2026-09-10 09:30").out
