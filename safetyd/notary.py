"""The daily work on the chain, in the daemon's loop: what it does not hold yet, digests, its head.

Rule: it does a little at a time and never stops the watch; what was done is on record, so a restart goes on
with what is left.
"""

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from datetime import time as wall_time
from pathlib import Path

from safetyd.anchoring import Anchoring
from safetyd.core.model import Place, TroubleKind
from safetyd.core.plan import Reason
from safetyd.core.telling import tell_of_record
from safetyd.declared import declared
from safetyd.history.daily import digest_days
from safetyd.service import Service
from safetyd.settings import Settings
from safetyd.site import Site
from safetyd.store import chain, outbox, records, statements
from safetyd.store.chain import Head
from safetyd.store.database import Connection, StoreError
from safetyd.store.records import Kind
from safetyd.store.statements import Subject
from safetyd.times import rfc3339

HEAD_AT = wall_time(8)  # ours: when people look at what came
SUBJECT = "[audit] head_file"
_SLICE_SECONDS = 0.002  # of the loop that watches, at a time
_BETWEEN = timedelta(milliseconds=10)
_LOOK_EVERY = timedelta(minutes=1)
_PAUSE = timedelta(minutes=10)  # after a fault of ours
_RECORDS_AT_ONCE = 20
_MOST_NAMED = 10

log = logging.getLogger("safetyd")


