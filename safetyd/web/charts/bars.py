"""Bars, one below the other: each with its name and its value in words.

Rule: what a bar says stands beside it as text; its length only repeats it. Where there is little room its
name stands above it.
"""

from safetyd.web.charts.markup import box, clean, element, fitting, svg, text, width_of
from safetyd.web.charts.shapes import WIDE, BarChart, Size

_FONT, _TALL, _APART = 12.0, 16.0, 6.0
_NAMES_AT_MOST = 340.0


def bar_chart(chart: BarChart, size: Size = WIDE, id_: str = "bars") -> str:
    """Return the picture; it has no ids, so `id_` is not needed."""
    words = max((width_of(each.words, _FONT) for each in chart.bars), default=0.0) + 10
    names = max((width_of(clean(each.name), _FONT) for each in chart.bars), default=0.0)
    left = 8.0 if size.is_narrow else min(names + 24, _NAMES_AT_MOST)
    longest = max((each.value for each in chart.bars), default=0.0) or 1.0
    parts, y = [], 6.0
    for each in chart.bars:
        if size.is_narrow:
            parts.append(text(fitting(each.name, size.width - 16, _FONT), left, y + _FONT, "chart-row"))
            y += _FONT + 6
        else:
            parts.append(text(fitting(each.name, left - 16, _FONT), left - 8, y + _FONT, "chart-row", "end"))
        wide = max((size.width - left - words) * each.value / longest, 1.0)
        parts.append(element("path", d=box(left, y, wide, _TALL), cls="chart-bar"))
        parts.append(text(clean(each.words, 40), left + wide + 6, y + _FONT, "chart-row"))
        y += _TALL + _APART
    said = "; ".join(f"{clean(each.name, 80)}: {clean(each.words, 40)}" for each in chart.bars)
    return svg(clean(chart.title), said or "nothing to show", size.width, y, size.name, "".join(parts))
