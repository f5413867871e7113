"""A building's electricity by the last words of its witnesses: who votes, how long, what that decides."""

from datetime import datetime, timedelta
from itertools import product
from typing import Any

import pytest

from safetyd.core import power
from safetyd.core.model import Observation, Verdict
from safetyd.core.power import (
    EMPTY,
    TABLE,
    Power,
    Stage,
    State,
    Step,
    Tide,
    Word,
    next_due,
    observe,
    pass_time,
    tide,
)
from safetyd.core.rules import RuleBook, Rules
from safetyd.core.units import JUST_AFTER
from tests.core.scene import BUILDING, MINUTE, clock, rules, said

NINE = clock("09:00")
TWO_HOURS = timedelta(hours=2)


def at(minutes: float, sensor: str = "a", mains: bool | None = None, **values: Any) -> Observation:
    return said(NINE + minutes * MINUTE, sensor=sensor, place=BUILDING, mains=mains, **values)


def after(*words: Observation, by: Rules | None = None) -> tuple[Power, list[Step]]:
    """Return the power after these words, in this order, and the stages that were gone through."""
    standing, steps = EMPTY, []
    for word in words:
        told = observe(standing, word, by or Rules())
        assert told is not None
        standing, more = told
        steps += more
    return standing, steps


def until(
    standing: Power, minutes: float, by: Rules | None = None
) -> tuple[Power, list[tuple[Stage, datetime]]]:
    """Return the power once time has passed, and the stages with when they were reached."""
    later, steps = pass_time(standing, NINE + minutes * MINUTE, by or Rules())
    return later, [(step.stage, step.at) for step in steps]


def dark(*sensors: str) -> list[Observation]:
    return [at(i, sensor, False) for i, sensor in enumerate(sensors)]


# Every pair


STORY = {
    State.NORMAL: [at(0, mains=True)],
    State.OUT: [at(0, mains=False)],
    State.RETURNING: [at(0, mains=False), at(1, mains=True)],
}
LAST = {Tide.ON: at(2, mains=True), Tide.OFF: at(2, mains=False), Tide.UNKNOWN: None}
MOVES = {(State.NORMAL, Tide.OFF), (State.OUT, Tide.ON), (State.RETURNING, Tide.OFF)}


@pytest.mark.parametrize(("state", "votes"), list(product(State, Tide)))
def test_each_state_takes_each_vote_as_the_table_says(state: State, votes: Tide) -> None:
    slow = rules(outage={"restored_after": 60 * MINUTE})
    standing, _ = after(*STORY[state], by=slow)
    assert standing.state is state
    word = LAST[votes]
    if word is not None:
        standing, _ = after(*STORY[state], word, by=slow)
    elif state is not State.OUT:  # an `off` never lapses, so that a building that is out is never unknown
        standing, _ = until(standing, 600, slow)
        assert tide(standing, NINE + 600 * MINUTE, Rules().outage) is Tide.UNKNOWN
    assert standing.state is TABLE.get((state, votes), state)
    assert ((state, votes) in TABLE) is ((state, votes) in MOVES)


# Votes


@pytest.mark.parametrize(
    ("votes", "majority", "all_", "any_", "two"),
    [
        ("", Tide.UNKNOWN, Tide.UNKNOWN, Tide.UNKNOWN, Tide.UNKNOWN),
        ("1", Tide.ON, Tide.ON, Tide.ON, Tide.ON),
        ("0", Tide.OFF, Tide.OFF, Tide.OFF, Tide.UNKNOWN),
        ("01", Tide.ON, Tide.ON, Tide.OFF, Tide.ON),
        ("00", Tide.OFF, Tide.OFF, Tide.OFF, Tide.OFF),
        ("001", Tide.OFF, Tide.ON, Tide.OFF, Tide.OFF),
        ("011", Tide.ON, Tide.ON, Tide.OFF, Tide.ON),
        ("0011", Tide.ON, Tide.ON, Tide.OFF, Tide.OFF),
        ("0001", Tide.OFF, Tide.ON, Tide.OFF, Tide.OFF),
        ("111", Tide.ON, Tide.ON, Tide.ON, Tide.ON),
    ],
)
def test_a_quorum_is_of_the_votes(votes: str, majority: Tide, all_: Tide, any_: Tide, two: Tide) -> None:
    words = {f"{i}": Word(vote == "1", NINE, NINE, NINE + 15 * MINUTE) for i, vote in enumerate(votes)}
    found = [
        tide(Power(words=words), NINE, rules(outage={"quorum": quorum}).outage)
        for quorum in ("majority", "all", "any", 2)
    ]
    assert found == [majority, all_, any_, two]


