"""Blocks as the bytes of a PDF.

Rule: the same blocks are the same bytes on every machine: no clock, no environment, nothing of the system and
no compression, which differs from zlib to zlib. What is too long goes on in the next line or page.
"""

from collections.abc import Sequence
from io import BytesIO
from typing import Any

from reportlab.lib.colors import Color
from reportlab.lib.pagesizes import LETTER
from reportlab.lib.styles import ParagraphStyle
from reportlab.platypus import (
    BaseDocTemplate,
    CondPageBreak,
    Flowable,
    Frame,
    KeepTogether,
    LongTable,
    PageTemplate,
    Paragraph,
    Spacer,
)
from reportlab.platypus import PageBreak as NextPage

from safetyd.paper.blocks import (
    Block,
    Facts,
    Heading,
    PageBreak,
    Picture,
    Row,
    Table,
    Text,
    Title,
    Together,
    Tone,
)
from safetyd.paper.drawing import Drawn
from safetyd.paper.fonts import BOLD, PLAIN, fonts
from safetyd.paper.letters import markup, one_line
from safetyd.paper.pages import Pages

MARGIN, FOOT = 54.0, 62.0
WIDTH = LETTER[0] - 2 * MARGIN
HEIGHT = LETTER[1] - MARGIN - FOOT
_INK, _FAINT, _RULE = Color(0, 0, 0), Color(0.33, 0.33, 0.33), Color(0.72, 0.72, 0.72)
_PAD = 3.0


def _style(name: str, size: float, font: str = PLAIN, color: Color = _INK, **more: Any) -> ParagraphStyle:
    leading = round(size * 1.32, 1)
    return ParagraphStyle(name, fontName=font, fontSize=size, leading=leading, textColor=color, **more)


_TITLE = _style("title", 19, BOLD, spaceAfter=2)
_UNDER = _style("under", 10.5, color=_FAINT, spaceAfter=8)
_HEADINGS = {
    1: _style("heading1", 13.5, BOLD, spaceBefore=14, spaceAfter=5),
    2: _style("heading2", 10.5, BOLD, spaceBefore=9, spaceAfter=3),
}
_TONES = {
    Tone.PLAIN: _style("plain", 9.5, spaceAfter=5),
    Tone.STRONG: _style("strong", 9.5, BOLD, spaceAfter=5),
    Tone.SMALL: _style("small", 8, color=_FAINT, spaceAfter=4),
}
_CELL, _STRONG = _style("cell", 8.5), _style("cell-strong", 8.5, BOLD)
_NUMBER, _STRONG_NUMBER = _style("number", 8.5, alignment=2), _style("number-strong", 8.5, BOLD, alignment=2)
_NAME = _style("name", 8.5, color=_FAINT)


def pdf(blocks: Sequence[Block], *, title: str, foot: str = "", language: str = "en") -> bytes:
    """Return the document; `title` and `foot` stand at the foot of each page with its number."""
    has = fonts().has
    title, foot = one_line(title, has), one_line(foot, has)
    file = BytesIO()
    document = BaseDocTemplate(
        file,
        pagesize=LETTER,
        title=title,
        author="safetyd",
        creator="safetyd",
        subject=foot,
        lang=language,
        pageCompression=0,
        invariant=1,
        initialFontName=PLAIN,
    )
    frame = Frame(MARGIN, FOOT, WIDTH, HEIGHT, leftPadding=0, rightPadding=0, topPadding=0, bottomPadding=0)
    document.addPageTemplates(PageTemplate(frames=[frame]))
    story = [each for block in blocks for each in _flowables(block)]

    def canvas(*args: Any, **more: Any) -> Pages:
        return Pages(*args, title=title, foot=foot, margin=MARGIN, **more)

    document.build(story or [Spacer(0, 1)], canvasmaker=canvas)
    return file.getvalue()


def _flowables(block: Block) -> list[Flowable]:
    match block:
        case Title(text, under):
            below = [_paragraph(under, _UNDER)] if under else []
            return [_Noted(text, 0), _paragraph(text, _TITLE), *below]
        case Heading(text, level):
            style = _HEADINGS[level]
            return [CondPageBreak(72), _Noted(text, level), _paragraph(text, style)]
        case Text(text, tone):
            return [_paragraph(text, _TONES[tone])]
        case Facts(rows, share):
            cells = [[_paragraph(name, _NAME), _paragraph(what, _CELL)] for name, what in rows]
            return _table(cells, [share, 1 - share], 0) if cells else []
        case Table():
            return _table(_cells(block), list(block.widths) or [1.0] * len(block.heads), 1)
        case Picture(words=words):
            return [KeepTogether([Drawn(block, WIDTH, HEIGHT * 0.8), _paragraph(words, _TONES[Tone.SMALL])])]
        case PageBreak():
            return [NextPage()]
        case Together(inner):
            return [KeepTogether([each for one in inner for each in _flowables(one)])]


def _paragraph(text: str, style: ParagraphStyle) -> Paragraph:
    return Paragraph(markup(text, fonts().has), style)


def _cells(table: Table) -> list[list[Paragraph]]:
    many = len(table.heads)

    def line(row: Row, strong: bool) -> list[Paragraph]:
        filled = (*row, *[""] * many)[:many]
        left, right = (_STRONG, _STRONG_NUMBER) if strong else (_CELL, _NUMBER)
        return [_paragraph(text, right if n in table.right else left) for n, text in enumerate(filled)]

    return [line(table.heads, True), *(line(row, n in table.strong) for n, row in enumerate(table.rows))]


def _table(cells: list[list[Paragraph]], shares: Sequence[float], heads: int) -> list[Flowable]:
    style: list[tuple[Any, ...]] = [
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("LEFTPADDING", (0, 0), (-1, -1), _PAD),
        ("RIGHTPADDING", (0, 0), (-1, -1), _PAD),
        ("TOPPADDING", (0, 0), (-1, -1), 1.5),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 2.5),
        ("LINEBELOW", (0, 0), (-1, -1), 0.4, _RULE),
    ]
    if heads:
        style += [("LINEBELOW", (0, 0), (-1, 0), 0.9, _INK), ("LINEABOVE", (0, 0), (-1, 0), 0.9, _INK)]
    whole = sum(shares)
    table = LongTable(
        cells,
        colWidths=[WIDTH * share / whole for share in shares],
        style=style,
        repeatRows=heads,
        splitInRow=1,
        hAlign="LEFT",
        spaceAfter=7,
    )
    return [table]


class _Noted(Flowable):  # type: ignore[misc]
    """A place in the outline; it takes no room."""

    def __init__(self, text: str, level: int) -> None:
        super().__init__()
        self.width = self.height = 0
        self._text, self._level = one_line(text, fonts().has), level
        self.keepWithNext = 1

    def draw(self) -> None:
        """Note the page where the next block begins."""
        self.canv.note(self._text, self._level)
