"""Why a room was judged as it was at a moment, and why a ticket was opened, in sentences.

Rule: it says what the command line says; a reader may ask for another moment.
"""

from urllib.parse import quote

from safetyd.explain.explanation import Explanation
from safetyd.explain.words import headline, place_words, sections
from safetyd.web.explaining import why_place, why_ticket
from safetyd.web.looking import Past, building_in
from safetyd.web.pages.page import Answer, Sheet, Visit


def why(past: Past, visit: Visit) -> Answer:
    """Return the page of a room, or of a building's electricity, at a moment."""
    connection = past.of(visit.path["building"]).connection
    about = connection, past.site, past.root, visit.account, visit.asked.said, past.now
    return _sheet(past, why_place(*about))


def why_opened(past: Past, visit: Visit) -> Answer:
    """Return the page of a ticket's opening."""
    connection = past.of(building_in(visit.path["id"])).connection
    about = connection, past.site, past.root, visit.account, visit.path["id"], past.now
    return _sheet(past, why_ticket(*about))


def _sheet(past: Past, found: Explanation) -> Sheet:
    building, room = found.place
    path = f"/explain/{quote(building)}" + (f"/{quote(room)}" if room is not None else "")
    local = found.at.astimezone(past.site.timezone)
    shown = {
        "where": place_words(found),
        "headline": headline(found),
        "sections": sections(found),
        "ticket": None if found.asked is None else found.asked.id,
        "place": found.place,
        "path": path,
        "at": f"{local:%Y-%m-%dT%H:%M}",
    }
    return Sheet("why.html", shown)
