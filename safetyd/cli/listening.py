"""`listen`: what the broker carries, as it comes, and lines to paste for what nobody has assigned yet.

Rule: a guest that says nothing and keeps nothing. What others sent is shown on one line and moves no cursor.
"""

import json
import logging
import select
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from os import getpid
from pathlib import Path
from typing import Annotated, Any

import typer

from safetyd.cli.application import Config, Json, app
from safetyd.cli.loading import loaded, with_assignments
from safetyd.clock import now
from safetyd.core.errors import SafetydError
from safetyd.core.model import Quantity
from safetyd.earshot import MOST_TOPICS, Earshot, Row
from safetyd.faults import Misfit
from safetyd.ingest.message import Sample
from safetyd.ingest.mqtt import Link
from safetyd.ingest.proposals import Proposal
from safetyd.profile import NATIVE
from safetyd.setting_mqtt import Mqtt
from safetyd.shapes import positive_duration, topic_filter
from safetyd.site import Site
from safetyd.site_lines import Entry, csv_rows, guess_words, one_line, sample_words, toml
from safetyd.times import rfc3339
from safetyd.wording import sound

_LOOK_SECONDS = 0.25
_BATCH = 1000
_FRESH = timedelta(seconds=4)  # how long a change stands out
_AROUND = 8  # rows of a terminal beside the table's own

Tell = Callable[[Row, bool], None]


@app.command("listen")
def listen_command(
    config: Config = None,
    for_: Annotated[str, typer.Option("--for", metavar="TIME", help="Such as 90s, 10m or 2h.")] = "10m",
    topic: Annotated[
        list[str] | None, typer.Option(metavar="FILTER", help="Only these topics; else all of them.")
    ] = None,
    toml_file: Annotated[
        Path | None, typer.Option("--toml", metavar="FILE", help="A new file for the lines of a site file.")
    ] = None,
    csv_file: Annotated[
        Path | None, typer.Option("--csv", metavar="FILE", help="A new file for the rows of a spreadsheet.")
    ] = None,
    as_json: Json = False,
) -> int:
    """What the broker carries, and lines to paste for what nobody has assigned; it only listens.

    Example: safetyd listen --for 5m --toml new-sensors.toml
    """
    span, filters = _span(for_), [_filter(each) for each in topic or ["#"]]
    for file in filter(None, (toml_file, csv_file)):
        if file.exists():
            raise typer.BadParameter(f"{file} is there already; give the name of a new file")
    configuration = loaded(config)
    site, mqtt = with_assignments(configuration), configuration.settings.mqtt
    earshot = Earshot(site, mqtt.root, mqtt.announce_prefix)
    stop = threading.Event()
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, lambda *_: stop.set())
    with _screen(earshot, as_json=as_json) as tell:
        _listen(earshot, mqtt, filters, span, stop, tell)
    found = earshot.unassigned()
    rows = csv_rows(found, with_building=len(site.buildings) > 1)
    lines = _heading(found, site) + toml(found, earshot.profiles, earshot.ids())
    for path, text in ((toml_file, lines), (csv_file, rows)):
        if path is not None:
            path.write_text(text, encoding="utf-8")
    if as_json:
        print(sound(json.dumps(_told(earshot, lines, rows), indent=2, ensure_ascii=False)))
        return 0
    for line in _summary(earshot, found):
        print(line)
    for path in filter(None, (toml_file, csv_file)):
        print(f"Written to {path}.")
    if found and toml_file is None and csv_file is None:
        print("\n" + lines, end="")
    return 0


def _span(text: str) -> timedelta:
    try:
        return positive_duration(text)
    except Misfit as misfit:
        raise typer.BadParameter(f"--for: {misfit.value}; expected {misfit.expected}") from misfit


def _filter(text: str) -> str:
    try:
        return "#" if text == "#" else topic_filter(text)
    except Misfit as misfit:
        raise typer.BadParameter(f"--topic: {misfit.value}; expected {misfit.expected}") from misfit


def _listen(
    earshot: Earshot, mqtt: Mqtt, filters: list[str], span: timedelta, stop: threading.Event, tell: Tell
) -> None:
    """Take in what comes for so long, or until `stop` is set.

    Raises:
        SafetydError: the broker cannot be reached, or lets nobody in, at the beginning.
    """
    logging.getLogger("safetyd.mqtt").setLevel(logging.ERROR)  # what it warns of is told here
    link = Link(mqtt, filters, now, f"{mqtt.client_id}-listen-{getpid()}", is_guest=True)
    until, told = now() + span, ""
    was_connected = False
    try:
        while not stop.is_set() and now() < until:
            link.tend()
            was_connected = was_connected or link.is_connected
            if link.is_turned_away and not was_connected:
                raise SafetydError(f"the broker: {link.trouble}")
            if was_connected and link.trouble != told:
                told = link.trouble
                print(f"safetyd: {told}; trying again" if told else "safetyd: back again", file=sys.stderr)
            socket = link.socket()
            if socket is None:
                stop.wait(_LOOK_SECONDS)
                continue
            if not link.has_more:
                select.select([socket], [], [], _LOOK_SECONDS)
            received = link.receive(_BATCH)
            for item in received:
                heard = earshot.hear(item.message)
                if heard is not None:
                    tell(*heard)
            link.acknowledge(received)
    finally:
        link.close()


@contextmanager
def _screen(earshot: Earshot, *, as_json: bool) -> Iterator[Tell]:
    """Show what is heard while it is: a table on a terminal, a line for each new topic in a pipe."""
    if as_json:
        yield lambda row, is_new: None
    elif not sys.stdout.isatty():
        yield lambda row, is_new: print(_line(row), flush=True) if is_new else None
    else:
        from rich.console import Console
        from rich.live import Live

        console = Console()

        def table() -> Any:
            return _table(earshot, now(), console.height)

        with Live(console=console, get_renderable=table, refresh_per_second=4, transient=True):
            yield lambda row, is_new: None


