"""`demo`: a whole school on one machine, with nothing to install or configure, and a board to watch it by.

Rule: nothing is left behind: no process, no thread, and no file unless a folder is named to keep them in.
"""

import math
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Annotated, Any

import typer

from safetyd.cli.application import app
from safetyd.faults import Misfit, did_you_mean, one_of
from safetyd.shapes import positive_duration

if TYPE_CHECKING:
    from safetyd.cli.demonstration import Performance, Plan
    from safetyd.cli.snapshot import Snapshot

_FASTEST = 3600.0  # beyond it a sensor is silent for its 15 minutes before its next report can arrive
_REDRAW_S = 0.2


class Choice(StrEnum):
    """The brokers that a demo can run."""

    MOSQUITTO = "mosquitto"
    AMQTT = "amqtt"


@app.command("demo")
def demo_command(
    speed: Annotated[float, typer.Option(metavar="N", help="Simulated seconds in one real one.")] = 60.0,
    scenario: Annotated[
        str, typer.Option(metavar="NAME", help="school-day, heat-wave, boiler-failure or power-outage.")
    ] = "heat-wave",
    port: Annotated[int, typer.Option(metavar="P", help="Of the broker; 0 takes any free one.")] = 0,
    web: Annotated[int, typer.Option(metavar="P", help="Of the pages; 0 takes any free one.")] = 0,
    plain: Annotated[bool, typer.Option("--plain", help="One line an event instead of the board.")] = False,
    keep: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Keep the record and the notices there.")
    ] = None,
    broker: Annotated[Choice | None, typer.Option(hidden=True)] = None,
    picture: Annotated[Path | None, typer.Option(metavar="FILE.svg", hidden=True)] = None,
    after: Annotated[str, typer.Option(metavar="D", hidden=True)] = "90s",
) -> int:
    """A simulated school, a broker, the real daemon: everything on this machine, nothing to configure.

    Example: safetyd demo --scenario boiler-failure --speed 120
    """
    from safetyd.cli.demonstration import Plan
    from safetyd.simulate.broker import Kind
    from safetyd.simulate.scenario import SCENARIOS

    if scenario not in SCENARIOS:
        known = (
            f"{did_you_mean(scenario, SCENARIOS)} (there are {one_of(SCENARIOS).replace(' or ', ' and ')})"
        )
        raise typer.BadParameter(f"no scenario is called {scenario!r}{known}")
    if not (math.isfinite(speed) and 0 < speed <= _FASTEST):
        raise typer.BadParameter(f"--speed is {speed:g}; expected a number above 0 and up to {_FASTEST:g}")
    for name, given in (("port", port), ("web", web)):
        if not 0 <= given <= 65535:
            raise typer.BadParameter(f"--{name} is {given}; expected 0 for any free one, or up to 65535")
    kind = None if broker is None else Kind[broker.name]
    with _until_told() as over, _folder(keep) as folder:
        plan = Plan(SCENARIOS[scenario], speed, folder, port, kind, web)
        if picture is not None:
            _draw(plan, over, picture, _seconds(after))
        else:
            _show(plan, over, keep, is_plain=plain)
    return 0


def _show(plan: "Plan", over: Event, keep: Path | None, *, is_plain: bool) -> None:
    from rich.console import Console

    from safetyd.cli.board import closing
    from safetyd.cli.demonstration import NOTICES, performance

    console = Console()
    is_plain = is_plain or not console.is_terminal or console.is_dumb_terminal
    with performance(plan, over) as stage:
        if is_plain:
            _tell(plan, stage)
        else:
            _watch(console, stage)
    if stage.snapshot is None:
        return
    _say(f"\nThe demo of {plan.scenario.name} {'is over' if stage.clock.is_over else 'was ended early'}.")
    for line in closing(stage.snapshot):
        _say(line)
    if keep is None:
        _say("What it wrote is gone; --keep FOLDER keeps the record and the notices.")
    else:
        _say(f"The notices are in {keep / NOTICES}, the record is in {keep}; look at it with:")
        _say(f"  safetyd tickets --config {keep / 'safetyd.toml'}")


def _watch(console: Any, stage: "Performance") -> None:
    """Draw the board until it is over; when it is left the terminal is as it was."""
    from rich.live import Live

    from safetyd.cli.board import board

    with Live(console=console, screen=True, auto_refresh=False) as live:
        while not stage.over.wait(_REDRAW_S):
            snapshot = _now(stage)
            if snapshot is not None:
                live.update(board(snapshot, *console.size), refresh=True)


def _now(stage: "Performance") -> "Snapshot | None":
    """Return the newest snapshot with the time of this moment: countdowns run on between two of them."""
    from dataclasses import replace

    return None if stage.snapshot is None else replace(stage.snapshot, at=stage.clock())


def _tell(plan: "Plan", stage: "Performance") -> None:
    scenario, zone = plan.scenario, stage.show.timezone
    _say(f"{scenario.name}, {plan.speed:g} times as fast as the world, broker: {stage.show.broker}")
    _say(scenario.story)
    _say(f"Look at it in a browser: {stage.show.pages}")
    is_over = False
    while not is_over:
        is_over = stage.over.wait(_REDRAW_S)
        if is_over:
            stage.join()
        while not stage.news.empty():
            at, kind, words = stage.news.get()
            _say(f"{at.astimezone(zone):%a %d %b %H:%M}  {kind:<8} {words}")


def _draw(plan: "Plan", over: Event, file: Path, after_s: float) -> None:
    """Let it run for a while and write what the board shows then as an SVG file."""
    from safetyd.cli.board import picture
    from safetyd.cli.demonstration import performance

    with performance(plan, over) as stage:
        over.wait(after_s)
        snapshot = _now(stage)
    if snapshot is not None:
        file.write_text(picture(snapshot), encoding="utf-8")
        _say(f"{file} shows the board of {plan.scenario.name} after {after_s:g} s")


def _say(line: str) -> None:
    print(line, flush=True)


def _seconds(text: str) -> float:
    try:
        return positive_duration(text).total_seconds()
    except Misfit as misfit:
        raise typer.BadParameter(f"--after: {misfit.value}; expected {misfit.expected}") from misfit


@contextmanager
def _until_told() -> Iterator[Event]:
    """Yield an event that Ctrl-C, SIGTERM and the closing of the terminal set."""
    over, ends = Event(), (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {each: signal.signal(each, lambda *_: over.set()) for each in ends}
    try:
        yield over
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


@contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    """Yield the folder everything is written to, a temporary one unless one is named."""
    if keep is None:
        with tempfile.TemporaryDirectory(prefix="safetyd-demo-", ignore_cleanup_errors=True) as folder:
            yield Path(folder)
        return
    if keep.exists() and (not keep.is_dir() or any(keep.iterdir())):
        raise typer.BadParameter(f"--keep: {keep} is there already; expected a new or an empty folder")
    keep.mkdir(parents=True, exist_ok=True)
    yield keep.absolute()
