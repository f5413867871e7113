"""All buildings on one page: the worst first, only one's own, only what is asked for."""

import re
from contextlib import closing
from datetime import timedelta

import pytest

from safetyd.core.model import Role
from safetyd.store.database import open_for_reading, open_for_writing
from safetyd.store.unreached import unreached_by_building
from safetyd.web.pages.district import PAGE
from tests.web.school import SITE, Browser, School, refile

DAY = timedelta(days=1)


@pytest.fixture
def browser(at_school: School) -> Browser:
    made = Browser(at_school)
    made.enter(Role.DISTRICT)
    return made


def buildings(page: str) -> list[str]:
    return re.findall(r'id="building-([\w-]+)"', page)


def row(page: str, id: str) -> str:
    found = re.search(rf'<tr id="building-{id}".*?</tr>', page, re.DOTALL)
    assert found
    return " ".join(re.sub("<[^>]+>", " ", found[0]).split())


def test_who_sees_several_buildings_begins_at_their_list_and_who_sees_one_at_that(
    at_school: School, browser: Browser
) -> None:
    assert browser.get("/").headers["location"] == "/district"
    assert 'href="/district" aria-current="page">Buildings' in browser.get("/district").text
    assert 'href="/district" aria-current="true">Buildings' in browser.get("/buildings/maple").text
    other = Browser(at_school)
    other.enter(Role.FACILITIES, "cedar")
    assert other.get("/").headers["location"] == "/buildings/cedar"
    assert ">Buildings</a>" not in other.get("/buildings/cedar").text


def test_only_ones_own_buildings_are_listed(at_school: School, browser: Browser) -> None:
    assert sorted(buildings(browser.get("/district").text)) == ["cedar", "maple"]
    other = Browser(at_school)
    other.enter(Role.ADMINISTRATOR, "cedar")
    for path in ("/district", "/district/buildings", "/district?q=maple"):
        page = other.get(path).text
        assert "maple" not in buildings(page) and "/buildings/maple" not in page


def test_the_worst_building_comes_first(at_school: School, browser: Browser) -> None:
    page = browser.get("/district").text
    assert buildings(page) == ["maple", "cedar"], "a room of it has no reading"
    assert row(page, "maple").startswith("maple 1 – 1 – 1 ") and row(page, "cedar").startswith(
        "cedar 1 – 1 – –"
    )
    at_school.hears("maple/lab", temperature_f=70, humidity=40)
    assert buildings(browser.get("/district").text) == ["cedar", "maple"], "as bad as each other: by name"
    at_school.commands(do="report", building="maple", room="lab", hazard="leaks", role="facilities")
    page = browser.get("/district").text
    assert buildings(page) == ["maple", "cedar"]
    assert row(page, "maple").startswith("maple 1 – 2 – –") and "24-hour relief" in row(page, "maple")
    at_school.hears("cedar/ups", mains=False)
    page = browser.get("/district").text
    assert buildings(page) == ["cedar", "maple"], "without electricity"
    assert "! out since" in row(page, "cedar")


def test_filters_are_links_that_say_how_many(at_school: School, browser: Browser) -> None:
    at_school.hears("cedar/ups", mains=False)
    page = browser.get("/district").text
    assert '<a href="/district?only=electricity">No electricity: 1</a>' in page and "Overdue: 0" in page
    assert buildings(browser.get("/district?only=electricity").text) == ["cedar"]
    assert buildings(browser.get("/district?only=breach").text) == ["cedar", "maple"]
    assert buildings(browser.get("/district?only=silent").text) == ["maple"]
    assert buildings(browser.get("/district?only=overdue").text) == []
    assert "Show all" in browser.get("/district?only=overdue").text
    assert len(buildings(browser.get("/district?only=nonsense").text)) == 2
    at_school.passes(hours=24)
    assert "Overdue: 2" in browser.get("/district").text


def test_a_clause_leaves_the_buildings_that_owe_something_by_it(at_school: School, browser: Browser) -> None:
    at_school.commands(do="report", building="maple", room="lab", hazard="leaks", role="facilities")
    page = browser.get("/district").text
    for words in ("Every clause: 2", "9.14.3 temperature: 2", "9.14.4 hazards: 1", "9.14.5 electricity: 0"):
        assert words in page
    assert row(page, "maple").startswith("maple 1 – 2 – ")
    hazards = browser.get("/district?clause=9.14.4").text
    assert buildings(hazards) == ["maple"] and row(hazards, "maple").startswith("maple 1 – 1 – ")
    assert "under 9.14.4 only" in hazards
    temperature = browser.get("/district?clause=9.14.3").text
    assert sorted(buildings(temperature)) == ["cedar", "maple"]
    assert row(temperature, "maple").startswith("maple 1 – 1 – ")
    assert buildings(browser.get("/district?clause=9.14.5").text) == []
    assert len(buildings(browser.get("/district?clause=9.14.9").text)) == 2, "there is no such clause"


def test_a_clause_and_a_filter_narrow_together(at_school: School, browser: Browser) -> None:
    at_school.commands(do="report", building="maple", room="lab", hazard="leaks", role="facilities")
    assert buildings(browser.get("/district?clause=9.14.4&only=overdue").text) == []
    at_school.passes(hours=24)
    page = browser.get("/district?clause=9.14.3&only=overdue").text
    assert sorted(buildings(page)) == ["cedar", "maple"]
    assert 'href="/district?only=overdue&amp;clause=9.14.4">9.14.4 hazards: 0<' in page
    assert '<input type="hidden" name="clause" value="9.14.3">' in page
    assert "24-hour relief" in row(page, "maple")
    assert buildings(browser.get("/district?clause=9.14.4&only=overdue").text) == [], "it has two weeks"
    two_weeks = browser.get("/district?clause=9.14.4").text
    assert "24-hour relief" not in row(two_weeks, "maple") and "relief" in row(two_weeks, "maple")


