"""The worst believed sensor speaks for the room, and heat needs two quantities of the same moment."""

import re
from datetime import date, datetime
from typing import Any

import pytest

from safetyd.core import room
from safetyd.core.heat_index import heat_index_f
from safetyd.core.model import Condition, Observation, Verdict, Worst
from safetyd.core.rules import RuleBook, Rules
from safetyd.core.units import JUST_AFTER
from safetyd.core.warmth import Warmth
from safetyd.core.watch import Level
from tests.core.scene import GREENWICH, MINUTE, Scene, clock, rules, said

NINE = clock("09:00")
COLD, HEAT = Condition.COLD, Condition.HEAT


def observed(*words: Observation, by: Rules | None = None) -> room.Room:
    """Return the room after these words, in this order."""
    standing = room.EMPTY
    for word in words:
        seen = room.observe(standing, word, RuleBook((by or Rules(),)))
        assert not seen.is_late
        standing = seen.room
    return standing


def heat(standing: room.Room, at: datetime) -> Warmth | None:
    return room.warmth(standing, HEAT, at, Rules())


def at(minutes: float, sensor: str = "a", **values: Any) -> Observation:
    return said(NINE + minutes * MINUTE, sensor=sensor, **values)


# Temperature and humidity of the same moment


@pytest.mark.parametrize(("minutes", "pairs"), [(0, True), (10, True), (10 + 1 / 60, False)])
@pytest.mark.parametrize("damp_first", [True, False])
def test_a_pair_is_at_most_ten_minutes_apart_and_true_from_its_later_half(
    minutes: float, pairs: bool, damp_first: bool
) -> None:
    halves: list[dict[str, Any]] = [{"temperature_f": 88.0}, {"humidity": 60.0}]
    first, second = reversed(halves) if damp_first else halves
    known = heat(observed(at(0, **first), at(minutes, **second)), NINE + minutes * MINUTE)
    assert (known is not None) is pairs
    if known is not None:
        assert (known.value, known.at) == (heat_index_f(88.0, 60.0), NINE + minutes * MINUTE)
        assert known.until == NINE + 15 * MINUTE


def test_a_sensor_without_humidity_borrows_the_newest_of_its_room() -> None:
    words = [at(0, "b", humidity=30.0), at(1, "c", humidity=50.0), at(2, temperature_f=88.0)]
    known = heat(observed(*words), NINE + 2 * MINUTE)
    assert known is not None
    assert known.value == heat_index_f(88.0, 50.0)


def test_a_sensor_with_its_own_humidity_needs_no_other() -> None:
    known = heat(observed(at(0, temperature_f=88.0, humidity=30.0), at(1, "c", humidity=90.0)), NINE + MINUTE)
    assert known is not None
    assert known.value == heat_index_f(88.0, 30.0)


@pytest.mark.parametrize(
    ("temperature_f", "verdict"),
    [
        (70.0, Verdict.OK),
        (79.3, Verdict.OK),
        (79.5, Verdict.UNKNOWN),
        (91.5, Verdict.UNKNOWN),
        (91.6, Verdict.BREACH),
    ],
)
def test_without_humidity_only_what_holds_at_any_is_known(temperature_f: float, verdict: Verdict) -> None:
    assert room.verdict(observed(at(0, temperature_f=temperature_f)), HEAT, NINE, Rules()) is verdict


def test_without_humidity_the_worst_says_that_dry_air_was_assumed() -> None:
    standing = observed(at(0, temperature_f=95.0))
    assert standing.heat.worst == Worst(heat_index_f(95.0, 0.0), NINE, assumed_dry=True)


# Several sensors


@pytest.mark.parametrize("order", [("a", "b"), ("b", "a")])
def test_the_worst_sensor_speaks_for_the_room_in_whatever_order_they_spoke(order: tuple[str, str]) -> None:
    cold, warm = {"temperature_f": 59.0}, {"temperature_f": 90.0, "humidity": 60.0}
    said_by = {"a": cold, "b": warm}
    standing = observed(*(at(i, sensor, **said_by[sensor]) for i, sensor in enumerate(order)))
    assert standing.watch(COLD).is_breach
    assert standing.watch(HEAT).is_breach


