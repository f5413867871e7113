"""What holds from a date on: versions, which of them was in force when, and their fingerprints.

Rule: the first version also holds for what came before it: nothing is ever left without one. A version is
never changed in place, so whoever names its fingerprint names its every word.
"""

import json
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from hashlib import sha256
from typing import Any, Generic, TypeVar
from zoneinfo import ZoneInfo


@dataclass(frozen=True)
class Version:
    """Something that holds from a date on; None means from the beginning."""

    effective: date | None = None

    @cached_property
    def fingerprint(self) -> str:
        """`sha256:` and the hash of this version's canonical JSON."""
        return fingerprint(self.plain())

    @property
    def short_name(self) -> str:
        """As much of the fingerprint as people compare."""
        return short_name(self.fingerprint)

    def plain(self) -> dict[str, Any]:
        """Return the version's every word, as its fingerprint has them."""
        return asdict(self)


V = TypeVar("V", bound=Version)


@dataclass(frozen=True)
class Book(Generic[V]):
    """Every version there is, in order of effect; never empty."""

    versions: tuple[V, ...]
    timezone: ZoneInfo = field(default=ZoneInfo("UTC"))

    def in_force(self, at: datetime) -> V:
        """Return the version that holds at a moment."""
        chosen = self.versions[0]
        if len(self.versions) == 1:
            return chosen
        for starts, version in zip(self.starts, self.versions, strict=True):
            if starts <= at:
                chosen = version
        return chosen

    @cached_property
    def starts(self) -> tuple[datetime, ...]:
        """From when on each version holds."""
        return tuple(
            datetime.min.replace(tzinfo=UTC)
            if version.effective is None
            else datetime.combine(version.effective, time(), self.timezone).astimezone(UTC)
            for version in self.versions
        )

    @cached_property
    def fingerprint(self) -> str:
        """`sha256:` and the hash of all versions together."""
        return fingerprint([version.plain() for version in self.versions])


def fingerprint(plain: object) -> str:
    """Return `sha256:` and the hash of a value's canonical JSON."""
    return "sha256:" + sha256(in_words(plain).encode()).hexdigest()


def in_words(plain: object) -> str:
    """Return a value's canonical JSON, as its fingerprint is made of it."""
    return json.dumps(plain, sort_keys=True, separators=(",", ":"), default=_canonical)


def short_name(fingerprint: str) -> str:
    """Return as much of a fingerprint as people compare."""
    return fingerprint.removeprefix("sha256:")[:8]


def _canonical(value: object) -> object:
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{value!r} has no canonical form")
