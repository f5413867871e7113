"""The three things that can happen: a sensor speaks, time passes, a person acts.

Rule: what is decided is worked out for a given moment, and how often `elapse` is called never changes an
outcome. Time is passed strictly up to a reading or an action, so what happens at the very moment of a limit
comes before the limit.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

from safetyd.core import (
    blackout,
    drift,
    lateness,
    lookout,
    morning,
    obligation,
    power,
    room,
    shelving,
    supervision,
    telling,
    votes,
    waking,
)
from safetyd.core.afar import Heard
from safetyd.core.closing import act_on_building
from safetyd.core.closure import ClosureAction, ClosureVerb, staff_window
from safetyd.core.errors import ActionError, TransitionError
from safetyd.core.model import Finding, Observation, Place, TroubleKind
from safetyd.core.notice import next_flush
from safetyd.core.plan import Reason
from safetyd.core.quality import Flaw, judge
from safetyd.core.rules import Rules
from safetyd.core.ticket import AT_REST, Action, Ticket, Verb
from safetyd.core.ticket import act as act_on
from safetyd.core.units import JUST_AFTER
from safetyd.core.world import Facts, World

_REASONS = {
    Verb.ACKNOWLEDGE: Reason.ACKNOWLEDGED,
    Verb.REOPEN: Reason.RECURRED,  # it is open again, whoever says so
    Verb.RELIEVE: Reason.RELIEVED,
    Verb.EXTEND: Reason.EXTENDED,
    Verb.DISPUTE: Reason.DISPUTED,
    Verb.CLOSE: Reason.CLOSED,
}
_EVENTS = {
    Verb.ACKNOWLEDGE: "acknowledged",
    Verb.RELIEVE: "relieved",
    Verb.NOTE: "note",
    Verb.EXTEND: "extended",
    Verb.DISPUTE: "disputed",
    Verb.CLOSE: "closed",
    Verb.REOPEN: "reopened",
}


class Told(NamedTuple):
    """What became of an observation: the flaws of its values, and whether the past must be read again."""

    flaws: tuple[Flaw, ...] = ()
    is_late: bool = False


def observe(world: World, facts: Facts, observation: Observation, now: datetime) -> Told:
    """Take in what a sensor said, learned at `now`. A late observation changes nothing: see `revision`."""
    place = observation.sensor.place
    world.now = max(now, world.now)
    if observation.retained:
        world.shown[place] = observation
        return _NOTHING
    rules = facts.book.in_force(observation.observed_at)
    if place.room is None:
        found = flaws(facts, observation)
        if observation.energy_kwh is not None:
            waking.weigh(world, observation, now)
        told = power.observe(world.powers.get(place, power.EMPTY), observation, rules)
        if told is None:
            return Told(found, is_late=True)
        standing, steps = told
        standing, learned = power.pass_time(standing, now, rules)
        _ask_about_parts(world, place, standing, rules, now)
        obligation.keep_power(world, facts, place, standing, _now_learned(steps + learned, now), now)
    else:
        old = world.rooms.get(place, room.EMPTY)
        still = room.calm(old, observation, rules)
        if still is not None and supervision.hear_as_usual(world, facts, observation, rules):
            world.rooms[place] = still
            return _NOTHING
        seen = room.observe(old, observation, facts.book)
        found = seen.judged.flaws
        if seen.is_late:
            supervision.examine(world, facts, observation, found, now)
            return Told(found, is_late=True)
        world.rooms[place] = seen.room
        if seen.findings:
            _find(world, facts, place, seen.findings, now)
        if seen.room.cold.back or seen.room.heat.back:
            world.schedule("room", str(place), room.next_due(seen.room))
    supervision.examine(world, facts, observation, found, now)
    if observation.sensor.key in facts.mains_powered:
        _conclude(world, facts, blackout.of_speech(world, place.building, now))
    return Told(found)


def _ask_about_parts(world: World, place: Place, standing: power.Power, rules: Rules, now: datetime) -> None:
    """Some witnesses have no power and the others do: whether that is a hazard, a person must judge."""
    split = votes.split(standing.words, now, rules.outage)
    is_due = split is not None and split.asks_at <= now
    words = split.words if split is not None else ""
    subject = f"{place.building}/witnesses"
    supervision.complain(world, subject, place, TroubleKind.DISAGREEMENT, is_due, now, words)
    if split is not None and not is_due:
        world.places[subject] = place
        world.schedule("witnesses", subject, split.asks_at)


def _conclude(world: World, facts: Facts, concluded: Observation | None) -> None:
    """Take in what was concluded from the silence of devices, like any other observation."""
    if concluded is not None and not observe(world, facts, concluded, concluded.received_at).is_late:
        world.conclusions.append(concluded)


def hear_from_afar(
    world: World, facts: Facts, building: str, heard: Heard, now: datetime, *, is_retained: bool
) -> None:
    """Take in what a gateway, or a broker, says of a building that is watched from afar."""
    world.now = max(now, world.now)
    for concluded in lookout.hear(world, facts, building, heard, now, is_retained=is_retained):
        _conclude(world, facts, concluded)


def _now_learned(steps: tuple[power.Step, ...], now: datetime) -> tuple[power.Step, ...]:
    """What a reading brings about was not known when it happened, but only now."""
    return tuple(step._replace(at=now) for step in _timely(steps))


def _timely(steps: tuple[power.Step, ...]) -> tuple[power.Step, ...]:
    """Of stages that come all at once, a warning is idle once a later one is reached."""
    last = len(steps) - 1
    return tuple(
        step for number, step in enumerate(steps) if step.stage is not power.Stage.WARNING or number == last
    )


def _find(world: World, facts: Facts, place: Place, findings: Iterable[Finding], now: datetime) -> None:
    world.changes.places.add(place)
    world.places[str(place)] = place
    for finding in findings:
        if finding.ended_at is None:
            obligation.episode_began(world, facts, place, finding, now)
        else:
            number = world.running.get((place, finding.condition))
            if number is not None:
                obligation.episode_ended(world, facts, number, finding, now)
    obligation.second_limb(world, facts, place.building, now)


_NOTHING = Told()


def flaws(facts: Facts, observation: Observation) -> tuple[Flaw, ...]:
    """Return what is wrong with an observation in itself."""
    return judge(room.NOBODY, observation, facts.book.in_force(observation.observed_at).quality)[1].flaws


def schedule_all(world: World, facts: Facts, now: datetime) -> None:
    """Note everything that will fall due in a World that was read back."""
    for place, standing_room in world.rooms.items():
        world.places[str(place)] = place
        world.schedule("room", str(place), room.next_due(standing_room))
    for place, standing in world.powers.items():
        world.places[str(place)] = place
        world.schedule("power", str(place), power.next_due(standing, facts.book.in_force(standing.at or now)))
    supervision.wait_for_all(world, facts, now)
    for ticket_id in world.open.values():  # one at rest owes nothing
        lateness.schedule_ticket(world, facts, world.tickets[ticket_id])
    for number, due_at in world.held.items():
        world.schedule("hold", str(number), due_at)
        morning.expect(world, world.episodes[number].place.building)
    for building, desk in world.desks.items():
        world.schedule("desk", building, next_flush(desk))
    for standing_shelf in world.shelves.values():
        shelving.wait(world, standing_shelf)


def elapse(world: World, facts: Facts, now: datetime) -> None:
    """Let time pass up to and including `now`, every due moment in its turn.

    What falls due in a past that was learned late is carried out now: nothing is dated before it was known.
    """
    for due in world.take_due(now):
        at = world.now = max(due.at, world.now)
        match due.kind:
            case "room" | "power":
                _pass_place(world, facts, world.places[due.key], due.at, at)
            case "deaf":
                lookout.pass_deafness(world, facts, at)
            case "silence" if (building := lookout.watched_by(facts, due.key)) is not None:
                _conclude(world, facts, lookout.pass_silence(world, facts, building, at))
            case "silence":
                supervision.pass_silence(world, facts, due.key, at, _exact(due.at, at))
                if due.key in facts.mains_powered:
                    building = world.places[due.key].building
                    exact = _exact(due.at, at)
                    _conclude(world, facts, blackout.of_silence(world, facts, building, at, exact))
            case "witnesses":
                place = world.places[due.key]
                standing, rules = world.powers[place], facts.book.in_force(at)
                _ask_about_parts(world, place, standing, rules, at)
            case "drift":
                drift.compare(world, facts, due.key, at)
            case "release":
                supervision.release(world, due.key, at)
            case "hold":
                obligation.release(world, facts, int(due.key), at)
            case "morning":
                morning.warn(world, facts, due.key, at)
            case "ticket":
                lateness.ticket_due(world, facts, due.key, at)
            case "shelf":
                shelving.expire(world, facts, due.key, at)
            case "desk":
                telling.flush(world, facts, due.key, at)
    world.now = max(now, world.now)


def catch_up(world: World, facts: Facts, now: datetime) -> None:
    """After a long stop, owe for each ticket only the last of the reminders that fell due meanwhile."""
    for ticket_id in list(world.open.values()):
        lateness.remind(world, facts, ticket_id, now)


def _exact(due_at: datetime, at: datetime) -> datetime:
    """The moment of a limit that has just been passed; later, the moment at which that is learned."""
    return due_at - JUST_AFTER if at == due_at else at


def _pass_place(world: World, facts: Facts, place: Place, due_at: datetime, at: datetime) -> None:
    if place.room is None:
        standing = world.powers[place]
        rules = facts.book.in_force(standing.at or at)
        standing, steps = power.pass_time(standing, at, rules)
        if at != due_at:  # the daemon was away; when an outage grew too long is known all the same
            steps = tuple(
                step if step.stage is power.Stage.LONG else step._replace(at=at) for step in _timely(steps)
            )
        obligation.keep_power(world, facts, place, standing, steps, at)
        return
    passed, findings = room.pass_time(world.rooms[place], at)
    world.rooms[place] = passed
    if findings:
        _find(world, facts, place, findings, _exact(due_at, at))
    world.schedule("room", str(place), room.next_due(passed))


def act(world: World, facts: Facts, ticket_id: str, action: Action | ClosureAction, now: datetime) -> Ticket:
    """Carry out a person's action on a ticket, or on the building it is about, and return the ticket.

    Raises:
        ActionError: there is no such ticket, or the action lacks something, or the wrong person does it.
        TransitionError: the ticket's state does not allow it.
    """
    world.now = max(now, world.now)
    if not action.by.strip():
        raise ActionError(f"{action.verb} for {ticket_id} needs by: the name of who does it")
    ticket = world.tickets.get(ticket_id)
    if ticket is None:
        raise ActionError(f"there is no ticket {ticket_id!r}; see: safetyd tickets")
    if isinstance(action, ClosureAction):
        return _act_on_building(world, facts, ticket, action, now)
    standing = world.open.get(ticket.subject)
    if action.verb is Verb.REOPEN and standing not in (None, ticket_id):
        raise TransitionError(
            f"{ticket_id} cannot be reopened: {standing} is open for the same place and condition"
        )
    role = facts.role_of(action.by, ticket.place.building, action.role)
    changed = act_on(ticket, action, obligation.verdict(world, facts, ticket, now), now)
    if action.verb is Verb.REOPEN:
        changed = replace(changed, told_until=now)
    world.put_ticket(changed)
    event = "dispute_withdrawn" if action.withdraw and action.verb is Verb.DISPUTE else _EVENTS[action.verb]
    detail = _detail(action) | ({"role": role} if role else {})
    telling.record(world, now, ticket_id, event, action.note, action.by, **detail)
    if action.attachments:
        telling.attach(world, action.attachments)
    shelf = telling.shelf_over(world, ticket.place, now)
    if shelf is not None and ticket.status in AT_REST and action.verb is not Verb.NOTE:
        telling.record_shelf(world, now, ticket_id, shelf)  # it was not there to be told so when that began
    if action.verb in _REASONS:
        about: dict[str, Any] = {**_detail(action), "by": action.by, "note": action.note, "event": event}
        telling.tell(world, facts, _REASONS[action.verb], changed, now, is_at_once=True, **about)
    lateness.schedule_ticket(world, facts, changed)
    return changed


def _detail(action: Action) -> dict[str, str]:
    detail = {
        "tier": action.tier,
        "kind": action.kind,
        "until": action.until and _text(action.until),
        "room": action.room,
        "since": action.since and _text(action.since),
        "agreed_by": action.agreed_by,
    }
    return {name: str(value) for name, value in detail.items() if value}


def _act_on_building(
    world: World, facts: Facts, ticket: Ticket, action: ClosureAction, now: datetime
) -> Ticket:
    outages = [episode.began_at for episode in world.episodes_of(ticket.id)]
    lifters = facts.lifters.get(ticket.place.building, ())
    verdict = obligation.verdict(world, facts, ticket, now)
    changed = act_on_building(ticket, action, outages, lifters, verdict, now)
    role = facts.role_of(action.by, ticket.place.building)
    detail = {"role": role} if role else {}
    match action.verb:
        case ClosureVerb.TELL_DISTRICT:
            detail["minutes_after_opening"] = f"{(now - ticket.opened_at).total_seconds() / 60:.0f}"
        case ClosureVerb.CLOSE_BUILDING:
            detail["closed_at"] = _text(changed.closure.closed_at or now)
        case ClosureVerb.LIFT | ClosureVerb.CONFIRM_LIFT if not lifters:
            detail["role"] = "could not be checked: the site file names nobody who may lift a closure"
    if action.verb is ClosureVerb.CONFIRM_LIFT:
        window = staff_window(changed.closure, facts.calendar_of(ticket.place.building), now)
        detail["staff_window"] = ", ".join(f"{_text(a)}/{_text(b or now)}" for a, b in window)
    world.put_ticket(changed)
    telling.record(world, now, ticket.id, action.verb.value, action.note, action.by, **detail)
    return changed


def _text(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
