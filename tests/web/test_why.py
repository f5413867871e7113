"""Why, on a page and in the API: the sentences of `safetyd explain`, for who may see the ticket."""

import re
from datetime import timedelta

import pytest

from safetyd.core.model import Role
from safetyd.web import explaining
from tests.web.school import Browser, School


def visitor(school: School, role: Role = Role.ADMINISTRATOR, *buildings: str) -> Browser:
    browser = Browser(school)
    browser.enter(role, *buildings)
    return browser


def plain(page: str) -> str:
    """Return the text of a page."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", page))


def test_a_ticket_says_why_it_was_opened(at_school: School) -> None:
    browser, id = visitor(at_school), at_school.ids[1]
    assert f'<a href="/tickets/{id}/why">Why?</a>' in browser.get(f"/tickets/{id}").text
    told = plain(browser.get(f"/tickets/{id}/why").text)
    assert "said temperature 55.5 °F and humidity 40 %" in told
    assert "The verdict on cold is in breach: the lowest temperature that counted, 55.5 °F" in told
    assert f"{id} was opened at" in told


def test_every_room_of_a_building_says_why_it_is_as_it_is(at_school: School) -> None:
    browser = visitor(at_school)
    assert 'href="/explain/maple/12"' in browser.get("/buildings/maple").text
    assert "too cold (in breach), heat ok" in browser.get("/explain/maple/12").text
    assert "has no sensor, so nothing is known of it" in browser.get("/explain/maple/lab").text


def test_a_building_says_why_its_electricity_is_as_it_is(at_school: School) -> None:
    at_school.hears("maple/ups", mains=False)
    assert "the outage began" in plain(visitor(at_school).get("/explain/maple").text).lower()


def test_history_leads_to_why_at_its_end(at_school: School) -> None:
    page = visitor(at_school).get("/history?building=maple&room=12").text
    (found,) = re.findall(r'href="(/explain/maple/12\?at=[^"]+)"', page)
    assert visitor(at_school).get(found).status == 200


def test_another_moment_may_be_asked_about_in_the_time_of_the_site(at_school: School) -> None:
    browser = visitor(at_school)
    before = (at_school.now - timedelta(days=1)).astimezone(at_school.site.timezone)
    assert "Nothing had been heard" in browser.get(f"/explain/maple/12?at={before:%Y-%m-%dT%H:%M}").text
    ahead = (at_school.now + timedelta(days=1)).astimezone(at_school.site.timezone)
    assert "is still to come" in browser.get(f"/explain/maple/12?at={ahead:%Y-%m-%dT%H:%M}").text


@pytest.mark.parametrize(
    "path", ["/explain/maple/99", "/explain/maple/12?at=noon", "/tickets/maple-2020-0001/why"]
)
def test_what_is_not_there_is_said_on_a_page(at_school: School, path: str) -> None:
    answer = visitor(at_school).get(path)
    assert answer.status in (400, 404) and "<h1" in answer.text


def test_an_educator_sees_no_tickets_and_no_way_to_why(at_school: School) -> None:
    browser = visitor(at_school, Role.EDUCATOR, "maple")
    assert "/explain/" not in browser.get("/buildings/maple").text
    assert "/explain/" not in browser.get("/history?building=maple&room=12").text
    assert browser.get("/explain/maple/12").status == 403


def test_a_ticket_of_another_building_is_not_there(at_school: School) -> None:
    browser = visitor(at_school, Role.FACILITIES, "maple")
    other = next(id for id in at_school.ids if id.startswith("cedar"))
    assert browser.get(f"/tickets/{other}/why").status == 404


# The API


def test_the_api_says_the_same_of_a_place_and_of_a_ticket(at_school: School) -> None:
    token, id = at_school.token(Role.ADMINISTRATOR), at_school.ids[1]
    of_place = at_school.ask("/api/v1/explanation?building=maple&room=12", token).json
    cold = of_place["conditions"][0]
    assert (cold["condition"], cold["verdict"], cold["ticket"]) == ("cold", "breach", id)
    assert at_school.ask(f"/api/v1/explanation?ticket={id}", token).json["ticket"] == id


@pytest.mark.parametrize("query", ["", "?ticket=maple-2020-0001&building=maple", "?building=maple&at=noon"])
def test_the_api_asks_for_one_of_the_two_and_a_time(at_school: School, query: str) -> None:
    answer = at_school.ask(f"/api/v1/explanation{query}", at_school.token(Role.ADMINISTRATOR))
    assert answer.status == 400


def test_the_api_knows_no_ticket_of_a_building_that_is_not_seen(
    at_school: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = next(id for id in at_school.ids if id.startswith("cedar"))
    token = at_school.token(Role.FACILITIES, "maple")
    assert at_school.ask(f"/api/v1/explanation?ticket={other}", token).status == 404
    monkeypatch.setattr(explaining, "MOST_READINGS", 0)  # there would be too much to answer
    assert at_school.ask(f"/api/v1/explanation?ticket={other}", token).status == 404
