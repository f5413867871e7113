"""Tables over pages.

Rule: a row stays whole on a page; a text that would be higher than one goes on in further rows, which no line
parts. The head is on every page, cut where it is too long.
"""

from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import Any

from reportlab.lib.styles import ParagraphStyle
from reportlab.platypus import LongTable, Paragraph

from safetyd.paper.blocks import Facts, Row, Table
from safetyd.paper.styles import CELL, INK, NAME, NUMBER, RULE, STRONG_CELL, STRONG_NUMBER
from safetyd.paper.texts import paragraph, pieces

_PAD = 3.0
_HEAD_LINES = 6
_LOOK: list[tuple[Any, ...]] = [
    ("VALIGN", (0, 0), (-1, -1), "TOP"),
    ("LEFTPADDING", (0, 0), (-1, -1), _PAD),
    ("RIGHTPADDING", (0, 0), (-1, -1), _PAD),
    ("TOPPADDING", (0, 0), (-1, -1), 1.5),
    ("BOTTOMPADDING", (0, 0), (-1, -1), 2.5),
]
_HEAD_LOOK = [("LINEBELOW", (0, 0), (-1, 0), 0.9, INK), ("LINEABOVE", (0, 0), (-1, 0), 0.9, INK)]


def facts(block: Facts, lines: int | None, width: float) -> list[LongTable]:
    """Return names and what they are; nothing where there are none."""
    widths = [width * block.name_share, width * (1 - block.name_share)]
    rows, ends = _body([(row, (NAME, CELL)) for row in block.rows], widths, lines)
    return [_laid(rows, ends, widths, 0)] if rows else []


def table(block: Table, lines: int | None, width: float) -> LongTable:
    """Return rows under their head."""
    many = len(block.heads)
    shares = block.widths or (1.0,) * many
    widths = [width * share / sum(shares) for share in shares]
    plain = [_sized(NUMBER if n in block.right else CELL, block.size) for n in range(many)]
    strong = [_sized(STRONG_NUMBER if n in block.right else STRONG_CELL, block.size) for n in range(many)]
    head = _line(block.heads, strong, widths, lines or _HEAD_LINES)
    written = [
        ((*row, *[""] * many)[:many], strong if n in block.strong else plain)
        for n, row in enumerate(block.rows)
    ]
    rows, ends = _body(written, widths, lines)
    return _laid([head, *rows], [0, *(end + 1 for end in ends)], widths, 1)


def _sized(style: ParagraphStyle, size: float | None) -> ParagraphStyle:
    if size is None:
        return style
    name, leading = f"{style.name} {size:g}", round(size * 1.32, 1)
    return ParagraphStyle(name, parent=style, fontSize=size, leading=leading)


def _body(
    rows: Sequence[tuple[Row, Sequence[ParagraphStyle]]], widths: Sequence[float], lines: int | None
) -> tuple[list[list[Paragraph]], list[int]]:
    """Return the rows as they are laid, and at which of them a row that was written ends."""
    laid: list[list[Paragraph]] = []
    ends: list[int] = []
    for row, styles in rows:
        if lines is not None:
            laid.append(_line(row, styles, widths, lines))
        else:
            cut = [
                pieces(text, CELL.fontSize, width - 2 * _PAD) for text, width in zip(row, widths, strict=True)
            ]
            laid += [_line(part, styles, widths, None) for part in zip_longest(*cut, fillvalue="")]
        ends.append(len(laid) - 1)
    return laid, ends


def _line(
    row: Row, styles: Sequence[ParagraphStyle], widths: Sequence[float], lines: int | None
) -> list[Paragraph]:
    cells = zip(row, styles, widths, strict=True)
    return [paragraph(text, style, lines, width - 2 * _PAD) for text, style, width in cells]


def _laid(rows: list[list[Paragraph]], ends: list[int], widths: list[float], heads: int) -> LongTable:
    rules = [("LINEBELOW", (0, first), (-1, last), 0.4, RULE) for first, last in _runs(ends)]
    style = [*_LOOK, *rules, *(_HEAD_LOOK if heads else ())]
    return LongTable(rows, colWidths=widths, style=style, repeatRows=heads, hAlign="LEFT", spaceAfter=7)


def _runs(numbers: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Return numbers that follow each other as their first and last."""
    first = 0
    for n, number in enumerate(numbers):
        if n + 1 == len(numbers) or numbers[n + 1] != number + 1:
            yield numbers[first], number
            first = n + 1
