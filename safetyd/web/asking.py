"""What a request says, read by its row of the table: parameters and body.

Rule: what is not in the row, or is not what the row says, is refused by name; nothing is guessed.
"""

import json
import re
from collections.abc import Collection, Mapping
from hashlib import sha256
from typing import Any

import anyio
import msgspec
from starlette.datastructures import QueryParams
from starlette.requests import ClientDisconnect, Request

from safetyd.faults import did_you_mean
from safetyd.store.accounts import Account
from safetyd.store.once import Key
from safetyd.web.problems import Problem, misused
from safetyd.web.routes import Kind, Parameter, Route

KEY_HEADER = "Idempotency-Key"
_BODY_WITHIN_S = 30.0
_SHOWN = 80  # characters of a faulty value
_NOT_SAID = {
    "by": "who acts is whose token it is",
    "role": "it is that of whose token it is",
    "at": "it is when the request comes",
    "do": "it stands in the path",
    "ticket": "it stands in the path",
}


def query(route: Route, given: QueryParams) -> dict[str, Any]:
    """Return the parameters by name; those that are empty were not given.

    Raises:
        Problem: one is unknown, given twice, lacking, or not what it must be.
    """
    known = {each.name: each for each in route.query}
    found: dict[str, Any] = {}
    for name, text in given.multi_items():
        if name not in known:
            raise misused(name, f"{_quoted(name)} is no parameter of {route.path}{_hint(name, known)}")
        if name in found:
            raise misused(name, f"{name} is given twice; give it once")
        if text:
            found[name] = _read(known[name], text)
    for each in route.query:
        if each.is_needed and each.name not in found:
            raise misused(each.name, f"{each.name} is needed: {each.about[0].lower()}{each.about[1:]}")
    return found


async def body(route: Route, request: Request) -> dict[str, Any]:
    """Return the body's keys.

    Raises:
        Problem: it is too long, too slow or no JSON object, or a key is unknown or lacking.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise Problem(415, f"the body is {_quoted(kind or 'nothing')}; send Content-Type: application/json")
    said = _object(await _bytes(request, route.most_bytes))
    known = {each.name: each for each in route.body or ()}
    for name in said:
        if name in _NOT_SAID:
            raise misused(name, f"{name} is not said: {_NOT_SAID[name]}; leave it out")
        if name not in known:
            raise misused(name, f"{_quoted(name)} is no key of {route.name}{_hint(name, known)}")
    for each in known.values():
        if each.is_needed and each.name not in said:
            raise misused(each.name, f"{route.name} needs {each.name}{_expected(each)}")
    return said


def key(request: Request, said: Mapping[str, Any], account: Account) -> Key | None:
    """Return by what an act is known when it comes again, None if whoever asks gave it no key.

    Raises:
        Problem: the key will not do.
    """
    given = request.headers.getlist(KEY_HEADER)
    if not given:
        return None
    if len(given) > 1 or not re.fullmatch("[!-~]{1,255}", given[0]):
        expected = "expected one of 1 to 255 visible ASCII characters, such as a new UUID"
        raise misused(KEY_HEADER, f"{KEY_HEADER}: {_quoted(', '.join(given))} is no key; {expected}")
    asked = json.dumps([account.name, request.url.path, said], sort_keys=True)
    return Key(account.number, given[0], sha256(asked.encode()).hexdigest())


def faulty(route: Route, sentence: str) -> Problem:
    """Return the problem of a body whose values will not do, by the sentence that says why."""
    for each in route.body or ():
        if re.search(rf"(?:^|needs ){re.escape(each.name)}\b", sentence):
            return misused(each.name, sentence)
    return Problem(400, sentence)


async def _bytes(request: Request, most: int) -> bytes:
    too_long = Problem(
        413, f"the body is longer than {most} bytes; send less", headers={"Connection": "close"}
    )
    if int(request.headers.get("content-length") or 0) > most:
        raise too_long
    read = bytearray()
    try:
        with anyio.fail_after(_BODY_WITHIN_S):
            async for piece in request.stream():
                read += piece
                if len(read) > most:
                    raise too_long
    except TimeoutError:
        words = f"the body did not come within {_BODY_WITHIN_S:.0f} s; send it at once"
        raise Problem(408, words, headers={"Connection": "close"}) from None
    except ClientDisconnect:
        raise Problem(400, "the body did not come to its end") from None
    return bytes(read)


def _object(read: bytes) -> dict[str, Any]:
    try:
        said = msgspec.json.decode(read)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Problem(400, f"the body is no JSON: {error}"[:200]) from None
    if not isinstance(said, dict):
        raise Problem(400, 'the body is no JSON object; expected {"key": value, …}')
    return said


def _read(parameter: Parameter, text: str) -> Any:
    if parameter.words and text not in parameter.words:
        hint = did_you_mean(text, parameter.words)
        expected = f"one of {', '.join(parameter.words)}{hint}"
        raise misused(parameter.name, f"{parameter.name}: {_quoted(text)} is not {expected}")
    if parameter.kind is Kind.WHOLE:
        most = parameter.most or 0
        if not re.fullmatch("[0-9]{1,9}", text) or not 1 <= int(text) <= most:
            words = f"{_quoted(text)} is no whole number from 1 to {most}"
            raise misused(parameter.name, f"{parameter.name}: {words}")
        return int(text)
    return text


def _expected(parameter: Parameter) -> str:
    return f": one of {', '.join(parameter.words)}" if parameter.words else ""


def _hint(name: str, known: Collection[str]) -> str:
    near = did_you_mean(name[:_SHOWN], known)
    return near or (f"; it takes {', '.join(known)}" if known else "; it takes none")


def _quoted(text: str) -> str:
    return repr(text if len(text) <= _SHOWN else text[:_SHOWN] + "…")
