"""The document of a packet, read back: what stands on its pages, and that nobody's words break them."""

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from pypdf import PdfReader

from safetyd.evidence.case import Case, Point, Series, Span
from safetyd.evidence.pdf import pdf_of
from safetyd.evidence.pdf_chart import course
from safetyd.evidence.pdf_facts import facts_page
from safetyd.evidence.pdf_words import moments
from safetyd.paper.blocks import Label, Picture, Text
from safetyd.paper.fonts import width_of
from safetyd.paper.press import pdf
from tests.evidence.cases import BEGAN, dark_school, hot_workshop, leak_without_sensor

FROM_PEOPLE = {
    *(
        "by",
        "note",
        "words",
        "site",
        "building_name",
        "room_name",
        "name",
        "person",
        "answer",
        "title",
        "topic",
    ),
    *("instead_of", "path", "follows"),
}


def pages(case: Case) -> list[str]:
    return [" ".join(page.extract_text().split()) for page in PdfReader(BytesIO(pdf_of(case))).pages]


def whole(case: Case) -> str:
    return " ".join(pages(case))


def with_words(case: Case, words: str) -> Case:
    """Return the case as if people had written these words wherever they may write."""

    def put(value: Any, key: str = "") -> Any:
        match value:
            case dict():
                return {name: put(each, name) for name, each in value.items()}
            case list() | tuple():
                return [put(each, key) for each in value]
            case str() if key in FROM_PEOPLE:
                return words
        return value

    return msgspec.convert(put(msgspec.to_builtins(case)), Case)


def picture_of(case: Case) -> Picture:
    zone = ZoneInfo(case.timezone)
    return next(each for each in course(case, zone, moments(zone)) if isinstance(each, Picture))


@pytest.fixture(scope="module")
def hot() -> list[str]:
    return pages(hot_workshop())


def test_the_first_page_has_the_facts(hot: list[str]):
    for fact in (
        "Evidence for ticket kestrel-hill-2027-0003",
        "Too hot, Łukasz Nguyễn wood workshop, Kestrel Hill Middle School",
        "9.14.3",
        "heat index above 85 °F",
        "91.4 °F at Tue 8 Jun 2027, 15:05 PDT",
        "closed; the place is in range; disputed",
        "2: w2-north, w2-door",
        "93.5 % of 2 d 14 h known",
        "in force from 2026-08-01",
        "Times are those of America/Los_Angeles",
        "draws no conclusion of law",
    ):
        assert fact in hot[0]


def test_it_says_of_each_deadline_whether_it_was_met(hot: list[str]):
    assert "Relief from the temperature Wed 9 Jun 2027, 13:05 PDT met Tue 8 Jun 2027, 16:05 PDT" in hot[0]
    assert "Midterm relief Fri 11 Jun 2027, 16:30 PDT missed" in hot[0]
    assert "Long-term resolution – no date set" in hot[0]


def test_the_second_page_shows_the_course_with_limits_and_numbered_actions(hot: list[str]):
    assert "85 °F is the limit" in hot[1] and "84 °F ends a breach" in hot[1]
    assert "due: relief from the temperature" in hot[1]
    assert "not known" in hot[1] and "Some of the time is not known." in hot[1]
    assert "4 Wed 9 Jun 2027, 14:05 PDT Disputed Ottmar Quist" in hot[1]


def test_nothing_of_the_chart_reaches_over_the_margin():
    for minutes in range(0, 24 * 60, 97):
        end = BEGAN + timedelta(hours=40, minutes=minutes)
        case = replace(hot_workshop(), span=Span(BEGAN, end))
        labels = [each for each in picture_of(case).marks if isinstance(each, Label)]
        begun = [each for each in labels if each.anchor == "start"]
        assert max(each.x + width_of(each.text, each.size, each.strong) for each in begun) <= 504


def test_duties_say_who_when_and_in_which_words(hot: list[str]):
    text = " ".join(hot)
    assert (
        "9.14.3.A written notice by the educator on record Tue 8 Jun 2027, 13:11 PDT an educator Glue" in text
    )
    assert "9.14.3.C alternative space in the student day not on record" in text


def test_each_attempt_of_a_notice_is_there(hot: list[str]):
    text = " ".join(hot)
    assert "handed over" in text and "accepted: 250 queued" in text
    assert "given up" in text and "refused: no such number" in text


def test_sensors_come_with_their_calibration_and_rules_with_their_hash(hot: list[str]):
    text = " ".join(hot)
    assert "-0.4 °F, +1.5 % humidity added since Wed 2 Sep 2026, 10:00 PDT" in text
    assert "± 0.9 °F" in text and "not stated" in text
    assert f"Version {hot_workshop().rules.hash}" in text
    assert "heat.above_f 85 °F" in text and "outage.warn_at 1 h, 1 h 30 min" in text


