"""Shelves in the World: a person begins and ends the silence about a place, and time ends it by itself.

Rule: whoever is told that a silence begins is told when it is over, of all that is open there then. What was
decided meanwhile was decided as ever; nothing here changes it.
"""

from collections.abc import Iterator
from datetime import datetime

from safetyd.core import power, shelf, telling
from safetyd.core.errors import ActionError
from safetyd.core.model import Condition, Place, Role
from safetyd.core.plan import Reason
from safetyd.core.shelf import Shelf, ShelfAction, ShelfVerb, is_within, may_hide
from safetyd.core.world import Facts, World


def act(world: World, facts: Facts, action: ShelfAction, now: datetime) -> None:
    """Carry out what a person does about the messages of a place.

    Raises:
        ActionError: nobody knows the place, or the action lacks something, or the wrong person does it.
        TransitionError: nothing is shelved there that could be ended.
    """
    world.now = max(now, world.now)
    place, standing = action.place, world.shelves.get(action.place)
    if place not in facts.places and standing is None:
        raise ActionError(f"there is no {'building' if place.room is None else 'room'} {place}")
    role = facts.role_of(action.by, place.building, action.role)
    holding = standing if standing is not None and standing.holds(world.now) else None
    if action.verb is ShelfVerb.UNSHELVE:
        _end(world, facts, shelf.end(holding, action, role, now), now)
        return
    begun = shelf.begin(holding, action, role, now)
    if holding is not None:
        world.put_shelf(shelf.over(holding, now, action.by, "replaced"))
    elif standing is not None:
        _end(world, facts, shelf.over(standing, standing.until, telling.SAFETYD), now)
    telling.clear_desk(world, facts, place, now)
    world.put_shelf(begun)
    wait(world, begun)
    for id in _open_at(world, place):
        telling.record_shelf(world, now, id, begun)
    about = _words(begun) | _standing(world, begun)
    if holding is not None:
        about |= {"before_by": holding.by, "before_until": holding.until.isoformat()}
    telling.tell_of_shelf(world, facts, Reason.SHELVED, begun, now, _open_at(world, place), about)


def wait(world: World, standing: Shelf) -> None:
    """Note when a shelf ends by itself."""
    world.schedule("shelf", str(standing.place), standing.until)


def expire(world: World, facts: Facts, key: str, at: datetime) -> None:
    """End the shelf of a place, by its name, if its time has come."""
    building, _, room = key.partition("/")
    standing = world.shelves.get(Place(building, room or None))
    if standing is None:
        return
    if standing.holds(at):
        wait(world, standing)
    else:
        _end(world, facts, shelf.over(standing, standing.until, telling.SAFETYD), at)


def _end(world: World, facts: Facts, ended: Shelf, now: datetime) -> None:
    """Put the end of a silence on record, and tell of all that is open by then."""
    world.put_shelf(ended)
    still = telling.shelf_over(world, ended.place, now)
    for id in _open_at(world, ended.place):
        telling.record(world, now, id, "unshelved", ended.ended_note, ended.ended_by)
    about = _words(ended) | {"ended_by": ended.ended_by, "ended_note": ended.ended_note}
    if still is not None:
        about |= {"still_by": still.by, "still_until": still.until.isoformat()}
    about |= _standing(world, ended)
    open_there = _open_at(world, ended.place)
    also = _would_have_been_told(world, facts, ended, now)
    telling.tell_of_shelf(world, facts, Reason.UNSHELVED, ended, now, open_there, about, also)


def _would_have_been_told(world: World, facts: Facts, ended: Shelf, now: datetime) -> Iterator[Role]:
    """Whom else that concerns which fell into the silence: what is overdue, steps, disputes, an outage."""
    plan = facts.plans.in_force(now)
    for id in _open_at(world, ended.place):
        ticket = world.tickets[id]
        if any(deadline.is_overdue(now) for deadline in ticket.deadlines):
            yield from plan.roles(Reason.OVERDUE)
        if ticket.disputed:
            yield from plan.roles(Reason.DISPUTED)
        for step in plan.steps:
            if ended.since <= ticket.opened_at + step.after <= now:
                yield from step.to
    if world.powers.get(ended.place, power.EMPTY).is_out:
        yield from plan.roles(Reason.OUTAGE_BEGAN)


def _words(of: Shelf) -> dict[str, str]:
    return {
        "place": str(of.place),
        "by": of.by,
        "role": of.role,
        "note": of.note,
        "since": of.since.isoformat(),
        "until": of.until.isoformat(),
    }


def _open_at(world: World, place: Place) -> tuple[str, ...]:
    """The tickets of a place that somebody owes something for."""
    return tuple(sorted(id for subject, id in world.open.items() if is_within(subject[0], place)))


def _standing(world: World, of: Shelf) -> dict[str, str]:
    """What is open at a place: `ID` with what happened to that ticket in the silence; `trouble KIND SENSOR`,
    `held CONDITION ROOM` and `outage` since when."""
    found = {id: _meanwhile(world, id, of.since) for id in _open_at(world, of.place)}
    for number, episode in sorted(world.episodes.items()):
        if number in world.held and episode.ended_at is None and is_within(episode.place, of.place):
            found[f"held {episode.condition} {episode.place.room}"] = episode.began_at.isoformat()
    out = world.powers.get(of.place, power.EMPTY)
    if out.is_out and out.began_at is not None and (of.place, Condition.OUTAGE, None) not in world.open:
        found["outage"] = out.began_at.isoformat()
    for sensor, kinds in sorted(world.troubles.items()):
        for kind, trouble in sorted(kinds.items()):
            place = trouble.place
            if place is not None and is_within(place, of.place) and may_hide(kind, place):
                found[f"trouble {kind} {sensor}"] = trouble.began_at.isoformat()
    return found


def _meanwhile(world: World, id: str, since: datetime) -> str:
    """What happened to a ticket since a moment, in one word: a recurrence is one only of an older ticket."""
    if world.tickets[id].opened_at >= since:
        return "opened"
    return "recurred" if any(episode.began_at >= since for episode in world.episodes_of(id)) else ""
