"""Parts put into one archive, one after the other, with a manifest of their hashes at its end.

Rule: a part is never whole in memory. Names, order, dates and content are those of the facts, so the
manifest is the same on every machine; how a part is compressed may differ from one zlib to the next.
"""

import csv
import json
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from typing import Any, BinaryIO

from safetyd.history.files import safe
from safetyd.pieces import Pieces

MANIFEST = "manifest.json"
_WRITTEN_AT = (1980, 1, 1, 0, 0, 0)  # the earliest that the format knows: no part has a date of its own
_AT_ONCE = 1 << 16

Part = tuple[str, Iterable[bytes]]


def write_archive(out: BinaryIO, parts: Iterable[Part], about: dict[str, Any]) -> dict[str, Any]:
    """Write the parts and the manifest, and return it: `about`, and size and SHA-256 of each part."""
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        made = [_add(archive, name, content) for name, content in parts]
        manifest = about | {"parts": made}
        _add(archive, MANIFEST, [pretty(manifest)])
    return manifest


def _add(archive: zipfile.ZipFile, name: str, content: Iterable[bytes]) -> dict[str, Any]:
    written = zipfile.ZipInfo(name, _WRITTEN_AT)
    written.compress_type, written.create_system, written.external_attr = (
        zipfile.ZIP_DEFLATED,
        3,
        0o100644 << 16,
    )
    hashed, size = sha256(), 0
    with archive.open(written, "w", force_zip64=True) as opened:
        for piece in content:
            hashed.update(piece)
            size += opened.write(piece)
    return {"name": name, "size": size, "sha256": hashed.hexdigest()}


def pretty(document: object) -> bytes:
    """Return a document as JSON that people can read too."""
    return (json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()


def as_list(documents: Iterable[object]) -> Iterator[bytes]:
    """Yield a JSON array, one document after the other."""
    before = b"[\n"
    for each in documents:
        yield before + json.dumps(each, sort_keys=True, ensure_ascii=False).encode()
        before = b",\n"
    yield b"\n]\n" if before == b",\n" else b"[]\n"


def as_table(heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[bytes]:
    """Yield CSV; what is not known is empty, and no cell is a formula."""
    lines = Pieces()
    writer = csv.writer(lines)
    writer.writerow(heads)
    for row in rows:
        writer.writerow(["" if each is None else safe(each) for each in row])
        if len(lines.held) > _AT_ONCE:
            yield lines.taken()
    yield lines.taken()
