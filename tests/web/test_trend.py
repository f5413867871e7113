"""The last hours of a room as a small line: it breaks where nothing is known, and says what it shows."""

import re
from contextlib import closing
from datetime import UTC, datetime, timedelta

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


NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)


def test_a_line_says_whose_it_is_and_breaks_where_nothing_is_known() -> None:
    whole = trend("Room 12", (62.2, 61.0, 59.1), NOON, 60.0)
    assert "Room 12: 59.1 °F" in whole and 'class="chart-limit"' in whole.replace("'", '"')
    assert "with gaps" in trend("Room 12", (62.2, None, 59.1), NOON, 60.0) and "with gaps" not in whole


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
    with at_school.application._looking.records[0].outlook.view() as view:
        first = trends(view, "maple")
        assert trends(view, "maple") is first and trends(view, "cedar") == {}
    rolled(at_school, 1, Place("maple", "12"), {begin + QUARTER: 66})
    with at_school.application._looking.records[0].outlook.view() as view:
        assert trends(view, "maple") is not first


def test_a_room_shows_its_line_and_one_that_was_never_heard_has_none(at_school: School) -> None:
    rolled(at_school, 1, Place("maple", "12"), {floor(at_school.now) - timedelta(hours=1): 61})
    browser = Browser(at_school)
    browser.enter(Role.EDUCATOR, "maple")
    assert len(re.findall("chart-spark", browser.get("/buildings/maple").text)) == 1
