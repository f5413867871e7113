"""Two amounts beside each other: each has its number, and the two differ in more than colour."""

from safetyd.web.charts.pairs import pair_chart
from safetyd.web.charts.shapes import NARROW, WIDE, Pair, PairChart
from tests.web.drawing import SVG, of_class, parsed

NASTY = "<b>&\"'\N{RIGHT-TO-LEFT OVERRIDE}" + "long " * 80


def chart(*pairs: Pair) -> PairChart:
    return PairChart("Tickets by month", ("in force", "proposed"), pairs, "tickets")


def widths(picture: str, cls: str) -> list[float]:
    """Return how long the bars of a side are."""
    return [float(each.attrib["d"].split("h")[1].split("v")[0]) for each in of_class(picture, cls)]


def test_bars_are_as_long_as_their_amounts_and_bear_them() -> None:
    picture = pair_chart(chart(Pair("Sep", 4, 2), Pair("Oct", 1, 0)))
    first, second = widths(picture, "chart-first"), widths(picture, "chart-second")
    assert first[0] == 2 * second[0] and round(first[0] / first[1]) == 4
    assert len(second) == 1, "a nought has no bar, but its number"
    said = [each.text for each in of_class(picture, "chart-row")]
    assert said == ["Sep", "4", "2", "Oct", "1", "0"]


def test_a_long_name_stands_on_two_lines_and_is_whole() -> None:
    picture = pair_chart(chart(Pair("Maple Street School", 2, 1)), NARROW)
    said = [each.text for each in of_class(picture, "chart-row")]
    assert said == ["Maple Street", "School", "2", "1"]


def test_the_first_is_hatched_and_the_second_full() -> None:
    picture = pair_chart(chart(Pair("Sep", 4, 2)), WIDE, "x")
    assert {each.attrib["fill"] for each in of_class(picture, "chart-first")} == {"url(#x-chart-wide-first)"}
    assert all("fill" not in each.attrib for each in of_class(picture, "chart-second"))


def test_it_is_told_to_those_who_hear_it() -> None:
    picture = parsed(pair_chart(chart(Pair("Sep", 4, 2))))
    assert picture.findtext(f"{SVG}desc") == "In tickets. Sep: in force 4, proposed 2."


def test_noughts_and_nothing_at_all_are_drawn_too() -> None:
    assert not widths(pair_chart(chart(Pair("Sep", 0, 0))), "chart-first")
    assert "There is nothing to show" in pair_chart(chart())


def test_a_name_from_anybody_stays_text_and_fits() -> None:
    for size in (WIDE, NARROW):
        picture = pair_chart(chart(Pair(NASTY, 4, 2)), size)
        assert max(widths(picture, "chart-first")) > size.width / 3
