"""A school as physics sees it: rooms that store heat and moisture, and lose both to the outside.

Rule: each room is one well-mixed lump, tied to the outdoor air and the earth but not to its neighbours.
Within a step everything that drives the room is held still, so both balances are straight decays towards a
level and are solved exactly: the length of a step changes what drives a room, never the arithmetic.
"""

from dataclasses import dataclass
from enum import StrEnum
from math import exp

from safetyd.simulate.air import Air, saturated_vapour_kg_per_m3
from safetyd.simulate.weather import Place, Weather

AIR_HEAT_J_PER_M3_K = 1200.0
PERSON_W = 75.0  # sensible heat of somebody seated
PERSON_VAPOUR_KG_PER_S = 1.4e-5  # 50 g an hour
LIGHTS_W_PER_M2 = 8.0
FAN_AIR_M3_PER_S_PER_PERSON = 0.005
LEAKS_PER_HOUR = 0.3  # share of the room's air that the building leaks in an hour
OPEN_WINDOW_PER_HOUR = 6.0
WINDOWS_OPEN_FROM_C, WINDOWS_WIDE_AT_C = 23.0, 25.0
GLASS_W_PER_M2_K = 2.8
SUN_THROUGH_GLASS = 0.22  # white blinds down
SUN_THROUGH_ROOF = 0.012
THERMOSTAT_BAND_K = 1.0


class Use(StrEnum):
    CLASSROOM = "classroom"
    GYM = "gym"
    LIBRARY = "library"
    OFFICE = "office"


@dataclass(frozen=True, slots=True)
class Room:
    id: str
    name: str
    use: Use
    seats: int
    floor_area_m2: float
    height_m: float
    heat_capacity_j_per_k: float
    envelope_w_per_k: float
    """Walls and roof, without the windows."""
    window_m2: float
    facing_deg: float
    """Where the windows look, clockwise from north."""
    heater_w: float
    roof_m2: float = 0.0
    """Under the open sky; 0 below another floor."""
    floor_w_per_k: float = 0.0
    """Into the earth; 0 above another floor."""

    @property
    def volume_m3(self) -> float:
        return self.floor_area_m2 * self.height_m


@dataclass(frozen=True, slots=True)
class School:
    id: str
    name: str
    timezone: str
    place: Place
    rooms: tuple[Room, ...]


@dataclass(frozen=True, slots=True)
class Heat:
    """What warms a room and what ties it to its surroundings, during one step."""

    gain_w: float
    air_w_per_k: float
    """To the outdoor air: fabric, glass and exchanged air."""
    floor_w_per_k: float


def step(
    room: Room, air: Air, weather: Weather, people: int, setpoint_c: float | None, mains: bool, dt_s: float
) -> Air:
    """Return the room's air `dt_s` seconds on.

    Args:
        setpoint_c: What the thermostat asks for; None while the boiler is off. Without mains nothing heats.
    """
    fresh_m3_per_s = fresh_air_m3_per_s(room, air, weather, people, mains)
    heat = room_heat(room, air, weather, people, setpoint_c, mains)
    conductance = heat.air_w_per_k + heat.floor_w_per_k
    drive = heat.gain_w + heat.air_w_per_k * weather.air.temp_c + heat.floor_w_per_k * weather.ground_c
    temp_c = _decay(air.temp_c, drive / conductance, dt_s * conductance / room.heat_capacity_j_per_k)

    breath_kg_per_m3 = people * PERSON_VAPOUR_KG_PER_S / fresh_m3_per_s
    vapour = _decay(
        air.vapour_kg_per_m3,
        weather.air.vapour_kg_per_m3 + breath_kg_per_m3,
        dt_s * fresh_m3_per_s / room.volume_m3,
    )
    return Air(temp_c, min(vapour, saturated_vapour_kg_per_m3(temp_c)))  # the rest runs down the windows


def room_heat(
    room: Room, air: Air, weather: Weather, people: int, setpoint_c: float | None, mains: bool
) -> Heat:
    lights_w = LIGHTS_W_PER_M2 * room.floor_area_m2 if people and mains else 0.0
    sun_w = (
        SUN_THROUGH_GLASS * room.window_m2 * weather.on_wall_w_per_m2(room.facing_deg)
        + SUN_THROUGH_ROOF * room.roof_m2 * weather.on_roof_w_per_m2
    )
    fresh_w_per_k = AIR_HEAT_J_PER_M3_K * fresh_air_m3_per_s(room, air, weather, people, mains)
    return Heat(
        gain_w=people * PERSON_W + lights_w + sun_w + heater_w(room, air, setpoint_c, mains),
        air_w_per_k=room.envelope_w_per_k + GLASS_W_PER_M2_K * room.window_m2 + fresh_w_per_k,
        floor_w_per_k=room.floor_w_per_k,
    )


def heater_w(room: Room, air: Air, setpoint_c: float | None, mains: bool) -> float:
    """Return what the radiators give: full below the thermostat's band, nothing above it."""
    if setpoint_c is None or not mains:
        return 0.0
    demand = 0.5 + (setpoint_c - air.temp_c) / THERMOSTAT_BAND_K
    return room.heater_w * min(1.0, max(0.0, demand))


def fresh_air_m3_per_s(room: Room, air: Air, weather: Weather, people: int, mains: bool) -> float:
    """Return the outdoor air a room takes in: leaks, the fan, and the windows people open when it helps."""
    fresh = room.volume_m3 * LEAKS_PER_HOUR / 3600
    if people and mains:
        fresh += people * FAN_AIR_M3_PER_S_PER_PERSON
    if people and weather.air.temp_c < air.temp_c:
        opening = (air.temp_c - WINDOWS_OPEN_FROM_C) / (WINDOWS_WIDE_AT_C - WINDOWS_OPEN_FROM_C)
        fresh += room.volume_m3 * OPEN_WINDOW_PER_HOUR / 3600 * min(1.0, max(0.0, opening))
    return fresh


def _decay(value: float, level: float, time_constants: float) -> float:
    return level + (value - level) * exp(-time_constants)
