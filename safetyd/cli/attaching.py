"""`attachments ID`, and what `ticket ID note --attach` reads: files on their way in and out again.

Rule: nothing on the disk is ever overwritten, and what is written out is what the record's hash says.
"""

import sys
from base64 import b64encode
from collections.abc import Iterator, Sequence
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import Annotated, Any

import typer

from safetyd.cli.application import Config, Json, app, print_json
from safetyd.cli.loading import loaded
from safetyd.cli.looking import view
from safetyd.core.attachment import check_name, check_number, check_size
from safetyd.core.errors import ActionError
from safetyd.site import Site
from safetyd.store import attachments

_LONGEST_NAME = 255  # bytes, on every file system we may meet
_COUNT_ROOM = 8  # of them for " (2)"


def files_to_attach(files: Sequence[Path]) -> list[dict[str, str]]:
    """Return files of this machine as the action `note` takes them; typer refuses what will not do."""
    try:
        check_number([file.name for file in files])
        return [{"name": file.name, "base64": b64encode(_content(file)).decode()} for file in files]
    except ActionError as error:
        raise typer.BadParameter(str(error)) from error


def _content(file: Path) -> bytes:
    try:
        if not file.is_file():
            what = "a directory" if file.is_dir() else "no file" if file.exists() else "not there"
            raise ActionError(f"attach: {str(file)!r}: it is {what}; expected the path of a file")
        check_name(file.name)
        check_size(file.name, file.stat().st_size)
        return file.read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ActionError(f"attach: {str(file)!r}: it cannot be read ({reason}); look at the path") from error


@app.command("attachments")
def attachments_command(
    id: Annotated[str, typer.Argument(metavar="ID", help="Such as lincoln-2026-0007.")],
    save: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write them there; no file is overwritten.")
    ] = None,
    config: Config = None,
    as_json: Json = False,
) -> int:
    """List the files that go with a ticket's notes, or write them out.

    Example: safetyd attachments lincoln-2026-0007 --save photos
    """
    configuration = loaded(config, id)
    faults: list[str] = []
    with view(configuration) as seen:
        found = [
            {"at": line["at"], "by": line["by"], **each}
            for line in seen.ticket(id)["history"]
            for each in line.get("attachments", ())
        ]
        if save is not None:
            save.mkdir(parents=True, exist_ok=True)
            for each in found:
                content = attachments.content(seen.connection, id, each["sha256"]) or b""
                if sha256(content).hexdigest() == each["sha256"]:
                    each["file"] = str(_written(save, each["name"], content))
                else:
                    fault = "is not what the record's hash says" if content else "is not in the store"
                    faults.append(f"{each['name']}: its content {fault}; look for it in a backup")
    if as_json:
        print_json({"ticket": id, "attachments": found})
    else:
        _print(found, configuration.site)
    for sentence in faults:
        print(f"safetyd: {sentence}", file=sys.stderr)
    return 1 if faults else 0


def _print(found: Sequence[dict[str, Any]], site: Site) -> None:
    from rich.table import Table
    from rich.text import Text

    from safetyd.cli.words import local, plain_console

    table = Table("when", "by", "name", "bytes", "sha256", "written to", box=None)
    for each in found:
        size, file = f"{each['size']:,}", Text(each.get("file", "–"))
        table.add_row(
            local(each["at"], site), Text(each["by"]), Text(each["name"]), size, each["sha256"], file
        )
    plain_console().print(table if found else "No attachments.")


def _written(folder: Path, name: str, content: bytes) -> Path:
    """Write a new file and return its path: of the name it came with, or one that is told apart."""
    for path in (folder / each for each in _names(name)):
        try:
            opened = path.open("xb")
        except FileExistsError:
            continue
        try:
            with opened:
                opened.write(content)
        except OSError:
            path.unlink()
            raise
        return path
    raise AssertionError("there is always another number")


def _names(name: str) -> Iterator[str]:
    """Yield names for a file: photo.jpg, photo (2).jpg, …"""
    stem, suffix = Path(name).stem, Path(name).suffix
    while len(f"{stem}{suffix}".encode()) > _LONGEST_NAME - _COUNT_ROOM:
        stem, suffix = (stem[:-1], suffix) if len(stem) > 1 else (stem, suffix[:-1])
    yield f"{stem}{suffix}"
    for number in count(2):
        yield f"{stem} ({number}){suffix}"
