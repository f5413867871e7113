"""What goes wrong with the electricity and with those who watch it: each failure as it looks on the wire.

A meter that is silent or shows nothing proves nothing; a witness, or a person, knows better than any silence.
Whatever ends or begins anew meanwhile, the two hours run from the same moment to the same ticket.
"""

import json
from collections.abc import Callable, Collection, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from safetyd.bulletin import live_ticket
from safetyd.configuration import load
from safetyd.core.units import JUST_AFTER
from safetyd.ingest.message import Message
from safetyd.objects import notice_object
from safetyd.service import Service
from safetyd.store import outbox
from safetyd.store.database import open_for_writing
from tests.story import MILD, SOMEBODY, ZONE, Json, Story, Told, clock, device, instant, moments, times

MINUTE = timedelta(minutes=1)
PLUG_A, PLUG_B = "zigbee2mqtt/Plug A", "zigbee2mqtt/Plug B"
ON_MAINS = "mains_powered = true"
PLUGS = device("plug-a", "12", PLUG_A, more=ON_MAINS) + device("plug-b", "lab", PLUG_B, more=ON_MAINS)
AIR: Json = {"temperature": 21.0, "humidity": 40.0}  # °C
UPS_TOPIC = "ups/closet"
UPS = f'[[buildings.sensors]]\nid = "closet"\ntopic = "{UPS_TOPIC}/#"\nformat = "nut"\npower = true\n'


def history(ticket: Json) -> str:
    return "\n".join(f"{row['event']}: {row['note']}" for row in ticket["history"])


def hours_and_minutes(text: str) -> str:
    """Return a moment's time of day as history says it."""
    return f"{instant(text):%H:%M}"


def no_outage(told: Told) -> bool:
    """Return whether nobody was told of an outage, by ticket or by notice."""
    return not told.tickets and not told.notices("outage_began")


# A meter, and a UPS that knows better


def silent_meter_beside_a_ups(until: str = "14:00") -> Story:
    story = Story().power("08:00", until="09:00", sensor="meter", mains="on", voltage=121)
    return story.power("08:00", until=until, sensor="ups", mains="on", voltage=120)


def test_a_meter_that_died_beside_a_ups_on_line_is_a_fault_of_the_meter() -> None:
    told = silent_meter_beside_a_ups().replay()
    assert no_outage(told)
    trouble = told.the_trouble("silent", sensor="meter")
    assert (trouble["began_at"], trouble["ended_at"]) == (clock("09:15"), None)


def test_a_meter_that_died_with_its_power_leaves_the_word_to_the_ups() -> None:
    story = Story().power("08:00", until="09:00", sensor="meter", mains="on", voltage=121)
    story.power("09:01", sensor="ups", mains="off")
    assert story.replay(until="11:01").tickets == []
    ticket = story.replay(until="11:01:01").the_ticket()
    assert (ticket["began_at"], ticket["opened_at"]) == (clock("09:01"), clock("11:01"))


def ups_on_battery_beside_meters(until: str, every: int = 1) -> Story:
    story = Story().power("08:00", sensor="closet-ups", mains="off")
    for meter in ("meter-east", "meter-west"):
        story.power("07:56", until=until, every=every, sensor=meter, voltage=121)
    return story


def test_a_ups_on_battery_while_the_meters_live_is_no_outage() -> None:
    told = ups_on_battery_beside_meters("12:00").replay()
    assert no_outage(told)


@pytest.mark.parametrize(("until", "number"), [("08:04:59", 0), ("08:05", 1)])
def test_after_five_minutes_somebody_is_asked_who_has_no_power(until: str, number: int) -> None:
    told = ups_on_battery_beside_meters("08:30").replay(until=until)
    assert len(told.troubles("disagreement")) == number


def test_the_question_names_who_is_without_and_who_is_not() -> None:
    told = ups_on_battery_beside_meters("08:30").replay()
    trouble = told.the_trouble("disagreement", building="maple", room=None)
    without, _, others = trouble["note"].partition("but")
    assert "closet-ups" in without and "meter" not in without
    assert "meter-east" in others and "meter-west" in others and "closet-ups" not in others
    assert trouble["ended_at"] is None
    assert told.is_told("trouble", "closet-ups")


