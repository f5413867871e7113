"""The sensors in words: a table on a terminal, a line a sensor in a pipe, times in the site's zone.

Rule: what devices sent is shown as it came, but can do nothing to a terminal.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from safetyd.cli.words import local, plain_console, where
from safetyd.sensor_objects import State, printable
from safetyd.site import Site
from safetyd.value_words import value_words

_STYLES = {
    State.OK: "green",
    State.RETIRED: "dim",
    State.IMPORTED: "dim",
    State.LOW_BATTERY: "yellow",
    State.CLOCK: "yellow",
    State.DISAGREES: "yellow",
    State.DRIFTS: "yellow",
    State.BABBLES: "yellow",
}
_MARKS = {"accepted": "green", "suspect": "yellow", "rejected": "bold red", "retained": "magenta"}
_AGES = (("d", timedelta(days=1)), ("h", timedelta(hours=1)), ("min", timedelta(minutes=1)))
_HEADS = ("where", "sensor", "state", "last said", "verdict", "format", "topic")


def sensors_words(sensors: Sequence[Mapping[str, Any]], site: Site, now: datetime) -> None:
    """Print the sensors by room, the worst of each room first."""
    console = plain_console()
    if not sensors:
        console.print("No sensor is named in the site file, and none was heard yet.")
        return
    rows = [(where(each, site), _row(each, site, now)) for each in sensors]
    if console.is_terminal:
        places = ["", *(place for place, _ in rows)]
        shown = [
            (Text("" if place == before else place, style="bold"), *row)
            for before, (place, row) in zip(places, rows, strict=False)
        ]
        console.print(_table(_HEADS, shown))
    else:
        keys = [f"{each['building']}/{each['room'] or '-'}" for each in sensors]
        _lines(console, _HEADS, [(key, *row) for key, (_, row) in zip(keys, rows, strict=True)])


def strays_words(strays: Sequence[Mapping[str, Any]], site: Site, root: str, now: datetime) -> None:
    """Print the topics that belong to nobody, and how to learn what they say."""
    console = plain_console()
    if not strays:
        console.print("Everything that is heard belongs to a room or a building.")
        console.print(
            f"Only the topics of the site file and those below {root}/ are heard;"
            " what else the broker carries is shown by: safetyd listen",
            highlight=False,
            soft_wrap=not console.is_terminal,
        )
        return
    heads = ("heard of nobody's", "messages", "last")
    rows = [
        (printable(each["topic"]), str(each["heard"]), _ago(each["last_at"], site, now)) for each in strays
    ]
    _section(console, heads, rows)
    console.print(
        "What they say is shown by: safetyd listen; whose they are is said by:"
        " safetyd assign TOPIC BUILDING ROOM --by NAME",
        highlight=False,
        soft_wrap=not console.is_terminal,
    )


def sensor_words(sensor: Mapping[str, Any], site: Site, now: datetime) -> None:
    """Print one sensor: where it is, how it stands, its troubles, what it said, what could not be used."""
    console = plain_console()
    states = Text(", ").join(_state(word) for word in sensor["states"])
    console.print(Text.assemble((printable(sensor["sensor"]), "bold"), f"  {where(sensor, site)}: ", states))
    for line in _facts(sensor, site, now):
        console.print(line, highlight=False, markup=False, soft_wrap=not console.is_terminal)
    if sensor["history"]:
        troubles = [
            (
                each["kind"],
                local(each["began_at"], site),
                local(each["ended_at"], site),
                printable(each["note"]),
            )
            for each in sensor["history"]
        ]
        _section(console, ("trouble", "began", "ended", "note"), troubles)
    if sensor["readings"]:
        heads = ("true at", "said", "verdict", "device's clock", "gateway's clock", "arrived", "clock off")
        _section(console, heads, [_reading(each, site) for each in sensor["readings"]])
    if sensor["refused"]:
        refused = [
            (
                local(each["at"], site),
                each["kind"],
                printable(each["reason"]),
                printable(each["topic"]),
                each["payload"],
            )
            for each in sensor["refused"]
        ]
        _section(console, ("refused", "what", "why", "topic", "message"), refused)


def _row(sensor: Mapping[str, Any], site: Site, now: datetime) -> tuple[str | Text, ...]:
    states = Text(", ").join(_state(word) for word in sensor["states"])
    topic = printable(sensor["topic"])
    return (
        printable(sensor["sensor"]),
        states,
        _last(sensor, site, now),
        _verdict(sensor),
        sensor["format"],
        f"{topic} (by {_by(sensor['assigned'])})" if sensor.get("assigned") else topic,
    )


def _state(word: str) -> Text:
    return Text(word, style=_STYLES.get(State(word), "bold red"))


def _last(sensor: Mapping[str, Any], site: Site, now: datetime) -> str:
    """Values of one moment together, with how long ago that was."""
    moments: dict[str, list[str]] = {}
    for quantity, (at, value) in sensor["last"].items():
        moments.setdefault(at, []).append(value_words(quantity, value, sensor["units"][quantity]))
    return "; ".join(f"{', '.join(said)}, {_ago(at, site, now)}" for at, said in moments.items()) or "–"


def _verdict(shown: Mapping[str, Any]) -> Text:
    mark, reason = shown["mark"], shown["reason"]
    if mark is None:
        return Text("–")
    return Text.assemble((mark, _MARKS[mark]), f": {printable(reason)}" if reason else "")


def _ago(text: str, site: Site, now: datetime) -> str:
    at = datetime.fromisoformat(text)
    there, today = at.astimezone(site.timezone), now.astimezone(site.timezone).date()
    clock = f"{there:%H:%M}" if there.date() == today else f"{there:%a %d %b %Y %H:%M}"
    return f"{_age(now - at)} ({clock})"


def _age(age: timedelta) -> str:
    for unit, size in _AGES:
        if age >= size:
            return f"{age // size} {unit} ago"
    return f"{age.seconds} s ago" if age > timedelta(seconds=1) else "just now"


def _facts(sensor: Mapping[str, Any], site: Site, now: datetime) -> Iterable[str]:
    bindings = sensor["bindings"] or [{"topic": sensor["topic"], "format": sensor["format"]}]
    for binding in bindings:
        yield "  " + "".join(
            [
                f"{binding['format']} on {printable(binding['topic'])}",
                *([f", from {local(binding['from'], site)} on"] if binding.get("from") else []),
                *([f", until {local(binding['until'], site)}"] if binding.get("until") else []),
                *(_offset(offset, site) for offset in binding.get("offsets", ())),
                *([f", assigned by {_by(binding['assigned'])}"] if binding.get("assigned") else []),
            ]
        )
    if sensor["last"]:
        yield f"  said {_last(sensor, site, now)}; {_verdict(sensor).plain}"
    if sensor["interval_s"]:
        yield f"  speaks every {_about(sensor['interval_s'])}"
    if sensor["silent_at"]:
        is_silent = datetime.fromisoformat(sensor["silent_at"]) < now
        when = local(sensor["silent_at"], site)
        yield f"  silent since {when}" if is_silent else f"  silent from {when} on, unless it is heard"
    if sensor["skew_s"] is not None:
        yield f"  its clock: {_skew(sensor['skew_s'])}"
    if "bridge" in sensor:
        yield f"  its {sensor['bridge']} is silent"


def _by(assigned: Mapping[str, Any]) -> str:
    return printable(f"{assigned['by']} ({assigned['role']})")


def _offset(offset: Mapping[str, Any], site: Site) -> str:
    since = f" from {local(offset['from'], site)} on" if offset["from"] else ""
    return f", corrected by {offset['temperature_f']:+g} °F and {offset['humidity']:+g} % of humidity{since}"


def _reading(reading: Mapping[str, Any], site: Site) -> tuple[str | Text, ...]:
    values = (
        value_words(quantity, value, reading["units"][quantity])
        for quantity, value in reading["values"].items()
    )
    stamp = printable(reading["stamp"]) if reading["stamp"] else None
    device = _to_second(reading["device_at"], site)
    return (
        _to_second(reading["observed_at"], site),
        ", ".join(values),
        _verdict(reading),
        f"{stamp} (not believed)" if stamp else device,
        _to_second(reading["gateway_at"], site),
        _to_second(reading["received_at"], site),
        "–" if reading["skew_s"] is None else _skew(reading["skew_s"]),
    )


def _to_second(text: str | None, site: Site) -> str:
    return "–" if text is None else f"{datetime.fromisoformat(text).astimezone(site.timezone):%d %b %H:%M:%S}"


def _skew(skew_s: float) -> str:
    if abs(skew_s) < 1:
        return "right"
    return f"{_about(abs(skew_s))} {'ahead' if skew_s > 0 else 'behind'}"


def _about(seconds: float) -> str:
    for unit, size in _AGES:
        if seconds >= size.total_seconds():
            return f"{seconds / size.total_seconds():.1f}".removesuffix(".0") + f" {unit}"
    return f"{seconds:.0f} s"


def _section(console: Console, heads: Sequence[str], rows: Sequence[Sequence[str | Text]]) -> None:
    console.print()
    if console.is_terminal:
        console.print(_table(heads, rows))
    else:
        _lines(console, heads, rows)


def _table(heads: Sequence[str], rows: Iterable[Sequence[str | Text]]) -> Table:
    table = Table(*(Column(head, overflow="fold") for head in heads), box=None)
    for row in rows:
        table.add_row(*(Text(cell) if isinstance(cell, str) else cell for cell in row))
    return table


def _lines(console: Console, heads: Sequence[str], rows: Sequence[Sequence[str | Text]]) -> None:
    """Print columns as wide as they need to be: one line stays one line."""
    cells = [list(heads), *([str(cell) for cell in row] for row in rows)]
    widths = [max(len(row[n]) for row in cells) for n in range(len(heads))]
    for row in cells:
        padded = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        console.print("  ".join(padded).rstrip(), soft_wrap=True, highlight=False, markup=False)
