"""The promise: who watches a building from afar is told within 200 s of its last sign of life that it is
silent: no network, no gateway or no mains, by what is known. After more than two hours without electricity
(9.14.5) there is the ticket that the building cannot open itself. One outage has one ticket with duties.
"""

from datetime import timedelta

import pytest

from tests.district import MINUTE, NINE, District, site

TWO_HOURS = timedelta(hours=2)
GRAIN = timedelta(microseconds=1)
SILENT = timedelta(seconds=190)  # the usual `silent_after`


def district(*buildings: str, linked: bool = True, step: timedelta | None = None) -> District:
    """Return a district whose gateways have run for ten minutes."""
    made = District(site(*buildings, linked=linked), step)
    made.comes_up(link=linked)
    made.passes(minutes=10)
    return made


def events(ticket: dict) -> list[str]:
    return [row["event"] for row in ticket["history"]]


# Within 200 s


def test_a_gateway_that_speaks_once_a_minute_is_well() -> None:
    watch = district()
    watch.passes(hours=3)
    assert (watch.state(), watch.electricity()) == ("well", "on")
    assert watch.troubles() == watch.notices() == watch.tickets() == []


@pytest.mark.parametrize("linked", [True, False])
def test_silence_is_told_within_200_s_of_the_last_sign_of_life_and_not_after_three_minutes(
    linked: bool,
) -> None:
    watch = district(linked=linked)
    last = watch.falls_silent()
    watch.until(last + timedelta(seconds=180))
    assert watch.state() == "well" and watch.troubles() == watch.notices() == []
    watch.until(last + timedelta(seconds=200))
    (trouble,) = watch.standing()
    assert trouble["kind"] == "silent" and trouble["began_at"] == f"{last:%Y-%m-%dT%H:%M:%SZ}"
    (told,) = watch.notices("trouble")
    assert told["at"] <= last + timedelta(seconds=200) and told["to"] == ["Dora"]


def test_told_once_however_long_it_lasts_and_over_when_it_speaks_again() -> None:
    watch = district()
    watch.falls_silent()
    watch.passes(hours=1)
    assert len(watch.notices("trouble")) == 1
    watch.comes_up()
    watch.passes(minutes=20)
    assert watch.state() == "well" and watch.standing() == []
    assert len(watch.notices("trouble")) == len(watch.notices("trouble_over")) == 1


# The three, told apart


def test_link_up_and_no_word_is_no_gateway_and_no_clock_runs() -> None:
    watch = district()
    watch.falls_silent()
    watch.status("offline")
    watch.passes(hours=5)
    assert watch.state() == "no gateway" and watch.electricity() != "suspected"
    assert watch.tickets() == watch.notices("outage_began") == []
    (told,) = watch.notices("trouble")
    assert "no gateway" in told["title"] + told["text"] and "Maple School" in told["title"]


def test_link_down_and_no_word_on_the_mains_is_no_network_and_suspected_since_the_last_sign_of_life() -> None:
    watch = district()
    last = watch.falls_silent()
    watch.link(0)
    watch.until(last + timedelta(seconds=200))
    assert (watch.state(), watch.electricity()) == ("no network", "suspected")
    assert watch.seen()["since"] == f"{last:%Y-%m-%dT%H:%M:%SZ}"
    (began,) = watch.notices("outage_began")
    assert began["at"] <= last + timedelta(seconds=200) and began["to"] == ["Dora"]
    assert "safetyd power maple" in began["text"]


def test_what_its_ups_said_before_the_silence_is_no_mains() -> None:
    watch = district()
    out_at = watch.now
    watch.alive["maple"] = {"electricity": "out", "since": out_at}
    watch.passes(minutes=30)
    watch.life("last_words")
    last = watch.falls_silent()
    watch.life("stopped")
    watch.status("offline")
    watch.until(last + timedelta(seconds=200))
    assert (watch.state(), watch.electricity()) == ("no mains", "out")
    assert "UPS" in watch.seen()["why"]
    watch.until(out_at + TWO_HOURS)
    assert watch.tickets() == []
    watch.until(out_at + TWO_HOURS + GRAIN)
    ticket = watch.the_ticket()
    assert (ticket["presumed"], ticket["began_at"]) == (False, f"{out_at:%Y-%m-%dT%H:%M:%SZ}")


