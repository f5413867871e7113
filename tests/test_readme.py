"""README does what it says: its files load, its commands run, in the order in which a reader meets them."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from safetyd.configuration import load
from safetyd.faults import Fault
from safetyd.profile import shipped_profiles
from safetyd.sharding import shards_of
from safetyd.site import read_site

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text("utf-8")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.M | re.S)
YEAR = str(datetime.now(ZoneInfo("America/Los_Angeles")).year)
PATIENCE_S = 30


def blocks(kind: str) -> list[str]:
    return [body for found, body in BLOCK.findall(README) if found == kind]


def commands() -> list[str]:
    return [line[2:] for block in blocks("console") for line in block.splitlines() if line.startswith("$ ")]


def files() -> dict[str, str]:
    """The TOML blocks by the file name in their first line."""
    return {block.split("\n", 1)[0].removeprefix("# "): block for block in blocks("toml")}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def broker(folder: Path) -> Iterator[int]:
    program = shutil.which("mosquitto", path=os.environ["PATH"] + ":/usr/sbin")
    assert program, "the broker mosquitto is missing; on Debian: apt-get install mosquitto mosquitto-clients"
    port = free_port()
    conf = folder / "mosquitto.conf"
    conf.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\n")
    with subprocess.Popen([program, "-c", str(conf)], stderr=subprocess.DEVNULL) as process:
        try:
            yield port
        finally:
            process.terminate()


def test_the_first_two_commands_are_the_makefiles() -> None:
    assert commands()[:2] == ["make demo", "make test"]
    for command in commands()[:2]:
        subprocess.run([*command.split(), "--dry-run"], cwd=ROOT, check=True, capture_output=True)


def test_every_other_target_that_is_named_exists() -> None:
    for target in set(re.findall(r"`make (\w+)", README)):
        subprocess.run(["make", "--dry-run", target], cwd=ROOT, check=True, capture_output=True)


def test_every_file_that_is_named_exists() -> None:
    named = re.findall(r"`((?:safetyd|config|deploy|tests)/[\w./-]+)`", README) + re.findall(
        r"\]\((\S+)\)", README
    )
    assert named
    assert [name for name in named if not (ROOT / name).exists()] == []


def bound(folder: Path, *names: str) -> list[int]:
    """Return how many sensors each building has in site files without a fault."""
    faults: list[Fault] = []
    site = read_site([folder / name for name in names], {}, faults)
    assert faults == [] and site is not None
    return [len(building.sensors) for building in site.buildings]


def test_the_sensors_that_it_shows_are_accepted(tmp_path: Path) -> None:
    for name, text in files().items():
        (tmp_path / name).write_text(text)
    assert bound(tmp_path, "site.toml", "more.toml") == [0, 4]
    table, _ = blocks("csv")
    (tmp_path / "sensors.csv").write_text(table)
    (tmp_path / "rows.toml").write_text('sensors = "sensors.csv"\n' + files()["site.toml"])
    assert bound(tmp_path, "rows.toml") == [3]
    assert bound(tmp_path, "rows.toml", "more.toml") == [3, 4]


def test_the_people_that_it_shows_are_accepted(tmp_path: Path) -> None:
    _, table = blocks("csv")
    (tmp_path / "people.csv").write_text(table)
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "ann.url").write_text("json://192.0.2.1/ann\n")
    named = re.findall(r"env:(\w+)", table)
    (tmp_path / "more.toml").write_text(files()["more.toml"])
    (tmp_path / "site.toml").write_text(f'people_csv = "people.csv"\n{files()["site.toml"]}')
    faults: list[Fault] = []
    read = [tmp_path / "site.toml", tmp_path / "more.toml"]
    site = read_site(read, dict.fromkeys(named, "json://192.0.2.1/x"), faults)
    assert site is not None and faults == []
    ann = next(each for each in site.people if each.name == "Ann Lee")
    assert ann.roles_in("maple") == ("administrator",) and ann.roles_in("cedar") == ("safety_committee",)


def test_the_plan_that_it_shows_is_accepted(tmp_path: Path) -> None:
    for name in ("site.toml", "telling.toml"):
        (tmp_path / name).write_text(files()[name], encoding="utf-8")
    assert bound(tmp_path, "site.toml", "telling.toml") == [0]


def test_the_calendar_that_it_shows_is_accepted(tmp_path: Path) -> None:
    days = files()["days.toml"]
    (tmp_path / "site.toml").write_text(files()["site.toml"] + days)
    assert bound(tmp_path, "site.toml") == [0]
    with_events = days.replace("[calendar]", '[calendar]\nics = "calendar.ics"') + files()["events.toml"]
    (tmp_path / "site.toml").write_text(files()["site.toml"] + with_events)
    early = "BEGIN:VEVENT\nSUMMARY:Early release\nDTSTART;VALUE=DATE:20261202\nEND:VEVENT"
    (tmp_path / "calendar.ics").write_text(f"BEGIN:VCALENDAR\n{early}\nEND:VCALENDAR\n")
    assert bound(tmp_path, "site.toml") == [0]


def test_the_district_of_workers_that_it_shows_is_accepted(tmp_path: Path) -> None:
    (tmp_path / "site.toml").write_text(files()["site.toml"])
    (tmp_path / "safetyd.toml").write_text(files()["district-workers.toml"])
    (tmp_path / "secrets").mkdir()
    for name in ("mqtt", "db"):
        (tmp_path / "secrets" / name).write_text("a secret\n")
    assert shards_of(load(tmp_path / "safetyd.toml", {}).settings) == 16


def test_every_format_is_named() -> None:
    named = set(re.findall(r"`([a-z0-9_]+)`", README.split("| `format` |")[1].split("\n\n")[0]))
    assert {*shipped_profiles(), "native", "sparkplug"} <= named


@pytest.mark.journey
def test_the_first_room_works_as_it_is_told(tmp_path: Path) -> None:
    assert shutil.which("mosquitto_pub"), (
        "mosquitto_pub is missing; on Debian: apt-get install mosquitto-clients"
    )
    told = [command for command in commands() if not command.startswith("make")]
    with broker(tmp_path) as port:
        for name, text in files().items():
            (tmp_path / name).write_text(text.replace("port = 1883", f"port = {port}"))
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        daemon = None
        try:
            for command in told:
                command = command.replace("2026", YEAR).replace("mosquitto_pub", f"mosquitto_pub -p {port}")
                if command.endswith("&"):
                    daemon = subprocess.Popen(
                        command.removesuffix("&").split(), cwd=tmp_path, env=os.environ | {"PATH": path}
                    )
                    subprocess.run(  # a reader takes longer to type than it takes to subscribe
                        ["mosquitto_sub", "-p", str(port), "-t", "safetyd/status/#", "-C", "1"],
                        check=True,
                        timeout=PATIENCE_S,
                        capture_output=True,
                    )
                    continue
                shown = run(command, tmp_path, path)
                if " tickets " in command:
                    shown = eventually(command, tmp_path, path, f"maple-{YEAR}-0001"[:8])
                if command.split()[-3] == "show":
                    assert "two heaters" in shown and "met" in shown
            assert "57.2" in shown
        finally:
            if daemon is not None:
                daemon.send_signal(signal.SIGTERM)
                assert daemon.wait(PATIENCE_S) == 0


def run(command: str, folder: Path, path: str) -> str:
    done = subprocess.run(
        command,
        shell=True,
        cwd=folder,
        env=os.environ | {"PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0 or " tickets " in command, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout


def eventually(command: str, folder: Path, path: str, expected: str) -> str:
    give_up_at = time.monotonic() + PATIENCE_S
    while time.monotonic() < give_up_at:
        shown = run(command, folder, path)
        if expected in shown:
            return shown
        time.sleep(0.1)
    raise AssertionError(f"{command} never showed {expected}:\n{shown}")
