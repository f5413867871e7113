"""The time a page of the past is about: named by its length or by its dates, in days of the site's clocks."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safetyd.web.pages.ranges import DAYS, Kind, Range, read_range
from safetyd.web.problems import Problem

ZONE = ZoneInfo("America/Los_Angeles")
NOW = datetime(2027, 3, 17, 20, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def asked(**said: str) -> Range:
    given = {name.rstrip("_"): text for name, text in said.items()}
    return read_range(given, ZONE, NOW, Kind.WEEK)


def refusal(**said: str) -> str:
    with pytest.raises(Problem) as found:
        asked(**said)
    assert found.value.status == 400
    return found.value.detail


@pytest.mark.parametrize(("kind", "count"), DAYS.items())
def test_a_named_range_ends_with_today_and_has_its_length(kind: Kind, count: int) -> None:
    found = asked(range=kind.value)
    assert (found.last, (found.last - found.first).days + 1) == (date(2027, 3, 17), count)
    assert found.is_of_days


def test_or_with_the_day_that_was_asked_for() -> None:
    found = asked(range="week", to="2026-12-24")
    assert (found.first, found.last) == (date(2026, 12, 18), date(2026, 12, 24))


def test_without_a_word_it_is_a_week_and_with_a_first_day_as_long_as_is_said() -> None:
    assert asked().kind is Kind.WEEK
    assert asked(from_="2027-03-01", to="2027-03-02").length == 2 * DAY
    assert asked(from_="2027-03-01").last == date(2027, 3, 17)


@pytest.mark.parametrize(("day", "hours"), [("2027-03-14", 23), ("2027-03-15", 24), ("2026-11-01", 25)])
def test_a_day_on_which_the_clocks_change_is_whole(day: str, hours: int) -> None:
    assert asked(range="day", to=day).length == hours * HOUR


def test_the_day_after_a_change_begins_at_midnight_too() -> None:
    found = asked(range="day", to="2027-03-14").later
    assert found is not None and found.begin.astimezone(ZONE).hour == 0


def test_one_day_is_a_range_and_a_last_day_before_the_first_is_none() -> None:
    assert asked(from_="2027-03-02", to="2027-03-02").length == DAY
    assert "exchange the two" in refusal(from_="2027-03-02", to="2027-03-01")


def test_three_years_are_a_range_and_a_day_more_is_none() -> None:
    last = date(2024, 1, 1) + 1099 * DAY
    assert asked(from_="2024-01-01", to=str(last)).length == 1100 * DAY
    assert "1101 days at once" in refusal(from_="2024-01-01", to=str(last + DAY))


@pytest.mark.parametrize(
    "text", ["2027-02-29", "x", "2027-3-1", "0000-01-01", "9999-12-31", "1900-12-31", "<script>", "1" * 5000]
)
def test_what_is_no_date_is_refused_in_a_sentence(text: str) -> None:
    assert "from: '" in refusal(range="custom", from_=text)
    assert len(refusal(range="custom", from_=text)) < 200


def test_a_word_that_is_no_length_is_refused_with_what_was_meant() -> None:
    assert "did you mean 'year'" in refusal(range="yera")
    assert "from is needed" in refusal(range="custom")


def test_a_moment_is_taken_as_it_is() -> None:
    found = asked(range="custom", from_="2027-03-01T08:30:00Z", to="2027-03-01T09:30:00Z")
    assert found.length == HOUR and not found.is_of_days


def test_closer_goes_from_year_to_day_and_wider_back() -> None:
    found = asked(range="year")
    names = [found.kind]
    while (closer := found.closer) is not None:
        assert closer.wider == found
        found = closer
        names.append(found.kind)
    assert names == [Kind.YEAR, Kind.TERM, Kind.WEEK, Kind.DAY]


@given(st.dates(date(2000, 1, 1), date(2100, 1, 1)), st.integers(1, 500))
def test_later_undoes_earlier_and_the_address_says_the_same_range(first: date, count: int) -> None:
    found = asked(from_=str(first), to=str(first + (count - 1) * DAY))
    assert asked(**found.query) == found
    earlier = found.earlier
    assert earlier is not None and earlier.later == found and earlier.end == found.begin
    if (closer := found.closer) is not None:
        assert found.begin <= closer.begin < closer.end <= found.end and closer.length < found.length
    if (wider := found.wider) is not None:
        assert wider.begin <= found.begin and wider.end >= found.end
