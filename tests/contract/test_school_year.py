"""A school year as it was lived: what opened, what was owed, who was told, and nothing beyond that.

176 student days, one heat wave, two boiler failures, one outage, one cold weekend, and people who do what a
ticket asks of them a little late now and then.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest

from safetyd.cli import main
from safetyd.configuration import load
from tests.story import STAFF, ZONE, Json, Story, Told, clock, instant

pytestmark = pytest.mark.slow  # it lives a year, twice

ROOMS = ("12", "14", "16", "lab")
EVERY_MINUTES = 30
YEAR = """
work_year = [2026-08-25, 2027-06-11]
work_hours = "07:45-16:30"
student_hours = "08:30-15:15"
closed = [
    2026-10-30, 2026-12-18, 2027-01-04, 2027-02-12, 2027-03-12, 2027-05-07,
    2026-09-07, 2026-10-09, 2026-11-11, 2026-11-23, 2026-11-24, 2026-11-25, 2026-11-26, 2026-11-27,
    "2026-12-21..2027-01-01", 2027-01-18, 2027-02-15, "2027-03-22..2027-03-26", 2027-04-09, 2027-05-31,
]
"""
RULES = 'quality = { stale_after = "45m", stuck_after = "365d" }'
WARM, COLD, HOT = (70.5, 40.0), (55.5, 40.0), (91.0, 48.0)
# What the rooms were like when they were not warm: from, until, what, and between which hours of the day.
WEATHER = [
    ("2026-09-09 00:00", "2026-09-12 00:00", HOT, range(12, 17)),  # a heat wave of three afternoons
    ("2026-12-03 05:00", "2026-12-04 11:00", COLD, range(24)),  # the boiler fails
    ("2027-01-16 00:00", "2027-01-17 20:00", COLD, range(24)),  # a cold weekend
    ("2027-02-10 06:00", "2027-02-10 14:00", COLD, range(24)),  # the boiler fails again
]
MESSAGES = {"Ada": 37, "Finn": 40, "Sam": 20, "Dora": 9, "Axel": 3, "Edda": 0, "Bo": 40, "Cleo": 0}
END = "2027-06-11 23:30"
DARK = ("2026-11-18 10:05", "2026-11-18 12:45")


def weather(at: str) -> tuple[float, float]:
    hour = int(at[11:13])
    for since, until, air, hours in WEATHER:
        if since <= at < until and hour in hours:
            return air
    return WARM


def moments() -> Iterator[str]:
    """Every half hour of the year by the wall clock, but for the hour that a clock change leaves out."""
    day, last = date(2026, 8, 25), date(2027, 6, 11)
    while day <= last:
        for minutes in range(0, 24 * 60, EVERY_MINUTES):
            if (day, minutes // 60) != (date(2027, 3, 14), 2):
                yield f"{day} {minutes // 60:02}:{minutes % 60:02}"
        day += timedelta(days=1)


def of_2026(*numbers: int) -> list[str]:
    return [f"maple-2026-{number:04}" for number in numbers]


def of_2027(*numbers: int) -> list[str]:
    return [f"maple-2027-{number:04}" for number in numbers]


HEAT, OUTAGE, BOILER = of_2026(1, 2, 3, 4), of_2026(5), of_2026(6, 7, 8, 9)
WEEKEND, BOILER_AGAIN = of_2027(1, 2, 3, 4), of_2027(5, 6, 7, 8)
CAUSES = {id: cause for cause in (HEAT, OUTAGE, BOILER, WEEKEND, BOILER_AGAIN) for id in cause}


def people(story: Story) -> Story:
    """What people did about it, each time as one decision."""

    def do(at: str, verb: str, ids: list[str], **keys: str) -> None:
        story.line(at, do=verb, ticket=ids, by="Finn", **keys)

    do("2026-09-09 13:00", "relieve", HEAT, tier="mitigation", kind="fans_or_heaters", note="fans")
    do("2026-09-14 09:00", "relieve", HEAT, tier="immediate", kind="restored", note="the heat is over")
    do("2026-09-14 09:10", "close", HEAT, note="shutters ordered")
    do("2026-11-18 12:10", "tell_district", OUTAGE)
    do(
        "2026-11-18 15:00",
        "relieve",
        OUTAGE,
        tier="immediate",
        kind="restored",
        note="utility repaired a line",
    )
    do("2026-11-19 09:00", "close", OUTAGE)
    do(
        "2026-12-04 08:30",
        "relieve",
        BOILER,
        tier="mitigation",
        kind="early_release",
        note="27.5 h after it began",
    )
    do("2026-12-04 12:00", "relieve", BOILER, tier="immediate", kind="restored", note="pump replaced")
    do("2026-12-07 08:00", "close", BOILER)
    do(
        "2027-01-18 08:00",
        "relieve",
        WEEKEND,
        tier="immediate",
        kind="restored",
        note="night set-back undone",
    )
    do("2027-01-19 08:00", "close", WEEKEND)
    do("2027-02-10 08:00", "relieve", BOILER_AGAIN, tier="immediate", kind="alternative_space", room="gym")
    do("2027-02-11 08:00", "close", BOILER_AGAIN)
    return story


@pytest.fixture(scope="module")
def story() -> Story:
    story = Story(rules=RULES, calendar=YEAR, rooms=ROOMS)
    for at in moments():
        temp_f, humidity = weather(at)
        for number, room in enumerate(ROOMS):
            drift = number / 10 + int(at[8:10]) / 20
            story.reading(room, at, temperature_f=temp_f + drift, humidity=humidity)
    story.power("2026-08-25 00:00", sensor="ups", mains="on")
    story.power(DARK[0], sensor="ups", mains="off").power(DARK[1], sensor="ups", mains="on")
    story.power("2026-11-18 12:55", until="2026-11-18 13:30", sensor="ups", mains="on")
    return people(story)


@pytest.fixture(scope="module")
def year(story: Story) -> Told:
    return story.replay(until=END)


@pytest.fixture(scope="module")
def kept(story: Story, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The configuration of a store in which that year was kept."""
    return story.keep(tmp_path_factory.mktemp("year"), until=END)


