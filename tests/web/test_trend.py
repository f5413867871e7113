"""The last hours of a room as a small line: it breaks where nothing is known, and says what it shows."""

import re
from contextlib import closing
from datetime import datetime, timedelta

import pytest

from safetyd.core.model import Place, Role
from safetyd.core.tally import WIDTH, Bucket, Measure, Values, floor
from safetyd.store import rollups
from safetyd.store.database import open_for_reading, open_for_writing
from safetyd.store.rollups import Level, Progress, RolledPlace, Span
from safetyd.web.pages.trend import trend, trends
from tests.web.school import Browser, School

QUARTER = timedelta(minutes=15)


def rolled(school: School, number: int, place: Place, values: dict[datetime, float]) -> None:
    """Keep roll-ups of five minutes with two values each, as the daemon does."""
    with closing(open_for_writing(school.url)) as connection:
        rollups.put_place(connection, RolledPlace(number, place, min(values)))
        spans = [
            Span(at, at + WIDTH, Bucket({Measure.TEMPERATURE: Values(2, value, value, 2 * value)}, {}))
            for at, value in values.items()
        ]
        rollups.replace(connection, Level.FIVE_MINUTES, number, [], spans)
        rollups.put_progress(connection, Progress(max(values), 1))
        connection.commit()


@pytest.mark.parametrize(
    ("means_f", "path"),
    [
        ((70, 70, 70), "M3 14L8 14 13 14"),
        ((70, None, 70), "M3 14h0M13 14h0"),
        ((None, 68, 72), "M8 25L13 3"),
        ((60, 80, None), "M3 25L8 3"),
    ],
)
def test_a_line_goes_through_what_is_known_and_through_nothing_else(
    means_f: tuple[float | None, ...], path: str
) -> None:
    assert f'<path d="{path}"/>' in trend(means_f, 0.0)


def test_where_nothing_is_known_there_is_no_line() -> None:
    assert trend((None, None), 60.0) == "" == trend((), 60.0)


def test_the_limit_is_drawn_where_the_line_is_near_it_and_words_say_what_is_shown() -> None:
    near, far = trend((62.2, 59.1), 60.0), trend((70.0, 71.0), 60.0)
    assert 'class="limit"' in near and 'class="limit"' not in far
    assert 'aria-label="6 hours: from 59 to 62 °F, last 59 °F"' in near


def test_the_means_of_all_rooms_of_a_building_come_from_one_look_up(at_school: School) -> None:
    begin = floor(at_school.now, timedelta(hours=1))
    rolled(at_school, 1, Place("maple", "12"), {begin: 60, begin + WIDTH: 66, begin + QUARTER: 70})
    rolled(at_school, 2, Place("maple", "lab"), {begin + 2 * QUARTER: 50, begin + 3 * QUARTER: 1})
    rolled(at_school, 3, Place("cedar", "1"), {begin: 99})
    rolled(at_school, 4, Place("maple", None), {begin: 99})
    with closing(open_for_reading(at_school.url)) as connection:
        found = rollups.means(connection, "maple", Measure.TEMPERATURE, begin, QUARTER, 3)
        assert found == {"12": [63, 70, None], "lab": [None, None, 50]}
        assert rollups.means(connection, "maple", Measure.HUMIDITY, begin, QUARTER, 3) == {}


def test_lines_are_made_anew_once_there_is_more_to_show(at_school: School) -> None:
    begin = floor(at_school.now) - timedelta(hours=2)
    rolled(at_school, 1, Place("maple", "12"), {begin: 60, begin + WIDTH: 66})
    with at_school.application._looking._outlook.view() as view:
        first = trends(view, "maple")
        assert trends(view, "maple") is first and trends(view, "cedar") == {}
    rolled(at_school, 1, Place("maple", "12"), {begin + QUARTER: 66})
    with at_school.application._looking._outlook.view() as view:
        assert trends(view, "maple") is not first


def test_a_room_shows_its_line_and_one_that_was_never_heard_has_none(at_school: School) -> None:
    rolled(at_school, 1, Place("maple", "12"), {floor(at_school.now) - timedelta(hours=1): 61})
    browser = Browser(at_school)
    browser.enter(Role.EDUCATOR, "maple")
    assert len(re.findall('<svg class="trend"', browser.get("/buildings/maple").text)) == 1
