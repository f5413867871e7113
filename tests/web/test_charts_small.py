"""A trend small enough for a table of two hundred rooms, and a building by days."""

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from safetyd.web.charts.heat import heat_map, level_of
from safetyd.web.charts.shapes import BREACH_HOURS, NARROW, WIDE, HeatMap, Row, Spark, Trace
from safetyd.web.charts.spark import sparkline
from tests.web.drawing import FIVE_MINUTES, HOUR, NOON, SVG, corners, of_class, parsed, points, words

FIRST = date(2027, 1, 11)


def spark(values, limits=(), name="Room 12"):
    return sparkline(
        Spark(Trace(name, points(NOON, values), FIVE_MINUTES), NOON, NOON + 6 * HOUR, "degF", limits)
    )


def term(*rows, days=90, levels=BREACH_HOURS):
    return HeatMap(
        "Hours in breach", [FIRST + timedelta(n) for n in range(days)], rows, levels, "hours in breach"
    )


def cells(svg, cls):
    return [each for group in of_class(svg, cls, "g") for each in group if each.tag == f"{SVG}path"]


def test_a_trend_of_six_hours_is_below_two_kilobytes_whatever_the_room_is_called():
    assert len(spark([70 + n % 7 for n in range(72)], (60, 85)).encode()) < 2000
    assert len(spark([70 + n % 7 for n in range(72)], (60, 85), "<script>" * 2000).encode()) < 2000


def test_it_says_the_last_value():
    title, description = list(parsed(spark([70.0] * 71 + [74.0])))[:2]
    assert title.text == "Room 12: 74 °F"
    assert description.text == "The last 6 h: from 70 to 74 °F, at first 70 °F."


def test_it_breaks_where_nothing_is_known():
    (path,) = of_class(spark([70.0] * 20 + [None] * 3 + [71.0] * 20), "chart-line")
    assert len(corners(path)) == 2


def test_a_value_on_a_limit_lies_on_it_and_a_limit_far_off_is_not_drawn():
    svg = spark([84.0] * 9 + [86.0] * 9 + [85.0] * 9, (60, 85))
    (limit,), (last,) = of_class(svg, "chart-limit"), of_class(svg, "chart-last")
    assert limit.get("y1") == last.get("cy")


def test_nothing_known_looks_unlike_a_quiet_room():
    assert of_class(spark([]), "chart-none") and not of_class(spark([]), "chart-line")
    assert "Nothing is known" in spark([])
    assert of_class(spark([70.0] * 72), "chart-line")


def test_each_cell_says_room_day_and_value():
    svg = heat_map(term(Row("Room 12", [0.0, 2.5, None]), days=3))
    assert [each[0].text for each in cells(svg, "chart-h0") + cells(svg, "chart-h2")] == [
        "Room 12, Mon 11 Jan 2027: 0 hours in breach",
        "Room 12, Tue 12 Jan 2027: 2.5 hours in breach",
    ]
    assert [each[0].text for each in cells(svg, "chart-unknown")] == ["Room 12, Wed 13 Jan 2027: not known"]


def test_what_is_not_known_is_hatched_and_what_is_ok_is_not():
    svg = heat_map(term(Row("Room 12", [0.0, None]), days=2))
    (unknown,), (ok,) = of_class(svg, "chart-unknown", "g"), of_class(svg, "chart-h0", "g")
    pattern = next(parsed(svg).iter(f"{SVG}pattern")).get("id")
    assert unknown.get("fill") == f"url(#{pattern})" and ok.get("fill") is None


def test_a_worse_day_has_a_larger_mark():
    svg = heat_map(term(Row("Room 12", [0.5, 2.0, 4.0, 8.0]), days=4))
    sides = [float(cells(svg, f"chart-h{n}")[0].get("d").split("h")[1].split("v")[0]) for n in range(1, 5)]
    assert sides == sorted(sides) and len(set(sides)) == 4


@pytest.mark.parametrize(
    ("value", "label"), [(0, "none"), (0.99, "up to 1 h"), (1, "1 to 3 h"), (6, "6 h and more")]
)
def test_a_value_shows_the_last_level_it_reaches(value, label):
    assert level_of(value, BREACH_HOURS).label == label


def test_a_term_of_a_building_has_all_its_cells():
    chart = term(*(Row(f"Room {n}", [float(n % 9)] * 90) for n in range(40)))
    for size in (WIDE, NARROW):
        svg = heat_map(chart, size)
        assert sum(len(cells(svg, f"chart-h{n}")) for n in range(5)) == 3600


def test_on_a_phone_days_go_on_below_with_their_rooms_named_again():
    assert words(heat_map(term(Row("Room 12", [0.0] * 90)), NARROW)).count("Room 12") == 3
    assert words(heat_map(term(Row("Room 12", [0.0] * 90)), WIDE)).count("Room 12") == 1


def test_the_legend_explains_every_level_and_unknown():
    assert {"none", "up to 1 h", "6 h and more", "not known"} <= set(words(heat_map(term(days=1))))


def test_its_words_count_the_cells():
    svg = heat_map(term(Row("Room 12", [0.0, 0.0, None]), days=3))
    description = list(parsed(svg))[1].text
    assert "1 rooms by 3 days" not in description
    assert description.startswith("1 room by 3 days, 2027-01-11 to 2027-01-13; of 3 cells (hours in breach):")
    assert description.endswith("none 2, not known 1.")


_values = st.floats() | st.none()


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.builds(Row, st.text(max_size=40), st.lists(_values, max_size=40)), max_size=4),
    st.integers(0, 40),
    st.sampled_from([WIDE, NARROW]),
)
def test_whatever_it_is_given_it_is_a_picture(rows, days, size):
    svg = heat_map(term(*rows, days=days), size)
    assert "nan" not in "".join(each.get("d", "") for each in parsed(svg).iter())


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats() | st.none(), max_size=72), st.text(max_size=50))
def test_and_so_is_a_trend(values, name):
    assert len(list(parsed(spark(values, (60, 85), name)))) >= 2