def test_every_hash_of_the_history_is_whole(hot: list[str]):
    text = "".join("".join(hot).split())
    assert all(line.hash in text for line in hot_workshop().timeline)
    assert hot_workshop().attachments[0].sha256 in text


def test_withheld_names_are_said_to_be_withheld(hot: list[str]):
    assert "Names of educators who reported are withheld" in hot[0]
    assert "Names of educators" not in whole(leak_without_sensor())


def test_a_time_of_which_nothing_is_known_has_a_row_among_the_hours(hot: list[str]):
    assert "Wed 9 Jun 2027, 16:00 PDT no value till the next row" in " ".join(hot)


def test_what_is_not_there_is_said_in_a_sentence():
    text = whole(leak_without_sensor())
    for sentence in (
        "Hazard: leaks",
        "by an educator: Water drips on the saw.",
        "open; reported, with no relief on record",
        "nothing was to be measured",
        "none: no value was measured",
        "none: a person reported it",
        "What this ticket is about is not measured: there is no chart.",
        "No episode was measured.",
        "No notice about this ticket is on record.",
        "No sensor belongs to this place.",
        "No value of this place is on record for this time.",
        "no chain of hashes",
        "in force from the beginning",
    ):
        assert sentence in text


def test_a_hazard_is_reported_and_never_in_breach():
    assert "in breach" not in whole(leak_without_sensor())
    relieved = replace(leak_without_sensor().ticket, status="relieved", verdict="unknown")
    text = whole(replace(leak_without_sensor(), ticket=relieved))
    assert "relief is on record; the state of the place is not known" in text


def test_a_place_without_values_has_no_chart_and_says_so():
    text = pages(replace(hot_workshop(), series=()))[1]
    assert "Heat index of this place is not on record for this time: there is no chart." in text


def test_a_case_without_anything_is_a_document_still():
    case = leak_without_sensor()
    empty = replace(case, timeline=(), ticket=replace(case.ticket, deadlines=(), duties=()))
    text = whole(replace(empty, rules=replace(case.rules, numbers=())))
    for sentence in (
        "The history of this ticket is empty.",
        "No deadline is on record.",
        "No clause asks anything of people here.",
        "Its numbers are not on record.",
    ):
        assert sentence in text


def test_an_outage_is_of_the_whole_building_and_goes_on():
    case = dark_school()
    closure = {
        "state": "closed",
        "closed_at": "2027-06-08T22:00:00Z",
        "staff_window": [["2027-06-08T22:00:00Z", None]],
    }
    text = whole(replace(case, ticket=replace(case.ticket, closure=closure)))
    assert "No electricity, Kestrel Hill Middle School (whole building)" in text
    assert "without electricity for longer than 2 h" in text
    assert "goes on" in text
    assert "Electricity of this place is not on record for this time: there is no chart." in text
    assert "closed at Tue 8 Jun 2027, 15:00 PDT" in text
    assert "staff window Tue 8 Jun 2027, 15:00 PDT, –" in text


def test_an_outage_is_drawn_as_off_and_on():
    points = tuple(Point(BEGAN + n * timedelta(minutes=15), n % 2, n % 2, n % 2, 3) for n in range(20))
    text = pages(replace(dark_school(), series=(Series("mains", "on", 900.0, points),)))[1]
    assert "off" in text and "on" in text
    assert "as its witnesses say" in text


def test_an_hour_that_comes_twice_is_two_rows():
    at = datetime(2026, 11, 1, 7, 0, tzinfo=UTC)
    points = tuple(Point(at + n * timedelta(hours=1), 70.0, 70.0 + n, 75.0, 60) for n in range(5))
    case = replace(
        hot_workshop(),
        span=Span(at, at + timedelta(hours=5)),
        series=(Series("heat_index", "degF", 3600.0, points),),
        student_days=(),
    )
    text = whole(case)
    assert "Sun 1 Nov 2026, 01:00 PDT 70.0 to 75.0, mean 71.0" in text
    assert "Sun 1 Nov 2026, 01:00 PST 70.0 to 75.0, mean 72.0" in text