def test_the_question_is_asked_although_no_message_comes_at_that_moment() -> None:
    told = ups_on_battery_beside_meters("08:04", every=8).replay(until="08:06")
    assert told.the_trouble("disagreement")["began_at"] == clock("08:05")


def test_the_question_is_settled_when_the_ups_has_power_again() -> None:
    story = ups_on_battery_beside_meters("08:30").power("08:20", sensor="closet-ups", mains="on")
    trouble = story.replay().the_trouble("disagreement")
    assert trouble["ended_at"] == clock("08:20")


def test_a_ups_that_is_back_within_five_minutes_is_nobodys_business() -> None:
    story = ups_on_battery_beside_meters("08:30").power("08:04:59", sensor="closet-ups", mains="on")
    assert story.replay().troubles("disagreement") == []


# No energy is no proof


def idle_hours(since: str, hours: int, busy_after: int = 3) -> Story:
    """Return a story of a meter that says each hour how much is drawn: nothing for so many hours."""
    story = Story()
    for number in range(hours + 2 * busy_after):
        watts = 0.0 if busy_after <= number < busy_after + hours else 412.5
        story.power(clock(since, hours=number - busy_after), sensor="meter", power_w=watts)
    return story


@pytest.mark.parametrize("hours", [7, 17, 30])
def test_hours_of_no_energy_are_no_outage(hours: int) -> None:
    told = idle_hours("08:00", hours).replay()
    assert no_outage(told)
    assert told.rejected() == []


@pytest.mark.parametrize("hours", [7, 17, 30])
@pytest.mark.parametrize("night", ["2012-11-03 20:00", "2013-03-09 20:00"], ids=["doubled", "missing"])
def test_nor_are_they_in_a_night_when_the_clocks_are_changed(night: str, hours: int) -> None:
    assert no_outage(idle_hours(night, hours).replay())


NOVEMBER = ["2012-11-04T00:00:00-07:00", "2012-11-04T01:00:00-07:00", "2012-11-04T01:00:00-08:00",
            "2012-11-04T02:00:00-08:00", "2012-11-04T03:00:00-08:00"]  # fmt: skip
MARCH = ["2013-03-10T00:00:00-08:00", "2013-03-10T01:00:00-08:00", "2013-03-10T03:00:00-07:00",
         "2013-03-10T04:00:00-07:00", "2013-03-10T05:00:00-07:00"]  # fmt: skip


@pytest.mark.parametrize("stamps", [NOVEMBER, MARCH], ids=["doubled", "missing"])
def test_the_hours_of_such_a_night_by_the_meters_own_clock_are_five_readings(stamps: list[str]) -> None:
    story = Story()
    for stamp in stamps:
        arrival = datetime.fromisoformat(stamp).astimezone(UTC) + timedelta(seconds=30)
        story.says(
            f"{arrival:%Y-%m-%dT%H:%M:%SZ}",
            "safetyd/power/maple/meter",
            json.dumps({"power_w": 0, "ts": stamp}),
        )
    told = story.replay()
    assert no_outage(told)
    assert told.troubles("clock") == [] and told.rejected() == []


@pytest.mark.parametrize("first", ["2012-11-04T00:00:00", "2013-03-10T00:00:00"], ids=["doubled", "missing"])
def test_a_meter_that_names_no_zone_makes_no_outage_of_such_a_night(first: str) -> None:
    story = Story()
    begin = instant(first.replace("T", " "))
    for number in range(8):
        at = begin + timedelta(hours=number)
        wall = at.astimezone(ZONE).strftime("%Y-%m-%dT%H:%M:%S")
        text = json.dumps({"power_w": 0, "ts": wall})
        story.says(f"{at:%Y-%m-%dT%H:%M:%SZ}", "safetyd/power/maple/meter", text)
    assert no_outage(story.replay())


def test_an_outage_across_the_doubled_hour_is_two_elapsed_hours() -> None:
    story = Story().power("2012-11-04 00:30", mains="off")
    assert story.replay(until=clock("2012-11-04 00:30", hours=2)).tickets == []
    ticket = story.replay(until=clock("2012-11-04 00:30", hours=2, seconds=1)).the_ticket()
    assert ticket["opened_at"] == "2012-11-04T09:30:00Z"


