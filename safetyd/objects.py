"""The JSON objects that users and integrations see: tickets, troubles, notices, rooms.

Rule: names and shapes here are a promise; times are RFC 3339 in UTC with Z; values are unrounded.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from safetyd.core import afar, obligation, power, votes
from safetyd.core.afar import Cause
from safetyd.core.closure import staff_window, standing
from safetyd.core.duty import Duty, duties, remaining, times
from safetyd.core.model import CLAUSE, Condition, Episode, Place, Trouble, TroubleKind, Worst
from safetyd.core.quality import temperature_f
from safetyd.core.room import EMPTY, Room, verdict, warmth
from safetyd.core.shelf import Shelf, covering
from safetyd.core.spaces import Space
from safetyd.core.ticket import Basis, Deadline, Ticket
from safetyd.core.world import Facts, Row, World, up_to_date
from safetyd.store.leftovers import Refusal, RefusedKind
from safetyd.times import rfc3339, rfc3339_or_none

_OF_A_NOTICE = ("at", "ticket", "tickets", "reason", "roles", "to", "title", "text", "plan", "shelved")


def ticket_object(
    world: World, facts: Facts, ticket: Ticket, history: Sequence[tuple[Row, str]], now: datetime
) -> dict[str, Any]:
    """Return a ticket as it stands at `now`."""
    episodes = [up_to_date(world, episode, now) for episode in world.episodes_of(ticket.id)]
    rows = [row for row, _ in history]
    when = times(ticket, episodes, facts.calendar_of(ticket.place.building), now)
    owed = duties(ticket, rows, when, now)
    return {
        "id": ticket.id,
        "building": ticket.place.building,
        "room": ticket.place.room,
        "condition": ticket.condition.value,
        "hazard": ticket.hazard.value if ticket.hazard else None,
        "clause": CLAUSE[ticket.condition],
        "rules": ticket.rules,
        "calendar": ticket.calendar or None,
        "status": ticket.status.value,
        "verdict": obligation.verdict(world, facts, ticket, now).value,
        "student_day": ticket.student_day,
        "began_at": rfc3339(ticket.began_at),
        "opened_at": rfc3339(ticket.opened_at),
        "worst": _worst(ticket.condition, episodes),
        "episodes": [_episode(episode, now) for episode in episodes],
        "deadlines": [_deadline(deadline) for deadline in ticket.deadlines],
        "history": [_history(row, hash) for row, hash in history],
        "disputed": ticket.disputed,
        "follows": ticket.follows,
        "presumed": ticket.is_presumed,
        "joined": ticket.joined,
        "shelved": _shelved(world, ticket.place, now),
        "closure": _closure(facts, ticket, len(episodes), now),
        "duties": [_duty(duty) for duty in owed],
        "not_on_record": remaining(owed),
    }


def space_object(space: Space, name: str) -> dict[str, Any]:
    """Return a room that could take a class in."""
    return {
        "room": space.place.room,
        "name": name,
        "temperature_f": space.air_temp_f,
        "heat_index_f": space.heat_index_f,
        "observed_at": rfc3339(space.observed_at),
    }


def shelf_object(shelf: Shelf, at: datetime) -> dict[str, Any]:
    """Return a stretch in which a place's messages are or were held back."""
    return {
        "building": shelf.place.building,
        "room": shelf.place.room,
        "state": "standing" if shelf.holds(at) else "over",
        "by": shelf.by,
        "role": shelf.role,
        "note": shelf.note,
        "began_at": rfc3339(shelf.began_at),
        "until": rfc3339(shelf.until),
        "ended_at": rfc3339_or_none(shelf.ended_at),
        "ended_by": shelf.ended_by or None,
        "ended_note": shelf.ended_note or None,
    }


def _shelved(world: World, place: Place, now: datetime) -> dict[str, Any] | None:
    """What holds back the messages about a place."""
    shelf = covering(world.shelves, place, now)
    return None if shelf is None else {"by": shelf.by, "until": rfc3339(shelf.until), "note": shelf.note}


def _duty(duty: Duty) -> dict[str, Any]:
    return {
        "clause": duty.clause,
        "duty": duty.what,
        "state": duty.state.value,
        "due_at": rfc3339_or_none(duty.due_at),
        "proofs": [{"at": rfc3339(at), "by": by, "words": words} for at, by, words in duty.proofs],
    }


