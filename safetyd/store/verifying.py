"""Whether the chain holds, and whether each record is still what the chain says of it.

Rule: nothing is believed that can be worked out again. What cannot be, because it was deleted when its time
was over, is counted and told apart.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, NamedTuple

from sqlalchemy import Connection, select

from safetyd.store import chain, digests, readings, records
from safetyd.store.audit import FIRST, chained
from safetyd.store.chain import Head
from safetyd.store.chain_schema import chain as rows_table
from safetyd.store.chain_schema import statement
from safetyd.store.ledger import history_line, history_row
from safetyd.store.records import Kind
from safetyd.store.schema import attached, attachment, history
from safetyd.store.statements import Subject

Progress = Callable[[int, int], None]  # done, of how many
_AT_ONCE = 1000
_ROWS_AT_ONCE = 5000
_UNREADABLE = (ValueError, KeyError, TypeError, AttributeError)  # of what another hand has written


class Given(NamedTuple):
    """A head that somebody was given."""

    number: int
    hash: str


@dataclass(slots=True)
class Verdict:
    """What was found: `faults` in sentences, the first broken row of the chain first.

    `older` are records from before the chain that it does not hold yet, `retired` digests of readings that
    were deleted when they had served their time, `undigested` readings of days that are not over.
    """

    head: Head | None = None
    rows: int = 0
    records: int = 0
    digests: int = 0
    retired: int = 0
    older: int = 0
    undigested: int = 0
    faults: list[str] = field(default_factory=list)


def verify(connection: Connection, given: Given | None, progress: Progress) -> Verdict:
    """Return what is found of a store, as it stands at one moment."""
    found = Verdict(head=chain.head(connection))
    steps = _Steps(connection, progress)
    _walk(connection, given, found, steps)
    older, is_all = _older(connection)
    for kind in Kind:
        _compare(connection, kind, 0 if is_all else older.get(kind.value, 0), found, steps)
    _check_files(connection, found)
    _check_history(connection, found)
    _check_readings(connection, found, steps)
    return found


class _Steps:
    """How much there is to do, and how much is done."""

    def __init__(self, connection: Connection, progress: Progress) -> None:
        rows = connection.exec_driver_sql("SELECT count(*) FROM chain").scalar_one()
        self._all = (
            rows + sum(records.count(connection, kind) for kind in Kind) + readings.last_id(connection)
        )
        self._done = 0
        self._progress = progress

    def did(self, more: int) -> None:
        self._done += more
        self._progress(min(self._done, self._all), self._all)


def _walk(connection: Connection, given: Given | None, found: Verdict, steps: _Steps) -> None:
    """Follow the chain to its end, or to its first broken row."""
    number, previous, is_sound = 0, FIRST, True
    while is_sound:
        wanted = select(rows_table).where(rows_table.c.number > number).order_by(rows_table.c.number)
        rows = connection.execute(wanted.limit(_AT_ONCE)).fetchall()
        for row in rows:
            about = f"row {row.number} of the chain ({row.kind} {row.key})"
            if row.number != number + 1:
                missing = f"{number + 1} to {row.number - 1}" if row.number > number + 2 else str(number + 1)
                found.faults.append(f"a gap in the chain: {missing} of its rows missing before {about}")
            elif row.hash != chained(previous, chain.line(row.number, row.at, row.kind, row.key, row.body)):
                found.faults.append(
                    f"{about} does not follow from the row before it: one of them was changed"
                )
            is_sound = not found.faults
            if not is_sound:
                break
            number, previous = row.number, row.hash
            if given is not None and number == given.number and row.hash != given.hash:
                found.faults.append(f"{about} is another than the one that was given away")
        found.rows = number
        steps.did(len(rows))
        if not rows:
            break
    hidden = connection.exec_driver_sql("SELECT count(*) FROM chain WHERE number < 1").scalar_one()
    if hidden:
        found.faults.append(f"the chain has {hidden} rows with a number below 1, which it never gives")
    if is_sound and given is not None and number < given.number:
        found.faults.append(
            f"the chain is cut: row {given.number} was given away, and its last one is {number}"
        )


def _older(connection: Connection) -> tuple[Mapping[str, int], bool]:
    """Up to which row of each kind there may be records that are not on the chain; whether all are by now."""
    older: dict[str, int] = {}
    for name, body in _stated(connection, Subject.BEGIN):
        if name == chain.ALL:
            return {}, True
        older = body["older"] if isinstance(body, dict) else {}
    return older, not older


def _stated(connection: Connection, subject: Subject) -> Iterator[tuple[str, Any]]:
    wanted = select(statement.c.name, statement.c.body).where(statement.c.subject == subject.value)
    for name, body in connection.execute(wanted.order_by(statement.c.id)).fetchall():
        try:
            yield name, json.loads(body)
        except _UNREADABLE:
            continue  # it is not what the chain says of it, which is told elsewhere


def _compare(connection: Connection, kind: Kind, older: int, found: Verdict, steps: _Steps) -> None:
    """Work out the digest of each record, and hold it against the last row of the chain about it."""
    newest = connection.exec_driver_sql(
        "SELECT key, body, max(number) FROM chain WHERE kind = ? GROUP BY key", (kind.value,)
    )
    known = {key: (body, number) for key, body, number in newest}
    for place, key, digest in records.records(connection, kind):
        said = known.pop(key, None)
        if said is not None and said[0] != digest:
            found.faults.append(f"{kind} {key} is not what row {said[1]} of the chain says of it")
        elif said is None and 0 < place <= older:
            found.older += 1
        elif said is None:
            found.faults.append(f"{kind} {key} is on record, and not on the chain")
        found.records += 1
        if not found.records % _AT_ONCE:
            steps.did(_AT_ONCE)
    for key, (body, number) in known.items():
        if body:
            found.faults.append(
                f"{kind} {key} is missing: row {number} of the chain says that it was on record"
            )


def _check_files(connection: Connection, found: Verdict) -> None:
    """Whether each file is what its name, the hash in a line of history, says."""
    here = set()
    for name, content in connection.execute(select(attachment)):
        here.add(name)
        if sha256(content if isinstance(content, bytes) else str(content).encode()).hexdigest() != name:
            found.faults.append(f"file {name} is not what it was when it was put on record")
    for line, name in connection.execute(select(attached.c.history, attached.c.sha256)):
        if name not in here:
            found.faults.append(f"file {name} is missing: history {line} names it")


def _check_history(connection: Connection, found: Verdict) -> None:
    """Whether the lines of history follow from each other: those from before the chain did, too."""
    previous = FIRST
    for row in connection.execute(select(history).order_by(history.c.id)):
        try:
            expected = chained(previous, history_line(history_row(row)))
        except (*_UNREADABLE, OverflowError):
            expected = ""
        if row.hash != expected:
            found.faults.append(f"history {row.id} does not follow from the line before it")
            return
        previous = row.hash


def _check_readings(connection: Connection, found: Verdict, steps: _Steps) -> None:
    """Work out the digests of readings anew."""
    retired = max((int(body["before"]) for _, body in _stated(connection, Subject.RETIRED)), default=0)
    sensors, reached = readings.sensors(connection), 0
    for day, body in _stated(connection, Subject.READINGS):
        try:
            first, last, said = int(body["first"]), int(body["last"]), dict(body["places"])
            _check_digest(
                connection, digests.Digests(sensors, first, last), day, said, first < retired, found, steps
            )
        except _UNREADABLE:
            continue  # it is not what the chain says of it, which is told elsewhere
        if first != reached + 1:
            found.faults.append(f"readings {reached + 1} to {first - 1} have no digest")
        reached = last
    hidden = connection.exec_driver_sql("SELECT count(*) FROM reading WHERE id < 1").scalar_one()
    if hidden:
        found.faults.append(f"{hidden} readings have a number below 1, which is never given")
    after = "SELECT count(*) FROM reading WHERE id > ?"
    found.undigested = connection.exec_driver_sql(after, (reached,)).scalar_one()


def _check_digest(
    connection: Connection,
    made: digests.Digests,
    day: str,
    said: Mapping[str, Any],
    may_be_retired: bool,
    found: Verdict,
    steps: _Steps,
) -> None:
    while made.read(connection, _ROWS_AT_ONCE):
        steps.did(_ROWS_AT_ONCE)
    is_now = made.places()
    for place in sorted(said.keys() | is_now.keys()):
        was, present = said.get(place), is_now.get(place)
        left, were = (0 if each is None else each["values"] for each in (present, was))
        if was == present:
            found.digests += 1
        elif may_be_retired and left < were:
            found.retired += 1
        else:
            told = f"{left} of {were} are there" if left != were else "they are not what they were"
            span = f"rows {made.first} to {made.last}"
            found.faults.append(f"readings of {place} that arrived on {day} ({span}): {told}")
