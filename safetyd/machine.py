"""What the machine knows of itself: which boot this is."""

from pathlib import Path

_BOOT = Path("/proc/sys/kernel/random/boot_id")


def boot() -> str:
    """Return a word that changes with each boot of the machine; empty where the system has none."""
    try:
        return _BOOT.read_text("ascii").strip()
    except OSError:
        return ""
