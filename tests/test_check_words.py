"""The promise: what `safetyd check` prints says in words what the files mean, and shows no address."""

from datetime import timedelta
from pathlib import Path

import pytest

from safetyd.configuration import load
from safetyd.site_words import site_words, span

SECRET = "correct-horse-battery"
SITE = f"""
name = "A District"
timezone = "America/Los_Angeles"
[[buildings]]
id = "lincoln"
name = "Lincoln High School"
rooms = [{{ id = "204", name = "Chemistry" }}, {{ id = "gym" }}]
[[buildings.sensors]]
id = "t204"
topic = "zigbee2mqtt/Room 204"
format = "zigbee2mqtt"
room = "204"
interval = "5m"
[[buildings.sensors]]
id = "ups"
topic = "nut/ups/status"
format = "nut"
power = true
[[people]]
name = "Ann Lee"
roles = ["administrator", "safety_committee"]
notify = ["mailto://u:{SECRET}@example.org"]
[[people]]
name = "Bo Roe"
roles = ["facilities"]
buildings = ["lincoln"]
"""


def words(folder: Path, site: str = SITE, settings: str = "") -> str:
    (folder / "site.toml").write_text(site, encoding="utf-8")
    (folder / "safetyd.toml").write_text(f'site = "site.toml"\n{settings}', encoding="utf-8")
    return "\n".join(site_words(load(folder / "safetyd.toml", {})))


def test_the_building_its_rooms_and_its_devices_are_named(tmp_path):
    said = words(tmp_path)
    assert "Lincoln High School (lincoln): 2 rooms, 2 devices of their own formats." in said
    assert "204: Chemistry" in said
    assert (
        "t204: zigbee2mqtt on zigbee2mqtt/Room 204, in room 204, reads temperature in °C, humidity "
        "and battery; expected every 5 min: its silence shows after 15 min, not sooner"
    ) in said
    assert (
        "ups: nut on nut/ups/status, a witness of the building's mains, reads mains; "
        "its silence shows after 15 min, or three of the intervals it turns out to keep"
    ) in said


def sensor(folder: Path, keys: str) -> str:
    """Return the words for the chemistry room's sensor with these keys, and what follows them."""
    rest = SITE.partition('topic = "zigbee2mqtt/Room 204"')[0]
    said = words(folder, rest + keys).partition("  t204: ")[2]
    return said.partition("\n")[0] + said[said.find("Warning") :]


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ('unit = "F"', "reads temperature in °F and battery"),
        ('unit = "F"\nmeasures = "temperature"', "reads temperature in °F;"),
        ('measures = "battery"', "reads battery;"),
        (
            'unit = "F"\nchannel = "L2"\nonly = { id = [7, 8] }',
            "battery, channel L2, only where id is 7 or 8;",
        ),
        ('unit = "@data.unit"', "reads temperature in the unit that its data.unit says and battery"),
        (
            'unit = "C"\nfrom = 2026-08-25\nuntil = 2026-12-01T12:30:00',
            "battery, from 2026-08-25 on, until 2026-12-01 12:30;",
        ),
        (
            'unit = "C"\noffsets = [{ temperature_f = -0.8, humidity = 2 }, '
            "{ from = 2026-10-01, temperature_f = 0 }]",
            "corrected by 0.8 °F less and 2 % of humidity more, as it measures from 2026-10-01 on;",
        ),
        (
            'unit = "C"\ntolerance = { temperature_c = 0.5, humidity = 3 }',
            "battery, right to within 0.9 °F and 3 % of humidity;",
        ),
        ('unit = "C"\ninvalid = [85, -0.1]', "battery, without -0.1 or 85;"),
        ('unit = "C"\ninterval = "2h"', "expected every 2 h: its silence shows after 6 h, not sooner"),
        ('unit = "C"\ninterval = "30s"', "expected every 30 s: its silence shows after 200 s, not sooner"),
    ],
)
def test_what_a_sensor_reads_and_how_soon_its_silence_shows_is_said(tmp_path, keys, said):
    values = 'values = { temperature = "data.t", battery = "data.b" }\n'
    assert said in sensor(tmp_path, f'topic = "own/204"\nformat = "json"\nroom = "204"\n{values}{keys}\n')


def test_of_a_native_sensor_nothing_is_known_beforehand(tmp_path):
    said = sensor(tmp_path, 'topic = "own/204"\nformat = "native"\nroom = "204"\n')
    assert "native on own/204, in room 204, reads whatever its messages name; its silence" in said
    assert "humidity" not in said


