"""TOML files, and their tables read key by key.

Rule: what was never asked for is an unknown key; a value that does not fit is noted and its default read
on with, so that one reading finds every fault.
"""

import glob
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TypeVar

from safetyd.faults import Fault, Misfit, did_you_mean, dotted, one_of, shown

T = TypeVar("T")
D = TypeVar("D")


class Table:
    """One table of a TOML file: it knows where it stands, and notes what is wrong with it."""

    __slots__ = ("_asked", "_content", "_faults", "file", "key", "sound")

    def __init__(self, file: str, key: str, content: Mapping[str, object], faults: list[Fault]) -> None:
        self.file = file
        self.key = key
        self.sound = True  # nothing wrong with this table's own values so far
        self._content = content
        self._faults = faults
        self._asked: set[str] = set()

    def __contains__(self, name: str) -> bool:
        self._asked.add(name)
        return name in self._content

    def at(self, name: str) -> str:
        """Return the whole key of `name` in this table."""
        return f"{self.key}.{dotted([name])}" if self.key else dotted([name])

    def fault(self, name: str, value: str, expected: str) -> None:
        """Note a fault at `name` (which may end in `[index]`)."""
        self.sound = False
        stem, bracket, index = name.partition("[")
        self._faults.append(Fault(self.file, self.at(stem) + bracket + index, value, expected))

    def note(self, faults: Iterable[Fault]) -> None:
        """Note the faults of another file that this table names."""
        self._faults.extend(faults)

    def get(self, name: str, read: Callable[[object], T], default: D) -> T | D:
        """Return what stands at `name`, or the default when nothing does or when it does not fit."""
        return self._read(name, self._content[name], read, default) if name in self else default

    def need(self, name: str, read: Callable[[object], T], expected: str) -> T | None:
        """Return what must stand at `name`; None when it does not, and the fault is noted."""
        if name not in self:
            self.fault(name, "nothing stands here", expected)
            return None
        return self._read(name, self._content[name], read, None)

    def each(self, name: str, read: Callable[[object], T], expected: str) -> tuple[T, ...]:
        """Return what fits of the list at `name`; empty when there is none."""
        found = []
        for index, item in enumerate(self._list(name, expected)):
            value = self._read(f"{name}[{index}]", item, read, None)
            if value is not None:
                found.append(value)
        return tuple(found)

    def table(self, name: str) -> "Table":
        """Return the table at `name`, an empty one when there is none."""
        content = self._content.get(name, {}) if name in self else {}
        if not isinstance(content, dict):
            self.fault(name, f"{shown(content)} is not a table", f"a table: [{self.at(name)}]")
            content = {}
        return Table(self.file, self.at(name), content, self._faults)

    def tables(self, name: str) -> list["Table"]:
        """Return the tables of the array at `name`, each knowing its place in it."""
        header = re.sub(r"\[[0-9]+\]", "", self.at(name))
        expected = f"an array of tables: [[{header}]]"
        found = []
        for index, item in enumerate(self._list(name, expected)):
            if isinstance(item, dict):
                found.append(Table(self.file, f"{self.at(name)}[{index}]", item, self._faults))
            else:
                self.fault(f"{name}[{index}]", f"{shown(item)} is not a table", expected)
        return found

    def plain(self, name: str) -> object:
        """Return what stands at `name` as the file had it, None when nothing does."""
        return self._content.get(name)

    def done(self) -> None:
        """Note every key that nobody asked for."""
        for name in self._content:
            if name not in self._asked:
                self.fault_unknown(name)

    def fault_unknown(self, name: str) -> None:
        """Note a key that has no meaning here; its value is not shown."""
        expected = one_of(self._asked) + did_you_mean(name, self._asked)
        self._faults.append(Fault(self.file, self.at(name), "nobody knows this key", expected))

    def _read(self, name: str, value: object, read: Callable[[object], T], default: D) -> T | D:
        try:
            return read(value)
        except Misfit as misfit:
            self.fault(name, misfit.value, misfit.expected)
            return default

    def _list(self, name: str, expected: str) -> list[object]:
        content = self._content[name] if name in self else []
        if isinstance(content, list):
            return content
        self.fault(name, f"{shown(content)} is not a list", expected)
        return []


def files_meant(folder: Path, patterns: Iterable[str], miss: Callable[[str], None]) -> list[Path]:
    """Return each file once that paths or globs mean, relative to a folder, in their order.

    Args:
        folder: Where they begin.
        patterns: The paths or globs; the files of a glob come by name.
        miss: Is told what is wrong with a pattern that means no file.
    """
    found: dict[Path, None] = {}
    for pattern in patterns:
        files = _files_of(folder, pattern)
        if not files:
            miss(f"no file is at {shown(pattern)}")
        found.update(dict.fromkeys(files))
    return list(found)


def _files_of(folder: Path, pattern: str) -> list[Path]:
    one = folder / pattern
    if one.is_file():
        return [one]
    matched = sorted(glob.glob(pattern, root_dir=folder, recursive=True))
    return [folder / each for each in matched if (folder / each).is_file()]


def read_toml(path: Path, faults: list[Fault]) -> dict[str, object] | None:
    """Return a file's content; None when it cannot be read, and the fault is noted with its line."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        reason = (error.strerror or "unreadable").lower()
        faults.append(Fault(str(path), "the file", f"it cannot be read: {reason}", "a TOML file"))
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        faults.append(Fault(str(path), f"line {line}", "a character is not UTF-8", "a text file in UTF-8"))
    else:
        return _parsed(str(path), text, faults)
    return None


def _parsed(file: str, text: str, faults: list[Fault]) -> dict[str, object] | None:
    try:
        return tomllib.loads(text)
    except RecursionError:
        faults.append(Fault(file, "the file", "lists are nested too deeply", "a TOML file"))
    except ValueError as error:
        found = re.fullmatch(r"(.*) \(at (?:line ([0-9]+), .*|end of document)\)", str(error), re.DOTALL)
        reason = found[1] if found else "a number is too long"
        line = (found and found[2]) or len(text.splitlines())
        faults.append(Fault(file, f"line {line}", f"this is not TOML: {reason}", "key = value"))
    return None


def read_secret(path: Path, told: str) -> str:
    """Return the one line a secret's file holds, without its end.

    Raises:
        Misfit: no such file, or nothing or several lines in it; the content is not shown.
    """
    try:
        content = path.read_bytes().decode("utf-8-sig").rstrip("\r\n")
    except OSError as error:
        reason = (error.strerror or "unreadable").lower()
        raise Misfit(f"{shown(told)} cannot be read: {reason}", "a file that holds the secret") from None
    except UnicodeDecodeError:
        raise Misfit(f"{shown(told)} is not UTF-8", "a text file that holds the secret") from None
    if not content or not content.isprintable():
        raise Misfit(f"{shown(told)} holds no single line", "the secret alone, on one line")
    return content
