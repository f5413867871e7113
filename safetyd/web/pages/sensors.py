"""Sensors: how each stands and what it said last, people's instruments, and topics that are nobody's.

Rule: what a device sent is shown as it came, as text. Who may assign a topic does it where they see it.
"""

from typing import Any

from safetyd.commands import FIRST_HEARD
from safetyd.core.model import HAND, Place
from safetyd.notify.who_and_where import room_name
from safetyd.profile import NATIVE, SPARKPLUG, shipped_profiles
from safetyd.recovery import BY_HAND
from safetyd.sensor_objects import PAYLOAD_SHOWN, State, printable, unit, value
from safetyd.sensor_sheet import sensor_sheet
from safetyd.site import Site
from safetyd.store import latest, leftovers, readings
from safetyd.value_words import value_words
from safetyd.view import View
from safetyd.web import acts, answers
from safetyd.web.access import Right, may, sees
from safetyd.web.answers import Asked
from safetyd.web.pages.page import Answer, Deed, Go, Sheet, Visit
from safetyd.web.problems import Problem
from safetyd.web.routes import ROUTES

STRAYS = 100
_ASSIGN, _UNASSIGN = (next(each for each in ROUTES if each.name == name) for name in ("assign", "unassign"))
_SETTINGS = ("format", "sensor", "unit", "measures", "values", "channel", "note")
_CALM = (State.OK, State.RETIRED, State.IMPORTED)


def sensors(view: View, visit: Visit) -> Answer:
    """Return every sensor by building; after a form that was refused, with that form open."""
    building = visit.query.get("building", "")
    only = visit.query.get("only", "")
    said = {"building": building} if building else {}
    told = answers.sensors(view, Asked(visit.account, said))
    found = [each for each in told["sensors"] if only != "troubled" or each["state"] not in _CALM]
    strays = [] if building or only else told["strays"]
    asked = visit.form.get("topic") or visit.query.get("assign", "")
    is_offered = may(visit.account, Right.ASSIGN)
    shown = {
        "building": building,
        "only": only,
        "groups": _groups(found, view.site),
        "instruments": [] if only else _instruments(view, visit, building),
        "strays": [_stray(each, view) for each in strays[:STRAYS]],
        "more": max(0, len(strays) - STRAYS),
        "assign": asked if is_offered else "",
        "may_assign": is_offered,
        "formats": sorted({NATIVE, SPARKPLUG, *shipped_profiles(), *view.site.profiles}),
    }
    return Sheet("sensors.html", shown)


def sensor(view: View, visit: Visit) -> Answer:
    """Return the sheet of one sensor: its building in the path, its room and name asked for."""
    building = answers.building_of(view.site, visit.account, visit.path["building"])
    room, name = visit.query.get("room") or None, visit.query.get("sensor", "")
    if not name:
        return Go(f"/sensors?building={building.id}")
    place, view = Place(building.id, room), view.of(building.id)
    found = next((e for e in view.sensors() if e.sensor.place == place and e.sensor.id == name), None)
    if found is None:
        raise Problem(404, f"no sensor of {printable(str(place)):.100} is called {printable(name):.100}")
    sheet = sensor_sheet(view, found)
    return Sheet("sensor.html", {"each": _row(sheet, view.site), "building": building})


def assign(view: View, visit: Visit) -> Deed:
    """Give a topic a place, from a date on."""
    building, _, room = visit.field("place").partition("/")
    if not building:
        raise Problem(400, "place: say which room it is of")
    said: dict[str, Any] = {"topic": visit.form.get("topic", ""), "building": building, "room": room or None}
    said |= {name: text for name in _SETTINGS if (text := visit.field(name))}
    if since := _since(visit):
        said["from"] = since
    return Deed((acts.assignment(_ASSIGN, said, visit.account, view),), "/sensors", "")


def unassign(view: View, visit: Visit) -> Deed:
    """Let go of a topic that was assigned."""
    said = {"topic": visit.form.get("topic", "")}
    said |= {name: text for name in ("until", "note") if (text := visit.field(name))}
    return Deed((acts.assignment(_UNASSIGN, said, visit.account, view),), "/sensors", "")


def _since(visit: Visit) -> str:
    """Return from when on, empty for from now on; a date that was typed counts."""
    day, clock, is_first = visit.field("day"), visit.field("clock"), visit.field("since") == FIRST_HEARD
    if day and is_first:
        raise Problem(400, f"from: it is either since {day} or since it was first heard; leave one of them")
    if clock and not day:
        raise Problem(400, f"from: {clock} needs its date; write one, or leave both empty for from now on")
    if is_first:
        return FIRST_HEARD
    return f"{day} {clock}".strip()


def _groups(found: list[dict[str, Any]], site: Site) -> list[dict[str, Any]]:
    groups: dict[str, list[dict[str, Any]]] = {}
    for each in found:
        groups.setdefault(each["building"], []).append(_row(each, site))
    return [{"id": id, "name": site.name_of(id), "sensors": rows} for id, rows in groups.items()]


def _row(each: dict[str, Any], site: Site) -> dict[str, Any]:
    last = {
        quantity: {"at": at, "words": value_words(quantity, value, each["units"][quantity])}
        for quantity, (at, value) in each["last"].items()
    }
    more = {
        "where": room_name(each["building"], each["room"], site) if each["room"] else "Electricity",
        "battery": last.pop("battery", None),
        "said": list(last.values()),
    }
    if "readings" in each:
        more["readings"] = [reading | {"words": _words(reading)} for reading in each["readings"]]
    return each | more


def _words(reading: dict[str, Any]) -> list[str]:
    units = reading["units"]
    return [value_words(quantity, value, units[quantity]) for quantity, value in reading["values"].items()]


def _instruments(view: View, visit: Visit, building: str) -> list[dict[str, Any]]:
    """What people measured with by hand, and what it said last."""
    found = []
    known = [(part, each) for part in view.each for each in readings.sensors(part.connection)]
    for part, each in known:
        place = each.sensor.place
        if each.format != BY_HAND or not sees(visit.account, place.building):
            continue
        if building and building != place.building:
            continue
        health = view.world.health.get(each.sensor.key)
        at = None if health is None else health.heard_at
        said = latest.readings_of(part.connection, each.number, at, view.at, 1)
        values = [value_words(*_of_entry(entry)) for entry in said[0]] if said else []
        found.append(
            {
                "name": each.sensor.id.removeprefix(HAND),
                "where": room_name(place.building, place.room or "", view.site),
                "building": view.site.name_of(place.building),
                "at": said[0][0].observed_at if said else None,
                "values": values,
            }
        )
    return found


def _of_entry(entry: latest.Entry) -> tuple[str, float | bool, str]:
    return entry.quantity.value, value(entry), unit(entry)


def _stray(each: dict[str, Any], view: View) -> dict[str, Any]:
    found = (leftovers.stray_of(part.connection, each["topic"]) for part in view.each)
    stray = next(filter(None, found), None)
    payload = b"" if stray is None else stray.payload
    text = printable(payload[:PAYLOAD_SHOWN].decode("utf-8", "backslashreplace"))
    return each | {"sample": text, "is_cut": len(payload) > PAYLOAD_SHOWN}
