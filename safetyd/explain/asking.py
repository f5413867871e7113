"""An explanation, read from the store: the engine judges again what had arrived by a moment, and says why.

Rule: the store is only read. What is on record stays beside what is judged again, so that a difference shows.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import NamedTuple

from safetyd.assigned import composed
from safetyd.core import engine
from safetyd.core.errors import ActionError, SafetydError
from safetyd.core.model import IMPORT, Condition, Episode, Observation, Place, Sensor, Trouble
from safetyd.core.room import EMPTY, walk
from safetyd.core.rules import Rules
from safetyd.core.shelf import Shelf, is_within
from safetyd.core.taken_up import Record, TakenUp, brought_by, taken_up
from safetyd.core.testimony import AIR, Air, Mains, air, mains
from safetyd.core.ticket import Ticket
from safetyd.core.units import JUST_AFTER
from safetyd.core.world import Facts, up_to_date
from safetyd.explain.explanation import Explanation, Hours, Silence, Source
from safetyd.faults import did_you_mean
from safetyd.hearing import Hearing
from safetyd.recovery import facts_of, recover
from safetyd.site import Site
from safetyd.store import imports, ledger, leftovers, readings, rollups, shelves, testimony
from safetyd.store.database import Connection
from safetyd.store.leftovers import Refusal
from safetyd.store.troubles import every_trouble

_BACK = timedelta(days=3)  # but for an episode, nothing that a sensor says of a room counts for longer
_BACK_OF_MAINS = timedelta(days=30)  # that power is out counts until the same witness says that it is on
_BEFORE_EPISODE = timedelta(hours=3)
_REFUSED_FOR = timedelta(hours=3)
_LATE_BY = timedelta(days=8)  # what is dated further back than 7 days is not believed
_MOST_REFUSED = 100
_LEARNED_LATE = timedelta(seconds=60)


class TooLongError(SafetydError):
    """There are more readings to be judged again than whoever asks may wait for."""


class Ground(NamedTuple):
    """What all explanations at `now` rest on: the site with its assignments, and who was ever heard.

    At most so many readings are judged again; None is without limit.
    """

    connection: Connection
    site: Site
    facts: Facts
    sensors: Mapping[int, Sensor]
    sources: Mapping[int, Source]
    now: datetime
    most: int | None = None


def ground(connection: Connection, site: Site, root: str, now: datetime, most: int | None = None) -> Ground:
    """Return what explanations rest on."""
    site = composed(connection, site, root).site
    known = readings.sensors(connection)
    hearing = Hearing(site, root, known)
    facts = facts_of(site, hearing.routes, known)
    sources = {each.number: Source(each.topic, each.format) for each in known}
    return Ground(connection, site, facts, hearing.sensors, sources, now, most)


def of_ticket(on: Ground, id: str) -> Explanation:
    """Return how the place of a ticket stood when that was opened, and why it was.

    Where the breach was learned late, it stands as it was then, by what was known when the ticket was opened.

    Raises:
        ActionError: there is none of this id.
        TooLongError: there is too much to judge again.
    """
    found = ledger.ticket(on.connection, id)
    if found is None:
        ids = ledger.ticket_ids(on.connection)
        raise ActionError(f"there is no ticket {id!r}{did_you_mean(id, ids)}")
    at = found.opened_at
    if found.condition is Condition.OUTAGE:
        at += JUST_AFTER  # its limit is passed one grain after the moment that it is opened at
    return _explanation(on, found.place, _breach_of(on, found, at), at, found)


def of_place(on: Ground, place: Place, at: datetime) -> Explanation:
    """Return how a room, or a building's electricity, stood at a moment, and why.

    Raises:
        TooLongError: there is too much to judge again.
    """
    return _explanation(on, place, at, at, None)


def _here(on: Ground, place: Place) -> dict[int, Sensor]:
    """The sensors of a place; what was imported is not judged again."""
    return {
        number: sensor
        for number, sensor in on.sensors.items()
        if sensor.place == place and not sensor.id.startswith(IMPORT)
    }


def _breach_of(on: Ground, ticket: Ticket, opened_at: datetime) -> datetime:
    """When the breach that opened a ticket counted, at the readings' own time, where it was learned late."""
    if ticket.condition not in AIR or opened_at - ticket.began_at < _LEARNED_LATE:
        return opened_at
    known = ledger.episodes_of(on.connection, ticket.place)
    began_at = min([ticket.began_at, *(each.began_at for each in known if each.ticket == ticket.id)])
    since = _since(known, began_at - _BEFORE_EPISODE, began_at)
    first = readings.first_id_since(on.connection, since)
    last = readings.first_id_since(on.connection, opened_at + JUST_AFTER) - 1
    for step in walk(EMPTY, _said(on, _here(on, ticket.place), first, last, since, opened_at), on.facts.book):
        watching = step.room.watch(ticket.condition)
        if watching.is_breach and watching.began_at is not None and watching.began_at >= began_at:
            at = max(step.at, step.observation.observed_at, ticket.began_at)
            return at if opened_at - at >= _LEARNED_LATE else opened_at
    return opened_at


