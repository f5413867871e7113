"""safetyd beside what a school would use otherwise: Node-RED with the same job, and a bare client.

Rule: nothing here asserts; all are measured in one run, in turns, each with a broker of its own. The bare
client does not do the job and wins no line: it is the yardstick. A burst is that of ingest.py. What is asked
about a kill is how many readings that the broker had acknowledged are not in the store once the same client
has come back to its kept session and nothing more comes.
"""

import argparse
import platform
import subprocess
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from parties import BARE, BY_HAND, PARTIES
from sides import FULL, QUICK, Line, Size, behind_a_backlog, bursts, killed, latency, memory, starts, wear
from stand import ROOT
from whole import whole

MEASURES: dict[str, Callable[[Size], list[Line]]] = {
    "burst": bursts,
    "latency": latency,
    "backlog": behind_a_backlog,
    "memory": memory,
    "start": starts,
    "wear": wear,
    "kill": killed,
    "whole": whole,
}
_LEVEL = 1.05  # times: less is chance


def main() -> int:
    """Measure what was asked for and print the table, a line as soon as it is known."""
    parser = argparse.ArgumentParser(description="Measure safetyd and Node-RED side by side on this machine.")
    parser.add_argument("--quick", action="store_true", help="a third of the time, a rougher answer")
    parser.add_argument("--only", choices=[*MEASURES], action="append", help="may be given more than once")
    by_hand = "also a flow that gathers in JavaScript of its own and promises less"
    parser.add_argument("--by-hand", action="store_true", help=by_hand)
    asked = parser.parse_args()
    parties = (*PARTIES, BY_HAND) if asked.by_hand else PARTIES
    size = (QUICK if asked.quick else FULL)._replace(parties=parties)
    subprocess.run(
        [sys.executable, "-m", "compileall", "-q", "safetyd"], cwd=ROOT, check=False
    )  # as installed
    names = [*(each.name for each in parties), BARE]
    print(f"{datetime.now(UTC):%-d %B %Y}, {platform.machine()}, Python {platform.python_version()}\n")
    print(f"| figure | {' | '.join(names)} | ahead |\n|{'---|' * (len(names) + 2)}", flush=True)
    for name, measure in MEASURES.items():
        if asked.only is None or name in asked.only:
            for each in measure(size):
                print(row(each, names), flush=True)
    return 0


class Ahead(NamedTuple):
    """Who has a line, and how many times as good as the best of the others."""

    name: str
    times: float | None


def ahead(line: Line) -> Ahead | None:
    """Return who of those who do the job is ahead; None where one is alone."""
    told = {name: value for name, value in line.values.items() if name != BARE}
    if len(told) < 2:
        return None
    order = sorted(told, key=lambda name: told[name], reverse=line.is_more_better)
    first, second = told[order[0]], told[order[1]]
    if first == second:
        return Ahead("level", None)
    better, worse = (first, second) if line.is_more_better else (second, first)
    times = better / worse if worse else None
    if times is not None and times < _LEVEL:
        return Ahead("level", None)
    return Ahead(order[0], times)


def row(line: Line, names: Sequence[str]) -> str:
    """Return a line of the table."""
    told = [_number(line.values[name]) if name in line.values else "" for name in names]
    has_it = ahead(line)
    end = line.note
    if has_it is not None:
        end = has_it.name + (f", {has_it.times:.1f} times" if has_it.times else "")
        end += f"; {line.note}" if line.note else ""
    return f"| {line.name}, {line.unit} | {' | '.join(told)} | {end} |"


def _number(value: float) -> str:
    return f"{value:,.{0 if value >= 100 or value == int(value) else 1 if value >= 10 else 2}f}"


if __name__ == "__main__":
    sys.exit(main())
