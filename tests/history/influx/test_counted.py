"""What counts beside the values as they came: suspects that are borne out, and the heat index of a room."""

import pytest

from safetyd.core.heat_index import heat_index_f
from safetyd.core.model import Offset, Place, Sensor
from safetyd.history.influx.counted import Counted
from safetyd.history.influx.lines import ReadingLines
from safetyd.store.readings import Kept
from safetyd.store.replica import ReadingRow

MINUTE = 60_000_000
SENSORS = {
    1: Sensor(Place("maple", "12"), "sill"),
    2: Sensor(Place("maple", "12"), "door"),
    3: Sensor(Place("maple", "14"), "off", offsets=(Offset(None, -0.8, 2.0),)),
}
F, C, RH = Kept.TEMPERATURE_F, Kept.TEMPERATURE_C, Kept.HUMIDITY


def made(*said: tuple[float, int, Kept, float, int]) -> list[str]:
    """Return the lines of values: minute, sensor, what, value, mark."""
    counted = Counted(ReadingLines(SENSORS))
    rows = [
        ReadingRow(number, sensor, kept, int(minute * MINUTE), 0, value, mark, None)
        for number, (minute, sensor, kept, value, mark) in enumerate(said, 1)
    ]
    return [line.text.decode() for row in rows for line in counted.lines(row)]


def indexes(*said: tuple[float, int, Kept, float, int]) -> list[str]:
    return [line for line in made(*said) if line.startswith("heat_index")]


def test_the_judged_value_is_the_calibrated_one_and_the_raw_one_stands_beside_it() -> None:
    (line,) = made((0, 3, F, 85.5, 0))
    assert f" value={85.5 - 0.8!r},raw=85.5 " in line
    (line,) = made((0, 3, C, 20.5, 0))
    assert f" value={68.9 - 0.8!r},celsius=20.5,raw=68.9 " in line
    assert " value=42.0,raw=40.0 " in made((0, 3, RH, 40.0, 0))[0]
    assert "raw" not in made((0, 1, F, 85.5, 0))[0]
    assert "raw" not in made((0, 3, Kept.BATTERY, 85.5, 0))[0]


@pytest.mark.parametrize(
    ("kept", "doubted", "next_one", "counts"),
    [(F, 80.0, 83.0, True), (F, 80.0, 83.1, False), (RH, 80.0, 90.0, True), (RH, 80.0, 90.5, False)],
)
def test_a_suspect_that_the_next_value_bears_out_is_the_same_point_and_says_so(
    kept: Kept, doubted: float, next_one: float, counts: bool
) -> None:
    lines = made((0, 1, kept, doubted, 1), (1, 1, kept, next_one, 0))
    borne_out = [line for line in lines if ",borne_out=1.0 " in line]
    assert [line.replace(",borne_out=1.0", "") for line in borne_out] == lines[:1] * counts


def test_only_the_next_value_of_the_same_sensor_bears_out() -> None:
    assert not any("borne_out" in line for line in made((0, 1, F, 80.0, 1), (1, 2, F, 80.0, 0)))
    twice = made((0, 1, F, 80.0, 1), (1, 1, F, 60.0, 0), (2, 1, F, 80.0, 0))
    assert not any("borne_out" in line for line in twice)


def test_a_pair_of_one_sensor_makes_one_heat_index() -> None:
    pair = [(m, 1, kept, value, 0) for m in (0, 1) for kept, value in ((F, 88.0), (RH, 60.0))]
    told = f"heat_index,building=maple,room=12,sensor=sill value={heat_index_f(88.0, 60.0)!r}"
    assert indexes(*pair)[0] == f"{told} 0"
    assert indexes(*pair)[-1] == f"{told} {MINUTE * 1000}"


@pytest.mark.parametrize(("minutes", "pairs"), [(10, 1), (10.1, 0)])
def test_a_sensor_without_humidity_takes_that_of_its_room(minutes: float, pairs: int) -> None:
    assert len(indexes((0, 2, RH, 60.0, 0), (minutes, 1, F, 88.0, 0))) == pairs
    assert indexes((0, 3, RH, 60.0, 0), (minutes, 1, F, 88.0, 0)) == [], "not another room's"


@pytest.mark.parametrize("mark", [1, 2, 3])
def test_what_does_not_count_makes_none(mark: int) -> None:
    assert indexes((0, 1, F, 88.0, mark), (0, 1, RH, 60.0, 0)) == []