def test_what_a_gateway_learned_late_is_out_since_then_here_too() -> None:
    watch = district()
    out_at = watch.now - timedelta(minutes=9)  # a vote had to lapse before it knew
    watch.alive["maple"] = {"electricity": "out", "since": out_at}
    watch.passes(minutes=5)
    assert watch.seen()["since"] == watch.seen()["last_on_at"] == f"{out_at:%Y-%m-%dT%H:%M:%SZ}"
    watch.until(out_at + TWO_HOURS + GRAIN)
    assert watch.the_ticket()["began_at"] == f"{out_at:%Y-%m-%dT%H:%M:%SZ}"


def test_an_orderly_stop_is_told_as_such_and_nothing_is_presumed() -> None:
    watch = district()
    watch.life("stopped")
    watch.status("offline")
    watch.falls_silent()
    watch.life("stopped")
    watch.status("offline")
    watch.link(0)  # the machine goes down after it
    watch.passes(hours=5)
    assert watch.state() == "stopped" and watch.tickets() == watch.notices("outage_began") == []
    (told,) = watch.notices("trouble")
    assert "nobody watches it" in told["title"] + told["text"]


def test_a_restart_in_time_is_nobodys_business() -> None:
    watch = district()
    watch.falls_silent()
    watch.life("stopped")
    watch.status("offline")
    watch.passes(seconds=100)
    watch.comes_up()
    watch.passes(hours=1)
    assert watch.troubles() == []


def test_a_link_that_goes_after_the_gateway_starts_the_clock_where_it_was_last_known_to_be_up() -> None:
    watch = district()
    watch.falls_silent()
    watch.passes(hours=1)
    assert watch.state() == "no gateway"
    watch.link(0)
    lost_by = watch.now
    watch.passes(minutes=1)
    assert (watch.state(), watch.electricity()) == ("no network", "suspected")
    since = watch.service.world.powers[watch.service.facts.watched["maple"].sensor.place].began_at
    assert since is not None and lost_by - timedelta(minutes=2) < since <= lost_by
    assert len(watch.troubles("silent")) == 2 and len(watch.standing()) == 1


def test_a_link_that_comes_back_without_the_gateway_ends_the_suspicion() -> None:
    watch = district()
    watch.falls_silent()
    watch.link(0)
    watch.passes(minutes=30)
    assert watch.electricity() == "suspected"
    watch.link(1)
    watch.passes(minutes=16)
    assert watch.state() == "no gateway" and watch.electricity() != "suspected"
    assert len(watch.notices("outage_over")) == 1
    watch.passes(hours=4)
    assert watch.tickets() == []


# Two hours


@pytest.mark.parametrize("step", [None, timedelta(seconds=1), timedelta(seconds=47), timedelta(minutes=7)])
def test_the_ticket_opens_strictly_after_two_hours_whatever_wakes_us(step: timedelta | None) -> None:
    watch = district(step=step)
    last = watch.falls_silent()
    watch.link(0)
    watch.until(last + TWO_HOURS)
    assert watch.tickets() == []
    assert [each["at"] - last for each in watch.notices("outage_warning")] == [
        timedelta(minutes=minutes) for minutes in (60, 90, 110)
    ]
    watch.until(last + TWO_HOURS + GRAIN)
    ticket = watch.the_ticket()
    assert (ticket["id"], ticket["clause"]) == ("maple-watch-2026-0001", "9.14.5")
    assert (ticket["presumed"], ticket["status"]) == (True, "open")
    assert ticket["began_at"] == f"{last:%Y-%m-%dT%H:%M:%SZ}"
    watch.passes(seconds=10)
    (opened,) = watch.notices("opened")
    assert opened["to"] == ["Dora"] and "Nothing" not in opened["title"]


