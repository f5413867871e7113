"""The application: each row of the table, who asks, what they may, the answer.

Rule: whatever goes wrong is a problem document; a fault of ours is one too, with its trace in the log only.
"""

import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Any
from urllib.parse import quote

from anyio import to_thread
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Mount
from starlette.routing import Route as Served

from safetyd.naming import veiled
from safetyd.site import Site
from safetyd.store import accounts
from safetyd.store.accounts import Pass, Scope
from safetyd.store.database import StoreError
from safetyd.view import View
from safetyd.web import acts, answers, asking, door, explaining, openapi, tags, visitors
from safetyd.web.answers import Asked
from safetyd.web.behind import Copies
from safetyd.web.house import House
from safetyd.web.looking import Looking, Past, building_in
from safetyd.web.packets import Parcel, evidence
from safetyd.web.pages import frame
from safetyd.web.pages.application import Pages
from safetyd.web.problems import Problem
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


def _same(site: Site) -> Site:
    return site


class Application:
    """Holds the connections, and answers."""

    def __init__(self, house: House, people: Looking | None = None) -> None:
        """`people` is where it is known who may log in, where that is elsewhere."""
        self._house = house
        self._looking = Looking(house, people)
        self._failures = door.Failures()
        pages = Pages(self._looking)
        self._copies = Copies(self._of_copy)
        self.asgi = Starlette(
            routes=[
                *([Mount("/gateways/{gateway}", self._copies)] if house.gateways else []),
                *(Served(each.path, self._served(each), methods=[each.method]) for each in ROUTES),
                *pages.routes,
            ],
            exception_handlers={HTTPException: pages.nothing_there},
        )
        self.asgi.router.redirect_slashes = False  # a path is as the table has it, or it is none

    @property
    def inbox(self) -> acts.Inbox:
        """Where commands are left, where there are several stores the first's."""
        return self._looking.inbox_of("")

    def prepare(self) -> None:
        """Have all in memory that answers need, so that the first is as quick as the next."""
        frame.prepare()
        with suppress(StoreError):  # whoever asks is told
            self._looking.prepare()

    async def keep_up(self) -> None:
        """Look how everything stands, so that who comes after a while need not wait for all of it."""
        try:
            await self._looking.view(lambda _: None)
        except (Problem, StoreError):
            pass  # whoever asks is told
        except Exception:
            log.exception("what is on record could not be followed")

    def close(self) -> None:
        """Let go of everything."""
        self._copies.close()
        self._looking.close()

    def _of_copy(self, name: str) -> "Application | None":
        """Return what answers from the copy of a gateway; None where it has no pages here."""
        house = self._house
        for gateway, site in house.gateways:
            if gateway.name == name and site is not None:
                there, pulse = partial(_same, site), house.pulse
                copy = House(gateway.url, house.root, there, pulse, house.address, copy_of=name)
                return Application(copy, self._looking)
        return None

    def _served(self, route: Route) -> Answer:
        special: dict[str, Callable[[Route, Request], Awaitable[Response]]] = {
            "health": self._health,
            "metrics": self._metrics,
            "openapi": self._openapi,
            "readings": self._readings,
            "explanation": self._explanation,
            "report": self._report,
            "assign": self._assign,
            "unassign": self._assign,
            "evidence": self._evidence,
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
        is_ours = is_ours and visitors.is_our_host(request, self._house.address)
        account = None if is_ours else (await self._admit(route, request)).account
        asking.query(route, request.query_params)
        from safetyd.web import metrics  # its library is for where somebody collects them

        house = self._house
        shown = await self._looking.view(
            lambda view: metrics.exposition(view, house.pulse, account, house.certificates())
        )
        return Response(shown, media_type=metrics.MEDIA_TYPE)

    async def _look(self, route: Route, request: Request) -> Response:
        asked = await self._asked(route, request)

        look = answers.LOOKS[route.name]
        return await self._shown(asked, await self._looking.view(lambda view: look(view, asked)))

    async def _readings(self, route: Route, request: Request) -> Response:
        asked = await self._asked(route, request)

        def read(past: Past) -> dict[str, Any]:
            connection = past.of(asked.said["building"]).connection
            return answers.readings(connection, past.site, past.root, asked, past.now)

        return await self._shown(asked, await self._looking.search(read))

    async def _explanation(self, route: Route, request: Request) -> Response:
        asked = await self._asked(route, request)

        def read(past: Past) -> dict[str, Any]:
            said = asked.said
            about = building_in(said["ticket"]) if "ticket" in said else said.get("building", "")
            return explaining.explanation(past.of(about).connection, past.site, past.root, asked, past.now)

        return await self._shown(asked, await self._looking.search(read))

    async def _evidence(self, route: Route, request: Request) -> Response:
        asked = await self._asked(route, request)

        def pack(past: Past) -> Parcel:
            with_names = asked.said.get("names") == "true"
            connection = past.of(building_in(asked.said["id"])).connection
            about = connection, past.site, past.root, asked.account, asked.said["id"]
            return evidence(*about, with_names=with_names)

        made = await self._looking.search(pack)
        name = f"attachment; filename*=UTF-8''{quote(made.name, safe='')}"
        headers = {"Content-Disposition": name, "Content-Length": str(made.size)}
        return StreamingResponse(made.pieces(), 200, headers, made.media_type)

    async def _act(self, route: Route, request: Request) -> Response:
        asked = await self._asked(route, request)
        said = await asking.body(route, request)

        def understand(view: View) -> dict[str, Any]:
            ticket = answers.visible_ticket(view, asked.account, asked.said["id"])
            return acts.command(route, said, ticket, asked.account, view.facts, view.site)

        once = asking.key(request, said, asked.account)
        inbox = await self._looking.inbox_for({"ticket": asked.said["id"]}, once)
        done = await inbox.carry_out(lambda: self._looking.view(understand), once)
        if not done.is_known:
            return JSONResponse({"ticket": asked.said["id"], "pending": _PENDING}, 202)

        shown = await self._looking.view(lambda view: answers.ticket(view, asked))
        return await self._shown(asked, shown)

    async def _report(self, route: Route, request: Request) -> Response:
        asked = await self._asked(route, request)
        said = await asking.body(route, request)
        for key in ("building", "room"):
            if not isinstance(said[key], str) and not (key == "room" and said[key] is None):
                raise asking.faulty(route, f"{key}: {said[key]!r:.80} is no {key}'s id")

        def understand(view: View) -> dict[str, Any]:
            building = answers.building_of(view.site, asked.account, said["building"])
            answers.place_of(building, said["room"])
            return acts.command(route, said, building.id, asked.account, view.facts, view.site)

        once = asking.key(request, said, asked.account)
        inbox = await self._looking.inbox_for(said, once)
        done = await inbox.carry_out(lambda: self._looking.view(understand), once)
        if not done.is_known:
            return JSONResponse({"ticket": None, "pending": _PENDING}, 202)
        return JSONResponse({"ticket": done.ticket}, 201)

    async def _assign(self, route: Route, request: Request) -> Response:
        asked = await self._asked(route, request)
        said = await asking.body(route, request)

        def understand(view: View) -> dict[str, Any]:
            return acts.assignment(route, said, asked.account, view)

        once = asking.key(request, said, asked.account)
        inbox = await self._looking.inbox_for(said, once)
        done = await inbox.carry_out(lambda: self._looking.view(understand), once)
        self._looking.look_anew()
        if not done.is_known:
            return JSONResponse({"ticket": None, "pending": _PENDING}, 202)
        return JSONResponse({key: done.told[key] for key in ("assignment", "judged", "is_all", "says")}, 201)

    async def _shown(self, asked: Asked, shown: dict[str, Any]) -> Response:
        """Return what is shown, without the names that are not for who asks."""
        names = await self._looking.hidden_from(asked.account)
        return JSONResponse(await to_thread.run_sync(veiled, shown, names) if names else shown)

    async def _asked(self, route: Route, request: Request) -> Asked:
        """Return who asks and what, once they are let in."""
        found = await self._admit(route, request)
        return Asked(found.account, {**asking.query(route, request.query_params), **request.path_params})

    async def _admit(self, route: Route, request: Request) -> Pass:
        """Return whose token or session it is, if they may.

        Raises:
            Problem: nobody's, or they may not.
        """
        assert route.right is not None
        text = door.token(request)
        now = self._house.pulse.now()
        found: Pass | None = None
        if text is not None:
            found = await self._looking.people.ask(lambda connection: accounts.pass_of(connection, text, now))
        elif visitor := await visitors.visitor(self._looking, request):
            visitors.check_sender(request, visitor, acts=route.acts)
            found = Pass(visitor.account, Scope.ACT)
        if found is None:
            address = door.neighbour(request.client.host if request.client else "")
            raise door.refused(self._failures, address, has_token=text is not None)
        door.require(found, route.right, acts=route.acts)
        return found
