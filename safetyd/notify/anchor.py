"""Takes a head of the chain outside: posts it to a URL, or has an authority stamp it; a thread for each.

Rule: a thread raises nothing and touches no store; what came of it is given back. No redirect is followed,
and no text has anything of an address. What an authority answers counts only once it has been checked.
"""

import hashlib
import threading
from collections.abc import Callable
from typing import NamedTuple

from pydantic import SecretStr

from safetyd import stamping
from safetyd.notify.request import Said, opener, post, why_not
from safetyd.setting_audit import Audit
from safetyd.stamping import StampError
from safetyd.store.anchors import Anchor, Way
from safetyd.store.audit import canonical
from safetyd.times import rfc3339

TIMEOUT_S = 20.0
_LARGEST = 1_000_000  # bytes of an answer: a stamp has a few thousand
_TAKEN = "accepted"


class Outcome(NamedTuple):
    """What came of an attempt: with `is_done` false `words` say why not."""

    anchor: Anchor
    is_done: bool
    words: str
    stamp: bytes | None = None


def document(anchor: Anchor, site: str) -> str:
    """Return what is posted: canonical JSON."""
    head = anchor.head
    return canonical(
        {
            "at": rfc3339(head.at),
            "day": anchor.day,
            "hash": head.hash,
            "number": head.number,
            "site": site,
            "type": "safetyd.head",
        }
    )


def begin(settings: Audit, anchor: Anchor, content: bytes, said: Callable[[Outcome], None]) -> None:
    """Begin an attempt, and call `said` from its thread: `content` is posted, or is what the hash is of."""
    work = threading.Thread(
        target=lambda: said(attempt(settings, anchor, content)), name=f"anchor {anchor.way}", daemon=True
    )
    try:
        work.start()
    except RuntimeError:
        said(Outcome(anchor, False, "no thread can be started"))


def attempt(settings: Audit, anchor: Anchor, content: bytes, timeout_s: float = TIMEOUT_S) -> Outcome:
    """Take a head outside by its way; return what came of it."""
    try:
        if anchor.way is Way.URL:
            return _posted(settings, anchor, content, timeout_s)
        return _stamped(settings, anchor, content, timeout_s)
    except StampError as error:
        return Outcome(anchor, False, str(error))
    except Exception as error:  # whatever it is, the record is to have it
        return Outcome(anchor, False, why_not(error, timeout_s))


def _posted(settings: Audit, anchor: Anchor, content: bytes, timeout_s: float) -> Outcome:
    given = {"Content-Type": "application/json"}
    if settings.head_token is not None:
        given["Authorization"] = f"Bearer {settings.head_token.get_secret_value()}"
    said = _said(settings.head_url, content, given, timeout_s)
    return Outcome(anchor, said.is_accepted, _TAKEN if said.is_accepted else said.words)


def _stamped(settings: Audit, anchor: Anchor, content: bytes, timeout_s: float) -> Outcome:
    if hashlib.sha256(content).hexdigest() != anchor.head.hash:
        words = f"row {anchor.head.number} of the chain is not what it was: safetyd audit verify"
        return Outcome(anchor, False, words)
    assert settings.timestamp_ca_file is not None
    trusted = stamping.authorities(settings.timestamp_ca_file)
    asked = stamping.question(content)
    given = {"Content-Type": "application/timestamp-query", "Accept": "application/timestamp-reply"}
    said = _said(settings.timestamp_url, asked.body, given, timeout_s)
    if not said.is_accepted:
        return Outcome(anchor, False, said.words)
    stamp = stamping.checked(said.body, bytes.fromhex(anchor.head.hash), trusted, asked.nonce)
    return Outcome(anchor, True, f"{rfc3339(stamp.at)} {stamp.by}", said.body)


def _said(url: SecretStr | None, content: bytes, given: dict[str, str], timeout_s: float) -> Said:
    assert url is not None
    return post(opener(follows=False), url.get_secret_value(), content, given, timeout_s, _LARGEST)
