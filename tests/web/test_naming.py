"""Whose names are shown to whom: pure, by examples and by a law."""

import json
from datetime import UTC, datetime
from html import unescape
from urllib.parse import quote

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from markupsafe import escape

from safetyd.core.model import Role
from safetyd.naming import AN_EDUCATOR, holds_name, veiled, veiled_page
from safetyd.own_words import is_ours
from safetyd.site import Person
from safetyd.store.accounts import Account
from safetyd.store.reporters import Reporter
from safetyd.web.naming import hidden

AT = datetime(2026, 12, 1, tzinfo=UTC)
SEE = {Role.ADMINISTRATOR, Role.DISTRICT, Role.ASSOCIATION}
WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20)


def account(role: Role, name: str = "Ivo Brandt") -> Account:
    return Account(1, name, role, (), AT)


def hidden_names(
    role: Role, *reporters: Reporter, accounts: tuple[Account, ...] = (), people: tuple[Person, ...] = ()
) -> set[str]:
    return {*hidden(account(role), reporters, accounts, people)}


@pytest.mark.parametrize("role", Role)
def test_an_educator_who_reported_is_named_to_those_who_answer_for_it_only(role: Role) -> None:
    jo = Reporter("Jo Park", Role.EDUCATOR)
    assert hidden_names(role, jo) == (set() if role in SEE else {"Jo Park"})


@pytest.mark.parametrize("role", Role)
def test_everybody_sees_their_own_name(role: Role) -> None:
    assert hidden_names(role, Reporter("ivo  BRANDT", Role.EDUCATOR)) == set()


def test_who_reported_as_anything_else_is_named() -> None:
    for role in Role:
        found = hidden_names(Role.FACILITIES, Reporter("Jo Park", role))
        assert found == ({"Jo Park"} if role is Role.EDUCATOR else set())


def test_whose_role_nobody_knows_counts_as_an_educator() -> None:
    jo = Reporter("Jo Park", None)
    assert hidden_names(Role.FACILITIES, jo) == {"Jo Park"}
    known = account(Role.SAFETY_COMMITTEE, "jo park")
    assert hidden_names(Role.FACILITIES, jo, accounts=(known,)) == set()
    assert hidden_names(Role.FACILITIES, jo, accounts=(account(Role.EDUCATOR, "Jo Park"),)) == {"Jo Park"}
    assert hidden_names(Role.FACILITIES, jo, people=(Person("Jo Park", (Role.EDUCATOR,)),)) == {"Jo Park"}
    both = Person("Jo Park", (Role.EDUCATOR, Role.ADMINISTRATOR))
    assert hidden_names(Role.FACILITIES, jo, people=(both,)) == set()


def test_a_name_is_veiled_wherever_it_stands_and_as_a_whole_word() -> None:
    names = frozenset({"Jo", "Jo Park", "Jude"})
    shown = {
        "by": "Jo Park",
        "note": "measured by Jo Park: Jo said so; Jolanda did not",
        "jude": ["hand:Jo\n Park", {"at Jude": 1, "open": None, "n": 2.5, "is": True}],
    }
    assert veiled(shown, names) == {
        "by": AN_EDUCATOR,
        "note": f"measured by {AN_EDUCATOR}: {AN_EDUCATOR} said so; Jolanda did not",
        "jude": [f"hand:{AN_EDUCATOR}", {f"at {AN_EDUCATOR}": 1, "open": None, "n": 2.5, "is": True}],
    }


def test_on_a_page_it_is_veiled_in_text_attributes_and_addresses_and_the_page_stays_one() -> None:
    name = 'Jo "b" O\'Neil'
    page = f'<b title="{escape(name)}">{escape(name)}</b> <a href="/x?y=hand%3A{quote(name)}">x</a>'
    assert veiled_page(page, frozenset({name, "a"})) == (
        f'<b title="{AN_EDUCATOR}">{AN_EDUCATOR}</b> <a href="/x?y=hand%3A{AN_EDUCATOR}">x</a>'
    )


