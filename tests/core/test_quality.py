"""What a sensor may say and still be believed; nothing is corrected, and every doubt has its reason."""

from datetime import datetime, timedelta
from math import inf, nan
from typing import Any

import pytest

from safetyd.core.model import Mark, Observation, Offset, Quantity, Sensor
from safetyd.core.quality import AGREE_F, Belief, Judged, Latest, doubt_of, judge, window
from safetyd.core.rules import QualityRule
from tests.core.scene import MINUTE, ROOM, clock, said

QUALITY = QualityRule()
WIDE = QualityRule(range_c=(-1000.0, 1000.0))
NINE = clock("09:00")


def alone(quality: QualityRule = QUALITY, **values: Any) -> Judged:
    """Return what is believed of a sensor's first word."""
    return judge(Belief(), said(NINE, **values), quality)[1]


def marks(judged: Judged) -> dict[Quantity, Mark]:
    return {flaw.quantity: flaw.mark for flaw in judged.flaws}


def after(*words: Observation) -> Judged:
    """Return what is believed of the last of these words."""
    belief = Belief()
    for word in words:
        belief, judged = judge(belief, word, QUALITY)
    return judged


def temp(at: datetime, temperature_f: float, **values: Any) -> Observation:
    return said(at, temperature_f=temperature_f, **values)


# One value


def test_a_plain_word_is_believed() -> None:
    assert alone(temperature_c=14.0, humidity=40.0) == Judged(57.2, 40.0)


def test_a_word_without_air_says_nothing_of_it() -> None:
    assert alone(mains=True, battery=50.0) == Judged(None, None)


@pytest.mark.parametrize("temperature_c", [-10.0, 60.0, 0.0, 29.4])
def test_the_ends_of_the_range_are_within_it(temperature_c: float) -> None:
    assert alone(temperature_c=temperature_c, humidity=50.0).flaws == ()


@pytest.mark.parametrize(
    "value",
    [
        {"temperature_c": -10.01},
        {"temperature_c": 60.01},
        {"temperature_f": 13.9},
        {"temperature_f": 140.1},
        {"temperature_f": nan},
        {"temperature_f": inf},
        {"temperature_f": -inf},
    ],
)
def test_beyond_them_a_temperature_is_rejected_and_its_neighbour_is_not(value: dict[str, float]) -> None:
    judged = alone(humidity=50.0, **value)
    assert marks(judged) == {Quantity.TEMPERATURE: Mark.REJECTED}
    assert (judged.temperature_f, judged.humidity) == (None, 50.0)


@pytest.mark.parametrize("temperature_c", [85.0, -127.0, 127.94, 127.99, 327.67])
def test_an_error_code_is_rejected_however_wide_the_range(temperature_c: float) -> None:
    assert marks(alone(WIDE, temperature_c=temperature_c)) == {Quantity.TEMPERATURE: Mark.REJECTED}


def test_the_power_on_code_is_known_in_fahrenheit_and_eighty_five_fahrenheit_is_none() -> None:
    assert marks(alone(WIDE, temperature_f=185.0)) == {Quantity.TEMPERATURE: Mark.REJECTED}
    assert alone(temperature_f=85.0).flaws == ()


@pytest.mark.parametrize(
    "pair",
    [
        {"temperature_c": 0.0, "humidity": 0.0},
        {"temperature_f": 32.0, "humidity": 0.0},
        {"temperature_c": -45.0, "humidity": 0.0},
        {"temperature_f": -49.0, "humidity": 0.0},
        {"temperature_c": 130.0, "humidity": 100.0},
    ],
)
def test_a_pair_that_only_a_broken_chip_says_is_rejected_as_a_pair(pair: dict[str, float]) -> None:
    judged = alone(WIDE, **pair)
    assert marks(judged) == {Quantity.TEMPERATURE: Mark.REJECTED, Quantity.HUMIDITY: Mark.REJECTED}
    assert (judged.temperature_f, judged.humidity) == (None, None)


