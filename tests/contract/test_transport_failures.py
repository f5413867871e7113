"""What goes wrong on the way and with clocks: each failure injected as it looks on the wire.

What was said before, or by a clock that is wrong, is never taken for news; what does not come is unknown and
a trouble, never ok, and what comes late is judged by its own time.
"""

import json

import pytest

from tests.story import COLD, MILD, Json, Story, Told, clock, device, moments

TOPIC = "safetyd/readings/maple/12"
ZIGBEE, BRIDGE = "zigbee2mqtt/Room 12", "zigbee2mqtt/bridge/state"
PROBE = device("probe", "12", ZIGBEE)
ONLINE, OFFLINE = '{"state":"online"}', '{"state":"offline"}'
COOL: Json = {"temperature": 14.0, "humidity": 40.0}  # °C: a breach
FINE: Json = {"temperature": 21.0, "humidity": 40.0}
TWICE = "cold = { confirm = 2 }"

UPLINK = "application/4/device/70b3d57ed0000012/event/up"
LORA = device("probe", "12", UPLINK, "chirpstack")

CORRIDOR = ("r1", "r2", "r3", "r4")
BEHIND_ONE_BRIDGE = "".join(device(f"s-{room}", room, f"zigbee2mqtt/{room}") for room in CORRIDOR)


def uplink(
    story: Story, at: str, frame: int, celsius: float, *, sent_at: str = "", session: str = "01ab23cd"
) -> Story:
    """Add one frame of a radio sensor; it was sent when it arrives unless that is said."""
    held = {"TempC_SHT": celsius, "Hum_SHT": 40.0}
    keys = {"devAddr": session} if session else {}
    return story.sends(UPLINK, at, time=clock(sent_at or at), fCnt=frame, object=held, **keys)


def corridor(until: str = "08:30", silent: tuple[str, ...] = (), apart_s: int = 0) -> Story:
    """Return a story in which every room of a corridor speaks through one bridge, but for silent ones."""
    story = Story(sensors=BEHIND_ONE_BRIDGE, rooms=CORRIDOR)
    for number, room in enumerate(CORRIDOR):
        if room not in silent:
            for at in moments("08:00", until):
                story.sends(f"zigbee2mqtt/{room}", clock(at, seconds=number * apart_s), **FINE)
    return story


def told_of_troubles(told: Told) -> int:
    return len(told.notices("trouble"))


# Retained, cached, repeated


def test_a_retained_state_opens_nothing_and_its_room_is_unknown() -> None:
    story = Story(sensors=PROBE).says("08:05", ZIGBEE, json.dumps(COOL), retain=True)
    told = story.replay(until="08:10")
    assert told.tickets == []
    assert told.room("12") == (0, 0, 300)


def test_a_retained_state_confirms_ends_and_refreshes_nothing() -> None:
    story = Story(sensors=PROBE, rules=TWICE).sends(ZIGBEE, "08:00", **COOL)
    story.says("08:05", ZIGBEE, json.dumps(COOL), retain=True)
    assert story.replay(until="08:10").tickets == []
    story.sends(ZIGBEE, "08:10", **COOL)
    for at in moments("08:15", "09:30"):
        story.says(at, ZIGBEE, json.dumps(FINE), retain=True)
    told = story.replay()
    assert told.the_ticket()["episodes"][0]["ended_at"] is None
    assert told.room("12") == (0, 1500, 3900)


def test_a_retained_state_is_no_sign_of_life() -> None:
    story = Story(sensors=PROBE).sends(ZIGBEE, "08:00", **FINE)
    for at in moments("08:05", "09:00"):
        story.says(at, ZIGBEE, json.dumps(FINE), retain=True)
    trouble = story.replay().the_trouble("silent", sensor="probe")
    assert (trouble["began_at"], trouble["ended_at"]) == (clock("08:15"), None)


@pytest.mark.parametrize("word", ["online", ONLINE])
@pytest.mark.parametrize(("at", "counts"), [("08:00:01", False), ("08:00:10", False), ("08:00:11", True)])
def test_what_a_bridge_remembers_when_it_comes_back_is_no_news(word: str, at: str, counts: bool) -> None:
    story = Story(sensors=PROBE).says("08:00", BRIDGE, word).sends(ZIGBEE, at, **COOL)
    told = story.replay(until="08:05")
    assert bool(told.tickets) is counts
    assert (told.room("12")[1] > 0) is counts
    assert told.room("12")[0] == 0


