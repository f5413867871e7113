"""By which names the pages may be asked: a name that anybody could have lead here is none of them."""

from dataclasses import replace
from ipaddress import ip_network

import pytest

from safetyd.web.pages.once import new_key
from tests.web.school import HERE, Browser, School
from tests.web.writer import writer

OURS = [
    "gateway",
    "gateway:8914",
    "gateway.local",
    "GATEWAY.LAN.",
    "10.20.0.5:8914",
    "[fd00::5]:8914",
    "localhost:1",
]
NOBODYS = [
    "elsewhere.example",
    "elsewhere.example:8914",
    "local.example",
    "10.20.0.5.example",
    "127.0.0.1.nip.io",
]


@pytest.mark.parametrize("host", [*OURS, *NOBODYS])
def test_nobody_reports_through_somebodys_browser_by_a_name_of_theirs(at_school: School, host: str) -> None:
    at_school.site = replace(at_school.site, reports_from=(ip_network("192.0.2.0/24"),))
    said = {"once": new_key(), "building": "maple", "room": "lab", "name": "Jo Park", "what": "leaks"}
    with writer(at_school):
        answer = Browser(at_school).post(
            "/report", said, {"host": host, "origin": f"http://{host}", "sec-fetch-site": "same-origin"}
        )
    assert answer.status == (303 if host in OURS else 403), answer.text
    assert ("public_url" in answer.text) is (host in NOBODYS)


@pytest.mark.parametrize("host", NOBODYS)
def test_nobody_guesses_passwords_through_somebodys_browser(at_school: School, host: str) -> None:
    for path in ("/login", "/first", "/password"):
        answer = Browser(at_school).post(path, {"name": "Ann", "password": "x", "key": "x"}, {"host": host})
        assert answer.status == 403 and "nothing was done" in answer.text


def test_the_address_that_is_named_is_ours(at_school: School) -> None:
    said, asked = {"name": "Ann", "password": "x"}, {"host": "safety.example:8443"}
    assert "do not go together" not in Browser(at_school).post("/login", said, asked).text
    at_school.application._looking.house = at_school.house._replace(address="https://safety.example/")
    assert "do not go together" in Browser(at_school).post("/login", said, asked).text


def test_a_page_elsewhere_reads_no_figures_through_a_browser_of_this_machine(at_school: School) -> None:
    assert at_school.ask("/metrics", address=HERE, headers={"host": "127.0.0.1:8914"}).status == 200
    assert at_school.ask("/metrics", address=HERE, headers={"host": "elsewhere.example"}).status == 401