def test_a_room_without_humidity_is_a_warning(tmp_path):
    keys = 'topic = "own/204"\nformat = "json"\nroom = "204"\nunit = "C"\nvalues.temperature = "t"\n'
    warning = (
        "Warning: in Lincoln High School no sensor named here measures humidity in room 204; heat cannot"
    )
    assert warning in sensor(tmp_path, keys)
    other = '[[buildings.sensors]]\nid = "h"\ntopic = "own/h"\nformat = "json"\nroom = "204"\n'
    assert warning not in sensor(tmp_path, keys + other + 'values.humidity = "h"\n')
    assert "humidity in room" not in words(tmp_path)


def test_a_witness_that_knows_a_voltage_alone_is_a_warning(tmp_path):
    keys = 'topic = "zigbee2mqtt/plug"\nformat = "zigbee2mqtt"\npower = true\n'
    warning = "Warning: t204 in Lincoln High School witnesses the mains by their voltage alone"
    assert warning in sensor(tmp_path, keys)
    assert "witnesses the mains by" not in words(tmp_path)


def test_the_native_topics_begin_with_the_root_that_was_set(tmp_path):
    assert "a7/readings/lincoln/ROOM and a7/power/lincoln" in words(tmp_path, settings='[mqtt]\nroot = "a7"')


def test_the_limits_and_their_deadlines_are_said(tmp_path):
    said = words(tmp_path)
    assert "A room below 60 °F opens a ticket at once (9.14.3): mitigation is due within 24 h" in said
    assert "immediate relief is due within 14 d" in said
    assert "A heat index above 85 °F opens a ticket at once (9.14.3)" in said
    assert "without power for longer than 2 h opens a ticket (9.14.5), after warnings at 1 h, 90 min" in said


def test_a_changed_limit_is_said_under_the_day_it_takes_effect(tmp_path):
    rules = (
        "[[rules]]\n[[rules]]\neffective = 2026-07-01\n"
        "cold = { below_f = 62.5, confirm = 3 }\noutage = { warn_at = [], quorum = 1 }\n"
        'outside_work_hours = "hold"\n'
    )
    first, second = words(tmp_path, SITE + rules).split("Rules from 2026-07-01:")
    assert "Rules from the beginning:" in first
    assert "A room below 62.5 °F opens a ticket at the 3 readings running that say so" in second
    assert "opens a ticket (9.14.5): immediate relief" in second
    assert "1 witness is enough." in second
    assert "Cold or heat outside work hours waits for them, if it lasts." in second


def test_the_absence_of_a_calendar_is_said(tmp_path):
    assert "No calendar: every hour counts as a student day, and midterm relief has no date." in words(
        tmp_path
    )


def test_a_calendar_is_said(tmp_path):
    calendar = (
        "[calendar]\nwork_year = [2026-08-25, 2027-06-11]\n"
        'work_hours = "07:45-16:30"\nclosed = ["2026-12-21..2027-01-01"]\n'
    )
    said = words(tmp_path, SITE + calendar)
    assert "Work year: 2026-08-25 to 2027-06-11; closed on 12 days." in said
    assert "Work hours 07:45 to 16:30, student hours all day, Monday to Friday." in said


UNLIKE = """
[calendar]
work_year = [2026-08-25, 2027-06-11]
student_hours = "08:30-15:15"
closed = ["2026-12-21..2027-01-01"]
holidays = [2026-09-07, 2026-11-11]
contract_days = {days}
dates = [
    {{ on = "2026-11-24..2026-11-25", student_hours = "08:30-12:00", note = "conferences" }},
    {{ on = 2027-01-11, student_hours = "10:30-15:15" }},
    {{ on = 2026-11-06, students = false }},
    {{ on = 2027-05-22, open = true }},
    {{ on = 2027-02-03, closed = true, note = "snow" }},
]
"""


def test_dates_unlike_the_others_are_said_for_what_they_are(tmp_path):
    said = words(tmp_path, SITE + UNLIKE.format(days=199))
    assert "  2026-11-24 to 2026-11-25: early release, students 08:30 to 12:00 (conferences)" in said
    assert "  2027-01-11: late start, students 10:30 to 15:15" in said
    assert "  2026-11-06: work without students" in said
    assert "  2027-05-22: open, a make-up day" in said
    assert "  2027-02-03: closed (snow)" in said


