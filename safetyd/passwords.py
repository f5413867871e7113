"""How a password is kept: as argon2 makes it, never itself.

Rule: what is said of a faulty one never shows it.
"""

from safetyd.core.errors import SafetydError

SHORTEST, LONGEST = 10, 200  # characters


class PasswordError(SafetydError):
    """It will not do as a password."""


def hashed(password: str) -> str:
    """Return what is kept of a password.

    Raises:
        PasswordError: it is too short or too long.
    """
    from argon2 import PasswordHasher

    if not SHORTEST <= len(password) <= LONGEST:
        raise PasswordError(
            f"the password has {len(password)} characters; {SHORTEST} to {LONGEST} are needed"
        )
    return PasswordHasher().hash(password.encode("utf-8", "surrogatepass"))
