"""Reports of small seasons, with every number counted by hand beside it."""

import json
from contextlib import redirect_stderr, redirect_stdout
from io import BytesIO, StringIO
from pathlib import Path
from zipfile import ZipFile

import pytest
from pypdf import PdfReader

from safetyd.cli import main
from tests.story import COLD, HOT, MILD, SCHOOL_YEAR, Json, Run, Story, clock, instant
from tests.whatif.season import kept

BEGIN, END = "2026-09-01 00:00", "2026-11-01 00:00"


def told(config: Path, kind: str, *more: str, begin: str = BEGIN, end: str = END) -> Run:
    """Run a report over a range of wall time at the school."""
    since, until = (f"{instant(each):%Y-%m-%dT%H:%M:%SZ}" for each in (begin, end))
    argv = ["report", kind, "--config", str(config), "--from", since, "--to", until, *more]
    out, err = StringIO(), StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = main(argv)
    return Run(code, out.getvalue(), err.getvalue())


def asked(config: Path, kind: str, *more: str, begin: str = BEGIN, end: str = END) -> Json:
    run = told(config, kind, "--json", *more, begin=begin, end=end)
    assert run.code == 0, run.err
    return dict(json.loads(run.out))


def row(report: Json, table: str, **fields: object) -> Json:
    (found,) = [
        each for each in report["tables"][table] if all(each[name] == value for name, value in fields.items())
    ]
    return dict(found)


def morning(*, temperature_f: float = 57.2, begin: str = "08:00", calendar: str = SCHOOL_YEAR) -> Story:
    """Room 12 on a Monday: mild from 6, two hours of something else, mild again until 18."""
    day = "2026-10-05"
    story = Story(calendar=calendar).reading("12", f"{day} 06:00", until=f"{day} 18:00", **MILD)
    since, until = instant(f"{day} {begin}"), instant(f"{day} {begin}").timestamp() + 2 * 3600
    for line in story.lines:
        at = instant(line["at"]).timestamp()
        if since.timestamp() <= at < until:
            line["payload"] = json.dumps({"temperature_f": temperature_f, "humidity": 40.0})
    return story


# Hours.


def test_two_cold_hours_are_two_hours_and_an_hour_and_a_half_of_them_in_the_student_day(tmp_path):
    room = row(asked(kept(morning(), tmp_path, END), "rooms"), "rooms", room="12")
    assert (room["cold_h"], room["cold_student_h"], room["heat_h"]) == (2.0, 1.5, 0.0)  # class from 8:30
    assert (room["coldest_f"], room["hottest_f"]) == (57.2, pytest.approx(68.6, abs=0.1))


@pytest.mark.parametrize(("temperature_f", "hours"), [(60.0, 0.0), (59.99, 2.0)])
def test_the_limit_itself_is_no_hour_below_it(tmp_path, temperature_f, hours):
    config = kept(morning(temperature_f=temperature_f), tmp_path, END)
    assert row(asked(config, "rooms"), "rooms", room="12")["cold_h"] == hours


@pytest.mark.parametrize(
    ("begin", "hours"), [("06:30", 0.0), ("06:35", 0.0833), ("15:15", 0.0), ("15:10", 0.0833)]
)
def test_five_minutes_are_of_the_student_day_if_they_begin_in_it(tmp_path, begin, hours):
    config = kept(morning(begin=begin), tmp_path, END)
    assert row(asked(config, "rooms"), "rooms", room="12")["cold_student_h"] == hours


def test_without_a_calendar_every_hour_is_of_the_student_day(tmp_path):
    room = row(asked(kept(morning(calendar=""), tmp_path, END), "rooms"), "rooms", room="12")
    assert (room["cold_h"], room["cold_student_h"], room["student_h"]) == (2.0, 2.0, room["hours"])


def test_what_was_seen_and_what_was_not_add_up(tmp_path):
    report = asked(kept(morning(), tmp_path, END), "rooms")
    room = row(report, "rooms", room="12")
    assert room["hours"] == 61 * 24  # September and October
    assert room["cold_unknown_h"] == 61 * 24 - 12.25  # heard from 6 to 18, and for 15 minutes more
    assert room["seen_cold"] == pytest.approx(12.25 / (61 * 24), abs=1e-4)
    lab = row(report, "rooms", room="lab")
    assert (lab["cold_unknown_h"], lab["seen_cold"], lab["coldest_f"]) == (61 * 24, 0.0, None)
    assert report["coverage"]["cold"]["share"] == pytest.approx(12.25 / (61 * 24 * 3), abs=1e-4)  # of 3 rooms


