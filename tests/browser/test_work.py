"""What people come for, from the first tap to what is on record: on a phone, by touch and by keyboard."""

import re
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from safetyd.core.model import Role
from safetyd.passwords import hashed
from safetyd.store import accounts
from safetyd.store.database import open_for_writing
from tests.browser.conftest import PHONE, Visit
from tests.browser.keys import Keys
from tests.browser.school import School
from tests.browser.seeing import axe, screenshot
from tests.browser.test_now import enter
from tests.journeys.post import PostOffice
from tests.journeys.servers import LOOPBACK, Broker, Client, House, Site, free_port, until

pytestmark = pytest.mark.journey

PASSWORD = "nine grey herons"
COLD = {"temperature_f": 57.5, "humidity": 44}
PHOTO = b"\xff\xd8\xff\xe0" + bytes(range(256)) * 500


@pytest.fixture
def post() -> Iterator[PostOffice]:
    """A mail server that takes every mail."""
    made = PostOffice()
    yield made
    made.close()


@pytest.fixture
def told(house: Callable[..., House], broker: Broker, client: Client, post: PostOffice) -> School:
    """A school whose custodian gets mails, with a link to the pages, and takes reports from this machine."""
    port = free_port()
    site = Site(people={"Kim Low": [post.address("kim@school.example")]})
    more = f'[web]\nlisten = "{LOOPBACK}:{port}"\npublic_url = "http://{LOOPBACK}:{port}"'
    home = house(broker, 'reports_from = ["127.0.0.0/8"]\n' + site.text(), more).start(client)
    made = School(home, port, client)
    made.is_answering()
    with closing(open_for_writing(f"sqlite:///{home.store}")) as connection:
        accounts.add(connection, "Kim Low", Role.FACILITIES, (), hashed(PASSWORD), datetime.now(UTC))
    return made


def link_in_a_mail(post: PostOffice) -> str:
    """Return where the first mail leads."""
    until("a mail has come", lambda: post.arrived)
    (_, mail) = post.arrived[0]
    part = mail.get_body(("plain", "html"))
    found = part and re.search(r"http://[^\s\"<]+/tickets/[a-z0-9-]+", part.get_content())
    assert found, mail.as_string()
    return found[0]


def test_a_custodian_comes_by_the_link_in_a_mail_and_records_relief_with_a_photo(
    told: School, post: PostOffice, phone: Page, tmp_path: Path
) -> None:
    told.hears("maple/12", **COLD)
    photo = tmp_path / "heater.jpg"
    photo.write_bytes(PHOTO)
    phone.goto(link := link_in_a_mail(post))
    phone.get_by_label("Your name").fill("Kim Low")
    phone.get_by_label("Password").fill(PASSWORD)
    phone.get_by_role("button", name="Log in").tap()
    expect(phone).to_have_url(link)
    expect(phone.locator("h1")).to_have_text("Too cold: Room 12")
    screenshot(phone, "ticket-phone")
    form = phone.locator("#act-relieve")
    if form.get_attribute("open") is None:
        form.locator("summary").tap()
    form.get_by_label("What was done").select_option("fans_or_heaters")
    form.get_by_label("In your words").fill("a heater stands by the door")
    form.get_by_label("Photos or PDF").set_input_files(photo)
    form.get_by_role("button", name="Put the relief on record").tap()
    expect(phone.get_by_role("status").first).to_have_text("The relief is on record.")
    expect(phone.locator(".states")).to_contain_text("relieved")
    expect(phone.locator(".lines").first).to_contain_text("a heater stands by the door")
    with phone.expect_download() as saved:
        phone.get_by_role("link", name="heater.jpg").first.tap()
    assert saved.value.path().read_bytes() == PHOTO
    assert axe(phone) == []
    screenshot(phone, "ticket-relieved-phone")
    shown = told.house.ticket(urlsplit(link).path.rpartition("/")[2])
    assert shown["status"] == "relieved" and shown["history"][-1]["by"] == "Kim Low"


def test_an_educator_reports_a_leak_by_the_code_of_a_room_and_facilities_see_it(
    told: School, visit: Visit
) -> None:
    desk, phone = visit(), visit(PHONE)
    enter(told, desk)
    desk.goto(f"{told.url}/report/sheet?building=maple")
    words = desk.locator("body").inner_text()
    code = f"{told.url.partition('://')[2]}/report?building=maple&room=lab"
    assert code in words, words
    phone.goto(f"http://{code}")
    expect(phone.get_by_label("Where is it?")).to_have_value("lab")
    phone.get_by_label("Your name").fill("Jo Park")
    phone.get_by_label("A leak").check()
    phone.get_by_label("In your own words").fill("it drips on the piano")
    screenshot(phone, "report-phone")
    assert axe(phone) == []
    phone.get_by_role("button", name="Send the report").tap()
    expect(phone.locator("main")).to_contain_text("It has opened a ticket")
    assert axe(phone) == []
    screenshot(phone, "report-sent-phone")
    enter(told, desk, Role.FACILITIES)
    desk.goto(f"{told.url}/tickets")
    desk.get_by_role("link", name="Hazard: leaks: Maple School, Room lab").click()
    expect(desk.locator("main")).to_contain_text("it drips on the piano")
    expect(desk.locator("main")).not_to_contain_text("Jo Park")


def test_by_keyboard_alone_from_the_login_to_relief_on_record(told: School, page: Page) -> None:
    told.hears("maple/12", **COLD)
    told.house.has("ticket", 1)
    keys = Keys(page)
    page.goto(f"{told.url}/")
    keys.press("Tab")
    assert keys.at() == "Skip to the content"
    keys.to("Your name")
    page.keyboard.type("Kim Low")
    keys.press("Tab")
    assert keys.at().startswith("Password")
    page.keyboard.type(PASSWORD)
    keys.press("Enter")
    expect(page.locator("h1")).to_have_text("Maple School")
    keys.press("Tab")
    assert keys.at() == "Skip to the content"
    keys.press("Enter")
    expect(page.locator("#content")).to_be_focused()
    keys.press("Tab")
    assert keys.at() not in ("Riverbend", "Now", "Tickets", "Log out"), "the skip link leads past them"
    keys.to("24-hour relief")
    keys.press("Enter")
    expect(page.locator("h1")).to_have_text("Too cold: Room 12")
    opened = page.locator("#act-relieve").get_attribute("open") is not None
    keys.to("Relief was given")
    if not opened:
        keys.press("Enter")
    keys.to("Which step of relief")
    keys.to("What was done")
    keys.press("ArrowDown", "ArrowDown", "ArrowDown")
    keys.to("In your words")
    page.keyboard.type("a heater stands by the door")
    keys.to("Put the relief on record")
    keys.press("Space")
    expect(page.get_by_role("status").first).to_have_text("The relief is on record.")
    (shown,) = told.house.tickets()
    assert shown["status"] == "relieved"
