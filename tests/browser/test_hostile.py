"""Names, notes, files and payloads of somebody who means ill: only ever text, on every page and in a mail."""

import json
import urllib.request
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from safetyd.core.model import Role
from tests.browser.conftest import Visit
from tests.browser.test_every_page import faults, paths
from tests.browser.village import FORMULA, LONG, SCRIPT, Village
from tests.journeys.post import PostOffice
from tests.journeys.servers import Broker, Client, House, Site, until

pytestmark = pytest.mark.journey


@pytest.mark.parametrize("role", Role)
def test_nothing_that_somebody_typed_is_run_on_any_page(
    village: Village, visit: Visit, complaints: list[str], role: Role
) -> None:
    page = village.enter(visit(), role)
    found = {}
    for path in paths(village, role):
        page.goto(village.url + path)
        if wrong := [*faults(page)]:
            found[path] = wrong
    assert not found
    complaints[:] = [each for each in complaints if "/nothing" not in each and "403" not in each]


def test_what_was_typed_stands_there_as_it_was_typed(village: Village, page: Page) -> None:
    village.enter(page).goto(f"{village.url}/buildings/birch")
    expect(page.locator("h1")).to_have_text(SCRIPT)
    expect(page.locator("#room-1 .name")).to_have_text(SCRIPT)
    expect(page.locator("#room-2 .name")).to_have_text(FORMULA)
    page.goto(f"{village.url}/tickets/{village.tickets['birch/1 cold']}")
    notes = [each.text_content() for each in page.locator(".note").all()]
    assert {SCRIPT, FORMULA, LONG} <= {*notes}
    (turned,) = [each for each in notes if each and "gnp.exe" in each]
    inside = page.locator(".note bdi", has_text="gnp.exe")
    assert inside.count() == 1, "what turns letters round ends where it stands"
    assert "\0" not in turned


def test_a_program_gets_it_as_text_of_a_kind_that_no_browser_runs(village: Village) -> None:
    cookie = {"Cookie": f"safetyd={village.secrets[Role.ADMINISTRATOR]}"}
    for path in ("tickets", "rooms", "sensors", "troubles", f"tickets/{village.tickets['birch/1 cold']}"):
        asked = urllib.request.Request(f"{village.url}/api/v1/{path}", headers=cookie)
        with urllib.request.urlopen(asked) as answer:
            assert answer.headers["content-type"] == "application/json"
            assert answer.headers["x-content-type-options"] == "nosniff"
            json.loads(answer.read())


def test_a_mail_about_a_room_of_such_a_name_runs_nothing_and_has_no_lines_of_its_own(
    house: Callable[..., House], broker: Broker, client: Client, page: Page, complaints: list[str]
) -> None:
    post = PostOffice()
    try:
        site = Site(
            people={"Kim Low": [post.address("kim@school.example")]},
            more=f'[[buildings]]\nid = "birch"\nname = {json.dumps(SCRIPT)}\n'
            f'rooms = [{{ id = "1", name = {json.dumps(FORMULA + SCRIPT)} }}]',
        )
        house(broker, site).start(client)
        client.tell("safetyd/readings/birch/1", {"temperature_f": 57.5, "humidity": 44})
        until("a mail has come", lambda: post.arrived)
        (_, mail) = post.arrived[0]
    finally:
        post.close()
    assert FORMULA + SCRIPT in mail["Subject"] and "\n" not in mail["Subject"]
    html = mail.get_body(("html",))
    assert html is not None
    page.set_content(html.get_content())
    expect(page.locator("body")).to_contain_text(FORMULA + SCRIPT)
    assert page.evaluate("window.pwned") is None
    assert page.locator("script, img").count() == 0
