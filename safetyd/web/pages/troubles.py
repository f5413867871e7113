"""Troubles: what is wrong with the watching itself, in plain words, with what to do about it.

Rule: what stands comes first, and is never cut off without saying so. The sentences are those of the notices.
"""

from collections.abc import Iterable
from typing import Any

from safetyd.core.model import Place, Trouble, TroubleKind
from safetyd.languages import ENGLISH
from safetyd.notify.remarks import remark
from safetyd.notify.tongue import Tongue
from safetyd.notify.trouble_words import standing, what_to_do
from safetyd.notify.who_and_where import place_name
from safetyd.store import readings
from safetyd.view import View
from safetyd.web.access import Right, may, sees
from safetyd.web.answers import Asked, found_troubles
from safetyd.web.pages.page import Answer, Sheet, Visit
from safetyd.web.problems import misused

STANDING, PAST = 200, 25
_TO_DO = {
    TroubleKind.SILENT: "See whether it has power, and whether its gateway is on. Until it is heard its room "
    "is unknown, not well.",
    TroubleKind.STUCK: "Warm it in your hand: if it goes on saying the same, take its battery out for a "
    "moment, or put another one there.",
    TroubleKind.IMPLAUSIBLE: "See what is beside it: sunlight, a heater, water. Measure by hand; if it is "
    "broken, put another one there.",
    TroubleKind.UNREADABLE: "Its sheet shows what it sent. Its settings have changed, or it is of another "
    "make than the site file says.",
    TroubleKind.CLOCK: "Set its clock, or that of its gateway. Meanwhile it is judged by when its word came.",
    TroubleKind.BATTERY: "Change its battery.",
    TroubleKind.GAP: "Nobody watched meanwhile. Ask who runs safetyd whether it, its network or the broker "
    "was down.",
    TroubleKind.DISAGREEMENT: "Measure by hand beside it: the one that is wrong needs another place, or a "
    "correction in the site file.",
    TroubleKind.DRIFT: "Measure by hand beside it: it may be wrong, or the room may be unlike the others.",
    TroubleKind.BABBLING: "It fills the record: take its battery out for a moment, and look at how often it "
    "is set to report. What it says counts all the same.",
}


def troubles(view: View, visit: Visit) -> Answer:
    """Return what stands now, and a page of what is over."""
    kind, cursor = visit.query.get("kind", ""), visit.query.get("cursor", "")
    if kind and kind not in list(TroubleKind):
        raise misused("kind", f"kind: {kind[:80]!r} is no kind of trouble")
    chosen = {"building": visit.query.get("building", ""), "kind": kind}
    given: dict[str, Any] = {name: value for name, value in chosen.items() if value}
    past = given | {"standing": "false", "limit": PAST} | ({"cursor": cursor} if cursor else {})
    over, following = found_troubles(view, Asked(visit.account, past))
    now: list[Trouble] = []
    more: str | None = None
    if not cursor:
        now, more = found_troubles(
            view, Asked(visit.account, given | {"standing": "true", "limit": STANDING})
        )
    known = _known(view, [*now, *over]) if may(visit.account, Right.SENSORS) else set()
    is_asked = not any(given.values()) and may(visit.account, Right.SENSORS) and sees(visit.account, None)
    shown = {
        "strays": len(view.strays()) if is_asked and not cursor else 0,
        "standing": [_shown(each, view, known) for each in now],
        "past": [_shown(each, view, known) for each in over],
        "is_cut": more is not None,
        "next": following,
        "cursor": cursor,
        "kinds": list(TroubleKind),
        **chosen,
    }
    return Sheet("troubles.html", shown)


def _known(view: View, found: Iterable[Trouble]) -> set[str]:
    """Return by their keys which of what troubles are about are sensors, with sheets of their own."""
    about = {each.sensor for each in found}
    heard = {each.sensor.key for part in view.each for each in readings.sensors(part.connection)}
    return {each for each in about if each in heard or view.facts.spans.get(each)}


def _shown(each: Trouble, view: View, known: set[str]) -> dict[str, Any]:
    tongue = Tongue(ENGLISH, view.site.timezone)
    words = standing(f"{each.kind} {each.sensor}", view.site, tongue)
    place = each.place or Place("", None)
    return {
        "kind": each.kind,
        "words": words[:1].upper() + words[1:],
        "note": remark(each.note, tongue),
        "to_do": _TO_DO.get(each.kind) or what_to_do({each.kind}, tongue),
        "where": place_name(place, view.site, tongue),
        "began_at": each.began_at,
        "ended_at": each.ended_at,
        "sheet": {
            "building": place.building,
            "room": place.room or "",
            "sensor": each.sensor.removeprefix(f"{place}/"),
        }
        if each.sensor in known
        else None,
    }
