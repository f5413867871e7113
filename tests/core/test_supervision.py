"""Who is waited for and for how long; who is doubted; which bridge fell silent with all behind it."""

from datetime import timedelta
from typing import Any

import pytest

from safetyd.core import supervision
from safetyd.core.health import Health, hear, patience
from safetyd.core.model import Condition, Place, Sensor, TroubleKind, Verdict
from safetyd.core.rules import QualityRule
from safetyd.core.units import JUST_AFTER
from tests.core.scene import LAB, MINUTE, ROOM, Scene, clock, said

NINE = clock("09:00")
HOUR = timedelta(hours=1)
QUALITY = QualityRule()
KEY = "maple/12/a"
GOOD: dict[str, Any] = {"temperature_f": 70.0, "humidity": 40.0}


# How long a sensor may say nothing


@pytest.mark.parametrize(
    ("interval", "gap_s", "waits"),
    [
        (None, None, 15 * MINUTE),
        (None, 300.0, 15 * MINUTE),
        (None, 301.0, timedelta(seconds=903)),
        (5 * MINUTE, None, 15 * MINUTE),
        (5 * MINUTE, 9999.0, 15 * MINUTE),
        (MINUTE, None, timedelta(seconds=200)),
        (timedelta(seconds=67), None, timedelta(seconds=201)),
        (timedelta(seconds=10), None, timedelta(seconds=200)),
        (2 * HOUR, None, 6 * HOUR),
    ],
)
def test_silence_shows_after_three_intervals_as_configured_or_as_they_turned_out(
    interval: timedelta | None, gap_s: float | None, waits: timedelta
) -> None:
    assert patience(Sensor(ROOM, "a", interval), gap_s, QUALITY) == waits


def gap_after(*minutes: float) -> float | None:
    """Return what is learnt of a sensor that spoke at these minutes."""
    health: Health | None = None
    for minute in minutes:
        health = hear(health, said(NINE + minute * MINUTE, **GOOD), QUALITY)
    assert health is not None
    return health.gap_s


def test_the_usual_gap_is_learnt_and_sinks_slowly() -> None:
    assert gap_after(0) is None
    assert gap_after(0, 30) == 1800
    assert gap_after(0, 30, 60) == 1800
    assert gap_after(0, 30, 40) == pytest.approx(0.9 * 1800)


def test_nobodys_usual_gap_is_learnt_from_one_long_pause() -> None:
    assert gap_after(0, 7 * 24 * 60) == 3600


def test_one_long_stop_raises_it_twofold_at_most_and_a_late_word_not_at_all() -> None:
    assert gap_after(0, 10, 600) == 1200
    assert gap_after(0, 10, 5) == 600


def test_a_sensor_that_speaks_every_hour_is_not_silent_in_between() -> None:
    scene = Scene().keeps_saying(NINE, NINE + 5 * HOUR, HOUR, **GOOD)
    last = NINE + 5 * HOUR
    assert scene.until(last + 3 * HOUR).troubles(TroubleKind.SILENT) == []
    assert scene.until(last + 3 * HOUR + JUST_AFTER).troubles(TroubleKind.SILENT) == [KEY]


def test_its_room_is_unknown_all_the_same_once_the_reading_is_stale() -> None:
    scene = Scene().keeps_saying(NINE, NINE + 2 * HOUR, HOUR, **GOOD).until(NINE + 2 * HOUR + 16 * MINUTE)
    assert scene.verdict(Condition.COLD, ROOM) is Verdict.UNKNOWN


# Sensors that were never heard, and those that nobody waits for any more


def expecting(*ids: str, **facts: Any) -> Scene:
    """Return a scene at nine o'clock in which these sensors of a room stand in the site file."""
    scene = Scene().until(NINE)
    for name, value in facts.items():
        object.__setattr__(scene.facts, name, value)
    for id in ids:
        supervision.expect(scene.world, scene.facts, Sensor(ROOM, id), NINE)
    return scene


def test_a_sensor_of_the_site_file_that_is_never_heard_is_silent() -> None:
    scene = expecting("a")
    assert scene.until(NINE + 15 * MINUTE).troubles(TroubleKind.SILENT) == []
    scene.until(NINE + 15 * MINUTE + JUST_AFTER)
    assert scene.troubles(TroubleKind.SILENT) == [KEY]
    assert scene.world.troubles[KEY][TroubleKind.SILENT].note == "never heard"
    assert scene.says(NINE + HOUR, **GOOD).troubles(TroubleKind.SILENT) == []


