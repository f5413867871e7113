"""The course of a scenario: every room's air, step by step, before any sensor has looked at it.

Rule: the school has lived two days of the same weather before the story begins, so its rooms start as that
weather leaves them and not as somebody guessed.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from safetyd.simulate.air import Air, moist_air
from safetyd.simulate.scenario import Scenario
from safetyd.simulate.school import step
from safetyd.simulate.timetable import people, setpoint_c
from safetyd.simulate.weather import Weather, weather

STEP = timedelta(seconds=60)
LIVED_BEFORE = timedelta(days=2)
MOVED_IN = moist_air(temp_c=21.0, relative_humidity=45.0)


@dataclass(frozen=True, slots=True)
class Moment:
    at: datetime
    outdoors: Weather
    rooms: Mapping[str, Air]
    mains: bool


def course(scenario: Scenario) -> Iterator[Moment]:
    """Yield the school at every step from the scenario's start to its end, in order of time."""
    school = scenario.school
    timezone = ZoneInfo(school.timezone)
    rooms = {room.id: MOVED_IN for room in school.rooms}
    at = scenario.start - LIVED_BEFORE
    while at < scenario.end:
        outdoors = weather(scenario.climate, school.place, at)
        mains = scenario.mains(at)
        if at >= scenario.start:
            yield Moment(at, outdoors, rooms, mains)
        local = at.astimezone(timezone)
        setpoint = setpoint_c(local) if scenario.boiler(at) else None
        rooms = {
            room.id: step(
                room, rooms[room.id], outdoors, people(room, local), setpoint, mains, STEP.total_seconds()
            )
            for room in school.rooms
        }
        at += STEP