def test_the_burst_confirms_nothing_ends_nothing_and_is_no_sign_of_life() -> None:
    story = Story(sensors=PROBE, rules=TWICE).sends(ZIGBEE, "08:00", **COOL).says("08:05", BRIDGE, ONLINE)
    story.sends(ZIGBEE, "08:05:02", **COOL)
    told = story.replay(until="08:30")
    assert told.tickets == []
    assert told.the_trouble("silent", sensor="probe")["began_at"] == clock("08:15")
    story.sends(ZIGBEE, "08:30", until="08:35", **COOL)
    for at in moments("08:40", "09:40"):
        story.says(at, BRIDGE, ONLINE).sends(ZIGBEE, clock(at, seconds=2), **FINE)
    assert story.replay().the_ticket()["episodes"][0]["ended_at"] is None


@pytest.mark.parametrize(
    "seen", [clock("08:00:02"), clock("08:00:02").replace("Z", ".000Z"), 1796140802000], ids=str
)
def test_a_burst_that_says_when_it_was_true_counts(seen: object) -> None:
    story = Story(sensors=PROBE).says("08:00", BRIDGE, ONLINE)
    told = story.sends(ZIGBEE, "08:00:03", last_seen=seen, **COOL).replay(until="08:05")
    assert told.the_ticket()["began_at"] == clock("08:00:02")


def test_a_burst_of_a_word_that_was_heard_before_adds_nothing() -> None:
    story = Story(sensors=PROBE, rules=TWICE).sends(ZIGBEE, "07:50:01", last_seen=clock("07:50"), **COOL)
    story.says("08:00", BRIDGE, ONLINE).sends(ZIGBEE, "08:00:03", last_seen=clock("07:50"), **COOL)
    told = story.replay(until="08:20")
    assert told.tickets == []
    assert told.room("12")[1] <= 900


def test_a_message_that_is_delivered_again_counts_once() -> None:
    story = Story(rules=TWICE)
    for at in ("08:05", "08:05:01", "08:07"):
        story.reading("12", at, ts=clock("08:04:59"), **COLD)
    told = story.replay(until="08:25")
    assert told.tickets == []
    assert told.room("12") == (0, 899, 301)


@pytest.mark.parametrize(("at", "is_second"), [("08:02:29", False), ("08:02:30", True)])
def test_the_same_value_without_a_stamp_is_a_second_reading_after_half_the_interval(
    at: str, is_second: bool
) -> None:
    probe = device("probe", "12", ZIGBEE, more='interval = "5m"')
    story = Story(sensors=probe, rules=TWICE).sends(ZIGBEE, "08:00", **COOL).sends(ZIGBEE, at, **COOL)
    assert bool(story.replay(until="08:04").tickets) is is_second


def test_another_value_is_a_second_reading_at_once() -> None:
    probe = device("probe", "12", ZIGBEE, more='interval = "5m"')
    story = Story(sensors=probe, rules=TWICE).sends(ZIGBEE, "08:00", **COOL)
    story.sends(ZIGBEE, "08:00:20", temperature=14.1, humidity=40.0)
    assert len(story.replay(until="08:04").tickets) == 1


# Frames of a radio network


def test_a_frame_that_comes_twice_counts_once() -> None:
    story = uplink(Story(sensors=LORA, rules=TWICE), "08:00", 41, 14.0)
    uplink(story, "08:00:03", 41, 14.0)  # by another gateway, with its own time
    assert story.replay(until="08:05").tickets == []
    uplink(story, "08:05", 42, 14.0)
    assert story.replay(until="08:10").the_ticket()["began_at"] == clock("08:00")


def test_a_frame_that_comes_again_keeps_nothing_fresh() -> None:
    story = uplink(Story(sensors=LORA), "08:00", 41, 21.0)
    uplink(story, "08:10", 41, 21.0)
    assert story.replay(until="08:30").room("12") == (900, 0, 900)


