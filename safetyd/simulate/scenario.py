"""The days worth watching, as data: when, what weather, and what breaks.

Rule: a scenario says what goes wrong outside the rooms; what the rooms make of it is physics.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from safetyd.simulate.lincoln import LINCOLN
from safetyd.simulate.school import School
from safetyd.simulate.weather import Climate


@dataclass(frozen=True, slots=True)
class Span:
    """From `start` up to but not including `end`."""

    start: datetime
    end: datetime

    def __contains__(self, at: datetime) -> bool:
        return self.start <= at < self.end


@dataclass(frozen=True, slots=True)
class Silence:
    """One room's sensor says nothing for a while."""

    room: str
    span: Span


@dataclass(frozen=True, slots=True)
class Scenario:
    name: str
    story: str
    start: datetime
    duration: timedelta
    climate: Climate
    begin: datetime
    """Shortly before something happens: who only watches need not wait through the hours before it."""
    boiler_off: Span | None = None
    mains_off: Span | None = None
    silences: tuple[Silence, ...] = ()
    gateway_off: Span | None = None
    """While it lasts nothing leaves the school, and a second safetyd elsewhere watches."""
    school: School = LINCOLN

    @property
    def end(self) -> datetime:
        return self.start + self.duration

    def mains(self, at: datetime) -> bool:
        return self.mains_off is None or at not in self.mains_off

    def gateway(self, at: datetime) -> bool:
        return self.gateway_off is None or at not in self.gateway_off

    def boiler(self, at: datetime) -> bool:
        return self.boiler_off is None or at not in self.boiler_off


def _local(year: int, month: int, day: int, hour: int, minute: int = 0) -> datetime:
    at = datetime(year, month, day, hour, minute, tzinfo=ZoneInfo(LINCOLN.timezone))
    return at.astimezone(UTC)


SCENARIOS: dict[str, Scenario] = {
    scenario.name: scenario
    for scenario in (
        Scenario(
            name="school-day",
            story="An ordinary October day: every room stays within limits, and one sensor falls silent"
            " for half an hour.",
            start=_local(2026, 10, 14, 7),
            duration=timedelta(hours=11),
            climate=Climate(low_c=7, high_c=16, dew_point_c=6, clearness=0.5, ground_c=14),
            begin=_local(2026, 10, 14, 10, 15),
            silences=(Silence("112", Span(_local(2026, 10, 14, 10, 30), _local(2026, 10, 14, 11))),),
        ),
        Scenario(
            name="heat-wave",
            story="September brings 97 °F: the rooms under the roof pass a heat index of 85 °F one by one,"
            " while the ground floor holds.",
            start=_local(2026, 9, 2, 9),
            duration=timedelta(hours=30),
            climate=Climate(low_c=17, high_c=36, dew_point_c=14, clearness=0.9, ground_c=17),
            begin=_local(2026, 9, 2, 11, 45),
        ),
        Scenario(
            name="boiler-failure",
            story="The boiler dies before school on a freezing December day,"
            " and room after room falls below 60 °F.",
            start=_local(2026, 12, 8, 6),
            duration=timedelta(hours=28),
            climate=Climate(low_c=-3, high_c=3, dew_point_c=-5, clearness=0.3, ground_c=11),
            begin=_local(2026, 12, 8, 8, 45),
            boiler_off=Span(_local(2026, 12, 8, 6, 30), _local(2026, 12, 10, 6)),
        ),
        Scenario(
            name="power-outage",
            story="A November storm takes the power for 2 h 40 min of the school day: no heat, no fans,"
            " only the UPS to tell, and when that is empty too, only the district to know.",
            start=_local(2026, 11, 18, 9),
            duration=timedelta(hours=10),
            climate=Climate(low_c=0, high_c=4, dew_point_c=0, clearness=0.1, ground_c=12),
            begin=_local(2026, 11, 18, 10),
            mains_off=Span(_local(2026, 11, 18, 10, 5), _local(2026, 11, 18, 12, 45)),
            gateway_off=Span(_local(2026, 11, 18, 10, 55), _local(2026, 11, 18, 12, 50)),
        ),
    )
}
