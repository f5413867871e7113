"""A chart over time shows what is known where it is known, and nothing where nothing is.

The pictures are read back with an XML parser; what is asked of them is where things are.
"""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from safetyd.history.points import Point as HistoryPoint
from safetyd.web.charts.page import on_page
from safetyd.web.charts.series import DASHES, time_chart
from safetyd.web.charts.shapes import NARROW, WIDE, Deed, Episode, Limit, Point, Span, TimeChart, Trace
from tests.web.drawing import (
    DAY,
    FIVE_MINUTES,
    HOUR,
    NOON,
    ZONE,
    chart,
    corners,
    local,
    of_class,
    parsed,
    points,
    words,
)


def room(values, every=FIVE_MINUTES, name="Room 12", begin=NOON):
    return Trace(name, points(begin, values, every), every)


def line_of(svg, n=0):
    (path,) = of_class(svg, "chart-line")[n : n + 1]
    return corners(path)


def test_a_value_on_the_limit_lies_on_its_line():
    svg = time_chart(chart(room([85.0] * 72)))
    (_, limit) = of_class(svg, "chart-limit")
    assert {y for part in line_of(svg) for _, y in part} == {float(limit.get("y1"))}


@pytest.mark.parametrize(("value", "side"), [(85.5, -1), (84.5, 1)])
def test_half_a_degree_over_or_under_it_does_not(value, side):
    svg = time_chart(chart(room([value] * 72)))
    (_, limit) = of_class(svg, "chart-limit")
    ((first, *_),) = line_of(svg)
    assert (first[1] - float(limit.get("y1"))) * side > 1


def test_limits_are_dashed_and_say_what_they_are():
    svg = time_chart(chart(room([70.0])))
    assert all(each.get("stroke-dasharray") for each in of_class(svg, "chart-limit"))
    assert {"60 °F cold", "85 °F heat index"} <= set(words(svg))


def names_of(svg):
    """Return how far below its line the name of each limit stands."""
    lines = [float(each.get("y1")) for each in of_class(svg, "chart-limit")]
    return [
        float(each.get("y")) - line
        for each, line in zip(of_class(svg, "chart-limit-name"), lines, strict=True)
    ]


@pytest.mark.parametrize("first", [85, 84])
def test_the_names_of_two_limits_that_are_near_stand_apart_from_both_lines(first):
    two = (Limit(first, "one"), Limit(169 - first, "other"))
    above, below = sorted(names_of(time_chart(chart(room([82.0, 99.0]), limits=two))))
    assert above < 0 < below, "the upper above its line, the lower below its own"
    apart = (Limit(85, "one"), Limit(60, "other"))
    assert all(each < 0 for each in names_of(time_chart(chart(room([70.0]), limits=apart))))


def test_a_limit_is_drawn_from_when_it_is_in_force():
    half = NOON + 3 * HOUR
    svg = time_chart(
        chart(room([70.0] * 72), limits=(Limit(85, "old", end=half), Limit(82, "new", begin=half)))
    )
    old, new = of_class(svg, "chart-limit")
    assert float(old.get("x2")) == float(new.get("x1")) == pytest.approx((46 + 840 - 22) / 2, abs=0.1)


def test_one_missing_span_breaks_the_line_and_the_band():
    svg = time_chart(chart(room([70.0] * 20 + [None] + [70.0] * 20)))
    before, after = line_of(svg)
    assert before[-1][0] < after[0][0]
    assert len(corners(of_class(svg, "chart-band")[0])) == 2


def test_no_missing_span_does_not():
    assert len(line_of(time_chart(chart(room([70.0] * 41))))) == 1


def test_what_is_between_two_stretches_is_hatched_from_end_to_beginning():
    svg = time_chart(chart(room([70.0] * 36 + [None] * 12 + [70.0] * 24)))
    (gap,) = of_class(svg, "chart-gap")
    before, after = line_of(svg)
    assert gap.get("d").startswith(f"M{before[-1][0]:.1f}".removesuffix(".0"))
    assert before[-1][0] < after[0][0] and gap.get("fill").startswith("url(#")


def test_a_gap_too_narrow_to_be_seen_still_breaks_the_line():
    values = [70.0] * (60 * 24)
    values[700] = None
    svg = time_chart(chart(room(values), hours=24 * 5))
    assert len(line_of(svg)) == 2 and not of_class(svg, "chart-gap")[:-1]


def test_single_values_join_up_to_stale_after():
    readings = [Point(NOON + at, 70, 70, 70, 1) for at in (0 * HOUR, timedelta(minutes=30))]
    assert len(line_of(time_chart(chart(Trace("Room 12", readings))))) == 1


def test_and_not_a_second_longer():
    readings = [Point(NOON + at, 70, 70, 70, 1) for at in (0 * HOUR, timedelta(minutes=30, seconds=1))]
    alone = line_of(time_chart(chart(Trace("Room 12", readings))))
    assert [len(part) for part in alone] == [1, 1]


