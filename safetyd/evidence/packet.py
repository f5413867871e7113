"""The packet as one archive: the same record gives the same bytes, on any machine.

Rule: parts stand in a fixed order, uncompressed, with a fixed date: what compresses them differs from one
machine to the next, and then no hash of a packet would say anything. The manifest comes first, so that an
archive that was cut still says what is missing.
"""

import csv
import json
import zipfile
from collections.abc import Callable, Iterator
from hashlib import sha256
from importlib import resources
from pathlib import Path
from shutil import copyfileobj
from tempfile import TemporaryDirectory
from typing import Any, BinaryIO

from safetyd.evidence import verify
from safetyd.evidence.about import read_me
from safetyd.evidence.case import FORMAT, STAMP, read_case
from safetyd.evidence.gathering import Gathered, gathered
from safetyd.evidence.pdf import pdf_of
from safetyd.naming import holds_name, veiled
from safetyd.pieces import Pieces
from safetyd.site import Site
from safetyd.store import anchors, attachments, chain, concerning, records, stored
from safetyd.store.database import Connection
from safetyd.store.moments import moment
from safetyd.store.records import Kind
from safetyd.store.stored import Stored
from safetyd.times import rfc3339

JUDGED = ["judged", "why", "judged_value", "judged_unit"]
_COPIED_AT_ONCE = 1 << 20


def write_packet(
    connection: Connection,
    site: Site,
    root: str,
    ticket: str,
    out: BinaryIO,
    *,
    with_names: bool = False,
    most_readings: int | None = None,
) -> dict[str, Any]:
    """Write the packet of a ticket, and return its manifest; without the names of educators who reported,
    unless they are wanted.

    Raises:
        ActionError: there is no such ticket.
        EvidenceError: others wrote all the while it was read, or it holds more than `most_readings`.
    """
    found = gathered(connection, site, root, ticket, with_names=with_names, most_readings=most_readings)
    with TemporaryDirectory(prefix="safetyd-evidence-") as folder:
        made = _Making(connection, found, Path(folder)).parts()
        document = found.document
        manifest = json.loads(
            verify.manifest_text(
                {
                    "format": FORMAT,
                    "made_by": document["made_by"],
                    "ticket": ticket,
                    "as_of": document["as_of"],
                    "withheld": document["withheld"],
                    "head": document["head"],
                    "parts": made,
                }
            )
        )
        with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
            _add(archive, verify.MANIFEST, verify.manifest_text(manifest).encode())
            for number, each in enumerate(made):
                with Path(folder, str(number)).open("rb") as part:
                    _add(archive, each["name"], part)
    return dict(manifest)


def _add(archive: zipfile.ZipFile, name: str, content: bytes | BinaryIO) -> None:
    about = zipfile.ZipInfo(name, verify.WRITTEN_AT)
    about.create_system, about.external_attr = 3, 0o100644 << 16  # as on any Unix
    with archive.open(about, "w", force_zip64=False) as opened:
        if isinstance(content, bytes):
            opened.write(content)
        else:
            copyfileobj(content, opened, _COPIED_AT_ONCE)