def test_a_persons_word_is_worth_more_than_a_silence() -> None:
    watch = district()
    watch.falls_silent()
    watch.link(0)
    watch.passes(minutes=30)
    said = {"do": "report", "building": "maple", "room": None, "by": "A. Roe", "mains": "on"}
    watch.service.command(said, watch.now)
    watch.passes(minutes=16)
    assert watch.tickets() == [] and len(watch.notices("outage_over")) == 1


# It comes back


def test_back_before_two_hours_with_power_there_is_no_ticket() -> None:
    watch = district()
    watch.falls_silent()
    watch.link(0)
    watch.passes(minutes=100)
    watch.comes_up()
    watch.passes(hours=4)
    assert watch.tickets() == [] and len(watch.notices("outage_over")) == 1
    assert (watch.state(), watch.electricity()) == ("well", "on")


@pytest.mark.slow
def test_back_after_two_hours_with_its_own_ticket_the_two_are_joined_and_one_has_duties() -> None:
    watch = district()
    last = watch.falls_silent()
    watch.link(0)
    watch.passes(hours=3)
    watch.comes_up()
    watch.own_ticket(last - MINUTE, watch.now - MINUTE)
    ticket = watch.the_ticket()
    assert (ticket["status"], ticket["joined"]) == ("joined", "maple-2026-0001")
    assert events(ticket) == ["opened", "heard_again", "joined"]
    assert "maple-2026-0001" in ticket["history"][2]["note"]
    before = len(watch.notices())
    watch.passes(days=30)
    told = [each for each in watch.notices()[before:] if each["ticket"] is not None]
    assert told == []
    watch.says("safetyd/tickets/maple/maple-2026-0001", b"")
    assert watch.the_ticket()["status"] == "joined" and events(watch.the_ticket())[-1] == "own_closed"
    watch.service.command({"do": "close", "ticket": ticket["id"], "by": "A. Roe"}, watch.now)
    assert watch.the_ticket()["status"] == "closed"


def test_its_own_ticket_may_come_long_after_it_is_back() -> None:
    watch = district()
    last = watch.falls_silent()
    watch.link(0)
    watch.passes(hours=3)
    watch.comes_up()
    watch.passes(hours=2)
    assert watch.the_ticket()["status"] == "open"
    watch.own_ticket(last, last + timedelta(hours=3))
    assert watch.the_ticket()["status"] == "joined"


@pytest.mark.slow
def test_back_after_two_hours_without_its_own_ours_stays_until_a_person_closes_it() -> None:
    watch = district()
    watch.falls_silent()
    watch.link(0)
    watch.passes(hours=3)
    watch.comes_up()
    watch.own_ticket(watch.now - timedelta(days=9), watch.now - timedelta(days=8))  # of another outage
    watch.own_ticket(watch.now - timedelta(hours=3), id="maple-2026-0002", condition="cold")
    watch.passes(days=15)
    ticket = watch.the_ticket()
    assert (ticket["status"], ticket["joined"]) == ("open", None)
    assert events(ticket).count("heard_again") == 1, "it does not know whether power was out meanwhile"
    assert watch.notices("reminder") or watch.notices("overdue")


@pytest.mark.parametrize("retain", [False, True])
def test_where_its_own_ticket_is_there_already_none_is_opened(retain: bool) -> None:
    watch = district()
    watch.alive["maple"] = {"electricity": "out", "since": watch.now}
    out_at = watch.now
    watch.passes(minutes=30)
    watch.own_ticket(out_at, retain=retain)  # a room grew cold: the clause's second limb
    watch.falls_silent()
    watch.passes(hours=5)
    assert watch.state() == "no mains" and watch.tickets() == []


