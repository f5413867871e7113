"""Faults of the monitoring in words, for those who mend sensors."""

from safetyd.core.model import GATEWAY, TroubleKind
from safetyd.core.notice import Reason
from safetyd.core.world import Notice
from safetyd.site import Site

_TROUBLES = {
    TroubleKind.SILENT: ("has fallen silent", "is heard again"),
    TroubleKind.STUCK: ("shows the same values for hours", "shows new values again"),
    TroubleKind.IMPLAUSIBLE: ("sends values that cannot be true", "sends plausible values again"),
    TroubleKind.UNREADABLE: ("sends what cannot be read", "can be read again"),
    TroubleKind.CLOCK: ("has a wrong clock", "has the right time again"),
    TroubleKind.BATTERY: ("has a low battery", "has a good battery again"),
    TroubleKind.GAP: ("was not watched", "is watched again"),
    TroubleKind.DISAGREEMENT: ("disagrees with the others", "agrees again"),
    TroubleKind.DRIFT: ("reads unlike the rest of its building", "reads like the rest again"),
    TroubleKind.UNDELIVERABLE: ("cannot be delivered", "was delivered"),
    TroubleKind.CONFIGURATION: ("is faulty and was not taken", "was taken"),
}


def trouble(notice: Notice, site: Site) -> tuple[str, str]:
    """Return the title and text of a notice of troubles that began, or are over."""
    is_over = notice.reason is Reason.TROUBLE_OVER
    told = []
    for key, note in notice.about.items():
        told.append(sentence(key, site, is_over=is_over) + (f" ({note})" if note and not is_over else ""))
    where = site.name_of(notice.building)
    title = f"{where}: {told[0]}" if len(told) == 1 else f"{where}: {len(told)} sensor troubles"
    if is_over and len(told) > 1:
        title += " are over"
    lines = told if len(told) > 1 else []
    advice = "" if is_over else "Please look at it: safetyd cannot vouch for what it does not hear."
    return title, "\n".join(line for line in [*lines, advice] if line) or title


def sentence(key: str, site: Site, *, is_over: bool = False) -> str:
    """Return what is said of one trouble, `KIND SUBJECT`."""
    kind, _, subject = key.partition(" ")
    return f"{_sensor(subject, site)} {_TROUBLES[TroubleKind(kind)][1 if is_over else 0]}"


def _sensor(subject: str, site: Site) -> str:
    """A sensor by the name of its room; what is no sensor stays as it is."""
    building_id, *middle = subject.split("/")[:-1] or [""]
    building = site.building(building_id)
    if building is None:
        return subject
    rest = subject.removeprefix(f"{building.id}/")
    id = subject.rsplit("/", 1)[-1]
    if id.startswith(GATEWAY):
        return f"the safetyd there, {id.removeprefix(GATEWAY)},"
    if rest.startswith("bridge "):
        return f"the {rest}"
    if rest == "watch":
        return "the building"
    if rest == "gateway":
        return "the gateway"
    if rest == "witnesses":
        return "one witness of the mains"
    room = building.room(middle[0]) if middle else None
    if room is None:
        return f"the witness {id}"
    return room.name if id == room.id else f"{room.name} (sensor {id})"