@pytest.mark.parametrize("session", ["01ab23cd", ""], ids=["version 4", "version 3"])
def test_a_counter_that_begins_again_is_no_repeat(session: str) -> None:
    story = Story(sensors=LORA)
    for frame, at in zip([0, 1, 2, 0, 1, 2], moments("08:00", "08:50", 10), strict=True):
        uplink(story, at, frame, 21.0, session=session)
    told = story.replay(until="09:00")
    assert told.room("12") == (3600, 0, 0)
    assert told.troubles("silent", sensor="probe") == []


def test_the_same_frame_of_another_session_is_another() -> None:
    story = uplink(Story(sensors=LORA, rules=TWICE), "08:00", 5, 14.0)
    uplink(story, "08:05", 5, 14.0, session="01ff00aa")
    assert story.replay(until="08:10").the_ticket()["began_at"] == clock("08:00")


# Late and out of order


def backlog(order: list[int]) -> Story:
    """Return a story in which what was true from nine o'clock on arrives at 11:32, in some order."""
    told = [57.0, 57.2, 56.8, 57.4, 62.0, 62.2, 62.1, 62.3, 62.0, 62.4, 62.2, 62.1]
    story = Story().reading("12", "08:55", ts=clock("08:55"), temperature_f=60.5, humidity=40)
    for place, number in enumerate(order):
        at, seen = clock("11:32", seconds=place), clock("09:00", minutes=5 * number)
        story.reading("12", at, ts=seen, temperature_f=told[number], humidity=40)
    return story.reading("12", "11:35", until="11:40", temperature_f=62.0, humidity=40)


def test_a_backlog_opens_a_ticket_with_its_true_beginning_and_says_how_late_that_was_learned() -> None:
    told = backlog(list(range(12))).replay(until="11:45")
    ticket = told.the_ticket()
    assert (ticket["began_at"], ticket["opened_at"]) == (clock("09:00"), clock("11:32"))
    assert ticket["episodes"][0]["ended_at"] == clock("09:20")
    (notice,) = told.notices("opened")
    assert "09:00" in notice["text"] and "11:32" in notice["text"]
    assert told.troubles("clock") == []


def test_a_backlog_of_an_earlier_breach_leaves_the_one_that_runs_to_its_own_end() -> None:
    story = Story()
    for at in moments("07:00", "11:00"):
        story.sends(TOPIC, at, **(COLD if clock("09:00") <= clock(at) < clock("10:00") else MILD))
    for at, seen in (("09:31", "07:32"), ("09:32", "07:34")):
        story.sends(TOPIC, at, ts=clock(seen), **COLD)
    told = story.replay(until="11:00")
    found = [(each["began_at"], each["ended_at"]) for each in told.the_ticket()["episodes"]]
    assert found == [(clock("07:32"), clock("07:35")), (clock("09:00"), clock("10:00"))]
    (over,) = [
        row for row in told.the_ticket()["history"] if "in range since 2026-12-01 18:00" in row["note"]
    ]
    assert over["at"] == clock("10:30") and told.notices("ended")


def test_a_backlog_closes_no_ticket() -> None:
    assert backlog(list(range(12))).replay(until="11:45").the_ticket()["status"] == "open"


@pytest.mark.parametrize(
    "order", [[11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0], [0, 2, 1, 4, 3, 6, 5, 8, 7, 10, 9, 11]]
)
def test_a_backlog_is_judged_the_same_in_any_order(order: list[int]) -> None:
    straight, mixed = backlog(list(range(12))).replay(until="11:45"), backlog(order).replay(until="11:45")
    assert mixed.room("12") == straight.room("12")
    one, other = straight.the_ticket(), mixed.the_ticket()
    assert other["episodes"] == one["episodes"]
    assert other["worst"] == one["worst"]


# Silence


@pytest.mark.parametrize(("interval", "minutes"), [("5m", 15), ("20m", 60)])
def test_a_sensor_that_says_nothing_for_three_intervals_is_silent_and_its_room_unknown(
    interval: str, minutes: int
) -> None:
    probe = device("probe", "12", ZIGBEE, more=f'interval = "{interval}"')
    story = Story(sensors=probe).sends(ZIGBEE, "08:00", **FINE)
    assert story.replay(until=clock("08:00", minutes=minutes)).troubles("silent", sensor="probe") == []
    told = story.replay(until="10:00")
    assert told.room("12") == (60 * minutes, 0, 7200 - 60 * minutes)
    assert told.the_trouble("silent", sensor="probe")["began_at"] == clock("08:00", minutes=minutes)
    assert told.is_told("trouble", "probe")


