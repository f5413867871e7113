"""What one value of `safetyd.toml` may look like where the environment may give it too, as plain text.

Rule: the text of a variable means what the same value means in the file.
"""

import json
import re
from collections.abc import Callable
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import SecretStr

from safetyd.faults import Misfit, shown
from safetyd.shapes import address, choice, duration, flag, listener, text, topic_filter, whole_within

_FLAGS = {
    "true": True,
    "1": True,
    "yes": True,
    "on": True,
    "false": False,
    "0": False,
    "no": False,
    "off": False,
}


SHORTEST_KEPT = timedelta(days=10)  # a reading may come a week late, and is judged then by those before it


def flag_or_word(value: object) -> bool:
    """Return true or false, also from their words."""
    return flag(_FLAGS.get(value.lower(), value) if isinstance(value, str) else value)


def whole_or_word(low: int, high: int) -> Callable[[object], int]:
    """Return a reader of whole numbers that may be written as text."""
    read = whole_within(low, high)

    def read_text(value: object) -> int:
        return read(int(value) if isinstance(value, str) and re.fullmatch("[0-9]{1,9}", value) else value)

    return read_text


def paths(value: object) -> tuple[str, ...]:
    """Return paths or globs: a list; as text one path, several with commas, or a JSON list."""
    return _listed(value, 'paths of site files, such as ["site.toml"]', text)


def certificate_files(value: object) -> tuple[str, ...]:
    """Return paths or globs of certificates, written as `paths` are."""
    return _listed(value, 'paths of certificates, such as ["/etc/mosquitto/certs/*.pem"]', text)


def filters(value: object) -> tuple[str, ...]:
    """Return topics and filters, written as `paths` are."""
    return _listed(value, 'topics, such as ["zigbee2mqtt/+"]', topic_filter)


def _listed(value: object, expected: str, read: Callable[[object], str]) -> tuple[str, ...]:
    is_json = isinstance(value, str) and value.startswith("[")
    return tuple(map(read, listed(value, expected, is_json=is_json)))


def listed(value: object, expected: str, *, is_json: bool) -> list[object]:
    """Return a list of anything: as text with commas, or a JSON list."""
    if isinstance(value, str) and is_json:
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            raise Misfit(f"{shown(value)} is not a list", expected) from None
    given = value.split(",") if isinstance(value, str) else value
    if not isinstance(given, list) or not given:
        raise Misfit("no list of anything stands here", expected)
    return given


def path(value: object) -> Path:
    """Return a file's path, as it was given."""
    return Path(text(value))


def secret(value: object) -> SecretStr:
    """Return a secret, which is never quoted."""
    if not isinstance(value, str) or not value.isprintable() or not value:
        raise Misfit("what stands here is no secret (not shown)", "one line of text")
    return SecretStr(value)


def secret_url(value: object) -> SecretStr:
    """Return a web address that is a secret as a whole."""
    return SecretStr(_web(value))


def plain_url(value: object) -> str:
    """Return a web address without a name or password in it."""
    given = _web(value)
    if "@" in urlsplit(given).netloc:
        raise Misfit("a name or password stands in this address (not shown)", "token_file for the secret")
    return given


def safe_url(value: object) -> str:
    """Return a web address that is reached over TLS, or is on this machine."""
    url = plain_url(value)
    parts = urlsplit(url)
    if parts.scheme.lower() != "https" and not _is_here(parts.hostname or ""):
        raise Misfit("what is told would go over the network in the clear", "https://… (http:// on loopback)")
    return url


def _is_here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def page_url(value: object) -> str:
    """Return a web address to which the path of a page can be added; it stands in messages to people."""
    given = _web(value)
    parts = urlsplit(given)
    if "@" in parts.netloc:
        raise Misfit("a name or password stands in this address (not shown)", "https://host… without them")
    if parts.query or parts.fragment:
        raise Misfit(
            "this address ends in a query or fragment (not shown)", "https://host or https://host/path"
        )
    return given.rstrip("/")


def _web(value: object) -> str:
    given = address(value)
    if not re.match("https?://", given, re.IGNORECASE):
        raise Misfit(f"{given.partition(':')[0]} is not the web", "http://… or https://…")
    try:
        host = urlsplit(given).hostname
    except ValueError:
        host = None
    if not host:
        raise Misfit("this address has no host (not shown)", "http://host… or https://host…")
    return given


def mailbox(value: object) -> str:
    """Return a mail address alone, without a name; it is not quoted."""
    if not isinstance(value, str) or not re.fullmatch(r"[!-?A-~]+@[A-Za-z0-9.-]+", value):
        raise Misfit("what stands here is no mail address (not shown)", "name@host")
    return value


def listener_or_off(value: object) -> str | None:
    """Return `host:port` to listen on, None for false."""
    word = _FLAGS.get(value.lower(), value) if isinstance(value, str) else value
    return None if word is False else listener(value)


def ups_name(value: object) -> str:
    """Return the name by which upsd knows a UPS."""
    if not isinstance(value, str) or not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", value):
        raise Misfit(f"{shown(value)} is no name of a UPS", "the name in brackets in NUT's ups.conf")
    return value


def log_level(value: object) -> str:
    """Return a level's name in small letters."""
    levels = ("debug", "info", "warning", "error")
    return choice("level", levels)(value.lower() if isinstance(value, str) else value)


def log_format(value: object) -> str:
    """Return the name of a form of log lines: key=value, or a JSON object each."""
    return choice("form", ("logfmt", "json"))(value)


def kept(value: object) -> timedelta:
    """Return for how long something is kept: longer than a late reading may reach back."""
    span = duration(value)
    if span < SHORTEST_KEPT:
        raise Misfit(f"{shown(value)} is too short", 'at least "10d": a reading may come a week late')
    return span
