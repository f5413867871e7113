"""Whether the chain holds, and whether each record is still what the chain says of it.

Rule: nothing is believed that can be worked out again. What cannot be, because it was deleted when its time
was over, is counted and told apart.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import islice
from typing import Any, NamedTuple

from sqlalchemy import Connection, select

from safetyd.stamping import StampError, Trusted, checked
from safetyd.store import anchors, chain, digests, earlier, readings, records
from safetyd.store.audit import FIRST, chained
from safetyd.store.chain import Head
from safetyd.store.chain_schema import chain as rows_table
from safetyd.store.chain_schema import statement
from safetyd.store.dialect import as_text
from safetyd.store.ledger import history_line, history_row
from safetyd.store.moments import moment
from safetyd.store.records import Kind
from safetyd.store.schema import attached, attachment, history
from safetyd.store.statements import Subject
from safetyd.times import rfc3339

Progress = Callable[[int, int], None]  # done, of how many
_AT_ONCE = 1000
_ROWS_AT_ONCE = 5000
_UNREADABLE = (
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    OverflowError,
)  # of what another hand has written
_LONGEST = 1 << 63  # no number of a row is as large


class Given(NamedTuple):
    """A head that somebody was given."""

    number: int
    hash: str


@dataclass(slots=True)
class Verdict:
    """What was found: `faults` in sentences, the first broken row of the chain first.

    `rows` are those that follow from each other, from the first on, of `whole` that there are. `older` are
    records from before the chain that it does not hold yet, `retired` digests of readings that were deleted
    when they had served their time, `undigested` readings of days that are not over, `unchecked` stamps of
    authorities whose certificates were not named, `unheld` records of which a newer row may be one of those
    that are missing: nothing can be said of them.
    """

    head: Head | None = None
    rows: int = 0
    whole: int = 0
    records: int = 0
    digests: int = 0
    retired: int = 0
    older: int = 0
    undigested: int = 0
    heads: int = 0
    stamps: int = 0
    unchecked: int = 0
    unheld: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


def verify(
    connection: Connection,
    given: Sequence[Given],
    progress: Progress,
    trusted: Trusted = (),
) -> Verdict:
    """Return what is found of a store, as it stands at one moment.

    Args:
        connection: It reads only, and in one transaction.
        given: The heads that somebody has kept.
        progress: Is told how much is done.
        trusted: By whose certificates stamps count.
    """
    earlier.read_whatever(connection)
    found = Verdict(head=_head(connection))
    found.whole = connection.exec_driver_sql("SELECT count(*) FROM chain").scalar_one()
    steps = _Steps(connection, progress)
    _walk(connection, given, found, steps)
    _name_altered(connection, found)
    older, missing = earlier.older(connection), _last_missing(connection)
    for kind in Kind:
        _compare(connection, kind, older.get(kind.value, 0), missing, found, steps)
    _check_stamps(connection, trusted, found)
    _check_files(connection, found)
    _check_history(connection, found)
    _check_readings(connection, found, steps)
    return found


def _head(connection: Connection) -> Head | None:
    try:
        return chain.head(connection)
    except _UNREADABLE:
        return None  # its time was changed, and so it does not follow from the row before it


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


def _walk(connection: Connection, given: Sequence[Given], found: Verdict, steps: _Steps) -> None:
    """Follow the chain to its end, or to its first broken row."""
    kept: dict[int, set[str]] = {}
    for each in given:
        kept.setdefault(each.number, set()).add(each.hash)
    number, previous, is_sound = 0, FIRST, True
    while is_sound:
        wanted = select(rows_table).where(rows_table.c.number > number).order_by(rows_table.c.number)
        rows = connection.execute(wanted.limit(_AT_ONCE)).fetchall()
        for row in rows:
            about = f"row {row.number} of the chain ({row.kind} {row.key})"
            if row.number != number + 1:
                is_one = row.number == number + 2
                gone = f"row {number + 1} is" if is_one else f"rows {number + 1} to {row.number - 1} are"
                found.faults.append(f"a gap in the chain: {gone} missing before {about}")
                is_sound = False
            elif row.hash != chained(previous, chain.line(row.number, row.at, row.kind, row.key, row.body)):
                found.faults.append(
                    f"{about} does not follow from the row before it: one of them was changed"
                )
                is_sound = False
            if not is_sound:
                break
            number, previous = row.number, row.hash
            for hash in kept.get(number, ()):
                if row.hash == hash:
                    found.heads += 1
                else:
                    found.faults.append(f"{about} is another than the one that was given away")
        found.rows = number
        steps.did(len(rows))
        if not rows:
            break
    hidden = connection.exec_driver_sql("SELECT count(*) FROM chain WHERE number < 1").scalar_one()
    if hidden:
        found.faults.append(f"the chain has {hidden} rows with a number below 1, which it never gives")
    if is_sound and kept and number < max(kept):
        found.faults.append(f"the chain is cut: row {max(kept)} was given away, and its last one is {number}")


def _name_altered(connection: Connection, found: Verdict) -> None:
    """Name what another hand had changed, and safetyd has found when it saved it again."""
    for name, body, at in _stated(connection, Subject.ALTERED):
        try:
            said = f"row {body['row']} of the chain" if body["row"] else "the chain, which did not have it,"
            when = rfc3339(moment(at))
        except _UNREADABLE:
            continue  # it is not what the chain says of it, which is told elsewhere
        found.faults.append(f"{name} was not what {said} says of it when safetyd saved it again, {when}")


def _stated(connection: Connection, subject: Subject) -> Iterator[tuple[str, Any, int]]:
    wanted = select(statement.c.name, statement.c.body, statement.c.at)
    wanted = wanted.where(statement.c.subject == subject.value)
    for name, body, at in connection.execute(wanted.order_by(statement.c.id)):
        try:
            yield name, json.loads(body), at
        except _UNREADABLE:
            continue  # it is not what the chain says of it, which is told elsewhere


def _last_missing(connection: Connection) -> int:
    """Return the last number before the chain's end that no row has, 0 if there is no gap."""
    before = "SELECT number, lag(number, 1, 0) OVER (ORDER BY number) AS before FROM chain WHERE number > 0"
    wanted = f"SELECT coalesce(max(number) - 1, 0) FROM ({before}) AS each WHERE number > before + 1"
    return int(connection.exec_driver_sql(wanted).scalar_one())


