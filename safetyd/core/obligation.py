"""Where a breach meets its obligation: episodes open and join tickets, and end.

Rule: at most one ticket is open per place and condition. A later episode joins it and sets it open again; no
reading ever closes one. What is decided is written into the World with the moment it was decided for.
"""

from dataclasses import replace
from datetime import datetime

from safetyd.core import afar, morning, power
from safetyd.core.lateness import mark_missed, schedule_ticket
from safetyd.core.model import (
    FROM_AFAR,
    Condition,
    Episode,
    Finding,
    Place,
    Verdict,
)
from safetyd.core.plan import Reason
from safetyd.core.room import verdict as room_verdict
from safetyd.core.telling import SAFETYD, record, tell, tell_outage
from safetyd.core.ticket import AT_REST, Basis, Status, Ticket, deadlines
from safetyd.core.world import Facts, Subject, World

_BETWEEN_YEARS = (
    "it began between two work years, and 9.9.4.C does not say whose end counts: "
    "midterm relief is promised by the end of the coming one"
)
_GOES_ON = "a late reading shows that it had not ended"


def verdict(world: World, facts: Facts, ticket: Ticket, now: datetime) -> Verdict:
    """Return what is known now of a ticket's place under its condition."""
    rules = facts.book.in_force(now)
    if ticket.condition is Condition.HAZARD:
        is_owed = ticket.status in (Status.OPEN, Status.ACKNOWLEDGED)
        return Verdict.BREACH if is_owed else Verdict.UNKNOWN
    if ticket.condition is Condition.OUTAGE:
        return power.verdict(world.powers.get(ticket.place, power.EMPTY), now, rules.outage)
    room = world.rooms.get(ticket.place)
    return Verdict.UNKNOWN if room is None else room_verdict(room, ticket.condition, now, rules)


def episode_began(world: World, facts: Facts, place: Place, finding: Finding, now: datetime) -> None:
    """Take up an episode: at once, or under `hold` when work hours begin."""
    episode = Episode(place, finding.condition, finding.began_at, None, finding.worst, finding.seen)
    _count(world, facts, world.new_episode(episode), finding.ended_at, now)


def _count(world: World, facts: Facts, number: int, ended_at: datetime | None, now: datetime) -> None:
    """Take up an episode without a ticket from when it counts; one that was over by then never does."""
    episode = world.episodes[number]
    subject: Subject = (episode.place, episode.condition, None)
    rules = facts.book.in_force(episode.began_at)
    may_wait = episode.condition is not Condition.OUTAGE and subject not in world.open
    counts_from = None
    if rules.outside_work_hours == "hold" and may_wait:
        counts_from = facts.calendar_of(episode.place.building).next_work_begin(episode.began_at)
    if counts_from is not None and ended_at is not None and ended_at <= counts_from:
        return  # learned late, and over before it counted: it stays on record
    if counts_from is not None and counts_from > now:
        morning.hold(world, number, counts_from, now)
        return
    take_up(world, facts, number, max(episode.began_at, counts_from or episode.began_at), now)


def release(world: World, facts: Facts, number: int, at: datetime) -> None:
    """Work hours begin: what was held becomes a ticket if its episode still runs."""
    counts_from = world.held.get(number)
    if counts_from is None or counts_from > at:
        world.schedule("hold", str(number), counts_from)
        return
    del world.held[number]
    world.changes.held = True
    if world.episodes[number].ended_at is None:
        take_up(world, facts, number, counts_from, at)


def take_up(
    world: World,
    facts: Facts,
    number: int,
    began_at: datetime,
    now: datetime,
    note: str = "",
    *,
    is_presumed: bool = False,
) -> Ticket:
    """Attach an episode to the open ticket of its place and condition, or open one."""
    episode = world.episodes[number]
    subject = (episode.place, episode.condition, None)
    ticket = raise_ticket(world, facts, subject, began_at, now, note=note, is_presumed=is_presumed)
    world.put_episode(number, replace(episode, ticket=ticket.id))
    return ticket


