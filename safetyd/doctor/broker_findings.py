"""What was seen of the broker, as findings.

Rule: limits are judged by what the broker did with a queue of ours; what it merely says comes second.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from safetyd.doctor.finding import Finding, State

SENT = 1100  # more than the 1,000 that Mosquitto keeps for a client unless it is told otherwise
WINDOW = 1000  # what the daemon asks for
_LARGEST = 1 << 16  # bytes; no payload that safetyd reads is larger
_AREA = "broker"
_CONF = "deploy/mosquitto.conf has it"


class Seen(NamedTuple):
    """What a guest has seen at the broker; None is what it could not see.

    `refused`: why it was not let in. `status` is what the broker remembers of the daemon. `denied` are topics
    that our account may not write of what is `said`, `unheard` those that it may not subscribe to.
    `reads_all`: no access list holds us back. `unproved`: why no queue was tried. `kept` of SENT messages
    waited for who was away, `window` came before anything was acknowledged; `promised` is the window that the
    broker names, by which the daemon goes.
    `strangers`: whether who gives no name is let in, `strangers_write` whether they may send readings.
    """

    where: str
    refused: str = ""
    version: str = ""
    is_5: bool = True
    largest: int | None = None
    forgets_after_s: int | None = None
    status: str = ""
    said: tuple[str, ...] = ()
    denied: tuple[str, ...] | None = None
    unheard: tuple[str, ...] = ()
    reads_all: bool = False
    unproved: str = ""
    has_session: bool = False
    kept: int = 0
    window: int = 0
    promised: int | None = None
    strangers: bool | None = None
    strangers_write: bool | None = None
    is_open: bool | None = None  # whether it can be reached from other machines
    is_encrypted: bool = False
    certificate: bytes | None = None  # the broker's, DER


def broker_findings(seen: Seen, *, is_running: bool) -> Iterator[Finding]:
    """Yield what a broker is like; `is_running` says whether the daemon is at work now."""
    if seen.refused:
        do = "start the broker, or mend [mqtt]: host, port, tls, username, password_file"
        yield Finding(_AREA, "connection", State.BAD, f"{seen.where}: {seen.refused}", do)
        return
    yield Finding(_AREA, "connection", State.OK, f"{seen.where} lets us in")
    yield _version(seen.version)
    yield from _queue(seen)
    yield _packets(seen.largest)
    yield _status(seen.status, is_running=is_running)
    yield from _rights(seen)
    yield _strangers(seen)
    yield _encryption(seen)
    yield Finding(
        _AREA,
        "restart",
        State.UNCHECKED,
        "whether what waits outlives the broker shows only when it is restarted",
        f"persistence true and autosave_interval 30; {_CONF}",
    )


def shared_finding(shared: Mapping[str, bool]) -> Finding:
    """Return whether several brokers are one to us.

    `shared` says of each but the first whether it knows the sessions of that.
    """
    strangers = [where for where, knows in shared.items() if not knows]
    if not shared:
        do = "start them, and ask again"
        return Finding("brokers", "sessions", State.UNCHECKED, "fewer than two of them let us in", do)
    if strangers:
        words = f"what waits for us at the first is not known to {', '.join(strangers)}"
        do = "make them one cluster (deploy/nats), or name one only: a move between them leaves a gap"
        return Finding("brokers", "sessions", State.WARN, words, do)
    return Finding("brokers", "sessions", State.OK, "each knows a session that began at the first")


def _version(version: str) -> Finding:
    if not version:
        do = "let our account read $SYS/broker/version, or look at it yourself"
        return Finding(_AREA, "version", State.UNCHECKED, "it does not say", do)
    major = version.removeprefix("mosquitto version ").partition(".")[0]
    if version.startswith("mosquitto") and major in ("0", "1"):
        return Finding(_AREA, "version", State.WARN, version, "install Mosquitto 2")
    return Finding(_AREA, "version", State.OK, version)


def _queue(seen: Seen) -> Iterator[Finding]:
    if seen.unproved:
        do = "mend it and ask again: how many messages wait for us shows only with a queue of our own"
        yield Finding(_AREA, "queue", State.UNCHECKED, seen.unproved, do)
        return
    if not seen.has_session or not seen.kept:
        seen_words = f"of {SENT:,} messages sent while we were away {seen.kept:,} were kept"
        do = "use a broker that keeps persistent sessions and queues for them, such as Mosquitto 2"
        yield Finding(_AREA, "session", State.BAD, seen_words, do)
        return
    if seen.forgets_after_s is not None:
        words = f"it forgets us after {seen.forgets_after_s / 3600:,.1f} h"
        yield Finding(_AREA, "session", State.WARN, words, "let sessions last for ever in the broker")
    else:
        yield Finding(_AREA, "session", State.OK, "it kept ours while we were away")
    if seen.kept < SENT:
        words = f"of {SENT:,} messages it kept {seen.kept:,} and silently dropped the rest"
        do = f"max_queued_messages 10000000 and max_queued_bytes 67108864, then restart the broker; {_CONF}"
        yield Finding(_AREA, "queue", State.BAD, words, do)
    else:
        yield Finding(_AREA, "queue", State.OK, f"it kept all of {SENT:,} messages; no more were tried")
    window = seen.window if seen.promised is None else min(seen.window, seen.promised)
    if window < WINDOW:
        words = f"{window:,} messages come before the first is acknowledged; {WINDOW:,} are asked for"
        do = f"max_inflight_messages 1000, then restart the broker; {_CONF}"
        yield Finding(_AREA, "window", State.WARN, words, do)
    else:
        yield Finding(_AREA, "window", State.OK, f"{window:,} messages")


def _packets(largest: int | None) -> Finding:
    if largest is not None and largest < _LARGEST:
        words, do = f"messages of at most {largest:,} bytes", "raise message_size_limit in the broker"
        return Finding(_AREA, "message size", State.WARN, words, do)
    return Finding(_AREA, "message size", State.OK, "it names no limit that readings meet")


def _status(status: str, *, is_running: bool) -> Finding:
    if status == "online" and not is_running:
        words = "it believes that safetyd is online, and none runs on this store"
        do = "look whether another safetyd has our client_id, or the broker has not noticed yet"
        return Finding(_AREA, "our status", State.WARN, words, do)
    if is_running and status != "online":
        words = f"safetyd runs, and the broker knows it as {status or 'nobody'}"
        do = "look at the log of safetyd, and whether our account may write its status topic"
        return Finding(_AREA, "our status", State.BAD, words, do)
    return Finding(_AREA, "our status", State.OK, status or "safetyd has not been here yet")


def _rights(seen: Seen) -> Iterator[Finding]:
    if seen.denied is None:
        words = "this broker or MQTT version does not say what our account may write"
        yield Finding(_AREA, "our rights to write", State.UNCHECKED, words, "look at its access list")
    elif seen.denied:
        do = "let our account write these in the broker's access list"
        yield Finding(_AREA, "our rights to write", State.BAD, f"refused: {', '.join(seen.denied)}", do)
    else:
        yield Finding(_AREA, "our rights to write", State.OK, ", ".join(seen.said))
    if seen.unheard:
        do = (
            "let our account read these in the broker's access list; NATS takes no space in a topic, and "
            "65,535 divided by max_ack_pending subscriptions (one that ends in # counts twice)"
        )
        yield Finding(_AREA, "our rights to read", State.BAD, f"refused: {', '.join(seen.unheard)}", do)
    elif seen.reads_all:
        words = "every subscription is granted, and no access list holds us back"
        yield Finding(_AREA, "our rights to read", State.OK, words)
    elif not seen.version or seen.version.startswith("mosquitto"):
        words = "every subscription is granted, but Mosquitto grants what it then withholds, too"
        do = "look at its access list (as deploy/mosquitto has it: topic read #), and at safetyd sensors"
        yield Finding(_AREA, "our rights to read", State.UNCHECKED, words, do)
    else:
        yield Finding(_AREA, "our rights to read", State.OK, "every subscription is granted")


def _strangers(seen: Seen) -> Finding:
    about = "who gives no name"
    if seen.strangers is False:
        return Finding(_AREA, about, State.OK, "is not let in")
    if seen.strangers is None:
        return Finding(_AREA, about, State.UNCHECKED, "it could not be tried", "allow_anonymous false")
    if seen.strangers_write is False:
        return Finding(_AREA, about, State.OK, "is let in, and may send no readings")
    may = "may send readings" if seen.strangers_write else "is let in, and perhaps may send readings"
    if seen.is_open is False:
        return Finding(_AREA, about, State.OK, f"{may}, from this machine only")
    do = "allow_anonymous false, an account for each sensor, and an access list"
    return Finding(_AREA, about, State.WARN, f"{may}, from any machine that reaches the broker", do)


def _encryption(seen: Seen) -> Finding:
    if seen.is_encrypted:
        return Finding(_AREA, "encryption", State.OK, "TLS")
    if seen.is_open is False:
        return Finding(_AREA, "encryption", State.OK, "none, and none is needed on this machine")
    words = "readings and passwords go over the network in the clear"
    do = "a listener with certfile and keyfile, and tls = true in [mqtt]"
    return Finding(_AREA, "encryption", State.WARN, words, do)
