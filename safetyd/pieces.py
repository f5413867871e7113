"""Text that goes out piece by piece: CSV is written into it, and what it holds is taken now and then.

Rule: it never holds more than its writer lets it.
"""


class Pieces:
    """What was written and nobody has taken yet."""

    def __init__(self) -> None:
        self.held = bytearray()

    def write(self, text: str) -> None:
        """Add to what is held."""
        self.held += text.encode()

    def taken(self) -> bytes:
        """Return what is held, and hold nothing any more."""
        held, self.held = bytes(self.held), bytearray()
        return held
