"""A chart that leaves its page: a file that looks the same wherever it is opened, and a picture of points.

Rule: the style goes with it, in the light scheme and without variables, which few programs but browsers know.
"""

import re
from functools import cache
from importlib import resources
from xml.sax.saxutils import unescape

from safetyd.core.errors import SafetydError
from safetyd.web.charts.markup import element, fitting, number, text

_VARIABLE = re.compile(r"(--[\w-]+):\s*([^;]+);")
_USE = re.compile(r"var\((--[\w-]+)\)")
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_OPENING = re.compile(r"(<svg\b[^>]*>)<title>(.*?)</title><desc>(.*?)</desc>", re.DOTALL)
_VIEW = re.compile(r'viewBox="0 0 ([\d.]+) ([\d.]+)"')
_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
_POINTS_PER_UNIT = 2
_HEADING = 30  # units above a chart, for its title: a page says it beside the chart
_NARROWEST_WITH_HEADING = 400


class PictureError(SafetydError):
    """A chart cannot be made a PNG here."""


@cache
def style() -> str:
    """Return the style of charts as it goes with a file."""
    css = (resources.files("safetyd.web") / "static" / "charts.css").read_text(encoding="utf-8")
    plain = _COMMENT.sub("", css).split("@", 1)[0]
    values = dict(_VARIABLE.findall(plain))
    rules = _USE.sub(lambda found: values[found[1]], _VARIABLE.sub("", plain))
    return "\n".join(
        " ".join(rule.split()) for rule in rules.splitlines() if "{ }" not in rule and rule.strip()
    )


def standalone(svg: str) -> str:
    """Return a drawn chart as a file of its own: with its title, its style, its size and white paper."""
    view = _VIEW.search(svg)
    opening = _OPENING.match(svg)
    if view is None or opening is None:
        raise ValueError(f"{svg[:40]!r} is no chart; expected what time_chart, heat_map or sparkline returns")
    width, height = view.groups()
    wide, tall = float(width), float(height)
    head = _HEADING if wide >= _NARROWEST_WITH_HEADING else 0
    box = f'viewBox="0 {-head} {width} {number(tall + head)}" width="{width}" height="{number(tall + head)}"'
    paper = element("rect", cls="chart-paper", y=-head, width=wide, height=tall + head)
    if head:
        title = fitting(unescape(opening[2]), wide - 16, 16)
        paper += text(title, 8, -9, "chart-heading")
    start = opening[1].replace(view[0], box)
    said = f"<title>{opening[2]}</title><desc>{opening[3]}</desc>"
    return f"{_HEAD}{start}{said}<style>{style()}</style>{paper}{svg[opening.end() :]}\n"


def png(svg: str) -> bytes:
    """Return a drawn chart as a PNG, two points to a unit.

    Raises:
        PictureError: the packages for it are not installed.
    """
    try:
        import resvg_py
        from font_roboto import font_files
    except ImportError as error:
        raise PictureError("a PNG needs the extra png: pip install 'safetyd[png]'") from error
    picture: bytes = resvg_py.svg_to_bytes(
        svg_string=standalone(svg),
        zoom=_POINTS_PER_UNIT,
        skip_system_fonts=True,
        font_files=[font_files["Roboto"], font_files["RobotoBold"]],
        font_family="Roboto",
        sans_serif_family="Roboto",
    )
    return picture
