"""The hash chain of a record's history: each line carries the hash of all before it.

Rule: hash = SHA-256 of the previous hash and the line's canonical JSON (keys sorted, no spaces, UTF-8), as
hexadecimal text; the first line follows the empty text. A changed, missing or reordered line breaks it.
"""

import json
from collections.abc import Mapping
from hashlib import sha256

FIRST = ""


def chained(previous: str, line: Mapping[str, object]) -> str:
    """Return the hash of a line that follows the one with the hash `previous`."""
    text = json.dumps(line, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return sha256((previous + text).encode("utf-8", "surrogatepass")).hexdigest()
