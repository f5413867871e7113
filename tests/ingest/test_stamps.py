"""A device's own time is believed within reason, and never believed into the future or the distant past."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from safetyd.core.clocks import AHEAD, BEHIND, Skew
from safetyd.core.health import Health
from safetyd.ingest.message import Decoded
from safetyd.ingest.stamps import Timing, read_stamp, timing
from tests.examples import examples

PORTLAND = ZoneInfo("America/Los_Angeles")
HOUR = timedelta(hours=1)
NOW = datetime(2026, 12, 1, 16, 5, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def off_by(skew: Skew | None) -> Health | None:
    """Return the health of a sensor whose clock has been off so far."""
    return None if skew is None else Health(NOW, skew_s=skew.by.total_seconds(), skew_since=skew.since)


def observed_at(
    stamp: str | float | None, now: datetime, last: Skew | None = None, zone: ZoneInfo | None = None
) -> tuple[datetime, str | None]:
    """Return when a reading with this stamp was true, and the stamp if it is not believed."""
    when = timing(Decoded(stamp=stamp), now, off_by(last), zone)
    assert (when.unbelieved is None) is (when.why == "")
    return when.observed_at, when.unbelieved


def why(stamp: str, last: Skew | None = None, zone: ZoneInfo | None = None) -> str:
    """Return what is said against a stamp that comes now."""
    return timing(Decoded(stamp=stamp), NOW, off_by(last), zone).why


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
    assert read_stamp(stamp) == (NOW, False)


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


@settings(max_examples=examples(300))
@given(st.one_of(st.text(max_size=30), st.floats(), st.integers(), st.datetimes().map(str)))
def test_any_stamp_is_believed_within_reason_or_not_at_all(stamp: str | float) -> None:
    at, unbelieved = observed_at(stamp, NOW)
    assert NOW - BEHIND <= at <= NOW + AHEAD
    assert unbelieved is None or at == NOW


# Whose clock, and what is wrong with it


def test_of_two_clocks_the_devices_own_counts_while_it_is_sane() -> None:
    device, gateway = "2026-12-01T16:04:00Z", "2026-12-01T16:04:30Z"
    both = timing(Decoded(stamp=device, gateway_stamp=gateway), NOW, None, None)
    assert both == Timing(NOW - 60 * SECOND, NOW - 60 * SECOND, NOW - 30 * SECOND)
    never_set = timing(Decoded(stamp=1000, gateway_stamp=gateway), NOW, None, None)
    assert never_set.observed_at == NOW - 30 * SECOND
    assert (never_set.unbelieved, never_set.why) == ("1000", "its clock was never set")


@pytest.mark.parametrize(
    ("stamp", "words"),
    [
        ("1970-01-01T00:00:42Z", "its clock was never set"),
        ("2026-12-01T16:09:00Z", "is 4 min ahead"),
        ("2026-12-01T23:05:00Z", "is 7 h ahead: a wrong time zone?"),
        ("2026-11-01T16:05:00Z", "is 30 d behind"),
        ("2026-12-01T16:05:00", "carries no zone"),
        ("a quarter past", "cannot be read"),
    ],
)
def test_what_is_wrong_with_a_clock_is_said_in_words(stamp: str, words: str) -> None:
    assert why(stamp) == words


def test_whole_hours_behind_may_be_late_once_and_is_a_wrong_zone_when_it_comes_again() -> None:
    stamp = "2026-12-01T09:05:10Z"
    assert observed_at(stamp, NOW)[1] is None
    again = Skew(-7 * HOUR, NOW - 300 * SECOND)
    assert observed_at(stamp, NOW, again) == (NOW, stamp)
    assert why(stamp, again) == "is 7 h behind time and again: a wrong time zone?"


@pytest.mark.parametrize(
    "last",
    [
        Skew(-7 * HOUR, NOW - 59 * SECOND),  # a backlog, sent all at once
        Skew(-6 * HOUR, NOW - 300 * SECOND),
        Skew(-7 * HOUR + 121 * SECOND, NOW - 300 * SECOND),
        Skew(0 * HOUR, NOW - 300 * SECOND),
    ],
)
def test_a_backlog_is_late_and_believed(last: Skew) -> None:
    assert observed_at("2026-12-01T09:05:00Z", NOW, last) == (NOW - 7 * HOUR, None)


def test_half_an_hour_behind_is_late_however_often_it_comes() -> None:
    assert observed_at("2026-12-01T15:35:00Z", NOW, Skew(-HOUR / 2, NOW - 300 * SECOND))[1] is None


def test_a_stamp_of_local_time_measures_the_clock_and_the_arrival_counts() -> None:
    when = timing(Decoded(stamp="2026-12-01T08:04:30"), NOW, None, PORTLAND)
    assert when == Timing(NOW, NOW - 30 * SECOND)
    assert why("2026-12-01T07:05:00", None, PORTLAND) == "is 1 h behind: a wrong time zone?"
    assert why("2026-12-01T07:32:00", None, PORTLAND) == "is 33 min behind"
    assert why("1970-01-01T00:00:03", None, PORTLAND) == "its clock was never set"
    assert observed_at("2026.12.01 08:05:00", NOW, None, PORTLAND) == (NOW, None)


def test_in_the_hour_that_comes_twice_the_nearer_one_is_meant() -> None:
    for utc in (datetime(2026, 11, 1, 8, 30, tzinfo=UTC), datetime(2026, 11, 1, 9, 30, tzinfo=UTC)):
        assert timing(Decoded(stamp="2026-11-01T01:30:00"), utc, None, PORTLAND).why == ""
