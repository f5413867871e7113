"""Somebody who has a keyboard only: what has the focus, and whether it is seen.

Rule: keys are pressed, nothing is clicked; where the focus is not to be seen, the test fails.
"""

from playwright.sync_api import Page

_FOCUS = """() => {
    const it = document.activeElement, box = it.getBoundingClientRect();
    const style = getComputedStyle(it);
    const isSeen = it === document.body || it.id === "content"
        || (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2
            && box.width > 0 && box.height > 0 && box.bottom > 0 && box.top < innerHeight);
    const place = it === document.body ? -1 : [...document.querySelectorAll("*")].indexOf(it);
    return [(it.labels && it.labels[0] || it).innerText || it.id, place, isSeen, it.outerHTML.slice(0, 200)];
}"""


class Keys:
    """Somebody who has a keyboard only."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def at(self) -> str:
        """Return what has the focus, in words; what has it is to be seen."""
        return self._focus()[0]

    def _focus(self) -> tuple[str, int]:
        """Return what has the focus, in words and by its place in the document: -1 where nothing has it."""
        words, place, is_seen, markup = self.page.evaluate(_FOCUS)
        assert is_seen, f"nobody sees the focus: {markup}"
        return words.strip(), place

    def to(self, words: str, key: str = "Tab", most: int = 60) -> None:
        """Go on until something has the focus."""
        passed = []
        for _ in range(most):
            self.press(key)
            passed.append(self.at())
            if passed[-1].startswith(words):
                return
        raise AssertionError(f"{words!r} is not reached: {passed}")

    def round(self, most: int = 400) -> list[int]:
        """Go through the whole page once; return what had the focus by its place in the document, in turn."""
        places: list[int] = []
        for _ in range(most):
            self.press("Tab")
            _, place = self._focus()
            if place in (-1, *places[:1]):
                return places  # round, by way of the browser's own buttons
            places.append(place)
        raise AssertionError(f"nobody gets out of {self.page.url}")
