"""Who asks: the token of a request, and how often an address may come with one that is none.

Rule: no token stands in a log or an answer. A good one is let in however many bad ones came from the same
address, for behind a proxy many share one, and a token is too long to be guessed.
"""

import time
from collections import OrderedDict
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address, ip_network

from starlette.requests import Request

from safetyd.store.accounts import Pass, Scope
from safetyd.web.access import Right, may
from safetyd.web.problems import Problem

FAILURES, WITHIN_S = 10, 60.0
_ADDRESSES = 1000  # of which failures are remembered
_FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip", "via")
_WHO = {"WWW-Authenticate": 'Bearer realm="safetyd"'}
_MAKE_ONE = "one is made by: safetyd user token NAME"


class Failures:
    """How often an address has come with a bad token lately; `most` times it may."""

    def __init__(self, seconds: Callable[[], float] = time.monotonic, most: int = FAILURES) -> None:
        self._seconds = seconds
        self._most = most
        self._failed: OrderedDict[str, list[float]] = OrderedDict()

    def note(self, address: str) -> float:
        """Note one; return for how many seconds an address that had too many gets no other answer."""
        now_s = self._seconds()
        failed = [at_s for at_s in self._failed.pop(address, ()) if now_s - at_s < WITHIN_S]
        failed = failed if len(failed) >= self._most else [*failed, now_s]
        self._failed[address] = failed
        if len(self._failed) > _ADDRESSES:
            self._failed.popitem(last=False)
        return self.wait(address)

    def wait(self, address: str) -> float:
        """Return for how many seconds nothing from an address is looked at, which failed too often lately."""
        failed = self._failed.get(address, [])
        return max(0.0, WITHIN_S - (self._seconds() - failed[0])) if len(failed) >= self._most else 0.0


def token(request: Request) -> str | None:
    """Return what stands in the header, None if nothing does.

    Raises:
        Problem: it is no bearer's token.
    """
    given = request.headers.getlist("authorization")
    if not given:
        return None
    kind, _, text = given[0].partition(" ")
    if len(given) > 1 or kind.lower() != "bearer" or not text.strip():
        raise Problem(401, f"expected one header Authorization: Bearer TOKEN; {_MAKE_ONE}", headers=_WHO)
    return text.strip()


def refused(failures: Failures, address: str, *, has_token: bool) -> Problem:
    """Return why nobody is let in: there is no token, or it is none of ours."""
    if not has_token:
        return Problem(401, f"a token is needed: Authorization: Bearer TOKEN; {_MAKE_ONE}", headers=_WHO)
    wait_s = failures.note(address)
    if wait_s > 0:
        words = f"{FAILURES} tokens from {address} were not known; try again in {wait_s:.0f} s"
        return Problem(429, words, headers={"Retry-After": f"{wait_s + 1:.0f}"})
    return Problem(401, f"this token is not known, or has ended; {_MAKE_ONE}", headers=_WHO)


def require(found: Pass, right: Right, *, acts: bool) -> None:
    """Let somebody pass who may.

    Raises:
        Problem: their role has not this right, or their token is only to read.
    """
    account = found.account
    if not may(account, right):
        raise Problem(403, f"{account.name} is here as {account.role}, who may not: {right}")
    if acts and found.scope is not Scope.ACT:
        raise Problem(403, "this token is only to read; to act: safetyd user token NAME --scope act")


def is_of_this_machine(request: Request) -> bool:
    """Return whether a request comes from a program here, and not through one for somebody elsewhere."""
    if request.client is None or any(name in request.headers for name in _FORWARDED):
        return False
    return is_loopback(request.client.host)


def is_loopback(host: str) -> bool:
    """Return whether an address is this machine's own, as only it sees itself."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def neighbour(host: str) -> str:
    """Return an address as it is counted: one device may have a whole /64 of IPv6."""
    try:
        found = ip_address(host)
    except ValueError:
        return host
    is_many = isinstance(found, IPv6Address) and found.ipv4_mapped is None
    return str(ip_network(f"{found}/64", strict=False)) if is_many else host
