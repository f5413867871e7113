"""The application: each row of the table, who asks, what they may, the answer.

Rule: whatever goes wrong is a problem document; a fault of ours is one too, with its trace in the log only.
Nothing that reads the store runs in the loop that listens, and no two things at once on one connection.
"""

import logging
from collections.abc import Awaitable, Callable
from typing import Any

from anyio import CapacityLimiter, to_thread
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route as Served

from safetyd.store import accounts
from safetyd.store.accounts import Pass
from safetyd.store.database import StoreError
from safetyd.web import acts, answers, asking, door, metrics, openapi, tags
from safetyd.web.answers import Asked
from safetyd.web.house import House
from safetyd.web.outlook import Outlook
from safetyd.web.problems import Problem, http_problem
from safetyd.web.routes import ROUTES, Route

_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_PENDING = "nobody has answered yet; it is carried out as soon as it can be"

log = logging.getLogger("safetyd.web")
Answer = Callable[[Request], Awaitable[Response]]


class Application:
    """Holds the connections, and answers."""

    def __init__(self, house: House) -> None:
        self._house = house
        now = house.pulse.now
        self._outlook = Outlook(house.store_url, house.root, house.site, now)
        self._archive = Outlook(house.store_url, house.root, house.site, now)  # for what takes longer
        self._looking, self._searching = CapacityLimiter(1), CapacityLimiter(1)
        self.inbox = acts.Inbox(house.store_url, house.pulse)
        self._failures = door.Failures()
        self.asgi = Starlette(
            routes=[Served(each.path, self._served(each), methods=[each.method]) for each in ROUTES],
            exception_handlers={HTTPException: _nobody_serves},
        )
        self.asgi.router.redirect_slashes = False  # a path is as the table has it, or it is none

    def close(self) -> None:
        """Let go of everything."""
        for each in (self._outlook, self._archive, self.inbox):
            each.close()

    def _served(self, route: Route) -> Answer:
        special: dict[str, Callable[[Route, Request], Awaitable[Response]]] = {
            "health": self._health,
            "metrics": self._metrics,
            "openapi": self._openapi,
            "readings": self._readings,
            "report": self._report,
        }
        answer = special.get(route.name, self._act if route.acts else self._look)

        async def endpoint(request: Request) -> Response:
            try:
                response = await answer(route, request)
            except Problem as problem:
                response = problem.response()
            except StoreError as error:
                response = Problem(503, f"{error}; try again later").response()
            except Exception:
                log.exception("%s %s could not be answered", route.method, route.path)
                response = Problem(500, "safetyd failed on it; please report this").response()
            response.headers.update(_HEADERS)
            return tags.tagged(request, response) if route.has_tag else response

        return endpoint

    async def _health(self, route: Route, request: Request) -> Response:
        asking.query(route, request.query_params)
        reasons = self._house.pulse.reasons()
        if reasons:
            raise Problem(503, "; ".join(reasons), reasons=reasons)
        return JSONResponse({"status": "ok"})

    async def _openapi(self, route: Route, request: Request) -> Response:
        asking.query(route, request.query_params)
        return JSONResponse(openapi.document())

    async def _metrics(self, route: Route, request: Request) -> Response:
        is_ours = door.is_of_this_machine(request) and door.token(request) is None
        account = None if is_ours else (await self._admit(route, request)).account
        asking.query(route, request.query_params)

        def read() -> bytes:
            with self._outlook.view() as view:
                return metrics.exposition(view, self._house.pulse, account)

        return Response(await self._in_turn(read), media_type=metrics.MEDIA_TYPE)

    async def _look(self, route: Route, request: Request) -> Response:
        asked = await self._asked(route, request)

        def read() -> dict[str, Any]:
            with self._outlook.view() as view:
                return answers.LOOKS[route.name](view, asked)

        return JSONResponse(await self._in_turn(read))

    async def _readings(self, route: Route, request: Request) -> Response:
        asked, house = await self._asked(route, request), self._house

        def read() -> dict[str, Any]:
            with self._archive.connected() as connection:
                return answers.readings(connection, house.site(), house.root, asked, house.pulse.now())

        return JSONResponse(await to_thread.run_sync(read, limiter=self._searching))

    async def _act(self, route: Route, request: Request) -> Response:
        asked = await self._asked(route, request)
        said = await asking.body(route, request)

        def understand() -> dict[str, Any]:
            with self._outlook.view() as view:
                ticket = answers.visible_ticket(view, asked.account, asked.said["id"])
                return acts.command(route, said, ticket, asked.account, view.facts, view.site)

        once = asking.key(request, said, asked.account)
        done = await self.inbox.carry_out(lambda: self._in_turn(understand), once)
        if not done.is_known:
            return JSONResponse({"ticket": asked.said["id"], "pending": _PENDING}, 202)

        def read() -> dict[str, Any]:
            with self._outlook.view(must_be_fresh=True) as view:
                return answers.ticket(view, asked)

        return JSONResponse(await self._in_turn(read))

    async def _report(self, route: Route, request: Request) -> Response:
        asked = await self._asked(route, request)
        said = await asking.body(route, request)
        for key in ("building", "room"):
            if not isinstance(said[key], str) and not (key == "room" and said[key] is None):
                raise asking.faulty(route, f"{key}: {said[key]!r:.80} is no {key}'s id")

        def understand() -> dict[str, Any]:
            with self._outlook.view() as view:
                building = answers.building_of(view.site, asked.account, said["building"])
                answers.place_of(building, said["room"])
                return acts.command(route, said, building.id, asked.account, view.facts, view.site)

        once = asking.key(request, said, asked.account)
        done = await self.inbox.carry_out(lambda: self._in_turn(understand), once)
        if not done.is_known:
            return JSONResponse({"ticket": None, "pending": _PENDING}, 202)
        return JSONResponse({"ticket": done.ticket}, 201)

    async def _asked(self, route: Route, request: Request) -> Asked:
        """Return who asks and what, once they are let in."""
        found = await self._admit(route, request)
        return Asked(found.account, {**asking.query(route, request.query_params), **request.path_params})

    async def _admit(self, route: Route, request: Request) -> Pass:
        """Return whose token it is, if they may.

        Raises:
            Problem: nobody's, or they may not.
        """
        assert route.right is not None
        text = door.token(request)
        found: Pass | None = None if text is None else await self._in_turn(lambda: self._pass_of(text))
        if found is None:
            address = request.client.host if request.client else ""
            raise door.refused(self._failures, address, has_token=text is not None)
        door.require(found, route.right, acts=route.acts)
        return found

    def _pass_of(self, text: str) -> Pass | None:
        with self._outlook.connected() as connection:
            return accounts.pass_of(connection, text, self._house.pulse.now())

    async def _in_turn(self, read: Callable[[], Any]) -> Any:
        return await to_thread.run_sync(read, limiter=self._looking)


async def _nobody_serves(request: Request, error: Exception) -> Response:
    response = await http_problem(request, error)
    response.headers.update(_HEADERS)
    return response
