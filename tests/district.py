"""A district that watches schools from afar: what a wire brings, and a clock that only the story moves."""

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from safetyd.core import lookout
from safetyd.ingest.message import Message
from safetyd.objects import building_object, ticket_object, trouble_object, watched_object
from safetyd.service import Service
from safetyd.site import Site, read_site
from safetyd.store import ledger, outbox
from safetyd.store.database import Connection, in_memory
from safetyd.store.troubles import every_trouble

Json = dict[str, Any]

NINE = datetime(2026, 12, 1, 17, tzinfo=UTC)  # 09:00 at the schools, a Tuesday
MINUTE = timedelta(minutes=1)
HEAD = 'name = "North District"\ntimezone = "America/Los_Angeles"\n'
DORA = '[[people]]\nname = "Dora"\nroles = ["district"]\nnotify = ["json://192.0.2.1/dora"]\n'


def link_topic(building: str) -> str:
    return f"$SYS/broker/connection/{building}/state"


def site_text(buildings: Sequence[str] = ("maple",), *, linked: bool = True, more: str = "") -> str:
    parts = [HEAD, more]
    for id in buildings:
        link = f'link = "{link_topic(id)}"\n' if linked else ""
        name = f"{id.title()} School"
        parts.append(f'[[buildings]]\nid = "{id}"\nname = "{name}"\ngateway = "{id}-gw"\n{link}')
    return "\n".join([*parts, DORA])


def site(*buildings: str, linked: bool = True, more: str = "") -> Site:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "site.toml"
        file.write_text(site_text(buildings or ("maple",), linked=linked, more=more), encoding="utf-8")
        faults: list[Any] = []
        read = read_site([file], {}, faults)
    assert read is not None and not faults, faults
    return read


@dataclass
class District:
    """The watch and its clock; `step` is how often it is woken although nothing is due."""

    site: Site = field(default_factory=site)
    step: timedelta | None = None
    now: datetime = NINE
    store: Connection = field(default_factory=in_memory)

    def __post_init__(self) -> None:
        self.service = Service(self.store, self.site, "safetyd", self.now)
        self.alive: dict[str, Json] = {}  # what each gateway says once a minute

    # what the wire brings

    def says(self, topic: str, payload: object, *, retain: bool = False) -> None:
        body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        self.service.take(Message(self.now, topic, body, retain))
        self._commit()

    def mains(
        self,
        electricity: str = "on",
        building: str = "maple",
        *,
        retain: bool = False,
        since: datetime | None = None,
        at: datetime | None = None,
    ) -> None:
        """What a gateway says of its building."""
        said = {"building": building, "electricity": electricity, "at": (at or self.now).isoformat()}
        said["since"] = since and since.isoformat()
        self.says(f"safetyd/buildings/{building}", said, retain=retain)

    def status(self, word: str, building: str = "maple", *, retain: bool = False) -> None:
        self.says(f"safetyd/status/{building}-gw", {"state": word}, retain=retain)

    def life(self, word: str, building: str = "maple", *, retain: bool = False) -> None:
        self.says(f"safetyd/gateways/{building}-gw", {"state": word}, retain=retain)

    def link(self, state: int, building: str = "maple", *, retain: bool = False) -> None:
        self.says(link_topic(building), str(state).encode(), retain=retain)

    def own_ticket(
        self,
        began_at: datetime,
        ended_at: datetime | None = None,
        id: str = "maple-2026-0001",
        condition: str = "outage",
        *,
        retain: bool = False,
    ) -> None:
        episode = {"began_at": began_at.isoformat(), "ended_at": ended_at and ended_at.isoformat()}
        building = id.rsplit("-", 2)[0]
        said = {"id": id, "condition": condition, "status": "open", "episodes": [episode]}
        self.says(f"safetyd/tickets/{building}/{id}", said, retain=retain)

    def comes_up(self, *buildings: str, link: bool = True) -> None:
        """The gateways of these buildings run, and say once a minute that power is on."""
        for each in buildings or [building.id for building in self.site.buildings]:
            if link:
                self.link(1, each)
            self.status("online", each)
            self.life("running", each)
            self.alive[each] = {"electricity": "on"}
            self.mains(building=each)

    def falls_silent(self, *buildings: str) -> datetime:
        """Nothing more comes from these gateways; return the last sign of life."""
        for each in buildings or list(self.alive):
            self.mains(building=each, **self.alive.pop(each))
        return self.now

    # time

    def passes(self, **span: float) -> None:
        """Let time pass, and every gateway that lives speak each minute."""
        self.until(self.now + timedelta(**span))

    def until(self, end: datetime) -> None:
        while True:
            wakes = [self.now + MINUTE] if self.alive else []
            wakes += [self.now + self.step] if self.step else []
            at = min([end, *wakes])
            while (due := self.service.world.next_due()) is not None and due <= at:
                self.now = max(self.now, due)
                self.service.elapse(due)
                self._commit()
            self.now = at
            self.service.elapse(at)
            self._commit()
            if at in wakes[:1] and self.alive:
                for building, said in self.alive.items():
                    self.mains(building=building, **said)
            if at >= end:
                return

    def _commit(self) -> None:
        if self.service.is_waiting:
            self.service.commit(self.now)

    def loses_broker(self) -> None:
        lookout.go_deaf(self.service.world, self.service.facts, self.now)
        self._commit()

    def finds_broker(self) -> None:
        lookout.hear_broker(self.service.world, self.service.facts, self.now)
        self._commit()

    def restarts(self) -> None:
        """As after a kill -9: what was committed is all that is left."""
        self.service = Service(self.store, self.site, "safetyd", self.now)

    # what came of it

    def seen(self, building: str = "maple") -> Json:
        return watched_object(self.service.world, self.service.facts, building, self.now)

    def state(self, building: str = "maple") -> str:
        return str(self.seen(building)["state"])

    def electricity(self, building: str = "maple") -> str:
        world, facts = self.service.world, self.service.facts
        return str(building_object(world, facts, building, self.now)["electricity"])

    def tickets(self) -> list[Json]:
        world, facts = self.service.world, self.service.facts
        return [
            ticket_object(world, facts, each, ledger.history(self.store, each.id), self.now)
            for each in world.tickets.values()
        ]

    def the_ticket(self) -> Json:
        (ticket,) = self.tickets()
        return ticket

    def troubles(self, kind: str | None = None) -> list[Json]:
        found = [trouble_object(each) for each in every_trouble(self.store)]
        return [each for each in found if kind in (None, each["kind"])]

    def standing(self) -> list[Json]:
        return [each for each in self.troubles() if each["ended_at"] is None]

    def notices(self, reason: str | None = None) -> list[Json]:
        return [each for each in outbox.notices(self.store) if reason in (None, each["reason"])]

    def close(self) -> None:
        with suppress(Exception):
            self.store.close()