@pytest.mark.parametrize(("until", "is_silent"), [("08:03:20", False), ("08:03:21", True)])
def test_a_sensor_that_speaks_every_minute_is_silent_after_two_hundred_seconds(
    until: str, is_silent: bool
) -> None:
    story = Story(sensors=device("probe", "12", ZIGBEE, more='interval = "1m"')).sends(
        ZIGBEE, "08:00", **FINE
    )
    assert bool(story.replay(until=until).troubles("silent", sensor="probe")) is is_silent


def test_a_breach_goes_on_through_a_gap() -> None:
    told = Story(sensors=PROBE).sends(ZIGBEE, "08:00", **COOL).replay(until="12:00")
    ticket = told.the_ticket()
    assert (ticket["verdict"], ticket["episodes"][0]["ended_at"]) == ("breach", None)
    assert told.room("12") == (0, 900, 13500)


def test_a_slow_sensor_whose_interval_nobody_wrote_down_is_silent_after_three_of_its_own() -> None:
    story = Story(sensors=PROBE)
    for step, at in enumerate(moments("04:00", "12:00", 30)):
        story.sends(ZIGBEE, at, temperature=21.0 + step % 3 / 10, humidity=40.0)

    def is_silent(until: str) -> bool:
        return bool(story.replay(until=until).troubles("silent", sensor="probe", ended_at=None))

    assert not is_silent("12:00")
    assert not is_silent("13:30")
    assert is_silent("13:31")
    began = [each["began_at"] for each in story.replay(until="12:00").troubles("silent", sensor="probe")]
    assert [at for at in began if at > clock("06:00")] == []


def test_a_slow_sensor_counts_no_longer_for_being_slow_unless_that_is_written_down() -> None:
    story = Story(sensors=PROBE).sends(ZIGBEE, "08:00", until="12:00", every=30, **FINE)
    assert story.replay(until="12:15").room("12") == (9 * 900, 0, 15300 - 9 * 900)


def test_a_sensor_that_was_never_heard_is_a_trouble_after_three_intervals() -> None:
    probe = device("probe", "12", ZIGBEE, more='interval = "5m"')
    story = Story(sensors=probe).reading("lab", "08:00", until="09:00", **MILD)
    assert story.replay(until="08:15").troubles("silent", sensor="probe") == []
    told = story.replay(until="08:30")
    trouble = told.the_trouble("silent", sensor="probe")
    assert (trouble["room"], trouble["began_at"], trouble["ended_at"]) == ("12", clock("08:15"), None)
    assert told.is_told("trouble", "probe")
    assert told.room("12") == (0, 0, 1800)
    told = story.sends(ZIGBEE, "08:30", **FINE).replay(until="08:40")
    assert told.the_trouble("silent", sensor="probe")["ended_at"] == clock("08:30")


def test_a_sensor_is_not_waited_for_before_it_is_installed() -> None:
    probe = device("probe", "12", ZIGBEE, more='interval = "5m"\nfrom = 2026-12-01T10:00:00')
    story = Story(sensors=probe).reading("lab", "08:00", until="11:00", **MILD)
    assert story.replay(until="10:15").troubles("silent", sensor="probe") == []
    began_at = story.replay(until="10:20").the_trouble("silent", sensor="probe")["began_at"]
    assert began_at == clock("10:15")


# A bridge


def test_a_bridge_that_dies_is_told_once_and_not_once_a_sensor() -> None:
    story = corridor().says("08:31", BRIDGE, OFFLINE)
    told = story.replay(until="09:30")
    assert told_of_troubles(told) == 1
    assert told.is_told("trouble", "zigbee2mqtt")
    (bridge,) = [each for each in told.troubles("silent") if each["room"] is None]
    assert (bridge["building"], bridge["began_at"]) == ("maple", clock("08:31"))


def test_the_silence_of_every_sensor_behind_a_dead_bridge_is_on_record() -> None:
    told = corridor().says("08:31", BRIDGE, OFFLINE).replay(until="09:30")
    silent = {each["sensor"]: each["began_at"] for each in told.troubles("silent") if each["room"]}
    assert silent == {f"s-{room}": clock("08:45") for room in CORRIDOR}
    assert {told.room(room) for room in CORRIDOR} == {(2700, 0, 2700)}