@pytest.mark.slow
def test_the_next_outage_after_a_joined_ticket_has_a_ticket_of_its_own() -> None:
    watch = district()
    last = watch.falls_silent()
    watch.link(0)
    watch.passes(hours=3)
    watch.comes_up()
    watch.own_ticket(last, watch.now)
    watch.passes(days=2)
    watch.falls_silent()
    watch.link(0)
    watch.passes(hours=3)
    assert [(each["id"], each["status"]) for each in watch.tickets()] == [
        ("maple-watch-2026-0001", "joined"),
        ("maple-watch-2026-0002", "open"),
    ]


def test_a_person_may_take_a_joined_ticket_up_again() -> None:
    watch = district()
    last = watch.falls_silent()
    watch.link(0)
    watch.passes(hours=3)
    watch.comes_up()
    watch.own_ticket(last, watch.now)
    watch.service.command({"do": "reopen", "ticket": watch.the_ticket()["id"], "by": "A. Roe"}, watch.now)
    assert (watch.the_ticket()["status"], watch.the_ticket()["joined"]) == ("open", None)


# We ourselves


def test_all_at_once_is_said_once_of_ourselves_and_of_no_building() -> None:
    watch = district("maple", "cedar", "birch", linked=False)
    last = watch.falls_silent()
    watch.until(last + SILENT + timedelta(hours=1))
    (trouble,) = watch.standing()
    assert trouble["kind"] == "gap" and trouble["building"] is None
    (told,) = watch.notices("trouble")
    assert told["at"] <= last + timedelta(seconds=200) and "North District" in told["title"]
    assert watch.tickets() == watch.notices("outage_began") == []
    assert {watch.state(each) for each in ("maple", "cedar", "birch")} == {"unheard"}


def test_after_an_hour_of_that_every_building_counts_as_without_power_since_its_last_sign_of_life() -> None:
    watch = district("maple", "cedar", "birch", linked=False)
    last = watch.falls_silent()
    watch.until(last + SILENT + timedelta(hours=1, seconds=1))
    assert {watch.state(each) for each in ("maple", "cedar", "birch")} == {"no network"}
    assert len(watch.notices("outage_began")) == 3
    watch.until(last + timedelta(hours=2, seconds=1))
    assert {ticket["building"] for ticket in watch.tickets()} == {"maple", "cedar", "birch"}
    assert all(ticket["presumed"] for ticket in watch.tickets())
    assert {ticket["began_at"] for ticket in watch.tickets()} == {f"{last:%Y-%m-%dT%H:%M:%SZ}"}
    watch.comes_up("maple", "cedar", "birch", link=False)
    watch.passes(minutes=20)
    assert watch.standing() == [], "whoever is back says so"


def test_after_that_whoever_has_had_the_time_to_speak_and_did_not_is_raised() -> None:
    watch = district("maple", "cedar", "birch", linked=False)
    last = watch.falls_silent()
    watch.passes(minutes=50)
    watch.comes_up("cedar", "birch", link=False)
    back_at = watch.now
    watch.until(back_at + timedelta(seconds=180))
    assert watch.standing() == [] and watch.tickets() == []
    watch.until(back_at + timedelta(seconds=200))
    assert (watch.state("maple"), watch.state("cedar")) == ("no network", "well")
    watch.until(last + TWO_HOURS + timedelta(seconds=1))
    ticket = watch.the_ticket()  # it was silent for all that time
    assert (ticket["building"], ticket["presumed"]) == ("maple", True)
    assert ticket["began_at"] == f"{last:%Y-%m-%dT%H:%M:%SZ}"


def test_one_link_that_is_up_shows_that_it_is_not_our_network() -> None:
    watch = district("maple", "cedar")
    watch.falls_silent()
    watch.link(0, "maple")
    watch.passes(minutes=5)
    assert (watch.state("maple"), watch.state("cedar")) == ("no network", "no gateway")


