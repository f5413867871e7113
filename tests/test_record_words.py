"""What safetyd wrote is told by people's clocks; what a person wrote is left alone."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from safetyd.record_words import by_local_clocks, not_yet, noted

ZONE = ZoneInfo("America/Los_Angeles")


def say(at: datetime) -> str:
    return f"{at.astimezone(ZONE):%d %b %H:%M %Z}"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("in range since 2026-12-02 16:42 UTC", "in range since 02 Dec 08:42 PST"),
        (
            "began 2026-12-02 05:52, learned 2026-12-03 16:14 (UTC)",
            "began 01 Dec 21:52 PST, learned 03 Dec 08:14 PST",
        ),
        (
            "nobody watched from 2026-07-02 01:00 to 2026-07-02 03:30 UTC, and it crashed",
            "nobody watched from 01 Jul 18:00 PDT to 01 Jul 20:30 PDT, and it crashed",
        ),
        ("closed_at is 2026-12-02 16:42:10 UTC", "closed_at is 02 Dec 08:42 PST"),
        ("no power since 05:52 UTC", "no power since 05:52 UTC"),
        ("what began 2026-13-02 05:52 UTC", "what began 2026-13-02 05:52 UTC"),
        ("mitigation relief", "mitigation relief"),
        ("", ""),
    ],
)
def test_each_moment_of_ours_is_by_local_clocks(words: str, told: str) -> None:
    assert by_local_clocks(words, say) == told
    assert noted(words, "safetyd", say) == told


def test_the_words_of_a_person_stay_as_they_are() -> None:
    words = "I measured it at 2026-12-02 16:42 UTC"
    assert noted(words, "Ada Reed", say) == words


def test_what_safetyd_says_of_a_report_that_came_late_is_told_whoever_reported() -> None:
    words = "began 2026-12-02 05:52, learned 2026-12-03 16:14 (UTC)"
    assert noted(words, "Ada Reed", say) == "began 01 Dec 21:52 PST, learned 03 Dec 08:14 PST"


@pytest.mark.parametrize(
    ("clause", "is_over", "words"),
    [
        ("9.14.4.C", False, "not yet: no student hour in it so far"),
        ("9.14.3.D", False, "not yet: no hour outside the student day in it so far"),
        ("9.14.3.C", True, "not owed: no student hour was in it"),
    ],
)
def test_a_duty_whose_hours_have_not_come_says_so(clause: str, is_over: bool, words: str) -> None:
    assert not_yet(clause, is_over=is_over) == words