def _explanation(
    on: Ground, place: Place, at: datetime, known_at: datetime, asked: Ticket | None
) -> Explanation:
    """How a place stood at `at`, by what was known at `known_at`."""
    connection, here = on.connection, _here(on, place)
    record = _record(on, place, known_at, asked)
    since = _since(record.episodes, at - (_BACK if place.room is not None else _BACK_OF_MAINS), at)
    first = readings.first_id_since(connection, since)
    last = readings.first_id_since(connection, known_at + JUST_AFTER) - 1
    said = _said(on, here, first, last, since, at)
    rolled = rollups.progress(connection)
    kept_since = None if rolled is None else rolled.retired_to
    first_at = testimony.first_at(connection, here) if here else None
    rules = on.facts.book.in_force(at)
    is_outage = _is_outage_on_record(record, rules, at)
    found_air = air(said, on.facts.book, at) if place.room is not None else None
    found_mains = mains(said, on.facts.book, at, is_breach=is_outage) if place.room is None else None
    soon = readings.first_id_since(connection, known_at + _LATE_BY) - 1
    refused_since = readings.first_id_since(connection, known_at - _REFUSED_FOR)
    retained = testimony.last_retained(connection, here, refused_since, last) if here else None
    return Explanation(
        on.site,
        place,
        at,
        on.now,
        asked,
        None if asked is not None and said else _silence(on, place, at, bool(said), first_at, kept_since),
        rules,
        _hours(on.facts, place, at),
        {sensor.id: on.sources[number] for number, sensor in here.items() if number in on.sources},
        since,
        found_air,
        found_mains,
        _taken(record, on.facts, place, found_air, found_mains, known_at),
        record,
        _refused(on, here, known_at),
        None if retained is None else (here[retained[0]].id, retained[1]),
        testimony.later(connection, here, last, soon, at) if here else None,
        first_at,
        kept_since,
        _troubles(on, place, at),
        _shelf(on, place, known_at),
        tuple(imports.of_place(connection, place, at, at + JUST_AFTER)),
        len(leftovers.unassigned_topics(connection)),
        known_at if known_at > at else None,
    )


def _record(on: Ground, place: Place, at: datetime, asked: Ticket | None) -> Record:
    """What is on record of a place, without what is dated at `at` and was decided one grain later.

    An episode in progress of the ticket that is asked about has its worst value so far.
    """
    connection = on.connection
    tickets = {each.id: each for each in ledger.tickets_of(connection, place)}
    episodes = ledger.episodes_of(connection, place)
    if asked is not None and any(each.ticket == asked.id and each.ended_at is None for each in episodes):
        world = recover(connection, on.facts, _here(on, place)).world
        episodes = [up_to_date(world, each, on.now) for each in episodes]
    longer_than = on.facts.book.in_force(at).outage.longer_than
    at_limit = {
        each.ticket
        for each in episodes
        if each.condition is Condition.OUTAGE and each.began_at + longer_than == at
    }
    rows = {
        id: [row for row, _ in ledger.history(connection, id) if row.at != at or id not in at_limit]
        for id in tickets
    }
    return Record(tickets, episodes, rows)


def _since(episodes: Sequence[Episode], since: datetime, at: datetime) -> datetime:
    """From when on readings are judged again: from before any episode that may still have run then."""
    for each in sorted(episodes, key=lambda one: one.began_at, reverse=True):
        ended_at = at if each.ended_at is None else each.ended_at
        if each.began_at - _BEFORE_EPISODE < since <= ended_at + _BEFORE_EPISODE:
            since = each.began_at - _BEFORE_EPISODE
    return since