def test_one_of_several_is_that_buildings_own_trouble() -> None:
    watch = district("maple", "cedar", linked=False)
    watch.falls_silent("maple")
    watch.passes(minutes=5)
    assert (watch.state("maple"), watch.state("cedar")) == ("no network", "well")
    assert [each["building"] for each in watch.standing()] == ["maple"]


def test_who_said_that_power_was_out_is_believed_even_if_all_fall_silent() -> None:
    watch = district("maple", "cedar", linked=False)
    out_at = watch.now
    watch.alive["maple"] = {"electricity": "out", "since": out_at}
    watch.passes(minutes=5)
    watch.falls_silent()
    watch.passes(hours=2)
    assert (watch.state("maple"), watch.state("cedar")) == ("no mains", "no network")
    assert watch.the_ticket()["building"] == "maple"


def test_while_our_own_broker_is_away_nothing_is_raised_and_that_is_said() -> None:
    watch = district()
    watch.alive.clear()
    watch.loses_broker()
    watch.passes(hours=3)
    (trouble,) = watch.standing()
    assert trouble["kind"] == "gap" and "broker" in trouble["note"]
    watch.finds_broker()
    assert watch.standing() == []
    watch.passes(seconds=100)
    watch.comes_up()
    watch.passes(hours=1)
    assert watch.tickets() == [] and len(watch.troubles()) == 1 and watch.notices("outage_began") == []


# What proves nothing


def test_a_retained_word_fills_in_what_was_last_known_and_is_no_sign_of_life() -> None:
    watch = district()
    last = watch.falls_silent()
    for _ in range(5):
        watch.passes(seconds=60)
        watch.mains("on", retain=True)
        watch.status("online", retain=True)
    assert watch.state() == "no gateway" and watch.seen()["heard_at"] == f"{last:%Y-%m-%dT%H:%M:%SZ}"
    watch.mains("out", retain=True, since=last)
    assert watch.state() == "no mains"
    watch.passes(hours=3)


def test_what_a_bridge_says_again_when_it_comes_back_is_no_sign_of_life() -> None:
    watch = district()
    last = watch.falls_silent()
    watch.link(0)
    for _ in range(6):
        watch.passes(seconds=50)
        watch.link(1)
        watch.mains("on", at=last)
        watch.status("online")
        watch.life("running")
    assert watch.state() == "no gateway" and watch.seen()["heard_at"] == f"{last:%Y-%m-%dT%H:%M:%SZ}"


def test_a_gateway_that_was_never_heard_is_told_and_starts_no_clock() -> None:
    watch = District(site("maple"))
    watch.mains("on", retain=True)
    watch.passes(hours=5)
    assert watch.state() == "no network" and "never heard" in watch.seen()["why"]
    assert watch.tickets() == watch.notices("outage_began") == []


def test_what_waited_on_its_way_counts_from_when_it_was_said() -> None:
    watch = district()
    died_at = watch.now + timedelta(minutes=40)
    watch.alive.clear()
    watch.loses_broker()  # for three hours its words wait for us; after forty minutes there are no more
    said_at = [watch.now + MINUTE * each for each in range(1, 41)]
    watch.passes(hours=3)
    watch.finds_broker()
    for at in said_at:
        watch.now += timedelta(milliseconds=2)
        watch.mains("on", at=at)
    watch.link(0, retain=True)
    watch.passes(seconds=200)
    assert watch.state() == "no network"
    assert watch.the_ticket()["began_at"] == f"{died_at:%Y-%m-%dT%H:%M:%SZ}"


def test_a_gateway_whose_clock_is_wrong_is_well_all_the_same() -> None:
    watch = district()
    watch.alive.clear()
    for _ in range(60):
        watch.passes(minutes=1)
        watch.mains("on", at=watch.now - timedelta(hours=7))
    assert watch.state() == "well"
    (trouble,) = watch.standing()
    assert trouble["kind"] == "clock" and "420 min behind" in trouble["note"]
    watch.passes(minutes=1)
    watch.mains("on")
    assert watch.standing() == []


