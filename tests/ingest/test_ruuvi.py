"""A Ruuvi tag's broadcast gives what it measures; its invalid markers give nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safetyd.core.model import Quantity
from safetyd.ingest.message import PayloadError, Sample
from safetyd.ingest.ruuvi import readings

FLAGS = "020106"


def broadcast(temperature: str = "1068", humidity: str = "4650", power: str = "ADD6") -> str:
    """Return a tag's advertisement of data format 5; the defaults are 21.0 °C, 45.0 % and 2.99 V."""
    pressure, acceleration, moves, number, address = "C3A0", "000C001003E8", "2A", "0B0C", "D1D2D3D4D5D6"
    data = f"05{temperature}{humidity}{pressure}{acceleration}{power}{moves}{number}{address}"
    return f"{FLAGS}1BFF9904{data}"


def test_a_broadcast_gives_temperature_humidity_and_the_voltage_of_the_cell():
    assert readings(broadcast()) == (
        Sample(Quantity.TEMPERATURE, 21.0, "degC"),
        Sample(Quantity.HUMIDITY, 45.0, "%"),
        Sample(Quantity.BATTERY, 2.99, "V"),
    )


@pytest.mark.parametrize(
    ("hexadecimal", "temp_c"),
    [
        ("0000", 0.0),
        ("0001", 0.005),
        ("FFFF", -0.005),
        ("1769", 29.965),
        ("7FFF", 163.835),
        ("8001", -163.835),
    ],
)
def test_a_temperature_counts_in_steps_of_five_thousandths(hexadecimal, temp_c):
    assert readings(broadcast(temperature=hexadecimal))[0] == Sample(Quantity.TEMPERATURE, temp_c, "degC")


@pytest.mark.parametrize(("hexadecimal", "percent"), [("0000", 0.0), ("0001", 0.0025), ("9C40", 100.0)])
def test_a_humidity_counts_in_steps_of_a_four_hundredth(hexadecimal, percent):
    assert readings(broadcast(humidity=hexadecimal))[1] == Sample(Quantity.HUMIDITY, percent, "%")


@pytest.mark.parametrize(("hexadecimal", "volts"), [("0000", 1.6), ("0020", 1.601), ("FFDF", 3.646)])
def test_the_cell_has_so_many_millivolts_more_than_1600(hexadecimal, volts):
    assert readings(broadcast(power=hexadecimal))[2] == Sample(Quantity.BATTERY, volts, "V")


def test_what_the_tag_does_not_know_is_no_reading():
    known = readings(broadcast(temperature="8000"))
    assert [sample.quantity for sample in known] == [Quantity.HUMIDITY, Quantity.BATTERY]
    assert readings(broadcast("8000", "FFFF", "FFFF")) == ()


def test_small_letters_are_hex_too():
    assert readings(broadcast().lower()) == readings(broadcast())


def test_the_order_of_the_parts_of_a_broadcast_does_not_matter():
    assert readings(broadcast().removeprefix(FLAGS) + FLAGS) == readings(broadcast())


@pytest.mark.parametrize(
    "other",
    ["", "AA", FLAGS, FLAGS + "05FF4C001005", broadcast().replace("990405", "990403"), FLAGS + "03FF9904"],
    ids=["nothing", "a byte", "flags", "another maker", "another format", "no data"],
)
def test_what_is_of_another_maker_or_format_says_nothing(other):
    assert readings(other) == ()


@pytest.mark.parametrize("length", [14, 16, 54])
def test_a_broadcast_that_breaks_off_is_refused(length):
    with pytest.raises(PayloadError, match=r"breaks off after .* expected 24"):
        readings(broadcast()[: len(FLAGS) + length])


@pytest.mark.parametrize("text", ["0201061BFF9904 05 1", "no hex", broadcast()[:-1], broadcast()[:-1] + "G"])
def test_what_is_no_hex_is_refused(text):
    with pytest.raises(PayloadError, match="no hex"):
        readings(text)


@given(
    st.text()
    | st.binary().map(bytes.hex)
    | st.binary(max_size=30).map(lambda b: FLAGS + "1BFF9904" + b.hex())
)
def test_any_text_is_read_or_refused(text):
    try:
        samples = readings(text)
    except PayloadError as error:
        assert str(error).encode()
    else:
        assert len(samples) <= 3
