"""A spreadsheet of people, saved as CSV: one row a person and what they are to some buildings.

Rule: a row says the same as a `[[people]]` of the site file and goes through the same checks. Who has several
rows is in each of its buildings what the row says, at the addresses of any of them.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from safetyd.core.model import Role
from safetyd.faults import Fault, shown
from safetyd.site_people import EVERY_BUILDING, Desk, Person, Post, read_person
from safetyd.site_sheet import SheetTable, read_sheet

NEEDED = ("name", "roles", "buildings")
_OF_PERSON = ("notify", "language", "quiet", "messages_per_hour")  # the same whichever building it is about
COLUMNS = (*NEEDED, *_OF_PERSON, "notes")
_EVERY = (EVERY_BUILDING, "all", "every building")
_ELSEWHERE = re.compile(r"(env|file):(.+)")  # where the address is, so that it need not stand in the sheet


class _Entry(NamedTuple):
    """Somebody as far as their rows are read: what of them was said, and what they are to whom."""

    person: Person
    said: dict[str, Any]
    posts: list[Post]


def add_people(files: Iterable[Path], people: dict[str, Person], desk: Desk, faults: list[Fault]) -> None:
    """Read the rows of these files; what is wrong with them is noted."""
    found: dict[str, _Entry] = {}
    for file in files:
        for place, cells, _ in read_sheet(file, COLUMNS, NEEDED, faults):
            row = SheetTable(str(file), place, _content(cells, desk.names), faults)
            if "buildings" not in cells:
                row.fault("buildings", "nothing stands here", "ids or names of buildings, or * for every one")
            person = read_person(row, desk)
            if person is None:
                continue
            if person.name in people:
                mend = "a name that tells this person from those of the site file"
                row.fault("name", f"{shown(person.name)} is taken", mend)
                continue
            entry = found.setdefault(person.name, _Entry(person, {}, []))
            _take(entry, person, cells, row)
    people.update({name: _whole(entry) for name, entry in found.items()})


def _content(cells: Mapping[str, str], names: Mapping[str, str]) -> dict[str, object]:
    """Return what a table of the site file would hold in place of this row."""
    content: dict[str, object] = {
        name: cells[name] for name in ("name", "language", "quiet") if name in cells
    }
    if "roles" in cells:
        content["roles"] = [re.sub(r"[\s-]+", "_", each.lower()) for each in _pieces(cells["roles"], ",;+")]
    if "buildings" in cells:
        given = _pieces(cells["buildings"], ",;")
        content["buildings"] = [
            EVERY_BUILDING if each.lower() in _EVERY else names.get(each.casefold(), each) for each in given
        ]
    if "notify" in cells:
        content["notify"] = [
            {kept[1]: kept[2]} if (kept := _ELSEWHERE.fullmatch(each)) else each
            for each in cells["notify"].split()
        ]
    if "messages_per_hour" in cells:
        number = cells["messages_per_hour"]
        content["messages_per_hour"] = int(number) if re.fullmatch(r"[0-9]{1,9}", number) else number
    return content


def _pieces(cell: str, separators: str) -> list[str]:
    return [piece for each in re.split(f"[{separators}\n]", cell) if (piece := " ".join(each.split()))]


def _take(entry: _Entry, person: Person, cells: Mapping[str, str], row: SheetTable) -> None:
    """Note what a row says; an address, a language, … that differs from an earlier row is a fault."""
    for column in _OF_PERSON:
        if column not in cells:
            continue
        value = getattr(person, column)
        if entry.said.setdefault(column, value) != value:
            why = f"an earlier row of {shown(person.name)} says otherwise"
            row.fault(column, why, "the same as there, or nothing here")
    entry.posts.extend(Post(each, person.roles) for each in person.buildings)


def _whole(entry: _Entry) -> Person:
    """Return the person of all rows: with posts of their own where the roles are not the same in all."""
    held: dict[str, dict[Role, None]] = {}
    for post in entry.posts:
        held.setdefault(post.building, {}).update(dict.fromkeys(post.roles))
    posts = tuple(Post(building, tuple(roles)) for building, roles in held.items())
    roles = tuple(dict.fromkeys(role for post in posts for role in post.roles))
    is_same = all({*post.roles} == {*roles} for post in posts)
    return replace(
        entry.person, roles=roles, buildings=tuple(held), posts=() if is_same else posts, **entry.said
    )
