"""Rows as line protocol: the same row is always the same point, and no name breaks out of its place."""

from datetime import UTC, datetime, timedelta

from safetyd.core.model import Condition, Episode, Place, Sensor, Worst
from safetyd.history.influx.lines import ReadingLines, episode_line, tag, ticket_line
from safetyd.store.moments import micros
from safetyd.store.readings import Kept
from safetyd.store.replica import EpisodeChange, ReadingRow, TicketEvent

AT = datetime(2026, 12, 1, 16, 5, tzinfo=UTC)
MICROS = micros(AT)
NANOS = f"{MICROS}000"
SENSORS = {
    1: Sensor(Place("maple", "12"), "sill"),
    2: Sensor(Place("maple", None), "mains"),
    3: Sensor(Place("maple", "a,b"), "t=1 x\\"),
}


def reading(sensor: int, kept: Kept, value: float, mark: int = 0, reason: str | None = None, delay: int = 0):
    row = ReadingRow(7, sensor, kept, MICROS, delay, value, mark, reason)
    return ReadingLines(SENSORS).line(row).text.decode()


def test_a_value_is_a_float_at_its_own_time_under_the_names_of_its_sensor() -> None:
    told = "reading,building=maple,mark=accepted,quantity=humidity,room=12,sensor=sill value=41.0"
    assert reading(1, Kept.HUMIDITY, 41.0) == f"{told} {NANOS}"


def test_celsius_is_there_in_fahrenheit_and_as_it_was_sent() -> None:
    assert " value=68.9,celsius=20.5 " in reading(1, Kept.TEMPERATURE_C, 20.5)
    assert " value=68.9 " in reading(1, Kept.TEMPERATURE_F, 68.9)


def test_what_is_of_the_building_has_a_dash_for_its_room() -> None:
    told = "reading,building=maple,mark=accepted,quantity=mains,room=-,sensor=mains value=0.0"
    assert reading(2, Kept.MAINS, 0.0) == f"{told} {NANOS}"


def test_what_was_rejected_says_so_and_why() -> None:
    line = reading(1, Kept.TEMPERATURE_F, 185.0, 2, 'says "85 °C"\\')
    assert ",mark=rejected," in line
    assert ' value=185.0,reason="says \\"85 °C\\"\\\\" ' in line


def test_a_late_arrival_keeps_its_delay_in_seconds() -> None:
    assert " value=70.0,delay=90.5 " in reading(1, Kept.TEMPERATURE_F, 70.0, delay=90_500_000)


def test_what_two_kinds_of_battery_say_at_once_are_two_points() -> None:
    told = {reading(1, kept, 1.0) for kept in (Kept.BATTERY, Kept.BATTERY_V, Kept.BATTERY_OK)}
    assert len(told) == 3


def test_what_ends_a_name_in_line_protocol_is_escaped() -> None:
    assert reading(3, Kept.HUMIDITY, 41.0).startswith(
        "reading,building=maple,mark=accepted,quantity=humidity,room=a\\,b,sensor=t\\=1\\ x%5C value="
    )


def test_what_line_protocol_cannot_hold_is_written_as_in_a_web_address() -> None:
    assert tag("a\\b\nc%d\u2028é") == "a%5Cb%0Ac%25d%E2%80%A8é"


def test_a_room_that_is_called_dash_is_not_taken_for_none() -> None:
    assert (tag(""), tag("-"), tag("--")) == ("-", "%2D", "--")


def episode(**more: object) -> Episode:
    return Episode(Place("maple", "12"), Condition.COLD, AT, seen=timedelta(minutes=9), **more)  # type: ignore[arg-type]


def told(found: Episode | None) -> str:
    return episode_line(EpisodeChange(4, "maple", "12", "cold", MICROS, found)).text.decode()


def test_a_running_episode_stands_at_its_beginning() -> None:
    line = told(episode(worst=Worst(57.2, AT), ticket="maple-2026-0007"))
    fields = f'current=1.0,ended=0.0,seen=540.0,worst=57.2,worst_at={MICROS / 1e6!r},ticket="maple-2026-0007"'
    assert line == f"episode,building=maple,condition=cold,room=12 {fields} {NANOS}"


def test_an_ended_one_says_how_long_it_lasted() -> None:
    assert ',ended=1.0,seen=540.0,lasted=1800.0,ticket="" ' not in told(episode())
    assert "ended=1.0,seen=540.0,lasted=1800.0," in told(episode(ended_at=AT + timedelta(minutes=30)))


def test_where_none_is_known_to_have_begun_any_more_none_is_current() -> None:
    assert told(None) == f"episode,building=maple,condition=cold,room=12 current=0.0 {NANOS}"


def event(row: int, note: str = "two heaters", detail: str = "{}") -> str:
    made = TicketEvent(
        row, "maple", "12", "cold", "", "maple-2026-0007", MICROS, "relieved", "Robin", note, detail, "ab12"
    )
    return ticket_line(made).text.decode()


def test_a_row_of_history_is_an_event_of_its_ticket() -> None:
    fields = 'events=1.0,ticket="maple-2026-0007",by="Robin",note="two heaters",hash="ab12"'
    line = f"ticket_event,building=maple,condition=cold,event=relieved,hazard=-,room=12 {fields} {MICROS}003"
    assert event(3) == event(1003) == line


def test_what_happened_at_once_is_told_apart() -> None:
    assert event(3) != event(4)


def test_details_are_kept_where_there_are_any() -> None:
    assert ',detail="{\\"tier\\": \\"mitigation\\"}" ' in event(3, detail='{"tier": "mitigation"}')
