"""What is wrong with a configuration, one line a fault, and all of it at once.

Rule: a fault names the file, the key, what stands there and what was expected; it never shows a secret.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time
from difflib import get_close_matches

from safetyd.core.errors import SafetydError

_SHOWN = 60  # characters of a faulty text; enough to recognise it


@dataclass(frozen=True, slots=True)
class Fault:
    """One mistake: `value` says what stands at `key` and why it will not do, `expected` what would."""

    file: str
    key: str
    value: str
    expected: str

    def __str__(self) -> str:
        return f"{self.file}: {self.key}: {self.value}; expected {self.expected}"


class ConfigurationError(SafetydError):
    """A configuration that cannot be used; its text is every fault, one a line."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(map(str, self.faults)))


class Misfit(ValueError):
    """One value that is not what its key takes; whoever knows file and key makes it a Fault."""

    def __init__(self, value: str, expected: str) -> None:
        super().__init__(f"{value}; expected {expected}")
        self.value = value
        self.expected = expected


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return `; did you mean 'x'?` for the nearest known word, or nothing when none is near."""
    names = {name.lower(): name for name in known}
    begun = [name for name in names if len(word) > 2 and name.startswith(word.lower())]
    near = begun or get_close_matches(word.lower(), names, n=1)
    return f"; did you mean '{names[near[0]]}'?" if near else ""


def one_of(known: Iterable[str]) -> str:
    """Return the words as people list them: `a`, `a or b`, `a, b or c`."""
    *first, last = sorted(known)
    return f"{', '.join(first)} or {last}" if first else last


def dotted(parts: Iterable[str]) -> str:
    """Return a key as TOML writes it, on one line whatever is in it."""
    return ".".join(part if re.fullmatch(r"[A-Za-z0-9_-]+", part) else repr(part) for part in parts)


def shown(value: object) -> str:
    """Return a value from a file as a fault may quote it; what could hold a password is not quoted."""
    if isinstance(value, str):
        if "://" in value or "@" in value:
            return "what stands here (not shown: it may hold a secret)"
        return repr(value if len(value) <= _SHOWN else value[:_SHOWN] + "…")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (date, datetime, time)):
        return value.isoformat()
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, (list, tuple)):
        return "a list"
    return str(value)