def test_to_expect_a_sensor_that_is_heard_changes_nothing() -> None:
    scene = Scene().says(NINE, **GOOD)
    before = scene.world.health[KEY]
    supervision.expect(scene.world, scene.facts, Sensor(ROOM, "a"), NINE + MINUTE)
    assert scene.world.health[KEY] is before


def test_nobody_waits_for_a_sensor_after_its_binding_has_ended() -> None:
    released = expecting("a", spans={KEY: [(None, NINE + 15 * MINUTE)]})
    assert released.until(NINE + HOUR).troubles(TroubleKind.SILENT) == []
    later = expecting("a", spans={KEY: [(None, NINE + 15 * MINUTE + 2 * JUST_AFTER)]})
    assert later.until(NINE + HOUR).troubles(TroubleKind.SILENT) == [KEY]


def test_with_a_sensor_its_troubles_go() -> None:
    scene = Scene().says(NINE, battery=3.0, **GOOD).until(NINE + HOUR)
    assert len(scene.world.troubles[KEY]) == 2
    scene.world.schedule("release", KEY, NINE + 2 * HOUR)
    scene.until(NINE + 2 * HOUR)
    assert scene.world.troubles[KEY] == {}


# Bridges

NAME = "bridge zigbee2mqtt"
BRIDGE = f"maple/{NAME}"
BEHIND = [f"maple/12/{id}" for id in "abc"]


def bridged(*keys: str) -> dict[str, Any]:
    """Return what the site file knows of a bridge and the sensors behind it."""
    return {"bridges": {key: [BRIDGE] for key in keys}, "behind": {BRIDGE: list(keys)}}


def told(scene: Scene) -> list[dict[str, str]]:
    """Return what each notice of troubles was about."""
    return [dict(notice.about) for notice in scene.notices("trouble")]


def test_a_bridge_that_takes_all_its_sensors_along_is_one_trouble_to_tell() -> None:
    scene = expecting(**bridged(*BEHIND))
    for minute, id in enumerate("abc"):
        scene.says(NINE + minute * MINUTE, sensor=id, **GOOD)
    scene.until(NINE + HOUR)
    assert set(scene.troubles(TroubleKind.SILENT)) == {BRIDGE, *BEHIND}
    notes = [about for each in told(scene) for about in each.items()]
    assert (f"silent {BRIDGE}", "all its 3 sensors are silent") in notes
    assert len(told(scene)) == 2  # who was silent first, and ten minutes later the bridge
    assert f"silent {KEY}" not in told(scene)[1]


def test_a_bridge_with_one_sensor_still_speaking_is_not_silent() -> None:
    scene = expecting(**bridged(*BEHIND))
    for id in "ab":
        scene.says(NINE, sensor=id, **GOOD)
    scene.keeps_saying(NINE, NINE + HOUR, sensor="c", **GOOD)
    assert scene.troubles(TroubleKind.SILENT) == ["maple/12/a", "maple/12/b"]


def test_two_sensors_make_no_bridge() -> None:
    scene = expecting("a", "b", **bridged(*BEHIND[:2])).until(NINE + HOUR)
    assert BRIDGE not in scene.world.troubles


def test_the_first_of_its_sensors_that_speaks_again_ends_a_bridges_silence() -> None:
    scene = expecting("a", "b", "c", **bridged(*BEHIND)).until(NINE + HOUR)
    assert BRIDGE in scene.troubles(TroubleKind.SILENT)
    scene.says(NINE + HOUR + MINUTE, sensor="b", **GOOD)
    assert scene.troubles(TroubleKind.SILENT) == ["maple/12/a", "maple/12/c"]


def test_a_bridges_last_will_is_told_at_once_and_ends_with_its_return() -> None:
    scene = expecting("a", "b", "c", **bridged(*BEHIND))
    supervision.hear_bridge(scene.world, scene.facts, NAME, False, NINE)
    assert scene.troubles(TroubleKind.SILENT) == [BRIDGE]
    assert scene.until(NINE + 2 * MINUTE).troubles(TroubleKind.SILENT) == [BRIDGE]
    assert told(scene) == [{f"silent {BRIDGE}": "it says that it is gone"}]
    supervision.hear_bridge(scene.world, scene.facts, NAME, True, NINE + 3 * MINUTE)
    assert scene.troubles(TroubleKind.SILENT) == []


def test_while_a_bridge_is_gone_nobody_is_told_of_its_sensors_one_by_one() -> None:
    scene = expecting("a", "b", "c", **bridged(*BEHIND))
    supervision.hear_bridge(scene.world, scene.facts, NAME, False, NINE)
    scene.until(NINE + HOUR)
    assert told(scene) == [{f"silent {BRIDGE}": "it says that it is gone"}]
    assert set(BEHIND) < set(scene.troubles(TroubleKind.SILENT))