def test_a_line_of_ours_that_comes_and_goes_does_not_hide_who_is_silent() -> None:
    watch = district()
    watch.falls_silent()
    watch.link(0)
    for _ in range(4):
        watch.passes(seconds=90)
        watch.loses_broker()
        watch.passes(seconds=5)
        watch.finds_broker()
    assert watch.state() == "no network"


@pytest.mark.parametrize(
    ("topic", "payload"),
    [
        ("safetyd/buildings/maple", b"\xff"),
        ("safetyd/buildings/maple", b'{"electricity": "perhaps"}'),
        ("safetyd/buildings/maple", b'{"electricity": "on", "at": "yesterday"}'),
        ("safetyd/status/maple-gw", b'{"state": 7}'),
        ("safetyd/gateways/maple-gw", b"[]"),
        ("safetyd/tickets/maple/maple-2026-0001", b'{"condition": "outage", "episodes": 7}'),
        ("$SYS/broker/connection/maple/state", b"well"),
    ],
)
def test_what_cannot_be_read_is_kept_with_its_reason_and_changes_nothing(topic: str, payload: bytes) -> None:
    watch = district()
    before = watch.seen()
    watch.says(topic, payload)
    assert watch.seen() | {"heard_at": ""} == before | {"heard_at": ""}
    assert watch.store.exec_driver_sql("SELECT topic FROM refused").scalars().all() == [topic]


# A restart


def test_a_restart_forgets_neither_the_silence_nor_the_clock() -> None:
    watch = district()
    last = watch.falls_silent()
    watch.link(0)
    watch.passes(minutes=90)
    watch.restarts()
    assert (watch.state(), watch.electricity()) == ("no network", "suspected")
    watch.until(last + TWO_HOURS)
    assert watch.tickets() == []
    watch.until(last + TWO_HOURS + GRAIN)
    assert watch.the_ticket()["opened_at"].startswith(f"{last + TWO_HOURS:%Y-%m-%dT%H:%M:%S}")
    assert len(watch.notices("trouble")) == len(watch.notices("outage_began")) == 1
    watch.restarts()
    watch.own_ticket(last, retain=True)
    watch.restarts()
    assert watch.the_ticket()["status"] == "joined"


@pytest.mark.parametrize("electricity", ["on", "unknown"])
def test_the_last_sign_of_life_survives_a_restart_whatever_it_said(electricity: str) -> None:
    watch = district()
    watch.alive["maple"] = {"electricity": electricity}
    watch.passes(minutes=10)
    last = watch.falls_silent()
    watch.link(0)
    watch.restarts()
    watch.passes(minutes=5)
    assert watch.seen()["heard_at"] == watch.seen()["since"] == f"{last:%Y-%m-%dT%H:%M:%SZ}"


def test_after_a_restart_everybody_has_the_time_to_speak() -> None:
    watch = district()
    watch.alive.clear()
    watch.now += timedelta(hours=1)
    watch.restarts()
    watch.passes(seconds=100)
    watch.comes_up()
    watch.passes(hours=1)
    assert watch.troubles() == []


def test_the_first_moment_is_the_schools_nine_o_clock() -> None:
    assert District().now == NINE


def test_a_building_that_leaves_the_site_file_is_waited_for_no_more_and_may_come_back() -> None:
    both, one = site("maple", "cedar"), site("cedar")
    watch = District(both)
    watch.comes_up()
    watch.passes(minutes=10)
    watch.falls_silent("maple")
    watch.passes(minutes=10)
    assert watch.state() == "no gateway"
    watch.service.take_site(one, watch.now)
    watch.passes(hours=1)
    assert watch.standing() == []
    watch.service.take_site(both, watch.now)
    watch.passes(minutes=5)
    assert watch.state() == "no gateway" and len(watch.standing()) == 1
