"""`replay` and `record`: recordings into decisions, the broker's traffic into recordings."""

import json
import sys
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from safetyd.cli.application import Config, Json, app
from safetyd.cli.loading import loaded, with_assignments
from safetyd.replay import RecordingError, read_recording, replay
from safetyd.site import with_rules
from safetyd.times import read_time


@app.command("replay")
def replay_command(
    recording: Annotated[Path, typer.Argument(help="One JSON object a line, in order of `at`.")],
    config: Config = None,
    until: Annotated[str | None, typer.Option(metavar="TIME", help="Let time pass up to here.")] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Try other rules: rules.heat.above_f=80."),
    ] = None,
    as_json: Json = False,
) -> int:
    """The same engine over recorded time, in memory, never sending anything.

    Example: safetyd replay heat.jsonl --until 2026-09-03T20:00:00Z --set rules.heat.above_f=80
    """
    configuration = loaded(config)
    site = with_rules(configuration.site, set_ or [])
    try:
        lines = list(read_recording(_lines(recording), recording.name))
    except UnicodeDecodeError as error:
        raise RecordingError(f"{recording.name}: is not UTF-8 text (byte {error.start})") from error
    if not lines:
        print(f"{recording.name}: nothing is in it", file=sys.stderr)
    end = None if until is None else _moment(until)
    with _progress(len(lines)) as advance:
        told = replay(lines, site, configuration.settings.mqtt.root, end, advance)
    if as_json:
        json.dump(told, sys.stdout, indent=2, ensure_ascii=False)
        sys.stdout.write("\n")
    else:
        from safetyd.cli.words import replay_words

        replay_words(told, site)
    return 0


def _lines(recording: Path) -> list[str]:
    try:
        return recording.read_text("utf-8-sig").split("\n")
    except OSError as error:
        raise RecordingError(f"{recording}: cannot be read: {error.strerror}") from error


def _moment(text: str) -> datetime:
    try:
        return read_time(text)
    except ValueError as error:
        raise typer.BadParameter(f"--until: {error}") from error


class _progress:
    """A progress bar on a terminal, nothing in a pipe."""

    def __init__(self, total: int) -> None:
        self._bar: Any = None
        if sys.stderr.isatty() and total > 1000:
            from rich.console import Console
            from rich.progress import Progress

            self._bar = Progress(console=Console(stderr=True), transient=True)
            self._task = self._bar.add_task("replaying", total=total)

    def __enter__(self) -> Any:
        if self._bar is None:
            return lambda: None
        self._bar.start()
        return lambda: self._bar.advance(self._task)

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()


@app.command("record")
def record_command(
    out: Annotated[Path, typer.Argument(metavar="OUT.jsonl", help="Lines are added to it.")],
    config: Config = None,
) -> int:
    """Write what the broker carries, in the recording format, until Ctrl-C.

    Example: safetyd record friday.jsonl
    """
    import signal
    import threading

    from safetyd.clock import now
    from safetyd.recorder import record

    configuration = loaded(config)
    configuration = replace(configuration, site=with_assignments(configuration))
    stop = threading.Event()
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, lambda *_: stop.set())
    count = record(out, configuration, now, stop)
    print(f"{count} messages written to {out}", file=sys.stderr)
    return 0
