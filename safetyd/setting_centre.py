"""`[centre]` and `[[gateways]]` of safetyd.toml: what a gateway sends and obeys, whose records a centre has.

Rule: a gateway sends nothing and obeys nobody unless its own file says so. A centre knows a gateway by the
client id that this has at its broker.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, NamedTuple

from pydantic import BaseModel, ConfigDict, PlainValidator

from safetyd.faults import Fault, Misfit, shown
from safetyd.setting_shapes import flag_or_word, path
from safetyd.shapes import text, topic, topic_level
from safetyd.tables import Table, files_meant

_FOLDER = Path("var/gateways")
Flag = Annotated[bool, PlainValidator(flag_or_word)]


class Centre(BaseModel):
    """`[centre]` of a gateway: whether its record goes there, and whether commands from there count."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    record: Flag = False
    commands: Flag = False


class Gateway(NamedTuple):
    """One of a centre's gateways: below which root it speaks here, the file of its copy, its site files."""

    name: str
    root: str
    copy: Path
    site: tuple[Path, ...]

    @property
    def url(self) -> str:
        """The copy, as a store's URL."""
        return f"sqlite:///{self.copy}"


def read_gateways(content: Mapping[str, object], file: Path, faults: list[Fault]) -> tuple[Gateway, ...]:
    """Return the gateways without a fault; every fault is noted."""
    found: dict[str, Gateway] = {}
    folder = file.parent.absolute()
    for table in Table(str(file), "", content, faults).tables("gateways"):
        name = table.need("name", topic_level, "the client id of its safetyd")
        root = table.get("root", _root, "safetyd")
        copy = table.get("copy", path, None)
        patterns = table.each("site", text, 'paths of its site files, such as ["maple.toml"]')
        table.done()
        if name is None:
            continue

        def miss(value: str, table: Table = table) -> None:
            table.fault("site", value, "paths or globs, relative to this file")

        if name in found:
            table.fault("name", f"{shown(name)} stands here twice", "each gateway once")
            continue
        site = tuple(files_meant(folder, patterns, miss))
        found[name] = Gateway(name, root, folder / (copy or _FOLDER / f"{name}.db"), site)
    return tuple(found.values())


def centre_at_odds(section: Centre) -> list[tuple[str, str, str]]:
    """Return what does not go together: key, what is wrong, what was expected."""
    if section.commands and not section.record:
        return [("commands", "a centre that sees nothing cannot command", "record = true beside it")]
    return []


def _root(value: object) -> str:
    given = topic(text(value))
    if given.startswith(("/", "$")) or given.endswith("/"):
        raise Misfit(f"{shown(value)} begins no topic of a gateway", 'levels such as "safetyd"')
    return given
