"""`[[webhook]]` of safetyd.toml: which programs are told of ticket events, and the secret each knows us by.

Rule: a hook is reached over TLS, or is on this machine; of its address only the host is ever shown, and of
its secret nothing. The secret has the form that Standard Webhooks gives it.
"""

import binascii
from base64 import b64decode
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from pydantic import SecretStr

from safetyd.core.closure import ClosureVerb
from safetyd.credentials import located
from safetyd.faults import Fault, Misfit, shown
from safetyd.setting_shapes import safe_url
from safetyd.shapes import choice, identifier, text
from safetyd.tables import Table, read_secret

# fmt: off
EVENTS = frozenset((
    "opened", "recurred", "ended", "acknowledged", "relieved", "note", "extended", "disputed",
    "dispute_withdrawn", "closed", "reopened", "missed", "escalated", "began_earlier", "goes_on",
    "confirmed", "second_limb", "ambiguous", "joined", "own_closed", "heard_again", "register",
    "calendar_changed", "shelved", "unshelved", "measured", "witnessed", "notice", "location",
    *ClosureVerb,
))
# fmt: on
_SECRET = "whsec_"  # noqa: S105  how one begins
_SHORTEST, _LONGEST = 24, 64  # bytes of a secret, as Standard Webhooks has it
_EXPECTED = (
    f'"{_SECRET}" and base64 of {_SHORTEST} to {_LONGEST} bytes: echo {_SECRET}$(openssl rand -base64 32)'
)


class Webhook(NamedTuple):
    """One hook. No building and no event mean every one; `name` is what it is called in words."""

    name: str
    url: SecretStr
    secret: SecretStr
    buildings: tuple[str, ...] = ()
    events: tuple[str, ...] = ()

    @property
    def key(self) -> bytes:
        """The bytes that messages are signed with."""
        return b64decode(self.secret.get_secret_value().removeprefix(_SECRET))


def read_hooks(
    content: Mapping[str, object], file: Path, environ: Mapping[str, str], faults: list[Fault]
) -> tuple[Webhook, ...]:
    """Return the hooks without a fault; every fault is noted."""
    found: dict[str, Webhook] = {}
    for table in Table(str(file), "", content, faults).tables("webhook"):
        url = table.need("url", safe_url, "https://host/path")
        secret = _secret(table, file.parent, environ)
        buildings = table.each("buildings", identifier, "a list of the buildings' ids")
        events = table.each("events", choice("event", EVENTS), "a list of events")
        table.done()
        if url is None or secret is None:
            continue
        if url in found:
            table.fault("url", "this hook stands here twice", "each address once, with all its events")
            continue
        name = _name(url, [each.name for each in found.values()])
        found[url] = Webhook(name, SecretStr(url), secret, buildings, events)
    return tuple(found.values())


def _secret(table: Table, folder: Path, environ: Mapping[str, str]) -> SecretStr | None:
    def of_file(value: object) -> SecretStr:
        told = text(value)
        return _checked(read_secret(located(folder, told, environ), told))

    def of_environment(value: object) -> SecretStr:
        name = text(value)
        if not environ.get(name):
            raise Misfit(f"the environment has no {shown(name)}", "a variable that holds the secret")
        return _checked(environ[name].strip())

    if "secret" in table:
        table.fault("secret", "a secret does not stand in this file", "secret_file, or secret_env")
        return None
    if "secret_env" in table and "secret_file" in table:
        table.fault("secret_env", "secret_file stands beside it", "one of them")
        return None
    if "secret_env" in table:
        return table.get("secret_env", of_environment, None)
    return table.need("secret_file", of_file, "the file of the secret; or secret_env, a variable's name")


def _checked(secret: str) -> SecretStr:
    try:
        key = b64decode(secret.removeprefix(_SECRET), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not secret.startswith(_SECRET) or not _SHORTEST <= len(key) <= _LONGEST:
        raise Misfit("what is there is no such secret (not shown)", _EXPECTED)
    return SecretStr(secret)


def _name(url: str, taken: Sequence[str]) -> str:
    """The host, with a number where others are there too."""
    host = urlsplit(url).netloc.lower()
    names = [host, *(f"{host} ({number})" for number in range(2, len(taken) + 2))]
    return next(name for name in names if name not in taken)
