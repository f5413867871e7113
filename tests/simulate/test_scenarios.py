"""Each scenario keeps the promise of its story, before any sensor has looked."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import pytest

from safetyd.core.heat_index import heat_index_f
from safetyd.core.units import fahrenheit
from safetyd.simulate.air import Air
from safetyd.simulate.course import STEP, Moment, course
from safetyd.simulate.lincoln import LINCOLN
from safetyd.simulate.scenario import SCENARIOS, Scenario
from safetyd.simulate.timetable import people, setpoint_c

UPPER = [room.id for room in LINCOLN.rooms if room.id.startswith("2")]
LOWER = [room.id for room in LINCOLN.rooms if not room.id.startswith("2")]
ALL = UPPER + LOWER
ZONE = ZoneInfo(LINCOLN.timezone)


@cache
def moments(name: str) -> tuple[Moment, ...]:
    return tuple(course(SCENARIOS[name]))


def air_temp_f(air: Air) -> float:
    return fahrenheit(air.temp_c)


def felt_f(air: Air) -> float:
    return heat_index_f(fahrenheit(air.temp_c), air.relative_humidity)


def first(name: str, room: str, holds: Callable[[Air], bool]) -> datetime | None:
    """Return when, on the school's clocks, this first held in a room."""
    at = next((moment.at for moment in moments(name) if holds(moment.rooms[room])), None)
    return at and at.astimezone(ZONE)


@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=SCENARIOS)
def test_every_scenario_begins_on_a_school_day_and_lasts_ten_to_thirty_hours(scenario: Scenario) -> None:
    assert scenario.start.utcoffset() == timedelta(0)
    assert scenario.start.astimezone(ZONE).weekday() < 5
    assert timedelta(hours=10) <= scenario.duration <= timedelta(hours=30)


@pytest.mark.parametrize(
    ("name", "room", "holds"),
    [
        ("heat-wave", "203", lambda air: felt_f(air) > 85),
        ("boiler-failure", "gym", lambda air: air_temp_f(air) < 60),
    ],
)
def test_who_watches_from_begin_on_sees_a_limit_passed_within_ninety_minutes(
    name: str, room: str, holds: Callable[[Air], bool]
) -> None:
    scenario, passed = SCENARIOS[name], first(name, room, holds)
    assert passed is not None
    assert scenario.start < scenario.begin < passed < scenario.begin + timedelta(minutes=90)


def test_who_watches_from_begin_on_sees_the_power_and_the_sensor_go() -> None:
    outage, (silence,) = SCENARIOS["power-outage"].mains_off, SCENARIOS["school-day"].silences
    assert outage is not None
    for name, happens in (("power-outage", outage.start), ("school-day", silence.span.start)):
        begin = SCENARIOS[name].begin
        assert begin < happens <= begin + timedelta(minutes=15)


@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=SCENARIOS)
def test_every_story_is_one_sentence(scenario: Scenario) -> None:
    assert scenario.story.count(". ") == 0
    assert scenario.story.endswith(".")


@pytest.mark.parametrize("name", SCENARIOS)
def test_no_room_changes_as_fast_as_a_faulty_sensor_would(name: str) -> None:
    for before, after in zip(moments(name), moments(name)[1:], strict=False):
        assert after.at - before.at == STEP
        for room in ALL:
            assert abs(air_temp_f(after.rooms[room]) - air_temp_f(before.rooms[room])) < 1.0
            assert 0 < after.rooms[room].relative_humidity <= 100


def test_on_a_school_day_no_room_comes_near_a_limit() -> None:
    for moment in moments("school-day"):
        for room in ALL:
            assert air_temp_f(moment.rooms[room]) > 66
            assert felt_f(moment.rooms[room]) < 78


@pytest.mark.parametrize("room", UPPER)
def test_in_the_heat_wave_a_room_under_the_roof_passes_the_limit_in_the_early_afternoon(room: str) -> None:
    passed = first("heat-wave", room, lambda air: felt_f(air) > 85)
    assert passed is not None
    assert (passed.day, 12 <= passed.hour < 14) == (2, True)


