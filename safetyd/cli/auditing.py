"""`audit verify` and `audit head`: whether the record is what it was, and the line that others keep."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from safetyd.cli.application import Config, Json, app, print_json
from safetyd.cli.keeping import bar
from safetyd.cli.loading import loaded
from safetyd.cli.proving import is_packet, verify_packet
from safetyd.store import chain
from safetyd.store.chain import Head
from safetyd.store.database import Connection, StoreError, open_copy, open_for_reading, told_on_failure
from safetyd.store.verifying import Given, Verdict, verify
from safetyd.times import rfc3339

audit = typer.Typer(
    help="About the chain of hashes through the whole record.\n\nExample: safetyd audit verify",
    no_args_is_help=True,
)
app.add_typer(audit, name="audit")

_HEAD = re.compile(r"([0-9a-f]{64})@([1-9][0-9]{0,17})")
_SHOWN = 20
File = Annotated[
    Path | None,
    typer.Argument(metavar="[FILE]", help="A backup, or an evidence packet; else the store itself."),
]


@audit.command("verify")
def verify_command(
    file: File = None,
    head: Annotated[
        str | None,
        typer.Option("--head", metavar="HASH@NUMBER", help="As it was given out: a cut end shows too."),
    ] = None,
    config: Config = None,
    as_json: Json = False,
) -> int:
    """Check the chain, that each record is what the chain says of it, and the digests of the readings.

    Ends with 0 if all is as it was, with 1 if anything is not; also while safetyd runs. Without --head a
    chain whose end was cut off, records and all, looks whole.

    Example: safetyd audit verify --head 5fb1…c0@1204
    """
    if file is not None and is_packet(file):
        return verify_packet(file, head, as_json=as_json)
    given = None if head is None else _given(head)
    with _opened(file, config) as connection, bar("verifying") as progress:
        found = verify(connection, given, progress)
    if as_json:
        print_json(_document(found, given))
    else:
        print("\n".join(_words(found, given)))
    return 1 if found.faults else 0


@audit.command("head")
def head_command(file: File = None, config: Config = None, as_json: Json = False) -> int:
    """Print the last row of the chain: number, time, and the line to keep elsewhere.

    Example: safetyd audit head
    """
    with _opened(file, config) as connection:
        last = chain.head(connection)
    if as_json:
        print_json({"head": _head(last)})
    elif last is None:
        raise StoreError("the chain is empty: nothing has been put on record yet")
    else:
        print(f"row {last.number:,} of {rfc3339(last.at)}\n{last.hash}@{last.number}")
    return 0


def _given(text: str) -> Given:
    found = _HEAD.fullmatch(text.strip().lower())
    if found is None:
        raise typer.BadParameter(
            f"--head: {text!r:.100} is none; expected 64 hexadecimal digits, @ and a number"
        )
    return Given(int(found[2]), found[1])


@contextmanager
def _opened(file: Path | None, config: str | None) -> Iterator[Connection]:
    """Yield a connection to a backup, or to the store; what cannot be read there is told in a sentence."""
    url = loaded(config).settings.store.url if file is None else f"sqlite:///{file}"
    with told_on_failure(url), open_for_reading(url) if file is None else open_copy(file) as connection:
        yield connection


def _head(head: Head | None) -> dict[str, Any] | None:
    return None if head is None else {"number": head.number, "at": rfc3339(head.at), "hash": head.hash}


def _document(found: Verdict, given: Given | None) -> dict[str, Any]:
    return {
        "sound": not found.faults,
        "head": _head(found.head),
        "given": None if given is None else {"number": given.number, "hash": given.hash},
        "rows": found.rows,
        "records": found.records,
        "digests": found.digests,
        "retired": found.retired,
        "undigested": found.undigested,
        "not_yet_taken_in": found.older,
        "faults": found.faults,
    }


def _words(found: Verdict, given: Given | None) -> Iterator[str]:
    yield from found.faults[:_SHOWN]
    if found.faults[_SHOWN:]:
        yield f"and {len(found.faults) - _SHOWN:,} more"
    yield f"Rows of the chain: {found.rows:,}, records: {found.records:,}, digests: {found.digests:,}."
    if found.retired:
        yield f"Readings retired (keep_raw): {found.retired:,} digests cannot be worked out again."
    if found.undigested:
        yield f"Readings without a digest yet, as their day is not over: {found.undigested:,}."
    if found.older:
        yield f"Older records that safetyd run has yet to take into the chain: {found.older:,}."
    if found.faults:
        yield f"NOT SOUND: {len(found.faults):,} found."
        return
    if given is None:
        yield "Sound, as far as the chain itself can tell; with --head HASH@NUMBER also its end is certain."
    else:
        yield f"Sound: all that was on record at row {given.number:,} is what it was."
