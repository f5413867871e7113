"""A school, a broker, the real daemon and somebody to take its notices, all in one process and one folder.

Rule: the daemon lives in one thread from its making to its end, and only that thread looks at its World;
everybody else gets snapshots. The story's clock stands until the daemon is connected, and again at the end.
"""

import logging
import math
import queue
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import dropwhile
from pathlib import Path
from threading import Event, Thread
from zoneinfo import ZoneInfo

from safetyd.cli.backstage import configured, let_in, logging_to, no_proxy
from safetyd.cli.elsewhere import Elsewhere
from safetyd.cli.snapshot import Camera, NoticeSeen, Show, Snapshot, news
from safetyd.clock import Clock, demo_clock
from safetyd.configuration import Loaded
from safetyd.daemon import Daemon
from safetyd.simulate.broker import LOOPBACK, Broker, Kind, claimable_port, embedded_broker
from safetyd.simulate.publisher import publish
from safetyd.simulate.scenario import Scenario
from safetyd.simulate.sensors import Message, messages
from safetyd.simulate.sink import Heard, sink
from safetyd.simulate.site_file import PEOPLE, site_toml, watch_toml
from safetyd.site_outposts import SILENT_AFTER
from safetyd.store import readings
from safetyd.store.database import open_for_reading, open_for_writing, writer_lock

NOTICES = "notices.txt"
_SEED = 1
_LOOK_EVERY_S = 0.1  # between two snapshots
_COMPANY_S = 0.3  # of the wall, in which the same words reach all who are told them
_LONGEST_SILENCE = timedelta(hours=1)  # what happens in the scenario takes longer
_LAST_NOTICES_S = 0.5  # of the wall, for what is on its way when the story is over
_END_WITHIN_S = 10.0
_READERS = {f"{name}, {duty}": role for name, duty, role, _ in PEOPLE}

log = logging.getLogger("safetyd.demo")


@dataclass(frozen=True, slots=True)
class Plan:
    """What is shown, and in which existing folder; `kind` None is the best broker there is."""

    scenario: Scenario
    speed: float
    folder: Path
    port: int = 0
    kind: Kind | None = None
    web_port: int = 0


class StoryClock:
    """Stands at `begin` until it is started, and again at `end`."""

    def __init__(self, begin: datetime, end: datetime, speed: float) -> None:
        self._begin, self._end, self._speed = begin, end, speed
        self._running: Clock | None = None

    def __call__(self) -> datetime:
        return self._begin if self._running is None else min(self._running(), self._end)

    def start(self) -> None:
        """Let time pass from now on."""
        self._running = demo_clock(self._begin, self._speed)

    @property
    def is_over(self) -> bool:
        """Whether the end is reached."""
        return self() >= self._end