def test_the_months_are_the_whole_and_the_clocks_change_in_november(tmp_path):
    report = asked(kept(morning(), tmp_path, END), "rooms", end="2026-11-21 00:00")
    months = [each for each in report["tables"]["months"] if each["room"] == "12"]
    assert [each["month"] for each in months] == ["2026-09", "2026-10", "2026-11"]
    assert [each["hours"] for each in months] == [30 * 24, 31 * 24, 20 * 24 + 1]
    assert [each["cold_h"] for each in months] == [None, 2.0, None], "what was not seen is not 0"
    assert sum(each["cold_h"] or 0 for each in months) == row(report, "rooms", room="12")["cold_h"]


def test_heat_is_told_apart_from_cold(tmp_path):
    story = morning().reading("lab", "2026-10-06 13:00", until="2026-10-06 14:55", **HOT)
    story.reading("lab", "2026-10-06 15:00", until="2026-10-06 18:00", **MILD)
    lab = row(asked(kept(story, tmp_path, END), "rooms"), "rooms", room="lab")
    assert (lab["heat_h"], lab["heat_student_h"], lab["cold_h"]) == (2.0, 2.0, 0.0)
    assert lab["hottest_f"] == pytest.approx(94.6, abs=0.1)


def test_a_room_without_humidity_is_seen_for_cold_and_not_for_heat(tmp_path):
    story = Story().reading("12", "2026-10-05 06:00", until="2026-10-05 18:00", temperature_f=88.0)
    room = row(asked(kept(story, tmp_path, END), "rooms"), "rooms", room="12")
    assert room["seen_cold"] > 0 and room["seen_heat"] == 0
    assert (room["cold_h"], room["heat_h"]) == (0.0, None)


# The September list.


def busy() -> Story:
    """Room 12 cold twice, relieved late; the lab hot once; a leak there; three hours without electricity."""
    story = morning()
    story.reading("12", "2026-10-08 07:00", until="2026-10-08 07:55", **COLD)
    story.reading("12", "2026-10-08 08:00", until="2026-10-08 12:00", **MILD)
    story.act("2026-10-07 09:00", "relieve", tier="mitigation", kind="fans_or_heaters")
    story.reading("lab", "2026-10-20 13:00", until="2026-10-20 14:55", **HOT)
    story.reading("lab", "2026-10-20 15:00", until="2026-10-20 18:00", **MILD)
    story.report("2026-10-21 10:00", "lab", hazard="leaks")
    story.power("2026-10-22 07:00", mains="on")
    story.power("2026-10-22 07:05", until="2026-10-22 10:00", mains="off")
    return story.power("2026-10-22 10:05", until="2026-10-22 11:00", mains="on")


def test_rooms_stand_in_order_of_their_hours_with_what_came_back_and_what_was_missed(tmp_path):
    report = asked(kept(busy(), tmp_path, END), "september")
    first, second, third = report["tables"]["rooms"]
    assert [each["room"] for each in (first, second, third)] == ["12", "lab", "7"]
    assert (first["breach_h"], first["breach_student_h"], first["recurrences"]) == (3.0, 1.5, 1)
    assert (first["tickets"], first["missed"], first["open_hazards"]) == (1, 2, 0)  # 24 h late, 14 d missed
    assert (second["breach_h"], second["tickets"], second["open_hazards"]) == (2.0, 2, 1)
    assert (third["breach_h"], third["tickets"], third["missed"]) == (None, 0, 0), "nobody measured it"


def test_a_missed_deadline_is_listed_with_how_late_its_relief_was(tmp_path):
    report = asked(kept(busy(), tmp_path, END), "september")
    missed = row(report, "missed", ticket="maple-2026-0001", tier="mitigation")
    assert missed["due_at"] == clock("2026-10-06 08:00")
    assert (missed["met_at"], missed["late_h"]) == (clock("2026-10-07 09:00"), 25.0)
    never = row(report, "missed", ticket="maple-2026-0001", tier="immediate")
    assert (never["met_at"], never["due_at"]) == (None, clock("2026-10-19 08:00"))


def test_electricity_is_of_the_building(tmp_path):
    maple = row(asked(kept(busy(), tmp_path, END), "september"), "electricity", building="maple")
    assert (maple["outage_h"], maple["tickets"]) == (3.0, 1)


def test_a_closed_hazard_is_not_listed_as_open(tmp_path):
    story = busy()
    (config := tmp_path / "a").mkdir(), (other := tmp_path / "b").mkdir()
    open_ones = asked(kept(story, config, END), "september")["tables"]["hazards"]
    assert [each["hazard"] for each in open_ones] == ["leaks"]
    story.act("2026-10-21 12:00", "close", ticket=open_ones[0]["ticket"], note="mended")
    assert asked(kept(story, other, END), "september")["tables"]["hazards"] == []


def test_what_lies_outside_the_range_is_not_counted(tmp_path):
    config = kept(busy(), tmp_path, END)
    report = asked(config, "september", begin="2026-10-07 00:00", end="2026-10-15 00:00")
    first = row(report, "rooms", room="12")
    assert (first["breach_h"], first["tickets"], first["recurrences"], first["missed"]) == (1.0, 0, 1, 0)


