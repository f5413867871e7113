"""Troubles: what stands comes first, in words that say what to do; the past is turned page by page."""

import re
from contextlib import closing
from datetime import timedelta

import pytest

from safetyd.core.model import Place, Role, TroubleKind
from safetyd.service import Service
from safetyd.store.database import open_for_writing
from safetyd.web.pages.troubles import PAST
from tests.web.school import Browser, School

HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def browser(at_school: School) -> Browser:
    made = Browser(at_school)
    made.enter(Role.FACILITIES)
    return made


def complain(school: School, subject: str, kind: TroubleKind, *notes: str, building: str = "maple") -> None:
    """Let something be wrong, or with an empty note be right again, a second apart."""
    with closing(open_for_writing(school.url)) as connection:
        service = Service(connection, school.site, "safetyd", school.now)
        for number, note in enumerate(notes):
            at = school.now + timedelta(seconds=number)
            service.complain(subject, Place(building, None), kind, note, at)
        service.commit(school.now)


def test_what_stands_says_what_is_wrong_where_since_when_and_what_to_do(
    at_school: School, browser: Browser
) -> None:
    assert "Nothing is wrong now." in browser.get("/troubles").text
    complain(at_school, "site file", TroubleKind.CONFIGURATION, "line 3")
    text = browser.get("/troubles").text
    assert "Site file is faulty and was not taken" in text and "line 3" in text
    assert "Please mend it." in text and "since <time" in text


def test_what_is_heard_and_of_no_room_is_named_there_too(at_school: School, browser: Browser) -> None:
    assert "no room has" not in browser.get("/troubles").text
    at_school.hears("nowhere/1", temperature_f=70, humidity=40)
    text = browser.get("/troubles").text
    assert '<a href="/sensors#strays">1 topic was heard that no room has</a>' in text
    assert "no room has" not in browser.get("/troubles?building=maple").text
    of_one = Browser(at_school)
    of_one.enter(Role.FACILITIES, "maple")
    assert "no room has" not in of_one.get("/troubles").text


def test_only_of_a_building_or_of_a_kind(at_school: School, browser: Browser) -> None:
    complain(at_school, "maple/watch", TroubleKind.GAP, "off")
    complain(at_school, "cedar/watch", TroubleKind.SILENT, "off", building="cedar")
    shown = {path: browser.get(f"/troubles{path}").text for path in ("", "?building=cedar", "?kind=gap")}
    words = ("The building was not watched", "The building has fallen silent")
    assert [[each in text for each in words] for text in shown.values()] == [
        [True, True],
        [False, True],
        [True, False],
    ]
    assert browser.get("/troubles?kind=noise").status == 400
    assert browser.get("/troubles?building=ocean").status == 400
    assert browser.get("/troubles?cursor=x").status == 400


def test_who_sees_one_building_sees_its_troubles_only(at_school: School) -> None:
    complain(at_school, "cedar/watch", TroubleKind.SILENT, "off", building="cedar")
    browser = Browser(at_school)
    browser.enter(Role.SAFETY_COMMITTEE, "maple")
    assert "fallen silent" not in browser.get("/troubles").text
    assert browser.get("/troubles?building=cedar").status == 400


@pytest.mark.parametrize("more", [0, 1])
def test_past_ones_come_page_by_page(at_school: School, browser: Browser, more: int) -> None:
    complain(at_school, "site file", TroubleKind.CONFIGURATION, *(["faulty", ""] * (PAST + more)))
    text = browser.get("/troubles").text
    assert text.count('<li class="card">') == PAST
    found = re.search(r'href="(/troubles\?[^"]*cursor=\d+)"', text)
    assert bool(found) is bool(more)
    if found:
        following = browser.get(found[1].replace("&amp;", "&")).text
        assert following.count('<li class="card">') == 1 and "<h2>Now</h2>" not in following


def test_what_others_wrote_is_only_ever_text(at_school: School, browser: Browser) -> None:
    complain(at_school, f"notice to {HOSTILE} at abc123", TroubleKind.UNDELIVERABLE, HOSTILE)
    text = browser.get("/troubles").text
    assert HOSTILE not in text and text.count("&lt;script&gt;") == 2
    assert "Please correct the address in the site file" in text
