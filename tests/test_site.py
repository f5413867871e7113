"""The promise: a site file means what it says, or every mistake in it is told at its key, all at once."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import pytest

from safetyd.clock import demo_clock, now
from safetyd.core.calendar import Calendar, Day, Hours
from safetyd.core.model import Role
from safetyd.core.rules import Rules
from safetyd.core.sparing import Quiet
from safetyd.faults import ConfigurationError, Fault
from safetyd.profile import shipped_profiles
from safetyd.site import Building, Room, SensorBinding, Site, read_site, with_rules

SECRET = "correct-horse-battery"
HEAD = 'name = "A District"\ntimezone = "America/Los_Angeles"\n'
LINCOLN = (
    '[[buildings]]\nid = "lincoln"\nrooms = [{ id = "204", name = "Room 204, chemistry" }, { id = "gym" }]\n'
)

YEAR = "work_year = [2026-08-25, 2027-06-11]\nclosed = [2026-11-11]\n"
DATES = """
holidays = [2026-11-11]
[[calendar.dates]]
on = 2026-11-25
student_hours = "08:30-12:00"
note = "early release"
[[calendar.dates]]
on = 2026-12-05
open = true
[[calendar.dates]]
on = "2026-12-07..2026-12-08"
students = false
[[calendar.dates]]
on = 2026-11-12
closed = true
note = "snow"
[[calendar.dates]]
on = 2026-10-12
holiday = true
"""

Read = Callable[..., Site]
Faults = Callable[..., list[str]]


@pytest.fixture
def read_all(tmp_path: Path) -> Callable[..., tuple[Site | None, list[Fault]]]:
    """Write the texts as site.toml, site2.toml, … and read them together."""

    def write_and_read(*texts: str, **environ: str) -> tuple[Site | None, list[Fault]]:
        files = [tmp_path / f"site{number if number > 1 else ''}.toml" for number in range(1, len(texts) + 1)]
        for file, text in zip(files, texts, strict=True):
            file.write_text(text, encoding="utf-8")
        found: list[Fault] = []
        return read_site(files, environ, found), found

    return write_and_read


@pytest.fixture
def read(read_all) -> Read:
    """Read what has no fault; the first text follows a head with name and time zone."""

    def faultless(first: str = "", *more: str, **environ: str) -> Site:
        site, found = read_all(HEAD + first, *more, **environ)
        assert not found, "\n".join(map(str, found))
        return site

    return faultless


@pytest.fixture
def faults(read_all, tmp_path: Path) -> Faults:
    """Read what is faulty, and return its faults without the folder."""

    def told(first: str = "", *more: str, **environ: str) -> list[str]:
        _, found = read_all(HEAD + first, *more, **environ)
        assert found
        return [str(fault).replace(f"{tmp_path}/", "") for fault in found]

    return told


def sensor(keys: str) -> str:
    return (
        f'{LINCOLN}[[buildings.sensors]]\nid = "s"\ntopic = "zigbee2mqtt/s"\nformat = "zigbee2mqtt"\n{keys}\n'
    )


class TestBuildings:
    def test_a_building_knows_its_rooms_and_devices(self, read):
        text = sensor('room = "204"\npower = true\ninterval = "5m"')
        profile = shipped_profiles()["zigbee2mqtt"]
        binding = SensorBinding(
            "s", "zigbee2mqtt/s", "zigbee2mqtt", "204", True, timedelta(minutes=5), profile
        )
        rooms = (Room("204", "Room 204, chemistry"), Room("gym", "gym"))
        site = read(text)
        assert site.buildings == (Building("lincoln", "lincoln", rooms, (binding,)),)
        assert site.building("lincoln").room("204") == rooms[0]
        assert site.building("lincoln").room("205") is None
        assert site.building("roosevelt") is None

    def test_a_site_without_a_name_is_called_after_its_only_building(self, read_all):
        site, found = read_all('timezone = "UTC"\n[[buildings]]\nid = "b"\nname = "The B"')
        assert (site.name, found) == ("The B", [])

    @pytest.mark.parametrize(
        ("text", "told"),
        [
            (
                '[[buildings]]\nid = "Lincoln"',
                "buildings[0].id: 'Lincoln' is not an id; expected a-z, 0-9 and -",
            ),
            ('[[buildings]]\nid = ""', "buildings[0].id: '' is not an id"),
            ('[[buildings]]\nid = "a/b"', "buildings[0].id: 'a/b' is not an id"),
            ('[[buildings]]\nname = "x"', "buildings[0].id: nothing stands here; expected an id"),
            ("buildings = 3", "buildings: 3 is not a list; expected an array of tables: [[buildings]]"),
            ("buildings = [3]", "buildings[0]: 3 is not a table; expected an array of tables: [[buildings]]"),
            ("[[buildings]]\nid = 7", 'buildings[0].id: 7 is a number; expected an id in quotes: "7"'),
            (
                '[[buildings]]\nid = "b"\nname = "a\\nb"',
                "buildings[0].name: 'a\\nb' will not do; expected one line",
            ),
            ('[[buildings]]\nid = "b"\nrom = []', "buildings[0].rom: nobody knows this key; expected"),
            (LINCOLN + LINCOLN, "buildings[1].id: 'lincoln' is taken; expected"),
            (
                LINCOLN + '[[buildings.sensors]]\nid = "s"\ntopic = "t"\nformat = "zigbe2mqtt"\nroom = "204"',
                "buildings[0].sensors[0].format: no format is called 'zigbe2mqtt'; expected airgradient, ",
            ),
            (sensor(""), "buildings[0].sensors[0].room: it has neither room nor power; expected"),
            (sensor('room = "205"'), "buildings[0].sensors[0].room: no room here has the id '205'"),
            (sensor('room = "204"\nunit = "K"'), "buildings[0].sensors[0].unit: no unit is called 'K'"),
            (sensor('power = "yes"'), "buildings[0].sensors[0].power: 'yes' is neither true nor false"),
            (sensor('power = true\ninterval = "0s"'), "buildings[0].sensors[0].interval: '0s' is no time"),
        ],
    )
    def test_each_mistake_is_told_at_its_key(self, faults, text, told):
        (line,) = faults(text)
        assert line.startswith(f"site.toml: {told}")

    def test_a_room_a_sensor_or_a_topic_stands_once(self, faults):
        more = (
            '[[buildings.sensors]]\nid = "s"\ntopic = "zigbee2mqtt/s"\nformat = "zigbee2mqtt"\npower = true\n'
        )
        twice = '[[buildings]]\nid = "b"\nrooms = [{ id = "1" }, { id = "1" }]\n'
        lines = faults(sensor("power = true") + more + more.replace('id = "s"', 'id = "z"') + twice)
        assert [line.split(": ")[1] + " " + line.split(": ")[2].split("; ")[0] for line in lines] == [
            "buildings[0].sensors[1].id 's' is taken",
            "buildings[0].sensors[2].topic this is the topic of lincoln/s already",
            "buildings[1].rooms[1].id '1' is taken",
        ]

    def test_a_room_nobody_knows_brings_the_nearest_to_mind(self, faults):
        (line,) = faults(sensor('room = "gim"'))
        assert line.endswith("; did you mean 'gym'?")


class TestPeople:
    def test_a_person_holds_roles_in_buildings(self, read):
        text = (
            f'{LINCOLN}[[buildings]]\nid = "adams"\n'
            '[[people]]\nname = "Ann"\nroles = ["facilities", "district"]\nbuildings = ["adams"]\n'
            '[[people]]\nname = "Bo"\nroles = ["facilities"]\nbuildings = ["*"]\n'
            '[[people]]\nname = "Cy"\nroles = ["association"]\n'
        )
        site = read(text)
        told = {
            where: [person.name for person in site.people_for(where, {Role.FACILITIES, Role.ASSOCIATION})]
            for where in ("lincoln", "adams")
        }
        assert told == {"lincoln": ["Bo", "Cy"], "adams": ["Ann", "Bo", "Cy"]}
        assert [person.name for person in site.people_for("lincoln", [Role.DISTRICT])] == []

    def test_a_person_is_told_in_a_language_of_their_own_or_in_the_site_s(self, read):
        people = '[[people]]\nname = "Ann"\nroles = ["district"]\n'
        assert (read(people).language, read(people).people[0].language) == ("en", "en")
        assert read(people + 'language = "es"').people[0].language == "es"
        site = read(
            f'language = "es"\n{people}[[people]]\nname = "Bo"\nroles = ["district"]\nlanguage = "en"'
        )
        assert (site.language, [each.language for each in site.people]) == ("es", ["es", "en"])

    def test_a_language_without_a_catalogue_is_a_fault_that_names_those_there_are(self, faults):
        person = '[[people]]\nname = "Ann"\nroles = ["district"]\nlanguage = "spanish"'
        first, second = faults(f'language = "ES"\n{person}')
        assert (
            first == "site.toml: language: no language is called 'ES'; expected en or es; did you mean 'es'?"
        )
        assert second == "site.toml: people[0].language: no language is called 'spanish'; expected en or es"

    def test_an_address_stands_in_the_file_in_another_or_in_the_environment(self, read, tmp_path):
        (tmp_path / "secret").write_text("slack://a/b\n", encoding="utf-8")
        text = 'notify = ["mailto://a@b.org", { file = "secret" }, { env = "ANNS" }]'
        site = read(f'[[people]]\nname = "Ann"\nroles = ["district"]\n{text}', ANNS="ntfy://topic")
        assert site.people[0].notify == ("mailto://a@b.org", "slack://a/b", "ntfy://topic")

    def test_a_person_may_be_spared(self, read):
        keys = 'roles = ["district"]\nquiet = "21:30-06:00"\nmessages_per_hour = 4'
        bo = '[[people]]\nname = "Bo"\nroles = ["district"]\n[[people]]\nname = "Cy"\nroles = ["facilities"]'
        ann, bo, cy = read(f'[[people]]\nname = "Ann"\n{keys}\n{bo}').people
        assert (ann.quiet, ann.budget) == (Quiet(time(21, 30), time(6)), 4)
        assert (bo.quiet, bo.budget, cy.budget) == (None, 9, 60)

    def test_an_address_is_in_no_repr(self, read):
        site = read(f'[[people]]\nname = "Ann"\nroles = ["district"]\nnotify = ["mailto://u:{SECRET}@b.org"]')
        assert SECRET in site.people[0].notify[0]
        assert SECRET not in repr(site) + str(site.people)

    @pytest.mark.parametrize(
        ("keys", "told"),
        [
            ('roles = ["facility"]', "people[0].roles[0]: no role is called 'facility'; expected"),
            ("roles = []", "people[0].roles: nobody is anything here; expected a list with"),
            ("", "people[0].roles: nobody is anything here"),
            ('roles = "district"', "people[0].roles: 'district' is not a list; expected a list of roles"),
            (
                'roles = ["district"]\nbuildings = ["lincon"]',
                "people[0].buildings[0]: no building has the id",
            ),
            ('roles = ["district"]\nquiet = "21:00"', "people[0].quiet: '21:00' are not hours; expected"),
            (
                'roles = ["district"]\nquiet = "6:00-6:00"',
                "people[0].quiet: '6:00-6:00' ends where it begins; expected",
            ),
            (
                'roles = ["district"]\nmessages_per_hour = 0',
                "people[0].messages_per_hour: 0 is out of range; expected",
            ),
            ('roles = ["district"]\nbuildings = []', "people[0].buildings: the list is empty; expected"),
            (
                'roles = ["district"]\nnotify = [{ env = "NONE" }]',
                "people[0].notify[0]: the environment has no",
            ),
            (
                'roles = ["district"]\nnotify = [{ env = "EMPTY" }]',
                "people[0].notify[0]: the environment has",
            ),
            ('roles = ["district"]\nnotify = [{ file = "no" }]', "people[0].notify[0]: 'no' cannot be read"),
            (
                'roles = ["district"]\nnotify = [{ file = "\\u0000" }]',
                "people[0].notify[0]: '\\x00' will not do",
            ),
            (
                'roles = ["district"]\nnotify = [{ url = "no" }]',
                "people[0].notify[0]: this table is no address",
            ),
            ('roles = ["district"]\nnotify = [3]', "people[0].notify[0]: what stands here is not an address"),
            ('roles = ["district"]\nmail = "a@b"', "people[0].mail: nobody knows this key; expected"),
        ],
    )
    def test_each_mistake_is_told_at_its_key(self, faults, keys, told):
        (line,) = faults(f'{LINCOLN}[[people]]\nname = "Ann"\n{keys}', EMPTY="")
        assert line.startswith(f"site.toml: {told}")

    def test_a_building_or_role_nobody_knows_brings_the_nearest_to_mind(self, faults):
        text = f'{LINCOLN}[[people]]\nname = "A"\nroles = ["facility"]\nbuildings = ["lincon"]'
        role, building = faults(text)
        assert role.endswith("; did you mean 'facilities'?")
        assert building.endswith("; did you mean 'lincoln'?")

    @pytest.mark.parametrize(
        "entry", ['"{}"', '{{ env = "HELD" }}', '{{ file = "held" }}', '{{ file = "a://{}" }}']
    )
    def test_an_address_without_a_scheme_is_a_fault_that_does_not_repeat_it(self, faults, tmp_path, entry):
        (tmp_path / "held").write_text(f"no-url-{SECRET}", encoding="utf-8")
        text = f'[[people]]\nname = "A"\nroles = ["district"]\nnotify = [{entry.format(SECRET)}]'
        (line,) = faults(text, HELD=f"no-url-{SECRET}")
        assert "people[0].notify[0]: " in line
        assert SECRET not in line

    def test_two_people_do_not_share_a_name(self, faults):
        (line,) = faults('[[people]]\nname = "A"\nroles = ["district"]\n' * 2)
        assert "people[1].name: 'A' is taken" in line


class TestRules:
    def test_what_is_left_out_is_the_contract(self, read):
        assert read().rulebook.versions == (Rules(),)
        assert read("[[rules]]").rulebook.fingerprint == read().rulebook.fingerprint

    def test_the_standard_file_written_out_is_the_default(self, read):
        text = """
            [[rules]]
            cold = { below_f = 60, end_f = 61, end_after = "30m", confirm = 1 }
            deadlines = { mitigation = "24h", immediate = "14d" }
            remind = { at = [0.5, 0.75], overdue_every = "24h" }
            outside_work_hours = "ticket"
            [rules.heat]
            above_f = 85
            watch_f = 80
            end_f = 84
            end_after = "30m"
            confirm = 1
            pair_within = "10m"
            [rules.outage]
            longer_than = "2h"
            warn_at = ["60m", "90m", "110m"]
            restored_after = "15m"
            quorum = "majority"
            nominal_v = 120
            [rules.quality]
            stale_after = "15m"
            stuck_after = "6h"
            max_step_f_per_min = 5
            range_c = [-10, 60]
            disagree_f = 3
            battery_below = 10
        """
        assert read(text).rulebook.fingerprint == read().rulebook.fingerprint

    def test_versions_stand_in_order_of_effect_whatever_their_order_in_the_file(self, read):
        text = (
            "[[rules]]\neffective = 2026-07-01\ncold = { below_f = 62 }\n"
            '[[rules]]\n[[rules]]\neffective = "2025-07-01"\noutage = { quorum = 2 }\n'
        )
        versions = read(text).rulebook.versions
        assert [version.effective for version in versions] == [None, date(2025, 7, 1), date(2026, 7, 1)]
        assert (versions[1].outage.quorum, versions[2].cold.below_f) == (2, 62.0)

    def test_a_default_moves_along_with_a_limit_that_passes_it(self, read):
        cold, heat, outage = (
            "{ below_f = 65 }",
            "{ above_f = 78 }",
            '{ longer_than = "1h" }',
        )
        rules = read(f"[[rules]]\ncold = {cold}\nheat = {heat}\noutage = {outage}").rulebook.versions[0]
        assert rules.cold.end_f == 66.0
        assert (rules.heat.end_f, rules.heat.watch_f) == (77.0, 73.0)
        assert rules.outage.warn_at == ()

    def test_a_default_that_still_fits_stays(self, read):
        rules = read("[[rules]]\ncold = { below_f = 61 }\nheat = { above_f = 84 }").rulebook.versions[0]
        assert (rules.cold.end_f, rules.heat.end_f, rules.heat.watch_f) == (61.0, 84.0, 80.0)

    @pytest.mark.parametrize(
        ("text", "told"),
        [
            ('cold = { below_f = "60" }', "cold.below_f: '60' is not a number; expected"),
            ("cold = { below_f = nan }", "cold.below_f: nan is out of all range; expected a finite number"),
            ("cold = { below_f = inf }", "cold.below_f: inf is out of all range"),
            ("cold = { below_f = true }", "cold.below_f: true is not a number"),
            ("cold = { end_f = 59.9 }", "cold.end_f: 59.9 is still cold; expected below_f (60) or above it"),
            (
                "cold = { confirm = 0 }",
                "cold.confirm: 0 is out of range; expected a whole number, at least 1",
            ),
            ("cold = { confirm = 1.0 }", "cold.confirm: 1.0 is not a whole number"),
            (
                'cold = { end_after = "30 m" }',
                "cold.end_after: '30 m' is not a duration; expected one such as",
            ),
            ("cold = { end_after = 30 }", "cold.end_after: 30 is not a duration"),
            ('cold = { end_after = "1.5h" }', "cold.end_after: '1.5h' is not a duration"),
            ('cold = { end_after = "99999d" }', "cold.end_after: '99999d' is too long; expected at most"),
            ("cold = 3", "cold: 3 is not a table; expected a table: [rules[0].cold]"),
            ("heat = { end_f = 85.1 }", "heat.end_f: 85.1 is still hot; expected above_f (85) or below it"),
            ("heat = { watch_f = 86 }", "heat.watch_f: 86 is past the limit; expected above_f (85)"),
            ("heat = { abov_f = 1 }", "heat.abov_f: nobody knows this key; expected"),
            (
                'outage = { warn_at = ["2h"] }',
                "outage.warn_at: the last warning comes after 2:00:00; expected",
            ),
            ('outage = { warn_at = ["9m", "9m"] }', "outage.warn_at: '9m' is not above the one before it"),
            ('outage = { quorum = "most" }', "outage.quorum: no quorum is called 'most'"),
            ("outage = { quorum = 0 }", "outage.quorum: 0 is out of range"),
            ("outage = { quorum = true }", "outage.quorum: true is no quorum"),
            ("outage = { nominal_v = 0 }", "outage.nominal_v: 0 is out of range; expected a number above 0"),
            ('deadlines = { immediate = "0s" }', "deadlines.immediate: '0s' is no time at all"),
            ("remind = { at = [0.75, 0.5] }", "remind.at: 0.5 is not above the one before it"),
            ("remind = { at = [1] }", "remind.at: 1 is no share of the time; expected"),
            ("remind = { at = 0.5 }", "remind.at: 0.5 is not a list"),
            ('remind = { overdue_every = "0s" }', "remind.overdue_every: '0s' is no time at all"),
            ("quality = { range_c = [60, -10] }", "quality.range_c: 60 comes after -10; expected the lower"),
            ("quality = { range_c = [1] }", "quality.range_c: a list is not a pair"),
            ("quality = { range_c = [1, 1] }", "quality.range_c: nothing lies between 1 and 1"),
            ("quality = { battery_below = 101 }", "quality.battery_below: 101 is out of range"),
            (
                'outside_work_hours = "wait"',
                "outside_work_hours: no rule is called 'wait'; expected hold or ticket",
            ),
            ('effective = "soon"', "effective: 'soon' is not a date; expected one such as 2026-08-25"),
            ("effective = 2026-07-01T00:00:00Z", "effective: 2026-07-01T00:00:00+00:00 is not a date"),
            ("effective = 0001-01-01", "effective: 0001-01-01 is too far off"),
        ],
    )
    def test_each_mistake_is_told_at_its_key(self, faults, text, told):
        (line,) = faults(f"[[rules]]\n{text}")
        assert line.startswith(f"site.toml: rules[0].{told}")

    @pytest.mark.parametrize(
        ("effective", "told"),
        [("", "a second version has no date"), ("effective = 2026-07-01\n", "2026-07-01 is taken")],
    )
    def test_two_versions_do_not_begin_together(self, faults, effective, told):
        (line,) = faults(f"[[rules]]\n{effective}" * 2)
        assert line.startswith(f"site.toml: rules[1].effective: {told}; expected a date of its own")

    def test_zero_seconds_is_a_duration_where_nothing_need_pass(self, read):
        assert read('[[rules]]\ncold = { end_after = "0s" }').rulebook.versions[
            0
        ].cold.end_after == timedelta(0)


class TestWhatIf:
    def test_a_setting_changes_every_version_and_nothing_else(self, read):
        site = read("[[rules]]\n[[rules]]\neffective = 2026-07-01\ncold = { below_f = 62 }")
        changed = with_rules(site, ["rules.heat.above_f=86", "rules.deadlines.mitigation=12h"])
        assert [version.heat.above_f for version in changed.rulebook.versions] == [86.0, 86.0]
        assert [version.cold for version in changed.rulebook.versions] == [
            version.cold for version in site.rulebook.versions
        ]
        assert changed.rulebook.versions[1].effective == date(2026, 7, 1)
        assert changed.rulebook.versions[0].deadlines.mitigation == timedelta(hours=12)
        assert changed.rulebook.fingerprint != site.rulebook.fingerprint
        assert replace(changed, rulebook=site.rulebook) == site

    def test_nothing_set_changes_nothing(self, read):
        assert with_rules(read(), []) == read()

    def test_a_lower_limit_takes_its_deadband_along(self, read):
        heat = with_rules(read(), ["rules.heat.above_f=80"]).rulebook.versions[0].heat
        assert (heat.above_f, heat.watch_f, heat.end_f) == (80.0, 80.0, 79.0)

    @pytest.mark.parametrize(
        ("setting", "look", "value"),
        [
            ("rules.outside_work_hours=hold", lambda rules: rules.outside_work_hours, "hold"),
            ("rules.outage.quorum=2", lambda rules: rules.outage.quorum, 2),
            ("rules.outage.quorum=any", lambda rules: rules.outage.quorum, "any"),
            ("rules.outage.quorum='any'", lambda rules: rules.outage.quorum, "any"),
            ("rules.outage.warn_at=[30m, 1h]", lambda rules: len(rules.outage.warn_at), 2),
            ("rules.remind.at=[0.9]", lambda rules: rules.remind.at, (0.9,)),
            ("rules.remind.at=[]", lambda rules: rules.remind.at, ()),
            (" rules.quality.range_c = [0, 50]", lambda rules: rules.quality.range_c, (0.0, 50.0)),
        ],
    )
    def test_a_value_needs_no_quotes(self, read, setting, look, value):
        assert look(with_rules(read(), [setting]).rulebook.versions[0]) == value

    @pytest.mark.parametrize(
        ("setting", "told"),
        [
            ("rules.heat.above_f", "rules.heat.above_f: it has no =; expected KEY=VALUE, such as"),
            ("", "'': it has no =; expected KEY=VALUE"),
            (
                "heat.above_f=80",
                "heat.above_f: nobody knows this key; expected a key that begins with rules.",
            ),
            ("rules=1", "rules: nobody knows this key; expected a key that begins with rules."),
            ("rules.het.above_f=80", "rules.het: nobody knows this key; expected"),
            ("rules.effective=2026-01-01", "rules.effective: nobody knows this key; expected"),
            ("rules.heat.above_f=hot", "rules.heat.above_f: 'hot' is not a number"),
            ("rules.heat.above_f=", "rules.heat.above_f: '' is not a number"),
            ("rules.heat.above_f.x=1", "rules.heat.above_f: a table is not a number"),
            ("rules.heat=80", "rules.heat: 80 is not a table; expected a table: [rules.heat]"),
            ("rules.heat.end_f=90", "rules.heat.end_f: 90 is still hot; expected above_f (85) or below it"),
            ("rules.cold.below_f=1\nx = 2", "rules.cold.below_f: '1\\nx = 2' is not a number"),
        ],
    )
    def test_each_mistake_is_told_once_however_many_versions_there_are(self, read, setting, told):
        site = read("[[rules]]\n[[rules]]\neffective = 2026-07-01")
        with pytest.raises(ConfigurationError) as caught:
            with_rules(site, [setting])
        (fault,) = caught.value.faults
        assert str(fault).startswith(f"--set: {told}")

    def test_the_nearest_key_is_brought_to_mind_and_all_mistakes_come_at_once(self, read):
        with pytest.raises(ConfigurationError) as caught:
            with_rules(read(), ["rules.heat.abov_f=80", "rules.cold.confirm=0"])
        cold, heat = str(caught.value).splitlines()
        assert "confirm" in cold
        assert heat.endswith("; did you mean 'above_f'?")


class TestCalendar:
    def test_without_one_every_hour_counts(self, read):
        site = read()
        assert site.calendar == Calendar(site.timezone)

    def test_days_and_hours_are_as_written(self, read):
        text = (
            "[calendar]\nwork_year = [2026-08-25, 2027-06-11]\n"
            'work_hours = "07:45-16:30"\nstudent_hours = "8:30 - 15:15"\n'
            'closed = [2026-11-26, "2026-11-27", "2026-12-30..2027-01-01"]\n'
        )
        calendar = read(text).calendar
        assert calendar.work_years == ((date(2026, 8, 25), date(2027, 6, 11)),)
        assert calendar.work_hours == Hours(time(7, 45), time(16, 30))
        assert calendar.student_hours == Hours(time(8, 30), time(15, 15))
        closed = {
            date(2026, 11, 26),
            date(2026, 11, 27),
            date(2026, 12, 30),
            date(2026, 12, 31),
            date(2027, 1, 1),
        }
        assert calendar.closed == closed

    def test_several_work_years_stand_in_order(self, read):
        text = "[calendar]\nwork_year = [[2027-08-25, 2028-06-11], [2026-08-25, 2027-06-11]]"
        assert [first.year for first, _ in read(text).calendar.work_years] == [2026, 2027]

    def test_a_date_may_be_unlike_the_others(self, read):
        calendar = read(f"[calendar]\n{YEAR}{DATES}").calendar
        assert calendar.closed == {date(2026, 10, 12), date(2026, 11, 11), date(2026, 11, 12)}
        assert calendar.holidays == {date(2026, 11, 11), date(2026, 10, 12)}
        assert calendar.dates == {
            date(2026, 11, 12): Day(note="snow"),
            date(2026, 11, 25): Day(None, Hours(time(8, 30), time(12)), note="early release"),
            date(2026, 12, 5): Day(is_open=True),
            date(2026, 12, 7): Day(has_students=False),
            date(2026, 12, 8): Day(has_students=False),
        }

    def test_a_building_overrides_what_it_names_and_inherits_the_rest(self, read):
        own = (
            '[buildings.calendar]\nstudent_hours = "09:00-16:00"\nclosed = [2026-10-05, 2026-11-25]\n'
            "[[buildings.calendar.dates]]\non = 2026-10-12\nopen = true\n"
        )
        site = read(f'[calendar]\n{YEAR}{DATES}{LINCOLN}{own}[[buildings]]\nid = "adams"')
        (lincoln, adams), usual = site.buildings, site.calendar
        assert adams.calendar is None
        assert lincoln.calendar.student_hours == Hours(time(9), time(16))
        assert (lincoln.calendar.work_hours, lincoln.calendar.work_years) == (
            usual.work_hours,
            usual.work_years,
        )
        assert lincoln.calendar.closed == usual.closed - {date(2026, 10, 12)} | {
            date(2026, 10, 5),
            date(2026, 11, 25),
        }
        assert lincoln.calendar.day(date(2026, 10, 12)) == Day(is_open=True)
        assert lincoln.calendar.day(date(2026, 11, 25)) == Day()
        assert lincoln.calendar.day(date(2026, 12, 5)) == Day(is_open=True)

    @pytest.mark.parametrize(
        ("text", "told"),
        [
            ("contract_days = 0", "contract_days: 0 is out of range; expected a whole number from 1 to 366"),
            ("contract_days = [193, 190]", "contract_days: 2 numbers for 1 work years; expected one number"),
            ("holidays = [2026]", "holidays[0]: 2026 is not a date"),
            ("[[calendar.dates]]\nclosed = true", "dates[0].on: nothing stands here; expected a date, or"),
            (
                "[[calendar.dates]]\non = 2026-11-25",
                "dates[0].on: nothing is said of it; expected one or more",
            ),
            ('[[calendar.dates]]\non = "x"\nclosed = true', "dates[0].on: 'x' is not a date"),
            (
                "[[calendar.dates]]\non = 2026-11-25\nclosed = 1",
                "dates[0].closed: 1 is neither true nor false",
            ),
            (
                "[[calendar.dates]]\non = 2026-11-25\nclosed = true\nopen = true",
                "dates[0].open: nobody is there on a day that is closed; expected this key or closed",
            ),
            (
                '[[calendar.dates]]\non = 2026-11-25\nstudents = false\nstudent_hours = "08:30-12:00"',
                "dates[0].student_hours: students = false says that none are there",
            ),
            (
                '[[calendar.dates]]\non = 2026-11-11\nstudent_hours = "08:30-12:00"',
                "dates[0].on: 2026-11-11 is closed; expected open = true beside it",
            ),
            (
                "[[calendar.dates]]\non = 2026-12-05\nstudents = false",
                "dates[0].on: 2026-12-05 is a Saturday; expected open = true beside it",
            ),
            (
                "[[calendar.dates]]\non = 2027-06-14\nopen = true",
                "dates[0].on: 2027-06-14 lies in no work year; expected a date of work_year, or",
            ),
            (
                "[[calendar.dates]]\non = 2026-11-25\nclosed = true\n"
                '[[calendar.dates]]\non = "2026-11-24..2026-11-25"\nstudents = false',
                "dates[1].on: 2026-11-25 stands in another entry of dates already; expected each date once",
            ),
            (
                '[[calendar.dates]]\non = 2026-11-25\nstudent_hour = "08:30-12:00"',
                "dates[0].on: nothing is said of it",
            ),
        ],
    )
    def test_each_mistake_about_a_date_is_told_at_its_key(self, faults, text, told):
        assert faults(f"[calendar]\n{YEAR}{text}")[0].startswith(f"site.toml: calendar.{told}")

    def test_a_mistake_in_a_buildings_calendar_names_the_building(self, faults):
        (line,) = faults(f'{LINCOLN}[buildings.calendar]\nwork_hours = "7"\n')
        assert line.startswith("site.toml: buildings[0].calendar.work_hours: '7' are not hours")

    def test_days_cannot_be_counted_without_a_year(self, faults):
        (line,) = faults("[calendar]\ncontract_days = 193")
        assert line.startswith("site.toml: calendar.contract_days: there is no work year to count them in")

    @pytest.mark.parametrize(
        ("text", "told"),
        [
            (
                "work_year = [2027-06-11, 2026-08-25]",
                "work_year: 2027-06-11 comes after 2026-08-25; expected",
            ),
            ("work_year = [2027-06-11]", "work_year: a list is not a pair; expected a list of two"),
            ("work_year = []", "work_year: a list is no work year; expected [first day, last day]"),
            ("work_year = 2026", "work_year: 2026 is no work year"),
            ("work_year = [2026-08-25, 2062-06-11]", "work_year: a work year lasts longer than two years"),
            (
                "work_year = [[2026-08-25, 2027-06-11], [2027-06-11, 2028-06-11]]",
                "work_year: the work year from 2027-06-11 begins before the one before it ends",
            ),
            ('work_hours = "16:30-07:45"', "work_hours: '16:30-07:45' ends before it begins; expected"),
            ('work_hours = "7-16"', "work_hours: '7-16' are not hours; expected a span such as"),
            ('student_hours = "08:30-24:00"', "student_hours: '08:30-24:00' are not hours"),
            ('closed = ["2026-02-30"]', "closed[0]: '2026-02-30' is no day of any year; expected"),
            ('closed = [2026-11-26, "x"]', "closed[1]: 'x' is not a date; expected"),
            ('closed = ["2027-01-01..2026-12-21"]', "closed[0]: '2027-01-01..2026-12-21' is no span of days"),
            ("closed = 2026-11-26", "closed: 2026-11-26 is not a list; expected"),
            ('ics = "calendar.ics"', "ics: there is no work year in which to look; expected work_year"),
            (
                '[[calendar.events]]\nwords = ["x"]\nclosed = true',
                'events: no calendar file is named; expected ics = "calendar.ics" beside it',
            ),
            ("workyear = []", "workyear: nobody knows this key; expected"),
        ],
    )
    def test_each_mistake_is_told_at_its_key(self, faults, text, told):
        (line,) = faults(f"[calendar]\n{text}")
        assert line.startswith(f"site.toml: calendar.{told}")


class TestSeveralFiles:
    def test_the_first_gives_the_frame_and_each_adds_buildings_and_people(self, read):
        second = (
            '[[buildings]]\nid = "adams"\n'
            '[[people]]\nname = "Ann"\nroles = ["district"]\nbuildings = ["lincoln", "adams"]\n'
        )
        site = read(LINCOLN, second)
        assert [building.id for building in site.buildings] == ["lincoln", "adams"]
        assert (site.name, site.timezone.key) == ("A District", "America/Los_Angeles")
        assert site.people[0].buildings == ("lincoln", "adams")

    def test_a_person_of_an_earlier_file_may_belong_to_a_building_of_a_later_one(self, read):
        site = read('[[people]]\nname = "Ann"\nroles = ["district"]\nbuildings = ["lincoln"]\n', LINCOLN)
        assert site.people_for("lincoln", [Role.DISTRICT])

    def test_the_same_said_twice_is_no_conflict(self, read):
        assert read("", HEAD + LINCOLN).name == "A District"

    @pytest.mark.parametrize(
        ("text", "key"),
        [
            ('name = "B District"', "name"),
            ('timezone = "America/Denver"', "timezone"),
            ("[[rules]]\ncold = { below_f = 61 }", "rules"),
            ("[calendar]\nclosed = [2026-11-27]", "calendar"),
        ],
    )
    def test_a_key_that_says_otherwise_is_a_fault_of_the_later_file(self, faults, text, key):
        (line,) = faults("[[rules]]\n[calendar]\nclosed = [2026-11-26]", text)
        assert line.startswith(f"site2.toml: {key}: this differs from site.toml; expected the same as there")

    def test_a_building_stands_in_one_file(self, faults):
        (line,) = faults(LINCOLN, LINCOLN)
        assert line.startswith("site2.toml: buildings[0].id: 'lincoln' is taken; expected")


def test_a_time_zone_is_needed_and_one_nobody_knows_brings_the_nearest_to_mind(read_all):
    _, absent = read_all('name = "x"')
    assert "timezone: nothing stands here; expected a time zone, such as America/Los_Angeles" in str(
        absent[0]
    )
    for text in ("America/Los_Angles", "America", "../x", ""):
        _, (fault,) = read_all(f'timezone = "{text}"')
        assert f"timezone: no time zone is called '{text}'; expected" in str(fault)
    _, (fault,) = read_all('timezone = "America/Los_Angles"')
    assert str(fault).endswith("; did you mean 'America/Los_Angeles'?")


def test_a_mistyped_table_is_a_fault_and_not_an_empty_site(faults):
    (line,) = faults('[[building]]\nid = "lincoln"')
    assert line.startswith("site.toml: building: nobody knows this key; expected ")
    assert line.endswith("; did you mean 'buildings'?")


def test_every_mistake_of_a_file_comes_at_once(faults):
    text = (
        'colour = 1\n[[buildings]]\nid = "B"\nrooms = [{ id = 1 }]\n[[people]]\nname = ""\nroles = ["x"]\n'
        '[[rules]]\ncold = { below_f = "x" }\nheat = { end_f = 99 }\n[calendar]\nwork_hours = ""\n'
    )
    assert [line.split(": ")[1] for line in faults(text)] == [
        "buildings[0].id",
        "buildings[0].rooms[0].id",
        "people[0].name",
        "people[0].roles[0]",
        "rules[0].cold.below_f",
        "rules[0].heat.end_f",
        "calendar.work_hours",
        "colour",
    ]


def test_the_time_is_in_utc():
    assert now().tzinfo is UTC


def test_a_demo_clock_begins_where_told_and_runs_faster(monkeypatch):
    seconds = 100.0
    monkeypatch.setattr("safetyd.clock.time.monotonic", lambda: seconds)
    clock = demo_clock(datetime(2026, 12, 1, 16, tzinfo=UTC), 60)
    assert clock() == datetime(2026, 12, 1, 16, tzinfo=UTC)
    seconds = 102.0
    assert clock() == datetime(2026, 12, 1, 16, 2, tzinfo=UTC)


@pytest.mark.parametrize("speed", [0, -1, float("nan"), float("inf")])
def test_no_clock_stands_still_or_runs_backwards(speed):
    with pytest.raises(ValueError, match="give a number above 0"):
        demo_clock(datetime(2026, 12, 1, tzinfo=UTC), speed)
