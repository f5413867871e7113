"""`safetyd whatif --over FOLDER`: the same answer from Parquet files as from the store."""

from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.lake.lakes import LAST, STRICT, both, exported, lively_season
from tests.story import SCHOOL_YEAR, Story, instant
from tests.whatif.season import kept


@pytest.fixture(scope="module")
def season(tmp_path_factory) -> Path:
    """The configuration of a lively season, exported beside its store."""
    config = kept(lively_season(), tmp_path_factory.mktemp("season"), LAST)
    exported(config)
    return config


@pytest.mark.parametrize(
    "settings",
    [
        (),
        STRICT,
        ("rules.heat.above_f=95",),
        ("rules.cold.below_f=50", "rules.cold.end_f=51"),
        ("rules.outage.longer_than=4h",),
        ("rules.deadlines.mitigation=1h",),
        ("rules.cold.below_f=61", "rules.cold.end_after=3h"),
    ],
)
def test_the_answer_is_that_of_the_store(season, settings):
    stored, exported_one = both(season, *settings, end=LAST)
    assert exported_one.rows == stored.rows
    assert exported_one.recorded == stored.recorded
    assert exported_one.question == stored.question
    assert exported_one.rules == stored.rules
    assert stored.total.proposed.tickets > 0


def test_minutes_give_the_same_as_five_of_them(tmp_path):
    config = kept(lively_season(), tmp_path, LAST)
    exported(config, "--every", "1m")
    for settings in ((), STRICT, ("rules.outage.longer_than=4h",)):
        stored, exported_one = both(config, *settings, end=LAST)
        assert exported_one.rows == stored.rows
        assert exported_one.recorded == stored.recorded


HEATS, COLDS = (72.0, 79.0, 80.5, 83.0, 84.2, 85.5, 95.0), (55.0, 59.9, 60.5, 61.5, 63.0)
spells = st.lists(
    st.tuples(st.sampled_from((*HEATS, *COLDS)), st.integers(1, 40), st.sampled_from((0, 0, 0, 25, 900))),
    min_size=1,
    max_size=12,
)


@given(spells, st.sampled_from((*STRICT, "rules.heat.above_f=90", "rules.cold.end_after=2h")))
@pytest.mark.slow
def test_whatever_a_room_says_the_answer_is_that_of_the_store(tmp_path_factory, drawn, setting):
    story, at = Story(calendar=SCHOOL_YEAR), instant("2026-09-02 08:00")
    for temperature_f, count, silence in drawn:
        for _ in range(count):
            story.reading("12", f"{at:%Y-%m-%dT%H:%M:%SZ}", temperature_f=temperature_f, humidity=45.0)
            at += timedelta(minutes=7)
        at += timedelta(minutes=silence)
    config = kept(story, tmp_path_factory.mktemp("season"))
    exported(config)
    stored, exported_one = both(config, setting)
    assert exported_one.rows == stored.rows