def over(scene: Scene) -> list[dict[str, str]]:
    """Return what each notice of the end of troubles was about."""
    return [dict(notice.about) for notice in scene.notices("trouble_over")]


def test_nor_that_they_are_heard_again_one_by_one_when_it_is_back() -> None:
    scene = expecting("a", "b", "c", **bridged(*BEHIND))
    supervision.hear_bridge(scene.world, scene.facts, NAME, False, NINE)
    scene.until(NINE + HOUR)
    supervision.hear_bridge(scene.world, scene.facts, NAME, True, NINE + HOUR)
    for id in "abc":
        scene.says(NINE + HOUR + MINUTE, sensor=id, **GOOD)
    scene.until(NINE + HOUR + 30 * MINUTE)
    assert [list(each) for each in over(scene)] == [[f"silent {BRIDGE}"]]


def test_a_sensor_that_fell_silent_by_itself_is_told_to_be_back_by_itself() -> None:
    scene = expecting("a", "b", "c", **bridged(*BEHIND))
    scene.keeps_saying(NINE, NINE + 40 * MINUTE, sensor="b", **GOOD)
    assert [list(each) for each in told(scene)] == [[f"silent {BEHIND[0]}", f"silent {BEHIND[2]}"]]
    scene.says(NINE + 41 * MINUTE, sensor="a", **GOOD).until(NINE + HOUR)
    assert list(over(scene)[0]) == [f"silent {BEHIND[0]}"]


def test_a_bridge_of_two_buildings_is_a_trouble_of_each() -> None:
    cedar = f"cedar/{NAME}"
    scene = expecting("a", behind={BRIDGE: BEHIND, cedar: ["cedar/7/x"]})
    supervision.hear_bridge(scene.world, scene.facts, NAME, False, NINE)
    scene.until(NINE + 2 * MINUTE)
    assert set(scene.troubles(TroubleKind.SILENT)) == {cedar, BRIDGE}
    assert sorted(notice.building for notice in scene.notices("trouble")) == ["cedar", "maple"]
    supervision.hear_bridge(scene.world, scene.facts, NAME, True, NINE + 3 * MINUTE)
    assert scene.troubles(TroubleKind.SILENT) == []


# Doubt


def others(scene: Scene, *temps_f: float) -> Scene:
    """Let other rooms speak."""
    for number, temp_f in enumerate(temps_f):
        place = Place("maple", f"other{number}")
        scene.says(scene.now + MINUTE, place=place, sensor="t", temperature_f=temp_f, humidity=40.0)
    return scene


def test_a_new_sensor_in_the_wrong_unit_opens_no_ticket() -> None:
    scene = others(Scene().until(NINE), 68.0, 70.0, 71.0)
    scene.says(scene.now + MINUTE, temperature_f=21.3, humidity=40.0)
    assert scene.world.tickets == {}
    assert scene.troubles(TroubleKind.IMPLAUSIBLE) == [KEY]
    assert scene.verdict(Condition.COLD, ROOM) is Verdict.UNKNOWN


def test_a_freezing_room_opens_one_though_all_others_are_warm() -> None:
    scene = others(Scene().until(NINE), 68.0, 70.0, 71.0)
    for temp_f in (60.0, 45.0, 35.0, 30.0, 21.3):
        scene.says(scene.now + 5 * MINUTE, temperature_f=temp_f, humidity=40.0)
    assert scene.the_ticket().condition is Condition.COLD
    assert scene.episodes()[0].ended_at is None


def test_what_was_doubted_stays_so_when_the_past_is_read_again() -> None:
    scene = others(Scene().until(NINE), 68.0, 70.0, 71.0)
    at = scene.now + MINUTE
    scene.says(at, temperature_f=21.3, humidity=40.0)
    scene.says(at - 2 * MINUTE, received_at=at + MINUTE, temperature_f=70.0, humidity=40.0)
    assert scene.world.tickets == {}
    assert scene.verdict(Condition.COLD, ROOM) is Verdict.UNKNOWN


def freeze(scene: Scene, hours: int, **frozen: float) -> Scene:
    """Let one room say the same for hours while another cools by half a degree an hour."""
    for i in range(0, hours * 60 + 1, 10):
        at = NINE + i * MINUTE
        scene.says(at, place=LAB, sensor="b", temperature_f=72.0 - i / 120, humidity=40.0 + i % 7)
        scene.says(at, **frozen)
    return scene


