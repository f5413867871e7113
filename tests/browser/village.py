"""A district with everything on record that pages can show, and a real daemon that serves it.

Rule: what lies in the past is brought by the real service before the daemon starts; nothing changes after
that but what a test does itself, in a building of its own or not at all.
"""

import json
from base64 import b64encode
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from playwright.sync_api import Page

from safetyd.configuration import load
from safetyd.core.model import Role
from safetyd.ingest.message import Message
from safetyd.passwords import hashed
from safetyd.service import Service
from safetyd.store import accounts, sessions
from safetyd.store.database import open_for_writing
from tests.browser.school import School
from tests.journeys.servers import LOOPBACK, Broker, Client, House, free_port

PASSWORD = "seven slow snails"
SCRIPT = "<script>window.pwned = 1</script><img src=x onerror='window.pwned = 1'>"
FORMULA = "=cmd|'/c calc'!A1"
TURNED = "\N{RIGHT-TO-LEFT OVERRIDE}gnp.exe\x1b[31m\0"  # and what a terminal would obey
LONG = "unbroken" * 1250
SITE = f"""
name = "Riverbend"
timezone = "America/Los_Angeles"
reports_from = ["127.0.0.0/8"]
[[buildings]]
id = "maple"
name = "Maple School"
rooms = [{{ id = "12", name = "Room 12" }}, {{ id = "14", name = "Room 14" }},
  {{ id = "lab", name = "Laboratory" }}, {{ id = "gym", name = "Gymnasium" }},
  {{ id = "library", name = "Library" }}, {{ id = "attic", name = "Attic" }}]
[[buildings]]
id = "cedar"
name = "Cedar School"
rooms = [{{ id = "1", name = "One" }}, {{ id = "2", name = "Two" }}]
[[buildings]]
id = "birch"
name = {json.dumps(SCRIPT)}
rooms = [{{ id = "1", name = {json.dumps(SCRIPT)} }}, {{ id = "2", name = {json.dumps(FORMULA)} }},
  {{ id = "3", name = "{"unbroken" * 25}" }}]
[[buildings]]
id = "quiet"
name = "Quiet School"
rooms = [{{ id = "1", name = "One" }}]
[[people]]
name = {json.dumps("Ann <b>Lee</b>")}
roles = ["facilities", "administrator", "district"]
notify = ["json://{LOOPBACK}:9/nobody"]
"""


class Village(NamedTuple):
    """A district that is served: its tickets by what they are about, one browser's secret for each role."""

    school: School
    tickets: dict[str, str]
    secrets: dict[Role, str]

    @property
    def url(self) -> str:
        """Where it is served."""
        return self.school.url

    def enter(self, page: Page, role: Role = Role.ADMINISTRATOR) -> Page:
        """Let a browser in as a role."""
        page.context.add_cookies([{"name": "safetyd", "value": self.secrets[role], "url": self.url}])
        return page


@contextmanager
def village(folder: Path) -> Iterator[Village]:
    """Yield one in a folder, with a broker of its own."""
    place = folder / "broker"
    place.mkdir()
    broker = Broker(place).start()
    client = Client(broker, "safetyd/status/#")
    port = free_port()
    house = House(folder, broker.port, SITE, f'[web]\nlisten = "{LOOPBACK}:{port}"')
    try:
        tickets, secrets = _lived(house)
        school = School(house.start(client), port, client)
        school.is_answering()
        for topic in ("safetyd/readings/birch/1", f"safetyd/readings/{SCRIPT}/{FORMULA}".replace("+", "")):
            client.tell(topic, {"temperature_f": 66, "humidity": SCRIPT, "sensor": FORMULA, SCRIPT: LONG})
        yield Village(school, tickets, secrets)
    finally:
        house.close()
        client.close()
        broker.stop()


def _lived(house: House) -> tuple[dict[str, str], dict[Role, str]]:
    """Let two days pass, and return the tickets and who may look at them."""
    loaded = load(house.config, {})
    now = datetime.now(UTC)
    with closing(open_for_writing(loaded.settings.store.url)) as connection:
        life = _Life(Service(connection, loaded.site, "safetyd", now - timedelta(days=2)), now)
        life.live()
        secrets = {}
        for role in Role:
            name = f"Kim {role}" if role is not Role.ASSOCIATION else f"Kim {SCRIPT}"
            accounts.add(connection, name, role, (), hashed(PASSWORD), now)
            secrets[role] = sessions.begin(connection, accounts.named(connection, name).number, now)
        return {
            f"{each.place} {each.hazard or each.condition}": id
            for id, each in life.service.world.tickets.items()
        }, secrets


