"""A topic that is nobody's is given a place, or let go: what a person asks, carried out and answered.

Rule: it is refused in one sentence, or holds from then on through restarts and reloads. What the answer says
of the past is what was judged, and it says what was not kept.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, tzinfo
from typing import Any

from safetyd.assigned import compose, derived_id, file_part, guessed_format
from safetyd.commands import read_assignment
from safetyd.core.assignment import AssignAction, Assignment, AssignVerb, Standing, check_person, standing
from safetyd.core.errors import ActionError, TransitionError
from safetyd.core.model import Place, Quantity
from safetyd.faults import did_you_mean, one_of
from safetyd.ingest.binding import quantities
from safetyd.ingest.message import Message
from safetyd.ingest.topics import native_route, routes
from safetyd.profile import shipped_profiles
from safetyd.sensor_objects import assignment_object
from safetyd.service import Service
from safetyd.site import Building, Site
from safetyd.site_readings import IN_A_ROOM, OF_ELECTRICITY
from safetyd.store import leftovers, strays
from safetyd.store.leftovers import Stray
from safetyd.times import rfc3339, short


def carry_out(service: Service, said: Mapping[str, Any], at: datetime) -> dict[str, Any]:
    """Carry out what a person asks, and return the answer: a ticket's id, or what became of an assignment.

    Raises:
        SafetydError: it is refused, in one sentence; nothing has changed.
    """
    if said.get("do") not in list(AssignVerb):
        ticket = service.command(said, at)
        return {"ticket": ticket.id if ticket else None}
    service.elapse_before(at)
    asked = read_assignment(said, service.site.timezone)
    told = (_unassign if asked.verb is AssignVerb.UNASSIGN else _assign)(service, asked, at)
    return {"ticket": None, **told}


def _assign(service: Service, asked: AssignAction, at: datetime) -> dict[str, Any]:
    assert asked.place is not None
    building = _building(service, asked.place)
    role = service.facts.role_of(asked.by, building.id, asked.role)
    check_person(asked.verb, asked.by, role, building.id)
    heard = _heard(service, asked.topic)
    _check_free(service, asked.topic, heard, at, is_elsewhere=asked.is_heard_elsewhere)
    since = asked.moment or (heard.first_at if heard is not None and asked.is_from_first else at)
    if since > at:
        raise ActionError(f"from: {rfc3339(since)} is yet to come; expected now or a time before it")
    format = asked.format or _format(service, asked.topic, heard)
    sensor = _sensor(service, asked, format, building)
    place = asked.place
    line = Assignment(
        asked.verb,
        at,
        asked.by,
        role,
        asked.note,
        asked.topic,
        place,
        sensor,
        format,
        asked.settings,
        since,
    )
    tried = compose(service.site, [*standing(service.assignments), Standing(line)], service.root)
    for each in tried.resting:
        if each.standing.line is line:
            raise ActionError(each.why)
    kept = _kept(service, asked.topic)
    _check_place(line, tried.site, [*(each.payload for each in kept), *([heard.payload] if heard else ())])
    before = [each for each in kept if since <= each.received_at < at]
    judged = service.assign(line, before, at)
    lost = heard is not None and since < at and heard.heard > len(kept) and _lost_since(kept, since, heard)
    return {
        "assignment": assignment_object(line),
        "judged": judged,
        "is_all": not lost,
        "says": _says(line, judged, kept, service.site.timezone, is_all=not lost, at=at),
    }


def _unassign(service: Service, asked: AssignAction, at: datetime) -> dict[str, Any]:
    held = [each for each in standing(service.assignments) if each.line.topic == asked.topic]
    last = held[-1] if held and held[-1].until is None else None
    if last is None:
        if routes(file_part(service.site)).of(asked.topic):
            raise TransitionError(f"{asked.topic} stands in the site file; it ends there, with until = DATE")
        known = [each.line.topic for each in standing(service.assignments) if each.until is None]
        raise TransitionError(f"{asked.topic} is assigned to no room{did_you_mean(asked.topic, known)}")
    place, begun = last.line.place, last.line.moment
    role = service.facts.role_of(asked.by, place.building, asked.role)
    check_person(asked.verb, asked.by, role, place.building)
    until = asked.moment or at
    if until < begun:
        raise ActionError(f"until: {rfc3339(until)} is before {rfc3339(begun)}, from when on it is assigned")
    sensor, format = last.line.sensor, last.line.format
    line = Assignment(
        asked.verb, at, asked.by, role, asked.note, asked.topic, place, sensor, format, (), until
    )
    service.assign(line, (), at)
    ended = short(until, service.site.timezone)
    says = f"{asked.topic} is {place}'s until {ended}; what it said so far stays there"
    return {"assignment": assignment_object(last.line, until), "judged": 0, "is_all": True, "says": says}


def _building(service: Service, place: Place) -> Building:
    if service.site.is_watch:
        raise ActionError("the buildings here are watched from afar; assign at the safetyd of the building")
    building = service.site.building(place.building)
    if building is None:
        ids = [each.id for each in service.site.buildings]
        raise ActionError(
            f"building: no building has the id {place.building!r}{did_you_mean(place.building, ids)}"
        )
    return building


def _heard(service: Service, topic: str) -> Stray | None:
    """Return what was heard on a topic while it was nobody's, committed or not."""
    with service.writing() as connection:
        found = leftovers.stray_of(connection, topic)
    fresh = service.waiting.strays.get(topic)
    if found is None or fresh is None:
        return found or fresh
    return Stray(found.first_at, fresh.last_at, found.heard + fresh.heard, fresh.payload)