def test_a_frozen_sensor_is_believed_until_it_is_found_out_and_then_no_more() -> None:
    assert freeze(Scene(), 5, **GOOD).troubles(TroubleKind.STUCK) == []
    scene = freeze(Scene(), 7, **GOOD)
    assert scene.troubles(TroubleKind.STUCK) == [KEY]
    assert scene.verdict(Condition.COLD, ROOM) is Verdict.UNKNOWN
    assert scene.verdict(Condition.COLD, LAB) is Verdict.OK
    scene.says(scene.now + 10 * MINUTE, temperature_f=70.2, humidity=40.0)
    assert scene.verdict(Condition.COLD, ROOM) is Verdict.OK


def test_a_frozen_breach_goes_on() -> None:
    scene = freeze(Scene(), 9, temperature_f=55.0, humidity=40.0)
    assert scene.troubles(TroubleKind.STUCK) == [KEY]
    assert scene.spans() == [(NINE, None)]
    assert scene.verdict(Condition.COLD, ROOM) is Verdict.BREACH


def test_a_sensor_alone_in_its_building_is_reported_and_goes_on_counting() -> None:
    scene = Scene().keeps_saying(NINE, NINE + 7 * HOUR, **GOOD)
    assert scene.troubles(TroubleKind.STUCK) == [KEY]
    assert scene.verdict(Condition.COLD, ROOM) is Verdict.OK


# A person beside a sensor


@pytest.mark.parametrize(("by_hand_f", "disagree"), [(73.0, False), (73.1, True), (66.9, True)])
def test_a_hand_held_reading_more_than_three_degrees_off_is_the_sensors_trouble(
    by_hand_f: float, disagree: bool
) -> None:
    scene = Scene().says(NINE, **GOOD)
    scene.says(
        NINE + MINUTE, sensor="hand:psychrometer", by_hand=True, temperature_f=by_hand_f, humidity=40.0
    )
    assert (scene.troubles(TroubleKind.DISAGREEMENT) == [KEY]) is disagree


# Batteries


@pytest.mark.parametrize(("volts", "is_low"), [([4.5, 3.61], False), ([4.5, 3.6], True), ([2.0], False)])
def test_a_battery_in_volts_is_low_below_four_fifths_of_its_best(volts: list[float], is_low: bool) -> None:
    scene = Scene()
    for number, each in enumerate(volts):
        scene.says(NINE + number * MINUTE, battery_v=each, **GOOD)
    assert bool(scene.troubles(TroubleKind.BATTERY)) is is_low


@pytest.mark.parametrize(("percent", "is_low"), [(9.9, True), (14.9, True), (15.0, False)])
def test_a_battery_at_the_limit_is_no_news_twice_a_day(percent: float, is_low: bool) -> None:
    scene = Scene().says(NINE, battery=9.9, **GOOD).says(NINE + MINUTE, battery=percent, **GOOD)
    assert bool(scene.troubles(TroubleKind.BATTERY)) is is_low


@pytest.mark.parametrize(("volts", "is_low"), [(3.61, True), (4.05, True), (4.06, False)])
def test_a_battery_in_volts_is_good_again_above_nine_tenths(volts: float, is_low: bool) -> None:
    scene = Scene().says(NINE, battery_v=4.5, **GOOD).says(NINE + MINUTE, battery_v=3.6, **GOOD)
    scene.says(NINE + 2 * MINUTE, battery_v=volts, **GOOD)
    assert bool(scene.troubles(TroubleKind.BATTERY)) is is_low


@pytest.mark.parametrize(("apart_f", "disagree"), [(2.9, True), (2.1, True), (2.0, False)])
def test_two_sensors_that_disagreed_agree_again_well_within_the_limit(apart_f: float, disagree: bool) -> None:
    scene = Scene().says(NINE, **GOOD).says(NINE, sensor="b", temperature_f=70.0 + 3.5, humidity=40.0)
    assert scene.troubles(TroubleKind.DISAGREEMENT)
    scene.says(NINE + 5 * MINUTE, sensor="b", temperature_f=70.0 + apart_f, humidity=40.0)
    assert bool(scene.troubles(TroubleKind.DISAGREEMENT)) is disagree


def test_a_battery_may_say_for_itself_that_it_is_low() -> None:
    scene = Scene().says(NINE, battery_ok=False, **GOOD)
    assert scene.troubles(TroubleKind.BATTERY) == [KEY]
    assert scene.says(NINE + MINUTE, battery_ok=True, **GOOD).troubles(TroubleKind.BATTERY) == []
