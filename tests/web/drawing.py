"""Charts of an invented school, and how to find one's way in a drawn one."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

from safetyd.web.charts.shapes import Limit, Point, TimeChart, Trace

ZONE = ZoneInfo("America/Chicago")
NOON = datetime(2027, 3, 3, 18, 0, tzinfo=UTC)
FIVE_MINUTES, HOUR, DAY = timedelta(minutes=5), timedelta(hours=1), timedelta(days=1)
SVG = "{http://www.w3.org/2000/svg}"


def local(*parts: int) -> datetime:
    """Return a moment of the school's clocks, in UTC."""
    return datetime(*parts, tzinfo=ZONE).astimezone(UTC)


def points(begin: datetime, values: Iterable[float | None], every: timedelta = FIVE_MINUTES) -> list[Point]:
    """Return a point of each value, half a degree wide to each side; None leaves one out."""
    found = []
    for n, value in enumerate(values):
        if value is not None:
            found.append(Point(begin + n * every, value - 0.5, value, value + 0.5, 5))
    return found


def chart(*traces: Trace, hours: float = 6, **more: object) -> TimeChart:
    """Return a chart from noon on."""
    given = {"title": "Room 12", "limits": (Limit(60, "cold"), Limit(85, "heat index")), **more}
    return TimeChart(
        begin=NOON,
        end=NOON + hours * HOUR,
        zone=ZONE,
        unit="degF",
        traces=traces,
        **given,  # type: ignore[arg-type]
    )


def parsed(svg: str) -> ElementTree.Element:
    """Return a drawn chart as a tree: it is well-formed XML."""
    return ElementTree.fromstring(svg)


def of_class(svg: str, cls: str, tag: str = "*") -> list[ElementTree.Element]:
    """Return the elements of a class that are not signs of the legend."""
    root = parsed(svg)
    in_legend = {
        each
        for group in root.iter(f"{SVG}g")
        if group.get("transform")
        for each in group.iter()
        if each is not group
    }
    return [
        each
        for each in root.iter()
        if cls in (each.get("class") or "").split()
        and each not in in_legend
        and tag in ("*", each.tag.removeprefix(SVG))
    ]


def corners(path: ElementTree.Element) -> list[list[tuple[float, float]]]:
    """Return the corners of each part of a path of straight lines."""
    parts = re.findall(r"M([^M]+)", path.get("d", ""))
    pair = re.compile(r"(-?[\d.]+) (-?[\d.]+)")
    return [[(float(x), float(y)) for x, y in pair.findall(part)] for part in parts]


def words(svg: str) -> list[str]:
    """Return every text in a picture, in order."""
    return ["".join(each.itertext()) for each in parsed(svg).iter(f"{SVG}text")]
