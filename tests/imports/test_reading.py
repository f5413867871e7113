"""What a logger's file says: headings proposed, times placed, and hostile cells refused by row and value."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from safetyd.core.model import Place
from safetyd.imports.moments import Moments, Order, order_of, zone_of
from safetyd.imports.rows import Empty, Refused, Row
from safetyd.imports.sheet import SheetError, encoding_of
from tests.examples import examples
from tests.imports.scene import HEAD, file, laid_out, read

LOS_ANGELES = ZoneInfo("America/Los_Angeles")
ROOM = Place("maple", "12")


def test_a_hobo_export_is_read_as_its_headings_propose(tmp_path: Path) -> None:
    text = (
        '"Plot Title: Room 12"\n"#","Date Time, GMT-07:00","Temp, °F (LGR S/N: 1)","RH, %","Stopped"\n'
        "1,01/15/26 02:30:00 PM,66.2,40,\n2,01/15/26 02:31:00 PM,,,Logged\n"
    )
    made = file(tmp_path, b"\xef\xbb\xbf" + text.encode())
    layout = laid_out(made)
    assert (layout.header, layout.order, layout.is_fahrenheit) == (2, Order.MDY, True)
    assert {"time", "temperature", "humidity", "unit", "zone", "dates"} == layout.proposed
    at = datetime(2026, 1, 15, 21, 30, tzinfo=UTC)
    assert read(made) == [Row(3, ROOM, at, 66.2, 40.0), Empty(4)]


@pytest.mark.parametrize(
    ("text", "said", "words"),
    [
        ("", {}, "it is empty"),
        ("a,b\n1,2\n", {}, "no column is known for the time"),
        ("time,noise\n1,2\n", {}, "no column is known for temperature or humidity"),
        ("time,temp\n2026-01-01 10:00,20\n", {}, "does not say the unit; say --unit F or --unit C"),
        ("time,temp (C)\n01/02/2026 10:00,20\n", {}, "do not say which number is the month"),
        (
            "time,temp A (C),temp B (C)\n2026-01-01 10:00,20,21\n",
            {},
            "several columns may be the temperature",
        ),
        ("time,temp (C)\n2026-01-01 10:00,20\n", {"zone": "Mars"}, "zone: 'Mars' is none"),
        ("time,temp (C)\n2026-01-01 10:00,20\n", {"unit": "K"}, "unit: 'K' is neither F nor C"),
        ("time,temp (C)\n2026-01-01 10:00,20\n", {"place": "maple/99"}, "no room of maple is called '99'"),
        ("time,temp (C)\n2026-01-01 10:00,20\n", {"time": "tme"}, "no column is called 'tme'; did you mean"),
        ("time,temp (C)\n2026-01-01 10:00,20\n", {"place": ""}, "no column says the room"),
        ("time,temp (C)\n2026-01-01 10:00,20\n", {"encoding": "klingon"}, "'klingon' is none"),
        (b"time,temp (\xb0F)\n2026-01-01 10:00,70\n", {}, "is not utf-8"),
        ('time,temp (C)\n"2026-01-01 10:00,20\n', {}, "is not CSV"),
        ("time,temp (C)\n" + "x" * 1_000_000 + ",20\n", {}, "is not CSV"),
    ],
)
def test_what_cannot_be_told_is_asked_for(
    text: str | bytes, said: dict[str, str], words: str, tmp_path: Path
) -> None:
    with pytest.raises(SheetError) as caught:
        read(file(tmp_path, text), **said)
    assert words in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ("=1+1", "'=1+1' under 'Temp (F)' is no number"),
        ("+cmd|' /C calc'!A0", "is no number"),
        ("nan", "'nan' under"),
        ("1e999", "is no number"),
        ("1_000", "is no number"),
        ("\x0070", "is no number"),
        ("٧٠", "is no number"),
        ("7" * 5_000, "is no number"),
        ("Error", "is no number"),
        ('"70\n"', None),
        ('"1,5"', "is no number"),
        ("70 °F", None),
        ("70 F", "is no number"),
        ("14 °C", "'14 °C' is not in the unit of its column, 'Temp (F)'"),
        ("70 %", "is not in the unit of its column"),
    ],
)
def test_a_cell_that_is_no_number_refuses_its_row(cell: str, words: str | None, tmp_path: Path) -> None:
    (found,) = read(file(tmp_path, f"{HEAD}2026-01-01 10:00,{cell},40\n"))
    if words is None:
        assert isinstance(found, Row) and found.temperature == 70.0
    else:
        assert isinstance(found, Refused) and found.number == 2
        assert words in found.reason and len(found.reason) < 200


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("2026-13-01 10:00", "is no time (month must be in 1..12)"),
        ("2026-01-01", "is no time"),
        ("2026-12-01 12:01", "lies in the future"),
        ("1850-01-01 10:00", "is before 1901"),
        ("2026-03-08 02:30", "is a time that America/Los_Angeles skips"),
        ("2026-01-15 16:05+25:00", "is no time (no zone is +25:00 from UTC)"),
        ("2026-01-15 16:05-07:75", "is no time (no zone is -07:75 from UTC)"),
    ],
)
def test_a_time_that_never_was_refuses_its_row(text: str, words: str, tmp_path: Path) -> None:
    (found,) = read(file(tmp_path, f"{HEAD}{text},70,40\n"), dates="iso")
    assert isinstance(found, Refused) and words in found.reason


@pytest.mark.parametrize(
    ("head", "hour"),
    [
        ("Time", 0),
        ("Local time", 0),
        ("UTC time", -8),
        ("Time (UTC)", -8),
        ("Timestamp GMT", -8),
        ("Date Time (UTC-7)", -1),
        ("Date Time, GMT-07:00", -1),
        ("Time of Butcher", 0),
    ],
)
def test_a_heading_that_says_its_zone_is_believed(head: str, hour: int, tmp_path: Path) -> None:
    (row,) = read(file(tmp_path, f'"{head}",temp (F)\n2026-01-15 16:05,58\n'))
    local = datetime(2026, 1, 15, 16, 5, tzinfo=LOS_ANGELES)
    assert isinstance(row, Row) and row.at - local == timedelta(hours=hour)


def test_encodings_and_delimiters_are_found_out(tmp_path: Path) -> None:
    text = "Zeit;time;temp (°C);humidity\n1;31.1.2026 10:00;21,5;45,2\n"
    for coded in ("utf-8-sig", "utf-16"):
        (row,) = read(file(tmp_path, text.encode(coded)))
        assert isinstance(row, Row) and (row.temperature, row.humidity) == (21.5, 45.2)
    assert encoding_of(file(tmp_path, text.encode("utf-16"))) == "utf-16"
    (row,) = read(file(tmp_path, text.encode("cp1252")), encoding="cp1252")
    assert isinstance(row, Row) and row.at == datetime(2026, 1, 31, 18, tzinfo=UTC)


def test_rooms_stand_in_a_column_by_id_name_or_the_maps_word(tmp_path: Path) -> None:
    made = file(
        tmp_path, "time,temp (F),room\n" + "".join(f"2026-01-01 10:00,70,{r}\n" for r in ("12", "LAB", "z"))
    )
    first, second, third = read(made, place="")
    assert isinstance(first, Row) and first.place == ROOM
    assert isinstance(second, Row) and second.place == Place("maple", "lab")
    assert isinstance(third, Refused) and "no room of maple is called 'z'" in third.reason


@pytest.mark.parametrize("step", [timedelta(minutes=10), timedelta(hours=1)])
@pytest.mark.parametrize("is_backwards", [False, True])
def test_in_the_hour_that_comes_twice_the_order_of_rows_says_which(
    step: timedelta, is_backwards: bool
) -> None:
    begin = datetime(2026, 11, 1, 6, tzinfo=UTC)
    true = [begin + number * step for number in range(timedelta(hours=6) // step)]
    true = true[::-1] if is_backwards else true
    moments = Moments(Order.ISO, LOS_ANGELES)
    read_back = [moments.read(f"{at.astimezone(LOS_ANGELES):%Y-%m-%d %H:%M}", "") for at in true]
    assert read_back == true
    assert moments.twice == 2 * (timedelta(hours=1) // step)


@given(
    st.datetimes(datetime(1990, 1, 1), datetime(2030, 1, 1)).map(lambda at: at.replace(microsecond=0)),
    st.sampled_from(
        [
            ("%Y-%m-%dT%H:%M:%S", Order.ISO),
            ("%m/%d/%Y %I:%M:%S %p", Order.MDY),
            ("%m/%d/%y %H:%M:%S", Order.MDY),
            ("%d.%m.%Y %H:%M:%S", Order.DMY),
        ]
    ),
)
def test_what_is_written_is_read(at: datetime, form: tuple[str, Order]) -> None:
    pattern, order = form
    if at.year < 2000 and "%y" in pattern:
        return
    text = at.strftime(pattern)
    assert Moments(order, UTC).read(text, "") == at.replace(tzinfo=UTC)
    assert order_of([text]) in (order, None)


@given(st.text(max_size=30))
def test_no_text_is_a_zone_or_a_time_by_accident(text: str) -> None:
    zone_of(text)
    for order in Order:
        try:
            Moments(order, LOS_ANGELES).read(text, "")
        except (ValueError, OverflowError):
            pass


@settings(max_examples=examples(150), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200), st.sampled_from([b"", b"\xef\xbb\xbf", b"\xff\xfe"]))
def test_any_bytes_are_rows_or_one_sentence(tmp_path: Path, noise: bytes, mark: bytes) -> None:
    made = file(tmp_path, mark + b"time,temp (F)\n2026-01-01 10:00,70\n" + noise)
    try:
        found = read(made)
    except SheetError as error:
        assert str(error)
    else:
        assert all(each.number > 1 for each in found)
