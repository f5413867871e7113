"""What a building's silence means, for every combination of what is known, and when its words were said."""

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from safetyd.core.afar import (
    CAUSES,
    NOTHING,
    PRESUMED_OUT,
    Afar,
    Cause,
    Hello,
    Known,
    Life,
    Link,
    LinkWord,
    Mains,
    Said,
    Span,
    State,
    Word,
    after_mains,
    after_word,
    carrier,
    said_at,
    told_apart,
)
from safetyd.core.power import Standing

NOON = datetime(2026, 12, 1, 20, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def expected(said: Said, word: Word, link: Link, is_ours: bool) -> Cause:
    """The promise once more, as nested questions."""
    if said in (Said.OUT, Said.LAST_WORDS):
        return Cause.NO_MAINS
    if is_ours:
        return Cause.UNHEARD
    if word is Word.STOPPED:
        return Cause.STOPPED
    return Cause.NO_GATEWAY if link is Link.UP else Cause.NO_NETWORK


@pytest.mark.parametrize(("said", "word", "link", "is_ours"), list(product(Said, Word, Link, (False, True))))
def test_every_combination_means_one_thing_and_says_why(
    said: Said, word: Word, link: Link, is_ours: bool
) -> None:
    found = told_apart(Known(said, word, link, is_ours))
    assert found.cause is expected(said, word, link, is_ours)
    assert found.why


def test_every_row_is_of_use() -> None:
    found = {told_apart(Known(*each)) for each in product(Said, Word, Link, (False, True))}
    assert {(cause, why) for *_, cause, why in CAUSES} == set(found)


def test_no_clock_runs_for_what_is_explained() -> None:
    assert set(PRESUMED_OUT) == {Cause.NO_NETWORK, Cause.NO_MAINS}


def known_after(*words: Hello | Life | LinkWord, is_retained: bool = False) -> Afar:
    afar = NOTHING
    for word in words:
        afar = after_word(afar, word, NOON, is_retained=is_retained)
    return afar


STOPPED, RUNNING, LAST_WORDS = Life(State.STOPPED), Life(State.RUNNING), Life(State.LAST_WORDS)
ON, OFF = Hello(True), Hello(False)


@pytest.mark.parametrize(
    ("words", "word"),
    [
        ([], Word.NONE),
        ([ON], Word.ONLINE),
        ([ON, OFF], Word.OFFLINE),
        ([ON, STOPPED, OFF], Word.STOPPED),
        ([OFF, STOPPED], Word.STOPPED),  # as a broker's memory may bring them
        ([STOPPED, OFF, ON, RUNNING], Word.ONLINE),
        ([STOPPED, OFF, RUNNING], Word.NONE),
        ([ON, OFF, RUNNING], Word.OFFLINE),
    ],
)
def test_a_good_bye_stands_until_it_runs_again(words: list[Hello | Life], word: Word) -> None:
    assert known_after(*words).word is word


def test_last_words_stand_until_power_is_on_or_it_runs_again() -> None:
    dying = known_after(LAST_WORDS)
    assert dying.said is Said.LAST_WORDS
    assert after_mains(dying, Mains(Standing.OUT)).said is Said.LAST_WORDS
    assert after_mains(dying, Mains(Standing.ON)).said is Said.ON
    assert after_word(dying, RUNNING, NOON, is_retained=False).said is Said.OUT


def test_a_suspicion_at_home_is_one_here() -> None:
    said = {each: after_mains(NOTHING, Mains(each)).said for each in Standing}
    assert said == {
        Standing.ON: Said.ON,
        Standing.OUT: Said.OUT,
        Standing.SUSPECTED: Said.OUT,
        Standing.UNKNOWN: Said.UNKNOWN,
    }


def test_a_link_is_lost_before_that_is_noticed_and_its_return_forgets_it() -> None:
    lost = known_after(LinkWord(True), LinkWord(False))
    assert lost.link is Link.DOWN and lost.link_lost_at == NOON - timedelta(seconds=90)
    assert known_after(LinkWord(True), LinkWord(False), LinkWord(True)).link_lost_at is None
    assert known_after(LinkWord(True), LinkWord(False), is_retained=True).link_lost_at is None


# When it was said


@pytest.mark.parametrize("late", [timedelta(0), MINUTE, 2 * MINUTE, -2 * MINUTE])
def test_what_arrives_in_time_counts_from_its_arrival(late: timedelta) -> None:
    assert said_at(NOTHING, NOON - late, NOON)[:2] == (NOON, timedelta(0))


def test_what_took_longer_counts_from_when_it_was_said() -> None:
    late = NOON - 2 * MINUTE - timedelta(seconds=1)
    assert said_at(NOTHING, late, NOON)[0] == late


def test_a_backlog_comes_in_a_burst_and_each_counts_from_when_it_was_said() -> None:
    afar = NOTHING
    for minutes in range(60, 3, -1):
        at, _, afar = said_at(afar, NOON - minutes * MINUTE, NOON)
        assert at == NOON - minutes * MINUTE


@pytest.mark.parametrize("slow", [timedelta(hours=7), timedelta(minutes=3)])
def test_a_clock_that_is_as_slow_the_next_minute_is_wrong(slow: timedelta) -> None:
    _, _, afar = said_at(NOTHING, NOON - slow, NOON)
    at, off_by, afar = said_at(afar, NOON + MINUTE - slow, NOON + MINUTE)
    assert (at, off_by) == (NOON + MINUTE, slow)
    soon = NOON + MINUTE + timedelta(seconds=1)
    assert said_at(afar, soon - slow, soon)[:2] == (soon, slow)


def test_two_words_of_one_burst_that_were_said_together_are_no_wrong_clock() -> None:
    _, _, afar = said_at(NOTHING, NOON - 80 * MINUTE, NOON)
    second = NOON - 80 * MINUTE + timedelta(seconds=10)
    assert said_at(afar, second, NOON + timedelta(milliseconds=2))[0] == second


def test_a_clock_that_is_ahead_never_has_a_say() -> None:
    assert said_at(NOTHING, NOON + 3 * MINUTE, NOON)[:2] == (NOON, -3 * MINUTE)


def test_who_names_no_time_is_taken_at_its_arrival() -> None:
    assert said_at(NOTHING, None, NOON)[0] == NOON


# One outage, two tickets


def own(*spans: Span) -> Afar:
    return NOTHING._replace(own={"maple-2026-0001": spans})


@pytest.mark.parametrize(
    ("theirs", "ours", "is_joined"),
    [
        (Span(NOON), Span(NOON), True),
        (Span(NOON - MINUTE, NOON), Span(NOON), True),
        (Span(NOON - MINUTE, NOON - timedelta(seconds=1)), Span(NOON), False),
        (Span(NOON + MINUTE), Span(NOON, NOON + MINUTE), True),
        (Span(NOON + MINUTE), Span(NOON, NOON + MINUTE - timedelta(seconds=1)), False),
        (Span(NOON - MINUTE, NOON + MINUTE), Span(NOON, NOON), True),
    ],
)
def test_two_outages_are_one_where_they_share_a_moment(theirs: Span, ours: Span, is_joined: bool) -> None:
    assert carrier(own(theirs), [ours]) == ("maple-2026-0001" if is_joined else None)


def test_a_ticket_is_joined_only_where_all_its_outages_are() -> None:
    first, second = Span(NOON, NOON + MINUTE), Span(NOON + 60 * MINUTE)
    assert carrier(own(first), [first, second]) is None
    assert carrier(own(first, second), [first, second]) == "maple-2026-0001"
    assert carrier(own(first), []) is None
