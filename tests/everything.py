"""A store's file with a record of every kind on its chain, as the program writes them."""

import base64
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from safetyd.core.assignment import Assignment, AssignVerb
from safetyd.core.model import Place, Role
from safetyd.core.plan import Reason
from safetyd.core.world import Notice
from safetyd.ingest.message import Message
from safetyd.notary import Notary
from safetyd.service import Service
from safetyd.settings import Audit, Settings
from safetyd.site import Site, read_site
from safetyd.store import anchors, assignments, attempts, chain, imports, outbox
from safetyd.store.anchors import Way
from safetyd.store.attempts import Result
from safetyd.store.chain import Head
from safetyd.store.database import Connection, open_for_reading, open_for_writing
from safetyd.store.imports import Extent, Import
from safetyd.store.outbox import DeliveryState, Letter, Wording
from tests.stores import store_url

NINE = datetime(2026, 12, 1, 17, tzinfo=UTC)  # in the morning of a Tuesday
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
ROOM = Place("maple", "12")
SITE = """
name = "Riverbend"
timezone = "America/Los_Angeles"
[[buildings]]
id = "maple"
rooms = [{ id = "12" }, { id = "lab" }]
[[buildings.sensors]]
id = "t7"
topic = "zigbee2mqtt/Lab"
format = "zigbee2mqtt"
room = "lab"
[[people]]
name = "Ann"
roles = ["administrator"]
notify = ["json://127.0.0.1:9/ann"]
[[people]]
name = "Ximena"
roles = ["association"]
language = "es"
notify = ["json://127.0.0.1:9/ximena"]
"""


def site(folder: Path, text: str = SITE) -> Site:
    file = folder / "site.toml"
    file.write_text(text, encoding="utf-8")
    found = read_site([file], {}, [])
    assert found is not None
    return found


class Record:
    """A store with what writes it; the clock is the story's."""

    def __init__(self, folder: Path, at: datetime = NINE, url: str = "", **audit: str) -> None:
        self.file = folder / "safetyd.db"
        self.url = url or store_url(folder)
        self.now = at
        self.heads = folder / "heads.txt"
        self.audit = {"head_file": str(self.heads), **audit}
        self._folder = folder
        self.begin()

    def begin(self, text: str = SITE) -> None:
        """Start, also once more."""
        self.connection = open_for_writing(self.url)
        self.reader = open_for_reading(self.url)
        self.service = Service(self.connection, site(self._folder, text), "safetyd", self.now)
        settings = Settings.model_construct(audit=Audit.model_validate(self.audit))
        self.notary = Notary(self.service, self.reader, settings, lambda: self.service.commit(self.now))

    def end(self) -> None:
        """End as a power cut would."""
        self.reader.close()
        self.connection.close()

    def hear(self, room: str, at: datetime, **said: float) -> None:
        self.now = max(self.now, at)
        topic = f"safetyd/readings/maple/{room}"
        self.service.take(Message(at, topic, json.dumps(said).encode()))
        self.service.commit(self.now)

    def tend(self, after: timedelta = timedelta()) -> None:
        """Let time pass, and have the notary do all there is to do."""
        self.now += after
        self.service.elapse(self.now)
        self.service.commit(self.now)
        for _ in self.notary.round(self.now):
            pass
        self.reader.rollback()

    def command(self, **said: object) -> None:
        self.service.command(said, self.now)
        self.service.commit(self.now)

    def head(self) -> Head:
        found = chain.head(self.reader)
        self.reader.rollback()
        assert found is not None
        return found


def of_every_kind(folder: Path, url: str = "") -> Record:
    """Return a record in which every table that the chain runs through has a row, and every column one that
    holds something."""
    made = Record(folder, url=url)
    photo = {"name": "photo.jpg", "base64": base64.b64encode(b"\xff\xd8\xff window").decode()}
    made.hear("12", NINE, temperature_f=57.2, humidity=40)
    made.hear("lab", NINE, temperature_f=70.1, humidity=1e-5)
    made.tend()
    by = {"ticket": "maple-2026-0001", "by": "A. Roe"}
    made.command(do="note", note="57 at the window", attach=[photo], **by)
    made.command(do="relieve", tier="mitigation", kind="fans_or_heaters", note="two", **by)
    until = (made.now + HOUR).isoformat()
    place = {"building": "maple", "room": "lab"}
    made.command(do="shelve", by="F. Ray", role="facilities", note="new valve", until=until, **place)
    made.command(do="unshelve", by="F. Ray", role="facilities", note="done", **place)
    made.command(do="report", by="J. Doe", hazard="leaks", note="ceiling", **place)
    _by_hand(made.connection, made.now)
    made.tend(DAY)
    made.hear("12", made.now, temperature_f=66.0, humidity=40)
    made.tend(MINUTE)
    return made


def _by_hand(connection: Connection, now: datetime) -> None:
    """What takes another program to come about."""
    chain.tell_time(connection, now)
    settings = (("unit", "C"),)
    assignments.append(
        connection,
        [
            Assignment(
                AssignVerb.ASSIGN, now, "F. Ray", "facilities", "", "a/b", ROOM, "b", "plain", settings, now
            )
        ],
    )
    extent = (Extent(ROOM, 3, now, now),)
    imports.add(connection, Import(0, now, "F. Ray", "a.csv", "00", "import:a", 3, 3, 0, False, extent, 1, 3))
    owed = Notice("k", now, "maple", Reason.OPENED, (Role.FACILITIES,), "maple-2026-0001", plan="sha256:1")
    letter = Letter(
        owed, ("Bo",), (("Bo", "f1"),), "title", "text", "en", (Wording("es", "título", "texto"),)
    )
    assert outbox.add(connection, letter)
    (due,) = [each for each in outbox.due(connection, now) if each.person == "Bo"]
    number = attempts.begin(connection, due.id, now)
    attempts.end(connection, number, Result.FAILED, now, "550 no")
    outbox.mark_failed(connection, due.id, now, "550 no", {"x"})
    outbox.mark_done(connection, due.id, DeliveryState.GIVEN_UP, now, "550 no", ["Ann"])
    head = chain.head(connection)
    assert head is not None
    anchors.owe(connection, [Way.STAMP], "2026-12-01", head, now)
    anchors.finish(connection, 1, now, "2026-12-01T17:00:01Z CN=T", b"\x30\x00")
    connection.commit()
