"""`KEY=VALUE` from a command line, as the table a file would have held.

Rule: a value means what it would mean in TOML, with the quotes left out where that is clear.
"""

import re
import tomllib
from collections.abc import Sequence

from safetyd.faults import Fault

_FILE = "--set"


def as_table(settings: Sequence[str], root: str, faults: list[Fault]) -> dict[str, object]:
    """Return what stands under `root`, nested by the dots of the keys; what is no KEY=VALUE is a fault."""
    table: dict[str, object] = {}
    example = f"{root}.heat.above_f=80"
    for setting in settings:
        key, equals, value = setting.partition("=")
        path = [part.strip() for part in key.split(".")]
        if not equals:
            faults.append(Fault(_FILE, key.strip() or "''", "it has no =", f"KEY=VALUE, such as {example}"))
        elif path[0] != root or len(path) < 2 or not all(path):
            expected = f"a key that begins with {root}., such as {example}"
            faults.append(Fault(_FILE, key.strip() or "''", "nobody knows this key", expected))
        else:
            _put(table, path[1:], _value(value.strip()))
    return table


def _put(table: dict[str, object], path: Sequence[str], value: object) -> None:
    *above, name = path
    for part in above:
        below = table.get(part)
        if not isinstance(below, dict):
            below = table[part] = {}
        table = below
    table[name] = value


def _value(text: str) -> object:
    if "\n" not in text:
        try:
            return tomllib.loads(f"value = {text}")["value"]
        except (ValueError, RecursionError):
            pass
    listed = re.fullmatch(r"\[([^\[\]]*)\]", text)
    if listed:
        return [_value(item.strip()) for item in listed[1].split(",") if item.strip()]
    return text
