"""`influx`: how far the record is copied to InfluxDB, and what was refused there, by our own store."""

from typing import Any

import typer

from safetyd.cli.application import Config, Json, app, print_json
from safetyd.cli.loading import loaded
from safetyd.sensor_objects import printable
from safetyd.store import replica
from safetyd.store.database import Connection, open_for_reading
from safetyd.store.replica import Stream
from safetyd.times import rfc3339_or_none

_NAMES = {Stream.READING: "readings", Stream.EPISODE: "episodes", Stream.TICKET_EVENT: "ticket events"}


@app.command("influx")
def influx_command(config: Config = None, as_json: Json = False) -> int:
    """How far the record is copied to InfluxDB, and which rows were refused there, with the reason.

    What is refused stays in our own store. Where the copy stands is saved every ten seconds.

    Example: safetyd influx --json
    """
    settings = loaded(config).settings
    if settings.influx is None:
        raise typer.BadParameter("nothing is copied: safetyd.toml has no [influx]")
    with open_for_reading(settings.store.url) as connection:
        shown = _copy(connection, settings.influx.target)
    if as_json:
        print_json(shown)
        return 0
    for stream in shown["streams"]:
        print(f"{stream['stream']}: copied up to row {stream['copied']:,} of {stream['newest']:,}")
    for each in shown["refused"]:
        print(f"refused: {each['stream']} {each['row']}: {printable(each['reason'])}")
        print(f"  {printable(each['line'])}")
    return 0


def _copy(connection: Connection, target: str) -> dict[str, Any]:
    rows = replica.copied(connection, target)
    return {
        "target": target,
        "streams": [
            {"stream": name, "copied": rows[stream], "newest": replica.newest(connection, stream)}
            for stream, name in _NAMES.items()
        ],
        "refused": [
            {
                "stream": _NAMES[each.stream],
                "row": each.row,
                "at": rfc3339_or_none(each.at),
                "reason": each.reason,
                "line": each.line,
            }
            for each in replica.uncopied(connection, target)
        ],
    }
