"""The rules: every number with its clause, and what other versions say otherwise."""

from dataclasses import asdict
from datetime import date, timedelta

import pytest

from safetyd.core.model import Role
from safetyd.core.rules import Rules
from safetyd.web.pages.rules import NUMBERS
from tests.web.school import SITE, Browser, School, refile

TODAY = date.today()


@pytest.fixture
def browser(at_school: School) -> Browser:
    made = Browser(at_school)
    made.enter(Role.EDUCATOR)
    return made


def test_no_number_of_the_rules_is_left_out() -> None:
    shown = {number.key for _, few in NUMBERS for number in few}
    there = set()
    for name, value in asdict(Rules()).items():
        if isinstance(value, dict):
            there |= {f"{name}.{key}" for key in value}
        elif name != "effective":
            there.add(name)
    assert shown == there


def test_each_number_stands_beside_its_clause_or_is_said_not_to_be_in_the_contract(
    browser: Browser,
) -> None:
    text = browser.get("/rules").text
    for words in ("60 °F", "85 °F", "9.14.3", "9.14.5", "9.9.4.B", "not in the contract", "14 d"):
        assert words in text, words
    assert "No other version is to come" in text and "There was none before" in text
    assert Rules().fingerprint in text


def test_other_versions_show_what_differs(at_school: School, browser: Browser) -> None:
    versions = f"""
[[rules]]
effective = {TODAY - timedelta(days=400)}
[[rules]]
effective = {TODAY - timedelta(days=40)}
cold = {{ below_f = 62, end_f = 63 }}
[[rules]]
effective = {TODAY + timedelta(days=40)}
heat = {{ above_f = 83 }}
"""
    refile(at_school, SITE + versions)
    text = browser.get("/rules").text
    assert "<strong>62 °F</strong>" in text and "usually 60 °F" in text
    to_come, _, before = text.partition("<h2>To come</h2>")[2].partition("<h2>Before</h2>")
    assert "Heat: Too hot is a heat index above" in to_come and "83 °F" in to_come
    assert "Cold: Too cold is below" in before and "83 °F" not in before
    book = at_school.site.rulebook
    assert all(each.fingerprint in text for each in book.versions) and book.fingerprint in text
