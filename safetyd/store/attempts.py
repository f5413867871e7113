"""The delivery record: what each attempt met with, and which addresses are refused for good.

Rule: an attempt is on record before it is made, and its outcome is written once. Of one delivery the first
few attempts and the newest are kept; all are counted.
"""

import json
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import Connection, delete, insert, select, update

from safetyd.store import chain
from safetyd.store.dialect import upsert
from safetyd.store.moments import micros, moment
from safetyd.store.notice_schema import attempt, delivery, rejected_address
from safetyd.store.records import Kind

FIRST_KEPT, NEWEST_KEPT = 5, 20


class Result(StrEnum):
    """What became of one attempt, as far as it is known."""

    UNDER_WAY = "under_way"
    ACCEPTED = "accepted"  # by the next hop
    REFUSED = "refused"  # for good, says the next hop
    FAILED = "failed"  # for now
    UNKNOWN = "unknown"  # it may have been accepted: nobody said


class Answer(NamedTuple):
    """What became of one attempt, in words of ours; `status` is a web server's.

    Of an address with several mailboxes, `settled` are those that need no further attempt, as marks that hold
    no address, and `partly` says why some of them refuse for good.
    """

    result: Result
    words: str
    status: int | None = None
    settled: frozenset[str] = frozenset()
    partly: str = ""


class Rejection(NamedTuple):
    """When an address was last refused for good, and with what answer."""

    at: datetime
    answer: str


def begin(connection: Connection, delivery_id: int, at: datetime) -> int:
    """Note that an attempt is about to be made, and return its number."""
    number = connection.execute(
        insert(attempt)
        .values(delivery=delivery_id, at=micros(at), outcome=Result.UNDER_WAY.value, answer="")
        .returning(attempt.c.id)
    ).scalar_one()
    count = connection.execute(
        update(delivery)
        .where(delivery.c.id == delivery_id)
        .values(attempts=delivery.c.attempts + 1)
        .returning(delivery.c.attempts)
    ).scalar_one()
    if count > FIRST_KEPT + NEWEST_KEPT:
        _thin(connection, delivery_id)
    chain.note(connection, Kind.DELIVERY, delivery_id)
    return int(number)


def _thin(connection: Connection, delivery_id: int) -> None:
    numbers = select(attempt.c.id).where(attempt.c.delivery == delivery_id)
    first = numbers.order_by(attempt.c.id).limit(FIRST_KEPT)
    newest = numbers.order_by(attempt.c.id.desc()).limit(NEWEST_KEPT)
    connection.execute(
        delete(attempt).where(
            attempt.c.delivery == delivery_id, attempt.c.id.not_in(first), attempt.c.id.not_in(newest)
        )
    )


def messages_since(connection: Connection, since: datetime) -> list[tuple[str, str, datetime]]:
    """Return the messages that reached an address since a moment, or may have: person, fingerprint, when.

    What was joined into one message was attempted at the same moment.
    """
    wanted = (
        select(delivery.c.person, delivery.c.address, attempt.c.at)
        .join(delivery, delivery.c.id == attempt.c.delivery)
        .where(attempt.c.at > micros(since))
        .where(attempt.c.outcome.in_([Result.ACCEPTED.value, Result.UNKNOWN.value]))
        .order_by(attempt.c.at)
        .distinct()
    )
    return [(person, address, moment(at)) for person, address, at in connection.execute(wanted)]


def end(connection: Connection, number: int, result: Result, at: datetime, answer: str) -> None:
    """Note what became of an attempt."""
    found = connection.execute(
        update(attempt)
        .where(attempt.c.id == number)
        .values(outcome=result.value, ended_at=micros(at), answer=answer)
        .returning(attempt.c.delivery)
    )
    chain.note(connection, Kind.DELIVERY, *found.scalars())


def end_forgotten(connection: Connection, answer: str, delivery_id: int | None = None) -> None:
    """Note that nobody knows what became of attempts, of one delivery or of all, that were under way."""
    forgotten = attempt.c.outcome == Result.UNDER_WAY.value
    of_these = forgotten if delivery_id is None else forgotten & (attempt.c.delivery == delivery_id)
    ended = update(attempt).where(of_these).values(outcome=Result.UNKNOWN.value, answer=answer)
    found = connection.execute(ended.returning(attempt.c.delivery)).scalars()
    chain.note(connection, Kind.DELIVERY, *found)


def rejection(connection: Connection, person: str, address: str) -> Rejection | None:
    """Return whether an address is refused for good, and since when."""
    wanted = select(rejected_address.c.at, rejected_address.c.answer).where(
        rejected_address.c.person == person, rejected_address.c.address == address
    )
    row = connection.execute(wanted).first()
    return None if row is None else Rejection(moment(row.at), row.answer)


def reject(connection: Connection, person: str, address: str, at: datetime, answer: str) -> None:
    """Note that an address is refused for good."""
    values = {"at": micros(at), "answer": answer}
    connection.execute(
        upsert(connection, rejected_address)
        .values(person=person, address=address, **values)
        .on_conflict_do_update(index_elements=["person", "address"], set_=values)
    )


def accept(connection: Connection, person: str, address: str) -> None:
    """Note that an address is refused no longer."""
    connection.execute(
        delete(rejected_address).where(
            rejected_address.c.person == person, rejected_address.c.address == address
        )
    )


def rejected(connection: Connection) -> Sequence[tuple[str, str]]:
    """Return every address that is refused for good: person, fingerprint."""
    wanted = select(rejected_address.c.person, rejected_address.c.address).order_by(
        rejected_address.c.person, rejected_address.c.address
    )
    return [(person, address) for person, address in connection.execute(wanted)]


def deliveries(connection: Connection, notice_id: int) -> list[dict[str, Any]]:
    """Return the deliveries of a notice in the order in which they were owed, each with what was tried."""
    wanted = select(delivery).where(delivery.c.notice == notice_id).order_by(delivery.c.id)
    return [
        {
            "person": row.person,
            "address": row.address,
            "state": row.state,
            "attempts": row.attempts,
            "next_at": None if row.due_at is None else moment(row.due_at),
            "done_at": None if row.done_at is None else moment(row.done_at),
            "answer": row.answer,
            "instead_of": row.instead_of,
            "went_to": json.loads(row.went_to or "[]"),
            "tried": _tried(connection, row.id),
        }
        for row in connection.execute(wanted)
    ]


def _tried(connection: Connection, delivery_id: int) -> list[dict[str, Any]]:
    wanted = select(attempt).where(attempt.c.delivery == delivery_id).order_by(attempt.c.id)
    return [
        {
            "at": moment(row.at),
            "ended_at": None if row.ended_at is None else moment(row.ended_at),
            "outcome": row.outcome,
            "answer": row.answer,
        }
        for row in connection.execute(wanted)
    ]
