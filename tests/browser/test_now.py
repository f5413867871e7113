"""A building's page in a browser: what happens over MQTT is on it by itself, and it disturbs nobody."""

from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page, Route, expect

from safetyd.core.model import Role
from safetyd.store import accounts, sessions
from safetyd.store.database import open_for_writing
from tests.browser.conftest import PHONE, Visit
from tests.browser.school import School
from tests.browser.seeing import axe, screenshot
from tests.journeys.servers import until

pytestmark = pytest.mark.journey

WELL = {"temperature_f": 61.5, "humidity": 44}
COLD = {"temperature_f": 59.5, "humidity": 44}  # so near to it that nobody doubts it


def enter(school: School, page: Page, role: Role = Role.ADMINISTRATOR, *buildings: str) -> str:
    """Log in as a new account, and return what its browser brings."""
    now = datetime.now(UTC)
    with closing(open_for_writing(f"sqlite:///{school.house.store}")) as connection:
        name = f"{role} {' '.join(buildings)} {now:%H%M%S%f}"
        accounts.add(connection, name, role, buildings, "not used", now)
        secret = sessions.begin(connection, accounts.named(connection, name).number, now)
    page.context.add_cookies([{"name": "safetyd", "value": secret, "url": school.url}])
    return secret


def test_a_breach_is_on_the_page_by_itself_and_is_said_aloud(school: School, page: Page) -> None:
    for room in ("maple/12", "maple/lab"):
        school.hears(room, **WELL)
    enter(school, page)
    page.goto(f"{school.url}/buildings/maple")
    expect(page.locator("#lead")).to_have_text("All 2 rooms are neither too cold nor too hot.")
    expect(page.locator(".live")).to_have_text("Live")
    school.hears("maple/lab", **COLD)
    expect(page.locator("#lead")).to_contain_text("1 room is too cold")
    expect(page.locator("#room-lab")).to_contain_text("59.5 °F")
    expect(page.locator("#room-lab")).to_contain_text("Ticket, too cold: open")
    expect(page.locator(".due")).to_contain_text("24-hour relief: Room lab, too cold")
    expect(page.locator(".due time.left").first).to_contain_text("23 h 59 min left")
    expect(page.locator("p.unseen")).to_contain_text("Room lab: too cold")
    assert page.locator(".room").first.get_attribute("id") == "room-lab", "the worst comes first"


def test_what_is_exchanged_keeps_focus_scroll_and_what_was_opened(school: School, visit: Visit) -> None:
    page = visit(PHONE)
    for room in ("maple/12", "maple/lab"):
        school.hears(room, **WELL)
    school.client.tell("safetyd/power/maple/ups", {"mains": True})
    enter(school, page)
    page.goto(f"{school.url}/buildings/maple")
    page.locator("#witnesses summary").click()
    page.locator("#room-12 .name").focus()
    before = page.evaluate("document.querySelector('#room-12 .name').focused = true, scrollY")
    school.hears("maple/lab", **COLD)
    expect(page.locator("#lead")).to_contain_text("1 room is too cold")
    assert page.evaluate("document.activeElement.focused"), "it is the very same element"
    assert page.evaluate("document.querySelector('#witnesses').open")
    assert before >= 0


def test_what_is_due_counts_down_by_the_clock_of_the_school(school: School, page: Page) -> None:
    school.hears("maple/lab", **WELL)
    enter(school, page)
    page.clock.install()
    page.goto(f"{school.url}/buildings/maple")
    expect(page.locator(".live")).to_have_text("Live")
    page.clock.set_system_time(datetime.now(UTC) - timedelta(days=3))  # somebody sets the one of the screen
    school.hears("maple/lab", **COLD)
    expect(page.locator(".due time.left").first).to_contain_text("23 h 59 min left")