@pytest.mark.parametrize(
    ("minutes", "counts"),
    [(timedelta(minutes=15), Tide.ON), (timedelta(minutes=15) + JUST_AFTER, Tide.UNKNOWN)],
)
def test_an_on_is_a_vote_for_a_quarter_of_an_hour(minutes: timedelta, counts: Tide) -> None:
    standing, _ = after(at(0, mains=True))
    assert tide(standing, NINE + minutes, Rules().outage) is counts


def test_an_off_is_a_vote_until_the_same_witness_says_on() -> None:
    standing, _ = after(at(0, mains=False))
    assert tide(standing, NINE + timedelta(days=9), Rules().outage) is Tide.OFF


def test_the_lapse_of_a_vote_tips_the_quorum_at_its_very_moment() -> None:
    standing, steps = after(at(0, "b", True), at(1, "a", False))
    assert steps == []
    _, passed = until(standing, 16)
    assert passed == [(Stage.BEGAN, NINE + 15 * MINUTE)]


def test_an_outage_began_with_the_earliest_off_of_those_that_carry_it() -> None:
    standing, steps = after(at(0, "c", True), *dark("a", "b")[:1], at(5, "b", False))
    assert (standing.state, standing.began_at) == (State.OUT, NINE)
    assert steps == [Step(Stage.BEGAN, NINE + 5 * MINUTE, NINE)]


@pytest.mark.parametrize("values", [{"power_w": 0.0}, {"battery": 50.0}, {}])
def test_watts_and_batteries_are_no_word(values: dict[str, float]) -> None:
    assert after(at(0, **values))[0].words == {}


# Voltage


@pytest.mark.parametrize(
    ("volts", "state", "began"),
    [
        ((79.9, 79.9), State.OUT, 0),
        ((0.0, 0.0, 0.0), State.OUT, 0),
        ((80.0, 80.0), State.NORMAL, None),
        ((79.9,), State.NORMAL, None),
        ((0.0, 120.0, 0.0), State.NORMAL, None),
        ((120.0, 0.0, 0.0), State.OUT, 5),
        ((0.0, 120.0, 0.0, 0.0), State.OUT, 10),
    ],
)
def test_low_voltage_twice_running_is_off_from_the_first(
    volts: tuple[float, ...], state: State, began: int | None
) -> None:
    standing, _ = after(*(at(5 * i, voltage=value) for i, value in enumerate(volts)))
    assert standing.state is state
    assert standing.began_at == (None if began is None else NINE + began * MINUTE)


def test_what_is_low_depends_on_the_nominal_voltage() -> None:
    low = [at(0, voltage=120.0), at(5, voltage=120.0)]
    assert after(*low, by=rules(outage={"nominal_v": 230.0}))[0].state is State.OUT


def test_a_word_between_two_low_voltages_breaks_the_run() -> None:
    assert after(at(0, voltage=0.0), at(1, mains=True), at(2, voltage=0.0))[0].state is State.NORMAL


# Lasting


def test_time_alone_warns_and_makes_it_a_breach_a_grain_after_two_hours() -> None:
    standing, _ = after(at(0, mains=False))
    warned = [(Stage.WARNING, NINE + minutes * MINUTE) for minutes in (60, 90, 110)]
    assert until(standing, 120)[1] == warned
    later, steps = until(standing, 121)
    assert steps == [*warned, (Stage.LONG, NINE + TWO_HOURS)]
    assert power.verdict(later, NINE + 121 * MINUTE, Rules().outage) is Verdict.BREACH


@pytest.mark.parametrize(("returns", "stages"), [(TWO_HOURS, 0), (TWO_HOURS + timedelta(seconds=1), 1)])
def test_power_that_returns_at_two_hours_returned_in_time(returns: timedelta, stages: int) -> None:
    standing, _ = after(at(0, mains=False))
    told = observe(standing, at(returns / MINUTE, mains=True), Rules())
    assert told is not None
    assert [step.stage for step in told[1]].count(Stage.LONG) == stages


