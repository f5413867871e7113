"""A device's own time is believed within reason, and never believed into the future or the distant past."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from safetyd.ingest.message import AHEAD, BEHIND, observed_at, read_stamp

NOW = datetime(2026, 12, 1, 16, 5, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    "stamp",
    [
        "2026-12-01T16:05:00Z",
        "2026-12-01T08:05:00-08:00",
        "2026-12-01t16:05:00z",
        "2026-12-01 16:05:00+00:00",
        "2026-12-01T16:05:00.000Z",
        1796141100,
        1796141100.0,
        "1796141100",
        1796141100000,
        "1796141100000",
        "1796141100.0",
    ],
)
def test_one_moment_may_be_written_in_many_ways(stamp: str | float) -> None:
    assert read_stamp(stamp) == NOW


def test_without_a_stamp_a_reading_is_as_old_as_its_arrival() -> None:
    assert observed_at(None, NOW) == (NOW, None)


def test_a_clock_may_lead_by_two_minutes_and_lag_by_seven_days() -> None:
    for at in (NOW + AHEAD, NOW - BEHIND, NOW):
        assert observed_at(at.isoformat(), NOW) == (at, None)
    for at in (NOW + AHEAD + SECOND, NOW - BEHIND - SECOND):
        assert observed_at(at.isoformat(), NOW) == (NOW, at.isoformat())


@pytest.mark.parametrize(
    "stamp",
    [
        "",
        "noon",
        "2026-12-01",
        "2026-12-01T16:05:00",
        "16:05",
        "0000-01-01T00:00:00+0000",
        "1e9",
        "-1",
        "nan",
        float("nan"),
        float("inf"),
        -1e300,
        1e300,
        0,
        0.0,
        "9999-12-31T23:59:59-23:59",
        "1" * 400,
        "١٧٩٦١٤١١٠٠",
    ],
)
def test_what_is_no_time_of_these_days_is_not_believed_and_kept_as_it_was_said(stamp: str | float) -> None:
    assert observed_at(stamp, NOW) == (NOW, str(stamp)[:64])


@settings(max_examples=300)
@given(st.one_of(st.text(max_size=30), st.floats(), st.integers(), st.datetimes().map(str)))
def test_any_stamp_is_believed_within_reason_or_not_at_all(stamp: str | float) -> None:
    at, unbelieved = observed_at(stamp, NOW)
    assert NOW - BEHIND <= at <= NOW + AHEAD
    assert unbelieved is None or at == NOW
