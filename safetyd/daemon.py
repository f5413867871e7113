"""Opens everything and runs the loop: the broker, the inbox, the due times, and nothing in between.

Rule: one thread decides and writes. It sleeps until a message, a command, an outcome or a due time; readings
wait a little for company, decisions do not, and only what is committed is acknowledged. While nobody knows
the time, what arrives is kept, and there is no service yet that could judge it.
"""

import gc
import logging
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

from safetyd.assigned import composed
from safetyd.bulletin import Bulletin, topics_heard
from safetyd.clock import Clock
from safetyd.configuration import Loaded
from safetyd.core import lookout
from safetyd.core.afar import State
from safetyd.core.timekeeping import Ticks
from safetyd.dispatch import Dispatch
from safetyd.doorbell import Doorbell
from safetyd.errands import LOOK_EVERY, Errands
from safetyd.following import Following
from safetyd.history.rollups import Rollups
from safetyd.ingest.message import Message
from safetyd.ingest.mqtt import Link, Received
from safetyd.notary import Notary
from safetyd.reception import Reception
from safetyd.reloading import take_anew
from safetyd.service import Service
from safetyd.setback import Setback
from safetyd.store import beats, undated
from safetyd.store.database import StoreError, open_for_reading, open_for_writing
from safetyd.timekeeper import Timekeeper
from safetyd.vigil import Vigil
from safetyd.vitals import ANSWERS_SECONDS, LAST_WORDS_SECONDS, Vitals

_BATCH = 1000
_GARBAGE_THRESHOLDS = 5_000, 10, 100  # a short look at what is new, seldom the long one that stops all
_SWITCH_SECONDS = 0.00003  # a sender that waits for the interpreter is a notice that waits

log = logging.getLogger("safetyd")


