"""Text from anybody as the font can print it.

Rule: nothing is left out and nothing acts. A character that the font has no shape for, or that has none
(control, direction, joiner), stands as its number in brackets: U+738B as [U+738B].
"""

import unicodedata
from collections.abc import Container
from xml.sax.saxutils import escape

_UNSEEN = frozenset({"Cc", "Cf", "Co", "Cn", "Cs", "Zl", "Zp"})
_SPACES = {"\t": " ", "\u00a0": " "}  # a space that holds words together would make one of any length


def printable(text: str, has: Container[int]) -> str:
    """Return a text in composed letters, of which the font `has` all; line breaks stay."""
    if text.isascii() and text.isprintable():
        return text
    lines = unicodedata.normalize("NFC", text).replace("\r\n", "\n").replace("\r", "\n")
    return "".join(each if each == "\n" else _shape(each, has) for each in lines)


def one_line(text: str, has: Container[int]) -> str:
    """Return a text without line breaks."""
    return " ".join(printable(text, has).split())


def markup(text: str, has: Container[int]) -> str:
    """Return a text as a paragraph's markup that says just that text."""
    return escape(printable(text, has)).replace("\n", "<br/>")


def _shape(letter: str, has: Container[int]) -> str:
    letter = _SPACES.get(letter, letter)
    if ord(letter) in has and unicodedata.category(letter) not in _UNSEEN:
        return letter
    return f"[U+{ord(letter):04X}]"
