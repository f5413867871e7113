"""How long many places were in breach over many roll-ups, added up by the database.

Rule: it only reads. What no roll-up knows of a place is in no sum, so it stays unknown.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection

from safetyd.core.tally import EPOCH, Account, Measure, Share
from safetyd.store.dialect import listed
from safetyd.store.rollups import Level

_MINUTE, _GRAIN = timedelta(minutes=1), timedelta(microseconds=1)
_ACCOUNTS = tuple(Account)
_MEASURES = tuple(Measure)
_TEMPERATURE, _HEAT_INDEX = _MEASURES.index(Measure.TEMPERATURE), _MEASURES.index(Measure.HEAT_INDEX)
_AT_ONCE = 500  # starts that one statement looks up
_SUMS = ", ".join(
    f"count({each}_breach), coalesce(sum({each}_unknown), 0), coalesce(sum({each}_breach), 0)"
    for each in _ACCOUNTS
)


class Extremes(NamedTuple):
    """The least temperature and the greatest heat index of some time, °F; None where there was no value."""

    coldest_f: float | None = None
    hottest_f: float | None = None


def spent(
    connection: Connection,
    level: Level,
    width: timedelta,
    starts: Sequence[datetime],
    places: Collection[int],
) -> dict[int, dict[Account, Share]]:
    """Return the sums over roll-ups of one level that are equally long, by the number of the place."""
    found: dict[int, dict[Account, Share]] = {}
    whole = width // _GRAIN
    for some in _pieces(level, starts, places):
        rows = connection.exec_driver_sql(
            f"SELECT place, {_SUMS} FROM roll_up_time WHERE {some} GROUP BY place"
        )
        for place, *sums in rows.fetchall():
            known = found.setdefault(place, {})
            for number, account in enumerate(_ACCOUNTS):
                count, unknown, breach = sums[3 * number : 3 * number + 3]
                ok, before = known.get(account, Share())
                known[account] = Share(ok + count * whole - unknown - breach, before + breach)
    return found


def extremes(
    connection: Connection, level: Level, starts: Sequence[datetime], places: Collection[int]
) -> dict[int, Extremes]:
    """Return the extremes over roll-ups of one level, by the number of the place."""
    found: dict[int, Extremes] = {}
    for some in _pieces(level, starts, places):
        rows = connection.exec_driver_sql(
            f"SELECT place, min(CASE measure WHEN {_TEMPERATURE} THEN low END),"
            f" max(CASE measure WHEN {_HEAT_INDEX} THEN high END) FROM roll_up"
            f" WHERE {some} AND measure IN ({_TEMPERATURE}, {_HEAT_INDEX}) GROUP BY place"
        )
        for place, coldest, hottest in rows.fetchall():
            found[place] = further(found.get(place, Extremes()), Extremes(coldest, hottest))
    return found


def further(one: Extremes, other: Extremes) -> Extremes:
    """Return the extremes of two times together."""
    colds = [each for each in (one.coldest_f, other.coldest_f) if each is not None]
    heats = [each for each in (one.hottest_f, other.hottest_f) if each is not None]
    return Extremes(min(colds, default=None), max(heats, default=None))


def _pieces(level: Level, starts: Sequence[datetime], places: Collection[int]) -> list[str]:
    of = f"place IN ({listed(places)})"
    minutes = [(start - EPOCH) // _MINUTE for start in starts]
    return [
        f"level = {int(level)} AND start IN ({','.join(map(str, minutes[at : at + _AT_ONCE]))}) AND {of}"
        for at in range(0, len(minutes), _AT_ONCE)
        if places
    ]