def test_of_other_peoples_buildings_not_even_a_number_is_shown(at_school: School) -> None:
    at_school.commands(do="report", building="maple", room="lab", hazard="leaks", role="facilities")
    other = Browser(at_school)
    other.enter(Role.ADMINISTRATOR, "cedar")
    page = other.get("/district?clause=9.14.4").text
    assert buildings(page) == []
    for words in ("All: 0", "Every clause: 1", "9.14.3 temperature: 1", "9.14.4 hazards: 0"):
        assert words in page
    educator = Browser(at_school)
    educator.enter(Role.EDUCATOR)
    page = educator.get("/district?clause=9.14.4&only=overdue").text
    assert sorted(buildings(page)) == ["cedar", "maple"], "what somebody may not know narrows nothing"
    assert "9.14" not in page


@pytest.mark.parametrize(("more", "pages"), [(PAGE - 2, [PAGE]), (PAGE - 1, [PAGE, 1])])
def test_more_than_a_page_of_buildings_goes_on_on_the_next(
    at_school: School, browser: Browser, more: int, pages: list[int]
) -> None:
    refile(at_school, SITE + "".join(f'[[buildings]]\nid = "b{number}"\n' for number in range(more)))
    found = [buildings(browser.get(f"/district?page={number + 1}").text) for number in range(len(pages))]
    assert [len(each) for each in found] == pages
    assert len({id for each in found for id in each}) == more + 2
    assert found[0][:2] == ["maple", "cedar"], "the worst first"
    first = browser.get("/district").text
    assert ('rel="next" href="/district?page=2"' in first) is (len(pages) > 1)
    last = browser.get(f"/district?page={len(pages)}").text
    assert ('rel="prev" href="/district?page=1"' in last) is (len(pages) > 1)
    for said in ("99", "0", "-1", "x", "9" * 5000):
        assert buildings(browser.get(f"/district?page={said}").text) in found
    part = browser.get("/district/buildings?page=2").text
    assert buildings(part) == found[-1]


def test_a_building_is_found_by_a_part_of_its_name(browser: Browser) -> None:
    page = browser.get("/district?q=MAP&only=open").text
    assert buildings(page) == ["maple"] and 'value="MAP"' in page
    assert 'data-live-part="/district/buildings?only=open&amp;q=MAP"' in page
    assert buildings(browser.get("/district/buildings?only=open&q=MAP").text) == ["maple"]
    hostile = browser.get("/district?q=%22%3E%3Cscript%3E").text
    assert "<script>" not in hostile and "&lt;script&gt;" in hostile


def test_who_may_not_read_tickets_or_troubles_is_shown_how_rooms_are(at_school: School) -> None:
    educator = Browser(at_school)
    educator.enter(Role.EDUCATOR)
    page = educator.get("/district").text
    assert "Too cold" in page and "No reading" in page and "/tickets" not in page
    for words in ("Open", "Overdue", "Undelivered", "Due next"):
        assert words not in page


def test_a_room_has_no_reading_once_its_last_one_counts_no_longer(
    at_school: School, browser: Browser
) -> None:
    at_school.passes(minutes=9)
    assert row(browser.get("/district").text, "cedar").startswith("cedar 1 – 1 – – ")
    at_school.passes(minutes=2)
    assert row(browser.get("/district").text, "cedar").startswith("cedar 1 – 1 – 1 ")


def test_a_notice_that_reached_nobody_counts_for_a_week_and_until_it_has(at_school: School) -> None:
    now = at_school.now

    def counted(after: timedelta) -> dict[str, int]:
        with closing(open_for_reading(at_school.url)) as connection:
            found = unreached_by_building(connection, now + after - 7 * DAY, now + after - DAY / 1440)
            return dict(found)

    with closing(open_for_writing(at_school.url)) as connection:
        connection.exec_driver_sql("DELETE FROM notice")
        insert = (
            "INSERT INTO notice (key, at, building, tickets, reason, roles, people, title, text,"
            " unreached_since, last_resort_at) VALUES (?, ?, ?, 'null', 'opened', '[]', '[]', '', '', ?, ?)"
        )
        at = int(now.timestamp() * 1_000_000)
        connection.exec_driver_sql(insert, ("a", at, "maple", at, None))
        connection.exec_driver_sql(insert, ("b", at, "maple", None, at))  # the last resort was told
        connection.exec_driver_sql(insert, ("c", at, "cedar", None, at))  # … and somebody has it since
        connection.exec_driver_sql(insert, ("d", at, "cedar", None, None))
        connection.exec_driver_sql(
            "INSERT INTO delivery (notice, person, address, state, attempts, answer)"
            " SELECT id, 'Ann', 'x', 'accepted', 1, '' FROM notice WHERE key = 'c'"
        )
        connection.commit()
    assert counted(timedelta(seconds=30)) == {"maple": 1}, "one may still be under way"
    assert counted(timedelta(minutes=1)) == {"maple": 2}
    assert counted(7 * DAY - timedelta(seconds=1)) == {"maple": 2}
    assert counted(7 * DAY) == {}