def test_the_days_when_the_clocks_change_are_no_gaps():
    days = [local(2027, 3, day) for day in range(12, 18)] + [local(2027, 11, day) for day in range(5, 10)]
    for begin, found in ((days[0], days[:6]), (days[6], days[6:])):
        trace = Trace("Room 12", [Point(at, 68, 70, 72, 9) for at in found], DAY)
        svg = time_chart(chart(trace)._replace(begin=begin, end=begin + 7 * DAY))
        assert len(line_of(svg)) == 1


def test_a_band_goes_from_the_lowest_to_the_highest():
    svg = time_chart(chart(Trace("Room 12", [Point(NOON, 60, 70, 85, 9)], HOUR)))
    (band,) = of_class(svg, "chart-band")
    cold, hot = of_class(svg, "chart-limit")
    assert {y for _, y in corners(band)[0]} == {float(cold.get("y1")), float(hot.get("y1"))}


def test_where_points_fall_together_the_band_holds_their_lowest_and_highest():
    values = [70.0] * 4000
    values[2000] = 95.0
    svg = time_chart(chart(room(values, timedelta(seconds=5)), limits=(Limit(95.5, "that"),)))
    (band,), (limit,) = of_class(svg, "chart-band"), of_class(svg, "chart-limit")
    assert min(y for _, y in corners(band)[0]) == float(limit.get("y1"))


def test_nothing_leaves_the_plot():
    svg = time_chart(chart(room([40.0, 120.0] * 100), hours=6))
    axis_y = float(of_class(svg, "chart-axis")[-1].get("y1"))
    for each in of_class(svg, "chart-line") + of_class(svg, "chart-band"):
        for x, y in corners(each)[0]:
            assert 46 <= x <= 840 and 0 <= y <= axis_y


def test_rooms_differ_in_dashes_and_bear_their_names():
    traces = [room([60 + 4.0 * n] * 72, name=f"Room {n}") for n in range(6)]
    svg = time_chart(chart(*traces))
    assert len({each.get("stroke-dasharray") for each in of_class(svg, "chart-line")}) == len(DASHES) == 6
    assert [each.text for each in of_class(svg, "chart-name")] == [f"Room {n}" for n in (5, 4, 3, 2, 1, 0)]


def test_names_of_rooms_that_are_as_warm_do_not_cover_each_other():
    traces = [room([70.0] * 72, name=f"Room {n}") for n in range(8)]
    heights = sorted(float(each.get("y")) for each in of_class(time_chart(chart(*traces)), "chart-name"))
    assert all(after - before >= 14.9 for before, after in pairwise(heights))


def test_an_episode_is_a_bar_with_both_ends_at_their_times():
    svg = time_chart(chart(room([90.0] * 72), episodes=(Episode(NOON + HOUR, NOON + 3 * HOUR, "Heat"),)))
    begin, end = of_class(svg, "chart-breach-end")
    width = 840 - 22 - 46
    assert float(begin.get("x1")) == pytest.approx(46 + width / 6, abs=0.1)
    assert float(end.get("x1")) == pytest.approx(46 + width / 2, abs=0.1)
    assert "Heat: Wed 3 Mar 13:00 to 15:00" in words(svg)


def test_one_that_goes_on_has_a_beginning_and_an_arrow():
    svg = time_chart(chart(room([90.0] * 72), episodes=(Episode(NOON + HOUR, None, "Heat"),)))
    assert len(of_class(svg, "chart-breach-end")) == 1 and len(of_class(svg, "chart-breach")) == 2
    assert "Heat: since Wed 3 Mar 13:00" in words(svg)


def test_one_that_ended_before_is_not_shown_one_that_reaches_in_is():
    before, into = Episode(NOON - 2 * HOUR, NOON - HOUR), Episode(NOON - 2 * HOUR, NOON + HOUR)
    assert not of_class(time_chart(chart(room([90.0]), episodes=(before,))), "chart-breach")
    assert len(of_class(time_chart(chart(room([90.0]), episodes=(into,))), "chart-breach-end")) == 1


def test_actions_are_numbered_in_the_order_of_their_times_and_explained():
    deeds = (Deed(NOON + 2 * HOUR, "relief by A. Brandt"), Deed(NOON + HOUR, "note by C. Dietz"))
    svg = time_chart(chart(room([90.0] * 72), deeds=deeds))
    assert "Wed 3 Mar 13:00 note by C. Dietz" in words(svg)
    first, second, *_ = (float(each.get("x")) for each in of_class(svg, "chart-act-number"))
    assert first < second


def test_numbers_of_actions_at_one_moment_do_not_cover_each_other():
    svg = time_chart(chart(room([90.0] * 72), deeds=[Deed(NOON + HOUR, f"note {n}") for n in range(9)]))
    discs = [(float(each.get("cx")), float(each.get("cy"))) for each in of_class(svg, "chart-act")][:9]
    assert all(abs(a[0] - b[0]) >= 17 or abs(a[1] - b[1]) >= 17 for a in discs for b in discs if a is not b)


