"""What a gateway sends to a centre, where it is asked for: the next of its record, for each answer a piece.

Rule: the centre asks, by saying what it holds; nothing waits for it, and while it is not there nothing is
sent, so that no queue grows. What is live comes first: a piece is made when nothing waits to be committed,
and of what is new at most one a second. A centre's commands go the way of everybody's, through the inbox.
"""

import json
import logging
import time
from collections.abc import Callable
from datetime import datetime

from safetyd.commands import REPORT
from safetyd.core.assignment import AssignVerb
from safetyd.core.closure import ClosureVerb
from safetyd.core.shelf import ShelfVerb
from safetyd.core.ticket import Verb
from safetyd.ingest.message import Message
from safetyd.settings import Settings
from safetyd.store import bidden, shipping
from safetyd.store.database import HEAD, Connection
from safetyd.store.shipment import (
    Answered,
    Bid,
    Held,
    ShipmentError,
    packed,
    read_bid,
    read_held,
    written,
)

LIVE_S = 1.0  # between two pieces of what is new
REST_S = 600.0  # after a fault
WORD_S = 50.0  # after which it is said that nothing is new: a centre asks once a minute
_OBEYED = frozenset((*Verb, *ClosureVerb, *ShelfVerb, *AssignVerb, REPORT))
_UNASKED = (
    "this gateway takes no commands from a centre; [centre] commands = true in its safetyd.toml lets it"
)

log = logging.getLogger("safetyd.uplink")
Publish = Callable[[str, bytes], None]


def topics(settings: Settings) -> list[str]:
    """Return the topics on which a centre speaks to this gateway; none where it is not asked for."""
    if not settings.centre.record:
        return []
    return [f"{settings.mqtt.root}/{kind}/{settings.mqtt.client_id}" for kind in ("have", "command")]


def topics_said(settings: Settings) -> list[str]:
    """Return the topics on which this gateway answers a centre; none where it is not asked for."""
    if not settings.centre.record:
        return []
    return [f"{settings.mqtt.root}/{kind}/{settings.mqtt.client_id}" for kind in ("record", "answer")]


class Uplink:
    """How far the centre is, as it said last, and its commands that are not answered yet."""

    def __init__(self, settings: Settings, reader: Connection, publish: Publish) -> None:
        self._reader = reader
        self._publish = publish
        self._obeys = settings.centre.commands
        self._topics = dict(zip(topics(settings), (self._hear_held, self._hear_bid), strict=False))
        self._record, self._answers = (
            f"{settings.mqtt.root}/{kind}/{settings.mqtt.client_id}" for kind in ("record", "answer")
        )
        self._held: Held | None = None
        self._next_s = 0.0
        self._spoke_s = time.monotonic()
        self._asked: dict[str, Bid] = {}  # by key, those that are not answered
        self._odds = ""
        self._is_far = False  # whether the next piece need not wait for company

    def hear(self, message: Message) -> bool:
        """Take what the centre says; return whether a message is that."""
        hear = self._topics.get(message.topic)
        if hear is None:
            return False
        if message.payload:
            try:
                hear(message.payload)
            except ShipmentError as error:
                log.warning("what the centre says cannot be read: %s", error)
            except Exception:  # a fault of ours must not stop the watch
                log.exception("what the centre says could not be taken")
        return True

    def write(self, connection: Connection, now: datetime) -> None:
        """Leave what the centre has commanded in the inbox, in the transaction that is being committed."""
        for name, bid in self._asked.items():
            bidden.leave(connection, name, bid.command, now)

    def tend(self, now: datetime, *, is_free: bool) -> None:
        """Answer commands that were carried out, and send the next piece, if it is its turn."""
        if self._asked:
            self._answer()
        if self._held is None or not is_free or time.monotonic() < self._next_s:
            return
        held = self._held
        self._next_s = time.monotonic() + LIVE_S
        try:
            self._send(held, now)
        except Exception:  # a fault of ours must not stop the watch
            log.exception("the record cannot be sent to the centre; it is tried again later")
            self._next_s, self._is_far = time.monotonic() + REST_S, False
        finally:
            self._reader.rollback()

    def _send(self, held: Held, now: datetime) -> None:
        is_word = time.monotonic() >= self._spoke_s + WORD_S
        if not is_word and not shipping.has_news(self._reader, held):
            return
        made = shipping.piece(self._reader, held, HEAD, now, is_word=is_word)
        if made is not None:
            payload, self._is_far = packed(made), made.is_far
            self._held, self._spoke_s = None, time.monotonic()
            self._note(made.odds)
            self._publish(self._record, payload)

    def _hear_held(self, payload: bytes) -> None:
        self._held = read_held(payload)
        if self._is_far:
            self._next_s = 0.0

    def _hear_bid(self, payload: bytes) -> None:
        bid = read_bid(payload)
        refusal = "" if self._obeys else _UNASKED
        do = bid.command.get("do")
        if not refusal and not (isinstance(do, str) and do in _OBEYED):
            refusal = f"do: {str(do)!r:.60} is nothing that a centre may have done"
        if refusal:
            self._say(bid.key, json.dumps({"refused": refusal}))
        else:
            self._asked[bid.key] = bid

    def _answer(self) -> None:
        for name in sorted(self._asked):
            answer = bidden.answer(self._reader, name)
            if answer is not None:
                del self._asked[name]
                self._say(name, answer)

    def _say(self, name: str, answer: str) -> None:
        self._publish(self._answers, written(Answered(name, answer)))

    def _note(self, odds: str) -> None:
        if odds and odds != self._odds:
            log.error("the centre holds another %s than this store: see what it says is wrong", odds)
        self._odds = odds
