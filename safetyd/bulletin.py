"""What safetyd says on MQTT: its open tickets, how rooms and buildings stand, and which devices these make.

Rule: a ticket is published when it changes and cleared when it closes; a building or a room when its verdict
changes, else at most once a minute. The broker keeps all of it for whoever asks, so nobody's
coming is waited for. What it keeps of rooms and buildings that have left the site file is cleared.
What it does not let us hear is a trouble.
"""

import json
import time
from collections.abc import Iterable
from datetime import datetime
from itertools import islice
from typing import Any

from safetyd import uplink
from safetyd.announcement import announcements, is_announcement
from safetyd.clock import Clock
from safetyd.core.afar import State
from safetyd.core.model import Place, TroubleKind
from safetyd.core.ticket import Status, Ticket
from safetyd.ingest.message import Message
from safetyd.ingest.mqtt import Link
from safetyd.ingest.topics import subscriptions
from safetyd.objects import building_object, room_object, ticket_object, watched_object
from safetyd.service import Service
from safetyd.setting_mqtt import Mqtt
from safetyd.settings import Settings
from safetyd.site import Site
from safetyd.store import ledger
from safetyd.store.database import looking
from safetyd.times import rfc3339

_ROOM_SECONDS = 60.0
_LOOK_SECONDS = 0.05
_PLACES_A_LOOK = 16  # a few at a time, so that no message waits for the screen
_TICKETS_AT_ONCE = 100  # a building's; all that a district has open would hold up its start for seconds
_KEPT = ("tickets", "rooms", "buildings")
_SUBJECT, _RIVAL = "[mqtt]", "[mqtt] client_id"
_TOLD = 3  # topics that a trouble names


def topics_heard(site: Site, settings: Settings) -> list[str]:
    """Return the topic filters that bring every reading of a site, what the broker remembers of us, and
    what a centre says."""
    ours = settings.mqtt
    root = _root(site, ours)
    return [
        *subscriptions(site, ours.root, ours.also),
        *(f"{root}/{each}" for each in _kept(site)),
        f"{ours.announce_prefix}/device/+/config",
        *uplink.topics(settings),
    ]


def topics_said(site: Site, settings: Settings) -> list[str]:
    """Return a topic of each kind on which we speak, to be asked whether we may."""
    ours, root = settings.mqtt, _root(site, settings.mqtt)
    said = [f"{ours.root}/status/{ours.client_id}", f"{ours.root}/gateways/{ours.client_id}"]
    for building in site.buildings[:1]:
        said += [f"{root}/tickets/{building.id}/{building.id}-0", f"{root}/buildings/{building.id}"]
        said += [f"{root}/rooms/{building.id}/{room.id}" for room in building.rooms[:1]]
    if ours.announce:
        said += list(announcements(site, ours.root, ours.announce_prefix, ours.client_id))[:1]
    of_centre = [
        f"{each.root}/{kind}/{each.name}" for each in settings.gateways for kind in ("have", "command")
    ]
    return [*said, *uplink.topics_said(settings), *of_centre]


def _kept(site: Site) -> list[str]:
    """Below what the broker remembers of us; of a shard that is of its own buildings alone."""
    below = [""] if site.part is None else [f"/{each.id}" for each in site.buildings]
    return [f"{each}{building}/#" for each in _KEPT for building in below]


def _root(site: Site, settings: Mqtt) -> str:
    """Below what we speak; from afar apart from the buildings, whose words are in the same places."""
    return f"{settings.root}/watch" if site.is_watch else settings.root


def live_ticket(service: Service, ticket: Ticket, now: datetime) -> dict[str, Any]:
    """Return a ticket as it stands, committed or not."""
    with service.writing() as connection, looking(connection):
        return ticket_object(service.world, service.facts, ticket, ledger.history(connection, ticket.id), now)


