"""Blocks as the bytes of a PDF.

Rule: the same blocks are the same bytes on every machine: no clock, no environment, nothing of the system and
no compression, which differs from zlib to zlib. What is too long goes on in the next line or page.
"""

from collections.abc import Sequence
from dataclasses import replace
from io import BytesIO
from itertools import zip_longest
from typing import Any, NamedTuple

from reportlab.platypus import (
    BaseDocTemplate,
    CondPageBreak,
    Flowable,
    Frame,
    KeepTogether,
    PageTemplate,
    Spacer,
)
from reportlab.platypus import PageBreak as NextPage

from safetyd.paper.blocks import (
    Block,
    Brief,
    Facts,
    Heading,
    PageBreak,
    Picture,
    Table,
    Text,
    Title,
    Together,
    Tone,
)
from safetyd.paper.drawing import Drawn
from safetyd.paper.fonts import PLAIN, fonts
from safetyd.paper.letters import one_line
from safetyd.paper.pages import Pages
from safetyd.paper.styles import FOOT, HEADINGS, MARGIN, PAGE, TITLE, TONES, UNDER, WIDE, WIDTH
from safetyd.paper.tables import facts, table
from safetyd.paper.texts import paragraph

_LEAST_BELOW_A_HEADING = 72.0


class Sheet(NamedTuple):
    """How much of a page is for what it says, in points."""

    width: float
    height: float


def pdf(
    blocks: Sequence[Block], *, title: str, foot: str = "", language: str = "en", is_wide: bool = False
) -> bytes:
    """Return the document; `title` and `foot` stand at the foot of each page with its number.

    The pages of one that `is_wide` lie on their long side: `WIDE` is for what they say.
    """
    page = PAGE[::-1] if is_wide else PAGE
    sheet = Sheet(WIDE if is_wide else WIDTH, page[1] - MARGIN - FOOT)
    has = fonts().has
    title, foot = one_line(title, has), one_line(foot, has)
    file = BytesIO()
    document = BaseDocTemplate(
        file,
        pagesize=page,
        title=title,
        author="safetyd",
        creator="safetyd",
        subject=foot,
        lang=language,
        pageCompression=0,
        invariant=1,
        initialFontName=PLAIN,
    )
    frame = Frame(MARGIN, FOOT, *sheet, leftPadding=0, rightPadding=0, topPadding=0, bottomPadding=0)
    document.addPageTemplates(PageTemplate(frames=[frame]))
    story = [each for block, below in zip_longest(blocks, blocks[1:]) for each in _kept(block, below, sheet)]

    def canvas(*args: Any, **more: Any) -> Pages:
        return Pages(*args, title=title, foot=foot, margin=MARGIN, **more)

    document.build(story or [Spacer(0, 1)], canvasmaker=canvas)
    return file.getvalue()


def _kept(block: Block, below: Block | None, sheet: Sheet) -> list[Flowable]:
    """Return a block; a heading moves to the next page unless the first row of a table below fits, too."""
    parts = _flowables(block, sheet)
    if not (isinstance(block, Heading) and isinstance(below, Table)):
        return parts
    needed = [*parts[2:], *_flowables(replace(below, rows=below.rows[:1]), sheet)]
    room = sum(each.wrap(*sheet)[1] + each.getSpaceBefore() + each.getSpaceAfter() for each in needed)
    return [CondPageBreak(min(room, sheet.height / 2)), *parts]


def _flowables(block: Block, sheet: Sheet, lines: int | None = None) -> list[Flowable]:
    width = sheet.width
    match block:
        case Title(text, under):
            below = [paragraph(under, UNDER, lines, width)] if under else []
            return [_Noted(text, 0), paragraph(text, TITLE, lines, width), *below]
        case Heading(text, level):
            room = CondPageBreak(_LEAST_BELOW_A_HEADING)
            return [room, _Noted(text, level), paragraph(text, HEADINGS[level], lines, width)]
        case Text(text, tone):
            return [paragraph(text, TONES[tone], lines, width)]
        case Facts():
            return [*facts(block, lines, width)]
        case Table():
            return [table(block, lines, width)]
        case Picture(words=words):
            below = [paragraph(words, TONES[Tone.SMALL], lines, width)]
            return [KeepTogether([Drawn(block, width, sheet.height * 0.8), *below])]
        case PageBreak():
            return [NextPage()]
        case Together(inner):
            return [KeepTogether([each for one in inner for each in _flowables(one, sheet, lines)])]
        case Brief(inner, at_most):
            return [each for one in inner for each in _flowables(one, sheet, at_most)]


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
