"""The promise: a site file says who is told of what, and each mistake in that is told at its key."""

from datetime import date, timedelta
from pathlib import Path

import pytest

from safetyd.core.model import Condition, Role
from safetyd.core.plan import ABOVE, TOLD, Plan, Reason, Step
from safetyd.core.ticket import Status
from safetyd.faults import Fault
from safetyd.site import Site, read_site
from safetyd.site_words import _people

HEAD = 'name = "North District"\ntimezone = "America/Los_Angeles"\n[[buildings]]\nid = "maple"\n'


def read(folder: Path, text: str) -> tuple[Site | None, list[Fault]]:
    file = folder / "site.toml"
    file.write_text(HEAD + text, encoding="utf-8")
    faults: list[Fault] = []
    return read_site([file], {}, faults), faults


def test_without_one_the_usual_plan_holds(tmp_path: Path) -> None:
    site, faults = read(tmp_path, "")
    assert site is not None and not faults
    assert site.plans.versions == (Plan(),)


def test_what_is_left_out_is_as_usual(tmp_path: Path) -> None:
    site, faults = read(tmp_path, '[[plan]]\noverdue = ["district", "district", "facilities"]\n')
    assert site is not None and not faults
    (plan,) = site.plans.versions
    assert plan.told == {**TOLD, Reason.OVERDUE: (Role.DISTRICT, Role.FACILITIES)}
    assert (plan.outage_opened, plan.above, plan.steps) == (Plan().outage_opened, ABOVE, ())


def test_all_of_it_can_be_said(tmp_path: Path) -> None:
    text = """
    [[plan]]
    effective = 2026-09-01
    outage_opened = ["district"]
    ended = []
    above = { facilities = "district", district = "association" }
    [[plan.steps]]
    after = "90m"
    to = ["district"]
    unless = "relieved"
    conditions = ["outage", "heat"]
    [[plan.steps]]
    after = "4h"
    to = ["association"]
    [[plan]]
    """
    site, faults = read(tmp_path, text)
    assert site is not None and not faults
    first, second = site.plans.versions
    assert (first.effective, second.effective) == (None, date(2026, 9, 1))
    assert (second.outage_opened, second.told[Reason.ENDED]) == ((Role.DISTRICT,), ())
    assert second.above == {**ABOVE, Role.FACILITIES: Role.DISTRICT, Role.DISTRICT: Role.ASSOCIATION}
    some = (Condition.OUTAGE, Condition.HEAT)
    assert second.steps == (
        Step(timedelta(minutes=90), (Role.DISTRICT,), Status.RELIEVED, some),
        Step(timedelta(hours=4), (Role.ASSOCIATION,)),
    )


@pytest.mark.parametrize(
    ("text", "key", "words"),
    [
        ("opened = []", "plan[0].opened", "nobody would be told"),
        ("outage_opened = []", "plan[0].outage_opened", "nobody would be told"),
        ('opened = ["janitor"]', "plan[0].opened[0]", "janitor"),
        ('digest = ["district"]', "plan[0].digest", "nobody knows this key"),
        ('open = ["district"]', "plan[0].open", "did you mean"),
        (
            'above = { district = "facilities" }',
            "plan[0].above.district",
            "from district to facilities to",
        ),
        ('above = { district = "district" }', "plan[0].above.district", "leads from district to district"),
        ('steps = [{ to = ["district"] }]', "plan[0].steps[0].after", "nothing stands here"),
        ('steps = [{ after = "0s", to = ["district"] }]', "plan[0].steps[0].after", "no time at all"),
        ('steps = [{ after = "1h" }]', "plan[0].steps[0].to", "nobody would be told"),
        ('steps = [{ after = "1h", to = ["district"], unless = "closed" }]', "steps[0].unless", "closed"),
        ('steps = [{ after = "1h", to = ["district"], conditions = [] }]', "conditions", "the list is empty"),
        ("[[plan]]", "plan[1].effective", "a second version has no date"),
    ],
)
def test_each_mistake_is_told_at_its_key(tmp_path: Path, text: str, key: str, words: str) -> None:
    _, faults = read(tmp_path, f"[[plan]]\n{text}\n")
    assert len(faults) == 1, faults
    assert key in str(faults[0]) and words in str(faults[0])


def test_check_says_in_words_who_is_told_and_who_next(tmp_path: Path) -> None:
    text = """
    [[plan]]
    effective = 2026-09-01
    ended = []
    steps = [{ after = "90m", to = ["district"], conditions = ["outage"] }]
    """
    site, _ = read(tmp_path, text)
    assert site is not None
    lines = list(_people(site))
    assert lines[0] == f"Who is told what from 2026-09-01 on (plan {site.plans.versions[0].short_name}):"
    assert "  ended: nobody" in lines
    assert "  a ticket of outage not acknowledged 90 min after its opening (escalated): district" in lines
    assert lines[-1].startswith("  Where nobody of a role can be reached: facilities by administrator")