class Bulletin:
    """Publishes below our root what was decided."""

    def __init__(self, service: Service, link: Link, settings: Mqtt, clock: Clock) -> None:
        self._service = service
        self._clock = clock
        self._round: list[Place] = []
        self._share = 1
        self._link = link
        self._settings = settings
        self._root = _root(service.site, settings)
        self._life = ""
        self._devices = f"{settings.announce_prefix}/device/"
        self._kept = (*(f"{self._root}/{each}/" for each in _KEPT), self._devices)
        self._announced: set[str] = set()
        self._said: dict[Place, tuple[float, datetime, object]] = {}
        self._pending: dict[Place, None] = {}  # in the order in which they spoke
        self._looked_at = 0.0
        self._unheard: tuple[str, ...] | None = None
        self._rival: str | None = None
        self._owed: dict[str, None] = {}  # tickets whose turn comes

    def tickets(self, ids: Iterable[str]) -> None:
        """Publish tickets as they stand, of many the rest a little later; one that is closed is cleared."""
        due = sorted(ids)
        self._owed.update(dict.fromkeys(due))
        for id in due[:_TICKETS_AT_ONCE]:
            self._publish_ticket(id)

    def _publish_ticket(self, id: str) -> None:
        service = self._service
        ticket = service.world.tickets[id]
        is_open = ticket.status is not Status.CLOSED
        payload = json.dumps(live_ticket(service, ticket, service.last_at)).encode() if is_open else b""
        self._link.publish(f"{self._root}/tickets/{ticket.place.building}/{id}", payload, retain=True)
        self._owed.pop(id, None)
        self._pending[Place(ticket.place.building, None)] = None

    def is_ours(self, message: Message) -> bool:
        """Whether a message is the broker's memory of us, or of what Home Assistant is told by anybody.

        What we say no more is cleared there.
        """
        if not message.topic.startswith(self._kept):
            return False
        if message.retain and message.payload and self._is_past(message):
            self._link.publish(message.topic, b"", retain=True)
        return True

    def _is_past(self, message: Message) -> bool:
        """Whether a message is of a closed ticket, or of a place that has left the site file."""
        topic, ours, places = message.topic, self._settings, self._service.facts.places
        if topic.startswith(self._devices):
            is_said = topic in self._announced
            return not is_said and is_announcement(topic, message.payload, ours.root, ours.client_id)
        match topic.removeprefix(f"{self._root}/").split("/"):
            case ["tickets", *_, id]:
                ticket = self._service.world.tickets.get(id)
                return ticket is None or ticket.status is Status.CLOSED
            case ["rooms", building, room]:
                return Place(building, room) not in places
            case ["buildings", building]:
                return Place(building, None) not in places
        return False

    def places(self, places: Iterable[Place]) -> None:
        """Publish rooms and buildings that said something when their turn comes."""
        self._pending.update(dict.fromkeys(places))

    def tend(self) -> None:
        """Publish what is new of places; each is looked at now and then, for silence is news too."""
        now = time.monotonic()
        if now - self._looked_at < _LOOK_SECONDS:
            return
        self._looked_at = now
        self._complain()
        self._complain_of_rival()
        if not self._round:
            self._round = sorted([*self._service.world.rooms, *self._buildings()], key=str)
            self._share = max(1, int(len(self._round) * _LOOK_SECONDS / _ROOM_SECONDS))
        looked_at = {self._round.pop() for _ in range(min(self._share, len(self._round)))}
        for id in list(islice(self._owed, _PLACES_A_LOOK)):
            self._publish_ticket(id)
        fresh = list(islice(self._pending, _PLACES_A_LOOK))
        for place in fresh:
            del self._pending[place]
        for place in sorted(looked_at.union(fresh), key=str):
            self._place(place, now)

    def _complain(self) -> None:
        """Note which topics the broker does not let us hear, or that it lets us hear all."""
        refused = self._link.unheard
        if refused is None or refused == self._unheard:
            return
        self._unheard = refused
        more = f" and {len(refused) - _TOLD} more" if len(refused) > _TOLD else ""
        fault = (
            f"the broker does not let us hear {', '.join(refused[:_TOLD])}{more}: look at its access list, "
            "at characters that it does not take (NATS: a space) and at how many subscriptions it allows"
        )
        place = Place(next((each.id for each in self._service.site.buildings), ""), None)
        at, kind = self._clock(), TroubleKind.CONFIGURATION
        self._service.complain(_SUBJECT, place, kind, fault if refused else "", at)

    def _complain_of_rival(self) -> None:
        """Note that another program goes by our name at the broker, or that none does any more."""
        rival = self._link.rival
        if rival == self._rival:
            return
        self._rival = rival
        fault = (
            f"{rival} at the broker: each drives the other out, and what is said there goes now to one, now "
            "to the other; stop it, or give it another client_id under [mqtt]; the broker's log says which"
        )
        place = Place(next((each.id for each in self._service.site.buildings), ""), None)
        at, kind = self._clock(), TroubleKind.CONFIGURATION
        self._service.complain(_RIVAL, place, kind, fault if rival else "", at)

    def _buildings(self) -> list[Place]:
        return [Place(building.id, None) for building in self._service.site.buildings]

    def _place(self, place: Place, now: float) -> None:
        if place not in self._service.facts.places:  # it has left the site file
            return
        if place.room is None:
            self._building(place, now)
        else:
            self._room(place, now)

    def _building(self, place: Place, now: float) -> None:
        at, facts = self._clock(), self._service.facts
        is_watched = place.building in facts.watched
        shown = (watched_object if is_watched else building_object)(
            self._service.world, facts, place.building, at
        )
        what = {name: value for name, value in shown.items() if name not in ("witnesses", "heard_at")}
        what["says"] = {each["witness"]: each["says"] for each in shown["witnesses"]}
        if self._is_news(place, now, at, what):
            said = shown | {"at": rfc3339(at)} | ({} if is_watched else {"gateway": self._settings.client_id})
            self._link.publish(self._topic(place), json.dumps(said).encode(), retain=True)

    def _is_news(self, place: Place, now: float, at: datetime, what: object) -> bool:
        """Whether a place is to be said: it says something new, or was last said a minute ago."""
        before = self._said.get(place)
        if before is not None and before[2] == what:
            said_at, by_clock, _ = before
            if now - said_at < _ROOM_SECONDS and (at - by_clock).total_seconds() < _ROOM_SECONDS:
                return False
        self._said[place] = now, at, what
        return True

    def _room(self, place: Place, now: float) -> None:
        service = self._service
        building = service.site.building(place.building)
        room = building.room(place.room or "") if building else None
        name = room.name if room else place.room or ""
        shown = room_object(service.world, service.facts, place, name, self._clock())
        before, what = self._said.get(place), (shown["verdicts"], shown["shelved"])
        if before is None or what != before[2] or now - before[0] >= _ROOM_SECONDS:
            self._said[place] = now, self._clock(), what
            self._link.publish(self._topic(place), json.dumps(shown).encode(), retain=True, qos=0)

    def _topic(self, place: Place) -> str:
        if place.room is None:
            return f"{self._root}/buildings/{place.building}"
        return f"{self._root}/rooms/{place.building}/{place.room}"

    def live(self, state: State) -> None:
        """Say how we are ourselves, if that is news; the last word of a UPS is not taken back by a stop."""
        is_last = self._life == State.LAST_WORDS and state is State.STOPPED
        if self._life != state and not is_last:
            self._life = state
            self._say_life()

    def good_bye(self) -> None:
        """Say how each building stands, and that we stop: the last that is heard of us must be true."""
        for place in self._buildings():
            self._place(place, time.monotonic())
        self.live(State.STOPPED)

    def _say_life(self) -> None:
        self._life = self._life or State.RUNNING
        said = {
            "state": self._life,
            "at": rfc3339(self._clock()),
            "buildings": [building.id for building in self._service.site.buildings],
        }
        topic = f"{self._settings.root}/gateways/{self._settings.client_id}"
        self._link.publish(topic, json.dumps(said).encode(), retain=True)

    def everything(self) -> None:
        """Publish all that is open and all that there is: the broker may have forgotten."""
        self._said.clear()
        self._say_life()
        world = self._service.world
        self.tickets(id for id, ticket in world.tickets.items() if ticket.status is not Status.CLOSED)
        self.places([*self._service.world.rooms, *self._buildings()])
        self.announce()

    def announce(self) -> None:
        """Tell Home Assistant which devices there are, and withdraw what we said of others."""
        ours = self._settings
        if not self._link.is_connected:  # a new connection makes up for it
            return
        for place in sorted(self._said.keys() - self._service.facts.places, key=str):
            del self._said[place]
            self._link.publish(self._topic(place), b"", retain=True)
        if not ours.announce:
            return
        told = announcements(self._service.site, ours.root, ours.announce_prefix, ours.client_id)
        for topic in sorted(self._announced - told.keys()):
            self._link.publish(topic, b"", retain=True)
        for topic, payload in told.items():
            self._link.publish(topic, payload, retain=True)
        self._announced = set(told)
