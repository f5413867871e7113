"""Requests to an address that is a secret as a whole, and what went wrong with one, in words of ours.

Rule: no text that is returned has any of the address in it, whatever the error says.
"""

import os
import ssl
from base64 import b64encode
from collections.abc import Mapping
from http.client import HTTPMessage, responses
from socket import gaierror
from types import MappingProxyType
from typing import IO, NamedTuple
from urllib.error import HTTPError, URLError
from urllib.parse import quote, unquote, urlsplit, urlunsplit
from urllib.request import HTTPRedirectHandler, HTTPSHandler, OpenerDirector, Request, build_opener

_AS_IS = "/?%:@!$&'()*+,;=~"  # what may stand in a path or query without being quoted


def why_not(error: BaseException, timeout_s: float) -> str:
    """Return in our own words what an error says: its own may hold the address."""
    match error:
        case HTTPError(code=code):
            error.close()
            mend = ", a redirect that is not followed" if 300 <= code < 400 else ""
            return f"it answered {code} {responses.get(code, '')}".rstrip() + mend
        case URLError(reason=BaseException() as reason):
            return why_not(reason, timeout_s)
        case ssl.SSLCertVerificationError():
            found = getattr(error, "verify_message", "no reason given")
            return f"its certificate is not accepted: {found.partition(',')[0]}"  # the name comes after it
        case ssl.SSLError():
            return f"TLS failed: {getattr(error, 'reason', None) or 'no reason given'}"
        case TimeoutError():
            return no_answer(timeout_s)
        case gaierror():
            return "its name cannot be looked up"
        case OSError(errno=int(number)):
            return os.strerror(number)
    return f"the request failed: {type(error).__name__}"


def opener(*, follows: bool = True) -> OpenerDirector:
    """Return what makes requests: it trusts the machine's authorities and goes by its proxies."""
    redirects = _SameScheme() if follows else _Nowhere()
    return build_opener(HTTPSHandler(context=ssl.create_default_context()), redirects)


class _SameScheme(HTTPRedirectHandler):
    """Follows a redirect with the same request, but never out of TLS or into it."""

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> Request | None:
        if urlsplit(newurl).scheme != urlsplit(req.full_url).scheme:
            return None
        return Request(newurl, req.data, req.headers, req.origin_req_host, unverifiable=True)  # noqa: S310


class _Nowhere(HTTPRedirectHandler):
    """Follows no redirect."""

    def redirect_request(self, *_: object) -> None:
        return None


class Said(NamedTuple):
    """What came back: the status, None if nobody answered; in words; `retry_after` as the server gave it."""

    status: int | None
    words: str = ""
    retry_after: str | None = None
    body: bytes = b""

    @property
    def is_accepted(self) -> bool:
        """Whether it is told."""
        return self.status is not None and 200 <= self.status < 300


def post(
    by: OpenerDirector,
    url: str,
    body: str | bytes,
    given: Mapping[str, str],
    timeout_s: float,
    wanted: int = 0,
) -> Said:
    """Post a message, and return what came back, with so many bytes as are wanted. It raises nothing."""
    try:
        with by.open(request(url, body, headers=given), timeout=timeout_s) as answer:
            return Said(answer.status, body=answer.read(wanted) if wanted else b"")
    except HTTPError as error:
        return Said(error.code, why_not(error, timeout_s), error.headers.get("Retry-After"))
    except Exception as error:
        return Said(None, why_not(error, timeout_s))


def request(
    url: str, text: str | bytes, ending: str | None = None, headers: Mapping[str, str] = MappingProxyType({})
) -> Request:
    """Return a request that says a text: a POST, or a GET without one; `ending` is put behind the path."""
    parts = urlsplit(url)
    who, _, host = parts.netloc.rpartition("@")
    path = parts.path if ending is None else parts.path.rstrip("/") + ending
    address = urlunsplit((parts.scheme, host, quote(path, _AS_IS), quote(parts.query, _AS_IS), ""))
    usual = {"User-Agent": "safetyd", "Content-Type": "text/plain; charset=utf-8"}
    said = text.encode(errors="replace") if isinstance(text, str) else text
    made = Request(address, said or None, {**usual, **headers})  # noqa: S310  settings take http(s) only
    if who:
        name, _, password = who.partition(":")
        pair = f"{unquote(name)}:{unquote(password)}".encode()
        made.add_unredirected_header("Authorization", f"Basic {b64encode(pair).decode()}")
    return made


def no_answer(within_s: float) -> str:
    """Return how it is said that nobody answered in time."""
    return f"no answer within {within_s:.3g} s"