def _closure(facts: Facts, ticket: Ticket, outages: int, now: datetime) -> dict[str, Any] | None:
    if ticket.condition is not Condition.OUTAGE:
        return None
    closure = standing(ticket.closure, outages)
    calendar = facts.calendar_of(ticket.place.building)
    return {
        "state": closure.state.value,
        "told_district_at": rfc3339_or_none(closure.told_district_at),
        "told_district_by": closure.told_district_by,
        "closed_at": rfc3339_or_none(closure.closed_at),
        "closed_by": closure.closed_by,
        "lift_proposed_by": closure.lift_proposed_by,
        "reopened_at": rfc3339_or_none(closure.reopened_at),
        "reopened_by": closure.reopened_by,
        "staff_window": [
            [rfc3339(since), rfc3339_or_none(until)] for since, until in staff_window(closure, calendar, now)
        ],
    }


def _worst(condition: Condition, episodes: Iterable[Episode]) -> dict[str, Any] | None:
    found = [episode.worst for episode in episodes if episode.worst is not None]
    if not found:
        return None
    sign = -1 if condition is Condition.COLD else 1
    worst: Worst = max(found, key=lambda each: sign * each.value)
    shown: dict[str, Any] = {"value": worst.value, "unit": "degF", "at": rfc3339(worst.at)}
    return shown | ({"humidity": "assumed 0"} if worst.assumed_dry else {})


def _episode(episode: Episode, now: datetime) -> dict[str, Any]:
    end = episode.ended_at or now
    lasted = end - episode.began_at
    return {
        "began_at": rfc3339(episode.began_at),
        "ended_at": rfc3339_or_none(episode.ended_at),
        "worst": None if episode.worst is None else episode.worst.value,
        "coverage": round(min(1.0, episode.seen / lasted), 4) if lasted > timedelta(0) else 1.0,
    }


def _deadline(deadline: Deadline) -> dict[str, Any]:
    shown = {
        "tier": deadline.tier.value,
        "due_at": rfc3339_or_none(deadline.due_at),
        "state": deadline.state.value,
        "met_at": rfc3339_or_none(deadline.met_at),
        "by": deadline.by,
    }
    if deadline.extended_to is not None:
        shown["extended_to"] = rfc3339(deadline.extended_to)
    if deadline.amended_to is not None:
        shown["amended_to"] = rfc3339(deadline.amended_to)
    if deadline.basis is Basis.BETWEEN_YEARS:
        shown["basis"] = deadline.basis.value
    return shown


def _history(row: Row, hash: str) -> dict[str, Any]:
    shown = {"at": rfc3339(row.at), "event": row.event, "by": row.by, "note": row.note, **row.detail}
    return shown | {"hash": hash}


def building_object(world: World, facts: Facts, building: str, at: datetime) -> dict[str, Any]:
    """Return a building as the outside sees it: its electricity, and which witness said what and when."""
    place = Place(building, None)
    known, rule = world.powers.get(place, power.EMPTY), facts.book.in_force(at).outage
    counting = votes.cast(known.words, at)
    return {
        "building": building,
        "open_tickets": sum(subject[0].building == building for subject in world.open),
        "mains": power.verdict(known, at, rule).value,
        "electricity": power.standing(known, at, rule).value,
        "since": rfc3339_or_none(known.began_at),
        "last_on_at": rfc3339_or_none(known.last_on_at),
        "flickers": known.flickers,
        "witnesses": [
            {
                "witness": name,
                "says": "on" if word.is_on else "off",
                "since": rfc3339_or_none(word.since),
                "heard_at": rfc3339_or_none(word.at),
                "counts": name in counting,
            }
            for name, word in sorted(known.words.items())
            if word.is_on is not None
        ],
    }


