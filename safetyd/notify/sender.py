"""Hands notices to the people's addresses, and the only door to apprise.

Rule: each address has a thread of its own while it has work, so that a dead or slow one holds up no other.
What became of an attempt is reported to whoever keeps the record; nothing is decided here. What mail servers
say of each mailbox is lost in apprise, so mail goes through a door of its own, to where apprise says.
"""

import logging
import queue
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from functools import cache
from http.client import responses
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple
from urllib.parse import unquote

from safetyd.notify.forms import SMS_SEPTETS, Words, html, plain, short
from safetyd.notify.mail import Mail, Post, send
from safetyd.store.attempts import Answer, Result
from safetyd.store.outbox import Delivery

_IDLE_SECONDS = 30.0
_TIMEOUT_SECONDS = 60
_ANSWER_CHARACTERS = 300
_GONE = 410
_US = "safetyd"
_SHORTEST_SECRET = 4
_OF_ITS_HOST = ("json", "xml", "form", "ntfy", "gotify", "apprise", "hassio", "mmost", "rocket")
_SCHEMES = re.compile(r"^    (?:secure_)?protocol\b[^=\n]*=\s*([(\[{].*?[)\]}]|[^\n]*)", re.M | re.S)
_loading = threading.Lock()

log = logging.getLogger("safetyd.notify")


class Job(NamedTuple):
    """One message to one address: what is said at `at`, for which deliveries, and their attempts' numbers."""

    deliveries: tuple[Delivery, ...]
    attempts: tuple[int, ...]
    at: datetime
    words: Words

    @property
    def who(self) -> tuple[str, str]:
        """Whose address it goes to, and which."""
        return self.deliveries[0].person, self.deliveries[0].address


class Outcome(NamedTuple):
    """What became of one attempt."""

    job: Job
    answer: Answer


class Sender:
    """Threads that send, one an address."""

    def __init__(self, report: Callable[[Outcome], None]) -> None:
        self._report = report
        self._queues: dict[str, queue.SimpleQueue[Job]] = {}
        self._lock = threading.Lock()

    def send(self, job: Job, address: str) -> None:
        """Take an attempt; its outcome is reported from another thread."""
        with self._lock:
            waiting = self._queues.get(address)
            if waiting is None:
                waiting = queue.SimpleQueue()
                try:
                    self._begin(address, waiting)
                except RuntimeError as error:  # the machine has no room for another
                    self._report(Outcome(job, Answer(Result.FAILED, str(error))))
                    return
                self._queues[address] = waiting
            waiting.put(job)

    def _begin(self, address: str, waiting: "queue.SimpleQueue[Job]") -> None:
        threading.Thread(target=self._work, args=(address, waiting), name="sender", daemon=True).start()

    def _work(self, address: str, waiting: "queue.SimpleQueue[Job]") -> None:
        line = Line(address)
        while True:
            try:
                job = waiting.get(timeout=_IDLE_SECONDS)
            except queue.Empty:
                with self._lock:
                    if waiting.empty():
                        del self._queues[address]
                        return
                continue
            id = " ".join(f"{each.key} {each.id}" for each in job.deliveries)
            self._report(Outcome(job, line.send(id, job.at, job.words, job.deliveries[0].settled)))


class Line:
    """One address, used by one thread: what apprise makes of it is made once."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._service: Any = None
        self._alone: Any = None  # the same, as the only one of those whom apprise tells

    def send(self, id: str, at: datetime, words: Words, settled: frozenset[str] = frozenset()) -> Answer:
        """Send one message; return whether the next hop accepted it, and what it said.

        Args:
            id: The same however often this message is sent there.
            at: Now.
            words: What is said.
            settled: Of an address with several mailboxes, those that need no further attempt.
        """
        try:
            return self._send(id, at, words, settled)
        except Exception as error:  # what a plug-in fails on is no reason to stop, nor to give up
            return Answer(Result.UNKNOWN, without(self._url, f"{type(error).__name__}: {error}"))

    def _send(self, id: str, at: datetime, words: Words, settled: frozenset[str]) -> Answer:
        import apprise

        if self._service is None:
            self._service = understood(self._url)
        if self._service is None:
            return Answer(Result.REFUSED, "the address is not understood by apprise")
        post = _post(self._service)
        if post is not None:
            return send(post, Mail(id, at, words.title, plain(words), html(words)), settled)
        if self._alone is None:
            self._alone = apprise.Apprise()
            self._alone.add(self._service)
            self._service.request_rate_per_sec = 0  # it would sleep between messages; pauses are our business
        title, text = _fitting(self._service, words)
        result = self._alone.notify(body=text, title=title, timeout=_TIMEOUT_SECONDS)
        if result:
            return Answer(Result.ACCEPTED, "accepted")
        if result.timeout_count:
            return Answer(Result.UNKNOWN, f"it may have arrived: no answer within {_TIMEOUT_SECONDS} s")
        return _judged(self._url, [str(entry.message) for entry in result.logs()])


def understood(url: str) -> Any:
    """Return what apprise makes of an address, None if it does not understand it."""
    import apprise

    load(url.partition("://")[0].lower())
    return apprise.Apprise.instantiate(url, asset=apprise.AppriseAsset(app_id=_US, app_desc=_US))


@cache
def load(scheme: str) -> None:
    """Have apprise load the plug-in of a scheme alone: all of them are a second's work and 20 MB."""
    from apprise import plugins
    from apprise.manager_plugins import NotificationManager

    manager: Any = NotificationManager()  # type: ignore[no-untyped-call]
    with _loading:
        if manager and scheme in manager:  # one that has loaded nothing is false, and loads all when asked
            return
        with suppress(OSError), TemporaryDirectory() as folder:  # it loads what a folder has files for
            for name in plug_ins(Path(plugins.__path__[0]), scheme):
                (Path(folder) / f"{name}.py").touch()
            manager.load_modules(folder, plugins.__name__)
        if not manager or scheme not in manager:  # perhaps a service's own web address, which only all know
            manager.unload_modules()
            manager.load_modules()


