"""Answers below a prefix what was made to stand at the root: the pages of a gateway's copy at a centre.

Rule: only our own addresses change, where they stand as a whole attribute or say where to go on; who somebody
is, and what a browser keeps, belongs to the centre and stays where it is.
"""

import re
from collections.abc import Callable
from typing import Protocol
from urllib.parse import quote

from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_OF_THE_CENTRE = "gateways|login|logout|account|password|people|first|static|sso"
_OWN = rf"/(?!/|(?:{_OF_THE_CENTRE})(?:[/?#\"]|$))"
_IN_PAGE = re.compile(rf'(\s(?:href|action|formaction|src|data-[a-z-]+)="){_OWN}'.encode())
_TO_GO = re.compile(f"^{_OWN}")


class Behind:
    """An application below a prefix."""

    def __init__(self, app: ASGIApp, prefix: str) -> None:
        self._app = app
        self._prefix = quote(prefix)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, with pages as they stand below the prefix."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun: list[Message] = []
        body: list[bytes] = []

        async def passed_on(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=message["headers"])
                if "location" in headers:
                    headers["location"] = _TO_GO.sub(f"{self._prefix}/", headers["location"])
                if headers.get("content-type", "").startswith("text/html"):
                    begun.append(message)
                    return
            elif begun:
                body.append(message.get("body", b""))
                if message.get("more_body"):
                    return
                page = self.page(b"".join(body))
                MutableHeaders(raw=begun[0]["headers"])["content-length"] = str(len(page))
                await send(begun[0])
                await send({"type": "http.response.body", "body": page})
                return
            await send(message)

        await self._app(scope, receive, passed_on)

    def page(self, body: bytes) -> bytes:
        """Return a page as it stands below the prefix."""
        return _IN_PAGE.sub(rb"\1" + self._prefix.encode() + b"/", body)


class Answering(Protocol):
    """What answers from one store, and holds it open."""

    asgi: Starlette

    def close(self) -> None:
        """Let go of everything."""


class Copies:
    """The answers of each gateway's copy, below its name; `make` is asked when somebody first comes."""

    def __init__(self, make: Callable[[str], Answering | None]) -> None:
        self._make = make
        self._made: dict[str, Answering] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer from the copy of the gateway in the path."""
        name = scope["path_params"]["gateway"]
        answering = self._made.get(name) or self._make(name)
        if answering is None:
            raise HTTPException(404)
        self._made[name] = answering
        await Behind(answering.asgi, scope["root_path"])(scope, receive, send)

    def close(self) -> None:
        """Let go of everything."""
        for each in self._made.values():
            each.close()