def test_an_outage_across_the_missing_hour_is_two_elapsed_hours() -> None:
    story = Story().power("2013-03-10 01:30", mains="off")
    assert story.replay(until="2013-03-10 04:30").tickets == []
    ticket = story.replay(until="2013-03-10 04:30:01").the_ticket()
    assert ticket["opened_at"] == "2013-03-10T11:30:00Z"


def test_a_meter_at_nothing_does_not_speak_against_a_ups_on_battery() -> None:
    story = idle_hours("08:00", 7).power("08:10", sensor="ups", mains="off")
    ticket = story.replay().the_ticket()
    assert (ticket["began_at"], ticket["opened_at"]) == (clock("08:10"), clock("10:10"))


# Everything silent


def silent_since_nine(rules: str = "", **more: str) -> Story:
    """Return a story in which all that lives on the mains was last heard at nine; a battery speaks on."""
    story = Story(rules=rules, sensors=more.get("sensors", PLUGS), rooms=("12", "lab", "hall"))
    story.sends(PLUG_A, "08:02", until="08:57", **AIR).sends(PLUG_B, "08:00", until="09:00", **AIR)
    return story.reading("hall", "08:00", until="15:00", **MILD)


def test_silence_of_all_is_suspected_a_quarter_of_an_hour_after_their_last_word() -> None:
    story = silent_since_nine()
    assert story.replay(until="09:15").notices("outage_began") == []
    (notice,) = story.replay(until="09:15:01").notices("outage_began")
    assert set(notice["roles"]) == {"administrator", "facilities", "district"}


def test_that_notice_is_dated_by_the_moment_of_the_limit() -> None:
    (notice,) = silent_since_nine().replay(until="09:16").notices("outage_began")
    assert notice["at"] == clock("09:15")


def test_the_suspicion_asks_people() -> None:
    (notice,) = silent_since_nine().replay(until="10:00").notices("outage_began")
    assert "may be" in notice["title"]
    assert "09:00" in notice["text"] and "safetyd power maple off --by" in notice["text"]


def test_the_ticket_comes_a_second_after_two_hours_from_their_last_word() -> None:
    assert silent_since_nine().replay(until="11:00").tickets == []
    ticket = silent_since_nine().replay(until="11:00:01").the_ticket()
    assert (ticket["building"], ticket["room"], ticket["clause"]) == ("maple", None, "9.14.5")
    assert (ticket["began_at"], ticket["opened_at"]) == (clock("09:00"), clock("11:00"))
    assert "presumed" in history(ticket)


@pytest.mark.parametrize("reason", ["outage_warning", "opened"])
def test_whatever_is_said_of_it_says_that_nobody_knows_for_certain(reason: str) -> None:
    notices = silent_since_nine().replay(until="11:01").notices(reason)
    assert notices
    for notice in notices:
        text = f"{notice['title']}\n{notice['text']}".lower()
        assert any(word in text for word in ("may be", "presumed", "confirm")), text


def test_one_device_alone_proves_nothing() -> None:
    story = silent_since_nine(sensors=device("plug-a", "12", PLUG_A, more=ON_MAINS))
    assert no_outage(story.replay())


def test_devices_that_live_on_batteries_prove_nothing() -> None:
    told = silent_since_nine(sensors=PLUGS.replace(ON_MAINS, "")).replay()
    assert no_outage(told)
    assert {trouble["sensor"] for trouble in told.troubles("silent")} == {"plug-a", "plug-b"}


def test_one_of_them_that_still_speaks_is_proof_of_power() -> None:
    assert no_outage(silent_since_nine().sends(PLUG_A, "09:02", until="15:00", **AIR).replay())


@pytest.mark.parametrize(
    "said", [{"state": "ON", "power": 4.5, "voltage": 121}, {"state": "ON", "linkquality": 120}]
)
def test_a_plug_is_heard_whatever_it_says(said: Json) -> None:
    story = Story(sensors=PLUGS)
    for topic in (PLUG_A, PLUG_B):
        story.sends(topic, "08:00", until="09:00", **said)
    assert story.replay(until="11:00").tickets == []
    assert "presumed" in history(story.replay(until="11:00:01").the_ticket())


