"""What of a configuration is said nowhere: what lets us in somewhere, and where people are told.

Rule: where an address leads is no secret; what looks like a key in it is, and so is a mailbox.
"""

import re
from collections.abc import Iterable, Iterator
from urllib.parse import unquote

from pydantic import BaseModel, SecretStr

from safetyd.configuration import Loaded

_KEY_OR_MAILBOX = re.compile(r"[\w-]{16,}|[\w.+-]+@[\w.-]+")
_SHORTEST = 6  # what is shorter would take other words away with it


def unspoken(loaded: Loaded) -> set[str]:
    """Return what nobody may read in a log."""
    told = [url for person in loaded.site.people for url in person.notify]
    return unspoken_of([*told, *_secrets(loaded.settings)])


def unspoken_of(secrets: Iterable[str]) -> set[str]:
    """Return each secret as a whole, and what must not be seen of it where it is an address."""
    found = set(secrets)
    for url in tuple(found):
        rest = unquote(url.partition("://")[2])
        account = rest.rpartition("@")[0]
        found |= {account, *account.split(":")[1:], *_KEY_OR_MAILBOX.findall(rest)}
    return {each for each in found if len(each) >= _SHORTEST}


def _secrets(value: object) -> Iterator[str]:
    if isinstance(value, SecretStr):
        yield value.get_secret_value()
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _secrets(getattr(value, name))
    elif isinstance(value, tuple):
        for each in value:
            yield from _secrets(each)
