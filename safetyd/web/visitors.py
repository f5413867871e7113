"""Who visits the pages: the session that a browser brings, and whether a request was really made by them.

Rule: what changes something comes from a page of ours, by what the browser says of its origin, and brings
the token that was in the form; either alone is not enough.
"""

import hmac
from ipaddress import ip_address
from typing import NamedTuple
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from safetyd.store import sessions
from safetyd.store.accounts import Account
from safetyd.store.database import Connection
from safetyd.store.sessions import Session
from safetyd.web.looking import Looking
from safetyd.web.problems import Problem

TOKEN_FIELD, TOKEN_HEADER = "token", "x-csrf-token"
ONCE_FIELD = "once"  # another in each form, by which one that is sent twice is known
_COOKIE = "safetyd"
_OF_A_NETWORK = (".local", ".lan", ".internal", ".home.arpa", ".localhost")
_ELSEWHERE = "it was sent from another page than ours; nothing was done; open the page and do it there"
_NOT_OURS = "this is not an address of ours; nothing was done; who runs safetyd names it: public_url in [web]"
_STALE = "the page was open for too long; nothing was done; load it again and do it once more"


class Visitor(NamedTuple):
    """Somebody who is logged in; `secret` is what their browser brings, `hidden` the names not for them."""

    account: Account
    secret: str
    hidden: frozenset[str] = frozenset()

    @property
    def token(self) -> str:
        """What every form of theirs has to bring."""
        return hmac.digest(self.secret.encode(), b"form", "sha256").hex()


async def visitor(looking: Looking, request: Request) -> Visitor | None:
    """Return who is logged in; None if nobody is."""
    secret = request.cookies.get(_cookie(request), "")
    if not secret:
        return None
    now = looking.house.pulse.now()

    people = looking.people

    def look(connection: Connection) -> tuple[Session, frozenset[str]] | None:
        found = sessions.session_of(connection, secret, now)
        return found and (found, people.hidden_in([connection], found.account))

    known = await people.ask(look)
    if known is None:
        return None
    found, hidden = known
    if people is not looking:
        hidden |= await looking.hidden_from(found.account)
    if now - found.used_at >= sessions.TOUCHED:
        await people.write(lambda connection: sessions.touch(connection, secret, now))
    return Visitor(found.account, secret, hidden)


def check_sender(
    request: Request, visitor: Visitor | None, *, acts: bool, token: str = "", address: str = ""
) -> None:
    """Let pass what only looks, and what a page of ours sent; `address` is where people reach the pages.

    Raises:
        Problem: it acts, and came from elsewhere or without the visitor's token.
    """
    if not acts:
        return
    if not _is_from_here(request):
        raise Problem(403, _ELSEWHERE)
    if visitor is None and not is_our_host(request, address):  # there is no token that would tell
        raise Problem(403, _NOT_OURS)
    given = token or request.headers.get(TOKEN_HEADER, "")
    if visitor is not None and not hmac.compare_digest(given.encode(), visitor.token.encode()):
        raise Problem(403, _STALE)


def let_in(response: Response, request: Request, secret: str) -> None:
    """Have a browser bring a session from now on."""
    seconds = int(sessions.LONGEST.total_seconds())
    response.set_cookie(
        _cookie(request),
        secret,
        max_age=seconds,
        path="/",
        secure=_is_secure(request),
        httponly=True,
        samesite="lax",  # a link in a message leads to its ticket
    )


def let_out(response: Response, request: Request) -> None:
    """Have a browser forget its session."""
    response.delete_cookie(_cookie(request), "/", secure=_is_secure(request), httponly=True, samesite="lax")


def _is_from_here(request: Request) -> bool:
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("host")


def is_our_host(request: Request, address: str) -> bool:
    """Return whether a browser asked for us by a name that nobody else can give this machine.

    Anybody may have a name of their own lead here, and the browser takes what comes from us for theirs. None
    can do so with an address in numbers, a name without a dot, or one of a network's own.
    """
    host = request.headers.get("host", "")
    name = (urlsplit(f"//{host}").hostname or "").rstrip(".")
    if name == urlsplit(address).hostname or "." not in name or name.endswith(_OF_A_NETWORK):
        return True
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _cookie(request: Request) -> str:
    return f"__Host-{_COOKIE}" if _is_secure(request) else _COOKIE


def _is_secure(request: Request) -> bool:
    return request.url.scheme == "https"
