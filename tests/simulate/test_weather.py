"""The weather follows the sun, and the sun follows astronomy."""

from datetime import UTC, datetime, timedelta

import pytest

from safetyd.simulate.air import moist_air, saturated_vapour_kg_per_m3
from safetyd.simulate.lincoln import LINCOLN, NORTH, SOUTH, SOUTH_WEST
from safetyd.simulate.weather import Climate, Place, sun, weather

HOT = Climate(low_c=17, high_c=36, dew_point_c=14, clearness=0.9, ground_c=17)
DAY = [
    datetime(2026, 9, 2, 7, tzinfo=UTC) + timedelta(minutes=10 * n) for n in range(144)
]  # midnight in summer


def test_the_day_runs_from_the_low_to_the_high_of_its_climate() -> None:
    temps = [weather(HOT, LINCOLN.place, at).air.temp_c for at in DAY]
    assert min(temps) == pytest.approx(17, abs=0.1)
    assert max(temps) == pytest.approx(36, abs=0.1)


def test_it_is_coldest_before_dawn_and_hottest_in_the_late_afternoon() -> None:
    by_temp = sorted(DAY, key=lambda at: weather(HOT, LINCOLN.place, at).air.temp_c)
    assert by_temp[0].hour == 13  # 06:10 on the wall, 05:00 by the sun
    assert by_temp[-1].hour == 23  # 16:10 on the wall


def test_the_same_air_is_driest_when_it_is_hottest() -> None:
    day = [weather(HOT, LINCOLN.place, at).air for at in DAY]
    assert max(day, key=lambda air: air.temp_c).relative_humidity == pytest.approx(27, abs=2)
    assert min(day, key=lambda air: air.temp_c).relative_humidity == pytest.approx(83, abs=2)


def test_the_noon_sun_stands_in_the_south_at_the_height_of_the_almanac() -> None:
    # Portland, solstices: 90° - 45.5° ± 23.44°, due south at 13:10 daylight time, 12:09 standard time.
    for noon, height_deg in (
        (datetime(2026, 6, 21, 20, 12, tzinfo=UTC), 67.9),
        (datetime(2026, 12, 21, 20, 9, tzinfo=UTC), 21.1),
    ):
        elevation_deg, azimuth_deg = sun(LINCOLN.place, noon)
        assert elevation_deg == pytest.approx(height_deg, abs=0.5)
        assert azimuth_deg == pytest.approx(180, abs=3)


def test_the_sun_rises_in_the_east_and_sets_in_the_west() -> None:
    _, morning = sun(LINCOLN.place, datetime(2026, 9, 22, 15, tzinfo=UTC))
    _, evening = sun(LINCOLN.place, datetime(2026, 9, 23, 1, tzinfo=UTC))
    assert 90 < morning < 120
    assert 240 < evening < 270


def test_at_night_there_is_no_sunlight_at_all() -> None:
    night = weather(HOT, LINCOLN.place, DAY[0])
    assert (night.on_roof_w_per_m2, night.on_wall_w_per_m2(SOUTH)) == (0.0, 0.0)


def test_in_the_afternoon_the_south_west_wall_takes_what_the_north_wall_is_spared() -> None:
    afternoon = weather(HOT, LINCOLN.place, datetime(2026, 9, 2, 22, 30, tzinfo=UTC))
    assert afternoon.on_wall_w_per_m2(SOUTH_WEST) > 600
    assert afternoon.on_wall_w_per_m2(NORTH) < 150


def test_sunlight_never_exceeds_what_reaches_the_earth() -> None:
    assert all(weather(HOT, Place(0, 0), at).on_roof_w_per_m2 < 1361 for at in DAY)


def test_saturated_air_holds_what_the_tables_say() -> None:
    # g per m³ at 0, 20 and 30 °C
    for temp_c, grams in ((0, 4.85), (20, 17.3), (30, 30.4)):
        assert saturated_vapour_kg_per_m3(temp_c) * 1000 == pytest.approx(grams, rel=0.01)


def test_moist_air_has_the_humidity_it_was_made_with() -> None:
    assert moist_air(21.0, 45.0).relative_humidity == pytest.approx(45.0)
