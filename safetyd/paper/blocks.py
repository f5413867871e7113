"""What a document is made of: blocks of text, facts, tables and pictures.

Rule: plain values. Every text may come from anybody: it is shown as it was written, markup too, and a
character that the font cannot show stands as its number.
"""

from dataclasses import dataclass
from enum import StrEnum

Row = tuple[str, ...]


class Tone(StrEnum):
    """How a text is said."""

    PLAIN = "plain"
    STRONG = "strong"
    SMALL = "small"


@dataclass(frozen=True, slots=True)
class Title:
    """What the first page says on top, and a line below it."""

    text: str
    under: str = ""


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading; level 1 or 2. It is in the outline too, and never alone at the foot of a page."""

    text: str
    level: int = 1


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph; a line break in it stays one."""

    text: str
    tone: Tone = Tone.PLAIN


@dataclass(frozen=True, slots=True)
class Facts:
    """Names and what they are, in two columns; `name_share` is the first one's part of the width."""

    rows: tuple[tuple[str, str], ...]
    name_share: float = 0.24


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under a head that each page repeats.

    `widths` are shares, equal when left out; `right` names the columns of numbers, from 0; `strong` the rows
    that stand out; `size` is that of its letters, where it is not the usual one. A row that is too short is
    filled up.
    """

    heads: Row
    rows: tuple[Row, ...]
    widths: tuple[float, ...] = ()
    right: frozenset[int] = frozenset()
    strong: frozenset[int] = frozenset()
    size: float | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """A line through points. `grey` is 0 for black up to 1 for white; `dash` are lengths on and off."""

    points: tuple[tuple[float, float], ...]
    width: float = 0.75
    grey: float = 0.0
    dash: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Area:
    """What is inside of points, in one grey."""

    points: tuple[tuple[float, float], ...]
    grey: float


@dataclass(frozen=True, slots=True)
class Disc:
    """A disc around a point."""

    x: float
    y: float
    radius: float
    grey: float = 0.0


@dataclass(frozen=True, slots=True)
class Label:
    """Words on one line that begin, are centred on or end at a point (`anchor` start, middle or end).

    `is_apart` keeps what is drawn before away from them.
    """

    x: float
    y: float
    text: str
    size: float = 8.0
    anchor: str = "start"
    strong: bool = False
    grey: float = 0.0
    is_apart: bool = False


Mark = Line | Area | Disc | Label


@dataclass(frozen=True, slots=True)
class Picture:
    """Marks in their order, in points of 1/72 inch from the upper left corner.

    `words` say below it what it shows, for who cannot see it too. One that is wider than the page is shrunk.
    """

    width: float
    height: float
    marks: tuple[Mark, ...]
    words: str


@dataclass(frozen=True, slots=True)
class PageBreak:
    """What follows begins a page."""


@dataclass(frozen=True, slots=True)
class Together:
    """Blocks that stay on one page where they fit on one."""

    blocks: tuple["Block", ...]


@dataclass(frozen=True, slots=True)
class Brief:
    """Blocks in which a text longer than so many lines is cut, with an ellipsis; their height is bounded."""

    blocks: tuple["Block", ...]
    lines: int = 2


Block = Title | Heading | Text | Facts | Table | Picture | PageBreak | Together | Brief
