"""The pages behind their table: who comes, whether they may, what is answered, as HTML.

Rule: whoever may not is told so on a page; a fault of ours is too, with its trace in the log only.
"""

import json
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from hashlib import sha256
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from anyio import create_task_group
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from safetyd.core.errors import ActionError
from safetyd.held_copies import pending
from safetyd.store.database import StoreError
from safetyd.store.once import Key
from safetyd.view import View
from safetyd.web.access import Right, may, sees
from safetyd.web.acts import Done
from safetyd.web.looking import Looking
from safetyd.web.packets import Parcel
from safetyd.web.pages import entry, gateways, kept, live, refused, reporting
from safetyd.web.pages.forms import read_form
from safetyd.web.pages.frame import Around, rendered, static_folders
from safetyd.web.pages.page import Answer, Deed, Download, Go, Page, Sheet, Visit
from safetyd.web.pages.sending import sent
from safetyd.web.pages.table import PAGES
from safetyd.web.problems import Problem, http_problem
from safetyd.web.visitors import ONCE_FIELD, TOKEN_FIELD, Visitor, check_sender, visitor

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "geolocation=(), microphone=(), camera=()",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
CLOCK_HEADER = "X-Safetyd-Time"  # by which a page that stays open counts down
_FOREVER = "public, max-age=31536000, immutable"
_PENDING = "nobody has answered yet; it is carried out as soon as it can be"
_NEWS = 1000  # of how many visitors it is remembered what is to be said to them

log = logging.getLogger("safetyd.web")
Endpoint = Callable[[Request], Awaitable[Response]]


