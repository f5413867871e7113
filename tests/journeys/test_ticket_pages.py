"""The ticket's page of a daemon that runs: what a person does there is on record, photo and all."""

import re
from collections.abc import Callable
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlencode

import pytest

from tests.journeys.servers import LOOPBACK, Broker, Client, House, Site, free_port, until

pytestmark = pytest.mark.journey

PHOTO = b"\xff\xd8\xff\xe0" + bytes(range(256)) * 2000
PASSWORD = "nine grey herons"
FORM = "application/x-www-form-urlencoded"


class Browser:
    """Keeps the cookie, and sends the forms of the pages it has loaded."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._cookie = ""
        self.page = ""

    def ask(self, path: str, body: bytes = b"", kind: str = "") -> tuple[int, str]:
        """Return the status and where it leads, and keep the page."""
        connection = HTTPConnection(LOOPBACK, self._port, timeout=30)
        headers = {"Cookie": self._cookie, "Accept": "text/html", "Sec-Fetch-Site": "same-origin"}
        headers |= {"Content-Type": kind} if kind else {}
        try:
            connection.request("POST" if kind else "GET", path, body or None, headers)
            answer = connection.getresponse()
            self._cookie = answer.headers.get("Set-Cookie", self._cookie).partition(";")[0]
            self.page = answer.read().decode()
            return answer.status, answer.headers.get("Location", "")
        finally:
            connection.close()

    def log_in(self, name: str) -> None:
        said = urlencode({"name": name, "password": PASSWORD})
        assert self.ask("/login", said.encode(), FORM)[0] == 303

    def submit(self, path: str, said: dict[str, str], *files: tuple[str, bytes]) -> tuple[int, str]:
        """Send a form of the page that was loaded last, with files."""
        found = re.search('name="token" value="([0-9a-f]+)"', self.page)
        assert found
        fields = {"token": found[1], **said}
        parts = [f'name="{name}"\r\n\r\n{value}'.encode() for name, value in fields.items()]
        parts += [f'name="attach"; filename="{name}"\r\n\r\n'.encode() + content for name, content in files]
        begin = b"--edge\r\nContent-Disposition: form-data; "
        body = b"".join(begin + part + b"\r\n" for part in parts) + b"--edge--\r\n"
        return self.ask(path, body, "multipart/form-data; boundary=edge")


def test_a_custodian_records_relief_with_a_photo(
    house: Callable[..., House], broker: Broker, client: Client, tmp_path: Path
) -> None:
    port = free_port()
    home = house(broker, Site(), f'[web]\nlisten = "{LOOPBACK}:{port}"').start(client)
    adding = home.begin("user", "add", "Kim Low", "--role", "facilities", is_told=True)
    out, err = adding.communicate(f"{PASSWORD}\n", timeout=60)
    assert adding.returncode == 0, out + err
    client.tell("safetyd/readings/maple/12", {"temperature_f": 57.5, "humidity": 44})
    home.has("ticket", 1)
    ((id,),) = home.rows("SELECT id FROM ticket")
    browser = Browser(port)

    def is_let_in() -> bool:
        try:
            browser.log_in("Kim Low")
        except OSError:
            return False
        return True

    until("the page answers", is_let_in)
    assert browser.ask("/tickets")[0] == 200 and f'href="/tickets/{id}"' in browser.page
    assert browser.ask(f"/tickets/{id}")[0] == 200 and "Say that you are on it" in browser.page
    relief = {"tier": "mitigation", "kind": "fans_or_heaters", "note": "a heater stands by the door"}
    assert browser.submit(f"/tickets/{id}/relieve", relief, ("heater.jpg", PHOTO)) == (303, f"/tickets/{id}")
    browser.ask(f"/tickets/{id}")
    assert "The relief is on record." in browser.page and "heater.jpg" in browser.page

    shown = home.ticket(id)
    assert shown["status"] == "relieved" and shown["deadlines"][0]["state"] == "met"
    assert {each["by"] for each in shown["history"][-2:]} == {"Kim Low"}
    saved = home.asked("attachments", id, "--save", str(tmp_path / "photos"))["attachments"]
    assert [Path(each["file"]).read_bytes() for each in saved] == [PHOTO]

    assert browser.submit(f"/tickets/{id}/acknowledge", {"note": "too late"})[0] == 409
    assert "cannot acknowledge" in browser.page
