"""A building's month from the store into Parquet files, written by DuckDB.

Rule: a file is whole or as it was: it is written under another name and takes its own when it is done. The
same history gives the same rows in the same order, however often it is exported. Names of people, their notes
and who reported stay in the store.
"""

import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from safetyd.core.model import Place
from safetyd.core.tally import Account, Bucket, Measure
from safetyd.core.telling import SAFETYD
from safetyd.history.buckets import edges
from safetyd.lake.duck import Duck, LakeError, text
from safetyd.lake.layout import (
    BUCKETS,
    COLUMNS,
    DEEDS,
    EPISODES,
    FORMAT,
    Partition,
    month_span,
    months_between,
)
from safetyd.site import Site
from safetyd.store import rollups, supposing
from safetyd.store.database import Connection
from safetyd.store.rollups import Level, RolledPlace
from safetyd.times import rfc3339

LATEST = timedelta(days=10)  # after the end of a month, that a reading of it may come
SOMEBODY = "somebody"  # who did something, where it was not safetyd
_ROWS_IN_A_GROUP = 122_880

Row = Sequence[Any]
Span = tuple[datetime, Bucket]
Buckets = Callable[[RolledPlace, datetime, datetime], Iterable[Span]]


class Source(NamedTuple):
    """The store to export from, and what gives the buckets of one of its places in a span."""

    connection: Connection
    site: Site
    buckets: Buckets


Opening = Callable[[], AbstractContextManager[Source]]


def rolled_up(connection: Connection, site: Site) -> Source:
    """Return the source of what is rolled up by five minutes."""

    def fives(rolled: RolledPlace, begin: datetime, end: datetime) -> Iterator[Span]:
        spans = list(edges(Level.FIVE_MINUTES, begin, end, site.timezone))
        for span in rollups.buckets(connection, Level.FIVE_MINUTES, rolled.number, spans):
            yield span.begin, span.bucket

    return Source(connection, site, fives)


def export_each(
    duck: Duck,
    sources: Sequence[Opening],
    folder: Path,
    buildings: Sequence[str],
    begin: datetime | None,
    progress: Callable[[int, int], object] = lambda done, of: None,
    *,
    only_unsettled: bool = False,
) -> tuple[int, int]:
    """Write the months of some buildings, each from the source that has it, since a moment or all of them;
    return how many there were, and how many buckets. `progress` hears of months.

    Raises:
        LakeError: nothing is rolled up, or it cannot be written.
    """
    there, wanted = 0, []
    for opening in sources:
        with opening() as source:
            here = [each for each in buildings if source.site.building(each) is not None]
            found = partitions(source, here, begin)
            there += len(found)
            wanted.append(unsettled(found, folder, source.site) if only_unsettled else found)
    if not there:
        since = "" if begin is None else f" since {rfc3339(begin)}"
        raise LakeError(
            f"nothing of {', '.join(buildings)} is rolled up{since}; run: safetyd history rebuild"
        )
    done = count = 0
    for opening, found in zip(sources, wanted, strict=True):
        if found:
            with opening() as source:
                for partition in found:
                    progress(done, sum(map(len, wanted)))
                    count += export(duck, source, folder, partition)
                    done += 1
    return done, count


def partitions(source: Source, buildings: Iterable[str], begin: datetime | None) -> list[Partition]:
    """Return the building's months that hold anything rolled up since a moment, or ever."""
    reached = rollups.progress(source.connection)
    if reached is None:
        return []
    found = []
    for building in buildings:
        first = min((each.since for each in _places(source, building)), default=None)
        if first is not None:
            earliest = first if begin is None else max(first, begin)
            months = months_between(earliest, reached.settled_to, source.site.timezone)
            found += [Partition(building, month) for month in months]
    return found


def unsettled(found: Iterable[Partition], folder: Path, site: Site) -> list[Partition]:
    """Return those of which a file is missing, or was written while something could still come."""

    def is_settled(partition: Partition) -> bool:
        final = month_span(partition.month, site.timezone)[1] + LATEST
        files = [partition.file(folder, name) for name in COLUMNS]
        return all(each.is_file() and each.stat().st_mtime > final.timestamp() for each in files)

    return [each for each in found if not is_settled(each)]


