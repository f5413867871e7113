"""Names, notes, files and payloads of somebody who means ill: only ever text, on every page and in a mail."""

import csv
import json
import urllib.request
from collections.abc import Callable
from email.message import Message
from io import BytesIO, StringIO
from xml.etree import ElementTree
from zipfile import ZipFile

import pytest
from playwright.sync_api import Page, expect

from safetyd.core.model import Role
from tests.browser.conftest import Visit
from tests.browser.test_every_page import faults, paths
from tests.browser.village import FORMULA, LONG, SCRIPT, Village
from tests.journeys.post import PostOffice
from tests.journeys.servers import Broker, Client, House, Site, until

pytestmark = pytest.mark.journey


def fetched(village: Village, path: str) -> tuple[Message, bytes]:
    """Return what an administrator gets at a path, with its headers."""
    cookie = {"Cookie": f"safetyd={village.secrets[Role.ADMINISTRATOR]}"}
    with urllib.request.urlopen(urllib.request.Request(village.url + path, headers=cookie)) as answer:
        return answer.headers, answer.read()


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
    for path in ("tickets", "rooms", "sensors", "troubles", f"tickets/{village.tickets['birch/1 cold']}"):
        headers, body = fetched(village, f"/api/v1/{path}")
        assert headers["content-type"] == "application/json"
        assert headers["x-content-type-options"] == "nosniff"
        json.loads(body)


@pytest.mark.parametrize(
    "path", ["/history/file/{}?building=birch&room=1&room=2&range=week", "/heatmap/file/{}?building=birch"]
)
def test_no_spreadsheet_finds_a_formula_in_a_file(village: Village, path: str) -> None:
    headers, body = fetched(village, path.format("csv"))
    assert headers["content-disposition"].startswith("attachment")
    cells = [cell for row in csv.reader(StringIO(body.decode())) for cell in row]
    assert len(cells) > 20
    assert not [
        each for each in cells if each[:1] in set("=+@\t\r") or (each[:1] == "-" and not _is_number(each))
    ]
    _, svg = fetched(village, path.format("svg"))
    drawn = ElementTree.fromstring(svg)
    assert not [each.tag for each in drawn.iter() if each.tag.endswith(("script", "image", "foreignObject"))]


@pytest.mark.parametrize("report", ["september", "checklist"])
def test_no_spreadsheet_finds_a_formula_in_a_report(village: Village, report: str) -> None:
    _, body = fetched(village, f"/reports/file/csv?report={report}&building=birch")
    cells = [cell for row in csv.reader(StringIO(body.decode())) for cell in row]
    assert len(cells) > 20 and not [each for each in cells if each[:1] in set("=+-@\t\r")]


@pytest.mark.parametrize(
    "path",
    [
        "/history/file/xlsx?building=birch&room=1&room=2&range=week",
        "/reports/file/xlsx?report=september&building=birch",
    ],
)
def test_a_workbook_holds_no_formula(village: Village, path: str) -> None:
    _, body = fetched(village, path)
    with ZipFile(BytesIO(body)) as book:
        sheets = [book.read(each) for each in book.namelist() if each.startswith("xl/worksheets/sheet")]
    assert sheets and not any(b"<f>" in each for each in sheets)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


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