def test_a_witness_on_line_outweighs_their_silence() -> None:
    assert no_outage(silent_since_nine().power("08:00", until="15:00", sensor="ups", mains="on").replay())


def test_when_the_witness_falls_silent_too_it_counts_from_its_last_word() -> None:
    story = silent_since_nine().power("08:00", until="09:40", sensor="ups", mains="on")
    assert story.replay(until="11:40").tickets == []
    ticket = story.replay(until="11:40:01").the_ticket()
    assert (ticket["began_at"], ticket["opened_at"]) == (clock("09:40"), clock("11:40"))


# ... and somebody knows


def test_a_witness_confirms_it_and_it_is_presumed_no_longer() -> None:
    story = silent_since_nine().power("10:30", sensor="ups", mains="off")
    assert story.replay(until="11:00").tickets == []
    ticket = story.replay(until="11:00:01").the_ticket()
    assert (ticket["began_at"], ticket["opened_at"]) == (clock("09:00"), clock("11:00"))
    assert "presumed" not in history(ticket)


def test_a_witness_confirms_what_is_ticketed_and_history_says_so() -> None:
    ticket = silent_since_nine().power("11:20", sensor="ups", mains="off").replay(until="11:21").the_ticket()
    assert [row["event"] for row in ticket["history"]] == ["opened", "confirmed"]
    assert ticket["history"][1]["at"] == clock("11:20")
    assert ticket["began_at"] == clock("09:00")


def test_a_person_confirms_it() -> None:
    story = silent_since_nine().report("11:20", None, mains="off", note="dark everywhere")
    ticket = story.replay(until="11:21").the_ticket()
    assert "presumed" in ticket["history"][0]["note"]
    assert "confirmed" in [row["event"] for row in ticket["history"]]
    assert SOMEBODY in {row["by"] for row in ticket["history"]}
    assert "dark everywhere" in history(ticket)
    assert ticket["verdict"] == "breach"


def test_a_person_confirms_it_before_the_ticket() -> None:
    story = silent_since_nine().report("10:00", None, mains="off")
    ticket = story.replay(until="11:00:01").the_ticket()
    assert (ticket["began_at"], ticket["opened_at"]) == (clock("09:00"), clock("11:00"))
    assert "presumed" not in history(ticket)


def test_a_person_is_a_witness_without_any_device() -> None:
    story = Story().report("08:00", None, mains="off")
    assert story.replay(until="10:00").tickets == []
    assert story.replay(until="10:00:01").the_ticket()["began_at"] == clock("08:00")


RULES_OF_RETURN = [
    "",
    'outage = { restored_after = "5m" }',
    'outage = { restored_after = "30m" }',
    'quality = { stale_after = "10m" }',
]


@pytest.mark.parametrize("rules", RULES_OF_RETURN)
@pytest.mark.parametrize("at", ["09:16", "10:30", "10:59:59"])
def test_a_person_denies_it_and_it_does_not_come_back_by_itself(at: str, rules: str) -> None:
    story = silent_since_nine(rules).report(at, None, mains="on")
    assert story.replay(until="15:00").tickets == []


def test_denied_once_it_is_asked_about_once() -> None:
    told = silent_since_nine().report("10:00", None, mains="on").replay(until="15:00")
    assert len(told.notices("outage_began")) == 1
    assert [at for at in times(told.notices("outage_warning")) if at > clock("10:00")] == []


@pytest.mark.parametrize("rules", RULES_OF_RETURN)
def test_denied_after_the_ticket_the_episode_is_over_and_stays_over(rules: str) -> None:
    told = silent_since_nine(rules).report("11:30", None, mains="on", note="all lit").replay(until="15:00")
    (episode,) = told.the_ticket()["episodes"]
    assert episode["ended_at"] == clock("11:30")
    assert "all lit" in history(told.the_ticket())
    assert told.the_ticket()["status"] == "open"  # only a person closes it


def test_after_a_denial_they_may_speak_and_fall_silent_again() -> None:
    story = silent_since_nine().report("10:00", None, mains="on")
    for plug in (PLUG_A, PLUG_B):
        story.sends(plug, "10:30", until="11:00", **AIR)
    assert story.replay(until="13:00").tickets == []
    assert story.replay(until="13:00:01").the_ticket()["began_at"] == clock("11:00")


