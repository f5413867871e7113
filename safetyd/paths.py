"""Exact paths into a JSON document: `a.b`, `['key.with.dots']`, `[0]`, `[name=x]`, `*`, `[*]`, `key_{}`.

Rule: a key is matched as it is written. `{}` stands for digits, `*` for any one key, `[*]` for each element
of a list (or the value itself where there is no list); what a wildcard stood for names the channel.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from safetyd.faults import Misfit, shown

_STEP = re.compile(
    r"""\.?(?: \['(?P<quoted>[^']+)'\] | \[(?P<index>\d{1,4})\] | \[(?P<each>\*)\]
    | \[(?P<name>[^\[\]=']+)=(?P<wanted>[^\[\]']*)\] | (?P<key>[^.\[\]']+) )""",
    re.VERBOSE,
)
WHOLE = "$"


class Each(NamedTuple):
    """Any key (`pattern` None), or one of a pattern; each element of a list for `is_list`."""

    pattern: str | None = None
    is_list: bool = False


class Named(NamedTuple):
    """The object in a list whose `key` is `wanted`."""

    key: str
    wanted: str


Key = str | int | Each | Named
Path = tuple[Key, ...]


def read_path(value: object) -> Path:
    """Return the steps of a path; `$` is the whole document."""
    if not isinstance(value, str) or not value or len(value) > 500:
        raise Misfit(f"{shown(value)} is no path", "one such as object.temperature or tags[name=t].value")
    if value == WHOLE:
        return ()
    steps: list[Key] = []
    at = 0
    while at < len(value):
        found = _STEP.match(value, at)
        if found is None or (found[0].startswith(".") and not steps):
            raise Misfit(f"{shown(value)} is no path from {shown(value[at:])} on", "keys with dots between")
        steps.append(_key(found))
        at = found.end()
    return tuple(steps)


def _key(found: re.Match[str]) -> Key:
    if found["index"] is not None:
        return int(found["index"])
    if found["each"] is not None:
        return Each(is_list=True)
    if found["name"] is not None:
        return Named(found["name"], found["wanted"])
    key = found["quoted"] or found["key"]
    if key == "*":
        return Each()
    return Each(re.escape(key).replace(r"\{\}", r"\d+")) if "{}" in key else key


def written(path: Path) -> str:
    """Return a path as people write it."""
    text = ""
    for key in path:
        if isinstance(key, int):
            text += f"[{key}]"
        elif isinstance(key, Named):
            text += f"[{key.key}={key.wanted}]"
        elif isinstance(key, Each) and key.is_list:
            text += "[*]"
        else:
            pattern = "*" if isinstance(key, str) else key.pattern or "*"
            plain = key if isinstance(key, str) else pattern.replace("\\d+", "{}").replace("\\", "")
            text += f"['{plain}']" if "." in plain else f".{plain}"
    return text.removeprefix(".") or WHOLE


Getter = Callable[[Any], Any]


def getter(path: Path) -> Getter:
    """Return what finds the value at a path without wildcards; None where nothing is."""
    if not path:
        return lambda document: document
    if all(isinstance(key, str) for key in path):
        first, *rest = path
        if not rest:
            return lambda document: document.get(first) if type(document) is dict else None

        def find(document: Any) -> Any:
            if type(document) is not dict:
                return None
            found = document.get(first)
            for key in rest:
                if type(found) is not dict:
                    return None
                found = found.get(key)
            return found

        return find

    def step(document: Any) -> Any:
        return next((value for _, value in walk(document, path)), None)

    return step


def has_wildcard(path: Path) -> bool:
    """Return whether a path may lead to several values."""
    return any(isinstance(key, Each) for key in path)


def walk(document: Any, path: Sequence[Key], channel: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every value at a path with its channel, the last thing a wildcard stood for."""
    if not path:
        yield channel, document
        return
    key, rest = path[0], path[1:]
    if isinstance(key, Each):
        yield from _each(document, key, rest, channel)
    elif isinstance(key, str):
        if isinstance(document, dict) and key in document:
            yield from walk(document[key], rest, channel)
    elif isinstance(document, list):
        if isinstance(key, Named):
            for item in document:
                if isinstance(item, dict) and str(item.get(key.key)) == key.wanted:
                    yield from walk(item, rest, channel)
                    return
        elif key < len(document):
            yield from walk(document[key], rest, channel)


def _each(document: Any, key: Each, rest: Sequence[Key], channel: str) -> Iterator[tuple[str, Any]]:
    if key.is_list:
        if not isinstance(document, list):
            yield from walk(document, rest, channel)
            return
        for number, item in enumerate(document, 1):
            yield from walk(item, rest, f"L{number}")
    elif isinstance(document, dict):
        for name, item in document.items():
            if key.pattern is None or _matches(key.pattern, name):
                yield from walk(item, rest, name)


def _matches(pattern: str, name: str) -> bool:
    return _compiled(pattern).fullmatch(name) is not None


@lru_cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.ASCII)
