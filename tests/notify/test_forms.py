"""One notice, three forms: nothing hostile gets into a page, nothing too long into a text message."""

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safetyd.notify.forms import Limit, Words, html, links, plain, short
from safetyd.notify.sender import _fitting, understood

ID = "maple-2026-0001"
TEXT = """Colder than allowed since Tue 1 Dec 08:05, 57.2 °F.
Relief from the temperature due Wed 2 Dec 08:05 (24 h left).
To be done by Ann Lee (administrator).
Ticket maple-2026-0001, clause 9.14.3."""
NOTICE = Words("Maple School, Room 12: too cold", TEXT, (ID,), (f"https://safe.example/tickets/{ID}",))
GSM = Limit(160, True)


class Page(HTMLParser):
    """What a mail program makes of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)


# plain


def test_the_link_stands_under_the_text_and_there_is_none_without_an_address_of_the_pages() -> None:
    assert plain(NOTICE) == f"{TEXT}\nhttps://safe.example/tickets/{ID}"
    assert plain(NOTICE._replace(links=())) == TEXT
    assert links("https://safe.example/", (ID,)) == NOTICE.links
    assert links(None, (ID,)) == ()


# HTML


def test_a_page_says_all_of_the_text_and_links_to_the_ticket() -> None:
    page = Page(html(NOTICE))
    for line in TEXT.splitlines():
        assert line in page.words
    assert [attrs["href"] for tag, attrs in page.tags if tag == "a"] == list(NOTICE.links)


def test_a_page_fetches_nothing_and_does_nothing() -> None:
    page = Page(html(NOTICE))
    assert {tag for tag, _ in page.tags} <= {"html", "head", "meta", "title", "body", "h1", "p", "a"}
    assert {name for _, attrs in page.tags for name in attrs} <= {"lang", "charset", "style", "href"}
    assert not re.search(r"url\(|@import|expression", html(NOTICE))


HOSTILE = st.text() | st.sampled_from(
    [
        "<script>alert(1)</script>",
        '"><img src=x onerror=y>',
        "</title><b>",
        "&lt;",
        "<!--",
        "]]>",
        "javascript:",
    ]
)


@given(HOSTILE, HOSTILE, HOSTILE)
def test_no_name_and_no_note_adds_anything_to_a_page(title: str, text: str, id: str) -> None:
    words = Words(title, text, (id,), links("https://safe.example", (id,)))
    plain_tags = [tag for tag, _ in Page(html(Words("x", "y", ("z",), ("https://z",)))).tags]
    found = Page(html(words))
    assert [tag for tag, _ in found.tags if tag != "p"] == [tag for tag in plain_tags if tag != "p"]
    assert [attrs["href"] for tag, attrs in found.tags if tag == "a"] == list(words.links)


# text messages


def test_a_text_message_says_what_where_since_when_due_when_and_which_ticket() -> None:
    assert short(NOTICE) == (
        "Maple School, Room 12: too cold. Colder than allowed since Tue 1 Dec 08:05, 57.2 F. "
        "Relief from the temperature due Wed 2 Dec 08:05 (24 h left). maple-2026-0001"
    )
    assert GSM.holds(short(NOTICE))


def test_what_a_long_name_leaves_no_room_for_is_left_out_and_the_ticket_is_not() -> None:
    said = short(NOTICE._replace(title="Maple School, " + "long " * 60 + "room: too cold"))
    assert said.endswith(f".. {ID}") and GSM.holds(said)


@pytest.mark.parametrize("name", ["Señor Ñandú", "Åsgård", "the “old” wing – west", "Łódź", "校舎", "🏫 12"])
def test_names_of_any_alphabet_fit_one_message(name: str) -> None:
    said = short(NOTICE._replace(title=f"{name}: too cold"))
    assert said.endswith(ID)
    assert len(said.encode("utf-16-le")) // 2 <= (70 if name in ("Łódź", "校舎", "🏫 12") else 160)


def test_signs_that_cost_two_are_counted_as_two() -> None:
    assert GSM.size("[€]") == 6 and not GSM.holds("€" * 81)


@given(st.text(), st.text(), st.sampled_from([ID, "", "校-2026-0001"]))
def test_no_words_are_too_long_for_one_message(title: str, text: str, id: str) -> None:
    said = short(Words(title, text, (id,) if id else ()))
    is_gsm = Limit(160, True).size(said) if said.isascii() else None
    assert len(said.encode("utf-16-le")) // 2 <= 160
    assert is_gsm is None or is_gsm <= 160
    if id:
        assert said.endswith(id)


SPANISH = """Bajo lo permitido desde mié 2 dic 08:05, 57.2 °F.
Alivio de temperatura: vence jue 3 dic 08:05 (en 22 h).
A cargo de Íñigo Núñez (mantenimiento).
Caso maple-2026-0001, cláusula 9.14.3."""


def test_spanish_letters_take_no_more_room_than_others() -> None:
    said = short(Words("Maple School, Room 12: demasiado frío", SPANISH, (ID,), (), "es"))
    assert said == (
        "Maple School, Room 12: demasiado frio. Bajo lo permitido desde mié 2 dic 08:05, 57.2 F. "
        "Alivio de temperatura: vence jue 3 dic 08:05 (en 22 h). maple-2026-0001"
    )
    assert GSM.holds(said), "í is in no text message of 160 letters; é is"
    assert short(Words("Íñigo Ángel: ¿café?", "", (ID,), (), "es")) == f"Iñigo Angel: ¿café? {ID}"


def test_the_line_that_only_names_the_ticket_is_left_out_in_every_language() -> None:
    notice = Words("Salón 12: demasiado frío", SPANISH, (ID,), (), "es")
    assert "Caso" not in short(notice) and short(notice).endswith(ID)


def test_a_page_says_in_which_language_it_is() -> None:
    page = html(NOTICE._replace(language="es"))
    assert Page(page).tags[0] == ("html", {"lang": "es"})
    assert f">Caso {ID}</a> (le pedirá iniciar sesión)</p>" in page
    assert '<html lang="zh-Hant">' in html(NOTICE._replace(language="zh_Hant"))


# which form an address takes


@pytest.mark.parametrize(
    ("url", "is_short"),
    [
        ("clickatell://" + "a" * 22 + "/12025550124", True),
        ("d7sms://token@12025550124", True),
        ("sns://AKIA00000000EXAMPLE/secret0/us-east-1/12025550124", True),
        ("ntfy://127.0.0.1/topic", False),
        ("json://127.0.0.1/hook", False),
        ("slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#channel", False),
    ],
)
def test_a_service_with_room_for_one_text_message_gets_that_and_the_others_all(
    url: str, is_short: bool
) -> None:
    title, text = _fitting(understood(url), NOTICE)
    assert (title, text) == (("", short(NOTICE)) if is_short else (NOTICE.title, plain(NOTICE)))
