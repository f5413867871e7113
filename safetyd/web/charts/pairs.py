"""Two amounts beside each other, month by month or building by building, as bars that lie.

Rule: the first of two is hatched, the second is full, and each bears its number: nothing is said by colour
alone, and a nought is seen to be one.
"""

from safetyd.web.charts.legend import Key, keys
from safetyd.web.charts.markup import (
    box,
    clean,
    element,
    fitting,
    hatch,
    line,
    quantity,
    svg,
    text,
    width_of,
)
from safetyd.web.charts.shapes import WIDE, PairChart, Size

_BAR, _BETWEEN, _APART = 13.0, 3.0, 12.0
_FONT, _LEADING = 12.0, 14.0
_NAMES = 1.4  # as wide as those of rooms: a building's are longer
_TOP = 6.0


def pair_chart(chart: PairChart, size: Size = WIDE, id_: str = "pairs") -> str:
    """Return the picture; `id_` begins the ids in it and must be the only one of its page."""
    hatch_id = f"{id_}-{size.name}-first"
    names = [_name(pair.label, size.name_width * _NAMES) for pair in chart.pairs]
    amounts = [amount for pair in chart.pairs for amount in (pair.first, pair.second)]
    left = max((width_of(each, _FONT) for name in names for each in name), default=0.0) + 14
    right = max((width_of(quantity(each), _FONT) for each in amounts), default=0.0) + 12
    most, width = max(amounts, default=0.0), size.width - left - right
    parts, y = [element("defs", hatch(hatch_id))], _TOP
    for name, pair in zip(names, chart.pairs, strict=True):
        middle = y + _BAR + _BETWEEN / 2 + 4 - (len(name) - 1) * _LEADING / 2
        for number, each in enumerate(name):
            parts.append(text(each, left - 8, middle + number * _LEADING, "chart-row", "end"))
        for amount, sign in zip((pair.first, pair.second), _signs(hatch_id), strict=True):
            long = width * amount / most if most else 0.0
            parts.append(element("path", d=box(left, y, long, _BAR), **sign) if long else "")
            parts.append(text(quantity(amount), left + long + 6, y + _BAR - 2.5, "chart-row"))
            y += _BAR + _BETWEEN
        y += _APART - _BETWEEN
    if not chart.pairs:
        parts.append(text("There is nothing to show", size.width / 2, 24, "chart-nothing", "middle"))
        y = 40.0
    parts.append(line(left, 0, left, y - _APART + _TOP, "chart-axis"))
    signs = [element("path", d=box(0, 0, 24, 12), **sign) for sign in _signs(hatch_id)]
    legend = [Key(sign, clean(name, 60)) for sign, name in zip(signs, chart.names, strict=True)]
    below, y = keys(legend, 8, y + 14, size.width - 16)
    return svg(
        clean(chart.title), _description(chart), size.width, y - 6, size.name, "".join([*parts, below])
    )


def _name(label: str, width: float) -> tuple[str, ...]:
    """Return a name on one line, or on two where it is wider: there is room for as many beside its bars."""
    first, rest = "", label.split()
    while rest and width_of(longer := f"{first} {rest[0]}".strip(), _FONT) <= width:
        first, rest = longer, rest[1:]
    if not rest:
        return (clean(first),)
    return tuple(fitting(each, width, _FONT) for each in (first, " ".join(rest)) if each)


def _signs(hatch_id: str) -> tuple[dict[str, str], dict[str, str]]:
    """Return what makes the first of two look otherwise than the second."""
    return {"cls": "chart-first", "fill": f"url(#{hatch_id})"}, {"cls": "chart-second"}


def _description(chart: PairChart) -> str:
    first, second = (clean(each, 60) for each in chart.names)
    said = (
        f"{clean(pair.label, 60)}: {first} {quantity(pair.first)}, {second} {quantity(pair.second)}"
        for pair in chart.pairs
    )
    return f"In {clean(chart.unit, 40)}. {'; '.join(said)}."
