"""A history on a terminal: what it is of, a line of bars, and a table, times in the site's zone."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from rich.table import Table
from rich.text import Text

from safetyd.cli.words import plain_console
from safetyd.history.queries import Answer, Resolution
from safetyd.sensor_objects import printable
from safetyd.site import Site

_BARS = "▁▂▃▄▅▆▇█"
_WIDTH = 100


def answer_words(answer: Answer, site: Site) -> None:
    """Print what was asked for, its resolution and coverage, and the values."""
    console = plain_console()
    place, measure = answer.question.place, answer.question.measure.value.replace("_", " ")
    if answer.note:
        console.print(f"Note: {answer.note}.", highlight=False)
    if not answer.points:
        console.print(f"No {measure} of {place} is on record here.", highlight=False)
        return
    low, high = min(each.low for each in answer.points), max(each.high for each in answer.points)
    console.print(f"{place} {measure}, {answer.unit}: {low:.1f} to {high:.1f}", highlight=False)
    console.print(f"Resolution: {_made(answer)}. Coverage: {answer.coverage}.", highlight=False)
    console.print(_bars([each.mean for each in answer.points]))
    for brought in answer.imports:
        words = f"Imported, in part: {brought.file}, by {brought.by}, {moment(brought.at, site.timezone)}"
        console.print(Text(printable(f"{words}, as {brought.sensor}.")))
    if answer.every is None:
        has_origin = any(each.origin for each in answer.points)
        table = Table("observed", answer.unit, *([""] if has_origin else []), box=None)
        for each in answer.points:
            origin = [each.origin] if has_origin else []
            table.add_row(moment(each.at, site.timezone), f"{each.mean:.1f}", *origin)
    else:
        table = Table("from", "min", "mean", "max", "n", box=None)
        for each in answer.points:
            values = (f"{value:.1f}" for value in (each.low, each.mean, each.high))
            table.add_row(moment(each.at, site.timezone), *values, str(each.n))
    console.print(table)


def files_words(answer: Answer, files: Sequence[Path]) -> None:
    """Print what has been written where, and how much of it is known."""
    rows = "1 row" if len(answer.points) == 1 else f"{len(answer.points)} rows"
    for file in files:
        plain_console().print(Text(f"{file}: {rows}, {_made(answer)}. Coverage: {answer.coverage}."))


def _made(answer: Answer) -> str:
    return "every reading" if answer.resolution is Resolution.READINGS else f"made of {answer.resolution}"


def moment(at: datetime, zone: ZoneInfo) -> str:
    """Return a moment by the wall clock; of the hour that comes twice also which it is."""
    local = at.astimezone(zone)
    comes_twice = local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()
    return f"{local:%a %d %b %Y %H:%M:%S}" + (f" {local:%Z}" if comes_twice else "")


def _bars(values: Sequence[float]) -> str:
    step = max(1, -(-len(values) // _WIDTH))
    shown = [sum(values[i : i + step]) / len(values[i : i + step]) for i in range(0, len(values), step)]
    low, spread = min(shown), (max(shown) - min(shown)) or 1.0
    return "".join(_BARS[int((value - low) / spread * (len(_BARS) - 1))] for value in shown)
