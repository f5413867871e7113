"""The heat index is the published formula to the last digit, on both sides of every branch."""

import csv
from collections.abc import Iterator
from fractions import Fraction
from math import exp, isqrt, nan
from pathlib import Path

import pytest

from safetyd.core.heat_index import heat_index_f

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"

# °F and percent, as people write them; the expected index is worked out exactly below. The dry ones lie
# where the adjustment's root is rational: 95 °F, 12.75 °F to either side of it, and 17.
POINTS = [
    "40.1",
    "50",
    "45",
    "0",
    "50",
    "100",
    "60",
    "50",
    "70.5",
    "33.3",
    "75",
    "100",
    "79.9",
    "85",
    "79.97",
    "50",
    "80",
    "40",
    "80.5",
    "0",
    "85",
    "45",
    "86",
    "90",
    "87",
    "100",
    "80",
    "100",
    "88",
    "91.5",
    "90",
    "50",
    "95",
    "0",
    "95",
    "12",
    "82.25",
    "5",
    "107.75",
    "10",
    "112",
    "3",
    "112.5",
    "7",
    "95",
    "13",
    "100",
    "40",
    "110",
    "40",
    "104.2",
    "55.5",
]

# Cells of the chart that the National Weather Service prints, in whole degrees.
PRINTED = [("80", "40", "80"), ("90", "60", "100"), ("100", "40", "109"), ("88", "85", "110")]
PRINTED_BY_DEW_POINT = [("80", "80", "89"), ("76", "4", "74")]
MISPRINTED = {("90", "45"), ("90", "70")}  # the chart's own rounding slips, known and published


def written(name: str) -> list[list[str]]:
    """Return the lines of a file of the shared folder; none where that folder is not."""
    path = DATA / name
    return list(csv.reader(path.read_text().splitlines(), skipinitialspace=True)) if path.exists() else []


def simple(t: Fraction, rh: Fraction) -> Fraction:
    return (t + 61 + (t - 68) * 6 / 5 + rh * Fraction("0.094")) / 2


def regression(t: Fraction, rh: Fraction) -> Fraction:
    by_rh = (
        (Fraction("-42.379"), Fraction("2.04901523"), Fraction("-0.00683783")),
        (Fraction("10.14333127"), Fraction("-0.22475541"), Fraction("0.00122874")),
        (Fraction("-0.05481717"), Fraction("0.00085282"), Fraction("-0.00000199")),
    )
    return sum((a + (b + c * t) * t) * rh**power for power, (a, b, c) in enumerate(by_rh))


def exactly(t: Fraction, rh: Fraction) -> Fraction:
    if (simple(t, rh) + t) / 2 < 80:
        return simple(t, rh)
    index = regression(t, rh)
    if rh < 13 and 80 <= t <= 112:
        square = 1 - abs(t - 95) / 17
        root = Fraction(isqrt(square.numerator), isqrt(square.denominator))
        assert root**2 == square, "choose a point whose root is rational"
        index -= (13 - rh) / 4 * root
    if rh > 85 and 80 <= t <= 87:
        index += (rh - 85) / 10 * (87 - t) / 5
    return index


def vectors() -> Iterator[tuple[str, str, float]]:
    for temp, humidity in zip(POINTS[::2], POINTS[1::2], strict=True):
        yield temp, humidity, float(exactly(Fraction(temp), Fraction(humidity)))
    header, *rows = written("mcci_heat_index_vectors.csv") or [[]]
    for temp, *cells in rows:
        for humidity, cell in zip(header[1:], cells, strict=True):
            if cell:
                yield temp, humidity, float(cell)


def test_every_vector_is_met_to_a_billionth() -> None:
    wrong = [
        (temp, humidity, expected)
        for temp, humidity, expected in vectors()
        if abs(heat_index_f(float(temp), float(humidity)) - expected) > 1e-9
    ]
    assert wrong == []


def test_the_shared_vectors_are_all_there_where_the_folder_is() -> None:
    assert len(list(vectors())) - len(POINTS) // 2 in ((996,) if DATA.exists() else (0,))


def test_the_printed_chart_is_the_regression_rounded_and_we_agree_where_it_is_not_adjusted() -> None:
    for temp, humidity, printed in [*PRINTED, *written("nws_heat_index_chart.csv")[1:]]:
        raw = regression(Fraction(temp), Fraction(humidity))
        assert abs(raw - int(printed)) <= 1, (temp, humidity)
        if int(humidity) <= 85 and (temp, humidity) not in MISPRINTED:
            assert abs(heat_index_f(float(temp), float(humidity)) - int(printed)) <= 0.5, (temp, humidity)