@given(before=WORDS, name=WORDS, after=WORDS)
def test_nothing_is_left_of_a_name_among_other_words(before: str, name: str, after: str) -> None:
    name = " ".join(name.split()) or "x"
    assume(not is_ours(name))
    text = f"{before} {name} {after}"
    left = veiled(text, frozenset({name})).replace(AN_EDUCATOR, "")
    assert f" {name} " not in f" {left} "
    page = veiled_page(f"<p>{escape(text)}</p>", frozenset({name}))
    left = unescape(page.removeprefix("<p>").removesuffix("</p>")).replace(AN_EDUCATOR, "")
    assert f" {name} " not in f" {left} "


@pytest.mark.parametrize("name", ["open", "May", "cold", "too cold", "Room", "58", "tickets", "M"])
def test_a_name_of_words_of_ours_makes_nothing_unreadable_and_is_veiled_where_it_is_one(name: str) -> None:
    names = frozenset({name, "Jo Park"})
    shown = {"status": name, "by": name, "history": [{"by": name, "note": f"{name}, says Jo Park"}]}
    assert veiled(shown, names) == {
        "status": name,
        "by": AN_EDUCATOR,
        "history": [{"by": AN_EDUCATOR, "note": f"{name}, says {AN_EDUCATOR}"}],
    }
    page = f'<a href="/tickets">{name}: 58.0 °F</a> by <bdi>{name}</bdi>, <bdi>Jo Park</bdi>'
    assert veiled_page(page, names) == (
        f'<a href="/tickets">{name}: 58.0 °F</a> by <bdi>{AN_EDUCATOR}</bdi>, <bdi>{AN_EDUCATOR}</bdi>'
    )


@pytest.mark.parametrize("name", ["maple", "Room 12", "12", "lab", "Maple Street"])
def test_nobody_hides_a_place_by_being_called_like_it(name: str) -> None:
    places = ("maple", "Maple Street School", "12", "Room 12", "lab")
    found = hidden(account(Role.FACILITIES), [Reporter(name, Role.EDUCATOR)], (), (), places)
    assert found == frozenset()
    near = hidden(account(Role.FACILITIES), [Reporter(f"{name}y", Role.EDUCATOR)], (), (), places)
    assert near == {f"{name}y"}


def test_who_was_not_logged_in_stays_marked_so() -> None:
    names = frozenset({"Jo Park (not logged in)"})
    wanted = f"{AN_EDUCATOR} (not logged in)"
    assert veiled({"by": "Jo Park (not logged in)"}, names) == {"by": wanted}
    assert veiled_page("<bdi>Jo Park (not logged in)</bdi>", names) == f"<bdi>{wanted}</bdi>"


@pytest.mark.parametrize("name", ["Jo Park", "Zoë Quill", "Wrenna O'Tully", 'Al "Buddy" Reyes', "Ngô 𝒜n"])
def test_a_name_is_found_however_often_a_record_escapes_it(name: str) -> None:
    said = f"seen by\n{name}, twice"
    for _ in range(3):
        for in_ascii in (True, False):
            assert holds_name(json.dumps({"note": said}, ensure_ascii=in_ascii), frozenset({name}))
        said = json.dumps(said)
    assert not holds_name(json.dumps(f"seen by x{name}"), frozenset({name}))
    assert not holds_name(json.dumps(name), frozenset())


@pytest.mark.parametrize("written", ["JO PARK", "jo park", "Jo  park", "jO pARK"])
def test_a_name_of_several_words_is_found_in_any_letters(written: str) -> None:
    names = frozenset({"Jo Park"})
    text = f"{written} saw it, and {written}'s class too"
    assert veiled({"note": text}, names) == {"note": "an educator saw it, and an educator's class too"}
    assert "an educator saw it" in veiled_page(f"<p>{text}</p>", names)
    assert holds_name(text, names)


def test_a_name_of_one_word_is_found_as_it_is_written() -> None:
    names = frozenset({"Linde"})
    assert veiled(["Linde came", "a linde tree"], names) == ["an educator came", "a linde tree"]
    assert not holds_name("a linde tree", names)


@pytest.mark.parametrize("name", ["CLASS Href", "Div CLASS", "Ticket OPEN"])
def test_whose_words_are_ours_in_any_letters_makes_no_page_unreadable(name: str) -> None:
    page = '<div class="row" href="/tickets">ticket open</div>'
    assert is_ours(name) and veiled_page(page, frozenset({name})) == page
