"""The gateways of a centre on one page: how far each one's record has come, and what waits for its answer.

Rule: who may see a building may see its gateway; how a building is, and what is done there, stands on the
pages of its copy.
"""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from anyio import CapacityLimiter, to_thread
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from safetyd.core.ticket import AT_REST
from safetyd.held_copies import copy_object, said
from safetyd.setting_centre import Gateway
from safetyd.site import Site
from safetyd.store.accounts import Account
from safetyd.store.database import StoreError
from safetyd.web.access import Right, may, sees
from safetyd.web.looking import Looking
from safetyd.web.outlook import Outlook
from safetyd.web.pages.page import Sheet
from safetyd.web.visitors import visitor

PATH = "/gateways"
_SHOWN = 12  # characters of a hash
Show = Callable[..., Response]


class Gateways:
    """Looks at each copy, one thread at a time."""

    def __init__(self, looking: Looking, shown: Show) -> None:
        house = looking.house
        self._looking = looking
        self._shown = shown
        self._sites = {gateway.name: site for gateway, site in house.gateways}
        self._outlooks = {
            gateway.name: Outlook(gateway.url, house.root, partial(_same, site), house.pulse.now)
            for gateway, site in house.gateways
            if site is not None
        }
        self._one = CapacityLimiter(1)

    @property
    def routes(self) -> list[tuple[str, str, Callable[[Request], Awaitable[Response]]]]:
        """Return what is served here, if there is any gateway."""
        return [("GET", PATH, self.gateways)] if self._sites else []

    async def gateways(self, request: Request) -> Response:
        """Return the page."""
        who = await visitor(self._looking, request)
        if who is None or not may(who.account, Right.ROOMS):
            return RedirectResponse(f"/login?then={PATH}", 303)
        rows = await to_thread.run_sync(lambda: self._rows(who.account), limiter=self._one)
        sheet = Sheet("gateways.html", {"rows": rows, "may_read": may(who.account, Right.TICKETS)})
        return self._shown(sheet, "gateways", who)

    def _rows(self, account: Account) -> list[dict[str, Any]]:
        house = self._looking.house
        return [
            self._row(gateway)
            for gateway, site in house.gateways
            if _is_theirs(account, gateway, site, house.site())
        ]

    def _row(self, gateway: Gateway) -> dict[str, Any]:
        outlook = self._outlooks.get(gateway.name)
        row: dict[str, Any] = copy_object(gateway.name, None)
        row |= {"open": None, "breach": None, "has_pages": outlook is not None, "buildings": []}
        if outlook is None:
            return row
        try:
            with outlook.view() as view:
                row |= copy_object(gateway.name, view.connection)
                row["open"] = sum(each.status not in AT_REST for each in view.world.tickets.values())
                row["breach"] = len(view.world.running)
                row["buildings"] = [each.name for each in view.site.buildings]
        except StoreError:
            return row
        row["hash"] = (row["hash"] or "")[:_SHOWN]
        row["pending"] = [
            {"since": each["since"], "words": said(each["asked"]), "by": each["asked"].get("by", "")}
            for each in row["pending"]
        ]
        return row

    def close(self) -> None:
        """Let go of everything."""
        for each in self._outlooks.values():
            each.close()


def _same(site: Site) -> Site:
    return site


def _is_theirs(account: Account, gateway: Gateway, own: Site | None, site: Site) -> bool:
    """Whether somebody may see a building of a gateway, by its own site files or by the centre's."""
    theirs = {each.id for each in own.buildings} if own is not None else set()
    theirs |= {each.id for each in site.buildings if each.outpost and each.outpost.gateway == gateway.name}
    return any(sees(account, each) for each in theirs)
