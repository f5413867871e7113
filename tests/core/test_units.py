"""What is equal on paper is equal here: conversions are exact, then rounded once."""

import pytest

from safetyd.core.units import beside, celsius, fahrenheit


@pytest.mark.parametrize(
    ("temp_c", "temp_f"),
    [
        (0.0, 32.0),
        (100.0, 212.0),
        (-40.0, -40.0),
        (-17.8, -0.04),
        (14.0, 57.2),
        (15.6, 60.08),
        (29.4, 84.92),
        (16.1, 60.98),
        (-127.0, -196.6),
        (85.0, 185.0),
        (36.6, 97.88),
        (1e-7, 32.00000018),
    ],
)
def test_celsius_becomes_the_fahrenheit_that_paper_gives_and_back(temp_c: float, temp_f: float) -> None:
    assert fahrenheit(temp_c) == temp_f
    assert celsius(temp_f) == pytest.approx(temp_c, abs=1e-12)


def test_every_tenth_of_a_degree_comes_out_as_it_is_printed() -> None:
    for tenths in range(-1000, 1500):
        assert fahrenheit(tenths / 10) == float(f"{(tenths * 18 + 3200) / 100:.2f}")


def test_every_tenth_of_a_degree_survives_the_way_there_and_back() -> None:
    for tenths in range(-1000, 1500):
        assert celsius(fahrenheit(tenths / 10)) == tenths / 10


@pytest.mark.parametrize(
    ("value", "limit", "words"),
    [
        (85.2, 85.0, "85.2"),
        (85.003, 85.0, "85.003"),
        (85.0, 85.0, "85.0"),
        (84.96, 85.0, "84.96"),
        (59.999, 60.0, "59.999"),
        (59.96, 60.0, "59.96"),
        (59.94, 60.0, "59.9"),
        (60.0, 60.0, "60.0"),
        (60.000001, 60.0, "60.000001"),
        (85.003, None, "85.0"),
    ],
)
def test_a_value_is_shown_on_its_side_of_the_limit(value: float, limit: float | None, words: str) -> None:
    assert beside(value, limit) == words


def test_where_two_decimals_are_usual_two_are_the_least() -> None:
    assert (beside(85.2, 85.0, 2), beside(85.003, 85.0, 2)) == ("85.20", "85.003")