def _said(
    on: Ground, here: Mapping[int, Sensor], first: int, last: int, since: datetime, until: datetime
) -> list[Observation]:
    """Return what sensors said of a time, in order of its own time.

    What was rejected for what a sensor had said before that, stays so.
    """
    if not here or last < first:
        return []
    doubts = {
        (here[number].key, at): why
        for (number, at), why in testimony.rejected_at_first(on.connection, here, first, last).items()
    }
    every = readings.observations(on.connection, here, first - 1, since, last)
    found = (each for each in every if each.observation.observed_at <= until)
    said = readings.chronological(found if on.most is None else islice(found, on.most + 1))
    if on.most is not None and len(said) > on.most:
        raise TooLongError(
            f"since {since:%Y-%m-%d} UTC, before the breach of then began, there are more than {on.most:,}"
            " readings to be judged again; ask for an earlier moment, or: safetyd explain"
        )
    if not doubts:
        return said
    return [
        each
        if (why := doubts.get((each.sensor.key, each.observed_at))) is None or engine.flaws(on.facts, each)
        else each._replace(doubt=why)
        for each in said
    ]


def _silence(
    on: Ground,
    place: Place,
    at: datetime,
    is_told: bool,
    first_at: datetime | None,
    kept_since: datetime | None,
) -> Silence | None:
    if at > on.now:
        return Silence.FUTURE
    if is_told:
        return None
    if kept_since is not None and at < kept_since:
        return Silence.DELETED
    if first_at is not None:
        return Silence.NOT_YET_HEARD if first_at > at else None
    is_named = any(place == sensor.place for sensor in _named(on))
    return Silence.NEVER_HEARD if is_named else Silence.NO_SENSOR


def _named(on: Ground) -> list[Sensor]:
    """The sensors of the site file, heard or not."""
    heard = [sensor for sensor in on.sensors.values() if not sensor.id.startswith(IMPORT)]
    named = [
        Sensor(Place(building.id, None if each.power and not each.room else each.room), each.id)
        for building in on.site.buildings
        for each in building.sensors
    ]
    return [*heard, *named]


def _hours(facts: Facts, place: Place, at: datetime) -> Hours:
    calendar = facts.calendar_of(place.building)
    return Hours(calendar.is_work_time(at), calendar.is_student_time(at), calendar.has_every_hour)


def _is_outage_on_record(record: Record, rules: Rules, at: datetime) -> bool:
    """Whether an outage had its ticket by then: a room in breach makes it one before it is long."""
    held_for = rules.outage.restored_after
    return any(
        each.condition is Condition.OUTAGE
        and (each.ended_at is None or at <= each.ended_at + held_for)
        and brought_by(record, each, at) is not None
        for each in record.episodes
    )


def _taken(
    record: Record, facts: Facts, place: Place, of_air: Air | None, of_mains: Mains | None, at: datetime
) -> dict[Condition, TakenUp]:
    found: dict[Condition, TakenUp] = {}
    for each in of_air.judgements if of_air is not None else ():
        began_at = each.watch.began_at
        found[each.condition] = taken_up(
            record, facts, place, each.condition, each.verdict, each.why, began_at, at
        )
    if of_mains is not None:
        began_at = of_mains.standing.began_at
        found[Condition.OUTAGE] = taken_up(
            record, facts, place, Condition.OUTAGE, of_mains.verdict, of_mains.why, began_at, at
        )
    return found


def _refused(on: Ground, here: Mapping[int, Sensor], at: datetime) -> tuple[Refusal, ...]:
    topics = {on.sources[number].topic for number in here if number in on.sources}
    if not topics:
        return ()
    found = leftovers.refusals_of(on.connection, sorted(topics), _MOST_REFUSED)
    return tuple(each for each in reversed(found) if at - _REFUSED_FOR < each.at <= at)


def _troubles(on: Ground, place: Place, at: datetime) -> tuple[Trouble, ...]:
    return tuple(
        each
        for each in every_trouble(on.connection)
        if each.place == place and each.began_at <= at and (each.ended_at is None or at < each.ended_at)
    )


def _shelf(on: Ground, place: Place, at: datetime) -> Shelf | None:
    held = [
        each
        for each in shelves.record(on.connection)
        if is_within(place, each.place) and each.began_at <= at < (each.ended_at or each.until)
    ]
    return max(held, key=lambda each: each.until, default=None)