class Performance:
    """What goes on; `snapshot` is the newest, `news` what happened and was not yet taken from it.

    `over` is set by whoever wants it to end, and by itself when the story is over or something failed.
    """

    def __init__(
        self,
        plan: Plan,
        loaded: Loaded,
        broker: Broker,
        clock: StoryClock,
        posts: queue.SimpleQueue[Heard],
        over: Event,
        pages: str,
    ) -> None:
        scenario = plan.scenario
        self.clock, self.over = clock, over
        self.snapshot: Snapshot | None = None
        self.news: queue.SimpleQueue[tuple[datetime, str, str]] = queue.SimpleQueue()
        self.failure: Exception | None = None
        self._plan, self._loaded, self._broker = plan, loaded, broker
        self.show = Show(
            scenario.name,
            scenario.story,
            plan.speed,
            broker.kind.value,
            scenario.school.name,
            loaded.site.timezone,
            pages,
        )
        self._thread = Thread(target=self._live, name="safetyd", daemon=True)
        self._posts = posts
        self._posted_at: float | None = None  # since when notices wait to be shown
        self._daemon: Daemon | None = None  # None while the gateway is dark
        self.elsewhere: Elsewhere | None = None
        self._notices: list[NoticeSeen] = []
        said = (
            each for each in messages(scenario, _SEED) if scenario.gateway(each.at)
        )  # else nobody hears it
        due = dropwhile(lambda each: each.at < scenario.begin, said)
        self._school = Thread(target=self._publish, args=(due,), name="school", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def join(self) -> None:
        """Wait until everything is as it stays."""
        self._thread.join(_END_WITHIN_S)

    def _live(self) -> None:
        try:
            self._run()
        except Exception as error:
            self.failure = error
        finally:
            self.over.set()

    def _run(self) -> None:
        url = self._loaded.settings.store.url
        with writer_lock(url), open_for_reading(url) as reader:
            self._daemon = daemon = Daemon(self._loaded, self.clock)
            camera = Camera(daemon.service, self.show)

            def look() -> None:
                self._look(camera, readings.last_id(reader))
                reader.rollback()

            try:
                if self.elsewhere is not None:
                    self.elsewhere.start()
                self._wait_for_broker(daemon)
                self.clock.start()
                self._school.start()
                self._follow(camera, look)
            finally:
                self.over.set()
                if self._daemon is not None:
                    self._daemon.stop()
                    self._daemon.run()  # stopped already: it leaves everything as the next start wants it
            look()
            self._school.join(_END_WITHIN_S)

    def _wait_for_broker(self, daemon: Daemon) -> None:
        while not self.over.is_set() and (not daemon.link.is_connected or daemon.link.wants_to_write):
            daemon.turn()
        while not self.over.is_set() and self.elsewhere and not self.elsewhere.is_ready.is_set():
            daemon.turn()

    def _live_or_die(self, camera: Camera, look: Callable[[], None]) -> None:
        """Turn the daemon's wheel while its machine has power; it dies without a word and starts again."""
        has_power = self._plan.scenario.gateway(self.clock())
        if self._daemon is None and has_power:
            self._daemon = Daemon(self._loaded, self.clock, this_boot="after the power cut")
            camera.follow(self._daemon.service)
            look()
        elif self._daemon is not None and not has_power:
            self._daemon.lose_power()
            self._daemon = None
        if self._daemon is None:
            self.over.wait(_LOOK_EVERY_S / 2)
        else:
            self._daemon.turn()
            self._daemon.receive()

    def _follow(self, camera: Camera, look: Callable[[], None]) -> None:
        """Let the daemon live and look now and then, until it is over."""
        look_at, end_at = 0.0, None
        while not self.over.is_set() and (end_at is None or time.monotonic() < end_at):
            self._live_or_die(camera, look)
            if time.monotonic() >= look_at:
                look_at = time.monotonic() + _LOOK_EVERY_S
                look()
            if end_at is None and self.clock.is_over and not self._school.is_alive():
                end_at = time.monotonic() + _LAST_NOTICES_S

    def _publish(self, due: Iterator[Message]) -> None:
        broker = self._broker
        count = publish(
            due,
            host=broker.host,
            port=broker.port,
            speed=self._plan.speed,
            now=self.clock,
            stop=self.over,
            protocol=broker.protocol,
            username=broker.username,
            password=broker.password,
        )
        log.info("the school has published %d messages", count)

    def _look(self, camera: Camera, stored: int) -> None:
        if self._posts.empty():
            self._posted_at = None
        elif self._posted_at is None:
            self._posted_at = time.monotonic()
        if self.over.is_set() or time.monotonic() - (self._posted_at or math.inf) >= _COMPANY_S:
            while not self._posts.empty():
                self._note(self._posts.get())
        district = "" if self.elsewhere is None else self.elsewhere.seen
        is_dark = self._daemon is None
        notices = tuple(self._notices)
        before, self.snapshot = (
            self.snapshot,
            camera.take(self.clock(), notices, stored, district, is_dark=is_dark),
        )
        for each in news(before, self.snapshot):
            self.news.put(each)

    def _note(self, heard: Heard) -> None:
        """Keep a notice; the same words to somebody else are the same notice."""
        for position in range(len(self._notices) - 1, max(-1, len(self._notices) - 10), -1):
            known = self._notices[position]
            if (known.title, known.text) == (heard.title, heard.text) and heard.to not in known.to:
                names = sorted((*known.to, heard.to), key=list(_READERS).index)
                self._notices[position] = replace(known, to=tuple(names))
                return
        self._notices.append(NoticeSeen(heard.at, (heard.to,), heard.title, heard.text))


@contextmanager
def performance(plan: Plan, over: Event) -> Iterator[Performance]:
    """Run everything for as long as the context lasts, or until `over`; all has ended when it is left.

    Raises:
        SafetydError: the broker did not start, or the daemon failed.
    """
    with ExitStack() as stack:
        stack.enter_context(logging_to(plan.folder / "safetyd.log"))
        stack.enter_context(no_proxy())
        (plan.folder / "broker").mkdir()
        broker = stack.enter_context(
            embedded_broker(plan.port, folder=plan.folder / "broker", kind=plan.kind)
        )
        posts: queue.SimpleQueue[Heard] = queue.SimpleQueue()
        clock = StoryClock(plan.scenario.begin, plan.scenario.end, plan.speed)
        url = stack.enter_context(
            sink(
                plan.folder / NOTICES,
                {role: name for name, role in _READERS.items()},
                timezone=ZoneInfo(plan.scenario.school.timezone),
                now=clock,
                hear=posts.put,
            )
        )
        listen = f'"{LOOPBACK}:{claimable_port(plan.web_port)}"'
        loaded = configured(plan.folder, broker, "safetyd", site_toml(url + "{role}"), listen)
        pages = let_in(loaded, plan.scenario.begin)  # the store is made before the clock runs
        stage = Performance(plan, loaded, broker, clock, posts, over, pages)
        if plan.scenario.gateway_off is not None:
            # In quick time two seconds, which this machine may be busy with other things, are long.
            silent_after = min(_LONGEST_SILENCE, max(SILENT_AFTER, timedelta(seconds=2 * plan.speed)))
            watch = configured(plan.folder, broker, "watch", watch_toml("safetyd", silent_after), "false")
            open_for_writing(watch.settings.store.url).close()
            stage.elsewhere = Elsewhere(watch, clock, over)
        stage.start()
        try:
            yield stage
        finally:
            over.set()
            stage.join()
            if stage.elsewhere is not None:
                stage.elsewhere.join()
        failure = stage.failure or (stage.elsewhere and stage.elsewhere.failure)
        if failure:
            raise failure
