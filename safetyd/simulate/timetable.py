"""The school's week: who sits where, and what the thermostats ask for.

Rule: a timetable is a table of local times; nobody comes on a Saturday or Sunday.
"""

from datetime import datetime, time

from safetyd.simulate.school import Room, Use

OCCUPIED_C, SETBACK_C = 21.0, 17.0
HEATED_FROM, HEATED_UNTIL = time(5, 0), time(16, 30)

# From this local time on, this share of the seats is taken.
SEATS_TAKEN: dict[Use, tuple[tuple[time, float], ...]] = {
    Use.CLASSROOM: (
        (time(0, 0), 0.0),
        (time(7, 45), 0.04),
        (time(8, 30), 0.9),
        (time(11, 45), 0.1),
        (time(12, 25), 0.9),
        (time(15, 15), 0.04),
        (time(16, 30), 0.0),
    ),
    Use.GYM: (
        (time(0, 0), 0.0),
        (time(8, 30), 0.5),
        (time(11, 45), 0.0),
        (time(12, 25), 0.5),
        (time(15, 15), 0.4),
        (time(17, 30), 0.0),
    ),
    Use.LIBRARY: (
        (time(0, 0), 0.0),
        (time(8, 0), 0.3),
        (time(11, 45), 0.8),
        (time(12, 25), 0.3),
        (time(15, 15), 0.2),
        (time(16, 30), 0.0),
    ),
    Use.OFFICE: ((time(0, 0), 0.0), (time(7, 30), 0.6), (time(16, 30), 0.0)),
}


def people(room: Room, local: datetime) -> int:
    """Return how many are in the room at this local time."""
    if not _is_school_day(local):
        return 0
    share = next(share for since, share in reversed(SEATS_TAKEN[room.use]) if since <= local.time())
    return round(room.seats * share)


def setpoint_c(local: datetime) -> float:
    """Return what every thermostat asks for at this local time."""
    heated = _is_school_day(local) and HEATED_FROM <= local.time() < HEATED_UNTIL
    return OCCUPIED_C if heated else SETBACK_C


def _is_school_day(local: datetime) -> bool:
    return local.weekday() < 5