@pytest.mark.parametrize("more", [{"room": "12", "mains": "off"}, {"room": None, "mains": "dim"}])
def test_a_report_that_makes_no_sense_is_refused(more: Json) -> None:
    told = Story().report("08:00", **more).replay(until="11:00")
    assert no_outage(told)
    assert len(told.rejected("action")) == 1


def test_a_report_needs_a_name() -> None:
    told = Story().report("08:00", None, mains="off", by="").replay(until="11:00")
    assert no_outage(told) and len(told.rejected("action")) == 1


# A generator


@pytest.mark.parametrize(
    ("quorum", "is_out"),
    [('"majority"', True), ('"all"', False), ('"any"', True), ("1", True), ("2", True), ("3", False)],
)
def test_one_of_three_on_a_generator_is_outvoted_or_not(quorum: str, is_out: bool) -> None:
    story = Story(rules=f"outage = {{ quorum = {quorum} }}")
    story.power("07:55", until="11:00", sensor="generator", mains="on")
    story.power("08:00", sensor="east", mains="off").power("08:03", sensor="west", mains="off")
    assert story.replay(until="10:00").tickets == []
    tickets = story.replay(until="10:00:01").tickets
    assert [ticket["began_at"] for ticket in tickets] == [clock("08:00")] * is_out


@pytest.mark.parametrize(
    ("quorum", "is_out"),
    [('"majority"', False), ('"all"', False), ('"any"', True), ("1", True), ("2", False)],
)
def test_one_of_three_without_power_is_an_outage_or_not(quorum: str, is_out: bool) -> None:
    story = Story(rules=f"outage = {{ quorum = {quorum} }}").power("08:00", sensor="east", mains="off")
    for lit in ("west", "gym"):
        story.power("07:55", until="11:00", sensor=lit, mains="on")
    assert bool(story.replay(until="10:30").tickets) is is_out


# Flapping


def flapping(returns: Collection[str]) -> Story:
    """Return a story in which the lights are on for four minutes at these times, and for good at eleven."""
    story = Story().power("08:00", mains="off")
    for at in returns:
        story.power(at, mains="on").power(clock(at, minutes=4), mains="off")
    return story.power("11:00", until="11:30", mains="on")


@pytest.mark.parametrize(
    "returns", [["08:30"], ["08:30", "09:10", "09:40"], ["08:30", "10:10", "10:15", "10:40"]]
)
def test_returns_too_short_are_counted_and_the_clock_runs_on(returns: list[str]) -> None:
    ticket = flapping(returns).replay().the_ticket()
    assert (ticket["began_at"], ticket["opened_at"]) == (clock("08:00"), clock("10:00"))
    (episode,) = ticket["episodes"]
    assert episode["ended_at"] == clock("11:00")
    (ended,) = [row for row in ticket["history"] if row["event"] == "ended"]
    assert f"{len(returns)} short return" in ended["note"]


def test_without_any_none_is_spoken_of() -> None:
    assert "return" not in history(flapping([]).replay().the_ticket())


@pytest.mark.parametrize(("again", "is_short"), [("08:44:59", True), ("08:45:01", False)])
def test_a_return_of_a_quarter_of_an_hour_is_none_of_them(again: str, is_short: bool) -> None:
    story = Story().power("08:00", mains="off").power("08:30", until="08:40", mains="on")
    story.power(again, mains="off").power("13:00", until="13:30", mains="on")
    ticket = story.replay().the_ticket()
    assert ticket["began_at"] == (clock("08:00") if is_short else clock(again))
    assert ("1 short return" in history(ticket)) is is_short


def test_they_are_counted_while_it_is_only_presumed() -> None:
    story = silent_since_nine().sends(PLUG_A, "10:00", **AIR)  # and falls silent again at once
    story.power("10:10", sensor="ups", mains="off").power("11:30", until="12:00", sensor="ups", mains="on")
    story.sends(PLUG_A, "11:30", until="12:00", **AIR).sends(PLUG_B, "11:30", until="12:00", **AIR)
    ticket = story.replay(until="12:00").the_ticket()
    assert ticket["began_at"] == clock("09:00")
    assert "1 short return" in history(ticket)


# Volts


