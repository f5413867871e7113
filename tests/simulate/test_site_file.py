"""The site file tells the daemon of exactly the school that is simulated."""

import tomllib
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

from safetyd.faults import Fault
from safetyd.simulate.lincoln import LINCOLN
from safetyd.simulate.scenario import SCENARIOS
from safetyd.simulate.site_file import site_toml
from safetyd.site import read_site


def test_it_lists_the_rooms_of_the_school_and_no_others() -> None:
    (building,) = tomllib.loads(site_toml())["buildings"]
    assert (building["id"], building["name"]) == ("lincoln", "Lincoln High School")
    assert [(room["id"], room["name"]) for room in building["rooms"]] == [
        (room.id, room.name) for room in LINCOLN.rooms
    ]


def test_the_daemon_reads_it_without_a_fault(tmp_path: Path) -> None:
    for notify_url in (None, "json://127.0.0.1:9/notices"):
        file, faults = tmp_path / "site.toml", list[Fault]()
        file.write_text(site_toml(notify_url), encoding="utf-8")
        assert read_site([file], {}, faults) is not None
        assert faults == []


def test_it_names_somebody_for_each_role_that_must_hear() -> None:
    people = tomllib.loads(site_toml())["people"]
    assert {role for person in people for role in person["roles"]} == {
        "administrator",
        "facilities",
        "safety_committee",
        "district",
    }


def test_notices_go_where_the_caller_says_and_nowhere_by_default() -> None:
    assert all(person["notify"] == [] for person in tomllib.loads(site_toml())["people"])
    told = tomllib.loads(site_toml('json://127.0.0.1:9/"ä'))["people"]
    assert all(person["notify"] == ['json://127.0.0.1:9/"ä'] for person in told)


def test_the_role_in_an_address_tells_who_it_reaches() -> None:
    told = tomllib.loads(site_toml("json://127.0.0.1:9/{role}"))["people"]
    assert all(person["notify"] == [f"json://127.0.0.1:9/{person['roles'][0]}"] for person in told)


def test_its_work_year_holds_every_scenario_and_no_scenario_falls_on_a_closed_day() -> None:
    site = tomllib.loads(site_toml())
    first, last = site["calendar"]["work_year"]
    closed = [day for day in site["calendar"]["closed"] if isinstance(day, date)]
    for scenario in SCENARIOS.values():
        began = scenario.start.astimezone(ZoneInfo(site["timezone"])).date()
        ended = scenario.end.astimezone(ZoneInfo(site["timezone"])).date()
        assert first <= began <= ended <= last
        assert not {began, ended} & set(closed)
