"""The browser itself: it shows what the daemon answers, and what a page does wrong does not escape a test."""

import json
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import PHONE, Visit
from tests.browser.school import School
from tests.browser.seeing import axe, screenshot
from tests.journeys.servers import LOOPBACK

pytestmark = pytest.mark.journey

POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:"
PAGE = """<!doctype html>
<html lang="en">
<title>A room</title>
<link rel="icon" href="data:,">
<meta name="viewport" content="width=device-width">
<body><main><h1>Room 12</h1>{}</main></body>
</html>"""

Serve = Callable[..., str]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Serves one page under a strict policy and returns its address: `serve("<p>…")`."""
    made: list[ThreadingHTTPServer] = []

    def page(body: str, policy: str = POLICY) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                content = PAGE.format(body).encode()
                self.send_response(200)
                self.send_header("Content-Security-Policy", policy)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, format: str, *_: Any) -> None:
                pass

        made.append(ThreadingHTTPServer((LOOPBACK, 0), Handler))
        Thread(target=made[-1].serve_forever, args=(0.02,), daemon=True).start()
        return f"http://{LOOPBACK}:{made[-1].server_address[1]}/"

    yield page
    for each in made:
        each.shutdown()
        each.server_close()


def taken(page: Page, complaints: list[str]) -> str:
    """Return all that a page has complained of, and take it away."""
    page.context.close()
    said = "\n".join(complaints)
    complaints.clear()
    return said


def test_the_daemon_answers_a_browser(school: School, page: Page) -> None:
    answer = page.goto(f"{school.url}/healthz")
    assert answer is not None and answer.json() == {"status": "ok"}
    page.goto(f"{school.url}/api/v1/openapi.json")
    assert json.loads(page.locator("pre").inner_text())["openapi"].startswith("3.1")


def test_a_page_without_fault_has_none_in_either_scheme(serve: Serve, visit: Visit, scheme: str) -> None:
    page = visit(color_scheme=scheme)
    page.goto(serve("<p>62.1 °F</p>"))
    assert axe(page) == []
    assert page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches") == (scheme == "dark")


def test_what_axe_finds_is_said_in_words(serve: Serve, page: Page) -> None:
    page.goto(serve('<button id="bare"></button>'))
    (found,) = axe(page)
    assert found.startswith("button-name (critical)") and "#bare" in found


def test_a_phone_is_narrow_and_touched(serve: Serve, phone: Page) -> None:
    phone.goto(serve("<p>62.1 °F</p>"))
    assert phone.evaluate("innerWidth") == PHONE["viewport"]["width"]
    assert phone.evaluate("matchMedia('(hover: none) and (pointer: coarse)').matches")


def test_whoever_asks_another_host_is_found(serve: Serve, page: Page, complaints: list[str]) -> None:
    page.goto(serve('<img alt="" src="http://elsewhere.invalid/x.png">', "img-src *"))
    assert "asks another host: GET http://elsewhere.invalid/x.png" in taken(page, complaints)


def test_what_the_policy_refuses_is_found(serve: Serve, page: Page, complaints: list[str]) -> None:
    page.goto(serve("<p style='color: red'>62.1 °F</p>"))
    assert "Content Security Policy" in taken(page, complaints)


def test_an_error_of_a_script_is_found(serve: Serve, page: Page, complaints: list[str]) -> None:
    page.goto(serve("<script>nowhere()</script>", "img-src data:"))
    assert "nowhere is not defined" in taken(page, complaints)


def test_an_answer_that_refuses_is_found(school: School, page: Page, complaints: list[str]) -> None:
    page.goto(f"{school.url}/api/v1/tickets")
    assert "401" in taken(page, complaints)


def test_nothing_of_one_visitor_is_known_to_another(serve: Serve, visit: Visit) -> None:
    where = serve("<p>62.1 °F</p>")
    one, other = visit(), visit(PHONE)
    one.goto(where)
    one.evaluate("document.cookie = 'who=one'")
    other.goto(where)
    assert one.evaluate("document.cookie") == "who=one"
    assert other.evaluate("document.cookie") == ""


def test_a_picture_of_the_whole_page_is_kept(serve: Serve, page: Page) -> None:
    page.goto(serve("<p>62.1 °F</p>" * 100))
    kept = screenshot(page, "a_room")
    assert kept.read_bytes().startswith(b"\x89PNG")
    kept.unlink()
