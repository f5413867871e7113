"""What a step of relief is called: by the time that it was promised in."""

from datetime import timedelta

import pytest

from safetyd.core.ticket import Tier
from safetyd.web.pages.tiers import tier_name

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.mark.parametrize(
    ("tier", "within", "words"),
    [
        (Tier.MITIGATION, 24 * HOUR, "24-hour relief"),
        (Tier.MITIGATION, 90 * timedelta(minutes=1), "1.5-hour relief"),
        (Tier.MITIGATION, 2 * DAY, "2-day relief"),
        (Tier.MITIGATION, None, "relief from the temperature"),
        (Tier.IMMEDIATE, 14 * DAY, "immediate relief (2 weeks)"),
        (Tier.IMMEDIATE, 10 * DAY, "immediate relief (10 days)"),
        (Tier.IMMEDIATE, 7 * DAY, "immediate relief (7 days)"),
        (Tier.IMMEDIATE, HOUR, "immediate relief (1 hour)"),
        (Tier.MIDTERM, 200 * DAY, "midterm relief"),
        (Tier.LONG_TERM, None, "long-term relief"),
    ],
)
def test_a_step_says_how_long_it_may_take(tier: Tier, within: timedelta | None, words: str) -> None:
    assert tier_name(tier, within) == words
