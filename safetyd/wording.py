"""Text that can be written down.

Rule: JSON lets halves of characters through; no store, file or terminal takes them.
"""


def sound(text: str) -> str:
    """Return the text with a question mark for every half of a character."""
    return text.encode("utf-8", "replace").decode("utf-8")
