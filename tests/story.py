"""Tells a recorded day to `safetyd replay` and reads back what came of it.

Rule: a story holds only what a wire or a person would bring, and every clock in it is the story's own.

    told = Story().reading("12", "08:05", temperature_f=57.2, humidity=40).replay(until="09:00")
    assert told.the_ticket()["began_at"] == clock("08:05")
"""

import base64
import json
from collections.abc import Sequence
from contextlib import closing, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self
from zoneinfo import ZoneInfo

from safetyd.cli import main
from safetyd.configuration import load
from safetyd.replay import read_recording, replay
from safetyd.store.database import open_for_writing
from tests.stores import store_lines

Json = dict[str, Any]

ZONE = ZoneInfo("America/Los_Angeles")
DAY = "2026-12-01"  # a Tuesday in standard time
FIRST = "maple-2026-0001"
SOMEBODY = "A. Reyes"

SCHOOL_YEAR = """
work_year = [2026-08-25, 2027-06-11]
work_hours = "07:45-16:30"
student_hours = "08:30-15:15"
closed = [2026-11-26, 2026-11-27]
"""

# What a sensor may say of a room: nothing the matter, too cold, too hot (a heat index of 94.6).
MILD: Json = {"temperature_f": 70.0, "humidity": 40.0}
COLD: Json = {"temperature_f": 57.2, "humidity": 40.0}
HOT: Json = {"temperature_f": 90.0, "humidity": 50.0}

# Who each notice may reach: one person to a role, one of two roles, one of the other building.
STAFF = {
    "Ada": (["administrator"], ["maple"]),
    "Finn": (["facilities"], ["maple"]),
    "Sam": (["safety_committee"], ["maple"]),
    "Dora": (["district"], ["*"]),
    "Axel": (["association"], ["*"]),
    "Edda": (["educator"], ["maple"]),
    "Bo": (["administrator", "facilities"], ["maple"]),
    "Cleo": (["administrator"], ["cedar"]),
}


def instant(text: str) -> datetime:
    """Return the moment of "08:05", "2026-12-24 08:05:30" (both wall time at the school) or "…Z"."""
    if text.endswith("Z"):
        return datetime.fromisoformat(text)
    wall = text if " " in text else f"{DAY} {text}"
    return datetime.fromisoformat(wall).replace(tzinfo=ZONE).astimezone(UTC)


def clock(text: str, **later: float) -> str:
    """Return that moment, or one `later` by so many elapsed hours=, days=, …, as safetyd writes times."""
    return f"{instant(text) + timedelta(**later):%Y-%m-%dT%H:%M:%SZ}"


def deadline(ticket: Json, tier: str) -> Json:
    """Return the ticket's deadline of that tier."""
    (found,) = [entry for entry in ticket["deadlines"] if entry["tier"] == tier]
    return dict(found)


def states(ticket: Json) -> dict[str, str]:
    """Return the state of each tier that the ticket has."""
    return {entry["tier"]: entry["state"] for entry in ticket["deadlines"]}


def moments(since: str, until: str, minutes: float = 5) -> list[str]:
    """Return every so many minutes from one moment to another, both included."""
    steps = int((instant(until) - instant(since)) / timedelta(minutes=minutes))
    return [clock(since, minutes=minutes * step) for step in range(steps + 1)]


def device(id: str, room: str, topic: str, format: str = "zigbee2mqtt", more: str = "") -> str:
    """Return a site file's entry of a device in a room of maple; `more` are further keys."""
    return (
        f'[[buildings.sensors]]\nid = "{id}"\nroom = "{room}"\ntopic = "{topic}"\n'
        f'format = "{format}"\n{more}\n'
    )


def times(entries: list[Json]) -> list[str]:
    """Return when each of these was, in order."""
    return sorted(entry["at"] for entry in entries)


