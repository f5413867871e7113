"""Tells somebody that telling fails: one plain sentence, by a web hook or a mail, without any plug-in.

Rule: at most one message in an hour; a thread of its own says it and raises nothing, so that the loop waits
for nobody. Where it goes is a secret: no log and no text has any of it.
"""

import threading
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from pydantic import SecretStr

from safetyd.notify.mail import Mail, Post, send
from safetyd.notify.request import opener, request, why_not
from safetyd.setting_outside import LastResort
from safetyd.store.attempts import Result

EVERY = timedelta(hours=1)
RETRY = timedelta(minutes=5)
PATIENCE = timedelta(minutes=2)  # whoever has not answered by then is asked again
TIMEOUT_S = 20.0
_MOST_BUILDINGS = 10
_TITLE = "safetyd: a notice reaches nobody"
_SECURITY = {465: "ssl", 587: "starttls"}


class Unreached(NamedTuple):
    """What of a building's notices has reached nobody: how many, and since when the first."""

    building: str
    notices: int
    since: datetime


def due_at(
    oldest: datetime | None, told_at: datetime | None, failed_at: datetime | None, after: timedelta
) -> datetime | None:
    """Return when the last resort is to be told, or None when there is nothing to tell.

    Args:
        oldest: Since when the oldest notice has reached nobody, of those it was not told of yet.
        told_at: When it was last told of any.
        failed_at: When it could last not be told, if that was later.
        after: How long a notice may reach nobody before it is.
    """
    if oldest is None:
        return None
    waits = [oldest + after]
    waits += [told_at + EVERY] if told_at is not None else []
    waits += [failed_at + RETRY] if failed_at is not None else []
    return max(waits)


def sentence(found: Sequence[Unreached], zone: ZoneInfo) -> str:
    """Return what the last resort is told."""
    told = [f"{each.building} has {_count(each.notices)} {_since(each.since, zone)}" for each in found]
    more = len(told) - _MOST_BUILDINGS
    listed = "; ".join(told[:_MOST_BUILDINGS]) + (f"; and so have {more} more buildings" if more > 0 else "")
    return f"{listed}: please look at what it says there, and at the addresses of those who should be told."


def _count(count: int) -> str:
    return "a notice that reaches nobody" if count == 1 else f"{count} notices that reach nobody"


def _since(since: datetime, zone: ZoneInfo) -> str:
    local = since.astimezone(zone)
    return f"since {local:%a} {local.day} {local:%b %Y %H:%M}"


class Teller:
    """Says it from a thread of its own, and calls `said` from there: the number, and why not, or nothing."""

    def __init__(self, settings: LastResort, said: Callable[[int, str], None]) -> None:
        self._settings = settings
        self._said = said

    def say(self, number: int, text: str, at: datetime) -> None:
        """Begin to say a text."""
        work = threading.Thread(target=self._run, args=(number, text, at), name="last-resort", daemon=True)
        try:
            work.start()
        except RuntimeError:
            self._said(number, "no thread can be started")

    def _run(self, number: int, text: str, at: datetime) -> None:
        try:
            why = tell(self._settings, text, at)
        except Exception as error:  # whatever it is, the record is to have it
            why = why_not(error, TIMEOUT_S)
        self._said(number, why)


def tell(settings: LastResort, text: str, at: datetime, timeout_s: float = TIMEOUT_S) -> str:
    """Tell the last resort; return why it could not be told, or nothing."""
    if settings.url is not None:
        return _post(settings.url, text, timeout_s)
    password = settings.smtp_password
    post = Post(
        host=settings.smtp_host or "",
        port=settings.smtp_port,
        sender=("safetyd", settings.smtp_from or ""),
        to=(("", settings.smtp_to or ""),),
        security=_SECURITY.get(settings.smtp_port, "insecure"),
        user=settings.smtp_username or "",
        password=password.get_secret_value() if password else "",
    )
    answer = send(post, Mail(f"last resort {at.isoformat()}", at, _TITLE, text), timeout_s=timeout_s)
    return "" if answer.result is Result.ACCEPTED else answer.words


def _post(url: SecretStr, text: str, timeout_s: float) -> str:
    try:
        with opener().open(request(url.get_secret_value(), text), timeout=timeout_s):
            return ""
    except Exception as error:
        return why_not(error, timeout_s)
