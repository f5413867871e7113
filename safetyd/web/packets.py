"""The evidence packet of a ticket, for pages and API: who may read the ticket gets it.

Rule: names of educators who reported are in it only for who may see them and asks for them. It is made on the
disk and sent piece by piece: memory here is for the watch.
"""

from collections.abc import Iterator
from tempfile import TemporaryFile
from typing import BinaryIO, NamedTuple, cast

from safetyd.core.errors import ActionError
from safetyd.evidence.gathering import EvidenceError, TooMuchError
from safetyd.evidence.packet import write_packet
from safetyd.site import Site
from safetyd.store import concerning
from safetyd.store.accounts import Account
from safetyd.store.database import Connection
from safetyd.web.access import Right, may, sees
from safetyd.web.problems import Problem

ZIP = "application/zip"
_MOST_READINGS = 500_000  # a sensor each minute for half a year
_PIECE = 1 << 16


class Parcel(NamedTuple):
    """A file to save that is too big to hold: its content stands on the disk, and is gone once it is sent."""

    name: str
    media_type: str
    size: int
    content: BinaryIO

    def pieces(self) -> Iterator[bytes]:
        """Yield the content."""
        with self.content as opened:
            yield from iter(lambda: opened.read(_PIECE), b"")


def evidence(
    connection: Connection, site: Site, root: str, account: Account, ticket: str, *, with_names: bool
) -> Parcel:
    """Return the packet of a ticket.

    Raises:
        Problem: there is no such ticket for them, they may not have the names, or it is too much.
    """
    building = concerning.building_of(connection, ticket)
    if building is None or not sees(account, building):
        raise Problem(404, f"there is no ticket {ticket[:80]!r}")
    if with_names and not may(account, Right.NAMES):
        raise Problem(403, f"names: {account.role} may not see who reported; ask without names")
    made = cast(BinaryIO, TemporaryFile(prefix="safetyd-evidence-"))  # noqa: SIM115 - it is sent later
    try:
        write_packet(
            connection, site, root, ticket, made, with_names=with_names, most_readings=_MOST_READINGS
        )
    except (ActionError, EvidenceError) as error:
        made.close()
        status = 413 if isinstance(error, TooMuchError) else 503
        raise Problem(status, str(error)) from error
    size = made.tell()
    made.seek(0)
    return Parcel(f"{ticket}.zip", ZIP, size, made)