def test_nothing_is_exchanged_where_somebody_has_chosen_words(school: School, page: Page) -> None:
    school.hears("maple/lab", **WELL)
    enter(school, page)
    page.goto(f"{school.url}/buildings/maple")
    expect(page.locator(".live")).to_have_text("Live")
    expect(page.locator("#room-lab")).to_contain_text("61.5 °F")
    page.evaluate("getSelection().selectAllChildren(document.querySelector('#room-lab .name'))")
    with page.expect_response("**/buildings/maple/rooms"):
        school.hears("maple/lab", **COLD)
    assert page.evaluate("getSelection().toString()") == "Room lab"
    expect(page.locator("#room-lab")).to_contain_text("61.5 °F")


def test_a_page_says_when_it_is_not_live_and_finds_back(
    school: School, page: Page, complaints: list[str]
) -> None:
    school.hears("maple/lab", **WELL)
    enter(school, page)
    page.goto(f"{school.url}/buildings/maple")
    expect(page.locator(".live")).to_have_text("Live")
    school.house.stop()
    expect(page.locator(".live")).to_contain_text("Not live: last news at ")
    school.house.start(school.client)
    school.is_answering()
    expect(page.locator(".live")).to_have_text("Live")
    assert all("ERR_" in each for each in complaints), complaints
    complaints.clear()


def test_without_a_stream_of_events_it_looks_each_minute(school: School, page: Page) -> None:
    school.hears("maple/lab", **WELL)
    enter(school, page)
    page.add_init_script("delete window.EventSource")
    page.clock.install()
    page.goto(f"{school.url}/buildings/maple")
    expect(page.locator(".live")).to_have_text("Looks for news each minute")
    school.hears("maple/lab", **COLD)
    school.house.has("ticket", 1)
    lead = page.locator("#lead")

    def is_told() -> bool:
        page.clock.run_for(61_000)  # what is shown may be of a moment ago: a minute later it is not
        return "1 room is too cold" in lead.inner_text()

    until("it has looked", is_told)


def test_a_page_says_when_nobody_is_logged_in_any_more(school: School, page: Page) -> None:
    school.hears("maple/lab", **WELL)
    secret = enter(school, page)
    page.goto(f"{school.url}/buildings/maple")
    expect(page.locator(".live")).to_have_text("Live")
    with closing(open_for_writing(f"sqlite:///{school.house.store}")) as connection:
        sessions.end(connection, secret)
    school.hears("maple/lab", **COLD)
    expect(page.locator(".live")).to_contain_text("nobody is logged in any more")
    expect(page.locator("#lead")).not_to_contain_text("too cold")


def test_another_page_may_show_that_the_record_has_changed(school: School, page: Page) -> None:
    school.hears("maple/lab", **WELL)
    enter(school, page)

    def marked(route: Route) -> None:
        answer = route.fetch()
        notice = '<p id="news" data-live-notice hidden>There is something new.</p>'
        route.fulfill(response=answer, body=answer.text().replace("<h1>", notice + "<h1>"))

    page.route("**/account", marked)
    page.goto(f"{school.url}/account")
    expect(page.locator(".live")).to_have_text("Live")
    expect(page.locator("#news")).to_be_hidden()
    school.hears("maple/lab", **COLD)
    expect(page.locator("#news")).to_be_visible()
    expect(page.locator("p.unseen")).to_have_text("There is something new.")


def test_it_is_read_on_a_phone_by_dark_and_light_and_on_a_wall(
    school: School, visit: Visit, scheme: str
) -> None:
    for room in ("maple/12", "maple/lab"):
        school.hears(room, **WELL)
    school.hears("maple/lab", **COLD)
    wall = {"viewport": {"width": 1920, "height": 1080}}
    narrow = {**PHONE, "viewport": {"width": 320, "height": 640}}
    for name, screen in (("phone", PHONE), ("narrow", narrow), ("wall", wall)):
        page = visit(screen, color_scheme=scheme)
        enter(school, page, Role.DISTRICT)
        for what, path in (("now", "/buildings/maple"), ("district", "/district")):
            page.goto(school.url + path)
            expect(page.locator(".live")).to_have_text("Live")
            width = page.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert width <= 0, f"{what} is wider than {name}"
            assert axe(page) == []
            screenshot(page, f"{what}-{name}-{scheme}")