def test_the_days_of_a_work_year_add_up(tmp_path):
    said = words(tmp_path, SITE + UNLIKE.format(days=199))
    assert "2026-08-25 to 2027-06-11 has 199 contract days (197 of work, 2 paid holidays)" in said
    assert "2 paid holidays): they add up to its contract_days." in said
    assert "than its contract_days" not in said


@pytest.mark.parametrize(
    ("days", "told"),
    [
        (200, "1 fewer than its contract_days (200); look under closed, holidays and dates for"),
        (193, "6 more than its contract_days (193); look under closed"),
    ],
)
def test_or_check_says_by_how_many_they_do_not(tmp_path, days, told):
    said = words(tmp_path, SITE + UNLIKE.format(days=days))
    assert "Warning: the work year 2026-08-25 to 2027-06-11 has 199 contract days (197 of work" in said
    assert told in said


def test_a_building_with_days_of_its_own_has_them_said_and_counted(tmp_path):
    own = '[buildings.calendar]\nclosed = [2026-10-05]\nwork_hours = "07:00-15:00"\n[[people]]\n'
    said = words(tmp_path, (SITE + UNLIKE.format(days=199)).replace("[[people]]\n", own, 1))
    assert "Lincoln High School has days of its own:\n  Work year: 2026-08-25 to 2027-06-11" in said
    assert "  Work hours 07:00 to 15:00, student hours 08:30 to 15:15, Monday to Friday." in said
    assert "    closed here only: 2026-10-05" in said
    assert said.count("early release, students 08:30 to 12:00 (conferences)") == 1
    assert "Warning: Lincoln High School's work year 2026-08-25 to 2027-06-11 has 198 contract days" in said


def test_a_last_day_on_which_nobody_works_is_a_warning(tmp_path):
    said = words(tmp_path, SITE + "[calendar]\nwork_year = [2026-08-25, 2027-06-11]\nclosed = [2027-06-11]")
    assert (
        "nobody works on 2027-06-11, the last day of the work year; midterm relief is due by 2027-06-10"
        in said
    )


def test_who_is_told_what_is_said_and_no_address_is_shown(tmp_path):
    said = words(tmp_path)
    assert (
        "overdue and disputed: administrator, facilities, safety committee, district and association" in said
    )
    assert "(an outage opened: also district)" in said
    assert "Ann Lee: administrator and safety committee of every building, 1 address" in said
    assert "Bo Roe: facilities of Lincoln High School, no addresses" in said
    assert SECRET not in said


def test_a_language_that_is_not_the_site_s_is_said(tmp_path):
    people = '[[people]]\nname = "Cy"\nroles = ["facilities"]\nlanguage = "es"\nnotify = ["json://h"]\n'
    said = words(tmp_path, f"{SITE}\n{people}")
    assert "Cy: facilities of every building, 1 address, told in es" in said
    assert "told in" not in words(tmp_path, f'language = "es"\n{SITE}\n{people}')


def test_a_person_without_an_address_and_a_role_that_nobody_holds_are_warnings(tmp_path):
    said = words(tmp_path)
    assert "Warning: Bo Roe has no address and is told nothing; add one to notify." in said
    assert (
        "Warning: in Lincoln High School nobody with an address holds these roles: "
        "facilities, district and association." in said
    )


@pytest.mark.parametrize(
    ("site", "warning"),
    [
        ('timezone = "UTC"', "Warning: no building is named, so nothing is watched"),
        (
            'timezone = "UTC"\n[[buildings]]\nid = "b"',
            "Warning: b has no rooms, so only its power is watched",
        ),
    ],
)
def test_what_watches_nothing_is_a_warning(tmp_path, site, warning):
    assert warning in words(tmp_path, site)


def test_where_it_answers_is_said(tmp_path):
    assert "Answers at http://127.0.0.1:8914, to whom" in words(tmp_path)
    assert "Answers at http://[::1]:80, to whom" in words(tmp_path, settings='[web]\nlisten = "[::1]:80"')
    assert "Answers" not in words(tmp_path, settings="[web]\nlisten = false")


def test_what_watches_from_afar_answers_beside_what_watches_rooms(tmp_path):
    afar = 'timezone = "UTC"\n[[buildings]]\nid = "b"\ngateway = "b-gw"'
    assert "Answers at http://127.0.0.1:8915, to whom" in words(tmp_path, afar)
    told = words(tmp_path, afar, settings='[web]\nlisten = "127.0.0.1:8914"')
    assert "Answers at http://127.0.0.1:8914, to whom" in told
    assert "Answers" not in words(tmp_path, afar, settings="[web]\nlisten = false")