def test_one_sensors_unknown_heat_is_not_made_ok_by_a_milder_one() -> None:
    standing = observed(at(0, "b", temperature_f=75.0), at(1, temperature_f=90.0))
    assert room.verdict(standing, HEAT, NINE + MINUTE, Rules()) is Verdict.UNKNOWN


def test_one_sensors_unknown_heat_ends_no_episode_because_another_is_mild() -> None:
    scene = Scene().says(NINE, temperature_f=90.0, humidity=60.0)
    for minutes in range(15, 60, 5):
        scene.hears(at(minutes, temperature_f=90.0)).hears(at(minutes, "b", temperature_f=75.0))
    assert scene.spans(HEAT) == [(NINE, None)]


def test_when_the_worst_sensor_falls_silent_the_others_speak() -> None:
    standing = observed(at(0, temperature_f=59.5), at(10, "b", temperature_f=70.0))
    for moment, level in ((NINE + 15 * MINUTE, Level.BEYOND), (NINE + 15 * MINUTE + JUST_AFTER, Level.BACK)):
        known = room.warmth(standing, COLD, moment, Rules())
        assert known is not None
        assert known.level is level


@pytest.mark.parametrize("condition", [COLD, HEAT])
@pytest.mark.parametrize("order", ["ab", "ba"])
def test_the_room_is_known_for_as_long_as_any_of_its_sensors_is(condition: Condition, order: str) -> None:
    values = {"a": {"temperature_f": 92.0, "humidity": 60.0}, "b": {"temperature_f": 90.0, "humidity": 60.0}}
    first = [at(0, sensor, **values[sensor]) for sensor in order]
    known = room.warmth(observed(*first, at(5, "b", **values["b"])), condition, NINE + 5 * MINUTE, Rules())
    assert known is not None
    assert known.until == NINE + 20 * MINUTE


# Confirmation


def confirmed_by(*words: Observation) -> datetime | None:
    """Return when the breach began, where two readings running are asked for."""
    watch = observed(*words, by=rules(cold={"confirm": 2})).cold
    return watch.began_at if watch.is_breach else None


def test_a_second_sensor_confirms_though_it_is_less_cold() -> None:
    assert confirmed_by(at(0, temperature_f=57.0), at(1, "b", temperature_f=58.0)) == NINE


def test_a_mild_sensor_neither_confirms_nor_denies_a_cold_one() -> None:
    words = [at(0, temperature_f=57.0), at(1, "b", temperature_f=70.0)]
    assert confirmed_by(*words) is None
    assert confirmed_by(*words, at(5, temperature_f=57.0)) == NINE


def test_the_instrument_of_the_contract_needs_no_second_reading() -> None:
    assert confirmed_by(at(0, "hand", temperature_f=59.0, by_hand=True)) == NINE


def test_a_mild_reading_by_hand_confirms_nothing() -> None:
    assert confirmed_by(at(0, temperature_f=57.0), at(1, "hand", temperature_f=70.0, by_hand=True)) is None


# What cannot be believed


@pytest.mark.parametrize("condition", [COLD, HEAT])
def test_a_rejected_temperature_leaves_nothing_known(condition: Condition) -> None:
    standing = observed(at(0, temperature_f=70.0, humidity=40.0), at(1, temperature_c=85.0, humidity=40.0))
    assert room.verdict(standing, condition, NINE + MINUTE, Rules()) is Verdict.UNKNOWN


def test_a_rejected_humidity_leaves_the_temperature() -> None:
    standing = observed(at(0, temperature_f=82.0, humidity=40.0), at(1, temperature_f=82.0, humidity=0.5))
    assert room.verdict(standing, COLD, NINE + MINUTE, Rules()) is Verdict.OK
    assert room.verdict(standing, HEAT, NINE + MINUTE, Rules()) is Verdict.UNKNOWN


def test_a_suspect_counts_at_its_own_time_once_it_is_borne_out() -> None:
    standing = observed(at(0, temperature_f=70.0), at(1, temperature_f=58.0), at(2, temperature_f=58.0))
    assert standing.cold.began_at == NINE + MINUTE


def test_a_suspect_is_judged_by_the_rules_of_its_own_day() -> None:
    midnight = clock("2026-12-02 00:00")
    stricter = rules(effective=date(2026, 12, 2), cold={"below_f": 65.0, "end_f": 66.0})
    scene = Scene(Rules(), stricter, calendar=GREENWICH)
    scene.says(midnight - 4 * MINUTE, temperature_f=80.0).says(midnight - MINUTE, temperature_f=62.0)
    assert scene.says(midnight + MINUTE, temperature_f=65.0).spans() == []


