"""Axes are marked at round times of the school's clocks, and texts from anybody are only texts."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safetyd.ticks import time_ticks, value_ticks
from safetyd.web.charts.markup import clean, element, fitting, width_of
from tests.web.drawing import DAY, HOUR, ZONE, local


def labels(begin, end, at_most=12, zone=ZONE):
    return [each.label for each in time_ticks(begin, end, zone, at_most)]


def test_an_hour_is_marked_every_five_minutes():
    assert labels(local(2027, 3, 3, 9, 40), local(2027, 3, 3, 10, 40))[:3] == ["09:40", "09:45", "09:50"]


def test_a_day_is_marked_every_two_hours():
    ticks = time_ticks(local(2027, 3, 3), local(2027, 3, 4), ZONE, 12)
    assert [each.label for each in ticks] == [f"{hour:02}:00" for hour in (*range(0, 24, 2), 0)]
    assert {each.context for each in ticks} == {"Wed 3 Mar 2027", "Thu 4 Mar 2027"}


def test_a_week_is_marked_every_day():
    assert labels(local(2027, 3, 1), local(2027, 3, 8))[:2] == ["Mon 1", "Tue 2"]


def test_a_term_is_marked_every_second_monday():
    ticks = time_ticks(local(2027, 1, 4), local(2027, 5, 28), ZONE, 12)
    assert all(each.at.astimezone(ZONE).weekday() == 0 for each in ticks) and 10 <= len(ticks) <= 12


def test_a_year_is_marked_every_month():
    ticks = time_ticks(local(2026, 9, 1), local(2027, 9, 1), ZONE, 13)
    assert [each.label for each in ticks][:5] == ["Sep", "Oct", "Nov", "Dec", "Jan"]
    assert [each.context for each in ticks][3:5] == ["2026", "2027"]


def test_the_hour_that_is_left_out_is_not_marked():
    found = labels(local(2027, 3, 14), local(2027, 3, 14, 6))
    assert found == [
        "00:00",
        "00:30",
        "01:00",
        "01:30",
        "03:00",
        "03:30",
        "04:00",
        "04:30",
        "05:00",
        "05:30",
        "06:00",
    ]


def test_the_hour_that_comes_twice_is_marked_twice_each_with_its_zone():
    ticks = time_ticks(local(2027, 11, 7), local(2027, 11, 7, 5), ZONE, 6)
    assert [each.label for each in ticks] == ["00:00", "01:00", "01:00", "02:00", "03:00", "04:00", "05:00"]
    assert [each.context[-3:] for each in ticks[1:3]] == ["CDT", "CST"]


@pytest.mark.parametrize(("day", "hours"), [((2027, 3, 14), 23), ((2027, 11, 7), 25), ((2027, 5, 5), 24)])
def test_midnights_are_marked_at_both_ends_of_any_day(day, hours):
    begin = local(*day)
    ticks = time_ticks(begin, begin + hours * HOUR, ZONE, 12)
    assert ticks[0].label == ticks[-1].label == "00:00" and ticks[-1].at == begin + hours * HOUR


def test_days_stay_days_over_both_changes_of_the_clocks():
    for month, begin in ((3, 12), (11, 5)):
        ticks = time_ticks(local(2027, month, begin), local(2027, month, begin + 5), ZONE, 6)
        assert [each.at.astimezone(ZONE).hour for each in ticks] == [0] * 6


def test_round_times_are_round_where_zones_are_off_by_minutes():
    begin = datetime(2027, 3, 3, tzinfo=UTC)
    for name in ("Asia/Kathmandu", "Australia/Lord_Howe", "America/St_Johns"):
        for length in (HOUR, 3 * HOUR, DAY):
            ticks = time_ticks(begin, begin + length, ZoneInfo(name), 12)
            assert ticks and all(each.at.astimezone(ZoneInfo(name)).minute % 5 == 0 for each in ticks)


@given(
    st.datetimes(datetime(1950, 1, 1), datetime(2150, 1, 1), timezones=st.just(UTC)),
    st.timedeltas(timedelta(0), timedelta(days=9000)),
    st.sampled_from(["America/Chicago", "America/Havana", "Asia/Kathmandu", "Pacific/Apia", "UTC"]),
)
def test_marks_are_few_in_order_and_inside(begin, length, zone):
    ticks = time_ticks(begin, begin + length, ZoneInfo(zone), 12)
    assert len(ticks) <= 18
    assert all(before.at < after.at for before, after in pairwise(ticks))
    assert all(begin <= each.at <= begin + length for each in ticks)


@given(st.floats(-1e9, 1e9, allow_subnormal=False), st.floats(1, 1e9))
def test_marks_of_values_hold_what_they_are_for(low, span):
    ticks = value_ticks(low, low + span, 8)
    assert ticks[0] <= low and ticks[-1] >= low + span and len(ticks) <= 12


def test_a_text_is_one_line_without_what_cannot_be_seen():
    assert clean("Room\n12\x00\x1b[2J\u202eabc\u200b") == "Room 12 [2J abc"


def test_a_text_of_the_length_asked_for_stays_one_longer_is_cut():
    assert clean("a" * 20, 20) == "a" * 20
    assert clean("a" * 21, 20) == "a" * 19 + "…"
    assert len(clean("a" * 10_000)) == 200


def test_a_text_from_right_to_left_turns_nothing_but_itself():
    assert clean("חדר 12") == "\u2068חדר 12\u2069"


def test_marks_heaped_on_a_letter_are_thinned():
    assert len(clean("a" + "\u0301" * 100)) <= 3


def test_an_attribute_cannot_be_left():
    assert element("a", cls='"><script>') == "<a class='\"&gt;&lt;script&gt;'/>"


@given(st.text(max_size=80), st.floats(20, 300))
def test_a_text_that_is_to_fit_fits(text, width):
    assert width_of(fitting(text, width, 13), 13) <= width or fitting(text, width, 13) == "…"
