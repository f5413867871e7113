"""What is told when the store cannot be used."""

from safetyd.core.errors import SafetydError


class StoreError(SafetydError):
    """The store cannot be used, or not now."""


class LostError(StoreError):
    """The server of the store has gone, or does not answer; it is connected to anew by the next use."""


def cause(error: BaseException) -> str:
    """Return what a driver says, in one line."""
    return " ".join(str(getattr(error, "orig", None) or error).split())
