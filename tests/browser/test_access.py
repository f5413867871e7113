"""Coming in, going out, and who may not: as a person sees it in a browser."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from safetyd.core.model import Role
from tests.browser.conftest import Visit
from tests.browser.school import School
from tests.browser.seeing import axe, screenshot
from tests.browser.village import PASSWORD, Village
from tests.journeys.served import TWO
from tests.journeys.servers import LOOPBACK, Broker, Client, House, free_port

pytestmark = pytest.mark.journey


def log_in(page: Page, url: str, name: str, password: str = PASSWORD) -> None:
    page.goto(f"{url}/login")
    page.get_by_label("Your name").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()


def test_the_link_in_the_log_makes_the_first_account_once(
    house: Callable[..., House], broker: Broker, client: Client, visit: Visit, complaints: list[str]
) -> None:
    port = free_port()
    home = house(broker, TWO, f'[web]\nlisten = "{LOOPBACK}:{port}"').start(client)
    School(home, port, client).is_answering()
    home.log_says("/first?key=")
    link = re.search(r"http://\S+/first\?key=[\w-]+", home.log)
    assert link
    page, other = visit(), visit()
    page.goto(link[0])
    assert axe(page) == []
    screenshot(page, "first")
    for label, words in (
        ("Your name", "Di Ray"),
        ("Password", PASSWORD),
        ("The same password again", PASSWORD),
    ):
        page.get_by_label(label, exact=True).fill(words)
    page.get_by_role("button", name="Make the account").click()
    expect(page.get_by_role("link", name="Di Ray, district")).to_be_visible()
    other.goto(link[0])
    expect(other.locator("main")).to_contain_text("this link was used")
    assert axe(other) == []
    expect(other.get_by_label("Password")).to_have_count(0)
    assert (
        home.asked("user", "list")["users"][0]["name"] == "Di Ray"
        and len(home.asked("user", "list")["users"]) == 1
    )
    complaints[:] = [each for each in complaints if "410" not in each]


def test_somebody_logs_in_is_led_on_and_logs_out(village: Village, page: Page) -> None:
    page.goto(f"{village.url}/tickets?status=open")
    expect(page).to_have_title(re.compile("Log in"))
    page.get_by_label("Your name").fill("Kim facilities")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page).to_have_url(f"{village.url}/tickets?status=open")
    page.get_by_role("button", name="Log out").click()
    expect(page).to_have_title(re.compile("Log in"))
    page.go_back()
    page.reload()
    expect(page).to_have_title(re.compile("Log in"))


def test_another_password_ends_the_session_of_another_device(village: Village, visit: Visit) -> None:
    here, there = visit(), visit()
    for each in (here, there):
        log_in(each, village.url, "Kim safety_committee")
    here.goto(f"{village.url}/account")
    here.get_by_label("The old password").fill(PASSWORD)
    here.get_by_label("The new one", exact=True).fill(PASSWORD + " more")
    here.get_by_label("The new one again").fill(PASSWORD + " more")
    here.get_by_role("button", name="Change it").click()
    expect(here.get_by_role("heading", name="Your account")).to_be_visible()
    there.goto(f"{village.url}/account")
    expect(there).to_have_title(re.compile("Log in"))


def test_a_wrong_password_is_refused_in_words(village: Village, page: Page, complaints: list[str]) -> None:
    log_in(page, village.url, "Kim facilities", "no snails")
    expect(page.get_by_role("alert")).to_contain_text("this name and this password do not go together")
    expect(page.get_by_label("Your name")).to_have_value("Kim facilities")
    assert axe(page) == []
    complaints[:] = [each for each in complaints if "403" not in each]


def test_a_wrong_role_is_refused_in_words_and_offered_nothing_it_may_not(
    village: Village, page: Page, complaints: list[str]
) -> None:
    id = village.tickets["maple/12 cold"]
    village.enter(page, Role.EDUCATOR).goto(f"{village.url}/buildings/maple")
    expect(page.get_by_role("navigation").get_by_role("link", name="Tickets")).to_have_count(0)
    expect(page.locator("a[href^='/tickets']")).to_have_count(0)
    page.goto(f"{village.url}/tickets/{id}")
    expect(page.locator("main")).to_contain_text("Your account, educator, does not see tickets.")
    assert axe(page) == []
    village.enter(page, Role.ASSOCIATION).goto(f"{village.url}/tickets/{id}")
    offered = {each.get_attribute("action") for each in page.locator("main form").all()}
    assert offered == {f"/tickets/{id}/dispute"}
    complaints[:] = [each for each in complaints if "403" not in each]
