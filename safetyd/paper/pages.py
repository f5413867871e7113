"""The pages of a document: what stands at the foot of each, and the outline.

Rule: how many pages there are is known when the last one is full; till then they wait.
"""

import hashlib
from typing import Any

from reportlab.pdfgen.canvas import Canvas

from safetyd.paper.fonts import PLAIN, fitting, width_of

_SIZE, _SMALL = 8.0, 6.5
_GREY = 0.33
_MADE = "D:20000101000000+00'00'"  # ours: when a document is made must not change it


class Pages(Canvas):  # type: ignore[misc]
    """A canvas that numbers its pages "n of m"."""

    def __init__(self, *args: Any, title: str, foot: str, margin: float, **more: Any) -> None:
        super().__init__(*args, **more)
        self._title, self._foot, self._margin = title, foot, margin
        self._waiting: list[dict[str, Any]] = []
        self._places: list[tuple[str, int]] = []
        self.setDateFormatter(lambda *_: _MADE)
        # The library's own digest begins with a time that SOURCE_DATE_EPOCH changes.
        self._doc.signature = hashlib.md5(usedforsecurity=False)
        self.setViewerPreference("DisplayDocTitle", "true")
        self.showOutline()

    def note(self, text: str, level: int) -> None:
        """Put a place of this page into the outline."""
        self._places.append((text, level))

    def showPage(self) -> None:
        """Keep a page until all are counted."""
        self._waiting.append(dict(self.__dict__))
        self._places = []
        self._startPage()

    def save(self) -> None:
        """Finish every page and write the document."""
        many, deepest = len(self._waiting), -1
        for number, page in enumerate(self._waiting, 1):
            self.__dict__.update(page)
            for n, (text, level) in enumerate(self._places):
                deepest = min(level, deepest + 1)
                self.bookmarkPage(key := f"{number}.{n}")
                self.addOutlineEntry(text, key, deepest)
            self._draw_foot(number, many)
            super().showPage()
        super().save()

    def _draw_foot(self, number: int, many: int) -> None:
        left, right = self._margin, self._pagesize[0] - self._margin
        counted = f"page {number} of {many}"
        self.saveState()
        self.setStrokeGray(0.72)
        self.setLineWidth(0.4)
        self.line(left, 48, right, 48)
        self.setFillGray(_GREY)
        self.setFont(PLAIN, _SIZE)
        free = right - left - width_of(counted, _SIZE) - 12
        self.drawString(left, 37, fitting(self._title, free, _SIZE))
        self.drawRightString(right, 37, counted)
        self.setFont(PLAIN, _SMALL)
        self.drawString(left, 27, fitting(self._foot, right - left, _SMALL))
        self.restoreState()
