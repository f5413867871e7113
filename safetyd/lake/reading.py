"""What one building's month says, read from its Parquet files and reduced by DuckDB.

Rule: a file is believed only as far as it is one of ours: its columns, its month, its values. Whatever a file
lacks is unknown; whatever it cannot mean is an error that names it. Buckets of a minute and of five give the
same, for what is reduced is only ever least, greatest and sum.
"""

from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import NamedTuple

from safetyd.core.model import Condition, Hazard, Place
from safetyd.core.tally import WIDTH
from safetyd.lake.duck import Duck, LakeError
from safetyd.lake.layout import BUCKETS, COLUMNS, DEEDS, EPISODES, FORMAT, Partition, month_span
from safetyd.site import Site
from safetyd.store.moments import micros, moment, span_micros
from safetyd.store.rollups import HOUR
from safetyd.store.supposing import DONE, REPORTED, Doing
from safetyd.times import read_time

HOUR_US, WIDTH_US = span_micros(HOUR), span_micros(WIDTH)
_AGAIN = "export this month again: safetyd history export"
_MEASURED = ("temperature_low_f", "temperature_high_f", "heat_index_low_f", "heat_index_high_f")
_SPENT = ("cold_known_us", "heat_known_us", "mains_known_us", "outage_us")
_REDUCED = ", ".join(
    [
        *(f"{'min' if '_low_' in name else 'max'}({name}) AS {name}" for name in _MEASURED),
        *(f"coalesce(sum({name}), 0)::BIGINT AS {name}" for name in _SPENT),
    ]
)
KEPT = ", ".join((*_MEASURED, *_SPENT))  # as `supposing.Kept` has them, extremes apart
_ALL_SPENT = (*_SPENT, "room_known_us", "room_breach_us")
_ABSURD = " OR ".join(
    [
        "start IS NULL OR epoch_us(start) < $2 OR epoch_us(start) >= $3",
        *(f"NOT isfinite({name})" for name in _MEASURED),
        *(
            f"{low} > {high} OR ({low} IS NULL) <> ({high} IS NULL)"
            for low, high in (_MEASURED[:2], _MEASURED[2:])
        ),
        *(f"{name} < 0 OR {name} > {WIDTH_US}" for name in _ALL_SPENT),
    ]
)


class Survey(NamedTuple):
    """Which months of a building are there, and up to when the last of them knows everything."""

    months: tuple[date, ...]
    until: datetime


def survey(duck: Duck, folder: Path, building: str, wanted: Sequence[date]) -> Survey | None:
    """Return which of some months are there, whole and ours; None if none is.

    Raises:
        LakeError: a file of one of them is damaged or no export of ours.
    """
    found, until = [], None
    for month in wanted:
        partition = Partition(building, month)
        if partition.file(folder, BUCKETS).exists():
            ends = [_checked(duck, partition.file(folder, name)) for name in COLUMNS]
            until = max(ends if until is None else [*ends, until])
            found.append(month)
    return None if until is None else Survey(tuple(found), until)


def _checked(duck: Duck, file: Path) -> datetime:
    """Return up to when a file knows everything."""
    if not file.exists():
        raise LakeError(f"{file}: is not there; {_AGAIN}")
    name = duck.seen(file)
    about = {
        bytes(key): bytes(value)
        for key, value in duck.run("SELECT key, value FROM parquet_kv_metadata(?)", [name], file)
    }
    made = about.get(b"safetyd_format", b"").decode(errors="replace")
    if made != FORMAT:
        kind = f"of format {made}, which this version does not know" if made else "no export of safetyd"
        raise LakeError(f"{file}: is {kind}; {_AGAIN}")
    columns = {
        name: kind for name, kind, *_ in duck.run("DESCRIBE SELECT * FROM read_parquet(?)", [name], file)
    }
    for column, kind in COLUMNS[file.name].items():
        if columns.get(column) != kind:
            there = f"is {columns[column]}" if column in columns else "is not there"
            raise LakeError(f"{file}: column {column} {there}, expected {kind}; {_AGAIN}")
    try:
        return read_time(about.get(b"safetyd_until", b"").decode(errors="replace"))
    except ValueError as error:
        raise LakeError(f"{file}: up to when it knows everything: {error}") from error


