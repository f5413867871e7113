"""A centre's pages in a browser: its gateways, the pages of a copy, and what is asked of a gateway there."""

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from safetyd.core.model import Role
from safetyd.passwords import hashed
from safetyd.store import accounts, receiving, sessions, shipping
from safetyd.store.database import HEAD, open_for_reading, open_for_writing
from tests.browser.conftest import DESKTOP, PHONE, Visit
from tests.browser.seeing import axe
from tests.browser.test_every_page import faults
from tests.everything import NINE, SITE, of_every_kind
from tests.journeys.served import Served
from tests.journeys.servers import LOOPBACK, Broker, House, free_port

pytestmark = pytest.mark.journey

AT, TICKET = "/gateways/maple-gw", "maple-2026-0001"
DISTRICT = 'timezone = "UTC"\n[[buildings]]\nid = "maple"\ngateway = "maple-gw"\n'
CENTRE = """client_id = "district"
[[gateways]]
name = "maple-gw"
site = ["maple.toml"]
[web]
listen = "{}:{}"
"""
PATHS = ("/gateways", f"{AT}/tickets", f"{AT}/tickets/{TICKET}", f"{AT}/sensors", f"{AT}/buildings/maple")


class Centre:
    """A watch whose copy of a gateway's record is filled, and that answers."""

    def __init__(self, house: Callable[..., House], broker: Broker, folder: Path) -> None:
        port = free_port()
        self.url = f"http://{LOOPBACK}:{port}"
        home = house(broker, mqtt=CENTRE.format(LOOPBACK, port))
        home.write(DISTRICT)
        home.command = [home.command[0], "watch", *home.command[2:]]
        (home.folder / "maple.toml").write_text(SITE, encoding="utf-8")
        _fill(home.folder / "var" / "gateways" / "maple-gw.db", folder)
        with closing(open_for_writing(f"sqlite:///{home.store}")) as connection:
            now = datetime.now(UTC)
            accounts.add(connection, "Dora", Role.DISTRICT, (), hashed("nine grey herons"), now)
            self._secret = sessions.begin(connection, accounts.named(connection, "Dora").number, now)
        home.spawn()
        Served(home, port).is_answering()

    def enter(self, page: Page) -> Page:
        page.context.add_cookies([{"name": "safetyd", "value": self._secret, "url": self.url}])
        return page


def _fill(file: Path, folder: Path) -> None:
    """Bring a record of every kind into a copy."""
    file.parent.mkdir(parents=True)
    record = of_every_kind(folder)
    with (
        closing(receiving.open_copy_of("maple-gw", f"sqlite:///{file}")) as copy,
        closing(open_for_reading(record.url)) as reader,
    ):
        while True:
            held = receiving.held(copy)
            copy.rollback()
            piece = shipping.piece(reader, held, HEAD, NINE)
            if piece is None:
                break
            receiving.take(copy, piece)
            if piece.file is not None:
                receiving.keep_file(copy, piece.file.sha256, piece.file.content)
    record.end()


@pytest.fixture
def centre(house: Callable[..., House], broker: Broker, tmp_path: Path) -> Iterator[Centre]:
    (tmp_path / "gateway").mkdir()
    yield Centre(house, broker, tmp_path / "gateway")


@pytest.mark.parametrize("screen", [DESKTOP, PHONE], ids=["desk", "phone"])
def test_axe_finds_nothing_and_nothing_is_wider_than_the_screen(
    centre: Centre, visit: Visit, scheme: str, screen: dict[str, object]
) -> None:
    page = centre.enter(visit(screen, color_scheme=scheme))
    found = {}
    for path in PATHS:
        page.goto(centre.url + path)
        wrong = [*faults(page), *axe(page)]
        if wrong:
            found[path] = wrong
    assert not found, "\n".join(f"{path}: {each}" for path, wrong in found.items() for each in wrong)


def test_from_the_list_to_a_ticket_and_what_is_asked_there_waits(centre: Centre, page: Page) -> None:
    centre.enter(page)
    page.goto(f"{centre.url}/gateways")
    page.get_by_role("link", name="maple-gw").click()
    expect(page.get_by_text("The record of maple-gw")).to_be_visible()
    page.goto(f"{centre.url}{AT}/tickets")
    page.locator(f'a[href$="/tickets/{TICKET}"]').first.click()
    expect(page).to_have_url(f"{centre.url}{AT}/tickets/{TICKET}")
    form = page.locator(f'form[action="{AT}/tickets/{TICKET}/note"]')
    form.evaluate("form => { form.closest('details').open = true }")
    form.locator("textarea, input[type=text]").first.fill("on our way")
    form.get_by_role("button", name="Put the note on record").click()
    expect(page.get_by_text(f"Waits for its answer: note {TICKET}, by Dora")).to_be_visible(timeout=30_000)
    page.get_by_role("link", name="all gateways").click()
    expect(page.get_by_role("row").last).to_contain_text(f"note {TICKET}")
