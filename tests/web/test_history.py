"""The past on pages: a chart, numbers, days, files; for whom, and what is said where nothing is known."""

import csv
import io
import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from urllib.parse import unquote
from zipfile import ZipFile
from zoneinfo import ZoneInfo

import pytest

from safetyd.core.model import Role
from safetyd.core.rules import ColdRule, RuleBook, Rules
from safetyd.core.tally import Measure
from safetyd.history.coverage import Coverage
from safetyd.history.queries import History
from safetyd.reports.report import percent
from safetyd.site import Building, Room, Site
from safetyd.web.charts.shapes import Limit, Point, TimeChart, Trace
from safetyd.web.looking import Archive, Past
from safetyd.web.pages import heatmap, history, history_chart
from safetyd.web.pages.history_words import answers, hours, told
from safetyd.web.pages.ranges import Kind, days
from safetyd.web.pages.wanted import Wanted
from safetyd.whatif.desk import Desk
from tests.history.scene import NOON as THEN
from tests.history.scene import Scene, every
from tests.web.drawing import DAY, HOUR, NOON, SVG, ZONE, of_class, parsed, words
from tests.web.school import Answer, Browser, School, school

HOSTILE = '=HYPERLINK("http://x")<script>alert(1)</script>\u202e'
MINUTE = timedelta(minutes=1)


@pytest.fixture(scope="module")
def warm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[School]:
    """A school whose room 12 had 70 to 76 °F in the last hour, and whose lab was never heard."""
    with school(tmp_path_factory.mktemp("warm")) as made:
        for ago in range(60, -1, -5):
            made.hears("maple/12", ago=ago * MINUTE, temperature_f=70.0 + ago / 10, humidity=40)
        yield made


@pytest.fixture(scope="module")
def teacher(warm: School) -> Browser:
    browser = Browser(warm)
    browser.enter(Role.EDUCATOR)
    return browser


@pytest.fixture(scope="module")
def committee(warm: School) -> Browser:
    """Somebody of maple's committee, who does not see cedar."""
    browser = Browser(warm)
    browser.enter(Role.SAFETY_COMMITTEE, "maple")
    return browser


@pytest.fixture
def hostile(warm: School) -> Iterator[None]:
    """Room 12 has a name that wants to be a formula and a script."""
    was = warm.site
    maple = was.buildings[0]
    rooms = (Room("12", HOSTILE), *maple.rooms[1:])
    warm.site = replace(was, buildings=(replace(maple, rooms=rooms), *was.buildings[1:]))
    yield
    warm.site = was


def drawing(page: str) -> str:
    """Return the wide drawing of a page."""
    begin = page.index('<svg xmlns="http://www.w3.org/2000/svg"')
    return page[begin : page.index("</svg>", begin) + len("</svg>")]


def name_of(answer: Answer) -> str:
    disposition = answer.headers["content-disposition"]
    assert disposition.startswith("attachment; filename*=UTF-8''")
    return unquote(disposition.partition("''")[2])


def plain(page: str) -> str:
    """Return the words of a page, without its tags."""
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


# the page


def test_a_teacher_sees_the_first_room_of_the_building_in_the_last_week(teacher: Browser) -> None:
    answer = teacher.get("/history")
    assert answer.status == 200
    assert "Temperature of Room 12" in answer.text and 'aria-current="page">History' in answer.text
    assert of_class(drawing(answer.text), "chart-line")


def test_the_numbers_are_the_extremes_and_when_and_how_much_is_known(teacher: Browser) -> None:
    said = plain(teacher.get("/history").text)
    assert re.search(r"Lowest 55\.5 °F, \w+ \d+ \w+ \d\d:\d\d", said)
    assert re.search(r"Highest 76\.0 °F, \w+ \d+ \w+ \d\d:\d\d", said)
    assert re.search(r"Known (\d+|under 1) % of the (time|school day) known", said)


def test_where_nothing_is_said_it_opens_with_what_was_in_breach_last(at_school: School) -> None:
    browser = Browser(at_school)
    browser.enter(Role.FACILITIES)
    assert "Temperature of lab" in plain(browser.get("/history?building=maple&room=lab").text)
    assert "hours too cold" in plain(browser.get("/heatmap?building=maple").text)
    at_school.hears("maple/lab", temperature_f=95, humidity=50)
    assert "Heat index of lab" in plain(browser.get("/history?building=maple&room=lab").text)
    assert "Temperature of Room 12" in plain(browser.get("/history?building=maple&room=12").text)
    asked = browser.get("/history?building=maple&room=lab&quantity=temperature").text
    assert "Temperature of lab" in plain(asked)
    assert "hours too hot" in plain(browser.get("/heatmap?building=maple").text)
    assert "hours too cold" in plain(browser.get("/heatmap?building=cedar").text)
    assert "hours too cold" in plain(browser.get("/heatmap?building=maple&condition=cold").text)


