"""`evidence`: a ticket's whole record as one archive that either party can check, and checking it."""

import sys
import zipfile
from pathlib import Path
from typing import Annotated

import typer

from safetyd.cli.application import Config, app, print_json
from safetyd.cli.loading import loaded
from safetyd.evidence import verify
from safetyd.evidence.gathering import EvidenceError
from safetyd.store.database import open_for_reading, told_on_failure


@app.command("evidence")
def evidence_command(
    ticket: Annotated[str, typer.Argument(metavar="TICKET", help="Such as lincoln-2026-0007.")],
    out: Annotated[Path, typer.Option("-o", "--out", metavar="FILE.zip", help="Where to write it.")],
    with_names: Annotated[
        bool, typer.Option("--with-names", help="Also the names of educators who reported.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace the file if it is there.")] = False,
    config: Config = None,
) -> int:
    """Write the evidence packet of a ticket, also while safetyd runs: PDF, tables, JSON, files, the chain.

    The same record gives the same bytes. Its own verify.py, or audit verify, checks it.

    Example: safetyd evidence lincoln-2026-0007 -o lincoln-2026-0007.zip
    """
    from safetyd.evidence.file import write_file

    configuration = loaded(config, ticket)
    settings = configuration.settings
    with told_on_failure(settings.store.url), open_for_reading(settings.store.url) as connection:
        made = write_file(
            connection,
            configuration.site,
            settings.mqtt.root,
            ticket,
            out,
            with_names=with_names,
            force=force,
        )
    head = made["head"]
    print(f"{out}: {len(made['parts']) + 1} parts, as of {made['as_of']}", file=sys.stderr)
    if head is not None:
        print(f"head of the chain: {head['hash']}@{head['number']}", file=sys.stderr)
    return 0


def is_packet(file: Path) -> bool:
    """Return whether a file is no store: an archive, also one that was cut, or an unpacked one."""
    return file.is_dir() or file.suffix.lower() == ".zip" or (file.is_file() and zipfile.is_zipfile(file))


def verify_packet(file: Path, head: str | None, *, as_json: bool) -> int:
    """Check a packet as its verify.py does, and print what is found.

    Raises:
        EvidenceError: it is none.
    """
    try:
        found = verify.verify(str(file), head)
    except verify.NoPacket as error:
        raise EvidenceError(str(error)) from error
    told = {kind: [words for each, words in found if each == kind] for kind in _KINDS}
    faults = told[verify.FAULT]
    if as_json:
        print_json({"sound": not faults} | {_KINDS[kind]: words for kind, words in told.items()})
    else:
        print("\n".join(kind + words for kind, words in found))
        is_newer = len(faults) == 1 and faults[0].startswith(verify.NEWER)
        ending = "NOT CHECKED WHOLE: take safetyd of that version." if is_newer else ""
        print(ending or (f"NOT SOUND: {len(faults):,} found." if faults else verify.SOUND))
    return 1 if faults else 0


_KINDS = {verify.FAULT: "faults", verify.NOTE: "notes", verify.HOLDS: "holds", verify.OPEN: "not_checked"}