def test_it_has_176_student_days(kept: Path) -> None:
    calendar = load(kept, {}).site.calendar
    days = {instant(at).astimezone(ZONE).date() for at in moments() if calendar.is_student_time(instant(at))}
    assert len(days) == 176


def test_each_cause_has_its_tickets_and_nothing_else_has_any(year: Told) -> None:
    assert [ticket["id"] for ticket in year.tickets] == sorted(CAUSES)
    assert {ticket["status"] for ticket in year.tickets} == {"closed"}
    assert year.rejected("action") == []
    of_cause = {
        tuple(cause): {
            (ticket["condition"], len(ticket["episodes"])) for ticket in year.tickets if ticket["id"] in cause
        }
        for cause in (HEAT, OUTAGE, BOILER, WEEKEND, BOILER_AGAIN)
    }
    assert list(of_cause.values()) == [
        {("heat", 3)}, {("outage", 1)}, {("cold", 1)}, {("cold", 1)}, {("cold", 1)},
    ]  # fmt: skip


def test_every_deadline_is_met_or_missed_as_people_met_it(year: Told) -> None:
    states = {
        ticket["id"]: [deadline["state"] for deadline in ticket["deadlines"]] for ticket in year.tickets
    }
    open_ended = ["pending", "unset"]
    for ids, expected in (
        (HEAT, ["met", "met", *open_ended]),
        (OUTAGE, ["met", *open_ended]),
        (BOILER, ["met_late", "met", *open_ended]),
        (WEEKEND, ["met_late", "met", *open_ended]),
        (BOILER_AGAIN, ["met", "met", *open_ended]),
    ):
        for id in ids:
            assert states[id] == expected, id


def tickets_of(notice: Json) -> list[str]:
    return [notice["ticket"]] if notice["ticket"] else list(notice["tickets"] or ())


def test_nobody_is_told_the_same_of_one_cause_twice(year: Told, capsys: pytest.CaptureFixture[str]) -> None:
    told: dict[tuple[str, ...], set[str]] = {}
    for notice in year.output["notices"]:
        words = f"{notice['title'].split(':', 1)[-1]}: {notice['text']}"
        for cause in {CAUSES[ticket][0] for ticket in tickets_of(notice)}:
            for person in notice["to"]:
                told.setdefault((person, cause, notice["reason"], words), set()).add(notice["at"])
    assert [(*key, *at) for key, at in told.items() if len(at) > 1] == []


def test_what_happens_to_several_rooms_at_one_moment_is_one_message(
    year: Told, capsys: pytest.CaptureFixture[str]
) -> None:
    notices, messages = Counter[str](), Counter[str]()
    for person in STAFF:
        moments = [notice["at"] for notice in year.output["notices"] if person in notice["to"]]
        notices[person], messages[person] = len(moments), len(set(moments))
    assert dict(messages) == MESSAGES
    with capsys.disabled():
        by_reason = Counter(notice["reason"] for notice in year.output["notices"])
        print(f"\n{len(year.tickets)} tickets of 5 causes; notices {dict(sorted(by_reason.items()))}")
        print(f"notices a person, all year: {dict(notices)}, as messages: {dict(messages)}")


def test_each_ticket_tells_its_whole_story_on_a_terminal(
    year: Told, kept: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for ticket in year.tickets:
        assert main(["ticket", ticket["id"], "show", "--config", str(kept)]) == 0
        shown = capsys.readouterr().out
        for deadline in ticket["deadlines"]:
            line = next(line for line in shown.splitlines() if deadline["tier"].replace("_", " ") in line)
            assert deadline["state"].replace("_", " ") in line, (line, deadline)
        for row in ticket["history"]:
            assert row["event"].replace("_", " ") in shown.replace("_", " "), row
        told = [each for each in year.output["notices"] if ticket["id"] in tickets_of(each)]
        assert told
        for notice in told:
            assert notice["title"] in shown and notice["reason"] in shown, notice


def test_every_notice_is_about_a_ticket_an_outage_or_a_trouble(year: Told) -> None:
    for notice in year.output["notices"]:
        if notice["reason"] in ("outage_began", "outage_warning", "outage_over", "trouble", "trouble_over"):
            continue
        for id in tickets_of(notice):
            history = next(ticket for ticket in year.tickets if ticket["id"] == id)["history"]
            assert history[0]["at"] <= notice["at"], notice


def test_what_was_missed_was_told_when_it_was_missed(year: Told) -> None:
    overdue = [notice for notice in year.output["notices"] if notice["reason"] == "overdue"]
    assert {id for notice in overdue for id in tickets_of(notice)} == {*BOILER, *WEEKEND}
    assert min(notice["at"] for notice in overdue) >= clock("2026-12-04 05:00")