def test_in_the_heat_wave_the_rooms_under_the_roof_stay_credible() -> None:
    assert 92 < max(felt_f(moment.rooms[room]) for moment in moments("heat-wave") for room in UPPER) < 105


@pytest.mark.parametrize("room", LOWER)
def test_in_the_heat_wave_the_ground_floor_holds(room: str) -> None:
    assert max(felt_f(moment.rooms[room]) for moment in moments("heat-wave")) < 84


def test_the_heat_wave_lasts_long_enough_to_miss_a_deadline_of_24_hours() -> None:
    scenario = SCENARIOS["heat-wave"]
    last = max(passed for room in UPPER if (passed := first("heat-wave", room, lambda air: felt_f(air) > 85)))
    assert last + timedelta(hours=24) < scenario.end


def test_when_the_boiler_fails_every_room_is_warm_and_then_falls_below_sixty_in_turn() -> None:
    boiler_off = SCENARIOS["boiler-failure"].boiler_off
    assert boiler_off is not None
    fell = [first("boiler-failure", room, lambda air: air_temp_f(air) < 60) for room in ALL]
    times = sorted(at for at in fell if at)
    assert len(times) == len(set(times)) == len(ALL)
    assert boiler_off.start + timedelta(hours=2) < times[0]
    assert times[-1] < boiler_off.start + timedelta(hours=9)


def test_the_outage_lasts_two_hours_forty_in_the_middle_of_the_school_day() -> None:
    outage = SCENARIOS["power-outage"].mains_off
    assert outage is not None
    assert outage.end - outage.start == timedelta(hours=2, minutes=40)
    assert outage.start.astimezone(ZONE).hour >= 9
    assert outage.end.astimezone(ZONE).hour < 15


def test_the_gateway_goes_dark_during_the_outage_and_is_back_after_more_than_two_hours_of_it() -> None:
    outage, dark = SCENARIOS["power-outage"].mains_off, SCENARIOS["power-outage"].gateway_off
    assert outage is not None and dark is not None
    assert outage.start + timedelta(minutes=45) < dark.start < outage.start + timedelta(hours=1)
    assert outage.end < dark.end < outage.end + timedelta(minutes=15)
    assert dark.end - dark.start > timedelta(
        hours=1
    )  # at the demo's greatest speed a silence shows after that


@pytest.mark.parametrize("room", ["gym", "library", "office"])
def test_in_the_outage_rooms_with_few_people_cool_and_recover(room: str) -> None:
    outage = SCENARIOS["power-outage"].mains_off
    assert outage is not None
    temps = {moment.at: air_temp_f(moment.rooms[room]) for moment in moments("power-outage")}
    assert temps[outage.end] < temps[outage.start] - 1.5
    assert temps[outage.end + timedelta(hours=2)] > temps[outage.end] + 1.5


def test_in_the_outage_full_classrooms_grow_damp_because_the_fans_stand_still() -> None:
    outage = SCENARIOS["power-outage"].mains_off
    assert outage is not None
    damp = {moment.at: moment.rooms["204"].relative_humidity for moment in moments("power-outage")}
    assert damp[outage.start + timedelta(minutes=90)] > damp[outage.start] + 15


def test_the_outage_alone_is_the_story_and_no_room_falls_below_sixty() -> None:
    assert all(first("power-outage", room, lambda air: air_temp_f(air) < 60) is None for room in ALL)


def test_lessons_fill_a_classroom_and_the_weekend_empties_it() -> None:
    chemistry = LINCOLN.rooms[0]
    wednesday = datetime(2026, 10, 14, 10, tzinfo=ZONE)
    assert people(chemistry, wednesday) == 27
    assert people(chemistry, wednesday.replace(hour=12)) == 3
    assert people(chemistry, wednesday.replace(hour=3)) == 0
    assert people(chemistry, wednesday + timedelta(days=3)) == 0


def test_thermostats_are_set_back_at_night_and_at_the_weekend() -> None:
    wednesday = datetime(2026, 10, 14, 10, tzinfo=ZONE)
    assert setpoint_c(wednesday) == 21.0
    assert setpoint_c(wednesday.replace(hour=2)) == 17.0
    assert setpoint_c(wednesday + timedelta(days=3)) == 17.0
