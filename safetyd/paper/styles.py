"""How a document looks: the page, the sizes of its text, its greys.

Rule: black on white, so that a copy of a copy can be read; nothing is said by a shade alone.
"""

from typing import Any

from reportlab.lib.colors import Color
from reportlab.lib.pagesizes import LETTER
from reportlab.lib.styles import ParagraphStyle

from safetyd.paper.blocks import Tone
from safetyd.paper.fonts import BOLD, PLAIN

PAGE = LETTER
MARGIN, FOOT = 54.0, 62.0
WIDTH, WIDE = PAGE[0] - 2 * MARGIN, PAGE[1] - 2 * MARGIN
INK, FAINT, RULE = Color(0, 0, 0), Color(0.33, 0.33, 0.33), Color(0.72, 0.72, 0.72)
_RIGHT = 2


def _style(name: str, size: float, font: str = PLAIN, color: Color = INK, **more: Any) -> ParagraphStyle:
    leading = round(size * 1.32, 1)
    return ParagraphStyle(name, fontName=font, fontSize=size, leading=leading, textColor=color, **more)


TITLE = _style("title", 19, BOLD, spaceAfter=2)
UNDER = _style("under", 10.5, color=FAINT, spaceAfter=8)
HEADINGS = {
    1: _style("heading1", 13.5, BOLD, spaceBefore=14, spaceAfter=5),
    2: _style("heading2", 10.5, BOLD, spaceBefore=9, spaceAfter=3),
}
TONES = {
    Tone.PLAIN: _style("plain", 9.5, spaceAfter=5),
    Tone.STRONG: _style("strong", 9.5, BOLD, spaceAfter=5),
    Tone.SMALL: _style("small", 8, color=FAINT, spaceAfter=4),
}
CELL, STRONG_CELL = _style("cell", 8.5), _style("strong cell", 8.5, BOLD)
NUMBER = _style("number", 8.5, alignment=_RIGHT)
STRONG_NUMBER = _style("strong number", 8.5, BOLD, alignment=_RIGHT)
NAME = _style("name", 8.5, color=FAINT)
