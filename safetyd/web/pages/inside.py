"""Where somebody is sent after a login.

Rule: a path of ours, whatever was asked for.
"""

from urllib.parse import urlsplit


def within(then: str) -> str:
    """Return a path of ours: what was given if it is one, else the first page."""
    try:
        parts = urlsplit(then)
    except ValueError:
        return "/"
    is_ours = then.startswith("/") and not then.startswith("//") and not parts.netloc
    return then if is_ours and then.isprintable() and "\\" not in then else "/"
