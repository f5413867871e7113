"""Texts as paragraphs: whole, cut to some lines, or in pieces of which none is higher than a page.

Rule: a text in pieces is that text; one that is cut ends with an ellipsis.
"""

from reportlab.lib.styles import ParagraphStyle
from reportlab.platypus import Paragraph

from safetyd.paper.fonts import fonts
from safetyd.paper.letters import markup, one_line, printable
from safetyd.paper.styles import WIDTH

_MOST_OF_A_LINE = 300  # letters: no line of a page holds more
_PIECE = 28  # lines of the widest letters; however words break, their text is lower than a page


def paragraph(text: str, style: ParagraphStyle, lines: int | None = None, width: float = WIDTH) -> Paragraph:
    """Return a text, cut to so many lines of this width."""
    has = fonts().has
    if lines is None:
        return Paragraph(markup(text, has), style)
    if len(text) <= _MOST_OF_A_LINE * lines and _fits(text, style, lines, width):
        return Paragraph(markup(text, has), style)
    line = one_line(text[: _MOST_OF_A_LINE * lines], has)
    fits, too_long = 0, min(len(line), _MOST_OF_A_LINE * lines) + 1
    while too_long - fits > 1:
        middle = (fits + too_long) // 2
        if _fits(f"{line[:middle].rstrip()}…", style, lines, width):
            fits = middle
        else:
            too_long = middle
    return Paragraph(markup(f"{line[:fits].rstrip()}…", has), style)


def _fits(text: str, style: ParagraphStyle, lines: int, width: float) -> bool:
    return len(Paragraph(markup(text, fonts().has), style).breakLines(width).lines) <= lines


def pieces(text: str, size: float, width: float) -> list[str]:
    """Return a text in pieces that are lower than a page in this width."""
    if len(text) < _PIECE and "\n" not in text:
        return [text]
    a_line = max(int(width / size), 1)
    found: list[list[str]] = [[]]
    room = _PIECE
    for line in printable(text, fonts().has).split("\n"):
        rest = line
        while len(rest) > room * a_line:
            part, rest = _parted(rest, room * a_line)
            found[-1].append(part)
            found.append([])
            room = _PIECE
        found[-1].append(rest)
        room -= max(-(-len(rest) // a_line), 1)
        if room <= 0:
            found.append([])
            room = _PIECE
    return ["\n".join(each) for each in found if each]


def _parted(line: str, at_most: int) -> tuple[str, str]:
    """Return a line in two, after a word if one ends in the later half."""
    space = line.rfind(" ", at_most // 2, at_most)
    at = space + 1 if space > 0 else at_most
    return line[:at], line[at:]
