"""`doctor`: everything a technician would look at on this gateway, and what to do about it."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from safetyd.cli.application import Config, Json, app, print_json
from safetyd.cli.loading import loaded
from safetyd.clock import now

if TYPE_CHECKING:
    from safetyd.doctor.examining import Step
    from safetyd.doctor.finding import Finding

_STYLES = {"ok": "green", "warn": "yellow", "bad": "bold red", "not checked": "magenta"}


@app.command("doctor")
def doctor_command(config: Config = None, as_json: Json = False) -> int:
    """Look at broker, store, disk, clock, UPS, InfluxDB, addresses, certificates; say what to do about each.

    Ends with 0 if nothing is bad, else with 1; also while safetyd runs, which notices nothing of it. Nobody
    is sent anything.

    Example: safetyd doctor --config config/safetyd.toml
    """
    from safetyd.doctor.examining import examine
    from safetyd.doctor.finding import is_sound, tally

    configuration = loaded(config)
    logging.disable()  # what goes wrong is among the findings
    with _telling() as step:
        findings = list(examine(configuration, now(), step))
    if as_json:
        print_json({"sound": is_sound(findings), "findings": [each._asdict() for each in findings]})
    else:
        _print(findings)
        print(f"{tally(findings)}.")
    return 0 if is_sound(findings) else 1


@contextmanager
def _telling() -> "Iterator[Step]":
    """Yield what shows on a terminal what is being looked at."""
    from rich.console import Console

    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda _: None
        return
    with console.status("") as status:
        yield lambda what: status.update(f"{what} …")


def _print(findings: "Sequence[Finding]") -> None:
    from rich.table import Column, Table
    from rich.text import Text

    from safetyd.cli.words import plain_console

    table = Table(
        Column("area", no_wrap=True), "what", Column("state", no_wrap=True), "seen, and what to do", box=None
    )
    area = ""
    for each in findings:
        told = Text(each.seen)
        if each.do:
            told.append(f"\n→ {each.do}", "bold" if each.state in ("warn", "bad") else "dim")
        state = Text(each.state.value, _STYLES[each.state.value])
        table.add_row("" if each.area == area else each.area, Text(each.about), state, told)
        area = each.area
    plain_console().print(table)
