"""The safetyd of a building that is watched from afar, as the site file names it.

Rule: in a site file with one such building all are; what their own safetyds watch is not named here again.
"""

from dataclasses import dataclass
from datetime import timedelta

from safetyd.core.model import FROM_AFAR
from safetyd.faults import Misfit, shown
from safetyd.shapes import duration, text, topic, topic_level
from safetyd.site_sensors import Home
from safetyd.tables import Table

SILENT_AFTER = timedelta(seconds=190)  # three words of a minute, and told within 200 s of the last
LEAST = timedelta(minutes=2)  # one word may be late


@dataclass(frozen=True, slots=True)
class Outpost:
    """The safetyd of a building that is watched from afar: its client id, and below what it speaks here.

    `link` is the topic on which the bridge between its broker and ours says 1 or 0.
    """

    gateway: str
    root: str = "safetyd"
    link: str | None = None
    silent_after: timedelta = SILENT_AFTER


def read_outpost(table: Table, home: Home) -> Outpost | None:
    """Return what a `[[buildings]]` says of its gateway; None when it does not, and the fault is noted."""
    gateway = table.need("gateway", topic_level, "the client id of the safetyd that watches it there")
    root = table.get("root", _root, "safetyd")
    link = table.get("link", topic, None)
    silent_after = table.get("silent_after", _silent_after, SILENT_AFTER)
    if home.rooms:
        table.fault("rooms", "its own safetyd watches its rooms", "no rooms beside a gateway")
    if any(sensor.room is not None for sensor in home.sensors):
        table.fault("sensors", "its own safetyd watches its rooms", "none but witnesses of its mains")
    if home.id.endswith(FROM_AFAR):
        table.fault("id", f"tickets from afar end so: {shown(home.id)}", "another id")
    return None if gateway is None else Outpost(gateway, root, link, silent_after)


def _root(value: object) -> str:
    given = topic(text(value))
    if given.startswith(("/", "$")) or given.endswith("/"):
        raise Misfit(
            f"{shown(value)} begins no topic of a gateway", 'levels such as "safetyd" or "north/safetyd"'
        )
    return given


def _silent_after(value: object) -> timedelta:
    given = duration(value)
    if given < LEAST:
        raise Misfit(f"{shown(value)} is too short: a gateway speaks once a minute", 'at least "2m"')
    return given
