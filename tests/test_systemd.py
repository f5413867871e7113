"""What systemd hears of us, on a socket as it gives one, and what it holds of our unit."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from safetyd.systemd import Systemd
from safetyd.worker import STOP_WITHIN_S
from tests.listening import Ear

UNIT = Path(__file__).parents[1] / "deploy" / "safetyd.service"
MINUTE = {"WATCHDOG_USEC": "60000000"}


@pytest.fixture(params=["a file", "an abstract name"])
def ear(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ear]:
    listening = Ear(str(tmp_path / "n") if request.param == "a file" else f"@safetyd-test-{os.getpid()}")
    yield listening
    listening.close()


def systemd(ear: Ear, **environment: str) -> Systemd:
    return Systemd({"NOTIFY_SOCKET": ear.address, **MINUTE, **environment})


def test_the_first_turn_says_that_we_have_begun(ear: Ear) -> None:
    ours = systemd(ear)
    assert ear.heard() == []
    ours.go_on("", 100.0)
    assert ear.heard() == ["WATCHDOG=1", "READY=1", "STATUS=watching"]


def test_that_we_go_on_is_said_four_times_as_often_as_is_asked(ear: Ear) -> None:
    ours = systemd(ear)
    ours.go_on("", 100.0)
    ear.heard()
    ours.go_on("", 114.999)
    assert ear.heard() == []
    ours.go_on("", 115.0)
    assert ear.heard() == ["WATCHDOG=1"]
    ours.go_on("", 115.25)
    assert ear.heard() == []


def test_a_trouble_is_said_at_once_on_one_line_and_so_is_its_end(ear: Ear) -> None:
    ours = systemd(ear)
    ours.go_on("the disk is full:\nREADY=0", 100.0)
    assert ear.heard() == ["WATCHDOG=1", "READY=1", "STATUS=the disk is full: READY=0"]
    ours.go_on("the disk is full:\nREADY=0", 100.25)
    assert ear.heard() == []
    ours.go_on("", 100.5)
    assert ear.heard() == ["WATCHDOG=1", "STATUS=watching"]


def test_who_ends_in_order_says_so(ear: Ear) -> None:
    systemd(ear).end()
    assert ear.heard() == ["STOPPING=1"]


@pytest.mark.parametrize("asked", [{"WATCHDOG_USEC": ""}, {"WATCHDOG_USEC": "soon"}, {"WATCHDOG_PID": "1"}])
def test_where_no_watchdog_waits_for_us_only_changes_are_said(ear: Ear, asked: dict[str, str]) -> None:
    ours = systemd(ear, **asked)
    ours.go_on("", 100.0)
    assert "READY=1" in ear.heard()
    ours.go_on("", 1e9)
    assert ear.heard() == []


@pytest.mark.parametrize("address", ["", "vsock:2:1", "/nobody/listens/here"])
def test_where_nobody_listens_nothing_happens(address: str) -> None:
    ours = Systemd({"NOTIFY_SOCKET": address})
    ours.go_on("", 100.0)
    ours.end()


def analysed(*words: str) -> subprocess.CompletedProcess[str]:
    assert shutil.which("systemd-analyze"), "systemd-analyze is missing; on Debian: apt-get install systemd"
    return subprocess.run(["systemd-analyze", *words], check=False, capture_output=True, text=True)


def test_the_unit_exposes_no_more_than_it_must() -> None:
    told = analysed("security", "--offline=yes", "--threshold=15", "--no-pager", str(UNIT))
    assert told.returncode == 0, told.stdout[-200:]
    assert "Overall exposure level for safetyd.service: 1." in told.stdout


def test_the_unit_waits_for_our_word_hands_us_secrets_and_gives_no_start_up() -> None:
    keys = dict(
        line.split("=", 1) for line in UNIT.read_text().splitlines() if "=" in line and line[0] != "#"
    )
    assert (keys["Type"], keys["WatchdogSec"], keys["Restart"]) == ("notify", "2min", "always")
    assert keys["LoadCredential"] == "secrets:/etc/safetyd/secrets", (
        "as safetyd/credentials.py looks for them"
    )
    assert keys["TimeoutStartSec"] == "infinity", "a large store may be checked and migrated for long"


@pytest.mark.parametrize("role", ["worker", "pages"])
def test_the_drop_in_of_a_district_changes_what_is_begun(role: str) -> None:
    file = UNIT.with_name(f"{role}.conf")
    begun = _keys(UNIT)["ExecStart"].replace(" run ", f" run --role {role} ")
    assert _keys(file)["ExecStart"] == begun
    assert "ExecStart=\nExecStart=/" in file.read_text(), "the unit's own goes first"


def test_a_worker_has_time_to_end_its_processes() -> None:
    assert int(_keys(UNIT.with_name("worker.conf"))["TimeoutStopSec"]) > STOP_WITHIN_S


def _keys(path: Path) -> dict[str, str]:
    lines = path.read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line and line[0] != "#")
