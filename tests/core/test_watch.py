"""The watch is its table: every state with every input, and what is not in the table changes nothing."""

from datetime import datetime, timedelta
from itertools import product

import pytest

from safetyd.core.model import Worst
from safetyd.core.units import JUST_AFTER
from safetyd.core.watch import (
    CALM,
    TABLE,
    Ended,
    Input,
    Level,
    Limit,
    Sample,
    State,
    Watch,
    due,
    elapse,
    seen,
    silence,
    step,
)
from tests.core.scene import MINUTE, clock

LIMIT = Limit(confirm=2, end_after=30 * MINUTE)
COLDER_IS_WORSE = -1
NINE = clock("09:00")
VALUES = {Level.BEYOND: 57.0, Level.BETWEEN: 60.5, Level.BACK: 62.0}


def sample(at: datetime, level: Level, value: float | None = None, is_new: bool | None = None) -> Sample:
    new = level is Level.BEYOND if is_new is None else is_new
    return Sample(at, level, VALUES[level] if value is None else value, at + 15 * MINUTE, new)


def after(*samples: Sample, limit: Limit = LIMIT) -> tuple[Watch, list[Ended]]:
    """Return the watch after these samples, time having passed up to each, and the episodes that ended."""
    watch, ended = CALM, []
    for one in samples:
        watch, by_time = elapse(watch, one.at)
        watch, by_sample = step(watch, one, limit, COLDER_IS_WORSE)
        ended += [end for end in (by_time, by_sample) if end is not None]
    return watch, ended


def run(text: str, every: timedelta = 5 * MINUTE, limit: Limit = LIMIT) -> tuple[Watch, list[Ended]]:
    """Return the watch after samples from nine o'clock on: ! is beyond, - between and . back."""
    levels = {"!": Level.BEYOND, "-": Level.BETWEEN, ".": Level.BACK}
    return after(*(sample(NINE + i * every, levels[sign]) for i, sign in enumerate(text)), limit=limit)


# Every pair. What each input looks like from the outside:
STORY = {State.NORMAL: "", State.PENDING: "!", State.ACTIVE: "!!", State.CLEARING: "!!."}
LAST = {
    Input.BEYOND: sample(NINE + 15 * MINUTE, Level.BEYOND, is_new=False),  # nothing new: confirms nothing
    Input.CONFIRMED: sample(NINE + 15 * MINUTE, Level.BEYOND),
    Input.BETWEEN: sample(NINE + 15 * MINUTE, Level.BETWEEN),
    Input.BACK: sample(NINE + 15 * MINUTE, Level.BACK),
}
BECOMES = {
    (State.NORMAL, Input.CONFIRMED): State.PENDING,  # one reading where two are asked for
    (State.PENDING, Input.CONFIRMED): State.ACTIVE,
    (State.PENDING, Input.BETWEEN): State.NORMAL,
    (State.PENDING, Input.BACK): State.NORMAL,
    (State.ACTIVE, Input.BACK): State.CLEARING,
    (State.CLEARING, Input.BEYOND): State.ACTIVE,
    (State.CLEARING, Input.CONFIRMED): State.ACTIVE,
    (State.CLEARING, Input.BETWEEN): State.ACTIVE,
}


@pytest.mark.parametrize(("state", "heard"), list(product(State, LAST)))
def test_each_state_takes_each_sample_as_the_table_says(state: State, heard: Input) -> None:
    watch, _ = run(STORY[state])
    assert watch.state is state
    assert step(watch, LAST[heard], LIMIT, COLDER_IS_WORSE)[0].state is BECOMES.get((state, heard), state)


@pytest.mark.parametrize("state", State)
def test_a_single_reading_is_enough_where_one_is_asked_for(state: State) -> None:
    watch, _ = run(STORY[state])
    assert (
        step(watch, LAST[Input.CONFIRMED], LIMIT._replace(confirm=1), COLDER_IS_WORSE)[0].state
        is State.ACTIVE
    )


@pytest.mark.parametrize(("state", "ends"), [("", False), ("!", False), ("!!", True), ("!!.", True)])
def test_held_at_once_where_no_time_is_asked_for(state: str, ends: bool) -> None:
    at_once = LIMIT._replace(end_after=timedelta(0))
    watch, _ = run(state, limit=LIMIT)
    watch, ended = step(watch, LAST[Input.BACK], at_once, COLDER_IS_WORSE)
    assert watch.state is State.NORMAL
    assert (ended is not None) is ends


def test_only_a_reading_beyond_the_limit_leads_into_a_breach_and_only_one_that_held_out_of_it() -> None:
    breach = {State.ACTIVE, State.CLEARING}
    for (state, heard), becomes in TABLE.items():
        assert becomes is not state
        if becomes in breach and state not in breach:
            assert heard is Input.CONFIRMED
        if state in breach and becomes not in breach:
            assert (heard, becomes) == (Input.HELD, State.NORMAL)


# Beginning