@pytest.mark.parametrize(
    "pair",
    [
        {"temperature_c": 0.0, "humidity": 1.5},
        {"temperature_c": 20.0, "humidity": 0.0},
        {"temperature_c": 0.0},
        {"humidity": 0.0},
    ],
)
def test_half_of_such_a_pair_is_none(pair: dict[str, float]) -> None:
    assert alone(**pair).flaws == ()


@pytest.mark.parametrize("humidity", [-0.1, 102.1, nan, inf, 0.45, 1.0])
def test_humidity_that_cannot_be_or_is_a_fraction_is_rejected_and_the_temperature_stands(
    humidity: float,
) -> None:
    judged = alone(temperature_f=70.0, humidity=humidity)
    assert marks(judged) == {Quantity.HUMIDITY: Mark.REJECTED}
    assert (judged.temperature_f, judged.humidity) == (70.0, None)


@pytest.mark.parametrize(("humidity", "counts"), [(0.0, 0.0), (1.01, 1.01), (100.0, 100.0), (102.0, 100.0)])
def test_humidity_that_can_be_counts_up_to_a_hundred(humidity: float, counts: float) -> None:
    assert alone(temperature_f=70.0, humidity=humidity) == Judged(70.0, counts)


@pytest.mark.parametrize(
    ("values", "quantity"),
    [
        ({"voltage": -1.0}, Quantity.VOLTAGE),
        ({"voltage": 1000.1}, Quantity.VOLTAGE),
        ({"voltage": nan}, Quantity.VOLTAGE),
        ({"battery": -1.0}, Quantity.BATTERY),
        ({"battery": 100.1}, Quantity.BATTERY),
    ],
)
def test_no_battery_is_fuller_than_full_and_no_socket_so_strong(
    values: dict[str, float], quantity: Quantity
) -> None:
    assert marks(alone(**values)) == {quantity: Mark.REJECTED}
    assert alone(voltage=0.0, battery=100.0).flaws == ()


def test_every_rejection_names_its_value() -> None:
    for values, named in [
        ({"temperature_c": 85.0}, "85 °C"),
        ({"temperature_f": 150.0}, "150 °F"),
        ({"humidity": 0.4}, "0.4"),
        ({"humidity": 200.0}, "200 %"),
        ({"battery": 130.0}, "130 %"),
    ]:
        assert named in alone(**values).flaws[0].reason


# Jumps


@pytest.mark.parametrize(
    ("step_f", "minutes", "is_suspect"),
    [
        (5.0, 1, False),
        (5.01, 1, True),
        (-5.01, 1, True),
        (3.0, 0.01, False),
        (3.01, 0.01, True),
        (10.0, 2, False),
        (10.01, 2, True),
    ],
)
def test_a_step_faster_than_the_rule_and_greater_than_three_degrees_is_suspect(
    step_f: float, minutes: float, is_suspect: bool
) -> None:
    judged = after(temp(NINE, 70.0), temp(NINE + minutes * MINUTE, 70.0 + step_f))
    assert (marks(judged) == {Quantity.TEMPERATURE: Mark.SUSPECT}) is is_suspect
    assert (judged.temperature_f is None) is is_suspect


def test_a_jump_does_not_touch_the_humidity_that_came_with_it() -> None:
    assert after(temp(NINE, 70.0), temp(NINE + MINUTE, 90.0, humidity=50.0)).humidity == 50.0


@pytest.mark.parametrize(("step_f", "agrees"), [(AGREE_F, True), (-AGREE_F, True), (AGREE_F + 0.1, False)])
def test_the_next_reading_bears_a_suspect_out_within_three_degrees(step_f: float, agrees: bool) -> None:
    judged = after(temp(NINE, 70.0), temp(NINE + MINUTE, 90.0), temp(NINE + 2 * MINUTE, 90.0 + step_f))
    assert (judged.confirmed is not None) is agrees
    if judged.confirmed is not None:
        assert (judged.confirmed.value, judged.confirmed.at) == (90.0, NINE + MINUTE)


