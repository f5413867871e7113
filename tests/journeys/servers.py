"""Real servers on this machine for one test: a broker, the daemon, a place where notices arrive.

Rule: nothing here waits a fixed time. It looks again until a promise is kept, or fails saying which was not.
"""

import json
import os
import resource
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self, TypeVar

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from sqlalchemy import create_engine
from sqlalchemy.exc import OperationalError, ProgrammingError
from sqlalchemy.pool import NullPool

LOOPBACK = "127.0.0.1"
WITHIN = 30.0  # seconds: the machine may be busy with other things
LOOK_AGAIN = 0.02
SAFETYD = str(Path(sys.executable).with_name("safetyd"))
STATUS = "safetyd/status/safetyd"
ROOT = Path(__file__).resolve().parents[2]
SYSTEM_PROGRAMS = ("/usr/sbin", "/usr/local/sbin")  # where distributions put Mosquitto, often not on PATH

Json = dict[str, Any]
T = TypeVar("T")


def until(promise: str, look: Callable[[], T], within: float = WITHIN) -> T:
    """Return what `look` sees as soon as that is true; fail naming the promise if it never is."""
    give_up_at = time.monotonic() + within
    while not (seen := look()):
        assert time.monotonic() < give_up_at, f"not within {within:.0f} s: {promise} (last seen: {seen!r})"
        time.sleep(LOOK_AGAIN)
    return seen


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def utc(at: datetime) -> str:
    """Return a moment as safetyd writes it, in whole seconds."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def ago(**span: float) -> datetime:
    """Return a whole second of the past: hours=, minutes=, …"""
    return datetime.now(UTC).replace(microsecond=0) - timedelta(**span)


def program(name: str) -> str:
    """Return the path of a Mosquitto program; fail naming the package it comes in."""
    package = "mosquitto-clients" if name.endswith(("_pub", "_sub")) else "mosquitto"
    search = os.pathsep.join([os.environ.get("PATH", os.defpath), *SYSTEM_PROGRAMS])
    found = shutil.which(name, path=search)
    assert found, f"{name} is not on this machine; it comes with: apt-get install {package}"
    return found


class Broker:
    """A Mosquitto that can end, be killed and come back on the same port."""

    def __init__(self, folder: Path, *, is_persistent: bool = True, more: Sequence[str] = ()) -> None:
        self.folder = folder
        self.more = more
        self.port = free_port()
        self.is_persistent = is_persistent
        self.is_open = True
        self.access = ""  # Mosquitto's access list; without one everybody may do everything
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def password_file(self) -> Path:
        return self.folder / "passwords"

    def admit_only(self, name: str, password: str) -> None:
        """From the next start or hang-up on, nobody else is let in."""
        self.is_open = False
        create = [] if self.password_file.exists() else ["-c"]
        command = [program("mosquitto_passwd"), *create, "-b", str(self.password_file), name, password]
        subprocess.run(command, check=True, capture_output=True)

    def configuration(self) -> str:
        """Return what it runs by."""
        lines = [
            f"listener {self.port} {LOOPBACK}",
            f"allow_anonymous {str(self.is_open).lower()}",
            "max_inflight_messages 1000",
            "max_queued_messages 0",
            "user root",  # of effect for root only: else the broker becomes a user who cannot write here
            f"persistence {str(self.is_persistent).lower()}",
            f"persistence_location {self.folder}/",
            *self.more,
        ]
        if not self.is_open:
            lines.append(f"password_file {self.password_file}")
        if self.access:
            access = self.folder / "access"
            access.write_text(self.access, encoding="utf-8")
            access.chmod(0o600)
            lines.append(f"acl_file {access}")
        return "\n".join(lines) + "\n"

    def start(self) -> Self:
        conf = self.folder / "mosquitto.conf"
        conf.write_text(self.configuration(), encoding="utf-8")
        with (self.folder / "mosquitto.log").open("ab") as log:
            self._child = subprocess.Popen([program("mosquitto"), "-c", str(conf)], stdout=log, stderr=log)
        until("the broker listens", self._listens)
        return self

    def _listens(self) -> bool:
        assert self._child is not None and self._child.poll() is None, "the broker has ended"
        try:
            socket.create_connection((LOOPBACK, self.port), timeout=1).close()
        except OSError:
            return False
        return True

    def send_signal(self, number: int) -> None:
        assert self._child is not None
        self._child.send_signal(number)

    def kill(self) -> None:
        """End it as a power cut would: what it has not written is gone."""
        if self._child is not None:
            self._child.kill()
            self._child.wait(WITHIN)
            self._child = None

    def stop(self) -> None:
        """End it as a service manager would: what it keeps is written."""
        if self._child is not None:
            self._child.terminate()
            self._child.wait(WITHIN)
            self._child = None


@contextmanager
def bridged(folder: Path, above: Broker, *topics: str) -> Iterator[Broker]:
    """Yield a building's own broker, which carries these topics over a bridge to the one above."""
    folder.mkdir()
    lines = [
        "connection maple",
        f"address {LOOPBACK}:{above.port}",
        "remote_clientid maple-bridge",
        "cleansession false",
        "notification_topic safetyd/links/maple",
        "restart_timeout 1",
        *(f"topic {each} 1 safetyd/ safetyd/" for each in topics),
    ]
    made = Broker(folder, more=lines)
    try:
        yield made.start()
    finally:
        made.stop()