@pytest.mark.parametrize(
    ("known", "words"), [(0, "0 %"), (1, "under 1 %"), (99, "under 1 %"), (100, "1 %"), (9999, "99 %")]
)
def test_what_is_something_is_never_called_nothing(known: int, words: str) -> None:
    found = Coverage(timedelta(seconds=known), timedelta(seconds=10_000), False)
    assert str(found).startswith(f"{words} of the time known") and percent(known / 10_000) == words


def test_a_room_that_was_never_heard_is_said_to_be_unknown_and_not_ok(teacher: Browser) -> None:
    said = plain(teacher.get("/history?room=lab").text)
    assert "Nothing is known of this room in this time" in said
    assert "Lowest not known Highest not known Too cold not known Too hot not known" in said
    assert "never while known" not in said


def test_a_time_to_come_is_said_to_be_to_come(teacher: Browser) -> None:
    answer = teacher.get("/history?range=day&to=2190-05-01")
    assert answer.status == 200 and "still to come" in answer.text
    assert "nothing of this time has passed yet" in answer.text


def test_a_time_before_the_first_reading_is_unknown(teacher: Browser) -> None:
    for path in ("/history?from=1950-01-01&to=1950-03-01", "/heatmap?from=1990-01-01&to=1990-03-01"):
        answer = teacher.get(path)
        assert answer.status == 200 and "Nothing is known of" in answer.text, path


def test_a_time_whose_past_is_deleted_says_so_and_has_no_numbers() -> None:
    scene, now = Scene(keep_raw="10d", keep_rollups="12d"), THEN + 30 * DAY
    scene.hear(*every(60, n=720, temperature_f=70.0, humidity=40.0))
    scene.follow(now)
    span = days(Kind.CUSTOM, THEN.date(), THEN.date() + 2 * DAY, scene.site.timezone)
    maple = scene.site.buildings[0]
    asked = Wanted(maple, maple.rooms[:1], Measure.TEMPERATURE, span)
    past = Past(scene.site, "safetyd", now, Desk(), lambda _: Archive(scene.store, ""))
    kept = History(scene.store, scene.site, "safetyd", now)
    found = answers(past, kept, asked, asked.every)
    assert not found[0].points and "nothing is kept from before" in found[0].note
    ((room,), rows) = told(past, kept, asked, found)
    assert room.low is room.high is None and {each.lasted for each in room.beyond} == {None}
    assert rows == [] and room.coverage.share == 0


def test_several_rooms_are_drawn_with_their_names(teacher: Browser) -> None:
    svg = drawing(teacher.get("/history?room=12&room=lab&range=day").text)
    assert {"Room 12", "lab"} <= set(words(svg))


def test_the_electricity_is_of_the_building_whatever_rooms_were_chosen(teacher: Browser) -> None:
    assert "Electricity of maple" in teacher.get("/history?room=12&quantity=mains").text


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("room=13", "no room of maple is called &#39;13&#39;"),
        ("building=mapel", "no building is called &#39;mapel&#39;; did you mean &#39;maple&#39;"),
        ("quantity=temprature", "did you mean &#39;temperature&#39;"),
        ("quantity=voltage", "quantity: &#39;voltage&#39; is not one of"),
        ("from=2026-03-02&to=2026-03-01", "exchange the two"),
        ("range=fortnight", "range: &#39;fortnight&#39; is not one of"),
        ("room=" + "x" * 3000, "no room of maple is called"),
    ],
)
def test_what_is_not_there_is_refused_in_words_on_a_page(teacher: Browser, query: str, words: str) -> None:
    for path in ("/history", "/history/points", "/history/file/csv"):
        answer = teacher.get(f"{path}?{query}")
        assert (answer.status, answer.headers["content-type"]) == (400, "text/html; charset=utf-8")
        assert words in answer.text and len(answer.text) < 4000


def test_a_building_of_others_is_not_there_for_a_committee(committee: Browser) -> None:
    for path in ("/history", "/history/points", "/history/file/csv", "/heatmap", "/heatmap/file/csv"):
        answer = committee.get(f"{path}?building=cedar")
        assert answer.status == 400 and "no building is called" in answer.text
    assert "cedar" not in committee.get("/history").text + committee.get("/heatmap").text


