"""Whose names are shown to whom: an educator who reported is named to those who need to know.

Rule: it is looked for in everything that is shown, however it came there, once, on its way out; whose role
nobody knows counts as an educator. Nobody makes a page unreadable by what they call themselves: a name of
words that are ours is veiled where it stands as a name, and what is the name of a place is never veiled.
A name of one word is found as it is written, one of several in capitals and small letters too.
"""

import html
import json
import re
from collections.abc import Collection, Iterable
from typing import Any
from urllib.parse import quote, quote_plus

from markupsafe import escape

from safetyd.core.model import Role, same_name
from safetyd.own_words import is_ours
from safetyd.site import Person, Site
from safetyd.store.accounts import STRANGER, Account
from safetyd.store.reporters import Reporter

AN_EDUCATOR = "an educator"
_ESCAPED = re.compile(r"\\+u([0-9a-fA-F]{4})")
_BLANK = re.compile(r"\\+[nrtbf]")


def reported(
    reporters: Iterable[Reporter],
    accounts: Iterable[Account],
    people: Iterable[Person],
    places: Iterable[str] = (),
    own_name: str = "",
) -> frozenset[str]:
    """Return the names of educators who reported, but for one's own.

    Who is known as anything else by the site file or by an account is no educator, unless they reported as
    one. What stands in the name or id of a place stays.
    """
    others = {same_name(each.name) for each in accounts if each.role is not Role.EDUCATOR}
    others |= {same_name(each.name) for each in people if {*each.roles} - {Role.EDUCATOR}}
    own, whole = same_name(own_name), "\n".join(places)
    return frozenset(
        each.name
        for each in reporters
        if each.role is Role.EDUCATOR or (each.role is None and same_name(each.name) not in others)
        if same_name(each.name) not in ("", own)
        if not re.search(rf"(?<!\w)(?:{_any([each.name])})(?!\w)", whole)
    )


def names_of_places(site: Site) -> list[str]:
    """Return what buildings and rooms are called, and what else of the site stands on every page."""
    found = [site.name, site.timezone.key]
    for building in site.buildings:
        found += [
            building.id,
            building.name,
            *(word for each in building.rooms for word in (each.id, each.name)),
        ]
    return found


def holds_name(text: str, names: frozenset[str]) -> bool:
    """Return whether any of these names stands in a text, however often that was escaped as JSON."""
    if not names:
        return False
    plain = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text)
    plain = plain.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    plain = re.sub(r"\\+(.)", r"\1", _BLANK.sub(" ", plain))
    wanted = [re.sub(r"\\+(.)", r"\1", each) for each in names]
    return re.search(rf"(?<!\w)(?:{_any(wanted)})(?!\w)", plain) is not None


def veiled(shown: Any, names: frozenset[str]) -> Any:
    """Return what a JSON document is made of, without these names."""
    if not names:
        return shown
    whole = json.dumps(shown, ensure_ascii=False)
    whole = whole.lower()
    there = frozenset(each for each in names if _in_json(each.split()[0].lower()) in whole)
    ours = frozenset(filter(is_ours, there))
    shown = _without_author(shown, ours) if ours else shown
    there -= ours
    return _without(shown, re.compile(rf"(?<!\w)(?:{_any(there)})(?!\w)")) if there else shown


def veiled_page(page: str, names: frozenset[str]) -> str:
    """Return a page of HTML without these names, as they stand in text, in attributes and in addresses.

    What is the name of an element stays; what follows a %3A begins a word of its own.
    """
    ours = frozenset(filter(is_ours, names))
    if ours:
        page = re.sub(rf"(?<=<bdi>)(?:{_any([*map(escape, ours)])})(?=</bdi>)", _instead, page)
    small = page.lower()
    there = {form for name in names - ours for form in _forms(name) if form.split()[0].lower() in small}
    begin = r"(?:(?<![\w<])(?<!</)|(?<=%[0-9A-Fa-f]{2}))"
    return re.sub(rf"{begin}(?:{_any(there)})(?!\w)", _instead, page) if there else page


def _instead(found: re.Match[str]) -> str:
    """Who is not logged in stays marked so."""
    is_stranger = " ".join(found[0].split()).endswith(STRANGER)
    return f"{AN_EDUCATOR} {STRANGER}" if is_stranger else AN_EDUCATOR


def _without(shown: Any, named: re.Pattern[str]) -> Any:
    match shown:
        case str():
            return named.sub(_instead, shown)
        case dict():
            return {
                # a key that is a word of ours stays, whoever has it as a name
                key if key.isidentifier() else _without(key, named): _without(value, named)
                for key, value in shown.items()
            }
        case list() | tuple():
            return [_without(each, named) for each in shown]
    return shown


def _without_author(shown: Any, names: frozenset[str]) -> Any:
    match shown:
        case dict():
            return {
                key: AN_EDUCATOR
                if key.rpartition("_")[2] == "by" and value in names
                else _without_author(value, names)
                for key, value in shown.items()
            }
        case list() | tuple():
            return [_without_author(each, names) for each in shown]
    return shown


def _in_json(text: str, *, in_ascii: bool = False) -> str:
    return json.dumps(text, ensure_ascii=in_ascii)[1:-1]


def _forms(name: str) -> set[str]:
    plain = {name, _in_json(name), _in_json(name, in_ascii=True)}
    return {
        *plain,
        *(str(escape(each)) for each in plain),
        *(html.escape(each) for each in plain),
        quote(name, safe=""),
        quote_plus(name),
    }


def _any(words: Collection[str]) -> str:
    """The longest first: a name may begin with another."""
    in_order = sorted(words, key=lambda each: (-len(each), each))
    return "|".join(map(_pattern, in_order))


def _pattern(name: str) -> str:
    words = r"\s+".join(map(re.escape, name.split()))
    return f"(?i:{words})" if " " in name.strip() else words
