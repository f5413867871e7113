"""A history is a chain: a line that is changed, taken away, moved or put in breaks it."""

import json
from hashlib import sha256

from hypothesis import given
from hypothesis import strategies as st

from safetyd.store.audit import FIRST, chained

LINES = st.lists(
    st.fixed_dictionaries(
        {"event": st.text(), "note": st.text(), "detail": st.dictionaries(st.text(), st.text())}
    ),
    min_size=2,
    max_size=6,
    unique_by=json.dumps,
)


def chain(lines: list[dict[str, object]]) -> list[str]:
    hashes, before = [], FIRST
    for line in lines:
        hashes.append(before := chained(before, line))
    return hashes


def test_a_hash_is_that_of_the_one_before_and_the_canonical_line() -> None:
    line = {"b": "é", "a": 1}
    expected = sha256('0a{"a":1,"b":"é"}'.encode()).hexdigest()
    assert chained("0a", line) == expected
    assert chained("0a", dict(reversed(line.items()))) == expected


@given(LINES, st.data())
def test_whatever_is_done_to_a_line_shows_in_the_last_hash(
    lines: list[dict[str, object]], data: st.DataObject
) -> None:
    last = chain(lines)[-1]
    at = data.draw(st.integers(0, len(lines) - 1))
    assert chain([*lines[:at], *lines[at + 1 :]])[-1] != last
    assert chain([*lines[:at], lines[at] | {"note": "another"}, *lines[at + 1 :]])[-1] != last or (
        lines[at]["note"] == "another"
    )
    assert chain([*lines[:at], {"event": "new"}, *lines[at:]])[-1] != last
    if at:
        moved = [*lines[: at - 1], lines[at], lines[at - 1], *lines[at + 1 :]]
        assert chain(moved)[-1] != last


@given(st.text(st.characters(codec=None), max_size=5))
def test_any_text_has_a_hash(note: str) -> None:
    assert len(chained(FIRST, {"note": note})) == 64