def test_six_rooms_are_answered_and_seven_are_refused(warm: School, teacher: Browser) -> None:
    was = warm.site
    rooms = tuple(Room(f"r{n}", f"R{n}") for n in range(7))
    warm.site = replace(was, buildings=(replace(was.buildings[0], rooms=rooms),))
    try:
        query = "&".join(f"room=r{n}" for n in range(6))
        assert teacher.get(f"/history?{query}").status == 200
        answer = teacher.get(f"/history?{query}&room=r6")
        assert answer.status == 400 and "7 rooms at once; choose 6 or fewer" in answer.text
    finally:
        warm.site = was


def test_a_building_without_rooms_shows_its_electricity(warm: School, teacher: Browser) -> None:
    was = warm.site
    warm.site = replace(was, buildings=(replace(was.buildings[0], rooms=()),))
    try:
        assert "Electricity of maple" in teacher.get("/history").text
        assert "it has no rooms" in teacher.get("/heatmap").text
        assert teacher.get("/history?quantity=humidity").status == 400
        for path in ("/heatmap/file/svg", "/heatmap/file/csv", "/heatmap/file/xlsx"):
            assert teacher.get(path).status == 200
    finally:
        warm.site = was


def test_links_lead_to_the_time_before_and_to_a_closer_look(teacher: Browser) -> None:
    page = teacher.get("/history?range=week&to=2026-03-14&room=lab").text
    found = dict(re.findall(r'<a class="button second" href="([^"]+)">([^<]+)<', page))
    links = {words: url.replace("&amp;", "&") for url, words in found.items()}
    assert links["Earlier"].endswith("room=lab&quantity=temperature&range=week&to=2026-03-07")
    assert links["Later"].endswith("to=2026-03-21")
    assert links["Zoom in"].endswith("range=day&to=2026-03-14")
    assert links["Zoom out"].endswith("range=term&to=2026-03-14")
    assert {teacher.get(url).status for url in links.values()} == {200}


def test_no_link_leads_from_this_week_to_the_next(teacher: Browser) -> None:
    assert ">Later</a>" not in teacher.get("/history").text


def test_a_hostile_name_is_text_on_every_page(teacher: Browser, hostile: None) -> None:
    for path in ("/history", "/heatmap", "/history?room=12&room=lab"):
        page = teacher.get(path).text
        assert "<script>alert" not in page and "alert(1)" in page, path


def test_pages_are_not_compressed_and_static_files_are(teacher: Browser) -> None:
    wish = {"accept-encoding": "gzip"}
    page = teacher.get("/history", wish)
    assert "content-encoding" not in page.headers
    assert teacher.get("/static/history.js", wish).headers["content-encoding"] == "gzip"


# what was done and the times in breach


def test_times_in_breach_and_what_was_done_are_in_the_chart_of_who_may_see_tickets(
    warm: School, committee: Browser, teacher: Browser
) -> None:
    ticket = next(each for each in warm.ids if each.startswith("maple"))
    warm.commands(do="note", ticket=ticket, note="a secret of ours")
    seen = drawing(committee.get("/history").text)
    assert of_class(seen, "chart-breach") and of_class(seen, "chart-act")
    hidden = drawing(teacher.get("/history").text)
    assert of_class(hidden, "chart-breach") and not of_class(hidden, "chart-act")
    assert "secret" not in seen and "Ann" not in seen, "what was done, and neither by whom nor why"


# the numbers that a browser draws from


def test_a_browser_draws_from_columns_of_equal_length(teacher: Browser) -> None:
    answer = teacher.get("/history/points?range=day&room=12&room=lab")
    assert answer.headers["content-type"] == "application/json"
    found = answer.json
    assert found["names"] == ["Room 12", "lab"] and found["unit"] == "°F"
    lengths = {len(row) for key in ("low", "mean", "high") for row in found[key]}
    assert lengths == {len(found["times"])} and found["times"] == sorted(found["times"])
    assert not any(found["mean"][1])


def chart(*traces: Trace) -> TimeChart:
    return TimeChart("T", NOON, NOON + DAY, ZONE, "degF", traces)


@pytest.mark.parametrize(("apart", "gaps"), [(15 * MINUTE, 0), (15 * MINUTE + timedelta(seconds=1), 1)])
def test_between_two_readings_further_apart_than_one_vouches_there_is_a_gap(
    apart: timedelta, gaps: int
) -> None:
    readings = [Point(NOON + n * apart, 70, 70, 70, 1) for n in range(2)]
    found = history_chart.numbers(chart(Trace("Room 12", readings, None, 15 * MINUTE)))
    assert found["mean"] == [[70, *[None] * gaps, 70]]


