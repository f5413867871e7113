"""Pieces of SVG: text from anybody, numbers, elements.

Rule: every text that comes from outside goes through `clean` and is escaped where it is put in. What a
reader cannot see, and what turns the rest of a line around, is left out.
"""

import unicodedata
from collections.abc import Iterable
from math import isfinite
from xml.sax.saxutils import escape, quoteattr

_LOOKED_AT = 400  # characters of a text, however long it is
_TITLE_AT_MOST = 200
_UNSEEN = ("Cc", "Cf", "Co", "Cn", "Cs", "Zl", "Zp")
_EM, _WIDE = 0.62, "MWmw@%"  # of a character, and which are wider; a wide font needs no more
_MARKS_AT_MOST = 2  # on one letter
_ISOLATE, _END_ISOLATE = "\u2068", "\u2069"
_RIGHT_TO_LEFT = ("R", "AL", "AN")


def clean(text: str, at_most: int = _TITLE_AT_MOST) -> str:
    """Return a text on one line, cut with an ellipsis where it is longer."""
    if text.isascii() and text.isprintable():
        line = " ".join(text[:_LOOKED_AT].split())
        is_turned = False
    else:
        line = " ".join("".join(_seen(text[:_LOOKED_AT])).split())
        is_turned = any(unicodedata.bidirectional(each) in _RIGHT_TO_LEFT for each in line)
    if len(line) > at_most or len(text) > _LOOKED_AT:
        line = line[: at_most - 1].rstrip() + "…"
    return f"{_ISOLATE}{line}{_END_ISOLATE}" if is_turned else line


def _seen(text: str) -> Iterable[str]:
    marks = 0
    for each in text:
        kind = unicodedata.category(each)
        marks = marks + 1 if kind in ("Mn", "Me") else 0
        if marks <= _MARKS_AT_MOST:
            yield " " if kind in _UNSEEN else each


def width_of(text: str, font_size: float) -> float:
    """Return about how wide a text is; rather too much than too little."""
    wide = sum(text.count(each) for each in _WIDE)
    if not text.isascii():
        wide += sum(unicodedata.east_asian_width(each) in "WF" for each in text)
    seen = len(text) - text.count("\u2068") - text.count("\u2069")  # what sets a text apart has no width
    return _EM * font_size * (seen + 0.8 * wide)


def fitting(text: str, width: float, font_size: float) -> str:
    """Return a text cut so that it is no wider."""
    line = clean(text)
    keep = len(line)
    while keep > 1 and (needs := width_of(line, font_size)) > width:
        keep = max(min(keep - 1, int(keep * width / needs)), 1)
        line = clean(text, keep)
    return line


def number(value: float) -> str:
    """Return a coordinate with one decimal at most."""
    text = f"{value:.1f}"
    return text[:-2] if text.endswith(".0") else text


def quantity(value: float) -> str:
    """Return a value as a reader wants it: one decimal, none where there is nothing behind it."""
    if not isfinite(value):
        return "unknown"
    return number(value) if abs(value) < 1e6 else f"{value:.3g}"


def element(name: str, inside: str = "", /, **attributes: str | float | None) -> str:
    """Return an element; `cls` is its class, an underscore in a name is a hyphen, None leaves one out.

    `inside` is markup: text in it has been escaped.
    """
    written = "".join(
        f" {'class' if key == 'cls' else key.replace('_', '-')}={_quoted(value)}"
        for key, value in attributes.items()
        if value is not None
    )
    return f"<{name}{written}>{inside}</{name}>" if inside else f"<{name}{written}/>"


def _quoted(value: str | float) -> str:
    return quoteattr(value) if isinstance(value, str) else f'"{number(value)}"'


def text(content: str, x: float, y: float, cls: str, anchor: str | None = None) -> str:
    """Return a line of text, which is cleaned already."""
    return element("text", escape(content), x=x, y=y, cls=cls, text_anchor=anchor)


def line(x1: float, y1: float, x2: float, y2: float, cls: str, dashes: str | None = None) -> str:
    """Return a straight line."""
    return element("line", x1=x1, y1=y1, x2=x2, y2=y2, cls=cls, stroke_dasharray=dashes)


def box(x: float, y: float, width: float, height: float) -> str:
    """Return the path of a rectangle."""
    return f"M{number(x)} {number(y)}h{number(width)}v{number(height)}h-{number(width)}z"


def hatch(id_: str) -> str:
    """Return the pattern of what is not known."""
    strokes = element("path", d="M-1 1l2 -2M0 6l6 -6M5 7l2 -2", cls="chart-hatch")
    return element(
        "pattern",
        strokes,
        id=id_,
        width=6,
        height=6,
        patternUnits="userSpaceOnUse",
    )


def svg(
    title: str, description: str, width: float, height: float, cls: str, inside: str, role: str = "img"
) -> str:
    """Return a whole picture; its title and description are for those who hear it."""
    said = element("title", escape(title)) + element("desc", escape(description))
    return element(
        "svg",
        said + inside,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {number(width)} {number(height)}",
        cls=f"chart-svg {cls}",
        role=role,
    )
