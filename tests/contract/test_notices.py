"""Who is told what: each event once, by name, to the roles it concerns, and a flood as one message.

Nobody is told of another building. What is owed about deadlines, disputes and the mains is never folded into
a digest.
"""

from datetime import timedelta
from itertools import pairwise

import pytest

from tests.story import COLD, FIRST, MILD, STAFF, Json, Story, Told, clock, instant, times

REASONS = {
    "opened": {"administrator", "facilities", "safety_committee"},
    "recurred": {"administrator", "facilities"},
    "ended": {"administrator", "facilities"},
    "reminder": {"administrator", "facilities"},
    "overdue": {"administrator", "facilities", "safety_committee", "district", "association"},
    "relieved": {"administrator", "facilities", "safety_committee"},
    "closed": {"administrator", "facilities", "safety_committee"},
    "extended": {"administrator", "facilities", "safety_committee"},
    "disputed": {"administrator", "facilities", "safety_committee", "district", "association"},
    "acknowledged": {"facilities"},
}
CORRIDOR = [f"r{number}" for number in range(1, 21)]


@pytest.fixture(scope="module")
def eventful() -> Told:
    """A ticket that meets with everything once, and with two reminders."""
    story = Story().reading("12", "08:00", **COLD).act("08:02", "acknowledge")
    story.reading("12", "08:05", until="08:45", **MILD).reading("12", "10:00", **COLD)
    story.act("11:00", "extend", tier="immediate", until="2027-01-08T20:00:00Z", note="part on order")
    story.act("11:10", "dispute", note="too late")
    story.act("2026-12-02 09:00", "relieve", tier="mitigation", note="heater")
    return story.act("2026-12-02 10:00", "close", note="room given up").replay()


def staff(roles: set[str], building: str = "maple") -> set[str]:
    return {
        name
        for name, (theirs, buildings) in STAFF.items()
        if roles & set(theirs) and {building, "*"} & set(buildings)
    }


def cold_corridor(count: int, seconds_apart: int) -> Story:
    """So many rooms that turn cold one after the other."""
    story = Story(rooms=CORRIDOR)
    for number, room in enumerate(CORRIDOR[:count]):
        story.reading(room, clock("08:00", seconds=number * seconds_apart), **COLD)
    return story


def told_of(notices: list[Json]) -> list[str]:
    """The tickets that these digests tell of."""
    return sorted(ticket for notice in notices for ticket in notice["tickets"])


# Roles and people


@pytest.mark.parametrize("reason", list(REASONS))
def test_each_reason_reaches_its_roles_and_their_people_in_one_notice(eventful: Told, reason: str) -> None:
    notices = eventful.notices(reason)
    assert len(notices) == (2 if reason == "reminder" else 1)
    for notice in notices:
        assert (notice["ticket"], notice["tickets"]) == (FIRST, None)
        assert set(notice["roles"]) == REASONS[reason]
        assert sorted(notice["to"]) == sorted(staff(REASONS[reason]))


@pytest.mark.parametrize(
    ("reason", "at"),
    [
        ("recurred", clock("10:00")),
        ("reminder", clock("08:00", hours=12)),
        ("reminder", clock("08:00", hours=18)),
        ("overdue", clock("08:00", hours=24)),
        ("acknowledged", clock("08:02")),
        ("extended", clock("11:00")),
        ("disputed", clock("11:10")),
        ("relieved", clock("2026-12-02 09:00")),
        ("closed", clock("2026-12-02 10:00")),
    ],
)
def test_each_is_owed_when_it_happens(eventful: Told, reason: str, at: str) -> None:
    assert at in times(eventful.notices(reason))


def test_every_notice_has_a_title_and_a_text(eventful: Told) -> None:
    for notice in eventful.output["notices"]:
        assert notice["title"].strip()
        assert notice["text"].strip()


def test_somebody_of_two_roles_is_named_once(eventful: Told) -> None:
    (notice,) = eventful.notices("opened")
    assert notice["to"].count("Bo") == 1


def test_another_building_has_its_own_people() -> None:
    story = Story().reading("7", "08:00", building="cedar", **COLD)
    (notice,) = story.replay(until="08:10").notices("opened")
    assert notice["to"] == ["Cleo"]


