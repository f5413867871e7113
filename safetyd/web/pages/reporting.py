"""The page on which anybody reports a problem: with a login, or without one on a building's own network.

Rule: nothing but this page is open to who is not logged in, and only for the buildings that say so; who comes
too often is told how long to wait, and to telephone.
"""

from collections.abc import Awaitable, Callable, Sequence
from http import HTTPStatus
from typing import NamedTuple
from urllib.parse import quote

from starlette.datastructures import ImmutableMultiDict, QueryParams
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from safetyd.core.errors import ActionError
from safetyd.site import Building
from safetyd.view import View
from safetyd.web.access import Right, may, sees
from safetyd.web.door import neighbour
from safetyd.web.looking import Looking
from safetyd.web.pages import reports
from safetyd.web.pages.entry import Shows
from safetyd.web.pages.forms import read_form
from safetyd.web.pages.hazards import CONDITIONS, GROUPS
from safetyd.web.pages.once import Once, Pace, is_key, new_key
from safetyd.web.pages.page import FORM_BYTES, Sheet, Upload, Visit
from safetyd.web.pages.refused import refusal
from safetyd.web.pages.reports import Outcome, Wish
from safetyd.web.problems import Problem, misused
from safetyd.web.routes import NOTE_BYTES
from safetyd.web.visitors import TOKEN_FIELD, Visitor, check_sender, visitor

# One telephone sends a report, mends it, sends its photo. A school whose telephones share one address, and in
# which something happens to everybody, sends many in a short while; a flood is more, and is read by nobody.
PER_ADDRESS, PER_BUILDING, WITHIN_S = 20, 60, 600.0
# Who has sent a few at most is heard even then, or three telephones would silence a building.
FEW, IN_A_FLOOD = 3, 5 * PER_BUILDING
FILES_A_DAY, A_DAY_S = 60, 24 * 3600.0  # of a building: each may have 5 MB, and a disk has an end
_OFFICE = "if it cannot wait, telephone the office of the building"
_STALE = "the page was open for too long; load it again and do it once more"
Answer = Callable[[Request], Awaitable[Response]]


class Asker(NamedTuple):
    """Who comes, and the buildings they may report on."""

    visitor: Visitor | None
    address: str
    buildings: tuple[Building, ...]