@pytest.mark.parametrize(("volts", "is_out"), [(79.9, True), (80.0, False)])
def test_volts_below_two_thirds_twice_running_are_an_outage_from_the_first(
    volts: float, is_out: bool
) -> None:
    story = Story().power("07:50", until="07:55", voltage=121).power("08:00", until="08:05", voltage=volts)
    assert bool(story.replay(until="10:00").tickets) is False
    tickets = story.replay(until="10:00:01").tickets
    assert [ticket["began_at"] for ticket in tickets] == [clock("08:00")] * is_out


def test_once_is_a_dip() -> None:
    story = Story().power("07:50", until="07:55", voltage=121).power("08:00", voltage=30)
    assert no_outage(story.replay(until="14:00"))


@pytest.mark.parametrize(("volts", "is_out"), [(153.3, True), (153.4, False)])
def test_of_what_the_building_is_supplied_with(volts: float, is_out: bool) -> None:
    story = Story(rules="outage = { nominal_v = 230 }").power("08:00", until="08:05", voltage=volts)
    assert bool(story.replay(until="10:01").tickets) is is_out


def ups(story: Story, at: str, status: str, *, until: str | None = None, **more: str) -> Story:
    variables = {"ups.status": status} | {name.replace("_", ".", 1): value for name, value in more.items()}
    for moment in moments(at, until or at):
        said = {"timestamp": moment, "online": True, "variables": variables}
        story.says(moment, f"{UPS_TOPIC}/state", json.dumps(said))
    return story


def test_on_line_with_a_lone_zero_volts_is_on_line() -> None:
    story = ups(Story(sensors=UPS), "08:00", "OL", until="08:55", input_voltage="121.0")
    ups(story, "09:00", "OL", input_voltage="0.0")
    ups(story, "09:05", "OL", until="13:00", input_voltage="121.0")
    assert no_outage(story.replay())


def test_on_line_with_a_lone_zero_volts_in_a_message_of_its_own_is_on_line() -> None:
    story = Story(sensors=UPS)
    for at in moments("08:00", "13:00"):
        story.says(at, f"{UPS_TOPIC}/ups/status", "OL")
        volts = "0.0" if at == clock("09:00") else "121.0"
        story.says(clock(at, seconds=1), f"{UPS_TOPIC}/input/voltage", volts)
    assert no_outage(story.replay())


@pytest.mark.parametrize("status", ["OB", "OB DISCHRG", "OB LB", "FSD OB LB", "ALARM OB DISCHRG"])
def test_on_battery_is_an_outage_whatever_words_stand_beside(status: str) -> None:
    story = ups(Story(sensors=UPS), "08:00", status)
    assert story.replay(until="10:00").tickets == []
    assert story.replay(until="10:00:01").the_ticket()["began_at"] == clock("08:00")


# Lost communication


@pytest.mark.parametrize("status", ["COMMLOST", "OL COMMLOST", "ALARM COMMLOST"])
def test_lost_communication_is_no_outage(status: str) -> None:
    story = ups(Story(sensors=UPS), "08:00", "OL", until="09:00")
    assert no_outage(ups(story, "09:05", status, until="14:00").replay())


def test_lost_communication_is_not_on_either() -> None:
    story = ups(Story(sensors=UPS), "07:30", "OL", until="08:30").power("08:30", sensor="panel", mains="off")
    ups(story, "08:35", "OL COMMLOST", until="12:00")
    ticket = story.replay().the_ticket()  # the last OL counts for a quarter of an hour; then one is all
    assert ticket["began_at"] == clock("08:30")


def test_lost_communication_ends_no_outage() -> None:
    story = ups(Story(sensors=UPS), "08:00", "OB")
    ticket = ups(story, "08:05", "COMMLOST", until="12:00").replay().the_ticket()
    assert (ticket["opened_at"], ticket["episodes"][0]["ended_at"]) == (clock("10:00"), None)


# Two hours, and between which moments


@pytest.mark.parametrize(("back", "is_long"), [("10:00:00", False), ("10:00:01", True)])
def test_an_outage_of_two_hours_and_one_of_a_second_more(back: str, is_long: bool) -> None:
    story = Story().power("07:43", until="07:58", mains="on").power("08:00", mains="off")
    told = story.power(back, until="10:30", mains="on").replay()
    assert bool(told.tickets) is is_long
    assert len(told.notices("outage_over")) == 1


