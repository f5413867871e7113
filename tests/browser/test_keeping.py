"""Troubles, sensors, people, calendar and rules as they look: for everybody, on a phone and in the dark."""

from contextlib import closing
from datetime import UTC, datetime

import pytest
from playwright.sync_api import expect

from safetyd.core.model import Role
from safetyd.store import accounts, sessions
from safetyd.store.database import open_for_writing
from tests.browser.conftest import DESKTOP, PHONE, Visit
from tests.browser.school import School
from tests.browser.seeing import axe, screenshot

pytestmark = pytest.mark.journey

PATHS = ("/troubles", "/sensors", "/sensors/maple?room=12&sensor=12", "/people", "/calendar", "/rules")
NARROW = {"viewport": {"width": 320, "height": 640}}
STRAY = "safetyd/readings/maple/attic"


def enter(school: School, name: str = "Dora Fay") -> dict[str, str]:
    """Let somebody in, and return the cookie of their browser."""
    url = f"sqlite:///{school.house.folder / 'var' / 'safetyd.db'}"
    with closing(open_for_writing(url)) as connection:
        accounts.add(connection, name, Role.DISTRICT, (), "not used", datetime.now(UTC))
        number = accounts.named(connection, name).number
        secret = sessions.begin(connection, number, datetime.now(UTC))
    return {"name": "safetyd", "value": secret, "url": school.url}


def test_they_pass_for_everybody_and_fit_every_screen(school: School, visit: Visit, scheme: str) -> None:
    school.hears("maple/12", temperature_f=68, humidity=40, battery=4)
    school.client.tell(STRAY, {"temperature_f": 61})
    school.house.has("stray", 1)
    cookie = enter(school)
    for screen in (DESKTOP, PHONE, NARROW):
        page = visit(screen, color_scheme=scheme)
        page.context.add_cookies([cookie])  # type: ignore[list-item]
        for path in (*PATHS, f"/sensors?assign={STRAY}"):
            page.goto(school.url + path)
            assert axe(page) == [], path
            width = page.evaluate("document.documentElement.scrollWidth")
            assert width <= page.evaluate("window.innerWidth"), path
            if screen is PHONE:
                screenshot(page, f"{path.strip('/').partition('/')[0].partition('?')[0]}-phone-{scheme}")


def test_a_topic_of_nobody_is_given_a_room_where_it_is_seen(school: School, visit: Visit) -> None:
    school.client.tell(STRAY, {"temperature_f": 61})
    school.house.has("stray", 1)
    page = visit(PHONE)
    page.context.add_cookies([enter(school)])  # type: ignore[list-item]
    page.goto(f"{school.url}/sensors")
    page.get_by_role("link", name="Say whose it is").click()
    page.get_by_label("It is in").select_option("maple/12")
    page.get_by_label("Since it was first heard").check()
    page.get_by_role("button", name="It is in this room").click()
    expect(page.get_by_role("status")).to_contain_text("1 message was judged as learned now")
    expect(page.get_by_role("heading", name="Heard, and of no room")).to_have_count(0)
