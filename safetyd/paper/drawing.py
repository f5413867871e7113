"""A picture on a page, as lines and text.

Rule: a picture keeps its shape; one that does not fit is shrunk. Its text can be found and copied.
"""

from reportlab.platypus import Flowable

from safetyd.paper.blocks import Area, Disc, Label, Line, Mark, Picture
from safetyd.paper.fonts import BOLD, PLAIN, fonts, width_of
from safetyd.paper.letters import one_line


class Drawn(Flowable):  # type: ignore[misc]
    """A picture, at most so wide and so high."""

    def __init__(self, picture: Picture, width: float, height: float) -> None:
        super().__init__()
        self._picture = picture
        self._scale = min(1.0, width / picture.width, height / picture.height)
        self.width, self.height = picture.width * self._scale, picture.height * self._scale
        self.spaceAfter = 3

    def draw(self) -> None:
        """Draw every mark; a picture counts down from its top."""
        self.canv.saveState()
        self.canv.scale(self._scale, self._scale)
        for mark in self._picture.marks:
            self._put(mark)
        self.canv.restoreState()

    def _put(self, mark: Mark) -> None:
        high, canvas = self._picture.height, self.canv
        match mark:
            case Line(points, width, grey, dash):
                if len(points) < 2:
                    return
                canvas.setStrokeGray(grey)
                canvas.setLineWidth(width)
                canvas.setLineJoin(1)
                canvas.setDash(list(dash))
                self._path(points, stroke=1)
            case Area(points, grey):
                canvas.setFillGray(grey)
                self._path(points, fill=1)
            case Disc(x, y, radius, grey):
                canvas.setFillGray(grey)
                canvas.circle(x, high - y, radius, stroke=0, fill=1)
            case Label(x, y, text, size, anchor, strong, grey):
                canvas.setFillGray(grey)
                canvas.setFont(BOLD if strong else PLAIN, size)
                words = one_line(text, fonts().has)
                before = {"start": 0.0, "middle": 0.5, "end": 1.0}[anchor]
                canvas.drawString(x - before * width_of(words, size, strong), high - y, words)

    def _path(self, points: tuple[tuple[float, float], ...], stroke: int = 0, fill: int = 0) -> None:
        path = self.canv.beginPath()
        for n, (x, y) in enumerate(points):
            (path.lineTo if n else path.moveTo)(x, self._picture.height - y)
        if fill:
            path.close()
        self.canv.drawPath(path, stroke=stroke, fill=fill)
