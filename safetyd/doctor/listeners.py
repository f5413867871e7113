"""Whether a port that is reached from this machine is reached from others, too.

Rule: only what the kernel lists is believed; where it lists nothing, nothing is known.
"""

from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path

_LISTENS = "0A"  # the state, in /proc/net/tcp
_IPV4_CHARACTERS = 8
_LOOPBACK_6 = "0" * 24 + "01000000"
_MAPPED = "FFFF0000"


def is_open(host: str, port: int, proc: Path = Path("/proc/net")) -> bool | None:
    """Return whether who listens there does so for other machines; None where that cannot be seen."""
    try:
        if host != "localhost" and not ip_address(host).is_loopback:
            return True
    except ValueError:
        return True
    found: list[str] = []
    for name in ("tcp", "tcp6"):
        with suppress(OSError):
            for line in (proc / name).read_text("ascii").splitlines()[1:]:
                _, at, _, state, *_ = line.split()
                address, _, hexadecimal = at.partition(":")
                if state == _LISTENS and int(hexadecimal, 16) == port:
                    found.append(address)
    return not all(map(_is_loopback, found)) if found else None


def _is_loopback(address: str) -> bool:
    """Whether an address is of this machine alone; its bytes stand in reverse."""
    is_4 = len(address) == _IPV4_CHARACTERS or _MAPPED in address
    return address == _LOOPBACK_6 or (is_4 and address.endswith("7F"))
