"""What stands below a chart: its signs explained, then what happened, by number.

Rule: everything fits the width; what there is no room for is counted, not left out silently.
"""

from collections.abc import Sequence
from typing import NamedTuple
from xml.sax.saxutils import escape

from safetyd.web.charts.markup import element, fitting, text, width_of

FONT = 13.0
ROW = 20.0
_SIGN = 30.0
_APART = 18.0
_NUMBER = 24.0


class Key(NamedTuple):
    """A sign, drawn in a box of 24 by 12, and what it means."""

    sign: str
    label: str


def keys(found: Sequence[Key], left: float, top: float, width: float) -> tuple[str, float]:
    """Return the signs in as many lines as they need, and where the next thing may begin."""
    x, y, parts = left, top, []
    for key in found:
        label = fitting(key.label, width - _SIGN, FONT)
        needs = _SIGN + width_of(label, FONT)
        if x > left and x + needs > left + width:
            x, y = left, y + ROW
        sign = element("g", key.sign, transform=f"translate({x:.1f} {y - 10:.1f})")
        parts.append(sign + text(label, x + _SIGN, y, "chart-key"))
        x += needs + _APART
    return "".join(parts), (y + ROW if found else top)


def numbered(labels: Sequence[str], at_most: int, left: float, top: float, width: float) -> tuple[str, float]:
    """Return numbered lines, in two columns if they fit, and where the next thing may begin."""
    shown = labels[:at_most]
    half = width / 2 - _NUMBER - _APART
    columns = 2 if all(width_of(label, FONT) <= half for label in shown) else 1
    rows = -(-len(shown) // columns)
    parts = []
    for i, label in enumerate(shown):
        x = left + (i // rows) * (width / columns)
        y = top + (i % rows) * ROW
        words = fitting(label, width / columns - _NUMBER - _APART, FONT)
        parts.append(badge(i + 1, x + 8, y - 4.5) + text(words, x + _NUMBER, y, "chart-key"))
    top += rows * ROW
    if len(labels) > at_most:
        parts.append(text(f"and {len(labels) - at_most} more", left + _NUMBER, top, "chart-key"))
        top += ROW
    return "".join(parts), top


def badge(n: int, x: float, y: float) -> str:
    """Return a number in a disc."""
    disc = element("circle", cx=x, cy=y, r=8, cls="chart-act")
    return disc + element("text", escape(str(n)), x=x, y=y + 4, cls="chart-act-number", text_anchor="middle")
