"""The weather outside the school: temperature, moisture and sun at any moment.

Rule: a climate is one kind of day repeated. Temperature swings between its low at 05:00 and its high at 15:00
of solar time; the dew point stays where it is, so the air is driest when it is hottest. The sun stands where
astronomy puts it over the given place.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from math import asin, atan2, cos, degrees, pi, radians, sin

from safetyd.simulate.air import Air, moist_air, saturation_pressure_pa

COLDEST_SOLAR_HOUR = 5.0
WARMEST_SOLAR_HOUR = 15.0
GROUND_ALBEDO = 0.2


@dataclass(frozen=True, slots=True)
class Place:
    latitude_deg: float
    longitude_deg: float


@dataclass(frozen=True, slots=True)
class Climate:
    """One kind of day."""

    low_c: float
    high_c: float
    dew_point_c: float
    clearness: float
    """0 under thick cloud, 1 under a clear sky."""
    ground_c: float
    """Temperature of the earth under a floor slab."""


@dataclass(frozen=True, slots=True)
class Weather:
    air: Air
    ground_c: float
    beam_w_per_m2: float
    """On a surface that faces the sun."""
    diffuse_w_per_m2: float
    """From the whole sky, on a horizontal surface."""
    sun_elevation_deg: float
    sun_azimuth_deg: float
    """Clockwise from north."""

    @property
    def on_roof_w_per_m2(self) -> float:
        return self.beam_w_per_m2 * max(0.0, sin(radians(self.sun_elevation_deg))) + self.diffuse_w_per_m2

    def on_wall_w_per_m2(self, facing_deg: float) -> float:
        """Return the sunlight on a wall that looks towards `facing_deg`, clockwise from north."""
        incidence = cos(radians(self.sun_elevation_deg)) * cos(radians(self.sun_azimuth_deg - facing_deg))
        sky_and_ground = self.diffuse_w_per_m2 / 2 + GROUND_ALBEDO * self.on_roof_w_per_m2 / 2
        return self.beam_w_per_m2 * max(0.0, incidence) + sky_and_ground


def weather(climate: Climate, place: Place, at: datetime) -> Weather:
    """Return the weather of this climate at a moment (aware)."""
    solar_hour = _solar_hour(place, at)
    air_temp_c = climate.low_c + (climate.high_c - climate.low_c) * _share_of_swing(solar_hour)
    relative_humidity = 100.0 * min(
        1.0, saturation_pressure_pa(climate.dew_point_c) / saturation_pressure_pa(air_temp_c)
    )
    elevation_deg, azimuth_deg = sun(place, at)
    clear_beam = _clear_beam_w_per_m2(elevation_deg)
    clear_on_roof = clear_beam * max(0.0, sin(radians(elevation_deg)))
    return Weather(
        air=moist_air(air_temp_c, relative_humidity),
        ground_c=climate.ground_c,
        beam_w_per_m2=clear_beam * climate.clearness,
        diffuse_w_per_m2=0.1 * clear_beam + 0.3 * (1.0 - climate.clearness) * clear_on_roof,
        sun_elevation_deg=elevation_deg,
        sun_azimuth_deg=azimuth_deg,
    )


def sun(place: Place, at: datetime) -> tuple[float, float]:
    """Return elevation above the horizon and azimuth clockwise from north, in degrees, good to about one."""
    hour_angle = radians(15.0 * (_solar_hour(place, at) - 12.0))
    tilt = radians(23.44) * sin(2 * pi * (284 + _day_of_year(at)) / 365)
    latitude = radians(place.latitude_deg)
    elevation = asin(sin(latitude) * sin(tilt) + cos(latitude) * cos(tilt) * cos(hour_angle))
    west_of_south = atan2(
        sin(hour_angle) * cos(tilt),
        cos(hour_angle) * cos(tilt) * sin(latitude) - sin(tilt) * cos(latitude),
    )
    return degrees(elevation), (180.0 + degrees(west_of_south)) % 360.0


def _day_of_year(at: datetime) -> int:
    return at.astimezone(UTC).timetuple().tm_yday


def _solar_hour(place: Place, at: datetime) -> float:
    """Hours since the sun's midnight: longitude and the equation of time, never a civil time zone."""
    clock = at.astimezone(UTC)
    season = 2 * pi * (_day_of_year(at) - 81) / 364
    equation_of_time_min = 9.87 * sin(2 * season) - 7.53 * cos(season) - 1.5 * sin(season)
    hour = clock.hour + clock.minute / 60 + clock.second / 3600
    return (hour + place.longitude_deg / 15 + equation_of_time_min / 60) % 24


def _share_of_swing(solar_hour: float) -> float:
    """0 at the coldest hour, 1 at the warmest, smooth in between."""
    warming_hours = WARMEST_SOLAR_HOUR - COLDEST_SOLAR_HOUR
    since_coldest = (solar_hour - COLDEST_SOLAR_HOUR) % 24
    if since_coldest <= warming_hours:
        return (1 - cos(pi * since_coldest / warming_hours)) / 2
    return (1 + cos(pi * (since_coldest - warming_hours) / (24 - warming_hours))) / 2


def _clear_beam_w_per_m2(elevation_deg: float) -> float:
    """Meinel's clear-sky beam with Kasten and Young's air mass."""
    if elevation_deg <= 0:
        return 0.0
    air_mass = 1 / (sin(radians(elevation_deg)) + 0.50572 * (elevation_deg + 6.07995) ** -1.6364)
    return float(1353.0 * 0.7 ** (air_mass**0.678))
