"""Canonical JSON, and the chain of a record's history: each line carries the hash of all before it.

Rule: hash = SHA-256 of the previous hash and the line's canonical JSON (keys sorted, no spaces, UTF-8), as
hexadecimal text; the first line follows the empty text. A changed, missing or reordered line breaks it.
"""

import json
from collections.abc import Mapping
from hashlib import sha256

FIRST = ""


def canonical(value: object) -> str:
    """Return a value as canonical JSON: keys sorted, no spaces, no character escaped that need not be.

    Bytes, which only another hand can have put among our texts, are hexadecimal.
    """
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=lambda odd: bytes(odd).hex()
    )


def digest(value: object) -> str:
    """Return the SHA-256 of a value's canonical JSON, hexadecimal."""
    return sha256(_encoded(canonical(value))).hexdigest()


def chained(previous: str, line: Mapping[str, object]) -> str:
    """Return the hash of a line that follows the one with the hash `previous`."""
    return sha256(hashed(previous, line)).hexdigest()


def hashed(previous: str, line: Mapping[str, object]) -> bytes:
    """Return what the hash of a line that follows the one with the hash `previous` is made of."""
    return _encoded(previous + canonical(line))


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