def test_more_actions_than_have_room_are_counted():
    svg = time_chart(chart(room([90.0] * 72), deeds=[Deed(NOON + HOUR, f"note {n}") for n in range(30)]))
    assert "and 6 more" in words(svg)


def test_student_days_are_shaded_and_explained_only_if_given():
    svg = time_chart(chart(room([70.0] * 72), student_days=(Span(NOON, NOON + 2 * HOUR),)))
    assert of_class(svg, "chart-day") and "Student day" in words(svg)
    assert "Student day" not in words(time_chart(chart(room([70.0] * 72))))


def test_what_is_to_come_is_not_unknown():
    coming = chart(room([70.0] * 36), known_to=NOON + 3 * HOUR)
    assert not of_class(time_chart(coming), "chart-gap")
    assert of_class(time_chart(coming._replace(known_to=None)), "chart-gap")


def test_it_says_in_sentences_what_is_to_be_seen():
    svg = time_chart(chart(room([70.0] * 71 + [72.0]), episodes=(Episode(NOON, None, "Heat"),)))
    title, description = list(parsed(svg))[:2]
    assert title.text == "Room 12" and parsed(svg).get("role") == "img"
    assert "Room 12: from 69.5 to 72.5 °F, last 72 °F." in description.text
    assert "Heat: since Wed 3 Mar 12:00." in description.text


def test_nothing_known_is_said():
    svg = time_chart(chart(Trace("Room 12", [])))
    assert "Nothing is known of this time" in words(svg)
    assert "Room 12: nothing is known." in list(parsed(svg))[1].text


def test_a_page_has_both_drawings_and_no_id_twice():
    markup = on_page(chart(room([70.0] * 20)), "c1") + on_page(chart(room([70.0] * 20)), "c2")
    root = parsed(f"<div>{markup}</div>")
    ids = [each.get("id") for each in root.iter() if each.get("id")]
    assert len(ids) == len(set(ids)) == 4
    assert "chart-wide" in markup and "chart-narrow" in markup


def test_a_strict_content_policy_has_nothing_to_refuse():
    busy = chart(room([90.0] * 72), episodes=(Episode(NOON, None),), deeds=(Deed(NOON, "note"),))
    for each in parsed(f"<div>{on_page(busy, 'c')}</div>").iter():
        assert not each.tag.endswith(("style", "script"))
        assert "style" not in each.attrib and not any(name.startswith("on") for name in each.attrib)


def test_what_history_answers_is_drawn_as_it_is():
    answered = [HistoryPoint(NOON, 69.0, 70.0, 71.0, 4)]
    trace = Trace("Room 12", [Point(*each[:5]) for each in answered], HOUR)
    assert of_class(time_chart(chart(trace)), "chart-line")


_HOSTILE = "<script>alert(1)</script>", "]]>&amp;", "\u202eabc", "\x00\x1b[2J", "\ud800", "\uffff", "ש" * 40
_texts = st.text(max_size=60) | st.sampled_from([*_HOSTILE, "R" * 10_000])
_values = st.floats(allow_nan=True, allow_infinity=True) | st.floats(-40, 140)
_moments = st.datetimes(datetime(1950, 1, 1), datetime(2150, 1, 1), timezones=st.just(UTC))


@st.composite
def _charts(draw):
    begin, length = draw(_moments), timedelta(seconds=draw(st.floats(0, 1.5e9)))
    between = st.floats(-0.2, 1.2).map(lambda share: begin + length * share)
    any_points = st.lists(
        st.builds(Point, between, _values, _values, _values, st.integers(-1, 9)), max_size=30
    )
    every = st.sampled_from([None, FIVE_MINUTES, HOUR, DAY])
    return TimeChart(
        draw(_texts),
        begin,
        begin + length,
        ZONE,
        draw(_texts),
        draw(st.lists(st.builds(Trace, _texts, any_points, every, st.just(HOUR)), max_size=9)),
        draw(
            st.lists(st.builds(Limit, _values, _texts, between | st.none(), between | st.none()), max_size=3)
        ),
        draw(st.lists(st.builds(Span, between, between), max_size=3)),
        draw(st.lists(st.builds(Episode, between, between | st.none(), _texts), max_size=9)),
        draw(st.lists(st.builds(Deed, between, _texts), max_size=40)),
        draw(between | st.none()),
    )


@settings(max_examples=150, deadline=None)
@given(drawn=_charts(), size=st.sampled_from([WIDE, NARROW]))
def test_whatever_it_is_given_it_is_a_picture(drawn, size):
    svg = time_chart(drawn, size)
    root = parsed(svg)
    assert "nan" not in "".join(each.get("d", "") for each in root.iter())
    assert not any("script" in each.tag for each in root.iter())
    assert all(len(each) < 300 for each in words(svg))