def test_a_silent_sensor_is_told_to_facilities_and_so_is_its_return() -> None:
    story = Story().reading("12", "08:00", **MILD).reading("12", "10:00", **MILD)
    told = story.replay(until="10:10")
    for reason in ("trouble", "trouble_over"):
        notices = told.notices(reason)
        assert notices != []
        for notice in notices:
            assert notice["roles"] == ["facilities"]
            assert sorted(notice["to"]) == ["Bo", "Finn"]


# Company


def test_an_opened_waits_no_longer_than_five_seconds() -> None:
    (notice,) = Story().reading("12", "08:00", **COLD).replay(until="08:01").notices("opened")
    assert clock("08:00") <= notice["at"] <= clock("08:00:05")


def test_two_rooms_within_five_seconds_are_told_together() -> None:
    told = cold_corridor(2, seconds_apart=4).replay(until="08:05")
    assert told.notices("opened") == []
    (digest,) = told.notices("digest")
    assert digest["ticket"] is None
    assert sorted(digest["tickets"]) == ["maple-2026-0001", "maple-2026-0002"]
    assert digest["title"].strip()
    assert digest["text"].strip()
    assert {"Ada", "Finn", "Sam", "Bo"} <= set(digest["to"])


def test_two_rooms_further_apart_are_told_one_by_one() -> None:
    told = cold_corridor(2, seconds_apart=6).replay(until="08:05")
    assert told.notices("digest") == []
    assert sorted(notice["ticket"] for notice in told.notices("opened")) == [
        "maple-2026-0001",
        "maple-2026-0002",
    ]


def test_two_buildings_are_told_apart_however_close() -> None:
    story = Story().reading("12", "08:00", **COLD).reading("7", "08:00:01", building="cedar", **COLD)
    told = story.replay(until="08:05")
    assert told.notices("digest") == []
    assert len(told.notices("opened")) == 2


# Floods


def test_five_messages_in_ten_minutes_are_told_one_by_one() -> None:
    told = cold_corridor(5, seconds_apart=30).replay(until="08:30")
    assert len(told.notices("opened")) == 5
    assert told.notices("digest") == []


def test_the_sixth_and_the_seventh_share_a_digest() -> None:
    told = cold_corridor(7, seconds_apart=30).replay(until="08:30")
    assert sorted(notice["ticket"] for notice in told.notices("opened")) == [
        f"maple-2026-000{number}" for number in range(1, 6)
    ]
    assert told_of(told.notices("digest")) == ["maple-2026-0006", "maple-2026-0007"]


def test_in_a_flood_a_digest_comes_every_ten_minutes_at_most_and_leaves_nobody_out() -> None:
    told = cold_corridor(20, seconds_apart=30).replay(until="08:50")
    singly = [notice["ticket"] for notice in told.notices("opened")]
    digests = told.notices("digest")
    assert sorted(singly + told_of(digests)) == [ticket["id"] for ticket in told.tickets]
    assert len(told.tickets) == 20
    moments = [instant(at) for at in times(digests)]
    for earlier, later in pairwise(moments):
        assert later - earlier >= timedelta(minutes=10)


def test_a_flood_in_one_building_holds_nothing_back_in_another() -> None:
    story = cold_corridor(7, seconds_apart=30).reading("7", "08:03:40", building="cedar", **COLD)
    assert story.replay(until="08:30").notices("opened", ticket="cedar-2026-0001")[0]["to"] == ["Cleo"]


def test_troubles_do_not_count_towards_a_flood() -> None:
    story = Story(rooms=CORRIDOR)
    for room in CORRIDOR[:8]:
        story.says("08:00", f"safetyd/readings/maple/{room}", "rubbish")
    story.reading("r9", "08:01", **COLD)
    told = story.replay(until="08:10")
    assert len(told.troubles("unreadable")) == 8
    assert [notice["ticket"] for notice in told.notices("opened")] == [FIRST]


def test_what_is_overdue_is_never_folded_into_a_digest() -> None:
    told = cold_corridor(7, seconds_apart=0).replay(until=clock("08:00", hours=24, seconds=1))
    everybody = [f"maple-2026-000{number}" for number in range(1, 8)]
    assert sorted(notice["ticket"] for notice in told.notices("overdue")) == everybody
    assert sorted({notice["ticket"] for notice in told.notices("reminder")}) == everybody
    assert told_of(told.notices("digest")) == everybody