def test_the_opening_says_since_when_and_when_power_was_last_known_to_be_on() -> None:
    story = Story().power("07:43", until="07:58", mains="on").power("08:00", mains="off")
    (opened,) = story.replay(until="10:00:01").the_ticket()["history"]
    assert opened["event"] == "opened"
    for known in ("07:58", "08:00"):
        assert hours_and_minutes(known) in opened["note"]


def test_without_any_word_before_there_is_no_such_bound() -> None:
    (opened,) = Story().power("08:00", mains="off").replay(until="10:00:01").the_ticket()["history"]
    assert "known to be on" not in opened["note"]


def test_a_bound_of_the_day_before_is_not_taken_for_one_of_the_same_day() -> None:
    story = Story().power("2026-12-01 12:00", mains="on")
    (opened,) = (
        story.power("2026-12-02 13:00", mains="off").replay(until="2026-12-02 15:01").the_ticket()["history"]
    )
    assert "2026-12-01" in opened["note"]


# Whatever ends meanwhile

NINE = instant("09:00")
END = NINE + 170 * MINUTE
SITE = """
name = "Riverbend"
timezone = "America/Los_Angeles"
[[buildings]]
id = "maple"
name = "Maple School"
[[buildings.rooms]]
id = "12"
name = "Room 12"
[[buildings.rooms]]
id = "lab"
name = "Room lab"
"""
PERSON = '[[people]]\nname = "Ada"\nroles = ["administrator", "facilities", "district"]\nnotify = []\n'


def said(minute: int, topic: str, **values: object) -> tuple[datetime, Message]:
    at = NINE + minute * MINUTE
    return at, Message(at, topic, json.dumps(values).encode())


def by_a_ups() -> list[tuple[datetime, Message]]:
    """Return what a UPS says of an outage of 130 minutes: each five minutes the same, with one flicker."""
    words = [said(minute, "safetyd/power/maple/ups", mains="on") for minute in range(-20, 0, 5)]
    words += [said(minute, "safetyd/power/maple/ups", mains="off") for minute in range(0, 130, 5)]
    words += [said(72, "safetyd/power/maple/ups", mains="on")]
    words += [said(minute, "safetyd/power/maple/ups", mains="on") for minute in range(130, 165, 5)]
    return sorted(words)


def by_silence() -> list[tuple[datetime, Message]]:
    """Return what two plugs say before and after an outage of 130 minutes."""
    minutes = [*range(-20, 1, 5), *range(130, 165, 5)]
    return sorted(said(minute, topic, **AIR) for minute in minutes for topic in (PLUG_A, PLUG_B))


