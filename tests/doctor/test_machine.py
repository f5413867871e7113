"""Disk and clock: what a machine shows, from trees made for it, and what is made of that."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from safetyd.doctor.finding import Finding, State
from safetyd.doctor.listeners import is_open
from safetyd.doctor.machine import disk_of, has_battery_clock, runs_on
from safetyd.doctor.machine_findings import (
    LEAST_FREE,
    LITTLE_FREE,
    Disk,
    clock_findings,
    disk_findings,
    growth_finding,
)
from safetyd.store.database import writer_lock

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
DISK = Disk("/data", "ext4", "vda", False, LITTLE_FREE, 10 * LITTLE_FREE)


def of_disk(about: str, **seen: object) -> Finding:
    return {each.about: each for each in disk_findings(DISK._replace(**seen))}[about]


@pytest.mark.parametrize(
    ("free", "state"),
    [
        (LITTLE_FREE, State.OK),
        (LITTLE_FREE - 1, State.WARN),
        (LEAST_FREE, State.WARN),
        (LEAST_FREE - 1, State.BAD),
    ],
)
def test_room_on_the_disk(free: int, state: State) -> None:
    assert of_disk("free space", free=free).state is state


@pytest.mark.parametrize(
    ("kind", "is_read_only", "state"),
    [
        ("ext4", False, State.OK),
        ("ext4", True, State.BAD),
        ("tmpfs", False, State.BAD),
        ("overlay", False, State.BAD),
        ("nfs4", False, State.WARN),
        ("vfat", False, State.WARN),
        ("", False, State.WARN),
    ],
)
def test_a_file_system_that_keeps_locks_and_outlives_a_start(
    kind: str, is_read_only: bool, state: State
) -> None:
    assert of_disk("file system", kind=kind, is_read_only=is_read_only).state is state


@pytest.mark.parametrize(
    ("life", "spare", "state"),
    [
        ((1, 2), 1, State.OK),
        ((7, 1), 1, State.OK),
        ((1, 8), 1, State.WARN),
        ((1, 1), 2, State.WARN),
        ((1, 0x0B), 1, State.BAD),
        ((1, 1), 3, State.BAD),
        ((1, 1), None, State.OK),
    ],
)
def test_what_an_emmc_says_of_its_wear(life: Sequence[int], spare: int | None, state: State) -> None:
    assert of_disk("wear", device="mmcblk0", life=tuple(life), spare=spare).state is state


@pytest.mark.parametrize("device", ["dm-0", "mmcblk0", "vda", ""])
def test_what_does_not_say_how_worn_it_is_is_not_checked(device: str) -> None:
    assert of_disk("wear", device=device).state is State.UNCHECKED


def machine(root: Path, device: str = "179:2") -> tuple[Path, Path]:
    """Return a /proc and a /sys of a gateway whose root is on the second part of an eMMC."""
    proc, sys = root / "proc", root / "sys"
    (proc / "self").mkdir(parents=True)
    lines = [
        f"22 1 {device} / / rw,relatime shared:1 - ext4 /dev/root rw",
        "23 22 0:21 / /proc rw - proc proc rw",
        f"24 22 179:9 / {root}/a\\040b ro,noatime - vfat /dev/mmcblk0p9 rw",
    ]
    (proc / "self" / "mountinfo").write_text("\n".join(lines) + "\n")
    whole = sys / "devices" / "mmc" / "block" / "mmcblk0"
    (whole / "mmcblk0p2").mkdir(parents=True)
    (whole / "mmcblk0p2" / "partition").write_text("2\n")
    (whole / "device").mkdir()
    (whole / "device" / "life_time").write_text("0x02 0x09\n")
    (whole / "device" / "pre_eol_info").write_text("0x01\n")
    (sys / "dev" / "block").mkdir(parents=True)
    (sys / "dev" / "block" / "179:2").symlink_to(whole / "mmcblk0p2")
    (sys / "class").mkdir()
    return proc, sys


def test_the_disk_is_that_of_the_mount_and_its_wear_that_of_the_whole(tmp_path: Path) -> None:
    proc, sys = machine(tmp_path)
    found = disk_of(tmp_path, proc, sys)
    assert (found.kind, found.device, found.life, found.spare) == ("ext4", "mmcblk0", (2, 9), 1)
    assert not found.is_read_only and 0 < found.free < found.size


def test_the_innermost_mount_counts_with_spaces_in_its_name(tmp_path: Path) -> None:
    proc, sys = machine(tmp_path)
    (tmp_path / "a b" / "var").mkdir(parents=True)
    found = disk_of(tmp_path / "a b" / "var", proc, sys)
    assert (found.kind, found.is_read_only, found.device, found.life) == ("vfat", True, "", ())


def test_a_machine_that_shows_nothing_is_asked_in_vain(tmp_path: Path) -> None:
    found = disk_of(tmp_path, tmp_path / "none", tmp_path / "none")
    assert (found.kind, found.device, found.life) == ("", "", ())
    assert has_battery_clock(tmp_path / "none") is None and runs_on(tmp_path / "x", tmp_path / "none") is None


def test_a_clock_with_a_battery_is_seen(tmp_path: Path) -> None:
    _, sys = machine(tmp_path)
    assert has_battery_clock(sys) is False
    (sys / "class" / "rtc" / "rtc0").mkdir(parents=True)
    assert has_battery_clock(sys) is True


def test_who_runs_on_a_store_is_seen_without_touching_its_lock(tmp_path: Path) -> None:
    store = tmp_path / "safetyd.db"
    assert runs_on(store) is False
    with writer_lock(f"sqlite:///{store}") as is_ours:
        assert is_ours and runs_on(store) is True
    assert runs_on(store) is False


@pytest.mark.parametrize(
    ("free_mb", "state"),
    [(900, State.OK), (899, State.WARN), (140, State.WARN), (139, State.BAD)],
)
def test_how_long_there_is_room_goes_by_how_the_store_has_grown(free_mb: int, state: State) -> None:
    ten_days = NOW - timedelta(days=10)
    assert growth_finding(100_000_000, ten_days, NOW, free_mb * 1_000_000, NOW).state is state


def test_a_store_that_is_not_a_day_old_foretells_nothing() -> None:
    almost = NOW - timedelta(days=1) + timedelta(seconds=1)
    assert growth_finding(1, almost, NOW, 1, NOW).state is State.UNCHECKED
    assert growth_finding(1, NOW - timedelta(days=1), NOW, 10**9, NOW).state is State.OK
    assert growth_finding(1, None, None, 1, NOW).state is State.UNCHECKED


def test_the_clock() -> None:
    assert [each.state for each in clock_findings(True, has_battery=True)] == [State.OK, State.OK]
    assert [each.state for each in clock_findings(False, has_battery=False)] == [State.BAD, State.WARN]
    unknown = [each.state for each in clock_findings(None, has_battery=None)]
    assert unknown == [State.UNCHECKED, State.UNCHECKED]


def listening(root: Path, *addresses: str) -> Path:
    lines = ["  sl  local_address rem_address   st"]
    lines += [f"   0: {each}:075B 00000000:0000 0A 00000000" for each in addresses]
    lines.append("   9: 00000000:075B 00000000:0000 01 00000000")  # a connection, no listener
    (root / "tcp").write_text("\n".join(lines) + "\n")
    return root


@pytest.mark.parametrize(
    ("addresses", "is_seen_open"),
    [
        (("0100007F",), False),
        (("00000000",), True),
        (("0100007F", "0A01A8C0"), True),
        (("0" * 24 + "01000000",), False),
        (("0" * 32,), True),
        (("0000000000000000FFFF00000100007F",), False),
        ((), None),
    ],
)
def test_who_listens_beyond_this_machine(
    tmp_path: Path, addresses: Sequence[str], is_seen_open: bool | None
) -> None:
    assert is_open("127.0.0.1", 1883, listening(tmp_path, *addresses)) is is_seen_open


def test_a_broker_elsewhere_is_open_to_others(tmp_path: Path) -> None:
    assert is_open("10.0.0.2", 1883, tmp_path) and is_open("broker.example", 1883, tmp_path)
    assert is_open("localhost", 1883, listening(tmp_path, "0100007F")) is False
