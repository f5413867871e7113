"""Looks at who is outside: the UPS, the copy in InfluxDB, every address that is told something.

Rule: nobody is told anything. An address is looked at for its form, and whether somebody listens at its host
and port; of it only scheme and host are shown.
"""

import json
import select
import socket
import ssl
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from safetyd.clock import now
from safetyd.configuration import Loaded
from safetyd.doctor.finding import Finding, State
from safetyd.history.influx.door import Door
from safetyd.ingest.message import Message
from safetyd.ingest.upsd import Upsd
from safetyd.notify.request import why_not
from safetyd.notify.sender import Where, where
from safetyd.setting_outside import Influx
from safetyd.settings import Settings, Ups

_CONNECT_S, _UPS_S = 3.0, 5.0
_LOW = 50.0  # percent of a battery
_PORTS = {"http": 80, "https": 443}


def ups_finding(ups: Ups | None) -> Finding:
    """Return what the UPS says, as the daemon asks it."""
    about = "UPS"
    if ups is None:
        do = "[ups] makes a UPS on this machine a witness, and leaves time for last words"
        return Finding(about, "upsd", State.UNCHECKED, "none is configured", do)
    asked = Upsd(ups.host, ups.port, ups.name, timedelta(seconds=1), now, topic="doctor")
    try:
        heard = _heard(asked)
        fault, is_dying = asked.fault, asked.is_dying
    finally:
        asked.close()
    if fault or not heard:
        words = fault or f"no answer within {_UPS_S:.0f} s"
        return Finding(about, ups.name, State.BAD, words, "look at upsd and at [ups]: name, host, port")
    said = json.loads(heard[0].payload)
    battery = said.get("battery")
    charge = "" if battery is None else f", battery {battery:.0f} %"
    if is_dying:
        return Finding(about, ups.name, State.BAD, f"it is about to end{charge}", "bring the mains back")
    if not said["mains"]:
        return Finding(about, ups.name, State.WARN, f"on battery{charge}", "bring the mains back")
    if battery is not None and battery < _LOW:
        do = "let it charge; if it does not, its battery is worn out"
        return Finding(about, ups.name, State.WARN, f"on mains{charge}", do)
    return Finding(about, ups.name, State.OK, f"on mains{charge}")


def _heard(asked: Upsd) -> list[Message]:
    give_up_at = time.monotonic() + _UPS_S
    while time.monotonic() < give_up_at:
        heard = asked.tend(now())
        if heard or asked.fault:
            return heard
        connected = asked.socket()
        waits = [] if connected is None else [connected]
        select.select(waits, waits if asked.wants_to_write else [], [], 0.05)
    return []


def influx_findings(influx: Influx | None) -> Iterator[Finding]:
    """Yield whether the copy answers, and can be read."""
    about = "InfluxDB"
    if influx is None:
        do = "[influx] keeps a copy of the record for years of history and Grafana; it may be left out"
        yield Finding(about, "copy", State.UNCHECKED, "none is configured", do)
        return
    parts = urlsplit(influx.url)
    place = Where(parts.hostname or "", parts.port or _PORTS[parts.scheme.lower()])
    fault = _fault(place)
    if fault:
        do = "start it, or mend url in [influx]"
        yield Finding(about, "connection", State.BAD, f"{place.words}: {fault}", do)
        return
    yield Finding(about, "connection", State.OK, place.words)
    door = Door(influx)
    try:
        answer, found = door.ask('SELECT "value" FROM "reading" LIMIT 1')
    finally:
        door.close()
    why = next((each["error"] for each in _results(found) if "error" in each), "")
    if answer.status is None or answer.status >= 300 or why:
        words = why or f"{answer.status or 'no answer'}: {answer.words}"
        yield Finding(about, influx.bucket, State.BAD, words, "mend bucket, org, token_file in [influx]")
    else:
        has_any = any(each.get("series") for each in _results(found))
        words = "it can be read" + ("" if has_any else "; no reading is there yet")
        yield Finding(about, influx.bucket, State.OK, words)


def _results(found: Any) -> list[dict[str, Any]]:
    return list(found.get("results", ())) if isinstance(found, dict) else []


def address_findings(loaded: Loaded) -> Iterator[Finding]:
    """Yield of each address whether it can be understood, and whether somebody listens there."""
    area, people = "addresses", loaded.site.people
    if not any(person.notify for person in people):
        yield Finding(
            area, "people", State.BAD, "nobody has an address: no notice reaches anybody", "notify = […]"
        )
    known: dict[Where, str] = {}
    for person in people:
        for number, url in enumerate(person.notify, 1):
            about = f"{person.name}: address {number} ({url.partition('://')[0]})"
            found = where(url)
            if found is None:
                do = "look it up at apprise's list of services; safetyd notify test sends there"
                yield Finding(area, about, State.BAD, "it is not understood", do)
            elif not found.host:
                do = f'safetyd notify test --person "{person.name}" sends there'
                yield Finding(area, about, State.UNCHECKED, "only its plug-in knows where it leads", do)
            else:
                yield _listens(area, about, found, known)
    for about, url in _told(loaded.settings):
        parts = urlsplit(url)
        place = Where(parts.hostname or "", parts.port or _PORTS.get(parts.scheme.lower(), 0))
        yield _listens(area, about, place, known)


def _told(settings: Settings) -> Iterator[tuple[str, str]]:
    """Who else is told something by this configuration."""
    heartbeat, last, audit = settings.heartbeat, settings.last_resort, settings.audit
    if heartbeat is not None:
        yield "[heartbeat] url", heartbeat.url.get_secret_value()
    if last is not None and last.url is not None:
        yield "[last_resort] url", last.url.get_secret_value()
    if last is not None and last.smtp_host is not None:
        yield "[last_resort] smtp_host", f"smtp://{last.smtp_host}:{last.smtp_port}"
    for name in ("head_url", "timestamp_url"):
        found = getattr(audit, name)
        if found is not None:
            yield f"[audit] {name}", found.get_secret_value()
    for hook in settings.webhook:
        yield f"[[webhook]] {hook.name}", hook.url.get_secret_value()
    if settings.oidc is not None:
        yield "[oidc] issuer", settings.oidc.issuer


def _listens(area: str, about: str, place: Where, known: dict[Where, str]) -> Finding:
    if place not in known:
        known[place] = _fault(place)
    if known[place]:
        do = "look at name, port and firewall; nothing can be told there"
        return Finding(area, about, State.BAD, f"{place.words}: {known[place]}", do)
    return Finding(area, about, State.OK, f"somebody listens at {place.words}; nothing was said")


def _fault(place: Where) -> str:
    """Why nobody is reached at a host and port, nothing if somebody is; nothing is said there."""
    try:
        socket.create_connection((place.host, place.port), timeout=_CONNECT_S).close()
    except (OSError, ssl.SSLError, UnicodeError, OverflowError) as error:
        return why_not(error, _CONNECT_S)
    return ""
