"""The page What if: what it asks, what it answers, and that nothing comes of it but the answer."""

import csv
import io
import json
import re
from contextlib import closing, redirect_stdout
from datetime import timedelta
from pathlib import Path
from zipfile import ZipFile

import pytest

from safetyd.cli import main
from safetyd.core.model import Role
from safetyd.store.database import open_for_reading
from safetyd.store.every_table import metadata
from safetyd.web.pages.whatif_asked import SLIDERS
from tests.web.school import Answer, Browser, School, refile

WITHIN_S = 60.0
PROPOSED = "/whatif?cold=62&range=custom&from={}&to={}"
VERSIONS = """timezone = "America/Los_Angeles"
[[rules]]
[[rules]]
effective = {}
cold = {{ below_f = 58, end_f = 59 }}
[[buildings]]
id = "maple"
rooms = [{{ id = "12", name = "Room 12" }}]
"""


@pytest.fixture
def browser(at_school: School) -> Browser:
    made = Browser(at_school)
    made.enter(Role.ASSOCIATION)
    return made


def config(school: School) -> Path:
    return school.folder / "safetyd.toml"


def command(*argv: str) -> str:
    out = io.StringIO()
    with redirect_stdout(out):
        assert main([*argv]) == 0
    return out.getvalue()


def chilly(school: School, temperature_f: float = 61.0) -> None:
    """Let a room of each school be a little above the limit for two hours, two days ago, and roll it up."""
    for place in ("maple/lab", "cedar/1"):
        for minutes in range(0, 121, 5):
            ago = timedelta(days=2) - timedelta(minutes=minutes)
            school.hears(place, ago=ago, temperature_f=temperature_f, humidity=40)
    command("history", "rebuild", "--config", str(config(school)))


def season(school: School) -> tuple[str, str]:
    """Return the first and last day of what is asked about; today, and the two cold rooms, are not in it."""
    day = school.now.astimezone(school.site.timezone).date()
    return str(day - timedelta(days=5)), str(day - timedelta(days=1))


def proposed(school: School, more: str = "") -> str:
    return PROPOSED.format(*season(school)) + more


def answered(school: School, browser: Browser, path: str) -> Answer:
    """Ask, wait until it is worked out, and ask again."""
    browser.get(path)
    assert school.application._looking.desk.rest(WITHIN_S)
    return browser.get(f"{path}&again=1")


def ask_json(school: School, browser: Browser, path: str) -> dict[str, object]:
    file = path.replace("/whatif?", "/whatif/file/json?")
    return dict(browser.get(file).json)


# What it answers.


def test_nothing_is_worked_out_before_somebody_has_supposed_something(
    at_school: School, browser: Browser
) -> None:
    for path in ("/whatif", "/whatif?cold=60&heat=85&outage=2&mitigation=24&confirm=1&outside=ticket"):
        assert "No number differs from those in force" in browser.get(path).text
    assert at_school.application._looking.desk._now is None


def test_the_page_has_the_numbers_of_the_command_line(at_school: School, browser: Browser) -> None:
    chilly(at_school)
    path = proposed(at_school)
    page = answered(at_school, browser, path)
    first, _ = season(at_school)
    until = str(at_school.now.astimezone(at_school.site.timezone).date())
    argv = ["--from", first, "--to", until, "--set", "rules.cold.below_f=62", "--json"]
    told = json.loads(command("whatif", "--config", str(config(at_school)), *argv))
    assert ask_json(at_school, browser, path) == told
    total = told["total"]
    assert (total["in_force"]["tickets"], total["proposed"]["tickets"]) == (0, 2)
    hours = f"{total['proposed']['breach_h']:.1f}"
    assert f"2 instead of 0 tickets, {hours} instead of 0.0 room-hours in breach" in page.text
    assert page.text.count("<figure>") == 8, "each figure by month and by building"


def test_the_value_of_the_limit_is_no_breach_and_a_hair_above_it_is(
    at_school: School, browser: Browser
) -> None:
    chilly(at_school)
    for cold, tickets in (("61", 0), ("61.001", 2)):
        path = proposed(at_school).replace("cold=62", f"cold={cold}")
        answered(at_school, browser, path)
        assert ask_json(at_school, browser, path)["total"]["proposed"]["tickets"] == tickets  # type: ignore[index]


def test_a_season_without_data_is_told_in_one_sentence(at_school: School, browser: Browser) -> None:
    chilly(at_school)
    page = answered(at_school, browser, "/whatif?cold=62&range=custom&from=2020-01-01&to=2020-02-01")
    assert "No reading of a room of maple, cedar is on record from" in page.text
    assert "--exact" not in page.text, "there is nothing to be had exact either"
    page = browser.get("/whatif?confirm=2&range=custom&from=2020-01-01&to=2020-02-01")
    assert "No reading of a room of maple, cedar" in page.text and "--exact" not in page.text


def test_a_store_that_nothing_is_rolled_up_of_says_so(at_school: School, browser: Browser) -> None:
    assert "Nothing is rolled up yet" in answered(at_school, browser, proposed(at_school)).text


