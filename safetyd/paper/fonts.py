"""The two fonts of every document, Roboto and its bold, embedded as far as they are used.

Rule: they come from the package font-roboto, on every machine the same; no font of a system is looked for.
"""

from functools import cache
from typing import NamedTuple

PLAIN, BOLD = "safetyd", "safetyd-bold"


class Fonts(NamedTuple):
    """What both fonts have: the numbers of their characters."""

    has: frozenset[int]


@cache
def fonts() -> Fonts:
    """Return the fonts, known to reportlab from then on."""
    from font_roboto import font_files
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.ttfonts import TTFont

    found = []
    for name, file in ((PLAIN, font_files["Roboto"]), (BOLD, font_files["RobotoBold"])):
        # Shaping would depend on whether another package happens to be installed.
        font = TTFont(name, file, asciiReadable=False, shapable=False)
        pdfmetrics.registerFont(font)
        found.append(frozenset(font.face.charToGlyph))
    # Bold inside of plain text is what the library asks for by family.
    pdfmetrics.registerFontFamily(PLAIN, normal=PLAIN, bold=BOLD, italic=PLAIN, boldItalic=BOLD)
    return Fonts(found[0] & found[1])


def width_of(text: str, size: float, strong: bool = False) -> float:
    """Return how wide a printable text is, in points."""
    from reportlab.pdfbase.pdfmetrics import stringWidth

    fonts()
    return float(stringWidth(text, BOLD if strong else PLAIN, size))


def fitting(text: str, width: float, size: float, strong: bool = False) -> str:
    """Return a printable text, cut with an ellipsis where it is wider."""
    if width_of(text, size, strong) <= width:
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if width_of(text[:middle].rstrip() + "…", size, strong) <= width:
            low = middle
        else:
            high = middle - 1
    return text[:low].rstrip() + "…"
