"""What was seen of disk and clock, as findings.

Rule: a limit stands here once, with its number; what a device does not say is not checked, and says how to.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from safetyd.doctor.finding import Finding, State

LEAST_FREE, LITTLE_FREE = 200_000_000, 1_000_000_000  # bytes
FEW_DAYS, MANY_DAYS = 14, 90  # until the disk is full
MUCH_USED, USED_UP = 80, 100  # percent of a disk's life
_A_DAY = timedelta(days=1)
_WORN, _WEARING = (
    0x0B,
    0x08,
)  # of eMMC's life_time: tenths, one more than are used up; 0x0B is beyond its life
_URGENT, _SPARE_LOW = 3, 2  # of eMMC's pre_eol_info
_GOOD_KINDS = ("ext4", "xfs", "btrfs", "f2fs", "zfs", "ext3")
_PASSING = ("tmpfs", "ramfs", "overlay", "aufs", "squashfs")
_DISK = "disk"
_BATTERY = "look for a clock of its own: ls /dev/rtc*; without one each start waits for a time server"


class Smart(NamedTuple):
    """How much of its life a disk has used, in percent, and whether it says that it fails; `why` it does not.

    `is_missing`: the program is, that would ask it.
    """

    used: int | None = None
    is_failing: bool = False
    why: str = ""
    is_missing: bool = False


class Disk(NamedTuple):
    """Where the store is: folder, file system, device, bytes.

    `life` and `spare` are what an eMMC says, `smart` what another disk says by smartctl.
    """

    folder: str
    kind: str
    device: str
    is_read_only: bool
    free: int
    size: int
    life: tuple[int, ...] = ()
    spare: int | None = None
    smart: Smart | None = None


def disk_findings(disk: Disk) -> Iterator[Finding]:
    """Yield whether there is room, of which kind, and how worn it is."""
    state = State.BAD if disk.free < LEAST_FREE else State.WARN if disk.free < LITTLE_FREE else State.OK
    seen = f"{disk.free / 1e9:,.1f} of {disk.size / 1e9:,.1f} GB at {disk.folder}"
    do = "make room, or let [store] keep_raw delete old readings"
    yield Finding(_DISK, "free space", state, seen, "" if state is State.OK else do)
    yield _kind(disk)
    yield _wear(disk)


def _kind(disk: Disk) -> Finding:
    about = "file system"
    if disk.is_read_only:
        do = "look at dmesg: a disk that fails is mounted so; then fsck, or another disk"
        return Finding(_DISK, about, State.BAD, f"{disk.kind}, read-only", do)
    if disk.kind in _PASSING:
        do = "put [store] url on a real disk, in a container on a volume"
        return Finding(_DISK, about, State.BAD, f"{disk.kind}: it is gone with the next start", do)
    if disk.kind in _GOOD_KINDS:
        return Finding(_DISK, about, State.OK, disk.kind)
    do = "use ext4 on a disk of this machine: the store needs locks and syncs that are kept"
    return Finding(_DISK, about, State.WARN, disk.kind or "unknown", do)


def _wear(disk: Disk) -> Finding:
    if disk.life:
        worst, spare = max(disk.life), disk.spare or 0
        words = "beyond its life" if worst >= _WORN else f"up to {worst * 10} % of its life used"
        if worst >= _WORN or spare >= _URGENT:
            return Finding(
                _DISK, "wear", State.BAD, words, "copy the store (safetyd backup), change the disk"
            )
        if worst >= _WEARING or spare == _SPARE_LOW:
            return Finding(_DISK, "wear", State.WARN, words, "plan another disk; raise [store] commit_every")
        return Finding(_DISK, "wear", State.OK, words)
    device = disk.device
    if disk.smart is not None:
        return _smart(device, disk.smart)
    if device.startswith("mmcblk"):
        words = f"{device}: an SD card does not say how worn it is"
        return Finding(_DISK, "wear", State.UNCHECKED, words, "prefer eMMC or an SSD; back up each night")
    do = "look at the disk below it (lsblk -s), or its host; back up each night: safetyd backup FILE"
    return Finding(_DISK, "wear", State.UNCHECKED, f"{device or 'this disk'} does not say", do)


def _smart(device: str, smart: Smart) -> Finding:
    about, command = "wear", f"smartctl -A /dev/{device}"
    used = "" if smart.used is None else f"{smart.used} % of its life used"
    if smart.why:
        do = f"as root: {'apt-get install smartmontools && ' if smart.is_missing else ''}{command}"
        return Finding(_DISK, about, State.UNCHECKED, f"{device}: {smart.why}", do)
    if smart.is_failing or (smart.used is not None and smart.used >= USED_UP):
        words = ", ".join(filter(None, (used, "it says that it fails" if smart.is_failing else "")))
        do = f"copy the store (safetyd backup), change the disk; {command} says more"
        return Finding(_DISK, about, State.BAD, words, do)
    if smart.used is None:
        do = f"smartctl -H /dev/{device} says whether it fails; back up each night: safetyd backup FILE"
        return Finding(_DISK, about, State.UNCHECKED, f"{device} names no wear, as hard disks do not", do)
    if smart.used >= MUCH_USED:
        do = "plan another disk; raise [store] commit_every"
        return Finding(_DISK, about, State.WARN, used, do)
    return Finding(_DISK, about, State.OK, used)


def growth_finding(
    bytes: int, first_at: datetime | None, last_at: datetime | None, free: int, now: datetime
) -> Finding:
    """Return when the disk will be full if the store goes on growing as it has."""
    age = None if first_at is None or last_at is None else last_at - first_at
    if age is None or age < _A_DAY:
        return Finding("store", "growth", State.UNCHECKED, "it is not a day old", "ask again in a week")
    a_day = bytes / (age / _A_DAY)
    days = free / a_day if a_day else float("inf")
    state = State.BAD if days < FEW_DAYS else State.WARN if days < MANY_DAYS else State.OK
    seen = f"{a_day / 1e6:,.1f} MB a day; at that rate there is room for {min(days, 36_500):,.0f} days"
    do = "make room, or let [store] keep_raw delete old readings"
    return Finding("store", "growth", state, seen, "" if state is State.OK else do)


def clock_findings(is_synchronised: bool | None, *, has_battery: bool | None) -> Iterator[Finding]:
    """Yield whether the time can be believed, and whether it is kept without power."""
    if is_synchronised is None:
        do = "look with: timedatectl"
        yield Finding("clock", "synchronised", State.UNCHECKED, "the kernel does not say", do)
    elif is_synchronised:
        yield Finding("clock", "synchronised", State.OK, "the kernel says so")
    else:
        do = "timedatectl set-ntp true, and let it reach a time server; deadlines go by this clock"
        yield Finding("clock", "synchronised", State.BAD, "the kernel says that it is not", do)
    if has_battery is None:
        yield Finding("clock", "without power", State.UNCHECKED, "the kernel does not say", _BATTERY)
    elif has_battery:
        yield Finding("clock", "without power", State.OK, "there is a clock of its own (rtc0)")
    else:
        words = "no clock of its own: after a power failure safetyd waits for a time server"
        yield Finding("clock", "without power", State.WARN, words, "add a clock with a battery")