class Reporting:
    """The form, what is sent by it, and what became of that."""

    def __init__(self, looking: Looking, show: Shows) -> None:
        self._looking = looking
        self._show = show
        self._once: Once[Outcome] = Once()
        self._of_address = Pace(PER_ADDRESS, WITHIN_S)
        self._of_building = Pace(PER_BUILDING, WITHIN_S)
        self._in_a_flood = Pace(IN_A_FLOOD, WITHIN_S)
        self._files = Pace(FILES_A_DAY, A_DAY_S)
        self.routes: list[tuple[str, str, Answer]] = [
            ("GET", "/report", self.form),
            ("POST", "/report", self.send),
            ("GET", "/report/sent", self.sent),
        ]

    async def form(self, request: Request) -> Response:
        """Show the form of a building, or which buildings there are."""
        asker, wanted = await self._asker(request), request.query_params.get("building", "")
        if not asker.buildings or (wanted and not asker.visitor and not _of(asker, wanted)):
            return _to_login(request)
        building = _of(asker, wanted) if wanted else asker.buildings[0]
        if not wanted and len(asker.buildings) > 1:
            sheet = Sheet("report_where.html", {"buildings": asker.buildings})
            return self._show(sheet, "report", asker.visitor)
        if building is None:
            raise misused("building", f"building: no building is called {wanted!r:.80}")
        room = request.query_params.get("room", "")
        return self._form(asker, building, {"room": room, "unit": "F", "once": new_key()})

    async def send(self, request: Request) -> Response:
        """Put what was filled in on record, once."""
        asker = await self._asker(request)
        if not asker.buildings:
            return _to_login(request)
        if asker.visitor is None:
            self._keep_pace(self._of_address, asker.address, "this address")
        said, uploads = await read_form(request, NOTE_BYTES + FORM_BYTES)
        token, address = said.get(TOKEN_FIELD, ""), self._looking.house.address
        check_sender(request, asker.visitor, acts=True, token=token, address=address)
        building, once = _of(asker, said.get("building", "")), said.get("once", "")
        if building is None:
            raise misused("building", f"building: no building is called {said.get('building', '')!r:.80}")
        if not is_key(once):
            raise Problem(400, _STALE)
        try:
            await self._once.answer(_key(asker, once), lambda: self._report(asker, building, said, uploads))
        except Problem as problem:
            return self._form(asker, building, dict(said), problem)
        return RedirectResponse(f"/report/sent?once={once}", HTTPStatus.SEE_OTHER)

    async def sent(self, request: Request) -> Response:
        """Show what became of a report, to who sent it."""
        asker = await self._asker(request)
        found = self._once.known(_key(asker, request.query_params.get("once", "")))
        if found is not None:
            sheet = Sheet("report_sent.html", {"sent": found, "may_wait": _OFFICE})
            return self._show(sheet, "report", asker.visitor)
        if not asker.buildings:
            return _to_login(request)
        raise Problem(410, "this is not remembered any more; a report that you saw arrive is on record")

    async def _report(
        self,
        asker: Asker,
        building: Building,
        said: ImmutableMultiDict[str, str],
        uploads: tuple[Upload, ...],
    ) -> Outcome:
        if asker.visitor is None:
            if self._of_address.count(asker.address) > FEW:
                self._keep_pace(self._of_building, building.id, building.name)
            else:
                self._keep_pace(self._in_a_flood, building.id, building.name)
                self._of_building.note(building.id)

        def understand(view: View) -> Wish:
            who = asker.visitor
            account = who.account if who else reports.stranger(view, said.get("name", "").strip(), building)
            return reports.wish(view, Visit(account, {}, QueryParams(), said, uploads), building)

        asked = await self._looking.view(understand)
        done = await self._looking.carry_out(asked.first)
        kept: list[str] = []
        lacking: list[str] = []
        for command in asked.others:
            what = (
                f"Your written notice ({reports.clause_of_notice(asked)})"
                if "notice" in command
                else "The heat index"
            )
            await self._also(what, command, kept, lacking)
        ticket = done.ticket or (asked.standing if done.is_known else None)
        if asked.files and asker.visitor is None and self._has_too_many_files(building, asked.files):
            lacking.append(
                f"Photos: {FILES_A_DAY} of {building.name} came within a day; keep them, or log in"
            )
        elif asked.files and done.is_known:
            await self._attach(asked, ticket, kept, lacking)
        elif asked.files:
            lacking.append("Photos: nobody can say yet which ticket they go with; keep them")

        def look(view: View) -> Outcome:
            return reports.outcome(view, asked, ticket, is_known=done.is_known, kept=kept, lacking=lacking)

        return await self._looking.view(look)

    async def _attach(self, asked: Wish, ticket: str | None, kept: list[str], lacking: list[str]) -> None:
        what = "Your photo" if len(asked.files) == 1 else "Your photos"
        if ticket is None:
            lacking.append(f"{what}: a photo goes with a ticket, and this opened none")
            return
        try:
            command = await self._looking.view(lambda view: reports.with_files(view, asked, ticket))
        except (Problem, ActionError) as error:
            lacking.append(f"{what}: {error}")
            return
        await self._also(what, command, kept, lacking)

    async def _also(self, what: str, command: dict[str, object], kept: list[str], lacking: list[str]) -> None:
        """Carry out what goes with a report that is on record already."""
        try:
            done = await self._looking.carry_out(command)
        except Problem as problem:
            lacking.append(f"{what}: {problem.detail}")
            return
        kept.append(what if done.is_known else f"{what}, as soon as safetyd answers")

    def _has_too_many_files(self, building: Building, files: Sequence[object]) -> bool:
        if self._files.count(building.id) + len(files) > FILES_A_DAY:
            return True
        for _ in files:
            self._files.note(building.id)
        return False

    def _keep_pace(self, pace: Pace, place: str, words: str) -> None:
        wait_s = pace.wait(place)
        if wait_s > 0:
            minutes = max(1, round(wait_s / 60 + 0.5))
            said = f"{pace.most} reports came from {words} within {pace.within_s / 60:.0f} minutes"
            mend = f"nothing was put on record; send it again in {minutes} min"
            raise Problem(429, f"{said}; {mend}; {_OFFICE}", headers={"Retry-After": f"{wait_s + 1:.0f}"})
        pace.note(place)

    async def _asker(self, request: Request) -> Asker:
        who, site = await visitor(self._looking, request), self._looking.site()
        host = request.client.host if request.client else ""
        if who is None:
            theirs = () if self._looking.house.copy_of else site.open_to(host)  # neighbours of the gateway's
            return Asker(None, neighbour(host), theirs)
        if not may(who.account, Right.REPORT):
            raise Problem(403, refusal(who.account, Right.REPORT))
        return Asker(who, "", tuple(each for each in site.buildings if sees(who.account, each.id)))

    def _form(
        self, asker: Asker, building: Building, form: dict[str, str], problem: Problem | None = None
    ) -> Response:
        rules = self._looking.site().rulebook.in_force(self._looking.house.pulse.now())
        shown = {
            "building": building,
            "groups": GROUPS,
            "conditions": CONDITIONS,
            "below_f": rules.cold.below_f,
            "above_f": rules.heat.above_f,
            "form": form,
            "whole": reports.WHOLE,
            "at_fault": problem.more.get("parameter", "") if problem else "",
        }
        refusal, status = (problem.detail, problem.status) if problem else ("", HTTPStatus.OK)
        answer = self._show(Sheet("report.html", shown), "report", asker.visitor, refusal, status)
        answer.headers.update((problem.headers or {}) if problem else {})
        return answer


def _of(asker: Asker, id: str) -> Building | None:
    return next((each for each in asker.buildings if each.id == id), None)


def _key(asker: Asker, once: str) -> tuple[int, str]:
    return asker.visitor.account.number if asker.visitor else 0, once


def _to_login(request: Request) -> Response:
    then = request.scope.get("root_path", "") + "/report"
    then += f"?{request.url.query}" if request.url.query and request.method == "GET" else ""
    return RedirectResponse(f"/login?then={quote(then)}", HTTPStatus.SEE_OTHER)