class Pages:
    """Everything below / that is no API."""

    def __init__(self, looking: Looking) -> None:
        self._looking = looking
        self._said: OrderedDict[str, str] = OrderedDict()
        self._kept = kept.Kept()
        self._entry = entry.Entry(looking, self._sheet)
        self._reporting = reporting.Reporting(looking, self._sheet)
        self._live = live.Live(looking)
        self._gateways = gateways.Gateways(looking, self._sheet)
        own = () if looking.house.copy_of else (*self._entry.routes, *self._gateways.routes)
        self.routes: list[BaseRoute] = [
            *(Route(each.path, self._served(each), methods=[each.method]) for each in PAGES),
            *(
                Route(path, self._guarded(answer), methods=[method])
                for method, path, answer in (*own, *self._reporting.routes)
            ),
            Route("/live", self._guarded(self._live.events), methods=["GET"]),
            Mount("/static", GZipMiddleware(_Static(packages=list(static_folders())))),
        ]

    async def nothing_there(self, request: Request, error: Exception) -> Response:
        """Return the answer to a path or method that nobody serves: a page for people, else a problem."""
        path = request.url.path
        if path.startswith("/api/") or "text/html" not in request.headers.get("accept", ""):
            return _dressed(await http_problem(request, error), request)
        status = error.status_code if isinstance(error, HTTPException) else 500
        try:
            who = await visitor(self._looking, request)
        except StoreError:
            who = None
        return _dressed(self._problem(Problem(status, f"nothing is at {path!r:.200}"), who), request)

    def _served(self, page: Page) -> Endpoint:
        async def endpoint(request: Request) -> Response:
            who = await visitor(self._looking, request)
            if who is None:
                return self._to_login(request)
            if not may(who.account, page.right):
                words = refused.refusal(who.account, page.right)
                return self._problem(Problem(403, words), who, refused.TITLE)
            try:
                return await (self._look if page.act is None else self._act)(page, request, who)
            except Problem as problem:
                return self._problem(problem, who)

        return self._guarded(endpoint)

    async def _look(self, page: Page, request: Request, who: Visitor) -> Response:
        address = self._looking.house.address
        visit = Visit(who.account, request.path_params, request.query_params, address=address)
        look, search = page.look, page.search
        if page.shared is not None:
            return await self._looking.view(lambda view: self._part(page, view, visit))
        around = self._around(page.name, who, said=self._said.pop(who.secret, ""))
        if look is not None:
            return await self._looking.view(
                lambda view: self._shown(look(view, visit), self._as_seen(around, view))
            )
        assert search is not None
        return await self._looking.search(lambda past: self._shown(search(past, visit), around))

    def _as_seen(self, around: Around, view: View) -> Around:
        """Return what is around a page by what was seen: which store could not be read; and of a copy what
        waits for its gateway's answer."""
        around = around._replace(warning=self._looking.warning())
        if not self._looking.house.copy_of or not around.may(Right.TICKETS):
            return around
        seen = partial(sees, around.account) if around.account else None
        return around._replace(pending=pending(view.connection, seen)) if seen else around

    def _part(self, page: Page, view: View, visit: Visit) -> Response:
        """Return a part of a page that others with the same rights are shown too."""
        assert page.look is not None
        account = kept.anybody(visit.account)
        connections = [each and each.connection for each in view.parts or (view,)]
        anybody = Visitor(account, "", self._looking.hidden_in(connections, account))
        look, visit = page.look, visit._replace(account=account)
        around = self._around(page.name, anybody)

        def make() -> bytes:
            sheet = look(view, visit)
            assert isinstance(sheet, Sheet)
            return rendered(sheet, around).encode()

        part = self._kept.part(kept.key(page, visit), view, make)
        return HTMLResponse(part, headers={CLOCK_HEADER: around.now.isoformat()})

    async def _act(self, page: Page, request: Request, who: Visitor) -> Response:
        said, uploads = await read_form(request, page.most_bytes)
        check_sender(request, who, acts=True, token=str(said.get(TOKEN_FIELD, "")))
        visit = Visit(who.account, request.path_params, request.query_params, said, uploads)
        act, again = page.act, page.again
        assert act is not None

        def understand(view: View) -> Deed:
            try:
                return act(view, visit)
            except ActionError as error:
                raise Problem(400, str(error)) from error

        try:
            deed = await self._looking.view(understand)
            is_done, says = await self._carry_out(deed.commands, who, said.get(ONCE_FIELD, ""))
        except Problem as problem:
            if again is None:
                raise
            refusal, status = problem.detail, problem.status
            around = self._around(page.name, who, refusal=refusal, form=dict(said))
            around = around._replace(refusals=problem.refusals)
            return await self._looking.view(
                lambda view: self._shown(again(view, visit), self._as_seen(around, view), status)
            )
        self._tell(who, (deed.done or says) if is_done else _PENDING)
        return RedirectResponse(deed.then, HTTPStatus.SEE_OTHER)

    async def _carry_out(
        self, commands: Sequence[Mapping[str, Any]], who: Visitor, once: str
    ) -> tuple[bool, str]:
        """Have one command after the other carried out; return whether all were answered in time, and how.

        A form that is sent twice, by a finger that is not sure, is carried out once.

        Raises:
            Problem: one is refused, and what comes after it is not done; of several tickets each is.
        """
        refusals: dict[str, str] = {}
        is_known, says, count = True, "", 0
        for command in commands:
            pieces = self._looking.apart(command)
            count += sum(len(each["ticket"]) for each in pieces if isinstance(each.get("ticket"), list))
            for piece, done in zip(pieces, await self._at_once(pieces, who, once), strict=True):
                if isinstance(done, Done):
                    is_known, says = is_known and done.is_known, str(done.told.get("says", says))
                elif done.refusals or len(pieces) > 1:
                    refusals |= done.refusals or dict.fromkeys(piece["ticket"], done.detail)
                else:
                    raise done
        if refusals:
            were = "was" if len(refusals) == 1 else "were"
            rest = "; the others are done" if len(refusals) < count else ""
            words = f"{len(refusals)} of {count} tickets {were} refused{rest}"
            raise Problem(409, words, refusals=refusals)
        return is_known, says

    async def _at_once(
        self, pieces: Sequence[Mapping[str, Any]], who: Visitor, once: str
    ) -> Sequence[Done | Problem]:
        """Have the parts of one command carried out, each by its writer; return what came of each."""
        found: dict[int, Done | Problem] = {}

        async def carry_out(number: int, piece: Mapping[str, Any]) -> None:
            try:
                found[number] = await self._looking.carry_out(dict(piece), _key(who, once, piece))
            except Problem as problem:
                found[number] = problem
            except StoreError as error:
                found[number] = Problem(503, f"{error}; try again later")

        async with create_task_group() as group:
            for number, piece in enumerate(pieces):
                group.start_soon(carry_out, number, piece)
        return [found[number] for number in range(len(pieces))]

    def _tell(self, who: Visitor, words: str) -> None:
        self._said[who.secret] = words
        if len(self._said) > _NEWS:
            self._said.popitem(last=False)

    def _guarded(self, answer: Endpoint) -> Endpoint:
        async def endpoint(request: Request) -> Response:
            try:
                response = await answer(request)
            except Problem as problem:
                response = self._problem(problem, None)
            except StoreError as error:
                response = self._problem(Problem(503, f"{error}; try again later"), None)
            except Exception:
                log.exception("%s %s could not be answered", request.method, _way(request))
                response = self._problem(Problem(500, "safetyd failed on it; please report this"), None)
            return _dressed(response, request)

        return endpoint

    def _to_login(self, request: Request) -> Response:
        then = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        known = "" if request.method != "GET" or then == "/" else f"?then={quote(then)}"
        return RedirectResponse(f"/login{known}", HTTPStatus.SEE_OTHER)

    def _around(
        self, here: str, who: Visitor | None, *, said: str = "", refusal: str = "", form: object = None
    ) -> Around:
        house = self._looking.house
        given = form if isinstance(form, dict) else {}
        around = Around(self._looking.site(), house.pulse.now(), here, who, said, refusal, given)
        is_centre, warning = bool(house.gateways), self._looking.warning()
        around = around._replace(copy_of=house.copy_of, has_gateways=is_centre, warning=warning)
        return around._replace(give_way=house.way.give)

    def _problem(self, problem: Problem, who: Visitor | None, title: str = "") -> Response:
        shown = {
            "title": title or problem.status.phrase,
            "detail": problem.detail,
            "status": problem.status.value,
        }
        sheet = Sheet("problem.html", shown)
        response = HTMLResponse(rendered(sheet, self._around("problem", who)), problem.status)
        response.headers.update(problem.headers or {})
        return response

    def _sheet(
        self, sheet: Sheet, here: str, who: Visitor | None, refusal: str = "", status: int = 200
    ) -> Response:
        around = self._around(here, who, refusal=refusal)
        return self._shown(sheet, around, HTTPStatus(status))

    @staticmethod
    def _shown(answer: Answer, around: Around, status: HTTPStatus = HTTPStatus.OK) -> Response:
        match answer:
            case Sheet():
                return HTMLResponse(rendered(answer, around), status)
            case Go():
                return RedirectResponse(answer.to, HTTPStatus.SEE_OTHER)
            case Download() | Parcel():
                return sent(answer, around.visitor.hidden if around.visitor else frozenset(), status)


def _key(who: Visitor, once: str, command: Mapping[str, Any]) -> Key | None:
    """Return by what a command of a form is known when that comes again; with other words it is another."""
    if not once:
        return None
    asked = sha256(json.dumps(command, sort_keys=True).encode()).hexdigest()
    return Key(who.account.number, f"form {once[:40]} {asked}", asked)


def _dressed(response: Response, request: Request) -> Response:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if request.url.scheme == "https":
        response.headers["Strict-Transport-Security"] = "max-age=31536000"
    return response


class _Static(StaticFiles):
    """Files of ours: what alone is compressed. A page holds the token of its forms beside what was typed, and
    the length of a compressed one would tell them apart bit by bit."""

    def file_response(self, *args: object, **kwargs: object) -> Response:
        response = super().file_response(*args, **kwargs)  # type: ignore[arg-type]
        response.headers.update(HEADERS | {"Cache-Control": _FOREVER})
        return response


def _way(request: Request) -> str:
    """A request's path without what stands in it for one thing or person."""
    path: str = request.scope["path"]
    for name, value in request.path_params.items():
        path = path.replace(str(value), f"{{{name}}}")
    return path
