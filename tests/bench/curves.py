"""How what a district costs grows with its rooms: four small charts in one drawing.

Rule: both axes count in tenfold steps, so that what grows as the rooms do is a line at 45 degrees.
"""

import math
from collections.abc import Sequence
from typing import Any

_WIDTH, _HEIGHT, _PAD = 340, 200, 44
_CHARTS = (
    ("start_s", "start to subscribed, s"),
    ("memory_mb", "memory at most, MB"),
    ("cpu_ms_a_reading", "processor time a reading, ms"),
    ("bytes_a_reading", "store a reading, bytes"),
)
_STYLE = (
    "text{font:12px system-ui,sans-serif;fill:#333}line{stroke:#bbb}polyline{fill:none;stroke:#0b62a8;"
    "stroke-width:2}circle{fill:#0b62a8}@media(prefers-color-scheme:dark){text{fill:#ddd}line{stroke:#555}}"
)


def drawn(costs: Sequence[Any]) -> str:
    """Return the drawing as SVG."""
    parts = [_chart(costs, *each, position) for position, each in enumerate(_CHARTS)]
    said = ", ".join(f"{each.rooms:,}" for each in costs)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {2 * _WIDTH} {2 * _HEIGHT}" role="img">'
        f"<title>What a district of {said} rooms costs</title><style>{_STYLE}</style>{''.join(parts)}</svg>\n"
    )


def _chart(costs: Sequence[Any], name: str, words: str, position: int) -> str:
    left, top = position % 2 * _WIDTH, position // 2 * _HEIGHT
    points = [(math.log10(each.rooms), math.log10(max(getattr(each, name), 1e-3))) for each in costs]
    x0, x1 = math.floor(min(x for x, _ in points)), math.ceil(max(x for x, _ in points))
    y0, y1 = math.floor(min(y for _, y in points)), math.ceil(max(y for _, y in points))
    x1, y1 = max(x1, x0 + 1), max(y1, y0 + 1)

    def at(x: float, y: float) -> tuple[float, float]:
        along, up = (x - x0) / (x1 - x0), (y - y0) / (y1 - y0)
        across, down = _WIDTH - 2 * _PAD, _HEIGHT - 2 * _PAD
        return round(left + _PAD + along * across, 1), round(top + _HEIGHT - _PAD - up * down, 1)

    made = [f'<text x="{left + _PAD}" y="{top + _PAD - 18}">{words}</text>']
    for step in range(y0, y1 + 1):
        (x, y), (end, _) = at(x0, step), at(x1, step)
        made.append(f'<line x1="{x}" y1="{y}" x2="{end}" y2="{y}"/>')
        made.append(f'<text x="{x - 6}" y="{y + 4}" text-anchor="end">{10**step:g}</text>')
    for step in range(x0, x1 + 1):
        x, y = at(step, y0)
        made.append(f'<text x="{x}" y="{y + 18}" text-anchor="middle">{10**step:,g}</text>')
    x, y = at((x0 + x1) / 2, y0)
    made.append(f'<text x="{x}" y="{y + 34}" text-anchor="middle">rooms</text>')
    placed = [at(*each) for each in points]
    made.append(f'<polyline points="{" ".join(f"{x},{y}" for x, y in placed)}"/>')
    for (x, y), each in zip(placed, costs, strict=True):
        made.append(f'<circle cx="{x}" cy="{y}" r="3"/>')
        made.append(f'<text x="{x}" y="{y - 7}" text-anchor="middle">{getattr(each, name):.3g}</text>')
    return "".join(made)