def test_it_says_how_good_an_estimate_it_is_and_gives_the_command_that_is_exact(
    at_school: School, browser: Browser
) -> None:
    chilly(at_school)
    text = answered(at_school, browser, proposed(at_school)).text
    assert "This is an estimate: each 5 minutes of a room count as one reading" in text
    assert "of the rooms&#39; time is known; what is not known is no breach on either side" in text
    found = re.search('aria-label="Command">([^<]*)<', text)
    assert found
    words = found[1].split()
    assert words[:2] == ["safetyd", "whatif"] and words[-1] == "--exact" and "--building" not in words
    exact = json.loads(command(*words[1:], "--json", "--config", str(config(at_school))))
    assert exact["basis"].startswith("every stored reading") and exact["set"] == ["rules.cold.below_f=62"]


def test_what_only_readings_can_tell_is_not_estimated_but_the_command_for_it_given(
    at_school: School, browser: Browser
) -> None:
    text = browser.get(proposed(at_school, "&confirm=2")).text
    assert "cannot be told from 5-minute values" in text
    assert "--set rules.cold.confirm=2 --set rules.heat.confirm=2 --exact" in text
    assert at_school.application._looking.desk._now is None


def test_while_it_is_worked_out_the_page_says_so_and_looks_again_without_a_script(
    at_school: School, browser: Browser
) -> None:
    page = browser.get(proposed(at_school)).text
    assert "Being worked out" in page and "<progress" in page
    assert re.search(r'<noscript><meta http-equiv="refresh" content="2; url=/whatif\?[^"]*again=1">', page)
    assert at_school.application._looking.desk.rest(WITHIN_S)


def test_files_have_the_same_numbers_and_no_formula(at_school: School, browser: Browser) -> None:
    chilly(at_school)
    path = proposed(at_school)
    answered(at_school, browser, path)
    told = ask_json(at_school, browser, path)
    rows = list(csv.DictReader(io.StringIO(browser.get(path.replace("?", "/file/csv?", 1)).text)))
    assert [each["building"] for each in rows][-1] == "all"
    assert rows[-1]["tickets_proposed"] == str(told["total"]["proposed"]["tickets"])  # type: ignore[index]
    book = browser.get(path.replace("?", "/file/xlsx?", 1)).body
    assert b"<f>" not in ZipFile(io.BytesIO(book)).read("xl/worksheets/sheet1.xml")
    assert browser.get(path.replace("?", "/file/exe?", 1)).status == 404


# Nothing comes of it.


def test_the_store_is_the_same_after_it(at_school: School, browser: Browser) -> None:
    chilly(at_school)

    def rows() -> dict[str, list[object]]:
        with closing(open_for_reading(at_school.url)) as connection:
            return {
                table.name: list(connection.execute(table.select()).fetchall())
                for table in metadata.sorted_tables
            }

    browser.get("/whatif")  # that a session is used is noted now and then
    before = rows()
    assert "instead of" in answered(at_school, browser, proposed(at_school)).text
    assert rows() == before


# Who may ask what.


def test_who_sees_one_building_supposes_for_that_one_only(at_school: School) -> None:
    chilly(at_school)
    one = Browser(at_school)
    one.enter(Role.FACILITIES, "maple")
    text = answered(at_school, one, proposed(at_school)).text
    assert "1 instead of 0 tickets" in text and "cedar" not in text
    assert "--building maple" in text
    assert one.get(proposed(at_school, "&building=cedar")).status == 400
    other = Browser(at_school)
    other.enter(Role.FACILITIES, "cedar")
    assert other.get(proposed(at_school).replace("?", "/file/csv?", 1)).status == 303, (
        "what others asked is theirs"
    )


def test_an_educator_who_sees_no_tickets_may_not(at_school: School) -> None:
    educator = Browser(at_school)
    educator.enter(Role.EDUCATOR, "maple")
    assert educator.get("/whatif").status == 403
    assert 'href="/whatif"' not in educator.get("/history").text


# What the form takes.


@pytest.mark.parametrize("slider", SLIDERS, ids=lambda each: each.name)
def test_a_number_is_taken_from_its_least_to_its_most(
    at_school: School, browser: Browser, slider: object
) -> None:
    name, least, most = slider.name, slider.least, slider.most  # type: ignore[attr-defined]
    for value in (least, most):
        assert browser.get(f"/whatif?{name}={value:g}").status == 200
    for value in (least - 0.01, most + 0.01, "x", "nan", "inf", "1e400"):
        answer = browser.get(f"/whatif?{name}={value}")
        assert answer.status == 400 and f"{name}: " in answer.text
    assert at_school.application._looking.desk.rest(WITHIN_S)


def test_hours_become_settings_that_a_rule_takes() -> None:
    outage = next(each for each in SLIDERS if each.name == "outage")
    assert outage.settings(2.25) == ("rules.outage.longer_than=135m",)
    assert outage.settings(1 / 3600) == ("rules.outage.longer_than=1s",)


def test_a_number_left_alone_stays_what_it_was_in_each_version_of_the_rules(
    at_school: School, browser: Browser
) -> None:
    since = at_school.now.astimezone(at_school.site.timezone).date() - timedelta(days=1)
    refile(at_school, VERSIONS.format(since))
    text = browser.get(proposed(at_school).replace("cold=62", "cold=58")).text
    assert "The rules changed within this time" in text and "No number differs" in text
    assert "In force: 58 °F" in text