def test_one_building_can_be_asked_for(tmp_path):
    config = kept(busy(), tmp_path, END)
    report = asked(config, "september", "--building", "maple")
    assert [each["room"] for each in report["tables"]["rooms"]] == ["12", "lab"]
    assert report["buildings"] == ["Maple School"]
    run = told(config, "september", "--building", "cedar")
    assert run.code == 1 and "nothing is on record of Cedar School" in run.err


# Compliance.


@pytest.mark.parametrize(("at", "met", "late"), [("2026-10-06 08:00", 1, 0), ("2026-10-06 08:01", 0, 1)])
def test_relief_at_the_deadline_is_in_time_and_a_minute_later_is_late(tmp_path, at, met, late):
    story = morning().act(at, "relieve", tier="mitigation", kind="other")
    tier = row(asked(kept(story, tmp_path, END), "compliance"), "relief", tier="mitigation")
    assert (tier["met"], tier["met_late"], tier["missed"]) == (met, late, 0)
    assert tier["median_h"] == pytest.approx(24.0 + late / 60, abs=1e-3)


def test_an_extension_stands_beside_the_miss(tmp_path):
    story = morning().act(
        "2026-10-05 12:00", "extend", tier="mitigation", until=clock("2026-10-09 08:00"), note="parts"
    )
    tier = row(asked(kept(story, tmp_path, END), "compliance"), "relief", tier="mitigation")
    assert (tier["missed"], tier["extended"], tier["met"]) == (1, 1, 0)


def test_deadlines_agree_with_the_tickets_themselves(tmp_path):
    config = kept(busy(), tmp_path, END)
    out = StringIO()
    with redirect_stdout(out):
        assert main(["tickets", "--json", "--config", str(config)]) == 0
    states = [
        each["state"]
        for ticket in json.loads(out.getvalue())["tickets"]
        for each in ticket["deadlines"]
        if each["due_at"] is not None
    ]
    clauses = asked(config, "compliance")["tables"]["clauses"]
    for name in ("met", "met_late", "missed", "pending"):
        assert sum(each[name] for each in clauses) == states.count(name)
    assert {each["clause"]: each["tickets"] for each in clauses} == {"9.14.3": 2, "9.14.4": 1, "9.14.5": 1}


def test_a_year_has_two_terms(tmp_path):
    story = Story().report("2026-07-31 12:00", "12", hazard="pests")
    story.report("2026-08-01 12:00", "12", hazard="leaks")
    report = asked(kept(story, tmp_path, END), "compliance", begin="2026-07-01 00:00")
    assert [each["term"] for each in report["tables"]["clauses"]] == ["2025-26 second", "2026-27 first"]


def test_notices_that_nobody_had_are_undelivered(tmp_path):
    report = asked(kept(morning(), tmp_path, END), "compliance")
    (maple,) = report["tables"]["notices"]
    assert maple["undelivered"] == maple["notices"] > 0
    assert maple["prompt"] == maple["late"] == 0


# The checklist.


def test_the_checklist_has_what_was_seen_by_class_and_the_classes_nobody_measures(tmp_path):
    report = asked(kept(busy(), tmp_path, END), "checklist")
    items = {(each["what"], each["room"]): each for each in report["tables"]["items"]}
    assert {key: each["class"] for key, each in items.items()} == {
        ("cold", "12"): 5,
        ("heat", "lab"): 5,
        ("leaks", "lab"): 4,
        ("outage", None): 1,
    }
    assert items["cold", "12"]["recurrences"] == 1 and items["leaks", "lab"]["breach_h"] is None
    classes = {each["class"]: each["tickets"] for each in report["tables"]["classes"]}
    assert classes == {1: 1, 2: 0, 3: 0, 4: 1, 5: 2, 6: 0}


# Files and refusals.


def test_the_same_season_gives_the_same_files_but_for_when_they_were_made(tmp_path, monkeypatch):
    monkeypatch.setattr("safetyd.cli.reports.now", lambda: instant("2026-11-10 12:00"))
    config = kept(busy(), tmp_path, END)
    made = []
    for name in ("a", "b"):
        files = [tmp_path / f"{name}.{kind}" for kind in ("csv", "xlsx", "pdf")]
        options = [part for file in files for part in (f"--{file.suffix[1:]}", str(file))]
        run = told(config, "september", *options)
        assert run.code == 0 and "under 1 % of the time" in run.out
        made.append([file.read_bytes() for file in files])
    assert made[0] == made[1]
    csv, xlsx, pdf = made[0]
    assert csv.decode().splitlines()[1].startswith("1,maple,12,Room 12,3.0,1.5,3.0,0.0,1,1,2,0,")
    assert pdf.startswith(b"%PDF")
    with ZipFile(BytesIO(xlsx)) as book:
        assert {"xl/worksheets/sheet1.xml", "xl/charts/chart1.xml"} <= set(book.namelist())


