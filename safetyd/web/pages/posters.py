"""The sheet of QR codes to cut out: one for each room, which leads to its report.

Rule: it is made for paper; the address stands beside each code in words.
"""

from typing import NamedTuple
from urllib.parse import quote, urlsplit

from markupsafe import Markup

from safetyd.site import Building
from safetyd.view import View
from safetyd.web import answers
from safetyd.web.door import is_loopback
from safetyd.web.pages.codes import qr_svg
from safetyd.web.pages.page import Answer, Sheet, Visit

_NOWHERE = ("0.0.0.0", "::")  # noqa: S104  compared with


class Poster(NamedTuple):
    """One code; the address in words is without what a browser puts before it."""

    name: str
    url: str
    words: str
    code: Markup


def posters(view: View, visit: Visit) -> Answer:
    """Return the sheet of a building, or which buildings there are."""
    seen = answers.buildings_of(view.site, visit.account)
    wanted = visit.query.get("building", "")
    if not wanted and len(seen) != 1:
        return Sheet("report_sheets.html", {"buildings": seen})
    building = answers.building_of(view.site, visit.account, wanted or seen[0].id)
    shown = {"building": building, "posters": _posters(visit.address, building)}
    return Sheet(
        "report_sheet.html", shown | {"address": visit.address, "is_reachable": is_reachable(visit.address)}
    )


def is_reachable(address: str) -> bool:
    """Return whether a telephone may reach an address: none reaches this machine's own name for itself."""
    host = urlsplit(address).hostname or ""
    return host not in ("", *_NOWHERE) and host != "localhost" and not is_loopback(host)


def _posters(address: str, building: Building) -> list[Poster]:
    whole = f"{address.rstrip('/')}/report?building={quote(building.id)}"
    found = [(room.name, f"{whole}&room={quote(room.id)}") for room in building.rooms]
    return [
        Poster(name, url, url.partition("://")[2], qr_svg(url))
        for name, url in [*found, ("The building as a whole", f"{whole}&room=*")]
    ]
