"""On paper: what is on record is there, what only works on a screen is not."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.seeing import SCREENSHOTS
from tests.browser.village import Village

pytestmark = pytest.mark.journey


def printed(page: Page, name: str) -> str:
    """Write a page as it is printed into the ignored folder, and return the words on it."""
    page.emulate_media(media="print")
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.pdf(path=SCREENSHOTS / f"{name}.pdf", format="Letter")
    return page.locator("body").inner_text()


def test_a_ticket_is_printed_with_all_that_happened_and_without_its_forms(
    village: Village, page: Page
) -> None:
    village.enter(page).goto(f"{village.url}/tickets/{village.tickets['maple/12 cold']}")
    lines = [each.inner_text() for each in page.locator(".lines > li .line-head").all()]
    told = page.locator(".notices > li").count()
    words = printed(page, "ticket-printed")
    assert len(lines) > 3 and all(each in words for each in lines)
    assert "the radiator is cold" in words and "radiator.jpg" in words and "9.14.3.B" in words
    assert page.locator(".notices > li:visible").count() == told
    expect(page.locator(".chart-svg:visible")).to_have_count(1)
    expect(page.locator("form:visible, button:visible, nav:visible")).to_have_count(0)


def test_what_is_folded_on_the_screen_is_unfolded_on_paper(village: Village, page: Page) -> None:
    village.enter(page).goto(f"{village.url}/tickets/{village.tickets['cedar/1 cold']}")
    folded = page.locator(".older li").first
    expect(folded).to_be_hidden()
    printed(page, "long-ticket-printed")
    expect(folded).to_be_visible()


def test_the_list_of_tickets_is_printed(village: Village, page: Page) -> None:
    village.enter(page).goto(f"{village.url}/tickets")
    words = printed(page, "tickets-printed")
    assert all(id in words for id in village.tickets.values())
    expect(page.locator("input:visible, select:visible, button:visible")).to_have_count(0)


def test_what_if_is_printed_with_what_was_supposed_and_the_answer(village: Village, page: Page) -> None:
    village.enter(page).goto(f"{village.url}/whatif?cold=62")
    answer = page.get_by_role("heading", name="room-hours in breach")
    expect(answer).to_be_visible()
    words = printed(page, "whatif-printed")
    assert answer.inner_text() in words and "How far this may be trusted" in words
    assert page.locator(".pairs figure:visible").count() == 8
    expect(page.get_by_role("spinbutton", name="Too cold is below")).to_have_value("62")
    expect(page.locator("[type=range]:visible, button:visible, .button:visible")).to_have_count(0)