class Notary:
    """Holds the work under way."""

    def __init__(
        self, service: Service, reader: Connection, settings: Settings, commit: Callable[[], None]
    ) -> None:
        """`reader` is the loop's own connection to look with; `commit` makes durable what is decided."""
        self._service = service
        self._reader = reader
        self._file = settings.audit.head_file
        self._anchoring = Anchoring(service, reader, settings.audit, self._writing)
        self._commit = commit
        self._told_altered: int | None = None  # up to which statement
        self._given: tuple[str, Head] | None = None  # the head of the day, as it is told
        self._site: Site | None = None  # whose words are on record
        self._work: Iterator[None] | None = None
        self._look_at: datetime | None = None
        self.next_at: datetime | None = None  # when it wants to go on with what is under way

    def tend(self, now: datetime, *, is_free: bool = True) -> None:
        """Do a small piece of what there is to do if the writer has nothing else, and nothing uncommitted.

        Raises:
            StoreError: it could not be written; it is begun again.
        """
        if is_free:
            self._tend(now)
            self.anchor(now)
        self.next_at = None if self._work is None else now + _BETWEEN

    def _tend(self, now: datetime) -> None:
        if self._work is None:
            if self._look_at is not None and now < self._look_at:
                return
            self._work = self.round(now)
        self._look_at = now + _LOOK_EVERY
        give_up_at = time.monotonic() + _SLICE_SECONDS
        try:
            while time.monotonic() < give_up_at:
                next(self._work)
        except StopIteration:
            self._work = None
        except StoreError:
            self._work = None
            raise
        except Exception:  # a fault of ours must not stop the watch
            log.exception("the chain could not be tended; it is tried again later")
            self._work, self._look_at = None, now + _PAUSE
        finally:
            self._reader.rollback()

    def anchor(self, now: datetime) -> None:
        """Have taken outside what is due there, and put on record what came of it."""
        try:
            if self._anchoring.tend(now):
                self._commit()
        except StoreError:
            raise
        except Exception:  # a fault of ours must not stop the watch
            log.exception("the head of the chain could not be taken outside; it is tried again")

    def round(self, now: datetime) -> Iterator[None]:
        """Do all there is to do; yield between the pieces."""
        if self._service.site is not self._site:
            site = self._service.site
            with self._writing(now) as connection:
                statements.keep(connection, declared(site), now)
            self._site = site
            yield
        self._tell_altered(now)
        yield from self._take_older(now)
        zone = self._service.site.timezone
        yield from digest_days(self._reader, lambda: self._writing(now), zone, now)
        self._give_out(now)

    @contextmanager
    def _writing(self, now: datetime) -> Iterator[Connection]:
        """Yield the writer's connection for one transaction: all of it is written, or nothing."""
        with self._service.writing() as connection:
            chain.tell_time(connection, now)
            try:
                if not connection.in_transaction():
                    connection.begin()
                yield connection
                connection.commit()
            except BaseException:
                connection.rollback()
                raise
            finally:
                self._reader.rollback()  # what it reads next is what is there by now

    def _take_older(self, now: datetime) -> Iterator[None]:
        """Take in the records from before there was a chain."""
        begun = statements.last(self._reader, Subject.BEGIN)
        if begun is None or begun.name == chain.ALL:
            return
        for kind in Kind:
            after, end = 0, begun.body["older"].get(kind.value, 0)
            known = chain.keys(self._reader, kind) if end else frozenset()
            while found := records.keys(self._reader, kind, after, end, _RECORDS_AT_ONCE):
                after = found[-1][0]
                if fresh := [key for _, key in found if key not in known]:
                    with self._writing(now) as connection:
                        chain.note(connection, kind, *fresh)
                yield
        with self._writing(now) as connection:
            statements.add(connection, Subject.BEGIN, chain.ALL, {"older": {}}, now)
        log.info("the chain holds all records now")

    def _give_out(self, now: datetime) -> None:
        """Tell both parties the head of the chain, once a day; not on the day on which it began."""
        local = now.astimezone(self._service.site.timezone)
        today = local.date().isoformat()
        head, last = chain.head(self._reader), statements.last(self._reader, Subject.HEAD)
        began_at = chain.began_at(self._reader)
        if local.time() < HEAD_AT or head is None or (last is not None and last.name >= today):
            return
        if began_at is None or began_at.astimezone(local.tzinfo).date() >= local.date():
            return
        if self._given is None or self._given[0] != today:
            self._given = today, head
        head = self._given[1]  # the same where it is tried again
        service, said = self._service, {"hash": head.hash, "number": head.number}
        with service.writing() as connection:
            chain.tell_time(connection, now)
            statements.add(connection, Subject.HEAD, today, said, now)
            self._anchoring.owe(connection, today, head, now)
        about = {"hash": head.hash, "number": str(head.number), "sealed_at": head.at.isoformat()}
        self._tell(Reason.HEAD, today, about, now)
        self._commit()
        fault = _append(self._file, head) if self._file else ""
        building = next((each.id for each in service.site.buildings), "")
        service.complain(SUBJECT, Place(building, None), TroubleKind.CONFIGURATION, fault, now)
        self._commit()

    def _tell_altered(self, now: datetime) -> None:
        """Tell both parties what was found changed by another hand, all that is new in one notice."""
        if self._told_altered is None:
            key = outbox.newest_key(self._reader, Reason.ALTERED).rpartition("/")[2]
            self._told_altered = int(key) if key.isdecimal() else 0
        found = list(statements.all_of(self._reader, Subject.ALTERED, self._told_altered))
        if not found:
            return
        self._told_altered = found[-1].id
        named = ", ".join(each.name for each in found[:_MOST_NAMED])
        more = f" (+{len(found) - _MOST_NAMED})" if found[_MOST_NAMED:] else ""
        log.error("the record was changed by another hand: %s%s", named, more)
        about = {"count": str(len(found)), "records": named + more}
        self._tell(Reason.ALTERED, str(self._told_altered), about, now)
        self._commit()

    def _tell(self, reason: Reason, key: str, about: Mapping[str, str], now: datetime) -> None:
        """Owe a word on the record to those of whom anybody can be told."""
        service = self._service
        roles = service.site.plans.in_force(now).roles(reason)
        if any(person.notify for person in service.site.people_for("", roles)):
            tell_of_record(service.world, service.facts, reason, now, f"{reason}/{key}", about)


def _append(file: Path, head: Head) -> str:
    """Add a line to the file; return what is wrong with it, if anything is."""
    try:
        with file.open("a", encoding="utf-8") as opened:
            opened.write(f"{rfc3339(head.at)} {head.hash}@{head.number}\n")
    except OSError as error:
        return f"{file}: {error.strerror or error}"
    return ""