class _Life:
    """What happened, hour by hour."""

    def __init__(self, service: Service, now: datetime) -> None:
        self.service, self.now = service, now

    def live(self) -> None:
        """Let it happen."""
        for hour in range(47, -1, -1):
            for minute in (50, 40, 30, 20, 10, 2):
                self._readings(timedelta(hours=hour, minutes=minute))
            if hour == 40:
                self._first_acts(timedelta(hours=hour))
        self._last_acts(timedelta(seconds=60))

    def _readings(self, ago: timedelta) -> None:
        cold, warm = ago < timedelta(hours=44), timedelta(hours=20) < ago < timedelta(hours=30)
        rooms = {
            "maple/12": 54.5 if cold else 66.0,
            "maple/14": 92.0 if warm else 71.0,
            "maple/lab": 69.0,
            "maple/gym": 70.0,
            "cedar/1": 50.0 if cold else 64.0,
            "cedar/2": 58.0 if timedelta(hours=5) > ago else 65.0,
            "birch/1": 52.0,
            "birch/2": 93.0,
            "birch/3": 68.0,
        }
        if ago > timedelta(hours=9):
            rooms["maple/library"] = 67.0
        for place, degrees in rooms.items():
            self._hears(f"safetyd/readings/{place}", ago, temperature_f=degrees, humidity=45)
        self._hears("safetyd/power/cedar/ups", ago, mains=ago > timedelta(hours=6))
        self._hears("safetyd/power/maple/ups", ago, mains=True)
        self._save(ago)

    def _first_acts(self, ago: timedelta) -> None:
        maple = self._ticket("maple/12")
        self._does(ago, "acknowledge", ticket=maple, note="on my way")
        self._does(ago, "note", ticket=maple, note="the radiator is cold", attach=_files("radiator.jpg"))
        for number in range(50):
            self._does(ago, "note", ticket=self._ticket("cedar/1"), note=f"look no. {number}")
        birch = self._ticket("birch/1")
        for note in (SCRIPT, FORMULA, TURNED, LONG):
            self._does(
                ago, "note", ticket=birch, note=note, attach=_files(f"=1+1 {SCRIPT}"[:30].replace("/", ""))
            )
        self._does(ago, "dispute", ticket=birch, note=SCRIPT, role="association")

    def _last_acts(self, ago: timedelta) -> None:
        reports = (("maple", "gym", "leaks", "drips"), ("maple", "attic", "mold", "black spots"))
        for building, room, hazard, note in (
            *reports,
            ("birch", "3", "other", SCRIPT),
            ("birch", "2", "pests", LONG),
        ):
            self._does(ago, "report", building=building, room=room, hazard=hazard, note=note, role="educator")
        relief = {"tier": "mitigation", "kind": "fans_or_heaters", "note": "a fan"}
        self._does(ago, "relieve", ticket=self._ticket("maple/14"), **relief)
        self._does(ago, "close", ticket=self._ticket("maple/14"), note="cool again")
        self._does(ago, "relieve", ticket=self._ticket("birch/2"), **(relief | {"note": SCRIPT}))
        self._does(
            ago, "extend", ticket=self._ticket("birch/1"), tier="immediate", until="2031-05-05", note=FORMULA
        )
        self._save(ago)

    def _ticket(self, place: str) -> str:
        return next(id for id, each in self.service.world.tickets.items() if str(each.place) == place)

    def _hears(self, topic: str, ago: timedelta, **said: object) -> None:
        self.service.take(Message(self.now - ago, topic, json.dumps(said).encode()))

    def _does(self, ago: timedelta, do: str, **said: object) -> None:
        by = {"by": f"Pat {SCRIPT}", "role": "facilities"}
        self.service.command({"do": do, **by, **said}, self.now - ago)

    def _save(self, ago: timedelta) -> None:
        self.service.elapse(self.now - ago)
        self.service.commit(self.now - ago)


def _files(name: str) -> list[dict[str, str]]:
    return [{"name": name, "base64": b64encode(b"\xff\xd8\xff a photo").decode()}]
