"""The words that are ours: those of the pages, of the answers and of the calendar.

Rule: who is called by such words alone is not looked for in a text, or a page could not be read any more by
those who have to act on it.
"""

import calendar
import re
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable

_WORD = re.compile(r"[^\W\d_]+")
_WHERE = (
    ("safetyd.web", "templates"),
    ("safetyd.web", "pages"),
    ("safetyd.web", "charts"),
    ("safetyd.core", ""),
)
_ENDS = (".html", ".py")


def is_ours(name: str) -> bool:
    """Return whether nothing tells a name from what we say: each of its words is ours, or it has none."""
    exactly, in_any_letters = _ours()
    words = _WORD.findall(name)
    if " " in name.strip():  # such a name is looked for in capitals and small letters
        return all(len(each) == 1 or each.lower() in in_any_letters for each in words)
    return all(len(each) == 1 or each in exactly for each in words)


@cache
def _ours() -> tuple[frozenset[str], frozenset[str]]:
    found = {*calendar.day_name, *calendar.day_abbr, *calendar.month_name, *calendar.month_abbr}
    for package, folder in _WHERE:
        for file in _files(resources.files(package) / folder):
            found.update(_WORD.findall(file.read_text(encoding="utf-8")))
    exactly = frozenset(found | {each.capitalize() for each in found})
    return exactly, frozenset(each.lower() for each in exactly)


def _files(folder: Traversable) -> list[Traversable]:
    return [each for each in folder.iterdir() if each.name.endswith(_ENDS)]