@dataclass(frozen=True)
class Told:
    """What one replay printed, and ways to ask for parts of it."""

    text: str
    output: Json

    @property
    def tickets(self) -> list[Json]:
        return sorted(self.output["tickets"], key=lambda ticket: str(ticket["id"]))

    def tickets_where(self, **fields: object) -> list[Json]:
        return _matching(self.tickets, fields)

    def the_ticket(self, **fields: object) -> Json:
        """Return the one ticket that has these fields; fail if there are none or several."""
        (ticket,) = self.tickets_where(**fields)
        return ticket

    def notices(self, reason: str, **fields: object) -> list[Json]:
        return _matching(self.output["notices"], {"reason": reason, **fields})

    def troubles(self, kind: str, **fields: object) -> list[Json]:
        return _matching(self.output["troubles"], {"kind": kind, **fields})

    def the_trouble(self, kind: str, **fields: object) -> Json:
        """Return the one trouble of that kind and these fields; fail if there are none or several."""
        (trouble,) = self.troubles(kind, **fields)
        return trouble

    def is_told(self, reason: str, words: str) -> bool:
        """Return whether facilities were told so, with these words in the title or the text."""
        notices = self.notices(reason, roles=["facilities"])
        return any(words in f"{notice['title']}\n{notice['text']}" for notice in notices)

    def rejected(self, kind: str | None = None) -> list[Json]:
        return _matching(self.output["rejected"], {} if kind is None else {"kind": kind})

    def room(self, room: str, building: str = "maple") -> tuple[int, int, int]:
        """Return the seconds of that room that were ok, in breach and unknown."""
        (row,) = _matching(self.output["rooms"], {"building": building, "room": room})
        return row["ok_s"], row["breach_s"], row["unknown_s"]


@dataclass(frozen=True)
class Run:
    """What the command left behind: its exit code, standard output and standard error."""

    code: int
    out: str
    err: str


