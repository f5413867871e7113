"""The past in a browser: drawn by the server, made zoomable by a script; each cell of a building leads on."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import DESKTOP, PHONE, Visit
from tests.browser.school import School
from tests.browser.seeing import axe, screenshot

pytestmark = pytest.mark.journey

PATHS = ["/history?range=day", "/history?room=12&room=lab", "/heatmap"]


@pytest.fixture
def told(school: School) -> School:
    """A school whose room 12 has been told of for some hours, and is cold."""
    now = datetime.now(UTC)
    for ago in range(240, -1, -10):
        at = (now - timedelta(minutes=ago)).isoformat()
        school.hears("maple/12", temperature_f=66 - ago / 60 if ago else 55.0, humidity=41, at=at)
    return school


def enter(page: Page, school: School, role: str = "safety_committee") -> None:
    """Log in as a new account of a role."""
    school.token(f"Ann the {role}", role)
    page.goto(f"{school.url}/login")
    page.get_by_label("Name").fill(f"Ann the {role}")
    page.get_by_label("Password").fill("nine grey herons")
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url(f"{school.url}/**")
    expect(page.get_by_role("button", name="Log out")).to_be_visible()


def span(page: Page) -> float:
    """Return how long the time is that is looked at, in seconds, once it is refined."""
    box = page.locator(".zoom")
    begin, end = (datetime.fromisoformat(box.get_attribute(f"data-{name}") or "") for name in ("from", "to"))
    return (end - begin).total_seconds()


def moved_from(was: str | None, page: Page) -> None:
    """Wait until another time is looked at."""
    expect(page.locator(".zoom")).not_to_have_attribute("data-from", was or "")


def test_the_chart_is_zoomed_by_keyboard_and_mouse_and_shown_whole_again(told: School, page: Page) -> None:
    enter(page, told)
    page.goto(f"{told.url}/history?range=day")
    box = page.locator(".zoom")
    shown = box.get_attribute("data-from")
    whole = span(page)
    box.focus()
    page.keyboard.press("+")
    moved_from(shown, page)
    assert span(page) == pytest.approx(whole / 2, abs=2)
    shown = box.get_attribute("data-from")
    page.keyboard.press("ArrowLeft")
    moved_from(shown, page)
    assert span(page) == pytest.approx(whole / 2, abs=2)
    shown = box.get_attribute("data-from")
    plot = page.locator(".zoom .u-over").bounding_box()
    assert plot
    y = plot["y"] + plot["height"] / 2
    page.mouse.move(plot["x"] + plot["width"] * 0.25, y)
    page.mouse.down()
    page.mouse.move(plot["x"] + plot["width"] * 0.75, y, steps=5)
    page.mouse.up()
    moved_from(shown, page)
    assert span(page) == pytest.approx(whole / 4, rel=0.1)
    assert "from=" in (page.get_by_role("link", name="CSV").get_attribute("href") or "")
    shown = box.get_attribute("data-from")
    page.mouse.dblclick(plot["x"] + plot["width"] / 2, y)
    moved_from(shown, page)
    assert span(page) == whole


def test_without_a_script_the_servers_drawing_is_there(told: School, visit: Visit) -> None:
    page = visit(java_script_enabled=False)
    enter(page, told)
    page.goto(f"{told.url}/history?range=day")
    expect(page.locator(".chart-wide")).to_be_visible()
    expect(page.locator(".zoom")).to_have_count(0)
    page.get_by_role("link", name="Zoom out").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Temperature of Room 12")
    assert "range=week" in page.url


def test_where_the_numbers_do_not_come_the_drawing_stays(
    told: School, page: Page, complaints: list[str]
) -> None:
    enter(page, told)
    page.route("**/history/points*", lambda route: route.abort())
    with page.expect_event("requestfailed"):
        page.goto(f"{told.url}/history?range=day")
    expect(page.locator(".chart-wide")).to_be_visible()
    expect(page.locator(".zoom")).to_have_count(0)
    page.wait_for_load_state("networkidle")
    complaints.clear()  # the console tells of the failed request


def test_a_committee_member_saves_a_season_with_one_click(told: School, page: Page, tmp_path: Path) -> None:
    enter(page, told)
    page.goto(f"{told.url}/history?range=term")
    for kind, begins in (("CSV", b"building,"), ("XLSX", b"PK"), ("PNG", b"\x89PNG"), ("SVG", b"<?xml")):
        with page.expect_download() as found:
            page.get_by_role("link", name=kind).click()
        file = tmp_path / found.value.suggested_filename
        found.value.save_as(file)
        assert file.name.startswith("maple-12-temperature-") and file.read_bytes().startswith(begins)


def test_a_cell_of_the_building_leads_to_that_day_of_the_room(told: School, page: Page) -> None:
    enter(page, told, "educator")
    page.goto(f"{told.url}/heatmap")
    page.locator(".chart-wide a[href*='room=12']").last.click()
    page.wait_for_url("**/history?*range=day*")
    expect(page.get_by_role("heading", level=1)).to_have_text("Temperature of Room 12")


@pytest.mark.parametrize("screen", [DESKTOP, PHONE], ids=["desk", "phone"])
def test_the_pages_have_no_fault_and_fit_the_screen(
    told: School, visit: Visit, screen: dict[str, Any], scheme: str
) -> None:
    page = visit(screen, color_scheme=scheme)
    enter(page, told)
    for path in PATHS:
        page.goto(told.url + path)
        if path.startswith("/history"):
            expect(page.locator(".zoom canvas")).to_be_visible()
        name = "desk" if screen is DESKTOP else "phone"
        screenshot(page, f"{path[1:8].rstrip('?')}_{len(path)}_{name}_{scheme}")
        assert axe(page) == [], path
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path


def test_at_320_pixels_nothing_is_cut_off(told: School, visit: Visit) -> None:
    page = visit({"viewport": {"width": 320, "height": 640}})
    enter(page, told)
    for path in PATHS:
        page.goto(told.url + path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, path
