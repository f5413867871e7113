"""A centre's pages of its gateways: how far each record has come, and each copy's pages below its name."""

import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pytest

from safetyd.core.model import Role
from safetyd.held_copies import pending
from safetyd.setting_centre import Gateway
from safetyd.store import bidden, copy_of, receiving, shipping
from safetyd.store.database import HEAD, open_for_reading
from safetyd.web.app import Application
from safetyd.web.behind import Behind
from safetyd.web.house import House
from safetyd.web.pages.table import PAGES
from tests.web.school import Browser, School, school

AT = "/gateways/maple-gw"


class Centre(NamedTuple):
    """A school at which the copy of another is kept, and that other."""

    home: School
    there: School
    gateway: Gateway

    def browser(self, role: Role = Role.DISTRICT, *buildings: str) -> Browser:
        made = Browser(self.home)
        made.enter(role, *buildings)
        return made

    def pending(self) -> list[bidden.Waiting]:
        with closing(open_for_reading(self.gateway.url)) as connection:
            return bidden.waiting(connection)


@pytest.fixture
def centre(tmp_path: Path) -> Iterator[Centre]:
    for name in ("there", "home"):
        (tmp_path / name).mkdir()
    with school(tmp_path / "there") as there, school(tmp_path / "home") as home:
        gateway = Gateway("maple-gw", "safetyd", tmp_path / "maple-gw.db", ())
        with (
            closing(receiving.open_copy_of("maple-gw", gateway.url)) as copy,
            closing(open_for_reading(there.url)) as reader,
        ):
            while (piece := shipping.piece(reader, receiving.held(copy), HEAD, there.now)) is not None:
                copy.rollback()
                receiving.take(copy, piece)
                if piece.file is not None:
                    receiving.keep_file(copy, piece.file.sha256, piece.file.content)
                reader.rollback()
            more = receiving.held(copy).chain + 2
            copy.rollback()
            copy_of.note(copy, {"head": more, "newest": 0, "at": 0, "heard": 0})
            copy.commit()
        home.application.close()
        home.house = House(
            home.url, "safetyd", lambda: home.site, home.pulse, gateways=((gateway, there.site),)
        )
        home.application = Application(home.house)
        home.application.inbox.patience_s = 0.1
        copy_application = home.application._of_copy("maple-gw")
        assert copy_application is not None
        copy_application.inbox.patience_s = 0.1
        home.application._copies._made["maple-gw"] = copy_application
        yield Centre(home, there, gateway)


def test_the_list_says_how_far_each_record_has_come_and_what_waits(centre: Centre) -> None:
    page = centre.browser().get("/gateways").text
    assert f'<a href="{AT}/"><bdi>maple-gw</bdi></a>' in page
    assert "2 in breach" in page and "2 rows and 0 readings behind" in page
    assert 'href="/gateways" aria-current="page"' in page


def test_who_is_nobody_is_asked_to_log_in_and_who_may_see_no_building_sees_no_gateway(centre: Centre) -> None:
    answer = Browser(centre.home).get("/gateways")
    assert (answer.status, answer.headers["location"]) == (303, "/login?then=/gateways")
    inside = Browser(centre.home).get(f"{AT}/tickets")
    assert inside.headers["location"] == "/login?then=/gateways/maple-gw/tickets"
    assert "maple-gw" not in centre.browser(Role.EDUCATOR, "oak").get("/gateways").text


def test_a_centre_without_gateways_has_no_such_page(tmp_path: Path) -> None:
    with school(tmp_path) as alone:
        browser = Browser(alone)
        browser.enter(Role.DISTRICT)
        assert browser.get("/gateways").status == 404
        assert "/gateways" not in browser.get("/tickets").text


