"""What safetyd says on MQTT: its open tickets and how each room stands, kept by the broker for whoever asks.

Rule: a ticket is published when it changes and cleared when it closes; a room when its verdict changes, else
at most once a minute.
"""

import json
import time
from collections.abc import Iterable

from safetyd.core.model import Place
from safetyd.ingest.mqtt import Link
from safetyd.objects import room_object
from safetyd.service import Service

_ROOM_SECONDS = 60.0
_ROOMS_SECONDS = 1.0  # how often rooms are looked at


class Bulletin:
    """Publishes below our root what was decided."""

    def __init__(self, service: Service, link: Link, root: str) -> None:
        self._service = service
        self._link = link
        self._root = root
        self._said: dict[Place, tuple[float, object]] = {}
        self._pending: set[Place] = set()
        self._looked_at = 0.0

    def tickets(self, ids: Iterable[str]) -> None:
        """Publish tickets as they stand."""
        service = self._service
        for id in ids:
            ticket = service.world.tickets[id]
            is_open = service.world.open.get(ticket.subject) == id
            payload = json.dumps(service.ticket_object(ticket, service.last_at)).encode() if is_open else b""
            self._link.publish(f"{self._root}/tickets/{ticket.place.building}/{id}", payload, retain=True)

    def rooms(self, places: Iterable[Place]) -> None:
        """Publish rooms that said something, if there is news of them."""
        self._pending.update(place for place in places if place.room is not None)
        now = time.monotonic()
        if now - self._looked_at < _ROOMS_SECONDS:
            return
        self._looked_at = now
        for place in sorted(self._pending):
            building = self._service.site.building(place.building)
            room = building.room(place.room or "") if building else None
            shown = room_object(
                self._service.world,
                self._service.facts,
                place,
                room.name if room else "",
                self._service.last_at,
            )
            said_at, said = self._said.get(place, (0.0, None))
            if shown["verdicts"] != said or now - said_at >= _ROOM_SECONDS:
                self._said[place] = now, shown["verdicts"]
                topic = f"{self._root}/rooms/{place.building}/{place.room}"
                self._link.publish(topic, json.dumps(shown).encode(), retain=True)
        self._pending.clear()

    def everything(self) -> None:
        """Publish all that is open: the broker may have forgotten."""
        self._said.clear()
        self.tickets(list(self._service.world.open.values()))
        self.rooms(self._service.world.rooms)
