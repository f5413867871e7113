"""The chain is what README says of it: worked out anew from its words alone, by nothing of safetyd's."""

import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from tests.everything import of_every_kind

pytestmark = pytest.mark.sqlite

README = (Path(__file__).resolve().parents[2] / "README.md").read_text("utf-8")
SHORT = {"\b": r"\b", "\f": r"\f", "\n": r"\n", "\r": r"\r", "\t": r"\t", '"': r"\"", "\\": r"\\"}
PARTS = {
    "history": ("files", "attached", "history"),
    "notice": ("wordings", "wording", "notice"),
    "delivery": ("tried", "attempt", "delivery"),
}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlite3.Connection]:
    record = of_every_kind(tmp_path_factory.mktemp("record"))
    record.command(do="note", ticket="maple-2026-0001", by="A. Roe", note='Ω "quoted"\\ \x01\x1f\x7f 🌡\n\t')
    record.end()
    with closing(sqlite3.connect(record.file)) as opened:
        opened.row_factory = sqlite3.Row
        yield opened


def canonical(value: Any) -> str:
    match value:
        case dict():
            inside = (f"{canonical(name)}:{canonical(value[name])}" for name in sorted(value))
            return "{" + ",".join(inside) + "}"
        case list():
            return "[" + ",".join(map(canonical, value)) + "]"
        case str():
            return '"' + "".join(SHORT.get(c) or (f"\\u{ord(c):04x}" if c < " " else c) for c in value) + '"'
        case None:
            return "null"
        case _:
            return repr(value)


def hashed(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def full(row: sqlite3.Row) -> dict[str, Any]:
    return {name: row[name] for name in row.keys() if row[name] is not None}  # noqa: SIM118 - a Row's own


def record(store: sqlite3.Connection, kind: str, key: str) -> dict[str, Any]:
    table = "imported" if kind == "import" else kind
    found = full(store.execute(f"SELECT * FROM {table} WHERE id = ?", (key,)).fetchone())
    if kind in PARTS:
        name, table, owner = PARTS[kind]
        columns = store.execute(f"PRAGMA table_info({table})").fetchall()
        order = ", ".join(each["name"] for each in sorted(columns, key=lambda c: c["pk"]) if each["pk"])
        rows = store.execute(f"SELECT * FROM {table} WHERE {owner} = ? ORDER BY {order}", (key,))
        parts = [full(each) for each in rows]
        found |= {name: parts} if parts else {}
    return found


def test_each_row_follows_from_the_one_before_it(store: sqlite3.Connection) -> None:
    previous, expected = "", 1
    for row in store.execute("SELECT * FROM chain ORDER BY number").fetchall():
        line = {name: row[name] for name in ("at", "body", "key", "kind", "number")}
        previous = hashed(previous + canonical(line))
        assert (row["number"], row["hash"]) == (expected, previous)
        expected += 1
    assert expected > 40


def test_each_record_is_what_its_last_row_says(store: sqlite3.Connection) -> None:
    last = store.execute("SELECT kind, key, body, max(number) FROM chain GROUP BY kind, key").fetchall()
    for row in last:
        assert row["body"] == hashed(canonical(record(store, row["kind"], row["key"]))), tuple(row)
    kinds = {row["kind"] for row in last}
    named = {"statement", "ticket", "episode", "history", "notice", "delivery", "assignment", "shelf"}
    assert kinds == named | {"import", "anchor"}


def test_each_digest_of_readings_is_of_its_lines(store: sqlite3.Connection) -> None:
    columns = re.search(r"canonical JSON of `\[(.*?)\]` and a line break", README)
    assert columns is not None
    days = store.execute("SELECT name, body FROM statement WHERE subject = 'readings'").fetchall()
    assert days
    for day in days:
        said = json.loads(day["body"])
        assert canonical(said) == day["body"]
        for place, digest in said["places"].items():
            of_it = "sensor IN (SELECT id FROM sensor WHERE building || '/' || room = ?)"
            lines = store.execute(
                f"SELECT {columns[1]} FROM reading WHERE {of_it} AND id BETWEEN ? AND ? ORDER BY id",
                (place, said["first"], said["last"]),
            ).fetchall()
            text = "".join(canonical(list(each)) + "\n" for each in lines)
            assert (digest["sha256"], digest["values"]) == (hashed(text), len(lines)) and lines