def test_a_season_is_told_by_the_day():
    begin = datetime(2026, 10, 20, 7, 0, tzinfo=UTC)
    points = tuple(Point(begin + n * timedelta(hours=6), 60.0, 66.0, 70.0, 6) for n in range(4 * 90))
    series = (Series("heat_index", "degF", 6 * 3600.0, points),)
    text = whole(replace(hot_workshop(), span=Span(begin, begin + timedelta(days=90)), series=series))
    assert "Annex: values by the day" in text
    assert "Sun 1 Nov 2026 60.0 to 70.0, mean 66.0" in text
    assert "no value till" not in text


HOSTILE = ["w" * 10_000, "王" * 3_000, "<b>&amp;</para>" * 300, "a \u202e\x00\n" * 900, "علي 🎉 " * 600, ""]


@pytest.mark.parametrize("case", [hot_workshop, leak_without_sensor, dark_school])
@pytest.mark.parametrize("words", HOSTILE)
def test_whatever_people_write_the_facts_are_one_page(case: Callable[[], Case], words: str):
    hostile = with_words(case(), words)
    blocks = [*facts_page(hostile, moments(ZoneInfo(hostile.timezone))), Text("after them")]
    read = PdfReader(BytesIO(pdf(blocks, title=words, foot=words)))
    first, second = (page.extract_text() for page in read.pages)
    assert "draws no conclusion of law" in first
    assert second.startswith("after them")


def test_a_document_full_of_words_that_never_end_is_one():
    words = "Zoë王" * 120
    text = pages(with_words(hot_workshop(), words))
    assert text[1].startswith("Course")
    assert "".join(text).replace(" ", "").count("Zoë[U+738B]") > 120 * 20


def test_what_people_wrote_is_whole_on_the_pages_after_the_first():
    case = hot_workshop()
    for long, word in (("glue " * 2_000, "glue"), ("q" * 10_000, "q"), ("glue\n" * 500, "glue")):
        line = replace(case.timeline[1], note=long)
        text = "".join(whole(replace(case, timeline=(line,))).split())
        assert text.count(word) >= long.count(word)


def test_five_hundred_lines_of_history_are_all_there():
    case = hot_workshop()
    lines = tuple(
        replace(case.timeline[2], at=BEGAN + n * timedelta(minutes=5), note=f"line-{n:03}")
        for n in range(500)
    )
    text = pages(replace(case, timeline=lines))
    assert text[1].startswith("Course")
    after = " ".join(text[1:])
    assert "476 more actions are in the timeline." in after
    assert all(f"line-{n:03}" in after for n in range(500))


def test_the_same_case_is_the_same_bytes_in_another_process():
    here = hashlib.sha256(pdf_of(hot_workshop())).hexdigest()
    script = (
        "import hashlib; from safetyd.evidence.pdf import pdf_of\n"
        "from tests.evidence.cases import hot_workshop\n"
        "print(hashlib.sha256(pdf_of(hot_workshop())).hexdigest())"
    )
    elsewhere = {
        "PYTHONHASHSEED": "99",
        "TZ": "Pacific/Chatham",
        "SOURCE_DATE_EPOCH": "1",
        "PYTHONPATH": os.getcwd(),
    }
    told = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, **elsewhere},
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.strip() == here


def test_the_coverage_on_the_first_page_says_of_which_time_it_is() -> None:
    case = hot_workshop()
    (facts,) = [each for each in pages(case)[:1] if "Coverage" in each]
    begin = moments(ZoneInfo(case.timezone))(case.span.begin)
    assert f"Coverage of {begin} to " in facts and "before it began" in facts
    began = replace(case, span=case.span._replace(begin=case.ticket.began_at))
    assert "before it began" not in pages(began)[0]


def test_what_safetyd_wrote_with_utc_is_told_by_the_sites_clocks() -> None:
    case = hot_workshop()
    first, *rest = case.timeline
    ours = replace(first, by="safetyd", note="in range since 2027-06-09 01:20 UTC")
    theirs = replace(first, by="Ada Reed", note="seen at 2027-06-09 01:20 UTC")
    told = whole(replace(case, timeline=(ours, theirs, *rest)))
    said = moments(ZoneInfo(case.timezone))(datetime(2027, 6, 9, 1, 20, tzinfo=UTC))
    assert f"in range since {said}" in told
    assert "seen at 2027-06-09 01:20 UTC" in told


def test_a_duty_whose_hours_are_still_to_come_is_not_yet_owed() -> None:
    case = leak_without_sensor()
    duty = replace(case.ticket.duties[0], clause="9.14.4.C", state="not_applicable", proofs=())
    ticket = replace(case.ticket, duties=(duty,), status="open")
    assert "not yet: no student hour in it so far" in whole(replace(case, ticket=ticket))
    over = replace(ticket, status="closed")
    assert "not owed: no student hour was in it" in whole(replace(case, ticket=over))