def raise_ticket(
    world: World,
    facts: Facts,
    subject: Subject,
    began_at: datetime,
    now: datetime,
    by: str = SAFETYD,
    note: str = "",
    *,
    is_presumed: bool = False,
) -> Ticket:
    """Return the one open ticket of a subject: a new one, or the standing one, set open again."""
    standing = world.open.get(subject)
    if standing is not None:
        ticket = replace(world.tickets[standing], status=Status.OPEN)
        world.put_ticket(ticket)
        record(world, now, ticket.id, "recurred", note or learned(began_at, now), by)
        tell(world, facts, Reason.RECURRED, ticket, now, by=by, note=note)
        schedule_ticket(world, facts, ticket)  # steps that were not needed any more are again
        return ticket
    ticket = replace(_new_ticket(world, facts, subject, began_at, now), is_presumed=is_presumed)
    world.put_ticket(ticket)
    record(world, now, ticket.id, "opened", note or learned(began_at, now), by)
    if any(deadline.basis is Basis.BETWEEN_YEARS for deadline in ticket.deadlines):
        record(world, now, ticket.id, "ambiguous", _BETWEEN_YEARS)
    tell(world, facts, Reason.OPENED, ticket, now, by=by, note=note)
    mark_missed(world, facts, ticket, now, is_new=True)
    schedule_ticket(world, facts, ticket)
    return ticket


def _new_ticket(world: World, facts: Facts, subject: Subject, began_at: datetime, now: datetime) -> Ticket:
    place, condition, hazard = subject
    rules = facts.book.in_force(began_at)
    year = now.astimezone(facts.timezone).year
    series = series_of(facts, place.building)
    number = world.number(series, year)
    before = world.tickets.get(world.last.get(subject, ""))
    calendar = facts.calendar_of(place.building)
    return Ticket(
        id=f"{series}-{year}-{number:04d}",
        place=place,
        condition=condition,
        hazard=hazard,
        rules=rules.fingerprint,
        status=Status.OPEN,
        student_day=calendar.is_student_time(began_at),
        began_at=began_at,
        opened_at=now,
        deadlines=deadlines(condition, hazard, began_at, rules, calendar),
        told_until=now,
        follows=before.id if before is not None and before.left_in_breach else None,
        calendar=calendar.fingerprint,
    )


def series_of(facts: Facts, building: str) -> str:
    """Return what a building's tickets are called; watched from afar it has its own tickets beside ours."""
    return f"{building}{FROM_AFAR}" if building in facts.watched else building


def learned(began_at: datetime, now: datetime) -> str:
    """Return the words for a breach that was learned of late; empty when it was not."""
    if (now - began_at).total_seconds() < 60:
        return ""
    return f"began {began_at:%Y-%m-%d %H:%M}, learned {now:%Y-%m-%d %H:%M} (UTC)"


def episode_ended(
    world: World, facts: Facts, number: int, finding: Finding, now: datetime, flickers: int = 0
) -> None:
    """Note the end of an episode; its ticket stays as it is."""
    episode = world.episodes[number]
    assert finding.ended_at is not None
    world.put_episode(
        number, replace(episode, ended_at=finding.ended_at, worst=finding.worst, seen=finding.seen)
    )
    ticket = world.tickets.get(episode.ticket or "")
    if ticket is None:
        return
    what = "electricity is back" if episode.condition is Condition.OUTAGE else "in range"
    what += f", after {flickers} short return{'s' if flickers > 1 else ''}," if flickers else ""
    record(world, now, ticket.id, "ended", f"{what} since {finding.ended_at:%Y-%m-%d %H:%M} UTC")
    if ticket.status not in AT_REST and episode.condition is not Condition.OUTAGE:
        tell(world, facts, Reason.ENDED, ticket, now)


def episode_moved(world: World, facts: Facts, number: int, finding: Finding, now: datetime) -> None:
    """Correct an episode by what was learned late; the ticket's promises stay.

    One that was let go because it was over before work began may turn out not to have been, and one that is
    held may turn out to have begun in work hours.
    """
    episode = world.episodes[number]
    began_at = min(episode.began_at, finding.began_at)
    changed = replace(
        episode,
        began_at=began_at,
        ended_at=finding.ended_at,
        worst=finding.worst or episode.worst,
        seen=finding.seen,
    )
    if changed == episode:
        return
    world.put_episode(number, changed)
    if episode.ticket is None:
        if number in world.held and began_at < episode.began_at:
            del world.held[number]  # by then it may have been work hours
            world.changes.held = True
        if number not in world.held and episode.condition is not Condition.OUTAGE:
            _count(world, facts, number, changed.ended_at, now)
        return
    if began_at < episode.began_at:
        record(world, now, episode.ticket, "began_earlier", learned(began_at, now))
    if finding.ended_at is None and episode.ended_at is not None:
        _goes_on(world, facts, number, episode.ended_at, now)


def _goes_on(world: World, facts: Facts, number: int, believed_end: datetime, now: datetime) -> None:
    """Note that an episode had not ended; where nobody is reminded of its ticket any more, they are again."""
    episode = world.episodes[number]
    assert episode.ticket is not None
    ticket = world.tickets[episode.ticket]
    record(world, now, ticket.id, "goes_on", _GOES_ON)
    if ticket.status is Status.RELIEVED or (ticket.status is Status.CLOSED and not ticket.left_in_breach):
        take_up(world, facts, number, believed_end, now, _GOES_ON)