@pytest.mark.parametrize("page", [each for each in PAGES if each.act is None], ids=lambda page: page.path)
def test_every_page_of_a_copy_stands_below_its_name_and_leads_nowhere_else(centre: Centre, page) -> None:
    answer = centre.browser().get(AT + centre.there.path_of(page.path))
    assert answer.status in (200, 303, 400), answer.text
    if "location" in answer.headers:
        assert answer.headers["location"].startswith(AT)
    if answer.headers.get("content-type", "").startswith("text/html"):
        assert int(answer.headers.get("content-length", len(answer.body))) == len(answer.body)
        ours = re.findall(r'\s(?:href|action|data-live)="(/[^"]*)"', answer.text)
        of_the_centre = ("/static/", "/login", "/logout", "/account", "/people", "/gateways", "/password")
        assert all(each.startswith((AT, *of_the_centre)) for each in ours), ours


def test_what_is_done_there_waits_in_the_copy_until_the_gateway_has_answered(centre: Centre) -> None:
    browser, ticket = centre.browser(), centre.there.ids[1]
    page = f"{AT}/tickets/{ticket}"
    answer = browser.submit(page, f"{page}/note", {"note": "on our way"})
    assert (answer.status, answer.headers["location"]) == (303, page)
    (waiting,) = centre.pending()
    assert '"note": "on our way"' in waiting.body and '"role": "district"' in waiting.body
    shown = browser.get(page).text
    assert "as soon as it can be" in shown
    assert f"Waits for its answer: note {ticket}, by <bdi>district" in shown
    told = browser.get("/gateways").text
    assert f"note {ticket}, by <bdi>district" in told
    with closing(open_for_reading(centre.home.url)) as connection:
        assert bidden.waiting(connection) == [], "nothing is asked of the centre's own writer"


def test_programs_ask_below_its_name_too_by_the_tokens_of_the_centre(centre: Centre) -> None:
    token = centre.home.token(Role.DISTRICT)
    answer = centre.home.ask(f"{AT}/api/v1/tickets", token)
    assert sorted(each["id"] for each in answer.json["tickets"]) == centre.there.ids
    note = centre.home.ask(f"{AT}/api/v1/tickets/{centre.there.ids[0]}/note", token, {"note": "seen"})
    assert note.status == 202 and len(centre.pending()) == 1
    assert centre.home.ask(f"{AT}/api/v1/tickets", "safetyd_none").status == 401
    assert centre.home.ask("/gateways/oak-gw/api/v1/tickets", token).status == 404


def test_what_waits_is_for_who_may_read_tickets(centre: Centre) -> None:
    ticket = centre.there.ids[1]
    page = f"{AT}/tickets/{ticket}"
    centre.browser().submit(page, f"{page}/note", {"note": "on our way"})
    assert "on our way" not in centre.browser().get("/gateways").text
    assert "Waits for its answer" not in centre.browser(Role.EDUCATOR, "maple").get("/gateways").text


def test_what_waits_is_for_who_may_see_its_building(centre: Centre) -> None:
    ticket = centre.there.ids[1]
    page = f"{AT}/tickets/{ticket}"
    centre.browser().submit(page, f"{page}/note", {"note": "on our way"})
    building = ticket.split("-")[0]
    with closing(open_for_reading(centre.gateway.url)) as connection:
        assert len(pending(connection, lambda id: id == building)) == 1
        assert pending(connection, lambda id: id != building) == []
    told = centre.browser(Role.FACILITIES).get("/gateways").text
    assert f"note {ticket}" in told and "<bdi>district" not in told, "names are not for all"


def test_only_our_own_addresses_change() -> None:
    behind = Behind(lambda *_: None, "/gateways/a")  # type: ignore[arg-type,return-value]
    same = (
        b'<a href="//elsewhere/x">', b'<a href="https://x/y">', b'<a href="#top">', b'<a href="/login">',
        b'<link href="/static/a.css">', b'<a href="/gateways">', b'<p title="/tickets">', b'<p>href="/x"</p>',
    )  # fmt: skip
    assert [behind.page(each) for each in same] == list(same)
    assert behind.page(b'<a href="/">') == b'<a href="/gateways/a/">'
    assert behind.page(b'<form action="/tickets/1/note">') == b'<form action="/gateways/a/tickets/1/note">'
    assert behind.page(b'<a href="/peopled">') == b'<a href="/gateways/a/peopled">'
