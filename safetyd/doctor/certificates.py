"""Until when the certificates hold that are in use here, as findings.

Rule: one that deploy/mosquitto/certificates.sh has made says by which words of it the next one comes.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from safetyd.certificates import Certificate, Use, named, of_connection, used
from safetyd.doctor.finding import Finding, State
from safetyd.settings import Settings

EXPIRY_DAYS = 30
AUTHORITY_DAYS = 730  # before every device needs another; certificates.sh warns as early
_AREA = "certificates"
_SCRIPT = "deploy/mosquitto/certificates.sh"
_TIMER = "does so in time: is it on? systemctl list-timers safetyd-certificates.timer"
_MENDS = {
    Use.SERVER: f"{_SCRIPT} server makes the next one; safetyd-certificates.timer {_TIMER}",
    Use.NODE: f"{_SCRIPT} node, with its names as before, makes the next one",
    Use.CLIENT: f"move it away, then {_SCRIPT} client NAME; give the new one and its key to whoever has it",
    Use.AUTHORITY: f"move ca.pem and ca.key away; {_SCRIPT} makes another; give its ca.pem to every device",
}


def certificate_findings(
    settings: Settings, of_brokers: Mapping[str, bytes], now: datetime
) -> Iterator[Finding]:
    """Yield how long each still holds: the one that each broker shows, those in use, those that are named."""
    for where, der in of_brokers.items():
        whose = "the broker's own" if len(settings.mqtt.places) == 1 else f"the one of {where}"
        yield certificate_finding(of_connection(whose, der), now)
    yield from (certificate_finding(each, now) for each in used(settings))
    for pattern in settings.doctor.certificates:
        found = list(named(pattern))
        yield from (certificate_finding(each, now) for each in found)
        if not found:
            do = f"for sensors on the network: {_SCRIPT} server NAME; else leave it out of [doctor]"
            yield Finding(_AREA, pattern, State.UNCHECKED, "none is there", do)
    if not of_brokers and not settings.doctor.certificates:
        do = '[doctor] certificates = ["/etc/mosquitto/certs/*.pem"], or where the broker has its own'
        words = "the broker shows us none; what it shows to sensors is not known"
        yield Finding(_AREA, "the sensors' broker", State.UNCHECKED, words, do)


def certificate_finding(found: Certificate, now: datetime) -> Finding:
    """Return how long a certificate still holds."""
    if found.wrong or found.begins_at is None or found.ends_at is None:
        words = found.wrong or "it does not say until when it holds"
        do = "a certificate as PEM, readable for safetyd: chmod a+r (it is no secret), a+rx for its folder"
        return Finding(_AREA, found.whose, State.BAD, words, do)
    if now < found.begins_at:
        words = f"holds from {found.begins_at:%Y-%m-%d %H:%M} UTC only"
        return Finding(_AREA, found.whose, State.BAD, words, "look at this machine's clock first")
    do = "renew it, and put the new one in its place" if found.use is None else _MENDS[found.use]
    limit = timedelta(days=AUTHORITY_DAYS if found.use is Use.AUTHORITY else EXPIRY_DAYS)
    left = found.ends_at - now
    words = f"until {found.ends_at:%Y-%m-%d}"
    if left < timedelta(0):
        return Finding(_AREA, found.whose, State.BAD, f"{words}: it has expired", do)
    if left < limit:
        return Finding(_AREA, found.whose, State.WARN, f"{words}: {left.days} days are left", do)
    return Finding(_AREA, found.whose, State.OK, words)
