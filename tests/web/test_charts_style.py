"""The colours of charts can be told from what is behind them, in both schemes; a file takes its style along.

WCAG 2.2 AA: 4.5 to 1 for words, 3 to 1 for everything else that says something.
"""

import re
from importlib import resources
from itertools import product
from xml.etree import ElementTree

import pytest

from safetyd.web.charts.export import png, standalone, style
from safetyd.web.charts.heat import heat_map
from safetyd.web.charts.series import time_chart
from safetyd.web.charts.shapes import BREACH_HOURS, Deed, Episode, HeatMap, Row, Trace
from safetyd.web.charts.spark import Spark, sparkline
from tests.web.drawing import HOUR, NOON, SVG, chart, of_class, parsed, points

CSS = (resources.files("safetyd.web") / "static" / "charts.css").read_text(encoding="utf-8")
WORDS = ("ink", "soft", "limit", *(f"s{n}" for n in range(6)))
SIGNS = ("breach", "h1", "h2", "h3", "h4")


def schemes():
    """Return the colours of the light scheme, the dark one and paper."""
    light, dark, paper = (
        dict(re.findall(r"--chart-(\w+): (#\w{6})", block))
        for block in re.split(r"@media \(prefers-color-scheme: dark\)|@media print", CSS)
    )
    return {"light": light, "dark": dark, "paper": paper}


def luminance(colour):
    parts = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, other):
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def over(front, back, opacity):
    """Return the colour of a thin coat."""
    both = ((int(front[i : i + 2], 16), int(back[i : i + 2], 16)) for i in (1, 3, 5))
    return "#" + "".join(f"{round(a * opacity + b * (1 - opacity)):02x}" for a, b in both)


def grounds(scheme):
    """Return every colour that may lie behind a line or a word."""
    plain = (scheme["paper"], scheme["day"])
    return (*plain, *(over(scheme["breach"], ground, 0.1) for ground in plain))


def test_contrast_is_what_everybody_computes():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize(("name", "word"), list(product(("light", "dark", "paper"), WORDS)))
def test_words_and_lines_can_be_read_on_every_ground(name, word):
    scheme = schemes()[name]
    faint = {f"{contrast(scheme[word], ground):.2f}" for ground in grounds(scheme)}
    assert all(contrast(scheme[word], ground) >= 4.5 for ground in grounds(scheme)), faint


@pytest.mark.parametrize(("name", "sign"), list(product(("light", "dark", "paper"), SIGNS)))
def test_signs_can_be_seen_on_their_tiles_and_on_paper(name, sign):
    scheme = schemes()[name]
    assert contrast(scheme[sign], scheme["tile"]) >= 3 and contrast(scheme[sign], scheme["paper"]) >= 3


def test_numbers_in_their_discs_can_be_read():
    assert all(contrast(each["paper"], each["ink"]) >= 4.5 for each in schemes().values())


def test_every_scheme_has_every_colour():
    light, dark, paper = schemes().values()
    assert light.keys() == dark.keys() == paper.keys()


def test_on_paper_nothing_is_coloured():
    assert all(colour[1:3] == colour[3:5] == colour[5:7] for colour in schemes()["paper"].values())


def drawn():
    deeds, episodes = (Deed(NOON + HOUR, "note & <b>more</b>"),), (Episode(NOON, None),)
    trace = Trace("Room <12>", points(NOON, [90.0] * 72))
    return time_chart(chart(trace, deeds=deeds, episodes=episodes, title="Room <12>"))


def test_every_class_that_is_drawn_has_a_style():
    heat = heat_map(HeatMap("Heat", [NOON.date()], [Row("Room 12", [0.0])], BREACH_HOURS, "h"))
    small = sparkline(Spark(Trace("Room 12", []), NOON, NOON + HOUR, "degF"))
    used = {
        cls
        for svg in (drawn(), heat, small)
        for each in parsed(svg).iter()
        for cls in each.get("class", "").split()
    }
    unstyled = {cls for cls in used if not re.search(rf"\.{cls}\b", CSS)}
    assert unstyled <= {"chart-key", "chart-s0", "chart-unknown"}  # text, the first room, a pattern


def test_a_file_has_its_style_without_variables_and_its_title_to_be_seen():
    root = ElementTree.fromstring(standalone(drawn()).encode())
    (found,) = root.iter(f"{SVG}style")
    assert "var(" not in found.text and "@" not in found.text and "#1f5fa8" in found.text
    (heading,) = of_class(standalone(drawn()).split("\n", 1)[1], "chart-heading")
    assert heading.text == "Room <12>"
    assert root.get("width") == "840" and root.get("viewBox").startswith("0 -30 840 ")


def test_no_rule_of_the_style_is_empty():
    assert style().count("{") == style().count("}") > 30 and "{}" not in style().replace(" ", "")


def test_what_is_no_chart_is_named():
    with pytest.raises(ValueError, match="is no chart"):
        standalone("<p>hello</p>")


def test_a_png_shows_its_words_though_no_font_of_the_machine_is_used():
    with_words, without = png(drawn()), png(re.sub(r"<text.*?</text>", "", drawn()))
    assert with_words.startswith(b"\x89PNG\r\n\x1a\n")
    assert len(with_words) > len(without) + 5000
    assert int.from_bytes(with_words[16:20], "big") == 1680
