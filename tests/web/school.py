"""An application on a store of its own, asked without a network: two schools, a cold room in each.

Rule: nobody carries out what is left in the inbox; what a daemon makes of it is a journey.
"""

import json
import re
from base64 import b64encode
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple, TypeVar
from urllib.parse import urlencode

from anyio import sleep_forever
from anyio.from_thread import BlockingPortal, start_blocking_portal

from safetyd.configuration import load
from safetyd.core.model import Role
from safetyd.ingest.message import Message
from safetyd.service import Service
from safetyd.store import accounts, inbox, sessions
from safetyd.store.accounts import Account, Scope
from safetyd.store.database import open_for_reading, open_for_writing
from safetyd.web.app import Application
from safetyd.web.health import Pulse
from safetyd.web.house import House
from tests.stores import store_lines

T = TypeVar("T")
SITE = """
timezone = "America/Los_Angeles"
[[buildings]]
id = "maple"
rooms = [{ id = "12", name = "Room 12" }, { id = "lab" }]
[[buildings]]
id = "cedar"
rooms = [{ id = "1" }]
"""
PHOTO = b"\x89PNG\r\n\x1a\n and what a window looks like"
HOST = "school.local"
_A_DAY = timedelta(days=1)
ELSEWHERE = ("192.0.2.7", 40_000)
HERE = ("127.0.0.1", 40_000)


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def text(self) -> str:
        return self.body.decode(errors="replace")


class School:
    """The application, and the store behind it."""

    def __init__(self, folder: Path, portal: BlockingPortal) -> None:
        self.folder = folder
        settings = 'site = ["site.toml"]\n' + store_lines(folder / "var")
        (folder / "safetyd.toml").write_text(settings, encoding="utf-8")
        (folder / "site.toml").write_text(SITE, encoding="utf-8")
        configuration = load(folder / "safetyd.toml", {})
        self.url, self.site = configuration.settings.store.url, configuration.site
        self.now = datetime.now(UTC)
        self.pulse = Pulse(lambda: 0.0)  # no time passes but what a test lets pass
        self.pulse.note(self.now, "", has_broker=True)
        self._portal = portal
        begun = self.now - timedelta(minutes=5)
        with closing(open_for_writing(self.url)) as connection:
            service = Service(connection, self.site, "safetyd", begun)
            for room in ("maple/12", "cedar/1"):
                said = json.dumps({"temperature_f": 55.5, "humidity": 40}).encode()
                service.take(Message(begun, f"safetyd/readings/{room}", said))
            self.ids = sorted(service.world.tickets)
            files = [{"name": "window.png", "base64": b64encode(PHOTO).decode()}]
            note = {"do": "note", "by": "Kim Low", "note": "it stands open", "attach": files}
            service.command(note | {"ticket": self.ids[1]}, begun)
            service.save_all(begun)
        self.house = House(self.url, "safetyd", lambda: self.site, self.pulse)
        self.application = Application(self.house)
        self._writer: Service | None = None

    def passes(self, **span: float) -> None:
        """Let time pass: hours=, minutes=, …"""
        self.now += timedelta(**span)
        self.pulse.note(self.now, "", has_broker=True)

    def hears(self, place: str, *, ago: timedelta = timedelta(0), **said: object) -> None:
        """Let what stands at `building/room`, or at `building/witness` of the mains, report."""
        at, service = self.now - ago, self._service()
        topic = f"safetyd/power/{place}" if "mains" in said else f"safetyd/readings/{place}"
        service.take(Message(at, topic, json.dumps(said).encode()))
        self._commit(service)

    def commands(self, **said: object) -> None:
        """Let a person do something, as a daemon carries it out."""
        service = self._service()
        service.command({"by": "Ann", **said}, self.now)
        self._commit(service)

    def _service(self) -> Service:
        if self._writer is None:
            self._writer = Service(open_for_writing(self.url), self.site, "safetyd", self.now)
            self._commit(self._writer)
        return self._writer

    def _commit(self, service: Service) -> None:
        service.elapse(self.now)
        service.commit(self.now)

    def close(self) -> None:
        if self._writer is not None:
            self._writer.connection.close()
        self.application.close()

    def token(
        self, role: Role, *buildings: str, scope: Scope = Scope.ACT, name: str = "", lasts: timedelta = _A_DAY
    ) -> str:
        """Let somebody in, and return a token of theirs."""
        name = name or f"{role} {scope} {' '.join(buildings)}"
        with closing(open_for_writing(self.url)) as connection:
            accounts.add(connection, name, role, buildings, "not used", self.now)
            return accounts.new_token(connection, name, scope, self.now, lasts)

    def path_of(self, path: str) -> str:
        """Return a page's path with what there is put in."""
        kind = "csv" if path.startswith("/whatif") else "svg"
        path = path.replace("{building}", "maple").replace("{id}", self.ids[1]).replace("{kind}", kind)
        path = path.replace("{room}", "12").replace("{suffix}", "csv")
        return path.replace("{hash}", sha256(PHOTO).hexdigest())

    def carry_out(self, said: Mapping[str, Any]) -> None:
        """Have a command carried out, as the command line does; somebody has to be there who writes."""
        self._portal.call(self.application._looking.carry_out, dict(said))

    def call(self, work: Callable[[], Awaitable[T]]) -> T:
        """Return what work comes to in the application's loop."""
        return self._portal.call(work)

    def ask(
        self,
        path: str,
        token: str = "",
        said: object = None,
        headers: Mapping[str, str] | None = None,
        *,
        method: str = "",
        address: tuple[str, int] = ELSEWHERE,
    ) -> Answer:
        """Return the answer to a GET, or to a POST of what is said: bytes as they are."""
        body = said if isinstance(said, bytes) else b"" if said is None else json.dumps(said).encode()
        given = {"authorization": f"Bearer {token}"} if token else {}
        given |= {"content-type": "application/json"} if said is not None else {}
        given |= headers or {}
        method = method or ("GET" if said is None else "POST")
        return self._portal.call(self._ask, method, path, body, given, address)

    async def _ask(
        self, method: str, path: str, body: bytes, headers: Mapping[str, str], address: tuple[str, int]
    ) -> Answer:
        path, _, query = path.partition("?")
        scope = {
            "type": "http",
            "http_version": "1.1",
            "method": method,
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "scheme": "http",
            "headers": [
                (k.encode(), v.encode("utf-8", "surrogateescape"))
                for k, v in ({"host": HOST} | dict(headers)).items()
            ],
            "client": address,
            "server": ("127.0.0.1", 8914),
        }
        pieces = [body[at : at + 10_000] for at in range(0, len(body), 10_000)] or [b""]
        sent: list[Mapping[str, Any]] = []

        async def receive() -> Mapping[str, Any]:
            if not pieces:
                await sleep_forever()  # the browser stays
            return {"type": "http.request", "body": pieces.pop(0), "more_body": bool(pieces)}

        async def send(message: Mapping[str, Any]) -> None:
            sent.append(message)

        await self.application.asgi(scope, receive, send)  # type: ignore[arg-type]
        told: dict[str, str] = {}
        for key, value in sent[0]["headers"]:
            told[key.decode()] = "\n".join(filter(None, (told.get(key.decode()), value.decode())))
        return Answer(sent[0]["status"], told, b"".join(each.get("body", b"") for each in sent[1:]))