def plug_ins(folder: Path, scheme: str) -> Iterator[str]:
    """Yield the names of the plug-ins whose source says that they take a scheme."""
    for each in sorted(folder.iterdir()):
        sources = each.rglob("*.py") if each.is_dir() else [each]
        if any(_takes(source.read_text("utf-8"), scheme) for source in sources if source.suffix == ".py"):
            yield each.stem


def _takes(source: str, scheme: str) -> bool:
    return any(f'"{scheme}"' in found[1] for found in _SCHEMES.finditer(source))


def _fitting(service: Any, words: Words) -> tuple[str, str]:
    """The title and text that a service takes; one that has room for a text message only says so itself."""
    if service.title_maxlen == 0 and service.body_maxlen <= SMS_SEPTETS:
        return "", short(words, service.body_maxlen)
    return words.title, plain(words)


def _judged(url: str, said: Iterable[str]) -> Answer:
    """Return what a service's log comes to; most plug-ins end it with `error=` and the web server's code."""
    last = (list(said) or ["not accepted"])[-1]
    found = re.search(r"\berror[=:] ?(\d{3})\b", last)
    code = int(found[1]) if found else None
    result = Result.REFUSED if code == _GONE else Result.FAILED
    return Answer(result, without(url, _plainly(last, code))[:_ANSWER_CHARACTERS], code)


def _plainly(said: str, code: int | None) -> str:
    """Return in our own words what most plug-ins say at the end; what another says stays as it is."""
    if said.lower().startswith("a connection error"):
        return "it could not be reached, or broke the connection off"
    if code is None:
        return said
    why = re.search(r": ([^:]*?),? *\berror[=:]", said)
    return f"it answered {code} {(why and why[1]) or responses.get(code, '')}".rstrip()


def without(url: str, text: str) -> str:
    """Return a text with nothing in it of what follows the scheme of an address."""
    secrets = re.split(r"[/:@?&=,#]+", url.partition("://")[2])
    for secret in sorted({*secrets, *map(unquote, secrets)}, key=len, reverse=True):
        if len(secret) >= _SHORTEST_SECRET:
            text = text.replace(secret, "…")
    return text


class Where(NamedTuple):
    """Host and port of an address; no host where only its plug-in knows where it leads."""

    host: str
    port: int

    @property
    def words(self) -> str:
        """Both, as people write them."""
        return f"{self.host}:{self.port}"


def where(url: str) -> Where | None:
    """Return where an address leads, None if apprise does not understand it; nobody is asked."""
    found = understood(url)
    if found is None:
        return None
    post = _post(found)
    if post is not None:
        return Where(post.host, post.port or (465 if post.security == "ssl" else 587))
    scheme, host = url.partition("://")[0].lower(), str(found.host or "")
    if scheme.removesuffix("s") not in _OF_ITS_HOST or not (
        "." in host or ":" in host or host == "localhost"
    ):
        return Where("", 0)  # of others what stands there may be a key
    return Where(host, found.port or (443 if found.secure else 80))


def _post(service: Any) -> Post | None:
    """Return where a mail goes, None for what is no mail or needs a plug-in's own way (PGP)."""
    if type(service).__name__ != "NotifyEmail" or service.pgp_mode != "no":
        return None
    named = {address: name for name, address in (_pair((each[1], each[0])) for each in service.names.items())}
    return Post(
        host=str(service.smtp_host),
        port=int(service.port or 0),
        sender=_pair((service.from_addr[0] or _US, service.from_addr[1])),
        to=tuple(map(_pair, service.targets)),
        cc=tuple((named.get(each, ""), each) for each in sorted(service.cc)),
        bcc=tuple(("", each) for each in sorted(service.bcc)),
        reply_to=tuple((named.get(each, ""), each) for each in sorted(service.reply_to)),
        security=str(service.secure_mode),
        is_verified=bool(service.verify_certificate),
        user=service.user or "",
        password=service.password or "",
        headers=dict(service.headers),
    )


def _pair(given: Sequence[Any]) -> tuple[str, str]:
    """A name, which apprise may know as False, and an address."""
    return str(given[0] or ""), str(given[1])


def warm_up() -> None:
    """Load what the first notice needs, aside."""

    def load() -> None:
        import apprise

        log.debug("apprise %s is ready", apprise.__version__)

    threading.Thread(target=load, name="warm-up", daemon=True).start()