def test_a_bridge_that_comes_back_is_told_once() -> None:
    story = corridor().says("08:31", BRIDGE, OFFLINE).says("09:30", BRIDGE, ONLINE)
    for room in CORRIDOR:
        story.sends(f"zigbee2mqtt/{room}", "09:30:20", until="09:50:20", **FINE)
    told = story.replay(until="10:00")
    (bridge,) = [each for each in told.troubles("silent") if each["room"] is None]
    assert bridge["ended_at"] == clock("09:30")
    assert told.troubles("silent", ended_at=None) == []
    assert (told_of_troubles(told), len(told.notices("trouble_over"))) == (1, 1)


@pytest.mark.parametrize("apart_s", [0, 10])
def test_a_bridge_behind_which_everybody_falls_silent_is_told_once(apart_s: int) -> None:
    told = corridor(apart_s=apart_s).replay(until="09:30")
    assert told_of_troubles(told) == 1
    assert told.is_told("trouble", "zigbee2mqtt")
    (bridge,) = [each for each in told.troubles("silent") if each["room"] is None]
    assert bridge["ended_at"] is None
    assert len([each for each in told.troubles("silent") if each["room"]]) == len(CORRIDOR)


def test_sensors_that_report_at_different_minutes_are_told_in_fewer_messages_than_they_are() -> None:
    told = corridor(apart_s=70).replay(until="10:00")
    assert told_of_troubles(told) <= 2
    assert told.is_told("trouble", "zigbee2mqtt")


def test_it_is_over_when_anybody_behind_it_speaks() -> None:
    story = corridor().sends("zigbee2mqtt/r2", "09:30", until="10:00", **FINE)
    told = story.replay(until="10:00")
    (bridge,) = [each for each in told.troubles("silent") if each["room"] is None]
    assert bridge["ended_at"] == clock("09:30")
    assert {each["room"] for each in told.troubles("silent", ended_at=None)} == {"r1", "r3", "r4"}


def test_while_one_sensor_speaks_its_bridge_is_there() -> None:
    story = corridor().sends("zigbee2mqtt/r2", "08:35", until="09:30", **FINE)
    told = story.replay(until="09:30")
    assert {each["room"] for each in told.troubles("silent")} == {"r1", "r3", "r4"}
    assert told.is_told("trouble", "s-r1")


def test_sensors_of_another_bridge_are_told_of_as_ever() -> None:
    story = corridor().says("08:31", "zigbee-annex/bridge/state", OFFLINE)
    told = story.replay(until="08:40")
    assert told.troubles("silent") == []
    assert told_of_troubles(told) == 0


# Clocks


@pytest.mark.parametrize(
    "stamp",
    [
        "2026-12-01T08:05:00",  # no zone
        "1970-01-01T00:03:20Z",  # never set
        200,
        "2000-01-01T00:00:00Z",
        "2021-12-01T16:05:00Z",  # years behind
        clock("08:05", minutes=2, seconds=1),  # ahead
        clock("08:05", hours=8),  # local time for UTC
        clock("08:05", days=-7, seconds=-1),
    ],
    ids=str,
)
def test_a_clock_that_cannot_be_right_costs_no_reading_and_is_told(stamp: object) -> None:
    told = Story().reading("12", "08:05", sensor="sill", ts=stamp, **COLD).replay(until="08:10")
    assert told.the_ticket()["began_at"] == clock("08:05")
    assert told.room("12") == (0, 300, 0)
    trouble = told.the_trouble("clock")
    assert (trouble["room"], trouble["sensor"], trouble["began_at"]) == ("12", "sill", clock("08:05"))
    assert told.is_told("trouble", "sill")


@pytest.mark.parametrize("skew", [{"minutes": 2}, {"minutes": -30}, {"days": -7}], ids=str)
def test_a_clock_that_can_be_right_is_believed(skew: dict[str, float]) -> None:
    stamp = clock("08:05", **skew)
    told = Story().reading("12", "08:05", ts=stamp, **COLD).replay(until="08:10")
    assert told.the_ticket()["began_at"] == stamp
    assert told.troubles("clock") == []


