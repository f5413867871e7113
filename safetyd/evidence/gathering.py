"""Everything on record of one ticket, read from the store at one moment.

Rule: nothing is told but what the store and the site file say, as of the newest moment on record, so that the
same record gives the same words whenever it is asked.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import PurePosixPath
from typing import Any

from safetyd import __version__
from safetyd.core.book import fingerprint, in_words
from safetyd.core.calendar import Calendar
from safetyd.core.errors import SafetydError
from safetyd.core.model import Sensor, Tolerance
from safetyd.core.tally import EPOCH
from safetyd.core.ticket import AT_REST, Ticket
from safetyd.evidence.case import FORMAT, STAMP
from safetyd.evidence.course import Course
from safetyd.evidence.judging import Judgements
from safetyd.evidence.verify import flat, limits
from safetyd.hearing import Hearing
from safetyd.naming import holds_name, names_of_places, reported, veiled
from safetyd.site import Site
from safetyd.store import (
    accounts,
    anchors,
    attachments,
    chain,
    concerning,
    imports,
    outbox,
    readings,
    statements,
    stored,
)
from safetyd.store.concerning import Digest, Key
from safetyd.store.database import Connection
from safetyd.store.records import Kind
from safetyd.store.reporters import reporters
from safetyd.store.statements import Subject
from safetyd.store.stored import Rows
from safetyd.times import rfc3339, rfc3339_or_none
from safetyd.view import View, told_of, view

BEFORE, AFTER = timedelta(days=1), timedelta(hours=2)  # whose readings are told, too
_AHEAD, _LATEST = timedelta(minutes=3), timedelta(days=8)  # a reading may arrive so early, and so late
_DAYS_AT_MOST = 40  # whose hours of class are told: beyond it they are too narrow to be seen
_TRIES = 5
_PLAIN = re.compile(r"\.[a-z0-9]{1,5}")


class EvidenceError(SafetydError):
    """A packet cannot be made."""


class TooMuchError(EvidenceError):
    """It would hold more readings than whoever asked can bear."""


@dataclass(frozen=True, slots=True)
class Gathered:
    """`document` is `ticket.json`; the rest is where in the store the other parts stand.

    `withheld` are the names that nothing of it may hold. `sensors` are those of the place, by number.
    """

    document: dict[str, Any]
    withheld: frozenset[str]
    keys: tuple[Key, ...]
    digests: tuple[Digest, ...]
    first: int | None
    rows: tuple[Rows, ...]
    sensors: Mapping[int, Sensor]
    judgements: Judgements


def gathered(
    connection: Connection,
    site: Site,
    root: str,
    ticket: str,
    *,
    with_names: bool = False,
    most_readings: int | None = None,
) -> Gathered:
    """Return all that is on record of a ticket; what it names is there while its transaction lasts.

    Raises:
        ActionError: there is no such ticket.
        EvidenceError: others wrote all the while it was read, or it is too much.
    """
    for _ in range(_TRIES):
        connection.rollback()
        head, last = chain.head(connection), readings.last_id(connection)
        as_of = max(head.at if head else EPOCH, readings.arrival(connection, last) if last else EPOCH)
        seen = view(connection, site, root, as_of)  # it ends the transaction
        if chain.head(connection) == head:
            return _Gathering(seen, ticket, last).all(with_names=with_names, most_readings=most_readings)
    raise EvidenceError(f"{ticket}: the record changes faster than it can be read; try again")


class _Gathering:
    """Holds what everything else is read with."""

    def __init__(self, seen: View, ticket: str, last: int) -> None:
        self.seen, self.connection, self.site = seen, seen.connection, seen.site
        self.told = seen.ticket(ticket)
        self.ticket = seen.world.tickets[ticket]
        self.place = self.ticket.place
        self.begin, self.end = _span(seen, self.ticket, self.told)
        known = readings.sensors(self.connection)
        everywhere = Hearing(self.site, seen.root, known).sensors
        self.sensors = {
            each.number: everywhere[each.number] for each in known if each.sensor.place == self.place
        }
        self.last = last

    def all(self, *, with_names: bool, most_readings: int | None) -> Gathered:
        names: frozenset[str] = frozenset()
        if not with_names:
            names = _reporters(self.connection, self.site)
        digests, rows = self._rows()
        heard = stored.heard(self.connection, self.sensors, rows)
        count = sum(each.values for each in heard.values())
        if most_readings is not None and count > most_readings:
            words = f"{count:,} readings are more than are packed here ({most_readings:,})"
            raise TooMuchError(f"{self.ticket.id}: {words}; safetyd evidence packs any number")
        told = [each["id"] for each in outbox.notices(self.connection, self.ticket.id)]
        keys = concerning.keys_of(self.connection, self.ticket.id, self.place, told, self.begin)
        keys += [Key(Kind.STATEMENT, str(each.statement)) for each in digests]
        head = chain.head(self.connection)
        first = concerning.first_row(self.connection, keys)
        course = Course(self.place, self.site.rulebook, self.begin, self.end)
        judgements = Judgements(self.site.rulebook)
        in_time = stored.in_time(self.connection, self.sensors, rows)
        course.follow(judgements.take(stored.observed(in_time, self.sensors)))
        building = self.site.building(self.place.building)
        room = building.room(self.place.room) if building and self.place.room else None
        rules = self._rules()
        document = {
            "format": FORMAT,
            "made_by": f"safetyd {__version__}",
            "site": self.site.name,
            "timezone": self.site.timezone.key,
            "as_of": rfc3339(self.seen.at),
            "head": head and {"number": head.number, "at": rfc3339(head.at), "hash": head.hash},
            "stamp": _stamp(self.connection),
            "segment": head and {"first": first or head.number, "last": head.number},
            "withheld": not with_names,
            "building_name": building.name if building else self.place.building,
            "room_name": room.name if room else self.place.room,
            "ticket": self.told,
            "rules": rules,
            "notices": told_of(self.connection, self.ticket.id, self.site),
            "sensors": list(self._sensors(heard)),
            "span": [rfc3339(self.begin), rfc3339(self.end)],
            "student_days": list(self._student_days()),
            "readings": count,
            "series": course.series(),
            "limits": limits(self.ticket.condition.value, rules["words"]),
            "coverage": course.coverage(self.ticket.condition),
            "attachments": list(self._files(names)),
        }
        return Gathered(
            veiled(document, names), names, tuple(keys), tuple(digests), first, rows, self.sensors, judgements
        )

    def _rows(self) -> tuple[list[Digest], tuple[Rows, ...]]:
        """Return the digests that hold readings of the span, and the rows of these whole days."""
        first = readings.first_id_since(self.connection, self.begin - _AHEAD)
        last = min(self.last, readings.first_id_since(self.connection, self.end + _LATEST) - 1)
        spans = [Rows(first, last)] if first <= last else []
        brought = imports.of_place(self.connection, self.place, self.begin, self.end)
        spans += [Rows(each.first, each.last) for each in brought]
        digests = {
            each.statement: each
            for span in spans
            for each in concerning.digests_of(self.connection, *span)
            if stored.has_any(
                self.connection, self.sensors, Rows(each.first, each.last), self.begin, self.end
            )
        }
        held = [Rows(each.first, each.last) for each in digests.values()]
        newest = statements.last(self.connection, Subject.READINGS)
        loose = max(first, int(newest.body["last"]) + 1 if newest else 1)
        if loose <= last:
            held.append(Rows(loose, last))
        return [digests[each] for each in sorted(digests)], tuple(sorted(held))

    def _rules(self) -> dict[str, Any]:
        """Return the version that judged, by its hash: as it stands on the chain, or in the site file."""
        versions = [
            each for stated in statements.all_of(self.connection, Subject.RULES) for each in stated.body
        ]
        versions += [json.loads(in_words(each.plain())) for each in self.site.rulebook.versions]
        words: dict[str, Any] = next(
            (each for each in versions if fingerprint(each) == self.ticket.rules), {}
        )
        numbers = list(flat(words))
        return {
            "hash": self.ticket.rules,
            "effective": words.get("effective"),
            "words": words,
            "numbers": numbers,
        }

    def _sensors(self, heard: Mapping[int, stored.Heard]) -> Iterator[dict[str, Any]]:
        watched = {each.number: each for each in self.seen.sensors() if each.sensor.place == self.place}
        known = {each.number: each for each in readings.sensors(self.connection)}
        for number, sensor in sorted(self.sensors.items()):
            bindings = watched[number].bindings if number in watched else ()
            if number not in heard and not bindings:
                continue
            said = heard.get(number)
            yield {
                "number": number,
                "id": sensor.id,
                "topic": bindings[-1].topic if bindings else known[number].topic,
                "format": bindings[-1].format if bindings else known[number].format,
                "interval_s": None if sensor.interval is None else sensor.interval.total_seconds(),
                "since": rfc3339_or_none(bindings[0].since) if bindings else None,
                "until": rfc3339_or_none(bindings[-1].until) if bindings else None,
                "calibrations": [
                    {
                        "since": rfc3339_or_none(each.since),
                        "temperature_f": each.temperature_f,
                        "humidity": each.humidity,
                    }
                    for each in sensor.offsets
                ],
                "error_band_f": (sensor.tolerance or Tolerance()).temperature_f or None,
                "error_band_humidity": (sensor.tolerance or Tolerance()).humidity or None,
                "readings": said.values if said else 0,
                "rejected": said.rejected if said else 0,
                "first_at": rfc3339(said.first_at) if said else None,
                "last_at": rfc3339(said.last_at) if said else None,
            }

    def _files(self, names: frozenset[str]) -> Iterator[dict[str, Any]]:
        """Yield the files of notes; what the store has lost, or what holds a withheld name, has no path."""
        for each in (file for line in self.told["history"] for file in line.get("attachments", ())):
            content = attachments.content(self.connection, self.ticket.id, each["sha256"]) or b""
            is_whole = sha256(content).hexdigest() == each["sha256"]
            is_shown = is_whole and not holds_name(content.decode("utf-8", "replace"), names)
            suffix = PurePosixPath(each["name"]).suffix.lower()
            path = f"attachments/{each['sha256']}{suffix if _PLAIN.fullmatch(suffix) else ''}"
            yield each | {"path": path if is_shown else None}

    def _student_days(self) -> Iterator[list[str]]:
        calendar: Calendar = self.seen.facts.calendar_of(self.place.building)
        if calendar.has_every_hour or self.end - self.begin > timedelta(days=_DAYS_AT_MOST):
            return
        day, last = (at.astimezone(self.site.timezone).date() for at in (self.begin, self.end))
        while day <= last:
            hours = calendar.student_span(day)
            if hours is not None and hours[1] > self.begin and hours[0] < self.end:
                yield [rfc3339(max(self.begin, hours[0])), rfc3339(min(self.end, hours[1]))]
            day += timedelta(days=1)


def _span(seen: View, ticket: Ticket, told: Mapping[str, Any]) -> tuple[datetime, datetime]:
    """Return the time of a ticket, to its end or to now, with a day before and some hours after it."""
    began = min([ticket.began_at, *(each.began_at for each in seen.world.episodes_of(ticket.id))])
    closed = [each["at"] for each in told["history"] if each["event"] in ("closed", "joined")]
    is_over = ticket.status in AT_REST and closed
    end = datetime.fromisoformat(closed[-1]) if is_over else seen.at
    return began - BEFORE, max(began, min(seen.at, end + AFTER))


def _reporters(connection: Connection, site: Site) -> frozenset[str]:
    found, _ = reporters(connection, 0)
    known = [each for each, _ in accounts.everybody(connection)]
    return reported(found, known, site.people, names_of_places(site))


def _stamp(connection: Connection) -> dict[str, Any] | None:
    """Return the newest stamp of the chain, which another hand may have made unreadable."""
    found = anchors.newest_stamp(connection)
    if found is None or not found.stamp:
        return None
    at, _, by = found.answer.partition(" ")
    return {"number": found.head.number, "hash": found.head.hash, "at": at, "by": by, "path": STAMP}
