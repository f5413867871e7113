"""Asks smartctl how worn a disk says it is, where that program is there and may be run.

Rule: the kernel shows this to root only, and no program of ours needs root: what is not allowed is told, with
the command to run.
"""

import json
import os
import shutil
import subprocess
from typing import Any

from safetyd.doctor.machine_findings import Smart

_PROGRAM = "smartctl"
_WITHIN_S = 10.0
_ROOTS = ("/usr/local/sbin", "/usr/sbin", "/sbin")  # a user's PATH often lacks them
_NOT_OPENED = 0x03  # of the exit status: wrong words, or the device could not be opened
_WHOLE = 100
# Attributes of SATA disks whose normalised value falls from 100 to 0 as the disk wears.
_LIFE_LEFT = frozenset(
    {
        "Media_Wearout_Indicator",
        "Percent_Lifetime_Remain",
        "Remaining_Lifetime_Perc",
        "SSD_Life_Left",
        "Wear_Leveling_Count",
    }
)


def asked(device: str) -> Smart | None:
    """Return what a disk says of itself, None of one that is no NVMe, SATA or SCSI disk."""
    if not device.startswith(("nvme", "sd")):
        return None
    search = os.pathsep.join((os.environ.get("PATH", os.defpath), *_ROOTS))
    program = shutil.which(_PROGRAM, path=search)
    if program is None:
        return Smart(why="smartctl is not here", is_missing=True)
    command = [program, "-j", "-A", f"/dev/{device}"]
    try:
        done = subprocess.run(command, capture_output=True, timeout=_WITHIN_S, check=False)  # noqa: S603
    except subprocess.TimeoutExpired:
        return Smart(why=f"smartctl gives no answer within {_WITHIN_S:.0f} s")
    except OSError as error:
        return Smart(why=f"smartctl does not start: {error.strerror}")
    return read(done.stdout)


def read(said: bytes) -> Smart:
    """Return what smartctl's JSON says of a disk's wear."""
    try:
        found = json.loads(said)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        return Smart(why="smartctl says it in words that are not understood")
    about = _table(found.get("smartctl"))
    if _number(about.get("exit_status")) & _NOT_OPENED:
        told = [str(_table(each).get("string", "")) for each in _list(about.get("messages"))]
        return Smart(why=f"smartctl: {next(filter(None, told), 'it cannot look at it')}")
    nvme = _table(found.get("nvme_smart_health_information_log"))
    if nvme:
        used = nvme.get("percentage_used")
        spare, least = nvme.get("available_spare"), nvme.get("available_spare_threshold")
        is_short = spare is not None and least is not None and _number(spare) < _number(least)
        return Smart(None if used is None else _number(used), is_failing=is_short or _is_ill(nvme))
    table = [_table(each) for each in _list(_table(found.get("ata_smart_attributes")).get("table"))]
    left = [_number(each.get("value")) for each in table if each.get("name") in _LIFE_LEFT]
    left = [each for each in left if 0 <= each <= _WHOLE]
    fails = any(each.get("when_failed") == "now" for each in table)
    return Smart(_WHOLE - min(left) if left else None, is_failing=fails)


def _is_ill(nvme: dict[str, Any]) -> bool:
    """Whether an NVMe disk warns of its spare, its reliability, or has become read-only."""
    return bool(_number(nvme.get("critical_warning")) & 0b1101)


def _table(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0
