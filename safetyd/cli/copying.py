"""`influx`: how far the record is copied to InfluxDB, and what was refused there, by our own store."""

import sys
from contextlib import closing
from typing import Annotated, Any

import typer

from safetyd.cli.application import Config, Json, app, print_json
from safetyd.cli.loading import loaded
from safetyd.configuration import Loaded
from safetyd.history.influx.again import send_again
from safetyd.history.influx.reads import InfluxError
from safetyd.history.tails import sensors_of
from safetyd.sensor_objects import printable
from safetyd.setting_outside import Influx
from safetyd.store import replica
from safetyd.store.database import Connection, open_for_reading, open_for_writing
from safetyd.store.replica import KEPT_REFUSED, Stream
from safetyd.times import rfc3339_or_none

_NAMES = {Stream.READING: "readings", Stream.EPISODE: "episodes", Stream.TICKET_EVENT: "ticket events"}


@app.command("influx")
def influx_command(
    resend: Annotated[
        bool, typer.Option("--resend", help="Send what was refused once more, now that it is mended.")
    ] = False,
    config: Config = None,
    as_json: Json = False,
) -> int:
    """How far the record is copied to InfluxDB, and which rows were refused there, with the reason.

    What is refused stays in our own store. Where the copy stands is saved every ten seconds.

    Example: safetyd influx --resend
    """
    configuration = loaded(config)
    settings = configuration.settings
    if settings.influx is None:
        raise typer.BadParameter("nothing is copied: safetyd.toml has no [influx]")
    if resend:
        _resend(settings.influx, configuration)
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
    if shown["more_refused"]:
        print(f"and {shown['more_refused']:,} older ones, which stand in our own store")
    return 0


def _resend(influx: Influx, configuration: Loaded) -> None:
    """Send what was refused once more, and take off the record what is there now."""
    store_url, root = configuration.settings.store.url, configuration.settings.mqtt.root
    with open_for_reading(store_url) as connection:
        sent = send_again(influx, connection, lambda opened: sensors_of(opened, configuration.site, root))
    if sent.rows:
        with closing(open_for_writing(store_url)) as writer:  # a moment's work, as a command in the inbox is
            replica.no_longer_refused(writer, influx.target, sent.rows)
            writer.commit()
    print(f"sent again: {len(sent.rows):,} are there now, {sent.refused:,} are refused", file=sys.stderr)
    if sent.fault:
        raise InfluxError(f"InfluxDB at {influx.url} takes nothing ({sent.fault}); look at [influx]")


def _copy(connection: Connection, target: str) -> dict[str, Any]:
    rows, refused = replica.copied(connection, target), replica.uncopied(connection, target)
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
            for each in refused[:KEPT_REFUSED]
        ],
        "more_refused": max(0, len(refused) - KEPT_REFUSED),
    }