class Client:
    """Somebody else on the broker, who says things and remembers what was last said on each topic."""

    def __init__(self, broker: Broker, *filters: str, name: str = "", password: str = "") -> None:
        self.heard: list[tuple[str, bytes, bool]] = []
        self._ready = threading.Event()
        self._refused = ""
        self._filters = filters
        self._paho = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
        self._paho.max_inflight_messages_set(1000)
        self._paho.max_queued_messages_set(0)
        if name:
            self._paho.username_pw_set(name, password)
        self._paho.on_connect = self._on_connect
        self._paho.on_subscribe = lambda *_: self._ready.set()
        self._paho.on_message = lambda _client, _data, m: self.heard.append((m.topic, m.payload, m.retain))
        self._paho.connect(LOOPBACK, broker.port)
        self._paho.loop_start()
        assert self._ready.wait(WITHIN), "the broker does not answer"
        if self._refused:
            self.close()
        assert not self._refused, f"the test's own client is not let in: {self._refused}"

    def _on_connect(self, _client: object, _data: object, _flags: object, answer: Any, _: object) -> None:
        if answer.is_failure:
            self._refused = str(answer)
            self._ready.set()
        elif self._filters:
            self._paho.subscribe([(each, 1) for each in self._filters])
        else:
            self._ready.set()

    def say(self, topic: str, payload: object, *, retain: bool = False) -> paho.MQTTMessageInfo:
        """Publish at QoS 1: bytes as they are, anything else as JSON."""
        body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        return self._paho.publish(topic, body, qos=1, retain=retain)

    def tell(self, topic: str, *payloads: object, retain: bool = False) -> None:
        """Publish, and return once the broker has all of it."""
        self.delivered([self.say(topic, payload, retain=retain) for payload in payloads])

    def delivered(self, said: Iterable[paho.MQTTMessageInfo]) -> None:
        for each in said:
            each.wait_for_publish(WITHIN)
            assert each.is_published(), "the broker has not taken a message of the test"

    def last(self, topic: str) -> bytes | None:
        """Return the newest payload of a topic, None if there was none."""
        return next((payload for where, payload, _ in reversed(self.heard) if where == topic), None)

    def close(self) -> None:
        self._paho.disconnect()
        self._paho.loop_stop()


@dataclass(frozen=True)
class Letter:
    """One notice that arrived at an address."""

    address: str
    title: str
    text: str


class Sink:
    """Where notices arrive: a web hook for each name, whose answers a test may choose."""

    def __init__(self) -> None:
        self.asked: list[Letter] = []
        self.accepted: list[Letter] = []
        self._answers: dict[str, list[int]] = {}
        self._held: dict[str, threading.Event] = {}
        self._closing = threading.Event()
        sink = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                letter = Letter(self.path.strip("/"), body["title"], body["message"])
                code = sink._receive(letter)
                if code == 200:  # before whoever waits for the answer can look
                    sink.accepted.append(letter)
                if code:
                    self.send_response(code)
                    self.send_header("Content-Length", "0")
                    self.end_headers()

            def log_message(self, format: str, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]  # a killed daemon hangs up
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def address(self, name: str) -> str:
        """Return the apprise address of one name."""
        return f"json://{LOOPBACK}:{self._server.server_address[1]}/{name}"

    def answer(self, name: str, *codes: int) -> None:
        """Answer this name's next requests so (0 hangs up without a word), later ones with 200."""
        self._answers[name] = list(codes)

    @contextmanager
    def hold(self, name: str) -> Iterator[None]:
        """Answer nobody at this name while the context lasts."""
        self._held[name] = threading.Event()
        try:
            yield
        finally:
            self._held.pop(name).set()

    def of(self, name: str) -> list[Letter]:
        """Return what was accepted at a name."""
        return [letter for letter in list(self.accepted) if letter.address == name]

    def asked_of(self, name: str) -> list[Letter]:
        """Return what was sent to a name, accepted or not."""
        return [letter for letter in list(self.asked) if letter.address == name]

    def _receive(self, letter: Letter) -> int:
        answers = self._answers.get(letter.address)
        code = answers.pop(0) if answers else 200
        held = self._held.get(letter.address)
        self.asked.append(letter)
        while held is not None and not held.wait(LOOK_AGAIN):
            if self._closing.is_set():
                return 0
        return code

    def close(self) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()


