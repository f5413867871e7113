"""How a password is kept: as argon2 makes it, never itself.

Rule: what is said of a faulty one never shows it.
"""

import secrets
from functools import cache
from typing import TYPE_CHECKING

from safetyd.core.errors import SafetydError

if TYPE_CHECKING:
    from argon2 import PasswordHasher

SHORTEST, LONGEST = 10, 200  # characters


class PasswordError(SafetydError):
    """It will not do as a password."""


def hashed(password: str) -> str:
    """Return what is kept of a password.

    Raises:
        PasswordError: it is too short or too long.
    """
    if not SHORTEST <= len(password) <= LONGEST:
        raise PasswordError(
            f"the password has {len(password)} characters; {SHORTEST} to {LONGEST} are needed"
        )
    return _hasher().hash(_encoded(password))


def is_right(password: str, kept: str | None) -> bool:
    """Return whether this is the password that `kept` was made of; with None it takes as long, and is not."""
    from argon2.exceptions import InvalidHashError, VerificationError

    try:
        _hasher().verify(kept or _nobodys(), _encoded(password))
    except (VerificationError, InvalidHashError):
        return False
    return kept is not None


@cache
def _nobodys() -> str:
    return _hasher().hash(secrets.token_bytes(32))


@cache
def _hasher() -> "PasswordHasher":
    from argon2 import PasswordHasher

    return PasswordHasher(time_cost=3, memory_cost=16 * 1024, parallelism=1)  # 16 MiB: a gateway is small


def _encoded(password: str) -> bytes:
    return password.encode("utf-8", "surrogatepass")
