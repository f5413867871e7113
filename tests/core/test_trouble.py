"""What is wrong with a sensor begins when it shows and ends when the sensor itself shows that it is over."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from safetyd.core import trouble
from safetyd.core.health import MOST_A_MINUTE, Health, Still, next_silence
from safetyd.core.model import Condition, TroubleKind, Verdict
from safetyd.core.rules import QualityRule
from safetyd.core.trouble import Sign, examine, news, silence
from safetyd.core.units import JUST_AFTER
from tests.core.scene import BUILDING, LAB, MINUTE, Scene, clock, rules, said

NINE = clock("09:00")
HOUR = timedelta(hours=1)
QUALITY = QualityRule()
KEY = "maple/12/a"


def heard(*values: dict[str, Any]) -> Scene:
    """Return a scene in which one sensor spoke every five minutes from nine o'clock on."""
    scene = Scene()
    for i, word in enumerate(values):
        scene.says(NINE + 5 * i * MINUTE, **word)
    return scene


GOOD = {"temperature_f": 70.0, "humidity": 40.0}


# Silence


def test_a_sensor_is_silent_a_grain_after_its_last_word_has_lapsed() -> None:
    health, _ = examine(None, said(NINE, **GOOD), (), QUALITY, NINE)
    assert silence(health, NINE + 15 * MINUTE) is None
    assert next_silence(health) == NINE + 15 * MINUTE + JUST_AFTER
    assert silence(health, next_silence(health)) == Sign(TroubleKind.SILENT, True, NINE + 15 * MINUTE)


def test_silence_ends_with_the_next_word_whatever_it_is() -> None:
    scene = heard(GOOD).until(NINE + HOUR)
    assert scene.troubles(TroubleKind.SILENT) == [KEY]
    assert scene.says(NINE + HOUR, temperature_c=85.0).troubles(TroubleKind.SILENT) == []


def test_a_sensor_that_seldom_speaks_is_silent_later() -> None:
    scene = Scene().says(NINE, interval=20 * MINUTE, **GOOD)
    assert scene.until(NINE + HOUR).troubles(TroubleKind.SILENT) == []
    assert scene.until(NINE + HOUR + JUST_AFTER).troubles(TroubleKind.SILENT) == [KEY]


def test_an_instrument_in_a_hand_is_never_silent() -> None:
    assert Scene().says(NINE, by_hand=True, **GOOD).until(NINE + 9 * HOUR).troubles(TroubleKind.SILENT) == []


def test_a_retained_word_breaks_no_silence() -> None:
    scene = heard(GOOD).until(NINE + HOUR).says(NINE + HOUR, retained=True, **GOOD)
    assert scene.troubles(TroubleKind.SILENT) == [KEY]


def test_a_sensor_whose_words_come_late_has_spoken_all_the_same() -> None:
    scene = Scene()
    for i in range(0, 60, 5):
        scene.says(NINE + i * MINUTE, sensor="b", **GOOD)
        late = NINE + i * MINUTE
        scene.says(late - MINUTE, received_at=late, battery=3.0, **GOOD)
    assert scene.troubles(TroubleKind.BATTERY) == [KEY]
    assert scene.troubles(TroubleKind.SILENT) == []


# Nonsense, batteries


def test_a_rejected_value_is_implausible_until_a_word_without_fault() -> None:
    assert heard(GOOD, {"temperature_c": 85.0}).troubles(TroubleKind.IMPLAUSIBLE) == [KEY]
    assert heard({"temperature_c": 85.0}, GOOD).troubles(TroubleKind.IMPLAUSIBLE) == []


def test_a_suspect_value_is_neither_a_trouble_nor_the_end_of_one() -> None:
    jump = {"temperature_f": 130.0}
    assert heard(GOOD, jump).troubles(TroubleKind.IMPLAUSIBLE) == []
    assert heard(GOOD, {"humidity": 0.5}, jump).troubles(TroubleKind.IMPLAUSIBLE) == [KEY]


@pytest.mark.parametrize(("battery", "is_low"), [(9.9, True), (10.0, False), (0.0, True)])
def test_a_battery_is_low_below_ten_percent(battery: float, is_low: bool) -> None:
    assert bool(heard(GOOD | {"battery": battery}).troubles(TroubleKind.BATTERY)) is is_low


def test_a_battery_stays_low_until_it_says_otherwise() -> None:
    low, full = GOOD | {"battery": 3.0}, GOOD | {"battery": 90.0}
    assert heard(low, GOOD).troubles(TroubleKind.BATTERY) == [KEY]
    assert heard(low, full).troubles(TroubleKind.BATTERY) == []


# Frozen


def stuck(repeats: int, hours: float, *moved_hours_ago: float | None, **more: bool) -> bool:
    """Return whether a sensor is stuck beside neighbours that moved so many hours ago, or never."""
    at = NINE + hours * HOUR
    still = Still(70.0, NINE, at, repeats)
    health = Health(at, at, temperature=still, humidity=still._replace(value=40.0))
    neighbours = [
        Health(at, at, level=70.0, moved_at=None if ago is None else at - ago * HOUR)
        for ago in moved_hours_ago
    ]
    return trouble.stuck(health, at, neighbours, QUALITY, **more) is not None


@pytest.mark.parametrize(
    ("repeats", "hours", "moved", "is_stuck"),
    [
        (11, 6, [], True),
        (10, 6, [], False),
        (11, 5.99, [], False),
        (11, 6, [1], True),
        (11, 6, [7], False),
        (11, 6, [None], False),
        (11, 6, [1, None], True),
        (11, 6, [1, None, None], False),
    ],
)
def test_a_sensor_is_stuck_that_says_the_same_for_hours_while_half_its_neighbours_moved(
    repeats: int, hours: float, moved: Sequence[float | None], is_stuck: bool
) -> None:
    assert stuck(repeats, hours, *moved) is is_stuck