def test_where_the_record_is_copied_to_is_said_without_the_secret(tmp_path):
    settings = '[influx]\nurl = "https://i.example.org:8086"\nbucket = "safety"\n'
    said = "Copies the record to InfluxDB at https://i.example.org:8086, bucket safety, "
    assert said + "without a secret." in words(tmp_path, settings=settings)
    (tmp_path / "token").write_text("s3cr3t-one", encoding="utf-8")
    named = words(tmp_path, settings=settings + 'token_file = "token"\n')
    assert said + "let in by its secret." in named and "s3cr3t-one" not in named


def test_the_broker_is_said_with_its_guards(tmp_path):
    settings = '[mqtt]\nhost = "b.example.org"\ntls = true\nusername = "safety"\n'
    assert "the broker at b.example.org:1883, encrypted, as safety" in words(tmp_path, settings=settings)


@pytest.mark.parametrize(
    ("time", "said"),
    [
        (timedelta(0), "0 s"),
        (timedelta(seconds=90), "90 s"),
        (timedelta(minutes=90), "90 min"),
        (timedelta(hours=24), "24 h"),
        (timedelta(days=14), "14 d"),
    ],
)
def test_a_duration_is_said_in_its_largest_whole_unit(time, said):
    assert span(time) == said


def test_the_files_that_are_shipped_have_no_fault():
    path = Path(__file__).resolve().parent.parent / "config/safetyd.toml"
    assert site_words(load(path, {}))


def test_who_the_last_resort_is_and_when_it_is_told_is_said_without_its_address(tmp_path):
    said = words(tmp_path, settings=f'[last_resort]\nurl = "https://hook.example/{SECRET}"\nafter = "15m"')
    assert "When a notice has reached nobody for 15 min, the last resort is told: a web hook." in said
    assert SECRET not in said


def test_reports_without_a_login_are_warned_of_in_plain_words(tmp_path):
    (tmp_path / "safetyd.toml").write_text('site = ["site.toml"]\n')

    def warned(said: str) -> list[str]:
        (tmp_path / "site.toml").write_text(f"reports_from = {said}\n{SITE}")
        lines = site_words(load(tmp_path / "safetyd.toml", {}))
        return [line for line in lines if "logging in" in line or "internet" in line or "web server" in line]

    assert warned("[]") == []
    (line,) = warned('["10.20.0.0/16", "10.30.0.0/16"]')
    assert "in Lincoln High School anybody at 10.20.0.0/16 or 10.30.0.0/16 may report a problem" in line
    assert "behind a web server here everybody comes from there" in warned('["127.0.0.0/8"]')[1]
    assert "holds addresses of the internet" in warned('["0.0.0.0/0"]')[1]


def test_what_somebody_is_in_which_building_is_said_building_by_building(tmp_path):
    rows = "name,roles,buildings\nCy Dow,administrator,lincoln\nCy Dow,safety committee,annex\n"
    (tmp_path / "people.csv").write_text(rows, encoding="utf-8")
    site = SITE.replace('name = "A District"', 'name = "A District"\npeople_csv = "people.csv"')
    said = words(tmp_path, site + '[[buildings]]\nid = "annex"\nname = "The annex"\n')
    assert (
        "  Cy Dow: administrator of Lincoln High School; safety committee of The annex, no addresses" in said
    )
    assert "Warning: Cy Dow has no address and is told nothing" in said
    assert "in The annex nobody with an address holds" in said


def test_who_is_let_in_by_which_group_is_said(tmp_path):
    (tmp_path / "oidc.secret").write_text(f"{SECRET}\n", encoding="utf-8")
    settings = """
[web]
public_url = "https://safety.example.org"
[oidc]
issuer = "https://login.example.org"
client_id = "safetyd"
client_secret_file = "oidc.secret"
grants = [
  { group = "sd-{building}-office", role = "administrator" },
  { group = "custodians", role = "facilities", buildings = ["lincoln", "gone"] },
  { group = "hq", role = "district", buildings = ["*"] },
]
"""
    said = words(tmp_path, settings=settings)
    assert (
        "Who logs in by District login (https://login.example.org) is, by groups, the first that fits:"
        in said
    )
    assert "  sd-{building}-office: administrator of the building it names" in said
    assert "  custodians: facilities of Lincoln High School and gone" in said
    assert "  hq: district of every building" in said
    assert "Warning: the group custodians is granted a building 'gone', and none has this id." in said
    assert SECRET not in said