@pytest.mark.parametrize(
    ("kind", "whole"),
    [
        ("september", ("student", "mitigation", "Recommendations", "Deadlines")),
        ("compliance", ("mitigation", "immediate", "Overtaken", "Undelivered")),
        ("rooms", ("unknown,", "Coldest", "Highest", "2026-10")),
    ],
)
def test_on_paper_a_row_is_one_row_its_words_whole_and_its_building_named(tmp_path, kind, whole):
    file = tmp_path / f"{kind}.pdf"
    assert told(kept(busy(), tmp_path, END), kind, "--pdf", str(file)).code == 0
    document = PdfReader(file)
    pages = [page.extract_text() for page in document.pages]
    words = " ".join(pages).split()
    assert all(page.mediabox.width > page.mediabox.height for page in document.pages)
    assert set(whole) <= set(words) and "Maple School" in pages[0]
    assert "maple" not in words, "a building is named, not numbered"
    assert "…" not in " ".join(pages)


def test_on_paper_every_rank_stands_beside_all_that_is_told_of_its_room(tmp_path):
    file = tmp_path / "list.pdf"
    assert told(kept(busy(), tmp_path, END), "september", "--pdf", str(file)).code == 0
    text = " ".join(page.extract_text() for page in PdfReader(file).pages)
    assert text.split().count("Rank") == 1
    assert " ".join(text.split()).count("Maple School Room 12 3.0 1.5 3.0 0.0 1 1 2 0 ") == 1


def test_a_name_that_looks_like_a_formula_is_none(tmp_path):
    config = kept(Story(rooms=("12",)).reading("12", "2026-10-05 06:00", **COLD), tmp_path, END)
    site = config.parent / "site.toml"
    site.write_text(site.read_text().replace('"Room 12"', '"=1+1"'))
    run = told(config, "september", "--csv", str(tmp_path / "x.csv"))
    assert run.code == 0 and "'=1+1" in (tmp_path / "x.csv").read_text()


def test_a_season_without_data_is_told_in_one_sentence(tmp_path):
    config = kept(busy(), tmp_path, END)
    run = told(config, "rooms", begin="2020-01-01 00:00", end="2020-02-01 00:00")
    assert (run.code, run.out) == (1, "")
    assert run.err == (
        "safetyd: from 2020-01-01 to 2020-01-31 nothing is on record of Maple School or Cedar School:"
        " no reading, no ticket, no notice\n"
    )


@pytest.mark.parametrize("kind", ["september", "compliance", "rooms", "checklist"])
def test_a_season_with_tickets_and_no_reading_says_so_first_and_counts_no_hours(tmp_path, kind):
    config = kept(Story().report("2026-10-21 10:00", "lab", hazard="leaks"), tmp_path, END)
    run = told(config, kind)
    assert run.code == 0
    assert run.out.startswith("No reading that counts is on record for this range: its hours were not ")
    assert "0.0" not in run.out
    made = asked(config, kind)
    assert made["measured"] is False
    hours = [
        value
        for table in made["tables"].values()
        for each in table
        for name, value in each.items()
        if name in ("breach_h", "breach_student_h", "cold_h", "heat_h", "outage_h")
    ]
    assert all(each is None for each in hours)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--building", "mapel"], "no building is called 'mapel'; did you mean 'maple'?"),
        (["--from", "2026-10-02", "--to", "2026-10-02"], "is not before --to 2026-10-02T07:00:00Z"),
        (["--from", "2199-01-01", "--to", "2199-02-01"], "is not before now"),
        (["--from", "soon"], "--from: 'soon' is no time"),
    ],
)
def test_what_cannot_be_asked_is_refused_in_one_sentence(tmp_path, more, words):
    config = kept(Story().reading("12", "2026-10-05 06:00", **COLD), tmp_path, END)
    out, err = StringIO(), StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = main(["report", "september", "--config", str(config), *more])
    assert (code, out.getvalue()) == (2, "")
    assert words in err.getvalue() and err.getvalue().count("\n") == 1


def test_the_list_is_of_the_time_since_the_last_end_of_september(tmp_path, monkeypatch):
    monkeypatch.setattr("safetyd.cli.reports.now", lambda: instant("2026-11-10 12:00"))
    config = kept(busy(), tmp_path, END)
    out = StringIO()
    with redirect_stdout(out):
        assert main(["report", "september", "--json", "--config", str(config)]) == 0
    report = json.loads(out.getvalue())
    assert (report["from"], report["to"]) == (clock("2026-10-01 00:00"), clock("2026-11-10 12:00"))