def test_a_clock_that_is_set_right_is_no_trouble_any_more() -> None:
    story = Story().reading("12", "08:05", ts=200, **MILD).reading("12", "08:10", ts=clock("08:10"), **MILD)
    told = story.replay(until="08:20")
    assert told.the_trouble("clock")["ended_at"] == clock("08:10")
    assert told.is_told("trouble_over", "Room 12")


@pytest.mark.parametrize("hours", [1, 4, 8])
def test_a_clock_that_is_whole_hours_behind_again_and_again_is_wrong_and_readings_count_as_they_come(
    hours: int,
) -> None:
    story = Story()
    for at in moments("08:00", "08:55"):
        story.reading("12", at, ts=clock(at, hours=-hours), **MILD)
    for at in moments("09:00", "09:30"):
        story.reading("12", at, ts=clock(at, hours=-hours, seconds=3), temperature_f=59.0, humidity=40)
    told = story.replay()
    assert told.the_ticket()["began_at"] == clock("09:00")
    assert told.the_trouble("clock")["room"] == "12"
    assert told.room("12") == (3300, 1800, 300)


def test_one_backlog_that_is_whole_hours_late_is_no_wrong_clock() -> None:
    story = Story()
    for place, seen in enumerate(moments("06:00", "08:00")):
        story.reading("12", clock("09:00", seconds=place), ts=seen, **COLD)
    told = story.reading("12", "09:05", ts=clock("09:05"), **COLD).replay(until="09:10")
    assert told.troubles("clock") == []
    assert told.the_ticket()["began_at"] == clock("06:00")


def test_a_stamp_in_a_message_of_one_s_own_is_believed_and_doubted_the_same_way() -> None:
    own = device(
        "probe",
        "12",
        "own/12",
        "json",
        'unit = "F"\ntime = "when"\nvalues = { temperature = "t", humidity = "rh" }',
    )
    story = Story(sensors=own).sends("own/12", "08:05", t=57.2, rh=40, when=clock("08:01"))
    assert story.replay(until="08:10").the_ticket()["began_at"] == clock("08:01")
    story = Story(sensors=own).sends("own/12", "08:05", t=57.2, rh=40, when="2026-12-01 08:01:00")
    told = story.replay(until="08:10")
    assert told.the_ticket()["began_at"] == clock("08:05")
    assert told.the_trouble("clock")["sensor"] == "probe"


def local(at: str, wall: str, **values: float) -> Json:
    return {"Time": wall, "AM2301": {"Temperature": 70.0, "Humidity": 40.0, **values}, "TempUnit": "F"}


TASMOTA = device("probe", "12", "tele/rm12/SENSOR", "tasmota")
FALL = [f"2026-11-01T{hour:02}:{minute:02}:00" for hour in (0, 1, 1, 2) for minute in range(0, 60, 5)]
SPRING = [f"2026-03-08T{hour:02}:{minute:02}:00" for hour in (0, 1, 3, 4) for minute in range(0, 60, 5)]


@pytest.mark.parametrize(
    ("walls", "first"),
    [(FALL, "2026-11-01T07:00:00Z"), (SPRING, "2026-03-08T08:00:00Z")],
    ids=["an hour twice", "an hour left out"],
)
def test_the_night_of_the_clock_change_is_as_long_as_it_is(walls: list[str], first: str) -> None:
    story = Story(sensors=TASMOTA)
    for step, wall in enumerate(walls):
        at = clock(first, minutes=5 * step)
        story.sends("tele/rm12/SENSOR", at, **local(at, wall))
    told = story.replay(until=clock(first, hours=4))
    assert told.room("12") == (4 * 3600, 0, 0)
    assert told.troubles("clock") == []
    assert told.troubles("silent", sensor="probe") == []


def test_in_the_hour_that_comes_twice_a_breach_begins_when_it_does() -> None:
    story = Story(sensors=TASMOTA)
    for step, wall in enumerate(FALL):
        at = clock("2026-11-01T07:00:00Z", minutes=5 * step)
        story.sends("tele/rm12/SENSOR", at, **local(at, wall, Temperature=59.0 if step >= 27 else 61.0))
    (ticket,) = story.replay().tickets
    assert ticket["began_at"] == "2026-11-01T09:15:00Z"  # a quarter past one, the second time