def test_a_day_of_twenty_five_hours_is_no_gap_and_a_day_left_out_is() -> None:
    days = [Point(NOON + n * DAY + (n > 0) * HOUR, 60, 70, 80, 9) for n in (0, 1, 3)]
    found = history_chart.numbers(chart(Trace("Room 12", days, DAY)))
    assert found["high"] == [[80, 80, None, 80]]


# the limits of then


def limits_of(begin: tuple[int, int, int], end: tuple[int, int, int]) -> list[Limit]:
    zone = ZoneInfo("America/Los_Angeles")
    versions = (
        Rules(),
        Rules(effective=date(2026, 9, 1), cold=ColdRule(below_f=60.0, end_f=62.0)),
        Rules(effective=date(2027, 1, 1), cold=ColdRule(below_f=64.0)),
    )
    site = Site("S", zone, RuleBook(versions=versions, timezone=zone), None)  # type: ignore[arg-type]
    span = days(Kind.CUSTOM, date(*begin), date(*end), zone)
    asked = Wanted(Building("maple", "M"), (), Measure.TEMPERATURE, span)
    past = Past(site, "safetyd", NOON, Desk(), lambda _: pytest.fail("a limit is no past"))
    return list(history_chart._limits(past, asked))


def test_a_limit_that_a_new_version_kept_is_one_line_and_a_new_one_begins_with_it() -> None:
    new_year = datetime(2027, 1, 1, 8, tzinfo=ZoneInfo("UTC"))
    assert [(each.value, each.begin, each.end) for each in limits_of((2026, 8, 1), (2027, 1, 31))] == [
        (60.0, None, new_year),
        (64.0, new_year, None),
    ]


def test_a_range_wholly_within_a_version_has_its_limit_only() -> None:
    assert [each.value for each in limits_of((2026, 8, 1), (2026, 12, 31))] == [60.0]
    assert [each.value for each in limits_of((2027, 1, 1), (2027, 1, 2))] == [64.0]


# files


@pytest.mark.parametrize(
    ("kind", "media_type", "begins"),
    [
        ("csv", "text/csv; charset=utf-8", b"building,room,quantity,unit,from"),
        ("xlsx", history.XLSX_TYPE, b"PK"),
        ("png", "image/png", b"\x89PNG"),
        ("svg", "image/svg+xml", b"<?xml"),
    ],
)
def test_a_committee_member_saves_a_season_as_a_file(
    committee: Browser, kind: str, media_type: str, begins: bytes
) -> None:
    answer = committee.get(f"/history/file/{kind}?range=term&room=12")
    assert (answer.status, answer.headers["content-type"]) == (200, media_type)
    assert re.fullmatch(
        rf"maple-12-temperature-\d{{4}}-\d\d-\d\d-to-\d{{4}}-\d\d-\d\d\.{kind}", name_of(answer)
    )
    assert answer.body.startswith(begins)
    assert "sandbox" in answer.headers["content-security-policy"]


def test_every_kind_stands_on_the_page_to_be_clicked(committee: Browser) -> None:
    page = committee.get("/history?range=term").text
    found = [url.replace("&amp;", "&") for url in re.findall(r'href="(/history/file/[^"]+)" data-file', page)]
    assert len(found) == 4 and {committee.get(url).status for url in found} == {200}


def test_a_file_has_the_values_of_the_page_by_both_clocks(committee: Browser) -> None:
    rows = list(csv.DictReader(io.StringIO(committee.get("/history/file/csv?range=day&room=12").text)))
    assert {(row["building"], row["room"], row["unit"]) for row in rows} == {("maple", "12", "degF")}
    local = datetime.fromisoformat(rows[0]["local (America/Los_Angeles)"])
    utc = datetime.fromisoformat(rows[0]["from"])
    wall = utc.astimezone(ZoneInfo("America/Los_Angeles"))
    assert wall.replace(tzinfo=None, microsecond=0) == local


def sheets_of(workbook: bytes) -> list[str]:
    book = ZipFile(io.BytesIO(workbook))
    return [book.read(each).decode() for each in book.namelist() if "/worksheets/sheet" in each]


def test_the_workbook_of_a_building_by_days_has_the_lines_of_the_csv(committee: Browser) -> None:
    lines = committee.get("/heatmap/file/csv").text.splitlines()
    table, about = sheets_of(committee.get("/heatmap/file/xlsx").body)
    assert table.count("<row ") == len(lines) and "<row " in about