def take_hours(duck: Duck, folder: Path, partition: Partition, site: Site) -> None:
    """Add a month's hours of the places in table `place` to table `hour`.

    Raises:
        LakeError: a bucket is none, or there twice.
    """
    file = partition.file(folder, BUCKETS)
    begin, end = (micros(at) for at in month_span(partition.month, site.timezone))
    duck.run(
        f"CREATE OR REPLACE TEMP TABLE month AS SELECT number, epoch_us(start) // {HOUR_US} AS n, {_REDUCED},"
        " coalesce(sum(room_known_us), 0)::BIGINT AS room_known_us,"
        " coalesce(sum(room_breach_us), 0)::BIGINT AS room_breach_us,"
        f" count_if({_ABSURD}) AS absurd"
        " FROM read_parquet($1, hive_partitioning = false) AS bucket"
        " JOIN place ON place.room = coalesce(bucket.room, '') GROUP BY 1, 2",
        [duck.seen(file), begin, end],
        file,
    )
    too_much = " OR ".join(f"{name} > {HOUR_US}" for name in _ALL_SPENT)
    found = duck.run(
        "SELECT any_value(room), sum(absurd) FROM month JOIN place USING (number)"
        f" WHERE absurd > 0 OR {too_much} GROUP BY number ORDER BY 1 LIMIT 1"
    )
    if found:
        [(room, absurd)] = found
        where = partition.building + (f"/{room}" if room else "")
        what = "a value that cannot be, or of another month" if absurd else "more than an hour in an hour"
        raise LakeError(f"{file}: {where} has {what}; {_AGAIN}")
    duck.run("INSERT INTO hour SELECT * EXCLUDE (absurd) FROM month")
    duck.run("DROP TABLE month")


def take_fives(duck: Duck, folder: Path, partition: Partition) -> None:
    """Put a month's five minutes of the hours in table `wanted` into table `five`."""
    file = partition.file(folder, BUCKETS)
    duck.run(
        f"CREATE OR REPLACE TEMP TABLE five AS SELECT number, epoch_us(start) // {WIDTH_US} AS n, {_REDUCED}"
        " FROM read_parquet($1, hive_partitioning = false) AS bucket"
        " JOIN place ON place.room = coalesce(bucket.room, '')"
        f" SEMI JOIN wanted ON wanted.number = place.number AND wanted.n = epoch_us(start) // {HOUR_US}"
        " GROUP BY 1, 2",
        [duck.seen(file)],
        file,
    )


def deeds(duck: Duck, folder: Path, partition: Partition) -> list[Doing]:
    """Return what people did in a month, in order."""
    file = partition.file(folder, DEEDS)
    rows = duck.run(
        "SELECT epoch_us(done_at), event, done_by, tier, epoch_us(extended_to), room, condition, hazard"
        " FROM read_parquet(?, hive_partitioning = false)",
        [duck.seen(file)],
        file,
    )
    found = []
    for at, event, by, tier, until, room, condition, hazard in rows:
        detail = {"tier": tier} if tier else {}
        if until is not None:
            detail["until"] = moment(until).isoformat()
        if at is None or by is None or event not in (*DONE, *REPORTED):
            raise LakeError(f"{file}: {event!r} is nothing that people do; {_AGAIN}")
        subject = _subject(file, partition, room, condition)
        kind = None if hazard is None else _hazard(file, hazard)
        found.append(Doing(moment(at), event, by, "", detail, (*subject, kind)))
    return found


def episodes(
    duck: Duck, folder: Path, partition: Partition
) -> list[tuple[tuple[Place, Condition], tuple[datetime, datetime]]]:
    """Return when the episodes of a month ran that have a ticket, by place and condition."""
    file = partition.file(folder, EPISODES)
    rows = duck.run(
        "SELECT room, condition, epoch_us(began_at), epoch_us(ended_at)"
        " FROM read_parquet(?, hive_partitioning = false)"
        " WHERE began_at IS NOT NULL AND ended_at IS NOT NULL",
        [duck.seen(file)],
        file,
    )
    return [
        (_subject(file, partition, room, condition), (moment(began_at), moment(ended_at)))
        for room, condition, began_at, ended_at in rows
    ]


def _subject(file: Path, partition: Partition, room: str | None, condition: str) -> tuple[Place, Condition]:
    try:
        return Place(partition.building, room), Condition(condition)
    except ValueError as error:
        raise LakeError(f"{file}: no condition is called {condition!r}; {_AGAIN}") from error


def _hazard(file: Path, hazard: str) -> Hazard:
    try:
        return Hazard(hazard)
    except ValueError as error:
        raise LakeError(f"{file}: no hazard is called {hazard!r}; {_AGAIN}") from error