def export(duck: Duck, source: Source, folder: Path, partition: Partition) -> int:
    """Write the files of one building's month; return how many buckets it has.

    Raises:
        LakeError: they cannot be written.
    """
    building = partition.building
    begin, end = month_span(partition.month, source.site.timezone)
    until = min(end, _settled_to(source.connection))
    places = sorted(_places(source, building), key=lambda each: each.place.room or "")

    def buckets() -> Iterator[Row]:
        for rolled in places:
            for start, bucket in source.buckets(rolled, begin, until):
                yield [rolled.place.room, start.isoformat(), *_cells(bucket)]

    def deeds() -> Iterator[Row]:
        for each in supposing.doings(source.connection, begin, end):
            place, condition, hazard = each.subject
            if place.building == building:
                by = SAFETYD if each.by == SAFETYD else SOMEBODY
                tier, to = each.detail.get("tier"), each.detail.get("until")
                yield [place.room, each.at.isoformat(), condition, hazard, each.event, by, tier, to]

    def episodes() -> Iterator[Row]:
        found = supposing.ticketed(source.connection, begin, end)
        for (place, condition), spans in found.items():
            if place.building == building:
                yield from ([place.room, condition, *(at.isoformat() for at in span)] for span in spans)

    try:
        partition.file(folder, BUCKETS).parent.mkdir(parents=True, exist_ok=True)
        write(duck, partition.file(folder, DEEDS), deeds(), until)
        write(duck, partition.file(folder, EPISODES), episodes(), until)
        return write(duck, partition.file(folder, BUCKETS), buckets(), until)
    except OSError as error:
        raise LakeError(f"{folder}: cannot be written: {error.strerror or error}") from error


def write(duck: Duck, file: Path, rows: Iterable[Row], until: datetime) -> int:
    """Write rows as one of the files; return how many there were."""
    scratch, count = duck.scratch / "rows.csv", 0
    with scratch.open("w", newline="", encoding="utf-8") as opened:
        writer = csv.writer(opened)
        for row in rows:
            writer.writerow(row)
            count += 1
    columns = ", ".join(f"{text(name)}: {text(kind)}" for name, kind in COLUMNS[file.name].items())
    read = f"read_csv({text(str(scratch))}, header = false, auto_detect = false, delim = ',', quote = '\"',"
    copy(duck, f"FROM {read} escape = '\"', nullstr = '', columns = {{{columns}}})", file, until)
    scratch.unlink()
    return count


def copy(duck: Duck, query: str, file: Path, until: datetime) -> None:
    """Write what a query gives as one of the files, which says up to when it knows everything."""
    unfinished = file.with_name(f".{file.name}.part")
    about = f"{{safetyd_format: {text(FORMAT)}, safetyd_until: {text(rfc3339(until))}}}"
    options = f"FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {_ROWS_IN_A_GROUP}, KV_METADATA {about}"
    try:
        duck.run(f"COPY ({query}) TO {text(duck.seen(unfinished))} ({options})", of=file)
        unfinished.replace(file)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise


def _cells(bucket: Bucket) -> list[float | int | None]:
    """Return what a bucket holds, in the order of the columns."""
    warm, damp, heat = (
        bucket.values.get(each) for each in (Measure.TEMPERATURE, Measure.HUMIDITY, Measure.HEAT_INDEX)
    )
    shares = {account: bucket.shares.get(account) for account in Account}
    known = {account: share and share.ok + share.breach for account, share in shares.items()}
    room, outage = shares[Account.ROOM], shares[Account.OUTAGE]
    return [
        warm and warm.low,
        warm and warm.total / warm.n,
        warm and warm.high,
        damp and damp.total / damp.n,
        heat and heat.low,
        heat and heat.high,
        known[Account.COLD],
        known[Account.HEAT],
        known[Account.ROOM],
        room and room.breach,
        known[Account.OUTAGE],
        outage and outage.breach,
    ]


def _places(source: Source, building: str) -> list[RolledPlace]:
    here = source.site.building(building)
    rooms = {Place(building, None)} | {Place(building, room.id) for room in (here.rooms if here else ())}
    return [each for each in rollups.places(source.connection) if each.place in rooms]


def _settled_to(connection: Connection) -> datetime:
    reached = rollups.progress(connection)
    if reached is None:
        raise LakeError("nothing is rolled up yet; run: safetyd history rebuild")
    return reached.settled_to