@dataclass
class Story:
    """A district with two buildings and what happened there.

    Args:
        rules: TOML of one version of the rules, or of several in order of effect.
        calendar: TOML of the calendar; none by default, so that every hour is a student day.
        sensors: TOML of sensors of maple that do not speak the native topics.
        plan: TOML of the site's escalation plan, with its headers; none by default.
        rooms: the rooms of maple; cedar has one room, "7".
    """

    rules: str | Sequence[str] = ""
    calendar: str = ""
    sensors: str = ""
    plan: str = ""
    rooms: Sequence[str] = ("12", "lab")
    lines: list[Json] = field(default_factory=list)

    def line(self, at: str, **fields: object) -> Self:
        """Add one line of a recording as it is."""
        self.lines.append({"at": clock(at), **fields})
        return self

    def says(self, at: str, topic: str, payload: str | bytes, retain: bool = False) -> Self:
        """Add one message."""
        if isinstance(payload, bytes):
            coded = base64.b64encode(payload).decode()
            return self.line(at, topic=topic, payload=coded, encoding="base64", retain=retain)
        return self.line(at, topic=topic, payload=payload, retain=retain)

    def reading(
        self,
        room: str,
        at: str,
        *,
        until: str | None = None,
        every: int = 5,
        sensor: str | None = None,
        building: str = "maple",
        retain: bool = False,
        **values: object,
    ) -> Self:
        """Add what a room's sensor says, once, or `every` so many minutes `until` a time."""
        topic = "/".join(filter(None, ["safetyd/readings", building, room, sensor]))
        return self._repeat(at, until, every, topic, retain, values)

    def sends(
        self, topic: str, at: str, *, until: str | None = None, every: int = 5, **values: object
    ) -> Self:
        """Add what a device sends as JSON on a topic of its own."""
        return self._repeat(at, until, every, topic, False, values)

    def power(
        self,
        at: str,
        *,
        until: str | None = None,
        every: int = 5,
        sensor: str | None = None,
        building: str = "maple",
        retain: bool = False,
        **values: object,
    ) -> Self:
        """Add what a witness of a building's mains says, once, or `every` so many minutes `until` a time."""
        topic = "/".join(filter(None, ["safetyd/power", building, sensor]))
        return self._repeat(at, until, every, topic, retain, values)

    def act(self, at: str, do: str, **keys: object) -> Self:
        """Add what a person did, by default somebody to the first ticket of maple."""
        return self.line(at, **{"do": do, "ticket": FIRST, "by": SOMEBODY, **keys})

    def report(self, at: str, room: str | None, *, building: str = "maple", **keys: object) -> Self:
        """Add what a person reported of a room, or of the whole building when `room` is None."""
        return self.line(at, **{"do": "report", "building": building, "room": room, "by": SOMEBODY, **keys})

    def replay(self, until: str | None = None, what_if: Sequence[str] = ()) -> Told:
        """Replay the story and return what was told; fail unless the command succeeded."""
        run = self.run(until, what_if)
        assert run.code == 0, run.err
        return Told(run.out, json.loads(run.out))

    def run(self, until: str | None = None, what_if: Sequence[str] = (), last_line: str = "") -> Run:
        """Replay the story, with one more line as it stands, and return what the command left behind."""
        lines = [json.dumps(entry) for entry in sorted(self.lines, key=lambda entry: str(entry["at"]))]
        if last_line:
            lines.append(last_line)
        with TemporaryDirectory() as name:
            folder = Path(name)
            settings, recording = folder / "safetyd.toml", folder / "recording.jsonl"
            settings.write_text('site = ["site.toml"]\n', encoding="utf-8")
            (folder / "site.toml").write_text(self._site(), encoding="utf-8")
            recording.write_text("".join(f"{text}\n" for text in lines), encoding="utf-8")
            argv = ["replay", str(recording), "--config", str(settings), "--json"]
            if until is not None:
                argv += ["--until", clock(until)]
            for override in what_if:
                argv += ["--set", override]
            out, err = StringIO(), StringIO()
            with redirect_stdout(out), redirect_stderr(err):
                code = main(argv)
        return Run(code, out.getvalue(), err.getvalue())

    def keep(self, folder: Path, until: str) -> Path:
        """Replay the story into a store in a folder, and return the configuration that names it."""
        config = folder / "safetyd.toml"
        config.write_text('site = ["site.toml"]\n' + store_lines(folder, "kept.db"), encoding="utf-8")
        (folder / "site.toml").write_text(self._site(), encoding="utf-8")
        loaded = load(config, {})
        texts = [json.dumps(entry) for entry in sorted(self.lines, key=lambda entry: str(entry["at"]))]
        with closing(open_for_writing(loaded.settings.store.url)) as store:
            replay(read_recording(texts, "the story"), loaded.site, until=instant(until), store=store)
        return config

    def _repeat(self, at: str, until: str | None, every: int, topic: str, retain: bool, values: Json) -> Self:
        moment, last = instant(at), instant(until or at)
        while moment <= last:
            self.says(f"{moment:%Y-%m-%dT%H:%M:%SZ}", topic, json.dumps(values), retain)
            moment += timedelta(minutes=every)
        return self

    def _site(self) -> str:
        versions = [self.rules] if isinstance(self.rules, str) else self.rules
        parts = ['name = "Riverbend"\ntimezone = "America/Los_Angeles"']
        parts += [f"[[rules]]\n{version}" for version in versions]
        if self.calendar:
            parts.append(f"[calendar]\n{self.calendar}")
        parts.append(self.plan)
        parts.append('[[buildings]]\nid = "maple"\nname = "Maple School"')
        parts += [f'[[buildings.rooms]]\nid = "{room}"\nname = "Room {room}"' for room in self.rooms]
        parts.append(self.sensors)
        parts.append('[[buildings]]\nid = "cedar"\nname = "Cedar School"')
        parts.append('[[buildings.rooms]]\nid = "7"\nname = "Room 7"')
        for name, (roles, buildings) in STAFF.items():
            parts.append(
                f'[[people]]\nname = "{name}"\nroles = {json.dumps(roles)}\n'
                f'buildings = {json.dumps(buildings)}\nnotify = ["json://127.0.0.1:9/{name}"]'
            )
        return "\n\n".join(parts) + "\n"


def _matching(entries: list[Json], fields: Json) -> list[Json]:
    return [entry for entry in entries if all(entry[name] == value for name, value in fields.items())]
