"""Which ticket the record has for a breach at a moment, and how it came to it; or why there is none.

Rule: the record decides, row by row, as it stood at that moment. What it does not hold is never made up.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from safetyd.core.model import Condition, Episode, Place, Verdict
from safetyd.core.testimony import Why
from safetyd.core.ticket import AT_REST, Status, Ticket
from safetyd.core.world import Facts, Row

_STATUS = {
    "opened": Status.OPEN,
    "recurred": Status.OPEN,
    "reopened": Status.OPEN,
    "acknowledged": Status.ACKNOWLEDGED,
    "relieved": Status.RELIEVED,
    "closed": Status.CLOSED,
}
_OWN = "own"  # what a row `joined` names that joins a ticket to another safetyd's


class Way(StrEnum):
    """How a breach stands to a ticket."""

    NO_BREACH = "no_breach"
    UNCONFIRMED = "unconfirmed"
    OPENED = "opened"
    JOINED = "joined"  # an open one, set open again
    SECOND_LIMB = "second_limb"
    HELD = "held"  # until work hours begin
    AT_REST = "at_rest"  # its ticket was closed while it went on: only the next episode opens one
    NOT_YET_LONG = "not_yet_long"  # an outage
    ELSEWHERE = "elsewhere"  # the building's own safetyd has the ticket
    NOT_ON_RECORD = "not_on_record"


@dataclass(frozen=True, slots=True)
class Record:
    """All that is on record of a place: its tickets, its episodes and the history of each ticket."""

    tickets: Mapping[str, Ticket]
    episodes: Sequence[Episode]
    rows: Mapping[str, Sequence[Row]]


@dataclass(frozen=True, slots=True)
class TakenUp:
    """How a breach stands to a ticket at a moment.

    `ticket` is the one that its episode has, `row` the line of history by which it came to it, `closed` the
    one by which that was closed. `standing` are the tickets of the same place and condition that were open
    all the same. `counts_from` is when a held episode becomes one.
    """

    way: Way
    episode: Episode | None = None
    ticket: str | None = None
    row: Row | None = None
    closed: Row | None = None
    standing: tuple[str, ...] = ()
    counts_from: datetime | None = None


def status_at(rows: Iterable[Row], at: datetime) -> Status | None:
    """Return where a ticket stood at a moment by its history; None before it was opened."""
    status: Status | None = None
    for row in rows:
        if row.at > at:
            break
        status = Status.JOINED if row.event == "joined" and _OWN in row.detail else status
        status = _STATUS.get(row.event, status)
    return status


def open_at(record: Record, condition: Condition | None, at: datetime) -> tuple[str, ...]:
    """Return the tickets under a condition, or under any, that were open at a moment."""
    return tuple(
        id
        for id, ticket in record.tickets.items()
        if condition in (None, ticket.condition)
        if (status := status_at(record.rows[id], at)) is not None and status not in AT_REST
    )


def taken_up(
    record: Record,
    facts: Facts,
    place: Place,
    condition: Condition,
    verdict: Verdict,
    why: Why,
    began_at: datetime | None,
    at: datetime,
) -> TakenUp:
    """Return how what is known of a place under a condition stands to a ticket at `at`.

    Args:
        began_at: When the breach in progress began, by what was known at `at`.
    """
    standing = open_at(record, condition, at)
    if why is Why.UNCONFIRMED:
        way = Way.NOT_YET_LONG if condition is Condition.OUTAGE else Way.UNCONFIRMED
        return TakenUp(way, standing=standing)
    if verdict is not Verdict.BREACH or began_at is None:
        return TakenUp(Way.NO_BREACH, standing=standing)
    episode = _episode(record, condition, began_at, at)
    if episode is not None and (row := brought_by(record, episode, at)) is not None:
        return _with_ticket(record, episode, row, standing, at)
    return _without_ticket(facts, place, condition, episode, began_at, standing, at)


def _episode(record: Record, condition: Condition, began_at: datetime, at: datetime) -> Episode | None:
    """The episode on record that a breach is: a late reading may have moved its beginning since."""
    found = [
        each
        for each in record.episodes
        if each.condition is condition and each.began_at <= at
        if each.ended_at is None or each.ended_at >= began_at
    ]
    return min(found, key=lambda each: abs(each.began_at - began_at), default=None)


def brought_by(record: Record, episode: Episode, at: datetime) -> Row | None:
    """Return the line by which an episode came to its ticket; None if it had not by `at`."""
    found = (
        row
        for row in record.rows.get(episode.ticket or "", ())
        if row.event in ("opened", "recurred") and episode.began_at <= row.at <= at
    )
    return next(found, None)


def _with_ticket(
    record: Record, episode: Episode, row: Row, standing: tuple[str, ...], at: datetime
) -> TakenUp:
    id = row.ticket
    rows = [each for each in record.rows[id] if each.at <= at]
    if status_at(rows, at) in AT_REST:
        closed = next((each for each in reversed(rows) if each.event in ("closed", "joined")), None)
        return TakenUp(Way.AT_REST, episode, id, row, closed, standing)
    second = next((each for each in rows if each.event == "second_limb" and each.at == row.at), None)
    if second is not None:
        return TakenUp(Way.SECOND_LIMB, episode, id, second, None, standing)
    way = Way.OPENED if row.event == "opened" else Way.JOINED
    return TakenUp(way, episode, id, row, None, standing)


def _without_ticket(
    facts: Facts,
    place: Place,
    condition: Condition,
    episode: Episode | None,
    began_at: datetime,
    standing: tuple[str, ...],
    at: datetime,
) -> TakenUp:
    if condition is Condition.OUTAGE:
        way = Way.ELSEWHERE if episode is not None and episode.ticket is None else Way.NOT_ON_RECORD
        return TakenUp(way, episode, standing=standing)
    if facts.book.in_force(began_at).outside_work_hours == "hold" and not standing:
        counts_from = facts.calendar_of(place.building).next_work_begin(began_at)
        if counts_from is not None and counts_from > at:
            return TakenUp(Way.HELD, episode, standing=standing, counts_from=counts_from)
    return TakenUp(Way.NOT_ON_RECORD, episode, standing=standing)
