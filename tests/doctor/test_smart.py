"""How worn a disk says it is, in the shapes of smartctl's JSON, and where nobody may ask it."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from safetyd.doctor.finding import Finding, State
from safetyd.doctor.machine_findings import MUCH_USED, USED_UP, Disk, Smart, disk_findings
from safetyd.doctor.smart import asked, read

DENIED = {
    "json_format_version": [1, 0],
    "smartctl": {
        "version": [7, 3],
        "argv": ["smartctl", "-j", "-A", "/dev/nvme0n1"],
        "messages": [
            {"string": "Smartctl open device: /dev/nvme0n1 failed: Permission denied", "severity": "error"}
        ],
        "exit_status": 2,
    },
}


def nvme(used: int, *, spare: int = 100, warning: int = 0) -> dict[str, Any]:
    log = {
        "critical_warning": warning,
        "temperature": 38,
        "available_spare": spare,
        "available_spare_threshold": 10,
        "percentage_used": used,
        "data_units_written": 12_345_678,
        "power_on_hours": 9_000,
    }
    return {
        "smartctl": {"version": [7, 3], "exit_status": 0},
        "device": {"name": "/dev/nvme0n1", "type": "nvme", "protocol": "NVMe"},
        "nvme_smart_health_information_log": log,
    }


def row(id: int, name: str, value: int, *, failed: str = "", raw: int = 0) -> dict[str, Any]:
    return {
        "id": id,
        "name": name,
        "value": value,
        "worst": value,
        "thresh": 5,
        "when_failed": failed,
        "raw": {"value": raw, "string": str(raw)},
    }


def sata(*rows: dict[str, Any], status: int = 0) -> dict[str, Any]:
    return {
        "smartctl": {"version": [7, 3], "exit_status": status},
        "device": {"name": "/dev/sda", "type": "sat", "protocol": "ATA"},
        "ata_smart_attributes": {"revision": 16, "table": [row(9, "Power_On_Hours", 98, raw=9000), *rows]},
    }


def wear(smart: Smart | None, device: str = "nvme0n1") -> Finding:
    disk = Disk("/data", "ext4", device, False, 10**10, 10**11, smart=smart)
    return {each.about: each for each in disk_findings(disk)}["wear"]


def of(said: dict[str, Any]) -> Finding:
    return wear(read(json.dumps(said).encode()))


@pytest.mark.parametrize(
    ("said", "state", "words"),
    [
        (nvme(0), State.OK, "0 %"),
        (nvme(MUCH_USED - 1), State.OK, "79 %"),
        (nvme(MUCH_USED), State.WARN, "80 %"),
        (nvme(USED_UP - 1), State.WARN, "99 %"),
        (nvme(USED_UP), State.BAD, "100 %"),
        (nvme(255), State.BAD, "255 %"),
        (nvme(3, spare=10), State.OK, "3 %"),
        (nvme(3, spare=9), State.BAD, "it says that it fails"),
        (nvme(3, warning=0b0100), State.BAD, "it says that it fails"),
        (nvme(3, warning=0b0010), State.OK, "3 %"),  # it is warm
        (sata(row(177, "Wear_Leveling_Count", 97, raw=61)), State.OK, "3 %"),
        (sata(row(202, "Percent_Lifetime_Remain", 21)), State.OK, "79 %"),
        (sata(row(202, "Percent_Lifetime_Remain", 20)), State.WARN, "80 %"),
        (sata(row(233, "Media_Wearout_Indicator", 1)), State.WARN, "99 %"),
        (sata(row(231, "SSD_Life_Left", 0)), State.BAD, "100 %"),
        (sata(row(231, "SSD_Life_Left", 90), row(177, "Wear_Leveling_Count", 15)), State.WARN, "85 %"),
        (
            sata(row(5, "Reallocated_Sector_Ct", 1, failed="now"), status=16),
            State.BAD,
            "it says that it fails",
        ),
        (sata(row(5, "Reallocated_Sector_Ct", 9, failed="past")), State.UNCHECKED, "names no wear"),
        (sata(row(231, "Temperature_Celsius", 40)), State.UNCHECKED, "names no wear"),
        (sata(row(177, "Wear_Leveling_Count", 200)), State.UNCHECKED, "names no wear"),
        (DENIED, State.UNCHECKED, "Permission denied"),
        ({"smartctl": {"exit_status": 2}}, State.UNCHECKED, "it cannot look at it"),
    ],
)
def test_both_sides_of_every_limit(said: dict[str, Any], state: State, words: str) -> None:
    found = of(said)
    assert found.state is state and words in found.seen, found
    assert bool(found.do) is (state is not State.OK)


@pytest.mark.parametrize("said", [b"", b"smartctl 6.6", b"[]", b'{"nvme_smart_health_information_log": 3}'])
def test_what_is_not_understood_is_not_checked(said: bytes) -> None:
    assert wear(read(said)).state is State.UNCHECKED


def test_where_it_is_missing_the_package_and_the_command_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("safetyd.doctor.smart._ROOTS", ())
    monkeypatch.setenv("PATH", str(tmp_path))
    found = wear(asked("nvme0n1"))
    assert found.state is State.UNCHECKED
    assert found.do == "as root: apt-get install smartmontools && smartctl -A /dev/nvme0n1"
    assert asked("mmcblk0") is None and asked("vda") is None and asked("") is None


def test_it_is_asked_of_the_disk_and_a_denial_says_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "smartctl"
    (tmp_path / "said").write_text(json.dumps(nvme(12)), encoding="utf-8")
    program.write_text(f'#!/bin/sh\n[ "$*" = "-j -A /dev/nvme0n1" ] && exec cat {tmp_path}/said\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert wear(asked("nvme0n1")).seen == "12 % of its life used"
    (tmp_path / "said").write_text(json.dumps(DENIED), encoding="utf-8")
    assert wear(asked("nvme0n1")).do == "as root: smartctl -A /dev/nvme0n1"
