"""Roll-ups as they are kept: five minutes, hours and days of each place, and what is needed to go on.

Rule: a bucket is written whole and replaced whole; what is not there is unknown. Rows lie in order of time,
so a place's are looked up start by start.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from datetime import datetime, timedelta
from enum import IntEnum
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection

from safetyd.core.model import Place
from safetyd.core.tally import EPOCH, WIDTH, Account, Bucket, Known, Measure, Share, Values
from safetyd.store.dialect import listed
from safetyd.store.moments import micros, moment

HOUR = timedelta(hours=1)
_MINUTE = timedelta(minutes=1)
_GRAIN = timedelta(microseconds=1)
_KNOWN = msgspec.msgpack.Decoder(Known)
_ACCOUNTS = tuple(Account)
_MEASURES = tuple(Measure)
_NUMBERS = {measure: number for number, measure in enumerate(_MEASURES)}
_TIMES = [f"{account}_{what}" for account in _ACCOUNTS for what in ("breach", "unknown")]
_AT_ONCE = 500  # starts that one statement looks up
_TABLES = ("roll_up", "roll_up_time")


def _put(table: str, keys: Sequence[str], rest: Sequence[str]) -> str:
    """Return the statement that writes rows over those of the same keys."""
    changed = ", ".join(f"{name} = excluded.{name}" for name in rest)
    return (
        f"INSERT INTO {table} ({', '.join([*keys, *rest])}) VALUES ({','.join('?' * len([*keys, *rest]))})"
        f" ON CONFLICT ({', '.join(keys)}) DO UPDATE SET {changed}"
    )


_PUT_VALUES = _put("roll_up", ["level", "start", "place", "measure"], ["n", "low", "high", "total"])
_PUT_TIMES = _put("roll_up_time", ["level", "start", "place"], _TIMES)
_PUT_STATE = _put("roll_up_state", ["at", "place"], ["is_settled", "body"])


class Level(IntEnum):
    """How long a bucket is; a day is one of the site's time zone."""

    FIVE_MINUTES = 0
    HOUR = 1
    DAY = 2


class Progress(NamedTuple):
    """Everything before `settled_to` is rolled up; only what was said in readings after row `reading` may
    count later. Readings from before `retired_to` are deleted, or no longer looked at."""

    settled_to: datetime
    reading: int
    retired_to: datetime | None = None


class RolledPlace(NamedTuple):
    """A place that has roll-ups, its number, and when its first one begins."""

    number: int
    place: Place
    since: datetime


class State(NamedTuple):
    """What was known of a place at a moment; unsettled, what came before may yet turn out otherwise.

    One that cannot be read is unsettled, so that whoever goes on begins with an older one."""

    at: datetime
    is_settled: bool
    known: Known
    is_readable: bool = True


class Span(NamedTuple):
    """One bucket of one level."""

    begin: datetime
    end: datetime
    bucket: Bucket


def progress(connection: Connection) -> Progress | None:
    """Return how far the roll-ups have come; None if nothing was ever rolled up."""
    found = connection.exec_driver_sql(
        "SELECT settled_to, reading, retired_to FROM roll_up_progress"
    ).fetchone()
    if found is None:
        return None
    settled_to, reading, retired_to = found
    return Progress(moment(settled_to), reading, None if retired_to is None else moment(retired_to))


def put_progress(connection: Connection, reached: Progress) -> None:
    """Note how far the roll-ups have come, in the open transaction."""
    retired_to = None if reached.retired_to is None else micros(reached.retired_to)
    connection.exec_driver_sql(
        "INSERT INTO roll_up_progress (id, settled_to, reading, retired_to) VALUES (1,?,?,?)"
        " ON CONFLICT (id) DO UPDATE SET settled_to = excluded.settled_to, reading = excluded.reading,"
        " retired_to = excluded.retired_to",
        (micros(reached.settled_to), reached.reading, retired_to),
    )


def places(connection: Connection) -> list[RolledPlace]:
    """Return every place that has roll-ups."""
    found = connection.exec_driver_sql("SELECT id, building, room, since FROM roll_up_place ORDER BY id")
    return [
        RolledPlace(id, Place(building, room or None), moment(since)) for id, building, room, since in found
    ]


def put_place(connection: Connection, rolled: RolledPlace) -> None:
    """Keep a place, in the open transaction."""
    connection.exec_driver_sql(
        "INSERT INTO roll_up_place (id, building, room, since) VALUES (?,?,?,?)"
        " ON CONFLICT (id) DO UPDATE SET since = excluded.since",
        (rolled.number, rolled.place.building, rolled.place.room or "", micros(rolled.since)),
    )