class _Making:
    """Writes each part into a file of its own, so that months of readings never stand in memory."""

    def __init__(self, connection: Connection, found: Gathered, folder: Path) -> None:
        self._connection, self._found, self._folder = connection, found, folder
        self._sensors = {number: each.id for number, each in found.sensors.items()}
        self._shown = {number: str(veiled(id, found.withheld)) for number, id in self._sensors.items()}
        self._veiled: list[int] = []  # rows of readings that are not shown as they are stored

    def parts(self) -> list[dict[str, Any]]:
        """Return the name, size and SHA-256 of each part; the files are called by their places here."""
        document = self._found.document
        told = verify.tables(document)
        files = {each["path"]: each["sha256"] for each in document["attachments"] if each["path"]}
        wanted: list[tuple[str, Callable[[], Iterator[bytes]]]] = [
            ("README.txt", lambda: _whole(read_me(document).encode())),
            ("verify.py", lambda: _whole(_verify_py())),
            ("ticket.pdf", lambda: _whole(pdf_of(read_case(document)))),
            ("ticket.json", lambda: _whole(_pretty(document))),
            ("history.csv", lambda: _whole(told["history.csv"].encode())),
            ("notices.csv", lambda: _whole(told["notices.csv"].encode())),
            ("readings.csv", self._readings),
            ("records.jsonl", self._records),
            ("chain.jsonl", self._chain),
            *([(STAMP, self._stamp)] if document["stamp"] else []),
            *((path, lambda hash=hash: self._file(hash)) for path, hash in sorted(files.items())),
        ]
        made = []
        for number, (name, write) in enumerate(wanted):
            hashed, size = sha256(), 0
            with (self._folder / str(number)).open("wb") as part:
                for piece in write():
                    hashed.update(piece)
                    size += part.write(piece)
            made.append({"name": name, "size": size, "sha256": hashed.hexdigest()})
        return made

    def _records(self) -> Iterator[bytes]:
        unlike = {
            each.statement
            for each in self._found.digests
            if any(each.first <= row <= each.last for row in self._veiled)
        }
        for kind, key in self._found.keys:
            standing = records.found(self._connection, kind, [key])
            record = next((whole for _, _, whole in standing), None)
            if record is None:
                continue
            line: dict[str, Any] = {"kind": kind.value, "key": key}
            is_withheld = holds_name(verify.canonical(record), self._found.withheld)
            is_withheld |= kind is Kind.STATEMENT and int(key) in unlike
            line |= {"withheld": True} if is_withheld else {"record": record}
            yield f"{verify.canonical(line)}\n".encode()

    def _chain(self) -> Iterator[bytes]:
        head = chain.head(self._connection)
        if head is None:
            return
        first = self._found.first or head.number
        for row in concerning.rows(self._connection, first - 1, head.number):
            is_before = row["number"] < first
            line = {"number": row["number"], "hash": row["hash"]} if is_before else row
            yield f"{verify.canonical(line)}\n".encode()

    def _stamp(self) -> Iterator[bytes]:
        newest = anchors.newest_stamp(self._connection)
        yield newest.stamp or b"" if newest else b""

    def _readings(self) -> Iterator[bytes]:
        lines = Pieces()
        writer = csv.writer(lines)
        writer.writerow(verify.READINGS + JUDGED)
        for row in map(
            self._without_names, stored.in_arrival(self._connection, self._sensors, self._found.rows)
        ):
            judged = self._found.judgements.of(row)
            cells = [
                *_cells(row, self._shown[row.sensor]),
                judged.mark,
                judged.why,
                judged.value,
                judged.unit,
            ]
            writer.writerow([verify.safe(each) for each in cells])
            if len(lines.held) > _COPIED_AT_ONCE:
                yield lines.taken()
        yield lines.taken()

    def _without_names(self, row: Stored) -> Stored:
        """Return a row as it is shown; that of a person's instrument says who held it."""
        stamp = row.stamp and veiled(row.stamp, self._found.withheld)
        if stamp == row.stamp and self._shown[row.sensor] == self._sensors[row.sensor]:
            return row
        self._veiled.append(row.id)
        return row._replace(stamp=stamp)

    def _file(self, hash: str) -> Iterator[bytes]:
        content = attachments.content(self._connection, self._found.document["ticket"]["id"], hash)
        yield content or b""


def _cells(row: Stored, sensor: str) -> list[Any]:
    """Return the cells of a stored row, in the order of `verify.READINGS`."""
    quantity, unit = verify.QUANTITIES[row.quantity]
    at, arrived = (rfc3339(moment(each)) for each in (row.observed_at, row.observed_at + row.delay))
    told = [row.id, sensor, quantity, at, arrived, row.value, unit, verify.MARKS[row.mark], row.reason]
    return [*told, row.stamp, row.device_skew, row.gateway_skew, row.frame, row.sensor]


def _verify_py() -> bytes:
    return resources.files("safetyd.evidence").joinpath("verify.py").read_bytes()


def _pretty(document: dict[str, Any]) -> bytes:
    return (json.dumps(document, sort_keys=True, indent=1, ensure_ascii=False) + "\n").encode()


def _whole(content: bytes) -> Iterator[bytes]:
    yield content