def test_a_device_that_missed_the_clock_change_has_a_wrong_clock() -> None:
    story = Story(sensors=TASMOTA)
    for step in range(7):
        at = clock("2026-11-02 09:00", minutes=5 * step)
        story.sends("tele/rm12/SENSOR", at, **local(at, f"2026-11-02T10:{5 * step:02}:00"))
    told = story.replay(until="2026-11-02 09:35")
    assert told.the_trouble("clock")["sensor"] == "probe"
    assert told.room("12") == (2100, 0, 0)


# Moved, calibrated


MOVED = device("probe", "12", ZIGBEE, more='interval = "5m"\nuntil = 2026-12-01T10:00:00') + device(
    "probe", "lab", ZIGBEE, more='interval = "5m"\nfrom = 2026-12-01T10:00:00'
)


def test_a_sensor_that_was_moved_leaves_its_history_where_it_was() -> None:
    story = Story(sensors=MOVED).sends(ZIGBEE, "09:00", until="09:55", **COOL)
    story.sends(ZIGBEE, "10:00", until="11:00", temperature=20.0, humidity=40.0)
    told = story.replay(until="11:00")
    assert told.the_ticket()["room"] == "12"
    assert told.room("lab") == (3600, 0, 3600)
    assert told.room("12")[0] == 0


@pytest.mark.parametrize(("at", "room"), [("09:59:59", "12"), ("10:00:00", "lab")])
def test_a_reading_belongs_to_the_room_of_its_moment(at: str, room: str) -> None:
    told = Story(sensors=MOVED).sends(ZIGBEE, at, **COOL).replay(until="10:05")
    assert told.the_ticket()["room"] == room


def test_a_late_reading_lands_in_the_room_of_its_own_time() -> None:
    story = Story(sensors=MOVED).sends(ZIGBEE, "10:05", last_seen=clock("10:05"), **FINE)
    story.sends(ZIGBEE, "10:30", last_seen=clock("09:45"), **COOL)
    ticket = story.replay(until="10:31").the_ticket()
    assert (ticket["room"], ticket["began_at"], ticket["opened_at"]) == ("12", clock("09:45"), clock("10:30"))


def test_the_silence_of_a_sensor_where_it_is_no_more_is_no_trouble() -> None:
    story = Story(sensors=MOVED).sends(ZIGBEE, "09:00", until="12:00", **FINE)
    told = story.replay(until="12:00")
    assert told.troubles("silent") == []
    assert told.notices("trouble") == []


def test_a_moved_sensor_that_falls_silent_is_silent_where_it_is() -> None:
    told = Story(sensors=MOVED).sends(ZIGBEE, "09:00", until="10:30", **FINE).replay(until="12:00")
    assert told.the_trouble("silent")["room"] == "lab"


OFFSET = "offsets = [{ from = 2026-12-01T09:00:00, temperature_f = -2.0 }]\n"
CALIBRATED = device("probe", "12", "own/12", "json", 'unit = "F"\nvalues = { temperature = "t" }\n' + OFFSET)


@pytest.mark.parametrize(
    ("at", "sent_f", "worst_f"),
    [("08:59:59", 61.5, None), ("09:00:00", 61.5, 59.5), ("09:00:00", 62.0, None), ("08:59:59", 59.9, 59.9)],
)
def test_a_calibration_counts_from_its_date_on(at: str, sent_f: float, worst_f: float | None) -> None:
    told = Story(sensors=CALIBRATED).sends("own/12", at, t=sent_f).replay(until="09:05")
    assert [ticket["worst"]["value"] for ticket in told.tickets] == ([] if worst_f is None else [worst_f])


def test_a_late_reading_has_the_calibration_of_its_own_time() -> None:
    probe = device("probe", "12", ZIGBEE, more=OFFSET)
    story = Story(sensors=probe).sends(
        ZIGBEE, "09:10", last_seen=clock("08:55"), temperature=16.0, humidity=40
    )
    assert story.replay(until="09:10:30").tickets == []
    story.sends(ZIGBEE, "09:11", last_seen=clock("09:05"), temperature=16.0, humidity=40)
    assert story.replay(until="09:12").the_ticket()["began_at"] == clock("09:05")


