"""The rooms obey two balances: heat and moisture that come in either stay or go out."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safetyd.simulate.air import Air, moist_air, saturated_vapour_kg_per_m3
from safetyd.simulate.lincoln import LINCOLN
from safetyd.simulate.school import (
    AIR_HEAT_J_PER_M3_K,
    FAN_AIR_M3_PER_S_PER_PERSON,
    PERSON_VAPOUR_KG_PER_S,
    Room,
    fresh_air_m3_per_s,
    heater_w,
    room_heat,
    step,
)
from safetyd.simulate.weather import Climate, Weather, weather

ROOMS = {room.id: room for room in LINCOLN.rooms}
CHEMISTRY = ROOMS["204"]
WINTER = Climate(low_c=-3, high_c=3, dew_point_c=-5, clearness=0.3, ground_c=11)
NOON = weather(WINTER, LINCOLN.place, datetime(2026, 12, 8, 20, tzinfo=UTC))
MIDNIGHT = weather(WINTER, LINCOLN.place, datetime(2026, 12, 9, 8, tzinfo=UTC))
COSY = moist_air(temp_c=21.0, relative_humidity=40.0)


def lived(
    room: Room,
    air: Air,
    outdoors: Weather,
    people: int,
    setpoint_c: float | None,
    hours: float,
    mains: bool = True,
) -> Air:
    for _ in range(round(hours * 60)):
        air = step(room, air, outdoors, people, setpoint_c, mains, dt_s=60.0)
    return air


@given(
    room=st.sampled_from(LINCOLN.rooms),
    temp_c=st.floats(0, 40),
    people=st.integers(0, 30),
    setpoint_c=st.none() | st.floats(15, 23),
)
def test_heat_that_came_in_and_did_not_go_out_is_in_the_room(
    room: Room, temp_c: float, people: int, setpoint_c: float | None
) -> None:
    air, dt_s = moist_air(temp_c, 40.0), 1.0
    after = step(room, air, NOON, people, setpoint_c, mains=True, dt_s=dt_s)
    heat = room_heat(room, air, NOON, people, setpoint_c, mains=True)
    mean_c = (air.temp_c + after.temp_c) / 2
    out_w = heat.air_w_per_k * (mean_c - NOON.air.temp_c) + heat.floor_w_per_k * (mean_c - NOON.ground_c)
    stored_j = room.heat_capacity_j_per_k * (after.temp_c - air.temp_c)
    assert stored_j == pytest.approx((heat.gain_w - out_w) * dt_s, rel=1e-5, abs=0.01)


def test_a_room_left_alone_ends_at_the_temperature_of_what_surrounds_it() -> None:
    outdoors = replace(MIDNIGHT, ground_c=MIDNIGHT.air.temp_c)
    assert lived(CHEMISTRY, COSY, outdoors, people=0, setpoint_c=None, hours=24 * 10).temp_c == pytest.approx(
        MIDNIGHT.air.temp_c, abs=0.01
    )


def test_the_length_of_a_step_changes_nothing_while_nothing_outside_changes() -> None:
    once = step(CHEMISTRY, COSY, MIDNIGHT, people=0, setpoint_c=None, mains=True, dt_s=3600.0)
    often = COSY
    for _ in range(3600):
        often = step(CHEMISTRY, often, MIDNIGHT, people=0, setpoint_c=None, mains=True, dt_s=1.0)
    assert once.temp_c == pytest.approx(often.temp_c, abs=1e-9)
    assert once.vapour_kg_per_m3 == pytest.approx(often.vapour_kg_per_m3, rel=1e-9)


@pytest.mark.parametrize("room", LINCOLN.rooms, ids=lambda room: room.id)
def test_every_radiator_holds_its_room_through_a_freezing_night(room: Room) -> None:
    assert lived(room, COSY, MIDNIGHT, people=0, setpoint_c=21.0, hours=48).temp_c == pytest.approx(
        21.0, abs=1.0
    )


def test_a_radiator_gives_nothing_above_its_band_without_a_boiler_or_without_mains() -> None:
    cold, warm = replace(COSY, temp_c=15.0), replace(COSY, temp_c=22.0)
    assert heater_w(CHEMISTRY, cold, setpoint_c=21.0, mains=True) == CHEMISTRY.heater_w
    assert heater_w(CHEMISTRY, warm, setpoint_c=21.0, mains=True) == 0.0
    assert heater_w(CHEMISTRY, cold, setpoint_c=None, mains=True) == 0.0
    assert heater_w(CHEMISTRY, cold, setpoint_c=21.0, mains=False) == 0.0


def test_people_make_a_room_warmer_and_damper() -> None:
    empty = lived(CHEMISTRY, COSY, MIDNIGHT, people=0, setpoint_c=None, hours=1, mains=False)
    full = lived(CHEMISTRY, COSY, MIDNIGHT, people=27, setpoint_c=None, hours=1, mains=False)
    assert full.temp_c > empty.temp_c
    assert full.vapour_kg_per_m3 > empty.vapour_kg_per_m3


def test_but_in_frost_the_fan_brings_in_more_cold_and_dry_air_than_they_make_up_for() -> None:
    empty = lived(CHEMISTRY, COSY, MIDNIGHT, people=0, setpoint_c=None, hours=1)
    full = lived(CHEMISTRY, COSY, MIDNIGHT, people=27, setpoint_c=None, hours=1)
    assert full.temp_c < empty.temp_c
    assert full.vapour_kg_per_m3 < empty.vapour_kg_per_m3


def test_breath_and_draught_settle_where_they_balance() -> None:
    settled = lived(CHEMISTRY, COSY, MIDNIGHT, people=27, setpoint_c=20.0, hours=12)
    fresh = fresh_air_m3_per_s(CHEMISTRY, settled, MIDNIGHT, people=27, mains=True)
    carried_off = fresh * (settled.vapour_kg_per_m3 - MIDNIGHT.air.vapour_kg_per_m3)
    assert carried_off == pytest.approx(27 * PERSON_VAPOUR_KG_PER_S, rel=1e-3)


def test_without_mains_the_fan_stops_and_the_air_grows_damp() -> None:
    with_fan = fresh_air_m3_per_s(CHEMISTRY, COSY, NOON, people=27, mains=True)
    without = fresh_air_m3_per_s(CHEMISTRY, COSY, NOON, people=27, mains=False)
    assert with_fan - without == pytest.approx(27 * FAN_AIR_M3_PER_S_PER_PERSON)


def test_windows_are_opened_in_a_warm_room_but_not_to_let_the_heat_in() -> None:
    warm = replace(COSY, temp_c=26.0)
    hot_outside = replace(NOON, air=moist_air(35.0, 30.0))
    shut = fresh_air_m3_per_s(CHEMISTRY, COSY, NOON, people=27, mains=True)
    assert fresh_air_m3_per_s(CHEMISTRY, warm, NOON, people=27, mains=True) > shut
    assert fresh_air_m3_per_s(CHEMISTRY, warm, hot_outside, people=27, mains=True) == shut


def test_what_air_cannot_hold_runs_down_the_windows() -> None:
    fog = moist_air(21.0, 100.0)
    after = lived(CHEMISTRY, fog, MIDNIGHT, people=30, setpoint_c=None, hours=6)
    assert after.vapour_kg_per_m3 <= saturated_vapour_kg_per_m3(after.temp_c)
    assert after.relative_humidity <= 100.0


def test_a_room_of_the_second_floor_loses_its_warmth_sooner_than_one_on_the_ground() -> None:
    upper = lived(CHEMISTRY, COSY, MIDNIGHT, people=0, setpoint_c=None, hours=4)
    ground = lived(ROOMS["110"], COSY, MIDNIGHT, people=0, setpoint_c=None, hours=4)
    assert upper.temp_c < ground.temp_c - 1.0


def test_a_fan_for_one_person_carries_the_heat_an_engineer_expects() -> None:
    carried_w_per_k = FAN_AIR_M3_PER_S_PER_PERSON * AIR_HEAT_J_PER_M3_K
    assert carried_w_per_k == pytest.approx(6.0)  # 5 L/s of air