class Daemon:
    """Everything that is open while safetyd runs. The caller holds the writer's lock."""

    service: Service
    dispatch: Dispatch
    _bulletin: Bulletin
    _errands: Errands

    def __init__(
        self,
        loaded: Loaded,
        clock: Clock,
        on_commit: Callable[[Service], None] | None = None,
        ticks: Callable[[], Ticks] | None = None,
        this_boot: str = "",
    ) -> None:
        """Open everything.

        `ticks` is what the machine says beside its clock, without which that is right; `this_boot` names the
        boot of the machine, where it is not asked.
        """
        settings = loaded.settings
        self._connection = open_for_writing(settings.store.url)
        last = beats.last(self._connection)
        self._connection.rollback()
        self._time = Timekeeper(clock, ticks, last, this_boot)
        self.clock = self._time.clock
        self._settings, self._sites = settings, loaded.sites
        self._site = composed(self._connection, loaded.site, settings.mqtt.root).site
        self._connection.rollback()
        self.link = Link(settings.mqtt, topics_heard(self._site, settings), self.clock)
        self._is_begun = False
        self._on_commit = on_commit or (lambda _: None)
        self._commit_every = settings.store.commit_every.total_seconds()
        self._unacknowledged: list[Received] = []
        self._waiting_since: float | None = None
        self._setback = Setback()
        self._reader = open_for_reading(settings.store.url)
        self._stopping = False
        self._reload: Callable[[], Loaded] | None = None
        self._bell = Doorbell()
        self.vitals = Vitals(settings, self._time)
        self._vigil = Vigil(self._connection, self._reader, self._time)
        if self._time.is_known():
            self._begin()
        else:
            log.warning("the clock is not believed yet; what arrives is kept, and judged when it is")

    def _begin(self) -> None:
        """Begin to judge, as if the time had been known for as long as somebody has listened."""
        settings, at, more = self._settings, self._vigil.beginning(), (self.link, self._sites)
        self.service = Service(self._connection, self._site, settings.mqtt.root, at)
        self._site = self.service.site
        self.dispatch = Dispatch(self.service, self._bell.ring, settings.web.public_url, settings.last_resort)
        self.dispatch.look(self.clock())
        self._bulletin = Bulletin(self.service, self.link, settings.mqtt, self.clock)
        self.link.on_connected = self._connected
        self._worked_at = self.clock()
        self._errands = Errands(self.service, self._reader, self._commit)
        self._following = Following(settings, self.service, self._reader, self.clock, self._bell.ring, *more)
        self._reception = Reception(settings, self.service, self._sites, self.dispatch.way)
        self._rollups = Rollups(self._reader, self.service.writing, lambda: self.service.site, settings)
        self._notary = Notary(self.service, self._reader, settings, self._commit)
        self.vitals.serve(self.service)
        self._time.wake(self.service, at)
        self._is_begun = True
        if self.link.is_connected:
            self._connected()

    def _connected(self) -> None:
        """What the broker remembers comes after this."""
        lookout.hear_broker(self.service.world, self.service.facts, self.clock())
        if not self.link.is_remembered:
            self._time.miss(self.service, self.link.lost_at, self.clock(), has_moved=self.link.has_moved)
        self._bulletin.everything()

    def stop(self) -> None:
        """End the loop soon; may be called from a signal or another thread."""
        self._stopping = True
        self._bell.ring()

    def reload(self, load: Callable[[], Loaded]) -> None:
        """Read the site anew at the next turn of the loop."""
        self._reload = load
        self._bell.ring()

    def run(self) -> None:
        """Run until stopped, then leave everything as the next start wants it."""
        gc.freeze()  # what is loaded by now lives as long as we do
        gc.set_threshold(*_GARBAGE_THRESHOLDS)
        sys.setswitchinterval(_SWITCH_SECONDS)
        while not self._stopping:
            self.turn()
            self.receive()
        if self._is_begun:
            self._reception.stop()
            self._following.stop()
            with suppress(StoreError):
                self._write_beside(self.clock())
                self.vitals.beat(self.service, is_last=True)
                self.service.save_all(self.clock())
                self.link.acknowledge(self._unacknowledged)
                self._see_off()
            self._bulletin.good_bye()
        for each in (self.link, self, self.vitals):
            each.close()

    def receive(self) -> None:
        """Have people answered over HTTP, by how the last turn has left everything."""
        if self._is_begun:
            self._reception.tend(self.clock(), self._setback.trouble, has_broker=self.link.is_connected)

    def lose_power(self) -> None:
        """End as a power cut would end us: nothing more is said or saved."""
        self._reception.stop()
        self.link.drop()
        self.close()

    def _see_off(self) -> None:
        """Give what is on its way a moment to arrive, of last words all; the rest goes after the return."""
        give_up_at = time.monotonic() + (LAST_WORDS_SECONDS if self.vitals.is_dying else ANSWERS_SECONDS)
        if self.vitals.is_dying:
            self.dispatch.look(self.clock())
            self.dispatch.send_due(self.clock())
        while self.dispatch.in_hand and (left := give_up_at - time.monotonic()) > 0:
            self._bell.wait((), left)
            self.dispatch.take_outcomes(self.clock())
        self.service.commit(self.clock())

    def close(self) -> None:
        """Let go of everything that is open."""
        self._reader.close()
        self._connection.close()
        self._bell.close()

    def turn(self) -> None:
        """Wait for something to happen, and do what it calls for."""
        self.link.tend()
        # While the store is away nothing is read, so nothing is waited for: it would only wake us.
        self._bell.wait(() if self._setback else (self.link, self.vitals.upsd), self._pause())
        try:
            self._work()
        except StoreError as error:
            self._setback.begin(error, self._connection, self._reader)
            if self._is_begun:
                self.dispatch.take_back(self.clock())
        unsure = "" if self._is_begun else "the clock is not synchronised yet: what arrives is kept unjudged"
        trouble = self._setback.trouble or unsure
        self.vitals.tell_outside(trouble, has_broker=self.link.is_connected, why=self.link.trouble)

    def _work(self) -> None:
        if self._setback.must_wait:
            return
        if not self._is_begun:
            self._keep_vigil()
            return
        if self._setback:  # the same transaction first, after a while
            self._commit()
        self._time.tend(self.service)
        if not self._vigil.is_over:
            self._take_kept()
            return
        self._look_out()
        self._take_messages()
        self.vitals.tend(self.service)
        self._reception.complain(self.clock())
        self._bulletin.live(State.LAST_WORDS if self.vitals.is_dying else State.RUNNING)
        self._errands.tend(self.clock())
        if self._reload is not None:
            load, self._reload = self._reload, None
            take_anew(load, self.service, self.dispatch, self._bulletin, self.clock())
        if self.service.site is not self._site:
            self._site = self.service.site
            self.link.subscribe(topics_heard(self._site, self._settings))
        self.service.elapse(self.clock())
        if self.dispatch.take_outcomes(self.clock()) or self._must_commit():
            self._commit()
        self._bulletin.tend()
        if not self.service.is_waiting:
            self.dispatch.send_due(self.clock())
            self._following.tend(self.clock())
        for follower in (self._rollups, self._notary):
            is_free = not self.service.is_waiting and not self.link.has_more
            follower.tend(self.clock(), is_free=is_free)

    def _look_out(self) -> None:
        """Take note of a broker that is away, and of a time in which we did nothing ourselves."""
        now, service = self.clock(), self.service
        if not self.link.is_connected:
            lookout.go_deaf(service.world, service.facts, now)
        lookout.wake_up(service.world, service.facts, self._worked_at, now)
        self._worked_at = now

    def _pause(self) -> float:
        if self._setback:
            return LOOK_EVERY
        if self.link.has_more or (self._is_begun and not self._vigil.is_over):
            return 0.0
        now = self.clock()
        waits = [LOOK_EVERY, *self.vitals.seconds_to_next(now)]
        followed = (self.dispatch, self._rollups, self._notary) if self._is_begun else ()
        wanted = (self.service.world.next_due(), *(each.next_at for each in followed)) if followed else ()
        waits += [(at - now).total_seconds() for at in wanted if at is not None]
        if self._waiting_since is not None:
            waits.append(self._waiting_since + self._commit_every - time.monotonic())
        retry = self.link.seconds_to_retry()
        return max(0.0, min(waits if retry is None else [*waits, retry]))

    def _keep_vigil(self) -> None:
        """Keep what arrives, and begin once the time is known."""
        if not self._time.is_dated:
            received = self.link.receive(_BATCH)
            self.vitals.listen()
            try:
                self._vigil.keep([*(each.message for each in received), *self.vitals.heard])
            except StoreError:
                self.link.put_back(received)
                raise
            self.vitals.heard.clear()
            self.link.acknowledge(received)
        if self._time.is_known():
            self._begin()
        self._setback.end()

    def _take_kept(self) -> None:
        """Take in the next of what was kept while nobody knew the time."""
        refused = ""
        for each in self._vigil.piece():
            if each.command is None and not each.refused:
                self._take(each.message)
            elif each.command is None and not self._bulletin.is_ours(each.message):
                self.service.waiting.set_aside(each.message, refused := each.refused)
            elif each.command is not None and not each.refused:
                self._errands.carry_out(each.command, each.message.received_at)
            self._vigil.taken = each.id
        if refused:
            self._time.put_on_record(self.service, f"some messages cannot be dated: {refused}", self.clock())
        if not self._vigil.is_over:
            self._commit()

    def _take_messages(self) -> None:
        received = self.link.receive(_BATCH)
        for position, item in enumerate(received):
            try:
                is_ours = self._take(item.message)
            except StoreError:
                self.link.put_back(received[position:])
                raise
            if item.mid or not is_ours:
                self._unacknowledged.append(item)

    def _take(self, message: Message) -> bool:
        """Take in a message; return whether it is the broker's memory of us, or the centre's word."""
        if self._bulletin.is_ours(message) or self._following.hear(message):
            return True
        try:
            self.service.take(message)
        except StoreError:
            raise
        except Exception:  # a fault of ours must not make one message stop the watch for ever
            log.exception("a message could not be judged; it is kept", extra={"topic": message.topic})
            self.service.waiting.set_aside(message)
        return False

    def _must_commit(self) -> bool:
        if self.service.has_decision or self.vitals.must_beat:
            return True
        if not self.service.is_waiting and not self._unacknowledged:
            return False
        if self._waiting_since is None:
            self._waiting_since = time.monotonic()
        is_full = len(self._unacknowledged) >= self.link.in_flight
        return is_full or time.monotonic() - self._waiting_since >= self._commit_every

    def _write_beside(self, now: datetime) -> None:
        """Put into the open transaction what goes with decisions: answers to people and to the centre."""
        self.service.settle()  # before anything new is noted
        with self.service.writing() as connection:
            self._errands.write_answers(connection)
            self._following.write(connection, now)
            if self._vigil.taken and not self._vigil.is_over:
                undated.forget(connection, self._vigil.taken)

    def _commit(self) -> None:
        """Make it durable, then acknowledge; what cannot be written is kept and tried again."""
        before, now = self.service.world.changes, self.clock()
        self._write_beside(now)
        changes, spoken = self.service.world.changes, self.service.waiting.spoken
        self.vitals.beat(self.service)
        self.dispatch.way.take(changes.notices)
        self.service.commit(now, self.dispatch.begin)
        self.dispatch.hand_over()  # people first
        self._errands.are_answered()
        self.dispatch.are_kept()
        self._setback.end()
        self.link.acknowledge(self._unacknowledged)
        self._unacknowledged.clear()
        self._waiting_since = None
        self._bulletin.places(spoken)
        self._bulletin.tickets({*before.ticket_ids(), *changes.ticket_ids()})
        if changes.notices:
            self.dispatch.send_due(now)
        self._on_commit(self.service)
