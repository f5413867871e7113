"""Whatever was heard, and whatever range is asked for: ok, breach and unknown are all the time there was."""

from datetime import datetime, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from safetyd.core.calendar import Calendar, Hours
from safetyd.core.model import Place
from safetyd.core.tally import Account, Measure, floor
from safetyd.history.breaches import breach_of, days
from safetyd.history.queries import History
from safetyd.reports.hours import GRAIN, Month, Time, by_month, class_spans, total
from safetyd.reports.report import hours
from safetyd.reports.season import season
from safetyd.reports.terms import school_year, term_of, until_september
from tests.history.scene import HERE, LAB, MINUTE, NOON, ROOM, Scene, every, site

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
ZONE = HERE.timezone
CALENDAR = Calendar(ZONE, student_hours=Hours(time(8, 30), time(15, 15)))
temperatures = st.sampled_from([55.0, 59.9, 60.0, 61.0, 70.0, 88.0])
stretches = st.lists(st.tuples(st.integers(1, 30), temperatures, st.sampled_from([None, 40.0])), max_size=8)


def heard(found: list[tuple[int, float, float | None]]) -> Scene:
    """A room that says so many times each ten minutes the same, then is silent for half an hour."""
    scene, at = Scene(), NOON
    for n, temperature_f, humidity in found:
        values = {"temperature_f": temperature_f} | ({} if humidity is None else {"humidity": humidity})
        scene.hear(*every(10, since=at, n=n, **values))
        at += (n * 10 + 30) * MINUTE
    return scene


def months_of(scene: Scene, begin: datetime, end: datetime, calendar: Calendar = CALENDAR) -> list[Month]:
    history = History(scene.store, scene.site, "safetyd", NOON + 5 * DAY)
    found = by_month(history, scene.store, [ROOM, LAB], lambda _: calendar, (begin, end), ZONE)
    return [*found[ROOM]]


@settings(max_examples=25, deadline=None)
@given(stretches, st.integers(-400, 900), st.integers(1, 900), st.booleans())
def test_the_three_add_up_and_are_what_history_says(found, since, n, is_rolled) -> None:
    scene = heard(found)
    if is_rolled:
        scene.follow(NOON + 5 * DAY)
    begin = NOON + since * 5 * MINUTE
    end = min(begin + n * 5 * MINUTE, NOON + 5 * DAY)
    months = months_of(scene, begin, end)
    history = History(scene.store, scene.site, "safetyd", NOON + 5 * DAY)
    for account in (Account.COLD, Account.HEAT, Account.ROOM):
        always, in_class = (total(months, account, in_class=each) for each in (False, True))
        assert always.whole == (end - begin) // GRAIN
        for each in (always, in_class):
            assert each.ok + each.breach + each.unknown == each.whole and min(each) >= 0 <= each.unknown
        outside = Time(*(a - b for a, b in zip(always, in_class, strict=True)))
        assert min(outside) >= 0 <= outside.unknown
        known_of = history.known_of(ROOM, Measure.TEMPERATURE)._replace(account=account)
        by_day = days(known_of, ZONE, begin, end)
        assert breach_of(by_day) // GRAIN == always.breach
        assert sum((each.known for each in by_day), timedelta(0)) // GRAIN == always.known


@settings(max_examples=10, deadline=None)
@given(stretches)
def test_rolled_up_or_not_it_is_the_same(found) -> None:
    scene = heard(found)
    fresh = months_of(scene, NOON - DAY, NOON + 4 * DAY)
    scene.follow(NOON + 5 * DAY)
    assert months_of(scene, NOON - DAY, NOON + 4 * DAY) == fresh


def test_a_reading_that_comes_late_counts_at_its_own_time() -> None:
    scene = heard([(30, 70.0, 40.0)])
    scene.follow(NOON + 5 * DAY)
    late = [
        each._replace(received_at=NOON + 5 * DAY)
        for each in every(10, since=NOON + 12 * HOUR, n=6, temperature_f=55.0)
    ]
    scene.hear(*late)
    (month,) = months_of(scene, NOON, NOON + DAY)
    assert hours(month.always[Account.COLD].breach) == 1.0833  # a last reading counts for 15 minutes


def test_a_student_day_between_the_edges_of_five_minutes_has_those_that_begin_in_it() -> None:
    odd = Calendar(ZONE, student_hours=Hours(time(8, 32), time(15, 13)))
    (span,) = class_spans(odd, *(floor(at) for at in (NOON, NOON + 15 * HOUR)))
    local = [at.astimezone(ZONE).strftime("%H:%M") for at in span]
    assert local == ["08:35", "15:15"]


def test_a_room_that_left_the_site_file_is_not_forgotten() -> None:
    scene = heard([(30, 70.0, 40.0)])
    scene.follow(NOON + 5 * DAY)
    less = site('timezone = "America/Los_Angeles"\n[[buildings]]\nid = "maple"\nrooms = [{ id = "lab" }]\n')
    made = season(scene.store, less, "safetyd", less.buildings, NOON, NOON + DAY, NOON + 5 * DAY)
    assert made.rooms == [LAB, ROOM]
    assert made.room_name(ROOM) == "12 (no longer in the site file)"
    assert made.time(Place("maple", "12"), Account.COLD).known > 0


@pytest.mark.parametrize(
    ("day", "term"),
    [
        ("2026-07-31T23:59", "2025-26 second"),
        ("2026-08-01T00:00", "2026-27 first"),
        ("2027-01-31T23:59", "2026-27 first"),
        ("2027-02-01T00:00", "2026-27 second"),
        ("1999-12-01T00:00", "1999-00 first"),
    ],
)
def test_a_term_is_half_a_school_year(day: str, term: str) -> None:
    assert term_of(datetime.fromisoformat(day).replace(tzinfo=ZONE), ZONE) == term


@pytest.mark.parametrize(
    ("day", "list_of", "year_of"),
    [("2026-09-30T23:59", 2025, 2026), ("2026-10-01T00:00", 2026, 2026), ("2027-07-31T12:00", 2026, 2026)],
)
def test_the_usual_range_begins_with_october_or_august(day: str, list_of: int, year_of: int) -> None:
    at = datetime.fromisoformat(day).replace(tzinfo=ZONE)
    assert until_september(at, ZONE)[0] == datetime(list_of, 10, 1, tzinfo=ZONE)
    assert until_september(at, ZONE)[1] == datetime(list_of + 1, 10, 1, tzinfo=ZONE)
    assert school_year(at, ZONE) == (datetime(year_of, 8, 1, tzinfo=ZONE), at)
