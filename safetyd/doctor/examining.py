"""Looks at everything, one area after the other.

Rule: what cannot be looked at is a finding like any other and ends nothing; a running daemon notices nothing.
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

from safetyd.bulletin import topics_heard, topics_said
from safetyd.configuration import Loaded
from safetyd.doctor.broker import look, shared
from safetyd.doctor.broker_findings import broker_findings, shared_finding
from safetyd.doctor.certificates import certificate_findings
from safetyd.doctor.finding import Finding, State
from safetyd.doctor.machine import disk_of, has_battery_clock, runs_on
from safetyd.doctor.machine_findings import clock_findings, disk_findings
from safetyd.doctor.outside import address_findings, influx_findings, ups_finding
from safetyd.doctor.record import store_findings, version_findings
from safetyd.doctor.served import served_findings
from safetyd.doctor.smart import asked
from safetyd.machine import is_synchronised
from safetyd.site import Site

Step = Callable[[str], None]
_OF_GATEWAYS = ("record", "answer")  # what a centre hears of each


def examine(loaded: Loaded, now: datetime, step: Step) -> Iterator[Finding]:
    """Yield all findings; `step` is told what is being looked at."""
    settings = loaded.settings
    store = settings.store.path
    of_server = list[Finding]()
    if store is None:
        is_running, of_server = served_findings(settings.store.url, now)
    else:
        is_running = runs_on(store)
    of_brokers: dict[str, bytes] = {}
    step("broker")
    if settings.mqtt.embedded:
        words = "safetyd runs one of its own; it is for trying things out"
        yield Finding("broker", "embedded", State.WARN, words, "use Mosquitto with deploy/mosquitto.conf")
    else:
        yield from _of_brokers(loaded, of_brokers, is_running=bool(is_running))
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
    yield from certificate_findings(settings, of_brokers, now)
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
        yield from disk_findings(disk._replace(smart=asked(disk.device)))
    yield from store_findings(store, free, now, is_running=is_running)


def _of_brokers(loaded: Loaded, certificates: dict[str, bytes], *, is_running: bool) -> Iterator[Finding]:
    """Yield how each broker is, and whether several are one; each one's certificate is added."""
    mqtt = loaded.settings.mqtt
    each_alone = list(mqtt.alone())
    heard, places = topics_heard(loaded.site, loaded.settings), _places(loaded.site, mqtt.root)
    heard += [f"{each.root}/{kind}/{each.name}" for each in loaded.settings.gateways for kind in _OF_GATEWAYS]
    said = topics_said(loaded.site, loaded.settings)
    all_seen = [look(each, heard, said, places) for each in each_alone]
    is_elsewhere = any(seen.status == "online" for seen in all_seen)  # the daemon is at one of them
    for seen in all_seen:
        if seen.certificate is not None:
            certificates[seen.where] = seen.certificate
        is_here = is_running and (seen.status == "online" or not is_elsewhere)
        for found in broker_findings(seen, is_running=is_here):
            yield found if len(all_seen) == 1 else found._replace(area=f"broker {seen.where}")
    if len(all_seen) > 1:
        yield shared_finding(shared(each_alone))


def _places(site: Site, root: str) -> list[str]:
    """A topic on which a sensor of ours could send, if there is a room at all."""
    rooms = ((building.id, room.id) for building in site.buildings for room in building.rooms)
    return [f"{root}/readings/{building}/{room}" for building, room in rooms][:1]
