"""The gateways of a centre on one page: how far each one's record has come, and what waits for its answer.

Rule: who may see a building may see its gateway; how a building is, and what is done there, stands on the
pages of its copy.
"""

from collections.abc import Awaitable, Callable
from contextlib import closing
from functools import partial
from typing import Any

from anyio import CapacityLimiter, to_thread
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from safetyd.held_copies import copy_object, pending
from safetyd.setting_centre import Gateway
from safetyd.site import Site
from safetyd.store.accounts import Account
from safetyd.store.database import StoreError, open_for_reading
from safetyd.web.access import Right, may, sees
from safetyd.web.looking import Looking
from safetyd.web.pages.page import Sheet
from safetyd.web.visitors import visitor

PATH = "/gateways"
_SHOWN = 12  # characters of a hash
Show = Callable[..., Response]


class Gateways:
    """Looks at each copy, one thread at a time."""

    def __init__(self, looking: Looking, shown: Show) -> None:
        self._looking = looking
        self._shown = shown
        self._one = CapacityLimiter(1)

    @property
    def routes(self) -> list[tuple[str, str, Callable[[Request], Awaitable[Response]]]]:
        """Return what is served here, if there is any gateway."""
        return [("GET", PATH, self.gateways)] if self._looking.house.gateways else []

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
            self._row(gateway, site, account)
            for gateway, site in house.gateways
            if _is_theirs(account, gateway, site, house.site())
        ]

    def _row(self, gateway: Gateway, site: Site | None, account: Account) -> dict[str, Any]:
        try:
            with closing(open_for_reading(gateway.url)) as connection:
                waiting = pending(connection, partial(sees, account))
                if not may(account, Right.NAMES):  # whoever reported may be among them
                    waiting = [each._replace(by="somebody") for each in waiting]
                row = copy_object(gateway.name, connection) | {"pending": waiting}
        except StoreError:
            row = copy_object(gateway.name, None)
        row["hash"] = (row["hash"] or "")[:_SHOWN]
        names = [each.name for each in site.buildings] if site is not None else []
        return row | {"buildings": names, "has_pages": site is not None}


def _is_theirs(account: Account, gateway: Gateway, own: Site | None, site: Site) -> bool:
    """Whether somebody may see a building of a gateway, by its own site files or by the centre's."""
    theirs = {each.id for each in own.buildings} if own is not None else set()
    theirs |= {each.id for each in site.buildings if each.outpost and each.outpost.gateway == gateway.name}
    return any(sees(account, each) for each in theirs)
