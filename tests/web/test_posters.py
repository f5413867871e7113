"""The sheet of QR codes: one for each room, which a camera reads as the address beside it."""

import re
from itertools import pairwise

import pytest
import zxingcpp

from safetyd.core.model import Role
from safetyd.web.pages.codes import qr_svg
from safetyd.web.pages.posters import is_reachable
from tests.web.school import Browser, School

DOTS = 4  # of each module


def seen_by_a_camera(svg: str) -> list[str]:
    """Return what is read of a code that is drawn as lines of modules: M x y, h length, m dx dy."""
    size = int(re.search(r'viewBox="0 0 (\d+) \1"', svg)[1])  # type: ignore[index]
    drawn = re.findall(r'<path[^>]*stroke="#000"[^>]*d="([^"]+)"|<path d="([^"]+)"[^>]*stroke="#000"', svg)
    rows = [bytearray(b"\xff" * size * DOTS) for _ in range(size)]
    x = y = 0.0
    for kind, numbers in re.findall(r"([Mmh])([-0-9. ]+)", "".join(drawn[0])):
        read = [float(each) for each in re.findall(r"-?[0-9.]+", numbers)]
        if kind == "h":
            begin, end = int(x) * DOTS, int(x + read[0]) * DOTS
            rows[int(y)][begin:end] = b"\0" * (end - begin)
            x += read[0]
        else:
            x, y = (read[0], read[1]) if kind == "M" else (x + read[0], y + read[1])
    width = size * DOTS
    picture = memoryview(b"".join(bytes(row) * DOTS for row in rows)).cast("B", (width, width))
    return [each.text for each in zxingcpp.read_barcodes(picture)]


@pytest.mark.parametrize(
    "text", ["http://school.example/report?building=maple&room=12", "x", "https://é/" + "y" * 200]
)
def test_a_camera_reads_what_was_written(text: str) -> None:
    assert seen_by_a_camera(qr_svg(text)) == [text]


def test_the_sheet_has_a_code_for_each_room_and_the_building_with_its_address(at_school: School) -> None:
    browser = Browser(at_school)
    browser.enter(Role.ADMINISTRATOR, "maple")
    page = browser.get("/report/sheet").text
    urls = [f"http://127.0.0.1:8914/report?building=maple&room={room}" for room in ("12", "lab", "*")]
    codes = re.findall("<svg.*?</svg>", page, re.S)
    assert [seen_by_a_camera(code) for code in codes] == [[url] for url in urls]
    for url in urls:
        assert url.removeprefix("http://").replace("&", "&amp;") in page
    assert "Room 12" in page and "style=" not in page and all(a != b for a, b in pairwise(codes))


def test_what_the_code_says_leads_to_the_report_of_its_room(at_school: School) -> None:
    browser = Browser(at_school)
    browser.enter(Role.EDUCATOR)
    codes = re.findall("<svg.*?</svg>", browser.get("/report/sheet?building=maple").text, re.S)
    paths = [seen_by_a_camera(code)[0].removeprefix("http://127.0.0.1:8914") for code in codes]
    chosen = [re.search('value="([^"]*)" selected>', browser.get(path).text) for path in paths]
    assert [found and found[1] for found in chosen] == ["12", "lab", "*"]


def test_it_is_said_when_no_telephone_can_reach_the_address(at_school: School) -> None:
    browser = Browser(at_school)
    browser.enter(Role.FACILITIES)
    assert "No telephone can open these" in browser.get("/report/sheet?building=maple").text
    for address in (
        "http://localhost:8914",
        "http://127.0.0.1",
        "http://[::1]:1",
        "http://0.0.0.0:1",
        "http://",
    ):
        assert not is_reachable(address), address
    for address in ("https://safety.school.example", "http://10.20.0.5:8914", "http://[fd00::5]"):
        assert is_reachable(address), address


def test_who_sees_several_buildings_is_asked_which(at_school: School) -> None:
    browser = Browser(at_school)
    browser.enter(Role.DISTRICT)
    page = browser.get("/report/sheet").text
    assert "/report/sheet?building=maple" in page and "/report/sheet?building=cedar" in page
    assert browser.get("/report/sheet?building=nowhere").status == 400