def _line(row: Row) -> str:
    """Return a topic in one line: what it is, what it says, whose it is."""
    words = [one_line(row.topic), row.guess.format or "unknown", one_line(_says(row)), _whose(row)]
    return ": ".join(filter(None, words))


def _says(row: Row) -> str:
    """Return what is read, or would be, and what is refused and why."""
    taken = ", ".join(map(sample_words, row.taken)) if row.holders else ""
    read = taken or guess_words(row.guess)
    refusals = row.refusals if row.holders else row.guess.heard.refusals
    refused = f"refused: {'; '.join(refusals)}" if refusals else ""
    return "; ".join(filter(None, (read, refused))) or row.guess.heard.reason or "nothing that is read"


def _whose(row: Row) -> str:
    if row.holders:
        return f"is {' and '.join(row.holders)}"
    is_native = row.guess.format == NATIVE
    return "nobody's: no such building or room in the site file" if is_native else "nobody's yet"


def _table(earshot: Earshot, at: datetime, height: int) -> Any:
    """Return the picture of what was heard; what changed last stands out."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    rows = list(earshot.rows.values())
    room = max(3, height - _AROUND)
    changes = [row.changed_at for row in rows if row.changed_at is not None]
    newest = max(changes, default=None)
    if len(rows) > room:
        rows = sorted(rows, key=lambda row: row.changed_at or row.last_at, reverse=True)[:room]
    table = Table(box=SIMPLE_HEAD, expand=True, header_style="bold cyan")
    table.add_column("", width=1)
    for name, share in (("topic", 4), ("format", 1), ("says", 5), ("belongs to", 2)):
        table.add_column(name, ratio=share, no_wrap=True, overflow="ellipsis")
    table.add_column("age", justify="right", no_wrap=True)
    for row in sorted(rows, key=lambda row: row.topic):
        is_newest = newest is not None and row.changed_at == newest
        is_fresh = is_newest and newest is not None and at - newest < _FRESH
        style = "bold black on yellow" if is_fresh else "bold" if is_newest else ""
        kept = (
            "kept" if row.is_retained and row.messages == 1 else f"{(at - row.last_at).total_seconds():.0f} s"
        )
        cells = (row.topic, row.guess.format or "?", _says(row), _whose(row))
        texts = (Text(one_line(cell)) for cell in cells)
        table.add_row("▶" if is_newest else "", *texts, kept, style=style)
    count = f" {len(earshot.rows)} topics, {earshot.messages} messages"
    hidden = len(earshot.rows) - len(rows)
    more = f"; {hidden} more are not shown" if hidden else ""
    hint = " Blow on a sensor to see which row moves; Ctrl-C ends it and prints lines to paste."
    return Group(Text(count + more, "bold"), table, Text(hint, "dim"))


def _heading(found: list[Entry], site: Site) -> str:
    if not found:
        return ""
    where = f'the [[buildings]] with id = "{site.buildings[0].id}"' if len(site.buildings) == 1 else ""
    return f"# Below {where or 'the [[buildings]] they are in'}; put something in place of each ?.\n\n"


def _summary(earshot: Earshot, found: list[Entry]) -> Iterator[str]:
    assigned = sum(bool(row.holders) for row in earshot.rows.values())
    yield f"Heard {earshot.messages} messages on {len(earshot.rows)} topics; {assigned} have their sensor."
    if earshot.unlisted:
        yield f"{earshot.unlisted} messages came on more than {MOST_TOPICS} topics, or on too long ones."
    if not earshot.messages:
        yield "Nothing came: does the broker let this user read everything (#)?"
    for each in earshot.proposals:
        if each.at is None:
            yield (
                f"{each.source} declares {one_line(each.name)} on {one_line(each.topic)} by a template that"
                f" is no plain path: {one_line(each.template)}"
            )
    yield f"{len(found)} could be assigned." if found else "Nothing is left to assign."


def _told(earshot: Earshot, lines: str, rows: str) -> dict[str, Any]:
    return {
        "messages": earshot.messages,
        "unlisted_messages": earshot.unlisted,
        "topics": [
            _topic(row) for row in sorted(earshot.rows.values(), key=lambda r: (r.topic, str(r.guess.only)))
        ],
        "declared": [_declared(each) for each in earshot.proposals],
        "toml": lines,
        "csv": rows,
    }


def _topic(row: Row) -> dict[str, Any]:
    guess = row.guess
    return {
        "topic": row.topic,
        "only": dict(guess.only),
        "format": guess.format or None,
        "is_sure": guess.is_sure,
        "sensors": list(row.holders),
        "readings": [_sample(each) for each in (row.taken if row.holders else guess.heard.samples)],
        "says": {each.path: each.says for each in guess.candidates},
        "presence": guess.heard.presence,
        "refused": list(row.refusals if row.holders else guess.heard.refusals),
        "reason": guess.heard.reason or None,
        "lacks": sorted(guess.lacks) if not row.holders else [],
        "messages": row.messages,
        "retained": row.is_retained,
        "last_at": rfc3339(row.last_at),
    }


def _sample(sample: Sample) -> dict[str, Any]:
    return {
        "quantity": sample.quantity.value,
        "value": sample.value,
        "unit": sample.unit or None,
        "channel": sample.channel or None,
    }


def _declared(each: Proposal) -> dict[str, Any]:
    return {
        "by": each.source,
        "name": each.name,
        "topic": each.topic,
        "quantity": None if each.quantity is None else Quantity(each.quantity).value,
        "at": each.at,
        "unit": each.unit or None,
        "power_source": each.power_source or None,
    }
