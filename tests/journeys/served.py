"""What answers on a port of this machine, and the tokens for it: of a house, or of whatever has commands."""

import json
from http.client import HTTPConnection
from typing import Any, NamedTuple, Self

from tests.journeys.servers import LOOPBACK, Commands, House, Site, until

TWO = Site(more='[[buildings]]\nid = "cedar"\nname = "Cedar"\nrooms = [{ id = "1", name = "One" }]')


class Answer(NamedTuple):
    status: int
    kind: str
    headers: dict[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)


class Answering:
    """A port, and the commands that let people in."""

    def __init__(self, commands: Commands, port: int) -> None:
        self.commands, self.port = commands, port

    def ask(self, path: str, token: str = "", said: object = None, **headers: str) -> Answer:
        """Return the answer to a GET, or to a POST of what is said."""
        connection = HTTPConnection(LOOPBACK, self.port, timeout=30)
        if token:
            headers["Authorization"] = f"Bearer {token}"
        body = None
        if said is not None:
            headers.setdefault("Content-Type", "application/json")
            body = said if isinstance(said, bytes) else json.dumps(said).encode()
        try:
            connection.request("GET" if body is None else "POST", path, body, headers)
            answer = connection.getresponse()
            kind = answer.headers.get_content_type()
            return Answer(answer.status, kind, dict(answer.headers), answer.read().decode())
        finally:
            connection.close()

    def token(self, name: str, role: str, *more: str, scope: str = "act") -> str:
        """Let somebody in and return a token of theirs."""
        adding = self.commands.begin("user", "add", name, "--role", role, *more, is_told=True)
        out, err = adding.communicate("nine grey herons\n", timeout=60)
        assert adding.returncode == 0, out + err
        said = self.commands.run("user", "token", name, "--scope", scope)
        assert said.code == 0, said.err
        return said.out.strip()

    def is_answering(self) -> Self:
        def look() -> bool:
            try:
                return self.ask("/healthz").status == 200
            except OSError:
                return False

        until("it answers", look)
        return self


class Served(Answering):
    """A house whose daemon answers on a port, and tokens for it."""

    def __init__(self, house: House, port: int) -> None:
        super().__init__(house, port)
        self.house = house