def watched_object(world: World, facts: Facts, building: str, at: datetime) -> dict[str, Any]:
    """Return a building that is watched from afar: how it stands as seen from here, and since when."""
    known, watched = world.afar.get(building, afar.NOTHING), facts.watched[building]
    is_heard = known.heard_at is not None
    trouble = world.troubles.get(watched.sensor.key, {}).get(TroubleKind.SILENT)
    return {
        **building_object(world, facts, building, at),
        "gateway": watched.gateway.rpartition("/")[2],
        "state": known.cause.value if is_heard or known.cause is not Cause.WELL else Cause.UNHEARD.value,
        "state_since": rfc3339_or_none(known.since),
        "why": "" if trouble is None else trouble.note.partition(": ")[2],
        "heard_at": rfc3339_or_none(known.heard_at),
        "link": known.link.value,
        "own_tickets": sorted(known.own),
    }


def trouble_object(trouble: Trouble) -> dict[str, Any]:
    """Return a trouble as the outside sees it."""
    place = trouble.place
    return {
        "kind": trouble.kind.value,
        "sensor": trouble.sensor.removeprefix(f"{place}/"),
        "building": place.building if place else None,
        "room": place.room if place else None,
        "began_at": rfc3339(trouble.began_at),
        "ended_at": rfc3339_or_none(trouble.ended_at),
        "note": trouble.note,
    }


def notice_object(notice: dict[str, Any]) -> dict[str, Any]:
    """Return a kept notice as the outside sees it."""
    shelved = notice["shelved"] and notice["shelved"] | {"until": rfc3339(notice["shelved"]["until"])}
    shown = {name: notice[name] for name in _OF_A_NOTICE}
    return shown | {"at": rfc3339(notice["at"]), "shelved": shelved}


def delivery_object(delivery: dict[str, Any], kind: str | None) -> dict[str, Any]:
    """Return how far a notice has come at one address, `kind` of which is all that is said of it."""
    tried = [
        each | {"at": rfc3339(each["at"]), "ended_at": rfc3339_or_none(each["ended_at"])}
        for each in delivery["tried"]
    ]
    kept = {name: delivery[name] for name in ("state", "attempts", "answer", "instead_of", "went_to")}
    times = {name: rfc3339_or_none(delivery[name]) for name in ("next_at", "done_at")}
    return {"person": delivery["person"], "kind": kind, **kept, **times, "tried": tried}


def refusal_object(refusal: Refusal) -> dict[str, Any]:
    """Return a refused payload, value or action as the outside sees it."""
    subject = "ticket" if refusal.kind is RefusedKind.ACTION else "topic"
    return {
        "at": rfc3339(refusal.at),
        "kind": refusal.kind.value,
        subject: refusal.topic or None,
        "reason": refusal.reason,
    }


def room_object(world: World, facts: Facts, place: Place, name: str, now: datetime) -> dict[str, Any]:
    """Return a room's verdicts and last values that still count at `now`."""
    room = world.rooms.get(place, EMPTY)
    rules = facts.book.in_force(now)
    hottest = warmth(room, Condition.HEAT, now, rules)
    coldest = warmth(room, Condition.COLD, now, rules)
    shown = None if coldest is not None or place not in world.shown else world.shown[place]
    is_measured = hottest is not None and not hottest.assumed_dry and _has_humidity(room, now)
    return {
        "building": place.building,
        "room": place.room,
        "name": name,
        "verdicts": {c.value: verdict(room, c, now, rules).value for c in (Condition.COLD, Condition.HEAT)},
        "values": {
            "temperature_f": coldest.value if coldest else shown and temperature_f(shown),
            "humidity": shown.humidity if shown else _humidity(room, now),
            "heat_index_f": hottest.value if is_measured and hottest is not None else None,
        },
        "watch": hottest is not None and is_measured and hottest.value >= rules.heat.watch_f,
        "since": {c.value: rfc3339_or_none(_breach_since(room, c)) for c in (Condition.COLD, Condition.HEAT)},
        "retained": shown is not None,
        "shelved": _shelved(world, place, now),
        "observed_at": rfc3339_or_none(room.at),
    }


def _breach_since(room: Room, condition: Condition) -> datetime | None:
    watch = room.watch(condition)
    return watch.began_at if watch.is_breach else None


def _humidity(room: Room, now: datetime) -> float | None:
    fresh = [s.humidity for s in room.sources.values() if s.humidity is not None and s.humidity.until >= now]
    return max(fresh, key=lambda latest: latest.at).value if fresh else None


def _has_humidity(room: Room, now: datetime) -> bool:
    return _humidity(room, now) is not None