def test_an_episode_ends_at_a_good_reading_not_at_the_rejection_of_a_bad_one() -> None:
    scene = Scene().hears(at(0, temperature_f=57.0)).hears(at(1, "b", temperature_f=70.0))
    scene.hears(at(5, temperature_c=85.0))
    for minutes in range(11, 60, 10):
        scene.hears(at(minutes, "b", temperature_f=70.0))
    assert scene.spans() == [(NINE, NINE + 11 * MINUTE)]


# Time


def test_after_its_time_a_room_is_unknown() -> None:
    standing = observed(at(0, temperature_f=70.0, humidity=40.0))
    for condition in (COLD, HEAT):
        assert room.verdict(standing, condition, NINE + 15 * MINUTE, Rules()) is Verdict.OK
        assert room.verdict(standing, condition, NINE + 15 * MINUTE + JUST_AFTER, Rules()) is Verdict.UNKNOWN


def test_what_is_older_than_what_was_judged_is_late_and_changes_nothing() -> None:
    standing = observed(at(5, temperature_f=70.0))
    seen = room.observe(standing, at(4, "b", temperature_f=57.0), RuleBook())
    assert (seen.is_late, seen.room, seen.findings) == (True, standing, ())


@pytest.mark.parametrize("values", [{"temperature_f": 78.0}, {"humidity": 80.0}])
def test_what_is_late_is_not_doubted_for_what_came_after_it(values: dict[str, float]) -> None:
    standing = observed(at(5, temperature_f=65.0, humidity=40.0))
    late = room.observe(standing, at(4, **values), RuleBook())
    assert late.is_late and late.judged.flaws == ()
    (flaw,) = room.observe(standing, at(6, **values), RuleBook()).judged.flaws
    assert "60 s after" in flaw.reason, "after it, it is"


def test_what_is_wrong_in_itself_is_said_of_what_is_late_too() -> None:
    standing = observed(at(5, temperature_f=65.0))
    (flaw,) = room.observe(standing, at(4, temperature_f=185.0), RuleBook()).judged.flaws
    assert "185 °F is an error code" in flaw.reason


def test_what_is_older_than_a_suspect_that_waits_is_late_too() -> None:
    standing = observed(at(0, temperature_f=70.0), at(2, temperature_f=50.0))
    assert room.observe(standing, at(1, temperature_f=70.0), RuleBook()).is_late


# Reading again

STORIES = {
    "a cold morning": "0a59 5a60.5 10a61 25a62 40a62 55a59.9",
    "two sensors": "0a59 1b63 5a62 6b59 21b61.5 36a62",
    "a jump borne out": "0a70 1a55 2a55.5 30a70 31a50 32a70",
    "a gap": "0a59 16a62 31a62 47a62 62a62 77a62",
}


def told(story: str) -> list[Observation]:
    """Return the words of a story: at which minute, which sensor, how many °F."""
    words = [re.fullmatch(r"(\d+)([ab])([\d.]+)", word) for word in story.split()]
    return [at(int(m[1]), m[2], temperature_f=float(m[3])) for m in words if m]


@pytest.mark.parametrize("story", STORIES)
@pytest.mark.parametrize("confirm", [1, 2])
def test_reading_again_from_the_beginning_comes_to_what_observing_came_to(story: str, confirm: int) -> None:
    by = rules(cold={"confirm": confirm})
    words = told(STORIES[story])
    standing, findings = room.EMPTY, []
    for word in words:
        seen = room.observe(standing, word, RuleBook((by,)))
        assert not seen.is_late
        standing, findings = seen.room, [*findings, *seen.findings]
    assert room.read_again(room.EMPTY, words, RuleBook((by,))) == (standing, tuple(findings))


def test_reading_again_may_begin_anywhere_where_no_suspect_waits() -> None:
    words = told(STORIES["two sensors"])
    whole, all_findings = room.read_again(room.EMPTY, words, RuleBook())
    for cut in range(len(words)):
        base, before = room.read_again(room.EMPTY, words[:cut], RuleBook())
        again, after = room.read_again(base, words[cut:], RuleBook())
        assert (again, before + after) == (whole, all_findings)
