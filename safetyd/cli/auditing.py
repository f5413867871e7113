"""`audit verify` and `audit head`: whether the record is what it was, and the line that others keep."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from safetyd.cli.application import Config, Json, app, print_json
from safetyd.cli.keeping import bar
from safetyd.cli.loading import loaded
from safetyd.cli.proving import is_packet, verify_packet
from safetyd.stamping import authorities
from safetyd.store import anchors, chain
from safetyd.store.anchors import Anchor
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
    heads: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Heads, a line each; else [audit] head_file, if it is there."),
    ] = None,
    ca: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Certificates by which stamps count; else timestamp_ca_file's."),
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
    given = [] if head is None else [_given(head)]
    if file is None:
        own = loaded(config).settings.audit
        ca = own.timestamp_ca_file if ca is None else ca
        heads = own.head_file if heads is None and own.head_file and own.head_file.exists() else heads
    given += [] if heads is None else _kept(heads)
    trusted = [] if ca is None else authorities(ca)
    with _opened(file, config) as connection, bar("verifying") as progress:
        found = verify(connection, given, progress, trusted)
    if as_json:
        print_json(_document(found, given))
    else:
        print("\n".join(_words(found, given)))
    return 1 if found.faults else 0


@audit.command("head")
def head_command(
    file: File = None,
    save: Annotated[
        Path | None,
        typer.Option("--stamp", metavar="OUT", help="Write the newest stamp there, as it was given."),
    ] = None,
    config: Config = None,
    as_json: Json = False,
) -> int:
    """Print the last row of the chain: number, time, and the line to keep elsewhere; and the newest stamp.

    Example: safetyd audit head
    """
    with _opened(file, config) as connection:
        last, stamp = chain.head(connection), anchors.newest_stamp(connection)
    if save is not None:
        _save(save, stamp)
    if as_json:
        print_json({"head": _head(last), "stamp": _stamp(stamp)})
    elif last is None:
        raise StoreError("the chain is empty: nothing has been put on record yet")
    else:
        print(f"row {last.number:,} of {rfc3339(last.at)}\n{last.hash}@{last.number}")
        if stamp is not None:
            at, _, by = stamp.answer.partition(" ")
            print(f"row {stamp.head.number:,} stamped {at} by {by}: {stamp.head.hash}")
    return 0


def _save(file: Path, stamp: Anchor | None) -> None:
    if stamp is None or not stamp.stamp:
        raise StoreError("there is no stamp yet: [audit] timestamp_url names who gives them, once a day")
    try:
        file.write_bytes(stamp.stamp)
    except OSError as error:
        raise StoreError(f"{file}: cannot be written: {error.strerror}") from error


def _given(text: str) -> Given:
    found = _HEAD.fullmatch(text.strip().lower())
    if found is None:
        raise typer.BadParameter(
            f"--head: {text!r:.100} is none; expected 64 hexadecimal digits, @ and a number"
        )
    return Given(int(found[2]), found[1])


def _kept(file: Path) -> list[Given]:
    """Return the heads in a file: of each line the last word."""
    try:
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        raise StoreError(f"{file}: cannot be read: {error.strerror}") from error
    found = []
    for number, line in enumerate(lines, 1):
        head = _HEAD.fullmatch(line.split()[-1].lower()) if line.strip() else None
        if head is None and line.strip():
            raise StoreError(f"{file}, line {number}: {line!r:.100} is no head; expected TIME HASH@NUMBER")
        found += [] if head is None else [Given(int(head[2]), head[1])]
    return found


@contextmanager
def _opened(file: Path | None, config: str | None) -> Iterator[Connection]:
    """Yield a connection to a backup, or to the store; what cannot be read there is told in a sentence."""
    url = loaded(config).settings.store.url if file is None else f"sqlite:///{file}"
    with told_on_failure(url), open_for_reading(url) if file is None else open_copy(file) as connection:
        yield connection


def _head(head: Head | None) -> dict[str, Any] | None:
    return None if head is None else {"number": head.number, "at": rfc3339(head.at), "hash": head.hash}


def _stamp(stamp: Anchor | None) -> dict[str, Any] | None:
    if stamp is None:
        return None
    at, _, by = stamp.answer.partition(" ")
    head = stamp.head
    return {"day": stamp.day, "number": head.number, "hash": head.hash, "at": at, "by": by}


def _document(found: Verdict, given: Sequence[Given]) -> dict[str, Any]:
    return {
        "sound": not found.faults,
        "head": _head(found.head),
        "given": max(given)._asdict() if given else None,
        "heads": {"given": len(given), "held": found.heads},
        "stamps": {"good": found.stamps, "unchecked": found.unchecked},
        "rows": found.rows,
        "rows_in_all": found.whole,
        "records": found.records,
        "digests": found.digests,
        "unheld": found.unheld,
        "retired": found.retired,
        "undigested": found.undigested,
        "not_yet_taken_in": found.older,
        "faults": found.faults,
    }


def _words(found: Verdict, given: Sequence[Given]) -> Iterator[str]:
    yield from found.faults[:_SHOWN]
    if found.faults[_SHOWN:]:
        yield f"and {len(found.faults) - _SHOWN:,} more"
    following = f"{found.rows:,} of {found.whole:,}"
    yield f"Rows of the chain that follow from each other, from the first on: {following}."
    yield f"Records held against it: {found.records:,}; digests of readings: {found.digests:,}."
    if found.unheld:
        named, more = ", ".join(found.unheld[:_SHOWN]), len(found.unheld) - _SHOWN
        rest = f" and {more:,} more" if more > 0 else ""
        yield f"Records that cannot be held against rows that are missing: {named}{rest}."
    if found.retired:
        yield f"Readings retired (keep_raw): {found.retired:,} digests cannot be worked out again."
    if found.undigested:
        yield f"Readings without a digest yet, as their day is not over: {found.undigested:,}."
    if found.stamps:
        yield f"Stamps of an authority: {found.stamps:,}, each of a row that the chain still has."
    if found.unchecked:
        yield f"Stamps that nobody has checked: {found.unchecked:,}; --ca FILE names whose count."
    if found.older:
        yield f"Older records that safetyd run has yet to take into the chain: {found.older:,}."
    if found.faults:
        yield f"NOT SOUND: {len(found.faults):,} found."
        return
    if not given:
        yield "Sound, as far as the chain itself can tell; with --head HASH@NUMBER also its end is certain."
    else:
        last = max(each.number for each in given)
        yield f"Sound: all that was on record at row {last:,} is what it was."