class Watch:
    """A service on a store on disk that may end at any moment and begin again at the next."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        (folder / "safetyd.toml").write_text('site = ["site.toml"]\n', encoding="utf-8")
        (folder / "site.toml").write_text(SITE + PLUGS + PERSON, encoding="utf-8")
        self._loaded = load(folder / "safetyd.toml", {})

    @contextmanager
    def _begun(self, at: datetime) -> Iterator[Service]:
        with closing(open_for_writing(self._loaded.settings.store.url)) as connection:
            yield Service(connection, self._loaded.site, "safetyd", at)

    def lives(
        self, words: list[tuple[datetime, Message]], ends: Collection[int], *, in_order: bool
    ) -> tuple[Json, list[Json]]:
        """Return the one ticket and all notices, when it ends at these minutes after nine."""
        waiting = list(words)
        lives = [*(NINE + minute * MINUTE + MINUTE / 2 for minute in sorted(ends)), END]
        began_at = NINE - 30 * MINUTE
        for ends_at in lives:
            with self._begun(began_at) as service:
                while waiting and waiting[0][0] <= ends_at:
                    at, message = waiting.pop(0)
                    self._pass(service, at - JUST_AFTER)
                    service.take(message)
                    service.commit(at)
                self._pass(service, ends_at)
                if in_order:
                    service.save_all(ends_at)
                if ends_at == END:
                    service.commit(END)
                    tickets = [live_ticket(service, each, END) for each in service.world.tickets.values()]
                    notices = [notice_object(each) for each in outbox.notices(service.connection)]
            began_at = ends_at
        (ticket,) = tickets
        return ticket, notices

    @staticmethod
    def _pass(service: Service, until: datetime) -> None:
        while (due := service.world.next_due()) is not None and due <= until:
            service.elapse(due)
            service.commit(due)


EVERY_MINUTE = range(131)
IN_ORDER = pytest.mark.parametrize("in_order", [True, False], ids=["stopped", "killed"])


@pytest.fixture
def watch(tmp_path: Path) -> Callable[[], Watch]:
    made: list[Watch] = []

    def make() -> Watch:
        made.append(Watch(tmp_path / f"watch{len(made)}"))
        return made[-1]

    return make


@IN_ORDER
def test_a_service_that_ends_at_every_minute_of_an_outage_tells_the_same(
    in_order: bool, watch: Callable[[], Watch]
) -> None:
    ticket, notices = watch().lives(by_a_ups(), (), in_order=in_order)
    assert (ticket["began_at"], ticket["opened_at"]) == (clock("09:00"), clock("11:00"))
    assert ticket["episodes"][0]["ended_at"] == clock("11:10")
    assert {"outage_began", "outage_warning", "outage_over"} < {notice["reason"] for notice in notices}
    assert watch().lives(by_a_ups(), EVERY_MINUTE, in_order=in_order) == (ticket, notices)


@pytest.mark.slow
def test_a_service_that_ends_once_at_any_minute_of_an_outage_tells_the_same(
    watch: Callable[[], Watch],
) -> None:
    without = watch().lives(by_a_ups(), (), in_order=False)
    for minute in EVERY_MINUTE:
        assert watch().lives(by_a_ups(), [minute], in_order=False) == without, f"ended at {minute} min"


@pytest.mark.slow
def test_a_service_that_ends_once_in_a_presumed_outage_opens_the_same_ticket(
    watch: Callable[[], Watch],
) -> None:
    ticket, _ = watch().lives(by_silence(), (), in_order=False)
    assert (ticket["began_at"], ticket["opened_at"]) == (clock("09:00"), clock("11:00"))
    for minute in EVERY_MINUTE:
        again, _ = watch().lives(by_silence(), [minute], in_order=False)
        for of in (ticket, again):
            for episode in of["episodes"]:
                episode.pop("coverage", None)  # the suspicion itself may come later
        assert again == ticket, f"ended at {minute} min"


def test_a_late_word_that_changes_nothing_joins_no_two_outages_that_only_touch() -> None:
    story = Story().power("09:55", mains="on", sensor="m").power("09:55", mains="on", sensor="n")
    story.power("10:00", until="16:00", mains="off", sensor="m")
    story.power("10:01", until="12:56", mains="off", sensor="n")
    story.power("13:01", until="13:26", mains="on", sensor="n")
    story.power("13:31", until="16:00", mains="off", sensor="n")
    story.act("15:10", "relieve", tier="immediate", kind="alternative_space", note="in the gym")
    before = story.replay(until="16:00")
    for at, said_at in (("15:20:30", "12:33"), ("15:40:30", "12:34")):
        story.says(at, "safetyd/power/maple/n", json.dumps({"mains": "off", "ts": clock(said_at)}))
    after = story.replay(until="16:00")
    assert [each["status"] for each in after.tickets] == [each["status"] for each in before.tickets]
    assert len(after.notices("recurred")) == len(before.notices("recurred"))


def test_who_heard_that_electricity_is_back_hears_that_it_is_not() -> None:
    story = (
        Story().power("09:55", mains="on", sensor="m").power("10:00", until="11:00", mains="off", sensor="m")
    )
    story.power("11:05", until="11:25", mains="on", sensor="m")
    late = json.dumps({"mains": "off", "ts": clock("11:16")})
    story.says("11:28", "safetyd/power/maple/m", late).power("11:30", until="11:50", mains="off", sensor="m")
    story.power("11:55", until="12:30", mains="on", sensor="m")
    told = story.replay(until="12:30")
    heard = [*told.notices("outage_began"), *told.notices("outage_over")]
    assert [each["reason"] for each in sorted(heard, key=lambda each: str(each["at"]))] == [
        "outage_began",
        "outage_over",
        "outage_began",
        "outage_over",
    ]
