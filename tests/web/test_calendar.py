"""The calendar: months of a work year by what each day is, as the deadlines count them."""

import re

import pytest

from safetyd.core.model import Role
from tests.web.school import SITE, Browser, School, refile

NOTE = "<b>report cards</b>"
YEAR = f"""
[calendar]
work_year = [2030-08-26, 2031-06-13]
work_hours = "07:45-16:30"
student_hours = "08:30-15:15"
closed = [2030-11-28]
[[calendar.dates]]
on = 2030-12-11
student_hours = "08:30-12:30"
note = "{NOTE}"
[[calendar.dates]]
on = 2031-01-30
students = false
"""


@pytest.fixture
def browser(at_school: School) -> Browser:
    made = Browser(at_school)
    made.enter(Role.EDUCATOR)
    return made


def day(text: str, month: str, number: int) -> str:
    """What a day of a month is said to be."""
    part = text.partition(f"<caption>{month}</caption>")[2].partition("</table>")[0]
    found = re.search(rf'<span class="date">{number}</span>.*?class="unseen">, ([^<]*)<', part)
    assert found
    return found[1]


def test_without_a_calendar_every_hour_counts_and_it_says_so(browser: Browser) -> None:
    text = browser.get("/calendar").text
    assert "every hour counts as a student day" in text and "<caption>" not in text


def test_each_day_says_what_it_is(at_school: School, browser: Browser) -> None:
    refile(at_school, SITE + YEAR)
    text = browser.get("/calendar").text
    assert [day(text, "August 2030", number) for number in (23, 26, 31)] == [
        "not of this work year",
        "students in class",
        "weekend",
    ]
    assert day(text, "November 2030", 28) == "closed"
    assert day(text, "December 2030", 11).startswith("early release, students 08:30 to 12:30")
    assert day(text, "January 2031", 30) == "work without students"
    assert [day(text, "June 2031", number) for number in (13, 14)] == [
        "students in class",
        "not of this work year",
    ]
    assert text.count("<caption>") == 11
    assert "20 days with students, 20 of work" in text and "contract days" in text
    assert NOTE not in text and "&lt;b&gt;report cards" in text


def test_a_building_may_have_days_of_its_own(at_school: School, browser: Browser) -> None:
    own = 'rooms = [{ id = "1" }]\ncalendar = { closed = [2030-09-10] }'
    refile(at_school, SITE.replace('rooms = [{ id = "1" }]', own) + YEAR)
    assert day(browser.get("/calendar?building=maple").text, "September 2030", 10) == "students in class"
    text = browser.get("/calendar?building=cedar").text
    assert day(text, "September 2030", 10) == "closed"
    assert browser.get("/calendar?building=ocean").status == 400


def test_a_work_year_that_is_not_there_is_refused(at_school: School, browser: Browser) -> None:
    refile(at_school, SITE + YEAR)
    assert browser.get("/calendar?year=2030-08-26").status == 200
    assert browser.get("/calendar?year=2029-08-26").status == 400