def test_a_reading_that_agrees_with_what_was_before_is_believed_and_the_suspect_forgotten() -> None:
    back = [temp(NINE, 70.0), temp(NINE + MINUTE, 90.0), temp(NINE + 2 * MINUTE, 70.5)]
    assert after(*back) == Judged(70.5, None)
    assert after(*back, temp(NINE + 3 * MINUTE, 90.0)).confirmed is None


def test_a_second_jump_elsewhere_becomes_the_one_that_waits() -> None:
    judged = after(
        *(temp(NINE + i * MINUTE, value) for i, value in enumerate([70.0, 90.0, 50.0, 90.0, 91.0]))
    )
    assert judged.confirmed is not None
    assert judged.confirmed.at == NINE + 3 * MINUTE


def test_what_is_rejected_or_says_nothing_of_temperature_leaves_a_suspect_waiting() -> None:
    judged = after(
        temp(NINE, 70.0),
        temp(NINE + MINUTE, 90.0),
        said(NINE + 2 * MINUTE, temperature_c=85.0),
        said(NINE + 3 * MINUTE, humidity=50.0),
        temp(NINE + 4 * MINUTE, 90.0),
    )
    assert judged.confirmed is not None


@pytest.mark.parametrize(("late_by", "is_suspect"), [(timedelta(0), True), (timedelta(seconds=1), False)])
def test_only_a_reading_that_still_counts_can_be_jumped_from(late_by: timedelta, is_suspect: bool) -> None:
    judged = after(temp(NINE, 10 + 32.0), temp(NINE + 15 * MINUTE + late_by, 138.0))
    assert bool(judged.flaws) is is_suspect


# How long a word counts


@pytest.mark.parametrize(("interval", "minutes"), [(None, 15), (1, 15), (5, 15), (6, 18), (60, 180)])
def test_a_word_counts_for_stale_after_or_three_intervals_whichever_is_longer(
    interval: int | None, minutes: int
) -> None:
    sensor = Sensor(ROOM, "a", None if interval is None else interval * MINUTE)
    assert window(sensor, QUALITY) == minutes * MINUTE


# °C taken for °F, and the other way about


@pytest.mark.parametrize(
    ("before_f", "word", "is_mixed"),
    [
        (70.0, {"temperature_f": 21.0}, True),  # 69.8 °F
        (70.0, {"temperature_f": 26.6}, True),  # 79.9 °F: within ten degrees of what it was
        (70.0, {"temperature_f": 26.8}, False),  # 80.2 °F
        (70.0, {"temperature_f": 57.2}, False),
        (68.0, {"temperature_c": 58.0}, True),  # 58 °F
        (68.0, {"temperature_c": 57.9}, False),
        (24.0, {"temperature_f": -1.1}, False),  # 30 °F and cold before, too
    ],
)
def test_a_value_that_leaps_to_where_the_other_unit_would_put_it_is_rejected(
    before_f: float, word: dict[str, float], is_mixed: bool
) -> None:
    judged = after(temp(NINE, before_f), said(NINE + 5 * MINUTE, **word))
    (flaw,) = judged.flaws or [None]
    assert (flaw is not None and "is probably °" in flaw.reason and flaw.mark is Mark.REJECTED) is is_mixed


def test_what_a_sensor_said_a_day_ago_says_nothing_of_its_unit() -> None:
    at = NINE + timedelta(hours=24)
    assert after(temp(NINE, 70.0), temp(at, 21.0)).flaws != ()
    assert after(temp(NINE, 70.0), temp(at + MINUTE, 21.0)).flaws == ()


def test_the_wrong_unit_stays_wrong_however_often_it_comes() -> None:
    words = [temp(NINE + i * MINUTE, 21.0 + i / 10) for i in range(1, 5)]
    assert marks(after(temp(NINE, 70.0), *words)) == {Quantity.TEMPERATURE: Mark.REJECTED}


