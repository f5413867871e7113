"""What an answer means, and how long is waited after it; both sides of every limit."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safetyd.history.influx.patience import (
    LONGEST_PAUSE_S,
    LONGEST_RETRY_AFTER_S,
    SHORTEST_PAUSE_S,
    SLOW_PAUSE_S,
    Answer,
    Meaning,
    meaning,
    mend,
    pause_s,
)

NOW = datetime(2026, 12, 1, 16, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (None, Meaning.BUSY),
        (200, Meaning.STORED),
        (204, Meaning.STORED),
        (299, Meaning.STORED),
        (307, Meaning.MISCONFIGURED),
        (400, Meaning.UNREADABLE),
        (401, Meaning.MISCONFIGURED),
        (403, Meaning.MISCONFIGURED),
        (404, Meaning.MISCONFIGURED),
        (408, Meaning.BUSY),
        (413, Meaning.TOO_LARGE),
        (422, Meaning.UNREADABLE),
        (429, Meaning.BUSY),
        (499, Meaning.MISCONFIGURED),
        (500, Meaning.BUSY),
        (503, Meaning.BUSY),
    ],
)
def test_each_status_has_its_meaning(status: int | None, expected: Meaning) -> None:
    assert meaning(Answer(status)) is expected


def test_what_is_too_old_for_it_is_no_poison() -> None:
    words = "partial write: points beyond retention policy dropped=3"
    assert {meaning(Answer(status, words)) for status in (400, 422)} == {Meaning.TOO_OLD}


def test_a_certificate_that_is_not_accepted_is_for_a_person_to_mend() -> None:
    answer = Answer(None, "certificate verify failed", is_distrusted=True)
    assert meaning(answer) is Meaning.MISCONFIGURED
    assert mend(answer) == "look at url and ca_file"


def test_each_fault_of_the_configuration_says_what_to_mend() -> None:
    assert "token_file" in mend(Answer(401))
    assert "write to that bucket" in mend(Answer(403))
    assert "make that bucket" in mend(Answer(404))
    assert mend(Answer(405)) == "look at url"


def waited(failures: int, chance: float = 1.0, after: str | None = None, *, is_slow: bool = False) -> float:
    return pause_s(failures, chance, NOW, after, is_slow=is_slow)


def test_pauses_double_up_to_a_minute() -> None:
    assert [waited(n) for n in range(8)] == [1, 2, 4, 8, 16, 32, 60, 60]
    assert waited(10_000) == LONGEST_PAUSE_S


@given(failures=st.integers(0, 10**9), chance=st.floats(0, 1), is_slow=st.booleans())
def test_chance_takes_at_most_half_of_a_pause_away(failures: int, chance: float, is_slow: bool) -> None:
    longest = waited(failures, is_slow=is_slow)
    assert longest / 2 <= waited(failures, chance, is_slow=is_slow) <= longest
    assert SHORTEST_PAUSE_S <= longest <= SLOW_PAUSE_S


def test_where_a_person_must_mend_something_it_is_asked_every_five_minutes_at_most() -> None:
    assert waited(0, is_slow=True) == waited(9, is_slow=True) == SLOW_PAUSE_S


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        ("30", 30),
        (" 30 ", 30),
        ("0", 1),
        ("900", LONGEST_RETRY_AFTER_S),
        ("901", LONGEST_RETRY_AFTER_S),
        ("9" * 400, LONGEST_RETRY_AFTER_S),
        ("Tue, 01 Dec 2026 16:00:20 GMT", 20),
        ("Tue, 01 Dec 2026 15:59:00 GMT", 1),
        ("Tue, 01 Dec 2026 16:00:20", 1),
        ("soon", 1),
        ("", 1),
        ("-5", 1),
        ("²", 1),
    ],
)
def test_a_retry_after_is_heard_within_reason(after: str, expected: float) -> None:
    assert waited(0, after=after) == expected
