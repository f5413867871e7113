"""Looks at everything, one area after the other.

Rule: what cannot be looked at is a finding like any other and ends nothing; a running daemon notices nothing.
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

from safetyd.bulletin import topics_heard
from safetyd.configuration import Loaded
from safetyd.doctor.broker import look
from safetyd.doctor.broker_findings import broker_findings
from safetyd.doctor.certificates import certificates
from safetyd.doctor.finding import Finding, State
from safetyd.doctor.machine import disk_of, has_battery_clock, runs_on
from safetyd.doctor.machine_findings import certificate_finding, clock_findings, disk_findings
from safetyd.doctor.outside import address_findings, influx_findings, ups_finding
from safetyd.doctor.record import store_findings, version_findings
from safetyd.doctor.served import served_findings
from safetyd.machine import is_synchronised
from safetyd.site import Site

Step = Callable[[str], None]


def examine(loaded: Loaded, now: datetime, step: Step) -> Iterator[Finding]:
    """Yield all findings; `step` is told what is being looked at."""
    settings = loaded.settings
    store = settings.store.path
    of_broker, of_server = None, list[Finding]()
    if store is None:
        is_running, of_server = served_findings(settings.store.url, now)
    else:
        is_running = runs_on(store)
    step("broker")
    if settings.mqtt.embedded:
        words = "safetyd runs one of its own; it is for trying things out"
        yield Finding("broker", "embedded", State.WARN, words, "use Mosquitto with deploy/mosquitto.conf")
    else:
        seen = look(
            settings.mqtt, topics_heard(loaded.site, settings.mqtt), _places(loaded.site, settings.mqtt.root)
        )
        of_broker = seen.certificate
        yield from broker_findings(seen, is_running=bool(is_running))
    step("store and disk")
    yield from of_server if store is None else _of_file(store, now, is_running=is_running)
    step("clock")
    yield from clock_findings(is_synchronised(), has_battery=has_battery_clock())
    step("UPS")
    yield ups_finding(settings.ups)
    step("InfluxDB")
    yield from influx_findings(settings.influx)
    step("addresses")
    yield from address_findings(loaded)
    step("certificates")
    yield from (certificate_finding(each, now) for each in certificates(settings, of_broker))
    yield from version_findings()


def _of_file(store: Path, now: datetime, *, is_running: bool | None) -> Iterator[Finding]:
    free = 0
    try:
        disk = disk_of(store.parent)
    except OSError as error:
        do = "safetyd run makes the folder; else look at its owner"
        yield Finding("disk", "folder", State.WARN, f"{store.parent}: {error.strerror}", do)
    else:
        free = disk.free
        yield from disk_findings(disk)
    yield from store_findings(store, free, now, is_running=is_running)


def _places(site: Site, root: str) -> list[str]:
    """A topic on which a sensor of ours could send, if there is a room at all."""
    rooms = ((building.id, room.id) for building in site.buildings for room in building.rooms)
    return [f"{root}/readings/{building}/{room}" for building, room in rooms][:1]