def _kept(service: Service, topic: str) -> list[Message]:
    """Return what is kept of a topic, in order of arrival."""
    with service.writing() as connection:
        found = strays.kept(connection, topic)
    found += [each for each in service.waiting.unclaimed if each.topic == topic]
    return [Message(each.at, each.topic, each.payload) for each in found]


def _check_free(
    service: Service, topic: str, heard: Stray | None, at: datetime, *, is_elsewhere: bool
) -> None:
    """Check that a topic was heard, here or elsewhere, and is nobody's."""
    native = native_route(topic, service.site, service.root)
    for route in service.hearing.routes.of(topic):
        if route.until is None or route.until > at:
            raise ActionError(
                f"topic: {topic!r} is bound to {route.sensor.place} already, as {route.sensor.id};"
                " end that first"
            )
    if native is not None:
        raise ActionError(f"topic: {topic!r} is of {native.sensor.place} already, by its own name")
    if topic in service.hearing.routes.bridges:
        raise ActionError(f"topic: on {topic!r} a bridge speaks of itself, and no sensor")
    if heard is None and all(each.topic != topic for each in service.hearing.known) and not is_elsewhere:
        with service.writing() as connection:
            hint = did_you_mean(topic, leftovers.unassigned_topics(connection))
        raise ActionError(
            f"topic: nothing was ever heard on {topic!r}{hint};"
            " what was is listed by: safetyd sensors --unassigned"
        )


def _check_place(line: Assignment, site: Site, payloads: Iterable[bytes]) -> None:
    """Check that what a topic has said so far is of any use where it is to be."""
    building = site.building(line.place.building)
    assert building is not None
    binding = next(each for each in building.sensors if each.assigned is line)
    of_use = OF_ELECTRICITY if line.place.room is None else IN_A_ROOM
    said = {each for payload in payloads for each in quantities(binding, line.topic, payload)}
    if (told := said - {Quantity.BATTERY}) and not told & of_use:
        what, mend = (
            ("the building's electricity", "assign it to its room")
            if line.place.room is None
            else ("a room", "without a room it is a witness of the building's electricity")
        )
        raise ActionError(
            f"room: {line.topic!r} has told of {' and '.join(sorted(told))} only,"
            f" which is nothing of {what}; {mend}"
        )


def _format(service: Service, topic: str, heard: Stray | None) -> str:
    before = [each.format for each in service.assignments if each.topic == topic]
    known = [each.format for each in service.hearing.known if each.topic == topic]
    guessed = guessed_format(topic, heard.payload, service.site, service.root) if heard else ""
    found = [guessed, *reversed(before), *known]
    format = next(filter(None, found), "")
    if not format:
        formats = one_of(["native", "sparkplug", *service.site.profiles, *shipped_profiles()])
        raise ActionError(f"format: what {topic!r} says leaves open who speaks; say one of {formats}")
    return format


def _sensor(service: Service, asked: AssignAction, format: str, building: Building) -> str:
    """Return the sensor's id: as asked, as it was, or made of its topic; no other device has it there."""
    others = {
        each.sensor.id: each.topic
        for each in service.hearing.known
        if each.sensor.place == asked.place and each.topic != asked.topic
    }
    if asked.sensor:
        if asked.sensor in others:
            holder = others[asked.sensor]
            raise ActionError(f"sensor: {asked.sensor!r} is taken by {holder!r}; give another name")
        return asked.sensor
    before = [each for each in service.assignments if each.topic == asked.topic]
    if before and before[-1].place.building == building.id:
        return before[-1].sensor
    return derived_id(asked.topic, format, building, service.site, others)


def _lost_since(kept: list[Message], since: datetime, heard: Stray) -> bool:
    """Whether something was heard from a moment on and is not kept."""
    return heard.last_at >= since and (not kept or max(since, heard.first_at) < kept[0].received_at)


def _says(
    line: Assignment, judged: int, kept: list[Message], zone: tzinfo, *, is_all: bool, at: datetime
) -> str:
    since = short(line.moment, zone)
    begun = f"{line.topic} is {line.place}'s from {since} on, as {line.sensor} ({line.format})"
    if line.moment >= at:
        return begun
    many = "1 message was" if judged == 1 else f"{judged} messages were"
    past = f"{many} judged as learned now" if judged else "nothing that it said before could be judged"
    if is_all:
        return f"{begun}; {past}"
    known = f"what came before {short(kept[0].received_at, zone)} is" if kept else "what it said before is"
    return f"{begun}; {past}; {known} not kept and cannot be"