@dataclass
class Site:
    """The site file of a test: a building `maple` with rooms, its rules, and who is told where."""

    rooms: Sequence[str] = ("12", "lab")
    rules: str = ""
    people: dict[str, Sequence[str]] = field(default_factory=dict)  # name to addresses
    more: str = ""
    timezone: str = "America/Los_Angeles"

    def text(self) -> str:
        parts = [f'name = "Riverbend"\ntimezone = "{self.timezone}"']
        if self.rules:
            parts.append(f"[[rules]]\n{self.rules}")
        parts.append('[[buildings]]\nid = "maple"\nname = "Maple School"')
        parts += [f'[[buildings.rooms]]\nid = "{room}"\nname = "Room {room}"' for room in self.rooms]
        parts.append(self.more)
        roles = json.dumps(["facilities", "administrator"])
        for name, addresses in self.people.items():
            parts.append(
                f'[[people]]\nname = "{name}"\nroles = {roles}\nnotify = {json.dumps(list(addresses))}'
            )
        return "\n\n".join(parts) + "\n"


@dataclass(frozen=True)
class Said:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Commands:
    """What is run with one configuration."""

    def __init__(self, config: Path) -> None:
        self.config = config
        self.variables: dict[str, str] = {}  # what the environment says besides

    def begin(self, *arguments: str, is_told: bool = False) -> "subprocess.Popen[str]":
        """Begin a command with this configuration, which reads nothing unless `is_told`."""
        command = [SAFETYD, *arguments, "--config", str(self.config)]
        pipe = subprocess.PIPE
        return subprocess.Popen(
            command,
            stdin=pipe if is_told else subprocess.DEVNULL,
            stdout=pipe,
            stderr=pipe,
            text=True,
            env=environment() | self.variables,
        )

    def run(self, *arguments: str) -> Said:
        """Run a command with this configuration and return what it left behind."""
        running = self.begin(*arguments)
        out, err = running.communicate(timeout=60)
        return Said(running.returncode, out, err)

    def asked(self, *arguments: str) -> Any:
        """Return what a command prints as JSON; fail unless it succeeded."""
        said = self.run(*arguments, "--json")
        assert said.code == 0, said.err
        return said.json


