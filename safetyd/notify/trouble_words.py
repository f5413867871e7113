"""Faults of the monitoring in words, for those who mend sensors."""

from collections.abc import Collection

from safetyd.core.model import GATEWAY, TroubleKind
from safetyd.core.plan import Reason
from safetyd.core.world import Notice
from safetyd.notify.remarks import remark
from safetyd.notify.tongue import Tongue, msgid
from safetyd.notify.who_and_where import room_name
from safetyd.site import Site

_TROUBLES = {
    # Translators: {subject} is a room, a sensor or another thing of any gender: a colon after it avoids that.
    TroubleKind.SILENT: (msgid("{subject} has fallen silent"), msgid("{subject} is heard again")),
    TroubleKind.STUCK: (
        msgid("{subject} shows the same values for hours"),
        msgid("{subject} shows new values again"),
    ),
    TroubleKind.IMPLAUSIBLE: (
        msgid("{subject} sends values that cannot be true"),
        msgid("{subject} sends plausible values again"),
    ),
    TroubleKind.UNREADABLE: (
        msgid("{subject} sends what cannot be read"),
        msgid("{subject} can be read again"),
    ),
    TroubleKind.CLOCK: (msgid("{subject} has a wrong clock"), msgid("{subject} has the right time again")),
    TroubleKind.BATTERY: (
        msgid("{subject} has a low battery"),
        msgid("{subject} has a good battery again"),
    ),
    TroubleKind.GAP: (msgid("{subject} was not watched"), msgid("{subject} is watched again")),
    TroubleKind.DISAGREEMENT: (
        msgid("{subject} disagrees with the others"),
        msgid("{subject} agrees again"),
    ),
    TroubleKind.DRIFT: (
        msgid("{subject} reads unlike the rest of its building"),
        msgid("{subject} reads like the rest again"),
    ),
    TroubleKind.BABBLING: (
        msgid("{subject} says far more than there is to say"),
        msgid("{subject} speaks as often as others again"),
    ),
    TroubleKind.UNDELIVERABLE: (msgid("{subject} cannot be delivered"), msgid("{subject} was delivered")),
    TroubleKind.CONFIGURATION: (
        msgid("{subject} is faulty and was not taken"),
        msgid("{subject} was taken"),
    ),
}
_NO_SENSORS = {
    "heartbeat": msgid("heartbeat"),
    "site file": msgid("site file"),
    "the site": msgid("the site"),
    "the whole site": msgid("the whole site"),
}
_IN_BUILDING = {
    "watch": msgid("the building"),
    "gateway": msgid("the gateway"),
    "witnesses": msgid("one witness of the mains"),
}


def trouble(notice: Notice, site: Site, tongue: Tongue) -> tuple[str, str]:
    """Return the title and text of a notice of troubles that began, or are over."""
    is_over = notice.reason is Reason.TROUBLE_OVER
    told = [_told(key, "" if is_over else note, is_over, site, tongue) for key, note in notice.about.items()]
    where = site.name_of(notice.building)
    advice = what_to_do({TroubleKind(key.partition(" ")[0]) for key in notice.about}, tongue)
    if len(told) == 1:
        title = tongue.say("{where}: {trouble}", where=where, trouble=told[0])
        return title, title if is_over else advice
    if is_over:
        title = tongue.plural(
            "{where}: {count} sensor trouble is over",
            "{where}: {count} sensor troubles are over",
            len(told),
            where=where,
        )
        return title, "\n".join(told)
    title = tongue.plural(
        "{where}: {count} sensor trouble", "{where}: {count} sensor troubles", len(told), where=where
    )
    return title, "\n".join([*told, advice])


def what_to_do(kinds: Collection[TroubleKind], tongue: Tongue) -> str:
    """Return what whoever reads of troubles of these kinds is to do."""
    if set(kinds) == {TroubleKind.UNDELIVERABLE}:
        return tongue.say("Please correct the address in the site file, or ask there why it is refused.")
    if set(kinds) == {TroubleKind.CONFIGURATION}:
        return tongue.say("What is in force meanwhile is as before. Please mend it.")
    return tongue.say("Please look at it: safetyd cannot vouch for what it does not hear.")


def standing(key: str, site: Site, tongue: Tongue) -> str:
    """Return what is said of one trouble that stands, `KIND SUBJECT`."""
    return _told(key, "", False, site, tongue)


def _told(key: str, note: str, is_over: bool, site: Site, tongue: Tongue) -> str:
    kind, _, subject = key.partition(" ")
    sentence = _TROUBLES[TroubleKind(kind)][1 if is_over else 0]
    said = tongue.say(sentence, subject=_subject(subject, site, tongue))
    return tongue.say("{trouble} ({note})", trouble=said, note=remark(note, tongue)) if note else said


def _subject(subject: str, site: Site, tongue: Tongue) -> str:
    """A sensor by the name of its room; what is none of ours stays as it is."""
    building_id, *middle = subject.split("/")[:-1] or [""]
    building = site.building(building_id)
    if building is None:
        return _no_sensor(subject, tongue)
    rest = subject.removeprefix(f"{building.id}/")
    id = subject.rsplit("/", 1)[-1]
    if id.startswith(GATEWAY):
        return tongue.say("the safetyd there, {gateway},", gateway=id.removeprefix(GATEWAY))
    if rest.startswith("bridge "):
        return tongue.say("the bridge {bridge}", bridge=rest.removeprefix("bridge "))
    if rest in _IN_BUILDING:
        return tongue.say(_IN_BUILDING[rest])
    if not middle or building.room(middle[0]) is None:
        return tongue.say("the witness {sensor}", sensor=id)
    room = room_name(building.id, middle[0], site)
    if id == middle[0]:
        return room
    return tongue.say("{room} (sensor {sensor})", room=room, sensor=id)


def _no_sensor(subject: str, tongue: Tongue) -> str:
    if subject in _NO_SENSORS:
        return tongue.say(_NO_SENSORS[subject])
    person, _, address = subject.removeprefix("notice to ").rpartition(" at ")
    if subject.startswith("notice to ") and person:
        return tongue.say("notice to {person} at {address}", person=person, address=address)
    return subject
