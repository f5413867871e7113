"""A recorded cold morning in a store, with its chain and digests, and the packet of its ticket.

Rule: all that stands in the store comes of the recording and of the site here, so that it is the same store
on every machine.
"""

import io
import json
from contextlib import closing
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any
from zipfile import ZIP_STORED, ZipFile

from safetyd.evidence.packet import write_packet
from safetyd.evidence.verify import FAULT, HOLDS, NOTE, OPEN, manifest_text, verify
from safetyd.notary import Notary
from safetyd.replay import read_recording, replay
from safetyd.service import Service
from safetyd.settings import Audit, Settings
from safetyd.site import Site, read_site
from safetyd.store import inbox
from safetyd.store.database import open_for_reading, open_for_writing
from tests.stores import store_url

RECORDING = Path(__file__).with_name("cold-morning.jsonl")
TICKET, EDUCATOR = "maple-2026-0001", "Zoë Quill"
OVER = datetime(2026, 12, 3, 9, tzinfo=UTC)  # both days are, at the school
SITE = """
name = "Riverbend"
timezone = "America/Los_Angeles"
[calendar]
student_hours = "08:30-15:15"
[[buildings]]
id = "maple"
name = "Maple Street School"
rooms = [{ id = "12", name = "Room 12, art" }, { id = "lab", name = "Laboratory" }]
[[people]]
name = "Ada Reed"
roles = ["administrator"]
notify = ["json://127.0.0.1:9/ada"]
[[people]]
name = "Finn Oak"
roles = ["facilities"]
"""


def site(folder: Path) -> Site:
    file = folder / "site.toml"
    file.write_text(SITE, encoding="utf-8")
    found = read_site([file], {}, [])
    assert found is not None
    return found


def recorded(folder: Path) -> tuple[str, dict[str, Any]]:
    """Return the URL of a store that heard the recording, and what it led to."""
    url, place = store_url(folder), site(folder)
    with closing(open_for_writing(url)) as connection:
        lines = read_recording(RECORDING.read_text("utf-8").splitlines(), RECORDING.name)
        told = replay(lines, place, store=connection)
        said = {"do": "report", "by": EDUCATOR, "role": "educator"}  # replay has no inbox
        inbox.leave(connection, json.dumps(said), OVER)
        service = Service(connection, place, "safetyd", OVER)
        settings = Settings.model_construct(audit=Audit())
        with closing(open_for_reading(url)) as reader:
            for each in (OVER, OVER + timedelta(days=1)):
                for _ in Notary(service, reader, settings, lambda: None).round(each):
                    pass
        connection.commit()
    return url, told


def packet(folder: Path, url: str, ticket: str = TICKET, *, with_names: bool = False) -> bytes:
    made = io.BytesIO()
    with closing(open_for_reading(url)) as connection:
        write_packet(connection, site(folder), "safetyd", ticket, made, with_names=with_names)
    return made.getvalue()


def parts_of(content: bytes) -> dict[str, bytes]:
    with ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def zipped(parts: dict[str, bytes], how: int = ZIP_STORED) -> bytes:
    """Return parts as somebody else's program zips them."""
    made = io.BytesIO()
    with ZipFile(made, "w", how) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return made.getvalue()


def with_another_manifest(parts: dict[str, bytes], **changed: Any) -> dict[str, bytes]:
    """Return parts with a manifest that fits them, as a forger makes it."""
    manifest = json.loads(parts["manifest.json"]) | changed
    for each in manifest["parts"]:
        content = parts[each["name"]]
        each |= {"size": len(content), "sha256": sha256(content).hexdigest()}
    return parts | {"manifest.json": manifest_text(manifest).encode()}


class Told:
    """What verify.py says of a packet."""

    def __init__(self, folder: Path, content: bytes, head: str | None = None) -> None:
        file = folder / "packet.zip"
        file.write_bytes(content)
        found = verify(str(file), head)
        self.faults, self.notes, self.holds, self.open = (
            [words for kind, words in found if kind == each] for each in (FAULT, NOTE, HOLDS, OPEN)
        )