class House(Commands):
    """A folder with a configuration and a store, the commands that go by it, and its daemon."""

    def __init__(self, folder: Path, port: int, site: Site | str, mqtt: str = "", url: str = "") -> None:
        self.folder = folder
        super().__init__(folder / "safetyd.toml")
        self.store = folder / "var" / "safetyd.db"
        self.log_file = folder / "safetyd.log"
        self.daemon: subprocess.Popen[bytes] | None = None
        self.command = [SAFETYD, "run", "--config", str(self.config)]
        self._logged = 0
        self._served = create_engine(url, poolclass=NullPool) if url else None
        self.config.write_text(
            f'site = ["site.toml"]\n[mqtt]\nhost = "{LOOPBACK}"\nport = {port}\n{mqtt}\n'
            + ("" if "[web]" in mqtt else "[web]\nlisten = false\n")
            + (f'[store]\nurl = "{url}"\n' if url else ""),
            encoding="utf-8",
        )
        self.write(site)

    def write(self, site: Site | str) -> None:
        """Put another site file in its place."""
        text = site if isinstance(site, str) else site.text()
        (self.folder / "site.toml").write_text(text, encoding="utf-8")

    # the daemon

    def spawn(self) -> None:
        """Start the daemon and look no further."""
        self._logged = len(self.log_file.read_bytes()) if self.log_file.exists() else 0
        with self.log_file.open("ab") as log:
            told = environment() | self.variables
            self.daemon = subprocess.Popen(self.command, stdout=log, stderr=log, env=told, cwd=ROOT)

    def start(self, client: Client) -> Self:
        """Start the daemon and wait until it has told a client of its broker that it listens."""
        before = len(client.heard)
        self.spawn()
        self.is_online(client, before)
        return self

    def is_online(self, client: Client, since: int = 0) -> None:
        """Wait until the client has heard, after its first `since` messages, that the daemon listens."""

        def look() -> bool:
            assert self.is_running, f"the daemon has ended:\n{self.log}"
            return (STATUS, b'{"state":"online"}', False) in client.heard[since:]

        until("the daemon is online", look)

    def kill(self) -> None:
        """End it as a power cut would."""
        assert self.daemon is not None
        self.daemon.kill()
        self.daemon.wait(WITHIN)

    def stop(self) -> int:
        """End it as a service manager would, and return its exit code."""
        assert self.daemon is not None
        self.daemon.terminate()
        return self.daemon.wait(WITHIN)

    def close(self) -> None:
        if self.daemon is not None and self.daemon.poll() is None:
            self.daemon.kill()
            self.daemon.wait(WITHIN)

    @property
    def is_running(self) -> bool:
        return self.daemon is not None and self.daemon.poll() is None

    @property
    def log(self) -> str:
        """What the daemon has said since its last start."""
        return self.log_file.read_bytes()[self._logged :].decode()

    def log_says(self, words: str, within: float = WITHIN) -> None:
        """Wait for words in the log of a daemon that runs."""

        def look() -> bool:
            said = words in self.log
            assert said or self.is_running, f"the daemon has ended:\n{self.log}"
            return said

        until(f"the daemon's log says {words!r}", look, within)

    def cpu_seconds(self) -> float:
        """Return how much processor time the daemon has used."""
        assert self.daemon is not None
        fields = Path(f"/proc/{self.daemon.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def limit_files(self, size: int) -> None:
        """Let the daemon's files grow no further than this; -1 takes the limit away."""
        assert self.daemon is not None
        resource.prlimit(self.daemon.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

    # its commands

    def tickets(self) -> list[Json]:
        return list(self.asked("tickets")["tickets"])

    def ticket(self, id: str) -> Json:
        return dict(self.asked("ticket", id, "show"))

    # its store

    def rows(self, query: str, *values: object) -> list[Any]:
        """Return what the store answers, nothing while there is no store yet."""
        if self._served is not None:
            return self._asked_of_server(query, values)
        if not self.store.exists():
            return []
        with closing(sqlite3.connect(f"file:{self.store}?mode=ro", uri=True, timeout=WITHIN)) as connection:
            try:
                return connection.execute(query, values).fetchall()
            except sqlite3.OperationalError as error:
                if "no such table" in str(error):
                    return []
                raise

    def _asked_of_server(self, query: str, values: tuple[object, ...]) -> list[Any]:
        assert self._served is not None
        try:
            with self._served.connect() as connection:
                return list(connection.exec_driver_sql(query.replace("?", "%s"), values).fetchall())
        except (OperationalError, ProgrammingError) as error:  # it is away, or there is no store yet
            if isinstance(error, OperationalError) or "does not exist" in str(error):
                return []
            raise

    def count(self, table: str) -> int:
        found = self.rows(f"SELECT count(*) FROM {table}")
        return int(found[0][0]) if found else 0

    def has(self, table: str, number: int) -> None:
        """Wait until a table has so many rows."""
        until(f"{table} has {number} rows", lambda: self.count(table) >= number)

    @contextmanager
    def locked(self, *first: str) -> Iterator[None]:
        """Hold the store for writing as another process would, after committing some statements."""
        with closing(sqlite3.connect(self.store, timeout=WITHIN, isolation_level=None)) as other:
            if first:
                other.execute("BEGIN IMMEDIATE")
                for statement in first:
                    other.execute(statement)
                other.execute("COMMIT")
            other.execute("BEGIN IMMEDIATE")
            try:
                yield
            finally:
                other.execute("ROLLBACK")


def environment() -> dict[str, str]:
    """Return an environment in which nothing but the files configures safetyd."""
    kept = {name: value for name, value in os.environ.items() if not name.upper().startswith("SAFETYD_")}
    return kept | {"COLUMNS": "200"}


HANG_UP = signal.SIGHUP
