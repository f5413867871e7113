"""A packet as a file: whole or not at all, and never over another unless that is wished."""

from pathlib import Path
from typing import Any

from safetyd.evidence.gathering import EvidenceError
from safetyd.evidence.packet import write_packet
from safetyd.history.files import whole
from safetyd.site import Site
from safetyd.store.database import Connection


def write_file(
    connection: Connection,
    site: Site,
    root: str,
    ticket: str,
    file: Path,
    *,
    with_names: bool = False,
    force: bool = False,
) -> dict[str, Any]:
    """Write the packet of a ticket into a file, and return its manifest.

    Raises:
        ActionError: there is no such ticket.
        EvidenceError: the file is there already, or it could not be read at one moment.
        FileError: it cannot be written.
    """
    if file.is_dir():
        raise EvidenceError(f"{file}: is a folder; name a file in it, such as {file / f'{ticket}.zip'}")
    if file.is_file() and not force:
        raise EvidenceError(f"{file}: is there already; name another file, or say --force to replace it")
    with whole(file) as unfinished, unfinished.open("w+b") as opened:
        return write_packet(connection, site, root, ticket, opened, with_names=with_names)