def replace(
    connection: Connection, level: Level, place: int, starts: Iterable[datetime], spans: Iterable[Span]
) -> None:
    """Write the buckets of a place in the stead of what stood at some starts, in the open transaction."""
    keys = [(int(level), _minutes(start), place) for start in starts]
    for table in _TABLES:
        if keys:
            statement = f"DELETE FROM {table} WHERE level = ? AND start = ? AND place = ?"
            connection.exec_driver_sql(statement, keys)
    values, times = [], []
    for span in spans:
        key = (int(level), _minutes(span.begin), place)
        values += [(*key, _NUMBERS[measure], *each) for measure, each in span.bucket.values.items()]
        if span.bucket.shares:
            times.append((*key, *_kept(span)))
    if values:
        connection.exec_driver_sql(_PUT_VALUES, values)
    if times:
        connection.exec_driver_sql(_PUT_TIMES, times)


def _kept(span: Span) -> Iterable[int | None]:
    width = (span.end - span.begin) // _GRAIN
    for account in _ACCOUNTS:
        share = span.bucket.shares.get(account)
        yield None if share is None else share.breach
        yield None if share is None else width - share.ok - share.breach


def buckets(
    connection: Connection,
    level: Level,
    place: int,
    spans: Sequence[tuple[datetime, datetime]],
    measures: Iterable[Measure] = _MEASURES,
    *,
    with_shares: bool = True,
) -> list[Span]:
    """Return what is kept of a place's spans of one level, in order; those without anything are left out."""
    wanted = sorted(_NUMBERS[measure] for measure in measures)
    values: dict[int, dict[Measure, Values]] = {}
    shares: dict[int, dict[Account, Share]] = {}
    by_start = {_minutes(begin): (begin, end) for begin, end in spans}
    starts = list(by_start)
    of_measures = f"measure IN ({','.join(map(str, wanted))})"
    for first in range(0, len(starts), _AT_ONCE):
        some = f"level = {int(level)} AND start IN ({','.join(map(str, starts[first : first + _AT_ONCE]))})"
        some += f" AND place = {place}"
        if wanted:
            for start, measure, *each in connection.exec_driver_sql(
                f"SELECT start, measure, n, low, high, total FROM roll_up WHERE {some} AND {of_measures}"
            ).fetchall():
                values.setdefault(start, {})[_MEASURES[measure]] = Values(*each)
        if with_shares:
            for start, *times in connection.exec_driver_sql(
                f"SELECT start, {', '.join(_TIMES)} FROM roll_up_time WHERE {some}"
            ).fetchall():
                begin, end = by_start[start]
                shares[start] = _shares(times, (end - begin) // _GRAIN)
    return [
        Span(*by_start[start], Bucket(values.get(start, {}), shares.get(start, {})))
        for start in starts
        if start in values or start in shares
    ]


def means(
    connection: Connection, building: str, measure: Measure, begin: datetime, width: timedelta, count: int
) -> dict[str, list[float | None]]:
    """Return the mean of each of so many spans for every room of a building that has any, in one look-up.

    A span is as wide as some buckets of five minutes, and begins with one.
    """
    first, minutes, last = _minutes(begin), width // _MINUTE, _minutes(begin + count * width)
    starts = ",".join(map(str, range(first, last, WIDTH // _MINUTE)))
    found: dict[str, list[float | None]] = {}
    for room, span, mean in connection.exec_driver_sql(
        "SELECT room, (start - ?) / ?, sum(total) / sum(n) FROM roll_up_place CROSS JOIN roll_up"
        f" WHERE building = ? AND room <> '' AND level = {int(Level.FIVE_MINUTES)} AND start IN ({starts})"
        " AND place = id AND measure = ? GROUP BY 1, 2",
        (first, minutes, building, _NUMBERS[measure]),
    ):
        found.setdefault(room, [None] * count)[span] = mean
    return found


def known_micros(
    connection: Connection,
    level: Level,
    place: int,
    account: Account,
    spans: Iterable[tuple[datetime, datetime]],
) -> dict[tuple[datetime, datetime], int]:
    """Return how much of a place's spans of one level is known, by one account; nought is left out."""
    by_start = {_minutes(begin): (begin, end) for begin, end in spans}
    starts = list(by_start)
    unknown = f"{account}_unknown"
    found = {}
    for first in range(0, len(starts), _AT_ONCE):
        some = ",".join(map(str, starts[first : first + _AT_ONCE]))
        for start, micros_unknown in connection.exec_driver_sql(
            f"SELECT start, {unknown} FROM roll_up_time WHERE level = {int(level)} AND start IN ({some})"
            f" AND place = {place} AND {unknown} IS NOT NULL"
        ).fetchall():
            begin, end = by_start[start]
            found[begin, end] = (end - begin) // _GRAIN - micros_unknown
    return found


def _shares(times: Sequence[int | None], width: int) -> dict[Account, Share]:
    found = {}
    for number, account in enumerate(_ACCOUNTS):
        breach, unknown = times[2 * number], times[2 * number + 1]
        if breach is not None and unknown is not None:
            found[account] = Share(width - breach - unknown, breach)
    return found


def put_states(connection: Connection, at: datetime, states: Mapping[int, State]) -> None:
    """Keep what is known of places at a full hour, in the open transaction."""
    rows = [
        (micros(at), place, int(state.is_settled), msgspec.msgpack.encode(state.known))
        for place, state in states.items()
    ]
    if rows:
        connection.exec_driver_sql(_PUT_STATE, rows)


def newest_state(connection: Connection, place: int, at: datetime, *, settled: bool = False) -> State | None:
    """Return what was known of a place at the last full hour up to a moment, of settled ones if so asked."""
    only = " AND is_settled = 1" if settled else ""
    found = connection.exec_driver_sql(
        f"SELECT at, is_settled, body FROM roll_up_state WHERE at <= ? AND place = ?{only} ORDER BY at DESC",
        (micros(at), place),
    )
    with closing(found):
        for since, is_settled, body in found:
            try:
                return State(moment(since), bool(is_settled), _KNOWN.decode(body))
            except msgspec.MsgspecError:
                if not settled:
                    return State(moment(since), is_settled=False, known=Known(), is_readable=False)
    return None


def marks(connection: Connection, since: datetime) -> list[datetime]:
    """Return the full hours at which something is kept to go on from, after a moment, in order."""
    found = connection.exec_driver_sql(
        "SELECT DISTINCT at FROM roll_up_state WHERE at > ? ORDER BY at", (micros(since),)
    )
    return [moment(at) for (at,) in found]


def forget_states(connection: Connection, place: int, after: datetime) -> None:
    """Drop what was known of a place after a moment: it is being worked out anew."""
    connection.exec_driver_sql("DELETE FROM roll_up_state WHERE at > ? AND place = ?", (micros(after), place))


def thin_states(connection: Connection, at: Iterable[datetime], keep: Mapping[int, datetime]) -> None:
    """Drop what was known at some moments, but for the places whose only one worth keeping is of then."""
    for each in at:
        kept = listed(place for place, since in keep.items() if since == each)
        connection.exec_driver_sql(
            f"DELETE FROM roll_up_state WHERE at = ? AND place NOT IN ({kept})", (micros(each),)
        )


def forget_states_before(connection: Connection, at: datetime) -> None:
    """Drop what was known before a moment, but the last of each place."""
    connection.exec_driver_sql(
        "DELETE FROM roll_up_state WHERE at < ? AND (place, at) NOT IN"
        " (SELECT place, max(at) FROM roll_up_state WHERE at <= ? GROUP BY place)",
        (micros(at), micros(at)),
    )


def forget_all(connection: Connection) -> None:
    """Drop every roll-up, in the open transaction."""
    for table in (*_TABLES, "roll_up_state", "roll_up_place", "roll_up_progress"):
        connection.exec_driver_sql(f"DELETE FROM {table}")


def forget_since(connection: Connection, at: datetime, day: datetime) -> None:
    """Drop what reaches beyond a full hour, in the open transaction; the day that holds it began at `day`."""
    for table in _TABLES:
        for level, start in ((Level.FIVE_MINUTES, at), (Level.HOUR, at), (Level.DAY, day)):
            connection.exec_driver_sql(
                f"DELETE FROM {table} WHERE level = ? AND start >= ?", (int(level), _minutes(start))
            )
    connection.exec_driver_sql("DELETE FROM roll_up_state WHERE at > ?", (micros(at),))


def starts(connection: Connection, level: Level) -> list[datetime]:
    """Return the beginnings of all buckets of a level, of whichever place."""
    found = connection.exec_driver_sql(
        "SELECT DISTINCT start FROM roll_up WHERE level = ? ORDER BY start", (int(level),)
    )
    return [EPOCH + minutes * _MINUTE for (minutes,) in found.fetchall()]


def first_start(connection: Connection, level: Level) -> datetime | None:
    """Return the beginning of the oldest bucket of a level."""
    found = [
        connection.exec_driver_sql(f"SELECT min(start) FROM {table} WHERE level = ?", (int(level),)).scalar()
        for table in _TABLES
    ]
    return min((EPOCH + each * _MINUTE for each in found if each is not None), default=None)


def forget_before(connection: Connection, level: Level, at: datetime) -> None:
    """Drop the buckets of a level that begin before a moment, in the open transaction."""
    for table in _TABLES:
        statement = f"DELETE FROM {table} WHERE level = ? AND start < ?"
        connection.exec_driver_sql(statement, (int(level), _minutes(at)))


def _minutes(at: datetime) -> int:
    return (at - EPOCH) // _MINUTE