def test_an_episode_begins_with_the_first_of_the_readings_that_were_asked_for() -> None:
    watch, _ = run("..!!")
    assert (watch.state, watch.began_at) == (State.ACTIVE, NINE + 10 * MINUTE)


def test_readings_that_are_not_running_confirm_nothing() -> None:
    assert run("!.!")[0].began_at == NINE + 10 * MINUTE
    assert run("!.!")[0].state is State.PENDING


@pytest.mark.parametrize(
    ("every", "state"), [(15 * MINUTE, State.ACTIVE), (15 * MINUTE + JUST_AFTER, State.PENDING)]
)
def test_after_a_gap_the_count_begins_anew(every: timedelta, state: State) -> None:
    assert run("!!", every)[0].state is state


def test_the_worst_is_the_most_extreme_and_the_first_of_equals() -> None:
    watch, _ = after(
        sample(NINE, Level.BEYOND, 58.0),
        sample(NINE + MINUTE, Level.BEYOND, 56.0),
        sample(NINE + 2 * MINUTE, Level.BEYOND, 56.0),
        sample(NINE + 3 * MINUTE, Level.BETWEEN, 60.5),
    )
    assert watch.worst == Worst(56.0, NINE + MINUTE)


# Ending


def test_it_ends_at_the_first_of_the_readings_that_held_for_the_time() -> None:
    watch, ended = run("!!-" + "." * 7)
    assert watch == CALM
    assert [(end.began_at, end.ended_at) for end in ended] == [(NINE, NINE + 15 * MINUTE)]
    assert ended[0].worst == Worst(57.0, NINE)


@pytest.mark.parametrize("relapse", ["-", "!"])
def test_a_relapse_begins_the_time_anew(relapse: str) -> None:
    _, ended = run("!!" + "." * 6 + relapse + "." * 7)
    assert [end.ended_at for end in ended] == [NINE + 45 * MINUTE]


def test_a_relapse_at_the_very_moment_keeps_it_going_and_a_grain_later_begins_another() -> None:
    backs = [sample(NINE + i * 10 * MINUTE, Level.BACK) for i in (1, 2, 3)]
    story = [sample(NINE - MINUTE, Level.BEYOND), sample(NINE, Level.BEYOND), *backs]
    at = NINE + 40 * MINUTE
    assert after(*story, sample(at, Level.BEYOND))[1] == []
    watch, ended = after(*story, sample(at + JUST_AFTER, Level.BEYOND))
    assert [end.ended_at for end in ended] == [NINE + 10 * MINUTE]
    assert watch.began_at == at + JUST_AFTER


@pytest.mark.parametrize(
    ("every", "ends"), [(15 * MINUTE, NINE + 30 * MINUTE), (15 * MINUTE + JUST_AFTER, None)]
)
def test_a_gap_longer_than_a_reading_counts_begins_the_time_anew(
    every: timedelta, ends: datetime | None
) -> None:
    _, ended = run("!!...", every, LIMIT._replace(confirm=1))
    assert [end.ended_at for end in ended] == ([] if ends is None else [ends])


def test_time_alone_ends_it_once_a_reading_has_vouched_for_long_enough() -> None:
    watch, _ = run("!!....")  # back since 9:10, last heard 9:25, so known up to 9:40
    assert due(watch) == NINE + 40 * MINUTE + JUST_AFTER
    assert elapse(watch, NINE + 40 * MINUTE) == (watch, None)
    over, ended = elapse(watch, NINE + 40 * MINUTE + JUST_AFTER)
    assert over == CALM
    assert ended is not None
    assert ended.ended_at == NINE + 10 * MINUTE


@pytest.mark.parametrize("story", ["", "!", "!!", "!!-", "!!.", "!!.-"])
def test_where_nothing_vouches_long_enough_time_alone_ends_nothing(story: str) -> None:
    watch, _ = run(story)
    assert due(watch) is None
    assert elapse(watch, NINE + timedelta(days=30)) == (watch, None)


def test_a_sensor_found_broken_vouches_no_longer() -> None:
    watch, _ = run("!!....")
    broken = silence(watch, NINE + 30 * MINUTE)
    assert due(broken) is None
    assert silence(broken, NINE + 35 * MINUTE) == broken
    assert broken.is_breach


# What was seen


def test_what_was_seen_is_the_time_that_readings_vouch_for() -> None:
    watch, _ = after(
        sample(NINE, Level.BEYOND),
        sample(NINE + 5 * MINUTE, Level.BEYOND),
        sample(NINE + 60 * MINUTE, Level.BEYOND),
    )
    assert seen(watch, NINE + 62 * MINUTE) == (5 + 15 + 2) * MINUTE
    assert seen(watch, NINE + 600 * MINUTE) == (5 + 15 + 15) * MINUTE
    assert seen(silence(watch, NINE + 61 * MINUTE), NINE + 600 * MINUTE) == (5 + 15 + 1) * MINUTE


def test_what_was_seen_of_an_episode_ends_where_it_ends() -> None:
    _, ended = run("!!" + "." * 7)
    assert [end.seen for end in ended] == [10 * MINUTE]