@pytest.mark.parametrize(("sent_f", "is_code"), [(185.0, True), (187.0, False)])
def test_a_calibration_changes_nothing_about_what_was_sent(sent_f: float, is_code: bool) -> None:
    story = Story(sensors=CALIBRATED, rules="quality = { range_c = [-10, 100] }")
    told = story.sends("own/12", "09:05", t=sent_f).replay(until="09:10")
    assert bool(told.rejected("value")) is is_code
    assert bool(told.tickets) is not is_code
    assert all(f"{sent_f:g}" in entry["reason"] for entry in told.rejected())


# Unknown and broken


@pytest.mark.parametrize("topic", ["zigbee2mqtt/Room 13", "safetyd/readings/maple/attic", "tele/rm12/SENSOR"])
def test_a_topic_that_nobody_assigned_is_listed_and_decides_nothing(topic: str) -> None:
    story = Story(sensors=PROBE).sends(ZIGBEE, "08:00", **FINE)
    for at in moments("08:01", "08:06"):
        story.sends(topic, at, **{**COOL, **COLD})
    told = story.replay(until="08:10")
    assert told.output["unassigned"] == [topic]
    assert told.tickets == []
    assert told.room("12") == (600, 0, 0)


@pytest.mark.parametrize("payload", ["", "{", '{"temperature": 14.0', b"\x00\xff", '{"temperature": "warm"}'])
def test_a_payload_that_is_broken_on_the_way_is_listed_told_and_decides_nothing(payload: str | bytes) -> None:
    story = Story(sensors=PROBE).sends(ZIGBEE, "08:00", **FINE).says("08:05", ZIGBEE, payload)
    told = story.replay(until="08:30")
    if payload:  # without a byte a topic is cleared, and nothing is said
        (refused,) = told.rejected()
        assert (refused["at"], refused["topic"]) == (clock("08:05"), ZIGBEE)
        assert refused["reason"]
        assert told.the_trouble("unreadable")["sensor"] == "probe"
        assert told.is_told("trouble", "probe")
    assert told.tickets == []
    ok_s, breach_s, unknown_s = told.room("12")
    assert ok_s <= 900 and breach_s == 0 and ok_s + unknown_s == 1800


# A publisher that is not who it says


@pytest.mark.parametrize(
    "topic",
    [
        "safetyd/readings/maple/12/hand:sling psychrometer",
        "safetyd/power/maple/hand:A. Reyes",
        "safetyd/power/maple/silence:devices",
    ],
)
def test_nobody_on_the_wire_speaks_as_a_person_or_as_the_silence_of_devices(topic: str) -> None:
    story = Story().reading("12", "08:00", until="08:10", **MILD)
    story.sends(topic, "08:05", until="11:00", **COLD, mains="off")
    told = story.replay(until="11:00")
    assert told.output["unassigned"] == [topic]
    assert told.tickets == [] and told.notices("outage_began") == []


def test_what_bears_another_device_s_id_is_not_taken_for_it() -> None:
    topic = "rtl_433/gateway/events"
    story = Story(
        sensors=device("probe", "12", topic, "rtl_433", 'only = { model = "Nexus-TH", id = 77 }'),
    )
    story.sends(topic, "08:00", until="08:10", model="Nexus-TH", id=77, temperature_C=21.0, humidity=40)
    story.sends(topic, "08:02", until="08:10", model="Nexus-TH", id=78, temperature_C=12.0, humidity=40)
    told = story.replay(until="08:10")
    assert told.tickets == [] and told.room("12") == (600, 0, 0)


def test_one_false_word_among_true_ones_is_doubted_and_never_counts() -> None:
    story = Story().reading("12", "08:00", until="09:00", **MILD)
    for at in moments("08:02", "08:57"):
        story.reading("12", at, **COLD)
    told = story.replay(until="09:00")
    assert told.tickets == [] and told.room("12") == (3600, 0, 0)


# What can be read again


def test_what_can_be_read_again_is_no_trouble_any_more() -> None:
    story = Story(sensors=PROBE).says("08:00", ZIGBEE, "{").sends(ZIGBEE, "08:05", **COOL)
    told = story.replay(until="08:10")
    assert told.the_trouble("unreadable")["ended_at"] == clock("08:05")
    assert told.the_ticket()["began_at"] == clock("08:05")
