"""The page of reports: what a committee sees of its buildings, and saves."""

import pytest

from safetyd.core.model import Role
from tests.web.school import Browser, School

KINDS = ("september", "compliance", "rooms", "checklist")


@pytest.fixture
def committee(at_school: School) -> Browser:
    browser = Browser(at_school)
    browser.enter(Role.SAFETY_COMMITTEE, "maple")
    return browser


def test_it_is_found_from_every_page(committee: Browser) -> None:
    assert '<a href="/reports">Reports</a>' in committee.get("/tickets").text
    page = committee.get("/reports")
    assert page.status == 200 and "<h1>Recommendations to the administrator and facilities</h1>" in page.text
    assert '<a href="/reports" aria-current="page">Reports</a>' in page.text


@pytest.mark.parametrize("kind", KINDS)
def test_each_report_has_its_tables_its_coverage_and_its_files(committee: Browser, kind: str) -> None:
    page = committee.get(f"/reports?report={kind}")
    assert page.status == 200 and "<table>" in page.text and "Seen: cold" in page.text
    for suffix, begin in (("csv", b""), ("xlsx", b"PK"), ("pdf", b"%PDF")):
        assert f"/reports/file/{suffix}?report={kind}&amp;building=maple" in page.text
        file = committee.get(f"/reports/file/{suffix}?report={kind}&building=maple")
        assert file.status == 200 and file.body.startswith(begin)
        assert f"maple-{kind}-" in file.headers["content-disposition"]


def test_hours_are_drawn_as_bars_that_say_what_they_are(at_school: School, committee: Browser) -> None:
    at_school.passes(minutes=30)
    page = committee.get("/reports").text
    assert 'class="chart-bar"' in page and ">Room 12</text>" in page and "maple · " not in page
    assert page.count("<svg") == 2  # one for a telephone
    district = Browser(at_school)
    district.enter(Role.DISTRICT)
    assert "maple · Room 12" in district.get("/reports?building=*").text, "where there are several"


def test_rooms_and_tickets_lead_to_their_pages(committee: Browser) -> None:
    page = committee.get("/reports?report=rooms").text
    assert '<a href="/history?building=maple&amp;room=12">' in page
    late = committee.get("/reports?report=compliance").text
    assert "9.14.3" in late


def test_a_building_of_others_is_not_told_of(committee: Browser) -> None:
    assert "cedar" not in committee.get("/reports").text
    for path in ("/reports", "/reports/file/csv"):
        assert committee.get(f"{path}?building=cedar").status == 400
    everything = committee.get("/reports/file/csv?report=rooms&building=*").text
    assert "maple" in everything and "cedar" not in everything


def test_who_sees_several_may_ask_for_all_of_them(at_school: School) -> None:
    district = Browser(at_school)
    district.enter(Role.DISTRICT)
    page = district.get("/reports").text
    assert '<option value="*">All of them</option>' in page
    assert "cedar" in district.get("/reports/file/csv?report=rooms&building=*").text
    assert "cedar" not in district.get("/reports/file/csv?report=rooms").text


def test_an_educator_has_no_reports(at_school: School) -> None:
    educator = Browser(at_school)
    educator.enter(Role.EDUCATOR, "maple")
    assert educator.get("/reports").status == 403
    assert 'href="/reports"' not in educator.get("/calendar").text


def test_a_season_without_data_is_one_sentence(committee: Browser) -> None:
    where = "?report=rooms&building=maple&from=2020-01-01&to=2020-01-31"
    page = committee.get(f"/reports{where}")
    assert page.status == 200 and "<table>" not in page.text
    said = "rom 2020-01-01 to 2020-01-31 nothing is on record of maple: no reading, no ticket, no notice"
    assert said in page.text
    file = committee.get(f"/reports/file/csv{where}")
    assert file.status == 404 and said in file.text


def test_a_time_to_come_is_one_sentence(at_school: School, committee: Browser) -> None:
    page = committee.get(f"/reports?from={at_school.now.year + 1}-01-02")
    assert page.status == 200 and "nothing has happened yet" in page.text


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("report=octobr", "is not one of september, compliance, rooms, checklist"),
        ("building=mapel", "did you mean &#39;maple&#39;?"),
        ("from=2026-03-02&to=2026-03-01", "exchange the two"),
        ("from=soon", "expected a date"),
        ("to=2026-03-01", "from is needed"),
        ("from=2020-01-01&to=2026-01-01", "ask for 1100 days or less"),
    ],
)
def test_what_cannot_be_asked_is_refused_by_name(committee: Browser, query: str, words: str) -> None:
    page = committee.get(f"/reports?{query}")
    assert page.status == 400 and words in page.text


def test_a_file_of_another_kind_is_not_there(committee: Browser) -> None:
    assert committee.get("/reports/file/docx").status == 404