def test_the_chart_by_dew_point_is_met_within_its_rounding_of_both_ways() -> None:
    for temp, dew_point, printed in [*PRINTED_BY_DEW_POINT, *written("nws_jetstream_dewpoint_chart.csv")[1:]]:
        if int(temp) <= 96:
            humidity = min(100.0, 100 * vapour_pressure(float(dew_point)) / vapour_pressure(float(temp)))
            assert abs(heat_index_f(float(temp), humidity) - int(printed)) <= 1.5, (temp, dew_point)


def vapour_pressure(temp_f: float) -> float:
    temp_c = (temp_f - 32) / 1.8
    return 6.112 * exp(17.67 * temp_c / (temp_c + 243.5))  # Bolton


@pytest.mark.parametrize(("temp_f", "humidity"), [(60, 50), (50, 90), (40.5, 80), (79.9, 20)])
def test_a_cool_room_is_judged_by_the_simple_formula(temp_f: float, humidity: float) -> None:
    assert heat_index_f(temp_f, humidity) == pytest.approx(
        float(simple(Fraction(temp_f), Fraction(humidity)))
    )


@pytest.mark.parametrize("temp_f", [40.0, 32.0, 0.0, -40.0])
@pytest.mark.parametrize("humidity", [0.0, 50.0, 100.0])
def test_at_forty_and_below_it_is_the_temperature(temp_f: float, humidity: float) -> None:
    assert heat_index_f(temp_f, humidity) == temp_f


def test_the_regression_begins_where_simple_formula_and_temperature_average_eighty() -> None:
    edge = (170.3 - 0.047 * 50) / 2.1
    below, above = edge - 1e-6, edge + 1e-6
    assert heat_index_f(below, 50) == pytest.approx(float(simple(Fraction(below), Fraction(50))), abs=1e-9)
    assert heat_index_f(above, 50) == pytest.approx(
        float(regression(Fraction(above), Fraction(50))), abs=1e-9
    )


@pytest.mark.parametrize(
    ("temp_f", "humidity", "adjusted"),
    [
        (95, 12.99, True),
        (95, 13, False),
        (111.99, 5, True),
        (112.01, 5, False),
        (83, 85.01, True),
        (83, 85, False),
        (86.99, 95, True),
        (87.01, 95, False),
        (80, 95, True),
        (79.99, 95, False),
    ],
)
def test_dry_and_damp_air_is_adjusted_and_what_lies_between_is_not(
    temp_f: float, humidity: float, adjusted: bool
) -> None:
    raw = float(regression(Fraction(temp_f), Fraction(humidity)))
    assert (abs(heat_index_f(temp_f, humidity) - raw) > 1e-9) is adjusted


@pytest.mark.parametrize(
    ("temp_f", "humidity", "exceeds"),
    [
        (79.97, 85, False),
        (80.04, 85, True),
        (83.89, 50, False),
        (83.91, 50, True),
        (91.55, 0, False),
        (91.57, 0, True),
        (85, 43, False),
        (85, 44, True),
        (88, 20, False),
    ],
)
def test_eighty_five_lies_where_it_was_computed_to_lie(temp_f: float, humidity: float, exceeds: bool) -> None:
    assert (heat_index_f(temp_f, humidity) > 85) is exceeds


@pytest.mark.parametrize("limit_f", [80, 85, 90])
def test_air_too_hot_when_dry_is_too_hot_at_any_humidity_and_too_cool_when_damp_at_none(
    limit_f: float,
) -> None:
    for tenths in range(500, 1300):
        indices = [heat_index_f(tenths / 10, humidity) for humidity in range(101)]
        assert indices[0] <= limit_f or min(indices) > limit_f, tenths / 10
        assert indices[100] > limit_f or max(indices) <= limit_f, tenths / 10


@pytest.mark.parametrize("humidity", [-0.001, 100.001, -50, 1000, nan])
@pytest.mark.parametrize("temp_f", [30, 70, 90])
def test_humidity_that_cannot_be_is_refused_by_its_value(temp_f: float, humidity: float) -> None:
    with pytest.raises(ValueError, match=f"{humidity}"):
        heat_index_f(temp_f, humidity)


def test_a_temperature_that_is_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match="not a number"):
        heat_index_f(nan, 50)
