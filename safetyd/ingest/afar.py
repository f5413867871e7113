"""What other safetyds, and the links to them, say on MQTT of the buildings that are watched from afar.

Rule: a topic belongs to the buildings whose entries in the site file lead to it; what cannot be read is
refused with its reason. Keys that are not known are left alone: a newer safetyd may say more.
"""

from datetime import datetime
from typing import Any

from safetyd.core.afar import Heard, Hello, Life, LinkWord, Mains, Own, Span, State
from safetyd.core.model import Condition
from safetyd.core.power import Standing
from safetyd.ingest.message import Message, PayloadError
from safetyd.ingest.values import json_object, shown
from safetyd.site import Site
from safetyd.times import read_time

_UP, _DOWN = (b"1", b"true", b"up"), (b"0", b"false", b"down", b"")


class Outposts:
    """The topics on which the gateways of a site speak, and their links."""

    def __init__(self, site: Site) -> None:
        self._of_gateway: dict[str, list[str]] = {}
        self._of_building: dict[str, str] = {}
        self._of_link: dict[str, list[str]] = {}
        self._of_tickets: dict[str, str] = {}
        for building in site.buildings:
            outpost = building.outpost
            if outpost is None:
                continue
            for kind in ("status", "gateways"):
                topic = f"{outpost.root}/{kind}/{outpost.gateway}"
                self._of_gateway.setdefault(topic, []).append(building.id)
            self._of_building[f"{outpost.root}/buildings/{building.id}"] = building.id
            self._of_tickets[f"{outpost.root}/tickets/{building.id}"] = building.id
            if outpost.link is not None:
                self._of_link.setdefault(outpost.link, []).append(building.id)

    def subscriptions(self) -> list[str]:
        """Return the topic filters that bring all of it."""
        tickets = (f"{each}/+" for each in self._of_tickets)
        return sorted({*self._of_gateway, *self._of_building, *self._of_link, *tickets})

    def hear(self, message: Message) -> list[tuple[str, Heard]] | None:
        """Return what a message says of which building; None if it is none of theirs.

        Raises:
            PayloadError: it is, and cannot be read.
        """
        head, _, last = message.topic.rpartition("/")
        payload = message.payload
        if (buildings := self._of_gateway.get(message.topic)) is not None:
            word = _word(payload, is_status=head.endswith("status"))
            return [] if word is None else [(building, word) for building in buildings]
        if (building := self._of_building.get(message.topic)) is not None:
            return [(building, _mains(payload))] if payload else []
        if (buildings := self._of_link.get(message.topic)) is not None:
            is_up = _link(payload)
            return [(building, LinkWord(is_up)) for building in buildings]
        if (building := self._of_tickets.get(head)) is not None:
            own = _own(last, payload)
            return [] if own is None else [(building, own)]
        return None


def _word(payload: bytes, *, is_status: bool) -> Hello | Life | None:
    if not payload:
        return None
    said = json_object(payload).get("state")
    if is_status and said in ("online", "offline"):
        return Hello(said == "online")
    if not is_status and isinstance(said, str) and said in list(State):
        return Life(State(said))
    expected = "online or offline" if is_status else ", ".join(State)
    raise PayloadError(f"state is {shown(said)}; expected {expected}")


def _link(payload: bytes) -> bool:
    word = payload.strip().lower()
    if word in _UP or word in _DOWN:
        return word in _UP
    raise PayloadError(f"is {shown(payload[:40].decode(errors='replace'))}; expected 1 or 0")


def _mains(payload: bytes) -> Mains:
    said = json_object(payload)
    standing = said.get("electricity")
    if not isinstance(standing, str) or standing not in list(Standing):
        raise PayloadError(f"electricity is {shown(standing)}; expected {', '.join(Standing)}")
    return Mains(Standing(standing), _moment(said, "since"), _moment(said, "at"))


def _own(id: str, payload: bytes) -> Own | None:
    """A ticket about outages; None if it is about anything else. An empty payload says that it was closed."""
    if not payload:
        return Own(id, None)
    said = json_object(payload)
    if said.get("condition") != Condition.OUTAGE:
        return None
    episodes = said.get("episodes")
    if not isinstance(episodes, list) or not all(isinstance(each, dict) for each in episodes):
        raise PayloadError(f"episodes is {shown(episodes)}; expected a list of objects")
    spans = [(_moment(each, "began_at"), _moment(each, "ended_at")) for each in episodes]
    return Own(id, tuple(Span(began_at, ended_at) for began_at, ended_at in spans if began_at is not None))


def _moment(said: dict[str, Any], key: str) -> datetime | None:
    if said.get(key) is None:
        return None
    try:
        return read_time(said[key])
    except ValueError as error:
        raise PayloadError(f"{key}: {error}") from error