def _compare(
    connection: Connection, kind: Kind, older: int, missing: int, found: Verdict, steps: _Steps
) -> None:
    """Work out the digest of each record, and hold it against the last row of the chain about it.

    Where a row after that one is `missing`, it may have been the record's: the gap is the fault that is told.
    """
    all_of_them = records.records(connection, kind)
    while some := list(islice(all_of_them, _AT_ONCE)):
        known = earlier.noted(connection, kind, [key for _, key, _ in some])
        for place, key, digest in some:
            said = known.get(key)
            if said is not None and said.body == digest:
                found.records += 1
            elif 0 < place <= older and said is None:
                found.older += 1
                found.records += 1
            elif (said.row if said else 0) < missing:
                found.unheld.append(f"{kind} {key}")
            elif said is not None:
                found.records += 1
                found.faults.append(f"{kind} {key} is not what row {said.row} of the chain says of it")
            else:
                found.records += 1
                found.faults.append(f"{kind} {key} is on record, and not on the chain")
        steps.did(len(some))
    there = f"{records.TABLES[kind].name} AS there ON {as_text(connection, 'there.id')} = chain.key"
    gone = f"FROM chain LEFT JOIN {there} WHERE chain.kind = ? AND there.id IS NULL GROUP BY chain.key"
    last = f"SELECT max(chain.number) {gone}"
    for key, body, number in connection.exec_driver_sql(
        f"SELECT key, body, number FROM chain WHERE number IN ({last}) ORDER BY key", (kind.value,)
    ):
        if body and number < missing:
            found.unheld.append(f"{kind} {key}")
        elif body:
            found.faults.append(
                f"{kind} {key} is missing: row {number} of the chain says that it was on record"
            )


def _check_stamps(connection: Connection, trusted: Trusted, found: Verdict) -> None:
    """Whether each stamp is of the row that the chain has, and by an authority that is trusted."""
    row = select(rows_table.c.hash)
    for each in anchors.stamps(connection):
        number, hash = each.head.number, each.head.hash
        about = f"the stamp of {each.day} (row {number})"
        there = connection.execute(row.where(rows_table.c.number == number)).scalar()
        if there is None:
            found.faults.append(f"{about} is of a row that is missing")
        elif there != hash:
            found.faults.append(f"{about} is of another row than the chain has")
        elif not trusted:
            found.unchecked += 1
        else:
            try:
                checked(each.stamp or b"", bytes.fromhex(hash), trusted)
                found.stamps += 1
            except (StampError, ValueError) as error:
                found.faults.append(f"{about} is not good: {error}")


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
        except _UNREADABLE:
            expected = ""
        if row.hash != expected:
            found.faults.append(f"history {row.id} does not follow from the line before it")
            return
        previous = row.hash


def _check_readings(connection: Connection, found: Verdict, steps: _Steps) -> None:
    """Work out the digests of readings anew."""
    retired = max((_retired_before(body) for _, body, _ in _stated(connection, Subject.RETIRED)), default=0)
    sensors, reached = readings.sensors(connection), 0
    for day, body, _ in _stated(connection, Subject.READINGS):
        try:
            first, last, said = _number(body["first"]), _number(body["last"]), dict(body["places"])
        except _UNREADABLE:
            continue  # it is not what the chain says of it, which is told elsewhere
        made = digests.Digests(sensors, first, last)
        try:
            _check_digest(connection, made, day, said, first < retired, found, steps)
        except _UNREADABLE:
            span = f"rows {first} to {last}"
            found.faults.append(
                f"readings that arrived on {day} ({span}): another hand wrote what cannot be read"
            )
        if first != reached + 1:
            found.faults.append(f"readings {reached + 1} to {first - 1} have no digest")
        reached = last
    hidden = connection.exec_driver_sql("SELECT count(*) FROM reading WHERE id < 1").scalar_one()
    if hidden:
        found.faults.append(f"{hidden} readings have a number below 1, which is never given")
    after = "SELECT count(*) FROM reading WHERE id > ?"
    found.undigested = connection.exec_driver_sql(after, (reached,)).scalar_one()


def _retired_before(body: Any) -> int:
    try:
        return _number(body["before"])
    except _UNREADABLE:
        return 0  # it is not what the chain says of it, which is told elsewhere


def _number(said: Any) -> int:
    """Return the number of a row as a statement has it."""
    number = int(said)
    if not 0 <= number < _LONGEST:
        raise ValueError(f"{number} is no number of a row")
    return number


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