def test_no_name_becomes_a_formula_in_a_file(committee: Browser, hostile: None) -> None:
    for path in ("/history/file/csv", "/heatmap/file/csv"):
        rows = list(csv.reader(io.StringIO(committee.get(path).text)))
        assert rows and not [cell for row in rows for cell in row if cell[:1] in "=+@\t\r" and cell]
    for path in ("/history/file/xlsx?range=day", "/heatmap/file/xlsx"):
        sheets = sheets_of(committee.get(path).body)
        assert sheets and not any("<f>" in each for each in sheets)
    for kind in ("svg", "png"):
        assert committee.get(f"/history/file/{kind}").status == 200
    assert "<script>" not in committee.get("/history/file/svg").text


def test_where_pictures_cannot_be_made_the_packages_for_it_are_named(
    committee: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "resvg_py", None)
    for path in ("/history/file/png", "/heatmap/file/png"):
        answer = committee.get(path)
        assert answer.status == 501 and "safetyd[png]" in answer.text
        assert "the SVG needs nothing" in answer.text


def test_a_kind_that_is_not_made_is_not_there(committee: Browser) -> None:
    for path in ("/history/file/exe", "/heatmap/file/exe"):
        answer = committee.get(path)
        assert answer.status == 404 and "no file is of the kind" in answer.text


def test_a_file_that_would_be_too_long_is_refused_with_a_mend(
    committee: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "ROWS_AT_MOST", 0)
    monkeypatch.setattr(heatmap, "CELLS_OF_A_FILE", 251)
    answer = committee.get("/history/file/csv")
    assert answer.status == 413 and "ask for a shorter time or fewer rooms" in answer.text
    answer = committee.get("/heatmap/file/csv")
    assert answer.status == 413 and "252 lines" in answer.text
    monkeypatch.setattr(heatmap, "CELLS_OF_A_FILE", 252)
    assert committee.get("/heatmap/file/csv").status == 200


# the building by days


def test_each_day_of_a_room_leads_to_its_history(teacher: Browser) -> None:
    root = parsed(drawing(teacher.get("/heatmap?range=term").text))
    links = [each.get("href", "") for each in root.iter(f"{SVG}a")]
    assert len(set(links)) == 2 * 126
    of_room = sorted(each for each in links if "room=12" in each)
    answer = teacher.get(of_room[-1])
    assert answer.status == 200 and "Temperature of Room 12" in answer.text
    assert of_class(drawing(answer.text), "chart-line"), "today something is known"
    assert {each.get("tabindex") for each in root.iter(f"{SVG}a")} == {"-1"}


def test_a_day_of_which_nothing_is_known_is_hatched_and_listed_as_unknown(teacher: Browser) -> None:
    page = teacher.get("/heatmap?condition=heat").text
    assert "Maple: hours too hot" in page or "maple: hours too hot" in page
    assert of_class(drawing(page), "chart-unknown", "g")
    assert re.search(r"lab not known 0 % none", plain(page))


def test_only_whole_days_and_known_pages_are_shown(teacher: Browser) -> None:
    assert teacher.get("/heatmap?from=2026-03-01T08:30:00Z&to=2026-03-02T08:30:00Z").status == 400
    for page in ("0", "2", "x", "١", "9" * 99):
        assert teacher.get(f"/heatmap?page={page}").status == 400, page
    assert teacher.get("/heatmap?condition=outage").status == 400


def test_a_large_building_is_shown_room_by_room(
    warm: School, teacher: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    was = warm.site
    rooms = tuple(Room(f"r{n}", f"R{n}") for n in range(11))
    warm.site = replace(was, buildings=(replace(was.buildings[0], rooms=rooms),))
    monkeypatch.setattr(heatmap, "CELLS_AT_MOST", 5 * 126)
    try:
        first, last = teacher.get("/heatmap").text, teacher.get("/heatmap?page=3").text
        assert (
            "Next rooms" in first and "Rooms before" not in first and ">R4<" in first and ">R5<" not in first
        )
        assert "Next rooms" not in last and "Rooms before" in last and ">R10<" in last
        everything = teacher.get("/heatmap/file/csv").text
        assert "r0" in everything and "r10" in everything
    finally:
        warm.site = was


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (timedelta(seconds=1), "1 min"),
        (59 * MINUTE, "59 min"),
        (HOUR, "1 h"),
        (26 * HOUR + 5 * MINUTE, "26 h 5 min"),
        (1500 * HOUR, "1,500 h"),
    ],
)
def test_hours_stay_hours(span: timedelta, words: str) -> None:
    assert hours(span) == words
