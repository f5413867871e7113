"""The site file of the simulated school, written from the same data that moves it.

Rule: every name of a person is invented, and whoever runs the demo decides where its notices go.
"""

import json
from datetime import timedelta

from safetyd.simulate.lincoln import LINCOLN
from safetyd.simulate.school import School

PEOPLE = (
    ("Marisol Okafor", "principal", "administrator", LINCOLN.id),
    ("Dale Brennan", "head custodian", "facilities", LINCOLN.id),
    ("Priya Lindqvist", "building safety committee", "safety_committee", LINCOLN.id),
    ("Tom Achterberg", "district facilities office", "district", "*"),
)

CALENDAR = """\
[calendar]
work_year = [2026-08-25, 2027-06-11]
work_hours = "07:45-16:30"
student_hours = "08:30-15:15"
closed = [2026-09-07, 2026-11-11, "2026-11-26..2026-11-27", "2026-12-21..2027-01-01", 2027-01-18]
"""


def site_toml(notify_url: str | None = None, school: School = LINCOLN) -> str:
    """Return the text of a site file for the school.

    Args:
        notify_url: Where everybody's notices go, as an apprise URL; without it they stay on the screen.
            `{role}` in it stands for the role of each.
    """
    parts = [
        f'name = "Cedar River School District (simulated)"\ntimezone = {_text(school.timezone)}\n',
        CALENDAR,
        f"[[buildings]]\nid = {_text(school.id)}\nname = {_text(school.name)}\n",
        *(
            f"  [[buildings.rooms]]\n  id = {_text(room.id)}\n  name = {_text(room.name)}\n"
            for room in school.rooms
        ),
        *(_person(name, duty, role, building, notify_url) for name, duty, role, building in PEOPLE),
    ]
    return "\n".join(parts)


def watch_toml(gateway: str, silent_after: timedelta, school: School = LINCOLN) -> str:
    """Return the text of a site file by which the district watches the school from afar."""
    name, duty, role, _ = PEOPLE[-1]
    parts = [
        f'name = "Cedar River School District (simulated)"\ntimezone = {_text(school.timezone)}\n',
        f"[[buildings]]\nid = {_text(school.id)}\nname = {_text(school.name)}\n"
        f'gateway = {_text(gateway)}\nsilent_after = "{silent_after.total_seconds():.0f}s"\n',
        _person(name, duty, role, "*", None),
    ]
    return "\n".join(parts)


def _person(name: str, duty: str, role: str, building: str, notify_url: str | None) -> str:
    notify = f"[{_text(notify_url.replace('{role}', role))}]" if notify_url else "[]"
    return (
        f"[[people]]\nname = {_text(f'{name}, {duty}')}\nroles = [{_text(role)}]\n"
        f"buildings = [{_text(building)}]\nnotify = {notify}\n"
    )


def _text(value: str) -> str:
    """A JSON string without escapes for other scripts is a TOML string."""
    return json.dumps(value, ensure_ascii=False)