def test_however_time_is_cut_it_comes_to_the_same() -> None:
    standing, _ = after(at(0, "b", True), at(1, "a", False), at(70, "a", True), at(80, "a", False))
    at_once, stages = until(standing, 400)
    for cut in range(80, 400, 7):
        before, first = until(standing, cut)
        assert until(before, 400) == (at_once, stages[len(first) :])


# Returning


def test_it_is_over_at_the_first_on_once_that_has_held() -> None:
    standing, _ = after(at(0, mains=False), at(30, mains=True), at(40, mains=True))
    assert until(standing, 45)[1] == []
    later, steps = pass_time(standing, NINE + 45 * MINUTE + JUST_AFTER, Rules())
    assert [(step.stage, step.began_at, step.ended_at) for step in steps] == [
        (Stage.OVER, NINE, NINE + 30 * MINUTE)
    ]
    assert (later.state, later.began_at, later.flickers) == (State.NORMAL, None, 0)


@pytest.mark.parametrize(
    ("fails_again", "state", "flickers"), [(45, State.OUT, 1), (45 + 1 / 60, State.OUT, 0)]
)
def test_a_shorter_return_is_a_flicker_and_the_clock_runs_on(
    fails_again: float, state: State, flickers: int
) -> None:
    standing, _ = after(
        at(0, mains=False), at(30, mains=True), at(40, mains=True), at(fails_again, mains=False)
    )
    assert (standing.state, standing.flickers) == (state, flickers)
    assert standing.began_at == (NINE if flickers else NINE + fails_again * MINUTE)


def test_while_it_is_back_nothing_opens_and_when_it_fails_again_after_two_hours_it_is_a_breach_at_once() -> (
    None
):
    standing, _ = after(at(0, mains=False), at(115, mains=True))
    assert until(standing, 125)[1] == []
    _, steps = after(at(0, mains=False), at(115, mains=True), at(125, mains=False))
    assert (steps[-1].stage, steps[-1].at, steps[-1].began_at) == (Stage.LONG, NINE + 125 * MINUTE, NINE)


def test_a_return_that_nobody_vouches_for_holds_only_from_the_next_word_on() -> None:
    brief = rules(outage={"restored_after": 30 * MINUTE})
    standing, _ = after(at(0, mains=False), at(30, mains=True), by=brief)
    standing, steps = until(standing, 600, brief)
    assert (standing.state, standing.back_since, steps) == (State.RETURNING, None, [])
    told = observe(standing, at(600, mains=True), brief)
    assert told is not None
    assert told[0].back_since == NINE + 600 * MINUTE


def test_the_next_outage_does_not_begin_before_the_last_was_over() -> None:
    out = [at(i, sensor, False) for i, sensor in enumerate("abc")]
    back = [at(60 + i, sensor, True) for i in range(0, 60, 10) for sensor in "bc"]  # a has a fault of its own
    standing, steps = after(*out, *back, at(120, "b", False))
    (over,) = [step.ended_at for step in steps if step.stage is Stage.OVER]
    assert standing.state is State.OUT
    assert standing.began_at is not None
    assert over is not None
    assert standing.began_at >= over


# Late


def test_a_word_of_the_past_is_not_observed_but_read_again() -> None:
    standing, _ = after(at(5, mains=True))
    assert observe(standing, at(4, mains=False), Rules()) is None


def test_reading_again_comes_to_what_observing_came_to() -> None:
    words = [
        at(0, "b", True),
        at(1, mains=False),
        at(20, "b", False),
        at(70, mains=True),
        at(75, mains=False),
        at(200, mains=True),
    ]
    standing, steps = after(*words)
    assert power.read_again(EMPTY, words, RuleBook()) == (standing, tuple(steps))


@pytest.mark.parametrize(
    ("words", "expected"),
    [([], Verdict.UNKNOWN), ([at(0, mains=True)], Verdict.OK), ([at(0, mains=False)], Verdict.UNKNOWN)],
)
def test_the_verdict_is_unknown_without_a_word_and_while_an_outage_is_short(
    words: list[Observation], expected: Verdict
) -> None:
    assert power.verdict(after(*words)[0], NINE, Rules().outage) is expected


def test_a_quiet_building_has_nothing_due() -> None:
    assert next_due(EMPTY, Rules()) is None
    assert next_due(after(at(0, mains=True))[0], Rules()) == NINE + 15 * MINUTE + JUST_AFTER
