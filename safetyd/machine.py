"""What the machine knows of itself: which boot this is, since when, and whether its clock is synchronised.

Rule: nothing here needs a privilege, and what a system cannot say is None or empty.
"""

import ctypes
import time
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

from safetyd.core.timekeeping import Ticks

_BOOT = Path("/proc/sys/kernel/random/boot_id")
_BOOT_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)  # Linux: it counts suspension too
_UNSYNCHRONISED = 0x40  # STA_UNSYNC of Linux's timex.h
_TIME_ERROR = 5


@lru_cache(maxsize=1)
def boot() -> str:
    """Return a word that changes with each boot of the machine; empty where the system has none."""
    try:
        return _BOOT.read_text("ascii").strip()
    except OSError:
        return ""


def since_boot() -> timedelta:
    """Return how long ago the machine was booted, suspension included."""
    return timedelta(seconds=time.clock_gettime(_BOOT_CLOCK))


def is_synchronised() -> bool | None:
    """Return whether the kernel says that its clock is synchronised; None where it cannot be asked."""
    asked = _adjtimex()
    if asked is None:
        return None
    said = _Timex()  # modes 0: only asks
    state = asked(ctypes.byref(said))
    if state < 0:
        return None
    return not (said.status & _UNSYNCHRONISED or state == _TIME_ERROR)


def ticks() -> Ticks:
    """Return all of it."""
    return Ticks(boot(), since_boot(), is_synchronised())


class _Timex(ctypes.Structure):
    """The beginning of Linux's struct timex, and room for its rest."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_char * 512),
    )


@lru_cache(maxsize=1)
def _adjtimex() -> Any:
    """The C library's function, None where there is none."""
    try:
        return ctypes.CDLL(None).adjtimex
    except (OSError, AttributeError):
        return None