class Browser:
    """Somebody's browser: it keeps its cookie, and sends what a browser sends with a form."""

    def __init__(self, school: School, address: tuple[str, int] = ELSEWHERE) -> None:
        self.school, self.address = school, address
        self._secret = ""

    @property
    def cookies(self) -> dict[str, str]:
        return {"cookie": f"safetyd={self._secret}"} if self._secret else {}

    @property
    def account(self) -> Account:
        with closing(open_for_reading(self.school.url)) as connection:
            found = sessions.session_of(connection, self._secret, self.school.now)
        assert found is not None
        return found.account

    def enter(self, role: Role, *buildings: str) -> None:
        """Log in as an account of this role, which is made if there is none."""
        name = f"{role} {' '.join(buildings)} in a browser"
        with closing(open_for_writing(self.school.url)) as connection:
            if name not in [each.name for each, _ in accounts.everybody(connection)]:
                accounts.add(connection, name, role, buildings, "not used", self.school.now)
            number = accounts.named(connection, name).number
            self._secret = sessions.begin(connection, number, self.school.now)

    def let_in(self, secret: str) -> None:
        """Keep a session that was begun elsewhere."""
        self._secret = secret

    def token(self) -> str:
        """Return what every form of ours has in it."""
        found = re.search('name="token" value="([0-9a-f]+)"', self.get("/account").text)
        assert found
        return found[1]

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> Answer:
        given = {"accept": "*/*"} | self.cookies | dict(headers or {})
        return self._kept(self.school.ask(path, headers=given, address=self.address))

    def post(self, path: str, said: Mapping[str, str], headers: Mapping[str, str] | None = None) -> Answer:
        body = urlencode(said).encode()
        kind = {"content-type": "application/x-www-form-urlencoded", "content-length": str(len(body))}
        given = kind | self.cookies | dict(headers or {})
        return self._kept(self.school.ask(path, said=body, headers=given, address=self.address))

    def post_files(
        self,
        path: str,
        said: Mapping[str, str],
        files: Sequence[tuple[str, str, bytes]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send a form with files: the field, the file's name and its content."""
        edge = "edge-of-a-part-7d1f"
        parts = [
            f'name="{field}"\r\n\r\n{text}'.encode("utf-8", "surrogatepass") for field, text in said.items()
        ]
        parts += [
            f'name="{field}"; filename="{name}"\r\nContent-Type: image/jpeg\r\n\r\n'.encode() + content
            for field, name, content in files
        ]
        begin = f"--{edge}\r\nContent-Disposition: form-data; ".encode()
        body = b"".join(begin + part + b"\r\n" for part in parts) + f"--{edge}--\r\n".encode()
        kind = {"content-type": f"multipart/form-data; boundary={edge}", "content-length": str(len(body))}
        given = kind | self.cookies | {"sec-fetch-site": "same-origin"} | dict(headers or {})
        return self._kept(self.school.ask(path, said=body, headers=given, address=self.address))

    def submit(self, page: str, path: str, said: Mapping[str, str] | None = None) -> Answer:
        """Send a form that stands on a page of ours."""
        assert self.get(page).status in (200, 303)
        return self.post(path, {"token": self.token(), **(said or {})}, {"sec-fetch-site": "same-origin"})

    def _kept(self, answer: Answer) -> Answer:
        found = re.search('(?m)^safetyd="?([^";]*)', answer.headers.get("set-cookie", ""))
        if found:
            self._secret = found[1]
        return answer


@contextmanager
def school(folder: Path) -> Iterator[School]:
    """Yield one in a folder."""
    with start_blocking_portal() as portal:
        made = School(folder, portal)
        try:
            yield made
        finally:
            made.close()


def refile(school: School, content: str) -> None:
    """Let the application go by another site file from now on."""
    folder = school.folder
    (folder / "site.toml").write_text(content, encoding="utf-8")
    school.site = load(folder / "safetyd.toml", {}).site


def left(school: School) -> list[dict[str, Any]]:
    """Return the commands that wait in the inbox."""
    with closing(open_for_reading(school.url)) as connection:
        return [json.loads(inbox.body(connection, number) or "{}") for number in inbox.unanswered(connection)]
