"""Every notice says where, what and since when, in the words of the site file and the hours of its zone."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from zoneinfo import ZoneInfo

import pytest

from safetyd.core.model import Condition, Episode, Hazard, Place, Role, TroubleKind, Worst
from safetyd.core.plan import NOT_PLANNED, Plan, Reason
from safetyd.core.ticket import Deadline, Due, Status, Ticket, Tier
from safetyd.core.world import Notice, World
from safetyd.notify.letters import letters
from safetyd.notify.render import render
from safetyd.site import Building, Person, Room, Site
from safetyd.site_calendar import read_calendar
from safetyd.site_people import fingerprint
from safetyd.site_rules import read_rulebook
from safetyd.tables import Table

ZONE = ZoneInfo("America/Los_Angeles")
BEGAN = datetime(2026, 12, 1, 16, 5, tzinfo=UTC)  # Tue 1 Dec 08:05 at the school
NOW = BEGAN + timedelta(hours=2)
ROOM = Place("maple", "12")
SECRET = "json://ann:pa55word@example.org/t0ken"
NOTHING = Table("site.toml", "", {}, [])
SITE = Site(
    "Riverbend",
    ZONE,
    read_rulebook(NOTHING, ZONE),
    read_calendar(NOTHING, ZONE),
    (Building("maple", "Maple School", (Room("12", "Room 12, chemistry"),)),),
    (
        Person("Ann Lee", ("facilities", "administrator"), ("*",), (SECRET, SECRET)),  # type: ignore[arg-type]
        Person("Bo", ("educator",), ("*",), ("json://example.org/bo",)),  # type: ignore[arg-type]
    ),
)
OF_A_TICKET = [
    reason
    for reason in Reason
    if reason
    not in (
        Reason.DIGEST,
        Reason.TROUBLE,
        Reason.TROUBLE_OVER,
        Reason.OUTAGE_BEGAN,
        Reason.OUTAGE_WARNING,
        Reason.OUTAGE_OVER,
        Reason.HELD,
        Reason.SHELVED,
        Reason.UNSHELVED,
        Reason.TEST,
        Reason.HEAD,
        Reason.ALTERED,
    )
]
WORDS = {
    Condition.COLD: "too cold",
    Condition.HEAT: "too hot",
    Condition.OUTAGE: "no electricity",
    Condition.HAZARD: "hazard: air quality",
}


def ticket(condition: Condition, place: Place = ROOM, id: str = "maple-2026-0001") -> Ticket:
    hazard = Hazard.AIR_QUALITY if condition is Condition.HAZARD else None
    due = (
        Deadline(Tier.MITIGATION, BEGAN + timedelta(hours=24), Due.PENDING),
        Deadline(Tier.IMMEDIATE, BEGAN + timedelta(days=14), Due.PENDING),
        Deadline(Tier.MIDTERM, None),
        Deadline(Tier.LONG_TERM, None),
    )
    return Ticket(
        id=id,
        place=place,
        condition=condition,
        hazard=hazard,
        rules="sha256:0",
        status=Status.OPEN,
        student_day=True,
        began_at=BEGAN,
        opened_at=BEGAN,
        deadlines=due,
        told_until=BEGAN,
    )


def notice(reason: Reason, **more: object) -> Notice:
    made = Notice("key", NOW, "maple", reason, () if reason in NOT_PLANNED else Plan().roles(reason))
    return made._replace(**more)


def episode(condition: Condition, ended: bool = False, worst: float | None = 57.2) -> Episode:
    return Episode(
        ROOM,
        condition,
        BEGAN,
        BEGAN + timedelta(hours=1) if ended else None,
        None if worst is None else Worst(worst, BEGAN),
        ticket="maple-2026-0001",
    )


def about(reason: Reason, condition: Condition, **facts: str) -> tuple[str, str]:
    one = ticket(condition)
    known = {} if condition is Condition.HAZARD else {one.id: episode(condition, reason is Reason.ENDED)}
    facts = {"by": "A. Reyes", "tier": "mitigation", "note": "in the “old” wing"} | facts
    return render(notice(reason, ticket=one.id, about=facts), {one.id: one}, known, SITE)


@pytest.mark.parametrize("reason, condition", list(product(OF_A_TICKET, Condition)))
def test_a_ticket_s_notice_says_where_and_which_ticket(reason: Reason, condition: Condition) -> None:
    title, text = about(reason, condition)
    assert title.startswith("Maple School, Room 12, chemistry: ")
    assert "maple-2026-0001" in text
    assert {"cold": "9.14.3", "heat": "9.14.3", "outage": "9.14.5", "hazard": "9.14.4"}[condition] in text
    assert "“old”" in text
    for words in (title, text):
        assert "None" not in words and "_" not in words.replace("maple-2026-0001", "")
        assert "  " not in words and "\n\n" not in words


@pytest.mark.parametrize("reason", [Reason.OPENED, Reason.RECURRED])
@pytest.mark.parametrize("condition", list(Condition))
def test_an_opening_says_what_since_when_and_what_is_due_when(reason: Reason, condition: Condition) -> None:
    title, text = about(reason, condition)
    assert WORDS[condition] in title
    assert "Tue 1 Dec 08:05" in text
    assert "Wed 2 Dec 08:05" in text, "the first thing that is due"
    if condition in (Condition.COLD, Condition.HEAT):
        assert "57.2 °F" in text


def test_a_heat_index_of_an_assumed_humidity_says_so() -> None:
    one, ran = ticket(Condition.HEAT), episode(Condition.HEAT)
    ran = replace(ran, worst=Worst(91.04, BEGAN, assumed_dry=True))
    _, text = render(notice(Reason.OPENED, ticket=one.id), {one.id: one}, {one.id: ran}, SITE)
    assert "heat index 91.0 °F" in text and "0 % assumed" in text


@pytest.mark.parametrize(
    ("condition", "value", "words"),
    [(Condition.HEAT, 85.003, "heat index 85.003 °F"), (Condition.COLD, 59.98, " 59.98 °F")],
)
def test_a_value_just_beyond_its_limit_does_not_look_like_the_limit(
    condition: Condition, value: float, words: str
) -> None:
    one = ticket(condition)
    _, text = render(
        notice(Reason.OPENED, ticket=one.id), {one.id: one}, {one.id: episode(condition, worst=value)}, SITE
    )
    assert words in text


def test_an_end_says_since_when_it_is_over_and_that_people_close() -> None:
    _, text = about(Reason.ENDED, Condition.COLD)
    assert "Tue 1 Dec 09:05" in text and "a person closes it" in text


def test_a_reminder_says_how_much_time_is_left_and_an_overdue_notice_when_it_was_due() -> None:
    title, _ = about(Reason.REMINDER, Condition.COLD)
    assert "is due Wed 2 Dec 08:05 (22 h left)" in title
    one = ticket(Condition.COLD)
    missed = replace(one, deadlines=(replace(one.deadlines[0], state=Due.MISSED), *one.deadlines[1:]))
    late = notice(Reason.OVERDUE, ticket=one.id, about={"tier": "mitigation"}, at=BEGAN + timedelta(days=2))
    title, text = render(late, {one.id: missed}, {}, SITE)
    assert "OVERDUE" in title and "It was due Wed 2 Dec 08:05, 24 h ago." in text


@pytest.mark.parametrize(
    "reason", [Reason.RELIEVED, Reason.CLOSED, Reason.EXTENDED, Reason.DISPUTED, Reason.ACKNOWLEDGED]
)
def test_what_a_person_did_names_the_person(reason: Reason) -> None:
    assert "A. Reyes" in about(reason, Condition.COLD)[1]


@pytest.mark.parametrize("reason", [Reason.OPENED, Reason.RECURRED, Reason.REMINDER, Reason.OVERDUE])
def test_what_asks_to_do_something_says_who_is_to_do_it(reason: Reason) -> None:
    assert "To be done by Ann Lee (facilities, administrator)." in about(reason, Condition.COLD)[1]


def test_where_the_site_file_names_nobody_the_roles_stand_for_them() -> None:
    one, nobody = ticket(Condition.COLD), replace(SITE, people=())
    _, text = render(notice(Reason.OPENED, ticket=one.id), {one.id: one}, {}, nobody)
    assert "To be done by administrator and facilities: the site file names nobody." in text


def test_of_many_who_act_the_first_are_named() -> None:
    one = ticket(Condition.COLD)
    many = tuple(Person(f"P{number}", (Role.FACILITIES,)) for number in range(7))
    _, text = render(notice(Reason.OPENED, ticket=one.id), {one.id: one}, {}, replace(SITE, people=many))
    assert "P3 (facilities) and 3 more." in text and "P4" not in text


def test_a_dispute_that_is_withdrawn_is_told_as_that() -> None:
    assert "withdrawn" in about(Reason.DISPUTED, Condition.COLD, event="dispute_withdrawn")[0]


def test_what_relief_was_given_is_said_in_words() -> None:
    assert "fans or heaters" in about(Reason.RELIEVED, Condition.HEAT, kind="fans_or_heaters")[1]


@pytest.mark.parametrize("reason", [Reason.OUTAGE_BEGAN, Reason.OUTAGE_WARNING, Reason.OUTAGE_OVER])
def test_an_outage_says_where_and_since_when(reason: Reason) -> None:
    facts = {"began_at": BEGAN.isoformat(), "ended_at": NOW.isoformat(), "minutes": "90"}
    title, text = render(notice(reason, about=facts), {}, {}, SITE)
    assert title.startswith("Maple School: ")
    assert "Tue 1 Dec 08:05" in text
    assert "Tue 1 Dec 10:05" in text, "when the two hours are over, or when it ended"


@pytest.mark.parametrize("reason", [Reason.TROUBLE, Reason.TROUBLE_OVER])
@pytest.mark.parametrize("kind", TroubleKind)
def test_a_trouble_is_a_sentence_about_its_room(reason: Reason, kind: TroubleKind) -> None:
    title, text = render(notice(reason, about={f"{kind} maple/12/window": "so it said"}), {}, {}, SITE)
    assert title.startswith("Maple School: Room 12, chemistry (sensor window) ")
    assert ("so it said" in title) == (reason is Reason.TROUBLE)
    assert text


def test_several_troubles_are_one_list() -> None:
    about = {"silent maple/12/12": "", "battery maple/mains": "3 %", "undeliverable notice to Ada": "refused"}
    title, text = render(notice(Reason.TROUBLE, about=about), {}, {}, SITE)
    assert title == "Maple School: 3 sensor troubles"
    assert text.splitlines()[:3] == [
        "Room 12, chemistry has fallen silent",
        "the witness mains has a low battery (3 %)",
        "notice to Ada cannot be delivered (refused)",
    ]


def last_words(at: datetime, **about: str) -> str:
    owed = Notice("key", at, "maple", Reason.OUTAGE_WARNING, (), None, None, {"last_words": "yes"} | about)
    title, text = render(owed, {}, {}, SITE)
    assert title == "Maple School: safetyd is about to go dark"
    return text


def test_the_last_words_say_since_when_until_when_and_that_nobody_watches() -> None:
    known = {"ups": "maple", "began_at": BEGAN.isoformat()}
    text = last_words(BEGAN + timedelta(minutes=40), **known)
    assert "No electricity since Tue 1 Dec 08:05, for 40 min now." in text
    assert "beyond Tue 1 Dec 10:05, the building must close" in text
    assert "nobody watches until power is back" in text and "Tell the district" in text
    late = last_words(BEGAN + timedelta(hours=2, microseconds=1), **known)
    assert "must be closed until this is resolved" in late and "beyond" not in late


def test_the_last_words_of_a_ups_elsewhere_know_of_no_outage_here() -> None:
    text = last_words(NOW, ups="cedar")
    assert "in cedar" in text and "not known to be without electricity" in text


def test_a_clock_that_was_put_back_is_the_gateways() -> None:
    about = {"clock maple/gateway": "it was put back"}
    title, _ = render(notice(Reason.TROUBLE, about=about), {}, {}, SITE)
    assert title == "Maple School: the gateway has a wrong clock (it was put back)"


def test_a_digest_lists_every_ticket_with_its_place_and_news() -> None:
    tickets = {
        f"maple-2026-{number:04d}": ticket(condition, id=f"maple-2026-{number:04d}")
        for number, condition in enumerate(Condition, 1)
    }
    news = dict(zip(tickets, ("opened", "recurred", "ended", "opened"), strict=True))
    told = notice(Reason.DIGEST, tickets=tuple(tickets), about=news)
    title, text = render(told, tickets, {}, SITE)
    assert title == "Maple School: news of 4 tickets"
    *lines, last = text.splitlines()
    assert len(lines) == 4 and last.startswith("To be done by ")
    for (id, one), line in zip(tickets.items(), lines, strict=True):
        assert id in line and "Room 12, chemistry" in line and WORDS[one.condition] in line
    assert "since Tue 1 Dec 08:05" in lines[0]
    assert "again" in lines[1] and "back in range" in lines[2]


def test_a_place_that_is_gone_from_the_site_file_is_named_by_its_id() -> None:
    one = ticket(Condition.COLD, Place("cedar", "7"))
    title, _ = render(notice(Reason.OPENED, ticket=one.id, building="cedar"), {one.id: one}, {}, SITE)
    assert "cedar" in title and "7" in title


def test_the_hour_is_that_of_the_season() -> None:
    one = replace(ticket(Condition.HEAT), began_at=datetime(2026, 9, 1, 16, 5, tzinfo=UTC))
    _, text = render(notice(Reason.OPENED, ticket=one.id), {one.id: one}, {}, SITE)
    assert "Tue 1 Sep 09:05" in text


def test_a_letter_goes_to_those_who_hold_its_roles_and_names_addresses_by_fingerprints_only() -> None:
    world, one = World(), ticket(Condition.COLD)
    world.put_ticket(one)
    (letter,) = letters(world, SITE, [notice(Reason.OPENED, ticket=one.id)], NOW)
    assert letter.people == ("Ann Lee",)
    assert letter.addresses == (("Ann Lee", fingerprint(SECRET)),), "the same address twice is one"
    for secret in ("pa55word", "t0ken", "example.org", "json://"):
        assert secret not in repr(letter)
    assert "pa55word" not in repr(SITE)


def test_two_addresses_have_two_fingerprints_and_one_has_one_for_ever() -> None:
    assert fingerprint(SECRET) == fingerprint(SECRET) != fingerprint(SECRET + "x")
    assert fingerprint("json://example.org") == "b71b27161f5e9b00"
