"""Everything on record about some buildings and a range, as one archive: an answer to a request (2.3).

Rule: nothing is left out but the names of educators who reported, unless they are wanted, and addresses.
Tickets are those that concern the range, each with its whole history.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, BinaryIO

from safetyd import __version__
from safetyd.core.book import in_words
from safetyd.core.model import Place
from safetyd.core.ticket import AT_REST, Ticket
from safetyd.history.document import import_object
from safetyd.naming import names_of_places, reported, veiled
from safetyd.objects import trouble_object
from safetyd.reports.archive import Part, as_list, as_table, pretty, write_archive
from safetyd.reports.document import csv_of
from safetyd.reports.readme import README, readme
from safetyd.reports.report import coverage_words
from safetyd.reports.rooms import rooms
from safetyd.reports.season import Season
from safetyd.site import Site
from safetyd.store import accounts, attachments, chain, imports, ledger, raw, readings, statements
from safetyd.store.database import Connection
from safetyd.store.reporters import reporters
from safetyd.store.statements import Subject
from safetyd.store.troubles import every_trouble
from safetyd.times import rfc3339
from safetyd.view import View, told_of, view

FORMAT = 1
READINGS = ("building", "room", "sensor", "quantity", "observed_at", "received_at", "value", "unit", "mark")
READINGS_MORE = ("reason", "stamp", "row")
HISTORY = ("ticket", "at", "event", "by", "note", "hash")
NOTICES = (
    "ticket",
    "at",
    "reason",
    "roles",
    "title",
    "person",
    "kind",
    "state",
    "done_at",
    "attempts",
    "answer",
)
_STATED = (Subject.RULES, Subject.PLAN, Subject.CALENDAR, Subject.SENSORS, Subject.PEOPLE)


def write_everything(
    out: BinaryIO, connection: Connection, root: str, season: Season, *, with_names: bool = False
) -> dict[str, Any]:
    """Write the archive of a season, and return its manifest."""
    names = frozenset() if with_names else _reporters(connection, season.site)
    seen = view(connection, season.site, root, season.made_at)
    hours, head = rooms(season), chain.head(connection)
    about = {
        "format": FORMAT,
        "made_by": f"safetyd {__version__}",
        "made_at": rfc3339(season.made_at),
        "site": season.site.name,
        "time_zone": season.zone.key,
        "buildings": [each.id for each in season.buildings],
        "from": rfc3339(season.begin),
        "to": rfc3339(season.end),
        "coverage": coverage_words(hours),
        "notes": list(season.notes),
        "head": None if head is None else f"{head.hash}@{head.number}",
        "names_of_reporters": "as on record" if with_names else "withheld",
    }
    parts = _Parts(connection, season, seen, names)
    made: list[Part] = [
        (README, [readme(hours, with_names=with_names)]),
        ("tickets.json", as_list(parts.tickets())),
        ("history.csv", as_table(HISTORY, parts.history())),
        ("notices.csv", as_table(NOTICES, parts.notices())),
        ("readings.csv", as_table((*READINGS, *READINGS_MORE), parts.readings())),
        ("troubles.json", as_list(parts.troubles())),
        ("sensors.json", as_list(parts.sensors())),
        ("imports.json", as_list(parts.imports())),
        ("rules.json", [pretty(parts.rules())]),
        ("stated.json", as_list(parts.stated())),
        ("hours.csv", [csv_of(hours.tables[0])]),
        ("hours_by_month.csv", [csv_of(hours.tables[1])]),
    ]
    return write_archive(out, _with_files(made, parts), about)


def _with_files(made: list[Part], parts: "_Parts") -> Iterator[Part]:
    yield from made
    yield from parts.files()


def _reporters(connection: Connection, site: Site) -> frozenset[str]:
    found, _ = reporters(connection, 0)
    known = [each for each, _ in accounts.everybody(connection)]
    return reported(found, known, site.people, names_of_places(site))


class _Parts:
    """Where each part comes from; every one is read when it is written."""

    def __init__(self, connection: Connection, season: Season, seen: View, names: frozenset[str]) -> None:
        self._connection, self._season, self._seen, self._names = connection, season, seen, names
        self._ids = [each.id for each in season.buildings]
        self._concerned = [each.id for each in seen.world.tickets.values() if self._concerns(each)]

    def _concerns(self, ticket: Ticket) -> bool:
        if ticket.place.building not in self._ids or ticket.opened_at >= self._season.end:
            return False
        if ticket.status not in AT_REST:
            return True
        lines = ledger.history(self._connection, ticket.id)
        return any(row.at >= self._season.begin for row, _ in lines)

    def _veiled(self, shown: Any) -> Any:
        return veiled(shown, self._names)

    def tickets(self) -> Iterator[Any]:
        """Yield every ticket, with its history and whom it told."""
        for id in self._concerned:
            yield self._veiled(self._seen.whole_ticket(id))

    def history(self) -> Iterator[list[Any]]:
        for id in self._concerned:
            for row, hash in ledger.history(self._connection, id):
                yield self._veiled([id, rfc3339(row.at), row.event, row.by, row.note, hash])

    def notices(self) -> Iterator[list[Any]]:
        for id in self._concerned:
            for told in told_of(self._connection, id, self._season.site):
                about = [id, told["at"], told["reason"], " ".join(told["roles"]), told["title"]]
                for each in told["deliveries"] or [{}]:
                    keys = ("person", "kind", "state", "done_at", "attempts", "answer")
                    yield self._veiled([*about, *(each.get(key) for key in keys)])

    def readings(self) -> Iterator[list[Any]]:
        known = {each.number: each.sensor for each in readings.sensors(self._connection)}
        here = {number: sensor for number, sensor in known.items() if sensor.place.building in self._ids}
        names = {number: self._veiled(sensor.id) for number, sensor in here.items()}
        reason_of = lru_cache(maxsize=1024)(self._veiled)
        for row in raw.values(self._connection, here, self._season.begin, self._season.end):
            place: Place = here[row.sensor].place
            yield [
                place.building,
                place.room,
                names[row.sensor],
                row.quantity.value,
                rfc3339(row.observed_at),
                rfc3339(row.received_at),
                row.value,
                row.unit,
                row.mark.value,
                reason_of(row.reason),
                row.stamp,
                row.row,
            ]

    def troubles(self) -> Iterator[Any]:
        begin, end = self._season.begin, self._season.end
        for each in every_trouble(self._connection):
            is_here = each.place is not None and each.place.building in self._ids
            if is_here and each.began_at < end and (each.ended_at is None or each.ended_at >= begin):
                yield self._veiled(trouble_object(each))

    def sensors(self) -> Iterator[Any]:
        found = [each for each in self._seen.sensors() if each.sensor.place.building in self._ids]
        yield from map(self._veiled, self._seen.sensor_objects(found))

    def imports(self) -> Iterator[Any]:
        for each in imports.record(self._connection):
            if any(extent.place.building in self._ids for extent in each.extents):
                yield self._veiled(import_object(each))

    def rules(self) -> dict[str, Any]:
        """Return the versions in force, and the calendars, each with its hash."""
        book, site = self._season.site.rulebook, self._season.site
        calendars = {each.id: each.calendar or site.calendar for each in self._season.buildings}
        return {
            "hash": book.fingerprint,
            "versions": [
                {"hash": each.fingerprint, "canonical": in_words(each.plain())} for each in book.versions
            ],
            "calendars": {
                id: {"hash": each.fingerprint, "canonical": in_words(each.plain())}
                for id, each in calendars.items()
            },
        }

    def stated(self) -> Iterator[Any]:
        """Yield what was on record of rules, plans, calendars and sensors, whenever it was stated."""
        for subject in _STATED:
            for each in statements.all_of(self._connection, subject):
                if each.name in ("", *self._ids):
                    about = {"at": rfc3339(each.at), "subject": each.subject, "name": each.name}
                    yield self._veiled(about | {"body": each.body})

    def files(self) -> Iterator[Part]:
        """Yield the files that go with notes, by their hashes."""
        wanted: dict[str, str] = {}
        for id in self._concerned:
            for row, _ in ledger.history(self._connection, id):
                for each in row.detail.get("attachments", ()):
                    wanted.setdefault(each["sha256"], id)
        for hash, id in sorted(wanted.items()):
            content = attachments.content(self._connection, id, hash)
            if content is not None:
                yield f"files/{hash}", [content]