def test_a_wrong_unit_outside_the_range_is_named() -> None:
    (flaw,) = alone(temperature_c=71.5).flaws
    assert flaw.reason == "71.5 °C is outside -10 to 60 °C; perhaps it is °F; a broken sensor, or fire"
    (flaw,) = alone(temperature_c=130.0).flaws
    assert flaw.reason == "130 °C is outside -10 to 60 °C; a broken sensor, or fire"


@pytest.mark.parametrize(
    ("word", "peers_f", "is_doubted"),
    [
        ({"temperature_f": 21.0}, [68.0, 71.0], True),
        ({"temperature_f": 21.0}, [68.0], False),  # one other room proves nothing
        ({"temperature_f": 33.0}, [68.0, 71.0], True),  # 91.4 °F
        ({"temperature_f": 34.0}, [60.0, 62.0], False),  # 93.2 °F would fit no better
        ({"temperature_f": 40.0}, [68.0, 71.0], False),  # 104 °F is no room either
        ({"temperature_c": 55.0}, [62.0, 63.0, 64.0], True),
        ({"temperature_c": 21.0}, [68.0, 71.0], False),
        ({"humidity": 40.0}, [68.0, 71.0], False),
    ],
)
def test_the_first_word_of_a_sensor_is_doubted_where_other_rooms_fit_the_other_unit(
    word: dict[str, float], peers_f: list[float], is_doubted: bool
) -> None:
    assert (doubt_of(said(NINE, **word), Belief(), peers_f) is not None) is is_doubted


def test_a_room_that_got_cold_step_by_step_is_believed() -> None:
    reference = Latest(45.0, NINE - 60 * MINUTE, NINE - 45 * MINUTE)
    assert doubt_of(temp(NINE, 20.5), Belief(reference), [68.0, 70.0]) is None


def test_what_is_doubted_is_rejected_and_leaves_the_rest_standing() -> None:
    judged = alone(temperature_f=70.0, humidity=40.0, voltage=120.0, doubt="the same since Monday")
    assert marks(judged) == {Quantity.TEMPERATURE: Mark.REJECTED, Quantity.HUMIDITY: Mark.REJECTED}
    assert {flaw.reason for flaw in judged.flaws} == {"the same since Monday"}


# What the site file knows of a sensor


def test_a_sensors_own_word_for_not_known_is_rejected_in_the_unit_it_sends() -> None:
    assert marks(alone(temperature_c=-0.1, invalid=frozenset({-0.1}))) == {
        Quantity.TEMPERATURE: Mark.REJECTED
    }
    assert alone(temperature_c=-0.2, invalid=frozenset({-0.1})).flaws == ()
    assert alone(temperature_f=31.8, invalid=frozenset({-0.1})).flaws == ()


def test_an_offset_counts_from_its_own_day_on() -> None:
    offsets = (Offset(None, 0.5), Offset(NINE, -1.5, 2.0))
    assert alone(temperature_f=70.0, humidity=40.0, offsets=offsets) == Judged(68.5, 42.0)
    before = said(NINE - MINUTE, temperature_f=70.0, humidity=40.0, offsets=offsets)
    assert judge(Belief(), before, QUALITY)[1] == Judged(70.5, 40.0)
    later = said(NINE, temperature_f=70.0, offsets=(Offset(NINE + MINUTE, 9.0),))
    assert judge(Belief(), later, QUALITY)[1] == Judged(70.0, None)


def test_an_offset_leaves_humidity_within_its_scale_and_errors_as_they_were_sent() -> None:
    assert alone(humidity=99.0, offsets=(Offset(None, 0.0, 5.0),)) == Judged(None, 100.0)
    assert alone(temperature_c=85.0, offsets=(Offset(None, -3.0),)).temperature_f is None


@pytest.mark.parametrize(("volts", "is_sound"), [(0.0, True), (30.0, True), (30.1, False), (65.535, False)])
def test_no_sensor_has_a_battery_beyond_thirty_volts(volts: float, is_sound: bool) -> None:
    assert (alone(battery_v=volts).flaws == ()) is is_sound