def outage_step(world: World, facts: Facts, place: Place, step: power.Step, again: str = "") -> None:
    """Carry out one stage of a building's outage, at its moment; `again` is when it was learned late."""
    match step.stage:
        case power.Stage.BEGAN:
            tell_outage(world, facts, Reason.OUTAGE_BEGAN, place, step, again, **_bounds(facts, place, step))
        case power.Stage.CONFIRMED:
            ticket = world.open.get((place, Condition.OUTAGE, None))
            if ticket is not None:
                world.put_ticket(replace(world.tickets[ticket], is_presumed=False))
                record(world, step.at, ticket, "confirmed", "a witness says that power is out")
        case power.Stage.WARNING:
            minutes = f"{step.lasted.total_seconds() / 60:.0f}"
            about = _bounds(facts, place, step) | {"minutes": minutes}
            tell_outage(world, facts, Reason.OUTAGE_WARNING, place, step, **about)
        case power.Stage.LONG:
            outage_breach(world, facts, place, step.began_at, step.at, is_presumed=step.is_presumed)
        case power.Stage.OVER:
            number = world.running.get((place, Condition.OUTAGE))
            if number is not None:
                found = Finding(Condition.OUTAGE, step.began_at, step.ended_at, None, step.seen)
                episode_ended(world, facts, number, found, step.at, step.flickers)
            tell_outage(world, facts, Reason.OUTAGE_OVER, place, step, again)


def _bounds(facts: Facts, place: Place, step: power.Step) -> dict[str, str]:
    """When power was last on for certain, and by whose silence alone it is out, if nobody says so."""
    known = {} if step.last_on_at is None else {"last_on_at": step.last_on_at.isoformat()}
    silent = "gateway" if place.building in facts.watched else "yes"
    return known | ({"presumed": silent} if step.is_presumed else {})


def outage_breach(
    world: World,
    facts: Facts,
    place: Place,
    began_at: datetime,
    now: datetime,
    *,
    is_presumed: bool = False,
) -> Ticket | None:
    """Open the building's ticket for an outage; None when this outage has one already, here or at home."""
    if (place, Condition.OUTAGE) in world.running:
        return None
    number = world.new_episode(Episode(place, Condition.OUTAGE, began_at))
    if afar.carrier(world.afar.get(place.building, afar.NOTHING), [afar.Span(began_at)]) is not None:
        return None
    since = f"no electricity since {began_at:%Y-%m-%d %H:%M} UTC"
    last_on_at = world.powers.get(place, power.EMPTY).last_on_at
    known = "" if last_on_at is None else f"; it was last known to be on at {last_on_at:%Y-%m-%d %H:%M}"
    silent = "its gateway" if place.building in facts.watched else "devices"
    doubt = f"; presumed from the silence of {silent}, to be confirmed or denied" if is_presumed else ""
    note = since + known + doubt
    return take_up(world, facts, number, began_at, now, note, is_presumed=is_presumed)


def second_limb(world: World, facts: Facts, building: str, now: datetime) -> None:
    """A room in breach while the power is out: lack of electricity creates the hazard (9.14.5)."""
    place = Place(building, None)
    standing = world.powers.get(place)
    if standing is None or not standing.is_out or standing.is_breach or standing.began_at is None:
        return
    cold_or_hot = sorted(
        str(at) for at, _ in world.running if at.building == building and at.room is not None
    )
    if not cold_or_hot:
        return
    world.powers[place] = standing._replace(is_breach=True)
    world.changes.places.add(place)
    ticket = outage_breach(world, facts, place, standing.began_at, now)
    if ticket is not None:
        record(
            world,
            now,
            ticket.id,
            "second_limb",
            f"in breach while the power is out: {', '.join(cold_or_hot)}",
        )


def keep_power(
    world: World,
    facts: Facts,
    place: Place,
    standing: power.Power,
    steps: tuple[power.Step, ...],
    now: datetime,
) -> None:
    """Carry out what a building's power went through, and note how it stands."""
    world.powers[place] = standing
    for step in steps:
        world.changes.places.add(place)
        outage_step(world, facts, place, step)
    if standing.is_out and not standing.is_breach:
        second_limb(world, facts, place.building, now)
    rules = facts.book.in_force(standing.at or now)
    world.places[str(place)] = place
    world.schedule("power", str(place), power.next_due(world.powers[place], rules))