def test_a_sensor_with_a_low_battery_is_stuck_in_half_the_time() -> None:
    assert stuck(11, 3, is_weak=True)
    assert not stuck(11, 2.99, is_weak=True)


@pytest.mark.parametrize(
    "word", [GOOD, {"temperature_f": 70.0}, {"temperature_c": 21.0}, {"temperature_f": 14.0}]
)
def test_a_frozen_sensor_without_neighbours_is_found_after_six_hours_and_thaws_with_another_value(
    word: dict[str, float],
) -> None:
    scene = Scene().keeps_saying(NINE, NINE + 6 * HOUR - 5 * MINUTE, **word)
    assert scene.troubles(TroubleKind.STUCK) == []
    assert scene.says(NINE + 6 * HOUR, **word).troubles(TroubleKind.STUCK) == [KEY]
    assert scene.says(NINE + 6 * HOUR + MINUTE, temperature_f=70.5).troubles(TroubleKind.STUCK) == []


def test_a_witness_of_the_mains_is_no_neighbour_that_moved() -> None:
    scene = Scene()
    for i in range(0, 8 * 60, 10):
        at = NINE + i * MINUTE
        scene.says(at, **GOOD).says(at, place=LAB, sensor="b", **GOOD).says(
            at, place=BUILDING, sensor="ups", mains=True
        )
    assert scene.troubles(TroubleKind.STUCK) == []


# Disagreement


@pytest.mark.parametrize(("apart_f", "disagree"), [(3.0, False), (3.1, True)])
def test_two_fresh_sensors_of_a_room_disagree_beyond_three_degrees(apart_f: float, disagree: bool) -> None:
    scene = Scene().says(NINE, sensor="b", **GOOD).says(NINE + MINUTE, temperature_f=70.0 + apart_f)
    assert bool(scene.troubles(TroubleKind.DISAGREEMENT)) is disagree


def test_with_a_sensor_of_another_room_or_one_that_has_lapsed_nobody_disagrees() -> None:
    scene = Scene().says(NINE, place=LAB, sensor="b", **GOOD).says(NINE, sensor="c", **GOOD)
    assert scene.says(NINE + 16 * MINUTE, temperature_f=99.0).troubles(TroubleKind.DISAGREEMENT) == []


def test_agreement_ends_it() -> None:
    scene = Scene().says(NINE, sensor="b", **GOOD).says(NINE + MINUTE, temperature_f=75.0)
    assert scene.says(NINE + 10 * MINUTE, temperature_f=71.0).troubles(TroubleKind.DISAGREEMENT) == []


# All of them


def test_only_what_changes_something_is_news() -> None:
    on, off = Sign(TroubleKind.STUCK, True, NINE), Sign(TroubleKind.STUCK, False, NINE)
    assert news([on, off], []) == [on]
    assert news([on, off], [TroubleKind.STUCK]) == [off]


def test_a_trouble_opens_no_ticket_and_a_ticket_is_no_trouble() -> None:
    scene = heard(GOOD, {"temperature_c": 85.0}, GOOD | {"battery": 1.0}).until(NINE + 9 * HOUR)
    assert scene.world.tickets == {}
    assert heard({"temperature_f": 50.0}).troubles(TroubleKind.IMPLAUSIBLE) == []


def test_those_who_mend_sensors_are_told_once_that_it_began_and_once_that_it_is_over() -> None:
    scene = (
        Scene(rules())
        .says(NINE, **GOOD)
        .until(NINE + HOUR)
        .says(NINE + HOUR, **GOOD)
        .until(NINE + HOUR + 2 * MINUTE)
    )
    assert [notice.reason for notice in scene.notices("trouble", "trouble_over")] == [
        "trouble",
        "trouble_over",
    ]


# Babbling


def babbled(words: int) -> Scene:
    """Return a scene in which a sensor has spoken so often within a minute, each time of something new."""
    scene = Scene()
    for number in range(words):
        scene.says(NINE + number * MINUTE / 10_000, temperature_f=70 + number % 7 / 10)
    return scene


@pytest.mark.parametrize(("words", "troubles"), [(MOST_A_MINUTE, []), (MOST_A_MINUTE + 1, [KEY])])
def test_a_sensor_babbles_with_more_words_within_a_minute_than_any_has_to_say(
    words: int, troubles: list[str]
) -> None:
    assert babbled(words).troubles(TroubleKind.BABBLING) == troubles


def test_the_words_of_another_minute_are_counted_anew() -> None:
    scene = babbled(MOST_A_MINUTE).says(NINE + MINUTE, temperature_f=70)
    assert scene.troubles(TroubleKind.BABBLING) == []


def test_it_is_over_after_a_minute_with_no_more_than_that() -> None:
    scene = babbled(MOST_A_MINUTE + 1)
    assert scene.says(NINE + MINUTE, temperature_f=70).troubles(TroubleKind.BABBLING) == [KEY]
    assert scene.says(NINE + 2 * MINUTE, temperature_f=70).troubles(TroubleKind.BABBLING) == []


def test_what_it_says_counts_all_the_same() -> None:
    scene = babbled(MOST_A_MINUTE + 1)
    scene.says(NINE + MINUTE, temperature_f=50).says(NINE + 2 * MINUTE, temperature_f=50)
    assert scene.verdict(Condition.COLD) is Verdict.BREACH
