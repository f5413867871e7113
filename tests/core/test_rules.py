"""The numbers are the contract's, a version holds from its day on, and its fingerprint is its own."""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from safetyd.core.rules import RuleBook, Rules
from safetyd.core.units import JUST_AFTER
from tests.core.scene import ZONE, clock, rules

MINUTES = {minutes: timedelta(minutes=minutes) for minutes in (10, 15, 30, 60, 90, 110)}


def test_the_contract_says() -> None:
    says = Rules()
    assert says.cold.below_f == 60
    assert says.heat.above_f == 85
    assert says.outage.longer_than == timedelta(hours=2)
    assert says.deadlines.mitigation == timedelta(hours=24)
    assert says.deadlines.immediate == timedelta(weeks=2)


def test_what_the_contract_leaves_open_is_as_promised_to_the_outside() -> None:
    ours = Rules()
    assert (ours.cold.end_f, ours.cold.end_after, ours.cold.confirm) == (61, MINUTES[30], 1)
    assert (ours.heat.watch_f, ours.heat.end_f, ours.heat.end_after, ours.heat.confirm) == (
        80,
        84,
        MINUTES[30],
        1,
    )
    assert ours.heat.pair_within == MINUTES[10]
    assert ours.outage.warn_at == (MINUTES[60], MINUTES[90], MINUTES[110])
    assert (ours.outage.restored_after, ours.outage.quorum, ours.outage.nominal_v) == (
        MINUTES[15],
        "majority",
        120,
    )
    assert (ours.remind.at, ours.remind.overdue_every) == ((0.5, 0.75), timedelta(hours=24))
    assert (ours.quality.stale_after, ours.quality.stuck_after) == (MINUTES[15], timedelta(hours=6))
    assert (ours.quality.max_step_f_per_min, ours.quality.range_c) == (5, (-10, 60))
    assert (ours.quality.disagree_f, ours.quality.battery_below) == (3, 10)
    assert ours.outside_work_hours == "ticket"


def variants(value: Any) -> Iterator[Any]:
    """Yield the value with one number in it changed, for every number in it."""
    if is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            for changed in variants(getattr(value, field.name)):
                yield replace(value, **{field.name: changed})
    elif isinstance(value, tuple):
        for position, item in enumerate(value):
            for changed in variants(item):
                yield (*value[:position], changed, *value[position + 1 :])
    elif isinstance(value, timedelta):
        yield value + JUST_AFTER
    elif isinstance(value, int | float):
        yield value + 1e-9
    elif isinstance(value, str):
        yield {"ticket": "hold", "majority": "all"}[value]
    else:
        yield date(2026, 12, 1)  # from the beginning, or from a day on


def test_a_version_with_any_other_number_has_another_fingerprint() -> None:
    versions = [Rules(), *variants(Rules())]
    prints = {version.fingerprint for version in versions}
    assert len(prints) == len(versions) > 25


def test_a_version_with_the_same_numbers_has_the_same_fingerprint() -> None:
    assert rules(cold={"below_f": 60.0}).fingerprint == Rules().fingerprint
    assert Rules().fingerprint.startswith("sha256:")


def test_a_book_has_a_fingerprint_of_all_its_versions_in_their_order() -> None:
    first, second = Rules(), rules(effective=date(2026, 12, 1))
    books = [(first,), (second,), (first, second), (second, first)]
    assert len({RuleBook(versions).fingerprint for versions in books}) == len(books)


BOOK = RuleBook((Rules(), rules(effective=date(2026, 12, 1)), rules(effective=date(2027, 6, 1))), ZONE)


@pytest.mark.parametrize(
    ("at", "version"),
    [
        (clock("1970-01-01 00:00"), 0),
        (clock("2026-12-01 07:59:59.999999"), 0),
        (clock("2026-12-01 08:00"), 1),  # midnight at the school, in winter
        (clock("2027-06-01 06:59:59"), 1),
        (clock("2027-06-01 07:00"), 2),  # in summer
        (clock("2999-01-01 00:00"), 2),
    ],
)
def test_a_version_is_in_force_from_midnight_of_its_day_at_the_school(at: datetime, version: int) -> None:
    assert BOOK.in_force(at) is BOOK.versions[version]


def test_what_came_before_the_first_version_is_judged_by_it_too() -> None:
    only = rules(effective=date(2026, 12, 1))
    later = rules(effective=date(2027, 12, 1))
    for versions in ((only,), (only, later)):
        assert RuleBook(versions, ZoneInfo("UTC")).in_force(clock("2020-01-01 00:00")) is only
