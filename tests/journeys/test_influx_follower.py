"""The follower and a real InfluxDB: every row once, whatever is answered; names come back as they were."""

import logging
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import unquote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from safetyd.core.model import Mark, Observation, Offset, Place, Quantity, Sensor
from safetyd.core.quality import Flaw
from safetyd.history.influx import door
from safetyd.history.influx import follower as module
from safetyd.history.influx.again import send_again
from safetyd.history.influx.door import Door
from safetyd.history.influx.follower import Follower
from safetyd.history.influx.lines import ReadingLines, tag, ticket_line
from safetyd.history.influx.reads import InfluxError, points
from safetyd.setting_outside import Influx as Settings
from safetyd.store import readings, replica
from safetyd.store.database import Connection, open_for_writing
from safetyd.store.moments import micros
from safetyd.store.readings import Kept, KnownSensor
from safetyd.store.replica import ReadingRow, Stream, TicketEvent
from tests.journeys.influx import DATABASE, HANG, STORED, TOKEN, Fault, Influx, influx_server
from tests.journeys.servers import until

pytestmark = pytest.mark.journey

AT = datetime(2026, 12, 1, 16, 0, tzinfo=UTC)
ROOM = Place("maple", "12")
SILL = Sensor(ROOM, "sill")


@pytest.fixture
def influx(tmp_path: Path) -> Iterator[Influx]:
    with influx_server(tmp_path / "influx") as made:
        yield made


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/safetyd.db"


@pytest.fixture
def store(url: str) -> Iterator[Connection]:
    with closing(open_for_writing(url)) as made:
        readings.add_sensors(made, [KnownSensor(1, SILL, "a/topic", "native")])
        made.commit()
        yield made


def spoke(number: int, **more: object) -> Observation:
    at = AT + timedelta(seconds=number)
    said = {"temperature_f": 60.0 + number % 100 / 10} | more
    return Observation(SILL, at, at, **said)  # type: ignore[arg-type]


def say(store: Connection, *said: Observation) -> None:
    readings.append(store, [row for each in said for row in readings.rows(1, each, ())])
    store.commit()


def setting(influx: Influx, **more: object) -> Settings:
    return Settings(**{"url": influx.url, "bucket": DATABASE, "token": TOKEN} | more)  # type: ignore[arg-type]


@contextmanager
def following(influx: Influx, url: str, **more: object) -> Iterator[Follower]:
    made = Follower(setting(influx, **more), url, lambda: datetime.now(UTC))
    made.start()
    try:
        yield made
    finally:
        made.stop(within_s=10)


def comes_to(made: Follower, row: int, stream: Stream = Stream.READING) -> None:
    until(f"the copy has come to {stream} {row}", lambda: made.progress.rows[stream] >= row)


def save(store: Connection, made: Follower, influx: Influx) -> None:
    """What the daemon does with whatever it commits."""
    replica.mark_copied(store, setting(influx).target, made.progress.rows, made.progress.refused, AT)
    store.commit()


def test_what_is_stored_arrives_zipped_and_the_next_start_goes_on_from_there(influx, url, store) -> None:
    say(store, *(spoke(number) for number in range(500)))
    with following(influx, url) as made:
        comes_to(made, 500)
        say(store, spoke(500))
        comes_to(made, 501)
        save(store, made, influx)
        assert made.progress.fault == ""
    say(store, spoke(501))
    before = len(influx.writes)
    with following(influx, url) as made:
        comes_to(made, 502)
    assert influx.count() == 502
    assert sum(len(write.lines) for write in influx.writes[before:]) == 1
    for write in influx.writes:
        assert write.is_zipped and write.authorization == f"Token {TOKEN}"


def test_another_bucket_is_another_copy_and_begins_at_the_beginning(influx, url, store) -> None:
    influx.ask('CREATE DATABASE "other"')
    influx.ask('CREATE RETENTION POLICY "years" ON "other" DURATION INF REPLICATION 1')
    say(store, spoke(0), spoke(1))
    with following(influx, url) as made:
        comes_to(made, 2)
        save(store, made, influx)
    with following(influx, url, bucket="other/years") as made:
        comes_to(made, 2)
    assert len(influx.ask('SELECT * FROM "other"."years"."reading"')) == 2


def test_every_kind_of_verdict_is_copied(influx, url, store) -> None:
    flaws = (Flaw(Quantity.TEMPERATURE, Mark.REJECTED, '85 °C is an "error" code'),)
    doubted = Flaw(Quantity.TEMPERATURE, Mark.SUSPECT, "a step")
    readings.append(store, readings.rows(1, spoke(0, humidity=41.0), flaws))
    readings.append(store, readings.rows(1, spoke(1), (doubted,)))
    readings.append(store, readings.rows(1, spoke(2, retained=True), ()))
    store.commit()
    with following(influx, url) as made:
        comes_to(made, 4)
    found = {(row["quantity"], row["mark"], row["reason"]) for row in influx.ask('SELECT * FROM "reading"')}
    assert found == {
        ("temperature", "rejected", '85 °C is an "error" code'),
        ("humidity", "accepted", None),
        ("temperature", "suspect", "a step"),
        ("temperature", "retained", None),
    }


def test_a_suspect_that_is_borne_out_after_a_restart_counts_as_it_does_in_the_record(
    influx, url, store
) -> None:
    say(store, spoke(0, temperature_f=60.0))
    doubted = (Flaw(Quantity.TEMPERATURE, Mark.SUSPECT, "a step"),)
    readings.append(store, readings.rows(1, spoke(60, temperature_f=80.0), doubted))
    store.commit()
    with following(influx, url) as made:
        comes_to(made, 2)
        save(store, made, influx)
    say(store, spoke(120, temperature_f=81.0))
    with following(influx, url) as made:
        comes_to(made, 3)
    counts = '("mark" = \'accepted\' OR "borne_out" = 1) AND "quantity" = \'temperature\''
    (found,) = influx.ask(f'SELECT mean("value") AS mean, count("value") AS n FROM "reading" WHERE {counts}')
    assert (found["n"], found["mean"]) == (3, pytest.approx(221 / 3))
    assert influx.count() == 3, "it is the same point"


def test_what_is_copied_is_calibrated_by_the_site_file_of_the_moment(influx, url, store) -> None:
    def sensors(_: Connection) -> dict[int, Sensor]:
        return {1: Sensor(ROOM, "sill", offsets=offsets)}

    offsets = (Offset(None, -0.8),)
    say(store, spoke(0, temperature_f=85.7))
    made = Follower(setting(influx), url, lambda: datetime.now(UTC), sensors)
    made.start()
    comes_to(made, 1)
    offsets = (Offset(None, 1.0),)
    made.take_site()
    say(store, spoke(1, temperature_f=60.0))
    comes_to(made, 2)
    made.stop(within_s=10)
    found = influx.ask('SELECT "value", "raw" FROM "reading"')
    assert [(row["value"], row["raw"]) for row in found] == [(85.7 - 0.8, 85.7), (61.0, 60.0)]
    assert [point.value for point in points(setting(influx), ROOM, Quantity.TEMPERATURE, None, None)] == [
        85.7,
        60.0,
    ]


@pytest.mark.parametrize(
    "fault",
    [
        Fault(0),
        Fault(0, after_commit=True),
        Fault(500),
        Fault(503, after_commit=True),
        Fault(429, headers={"Retry-After": "1"}),
        Fault(408),
    ],
    ids=["hang-up", "hang-up-after-commit", "500", "503-after-commit", "429", "408"],
)
def test_a_fault_that_passes_costs_nothing_and_doubles_nothing(influx, url, store, fault: Fault) -> None:
    say(store, *(spoke(number) for number in range(300)))
    influx.fail(fault)
    with following(influx, url) as made:
        comes_to(made, 300)
        assert not made.progress.refused
    assert influx.count() == 300
    assert len(influx.writes) == 2 and influx.writes[0].lines == influx.writes[1].lines


def test_a_server_that_takes_what_is_sent_and_never_answers_is_given_up_and_tried_again(
    influx, url, store, monkeypatch, caplog
) -> None:
    monkeypatch.setattr(door, "READ_MS", 200)
    say(store, *(spoke(number) for number in range(500)))
    influx.fail(Fault(HANG), Fault(HANG, after_commit=True))
    with caplog.at_level(logging.WARNING, "safetyd.influx"), following(influx, url) as made:
        comes_to(made, 500)
        assert made.progress.fault == "" and not made.progress.refused
    assert "influx: nothing is taken (no answer: " in caplog.text
    assert "influx: it takes what is sent again" in caplog.text
    assert len(influx.writes) == 3 and len({write.lines for write in influx.writes}) == 1
    assert influx.count() == 500, "what it had stored without a word is there once"


def test_what_a_server_says_it_has_stored_and_has_not_is_there_once_another_bucket_is_named(
    influx, url, store
) -> None:
    say(store, *(spoke(number) for number in range(500)))
    influx.fail(Fault(STORED))
    with following(influx, url) as made:
        comes_to(made, 500)
        say(store, spoke(500))
        comes_to(made, 501)
        save(store, made, influx)
        assert made.progress.fault == "" and not made.progress.refused, "nobody can know"
    assert influx.count() == 1
    with following(influx, url, bucket=f"{DATABASE}/autogen") as again:
        comes_to(again, 501)
    assert influx.count() == 501, "by another name of the same place each line is there once"


@pytest.mark.parametrize("poison", [[0], [499], [250], [7, 8, 300]])
def test_a_line_that_is_refused_is_put_aside_with_its_reason_and_the_rest_goes_through(
    influx, url, store, poison: list[int]
) -> None:
    say(
        store, *(spoke(number, humidity=40.0) if number in poison else spoke(number) for number in range(500))
    )
    influx.refuses = lambda line: "a spell on it" if "humidity" in line else ""
    with following(influx, url) as made:
        comes_to(made, 500 + len(poison))
        save(store, made, influx)
        until("what is on record is let go", lambda: not made.progress.refused)
    assert influx.count() == 500
    found = replica.uncopied(store, setting(influx).target)
    assert [each.reason for each in found] == ["400: a spell on it"] * len(poison)
    assert all(
        each.line.startswith("reading,building=maple,mark=accepted,quantity=humidity") for each in found
    )
    assert len(influx.writes) <= 4 + len(poison) * 20


def test_what_influx_itself_cannot_read_is_put_aside_too(influx, url, store) -> None:
    say(store, spoke(0), spoke(1, temperature_f=float("inf")), spoke(2))
    with following(influx, url) as made:
        comes_to(made, 3)
        (refused,) = made.progress.refused
    assert (refused.stream, refused.row) == (Stream.READING, 2)
    assert "400: unable to parse" in refused.reason
    assert influx.count() == 2


def test_what_is_too_large_is_halved_until_it_fits(influx, url, store) -> None:
    say(store, *(spoke(number) for number in range(1000)))
    influx.largest = 20_000
    with following(influx, url) as made:
        comes_to(made, 1000)
        before = len(influx.writes)
        say(store, *(spoke(number) for number in range(1000, 2000)))
        comes_to(made, 2000)
        assert not made.progress.refused
    assert influx.count() == 2000
    assert all(len("\n".join(write.lines)) <= 20_000 for write in influx.writes[before:]), "it has learnt"


def test_where_every_line_is_refused_nothing_is_put_aside_and_a_person_is_asked(influx, url, store) -> None:
    say(store, *(spoke(number) for number in range(150)))
    influx.refuses = lambda line: "no such thing"
    with following(influx, url) as made:
        fault = until("a person is asked", lambda: made.progress.fault)
        assert "every line is refused: look at url, and give it a bucket of its own" in fault
        assert made.progress.rows[Stream.READING] == 0 and not made.progress.refused


@pytest.mark.parametrize("refused", [20, 240])
def test_a_server_that_begins_to_refuse_everything_costs_no_line_however_few_come_at_once(
    influx, url, store, monkeypatch, refused: int
) -> None:
    monkeypatch.setattr(module.patience, "SLOW_PAUSE_S", 0.2)
    say(store, *(spoke(number) for number in range(50)))
    with following(influx, url) as made:
        comes_to(made, 50)
        influx.refuses = lambda line: "The plain HTTP request was sent to HTTPS port"
        for first in range(50, 50 + refused, 20):
            tried = len(influx.writes)
            say(store, *(spoke(number) for number in range(first, first + 20)))
            until("they are refused", lambda tried=tried: len(influx.writes) > tried + 20)  # type: ignore[misc]
        fault = until("a person is asked", lambda: made.progress.fault)
        assert "every line is refused: look at url" in fault
        assert made.progress.rows[Stream.READING] == 50 and not made.progress.refused
        influx.refuses = lambda line: ""
        comes_to(made, 50 + refused)
        assert not made.progress.refused and not made.progress.fault
    assert influx.count() == 50 + refused


def test_refusals_of_small_requests_add_up_where_nothing_was_ever_taken(influx, url, store) -> None:
    influx.refuses = lambda line: "no such thing"
    with following(influx, url) as made:
        for first in range(0, 120, 20):
            assert not made.progress.fault
            say(store, *(spoke(number) for number in range(first, first + 20)))
            if first < 80:
                last = spoke(first + 19).temperature_f
                until(
                    "they are refused",
                    lambda last=last: any(  # type: ignore[misc]
                        len(each.lines) == 1 and f"value={last!r}" in each.lines[0] for each in influx.writes
                    ),
                )
        until("a person is asked", lambda: made.progress.fault)
        assert made.progress.rows[Stream.READING] == 0 and not made.progress.refused


def test_a_poisoned_line_that_is_alone_is_put_aside_once_another_is_taken(influx, url, store) -> None:
    influx.refuses = lambda line: "a spell on it" if "humidity" in line else ""
    say(store, spoke(0, temperature_f=None, humidity=40.0))
    with following(influx, url) as made:
        until("it is refused", lambda: influx.writes)
        assert made.progress.rows[Stream.READING] == 0 and not made.progress.refused
        say(store, spoke(1))
        comes_to(made, 2)
        assert [each.row for each in made.progress.refused] == [1]


def test_more_poisoned_lines_in_a_row_than_make_a_fault_are_put_aside_while_others_are_taken(
    influx, url, store
) -> None:
    influx.refuses = lambda line: "a spell on it" if "humidity" in line else ""
    say(store, spoke(0), *(spoke(n, temperature_f=None, humidity=40.0) for n in range(1, 131)), spoke(131))
    with following(influx, url) as made:
        comes_to(made, 132)
        assert len(made.progress.refused) == 130 and not made.progress.fault
    assert influx.count() == 2


def test_what_was_refused_is_sent_again_on_request_and_what_is_refused_again_stays_on_record(
    influx, url, store
) -> None:
    say(store, *(spoke(number, humidity=40.0) for number in range(3)), spoke(3, battery=50.0))
    influx.refuses = lambda line: "a spell on it" if "humidity" in line or "battery" in line else ""
    with following(influx, url) as made:
        comes_to(made, 8)
        save(store, made, influx)
    influx.refuses = lambda line: "a spell on it" if "battery" in line else ""
    sent = send_again(setting(influx), store)
    store.rollback()
    assert (len(sent.rows), sent.refused, sent.fault) == (3, 1, "")
    replica.no_longer_refused(store, setting(influx).target, sent.rows)
    store.commit()
    assert influx.count() == 7
    assert [each.row for each in replica.uncopied(store, setting(influx).target)] == [8]
    influx.refuses = lambda line: ""
    influx.kill()
    assert "no answer" in send_again(setting(influx), store).fault


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"token": "a-wr0ng-one"}, "(401: authorization failed); look at token_file"),
        ({"bucket": "nowhere"}, "(404: database not found: "),
    ],
)
def test_what_a_person_must_mend_is_said_and_everything_is_kept(
    influx, url, store, caplog, more: dict[str, str], words: str
) -> None:
    say(store, spoke(0), spoke(1))
    with caplog.at_level(logging.DEBUG), following(influx, url, **more) as made:
        fault = until("a person is asked", lambda: made.progress.fault)
        assert words in fault and "all is kept until then" in fault
        assert made.progress.rows[Stream.READING] == 0
    assert "a-wr0ng-one" not in caplog.text + fault
    with following(influx, url) as made:
        comes_to(made, 2)
        assert made.progress.fault == ""
    assert influx.count() == 2


def test_a_name_and_password_let_us_in_as_1_8_has_it(influx, url, store) -> None:
    influx.token = "watcher:pa:ss"
    say(store, spoke(0))
    with following(influx, url, token=None, username="watcher", password="pa:ss") as made:
        comes_to(made, 1)
    assert influx.count() == 1


def test_a_certificate_is_verified_and_an_authority_of_ones_own_is_believed(tmp_path, url, store) -> None:
    assert shutil.which("openssl"), "openssl is missing; on Debian: apt-get install openssl"
    key, certificate = tmp_path / "key.pem", tmp_path / "ca.pem"
    made = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=ours"
    named = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(["openssl", *made.split(), *named], check=True, capture_output=True)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    say(store, spoke(0))
    with influx_server(tmp_path / "influx", tls) as influx:
        with following(influx, url) as made_without:
            fault = until("a person is asked", lambda: made_without.progress.fault)
            assert "certificate" in fault and "look at url and ca_file" in fault
        with following(influx, url, ca_file=str(certificate)) as believing:
            comes_to(believing, 1)
        assert influx.count() == 1 and len(influx.writes) == 1, "no token goes to who is not believed"


def test_what_it_would_forget_at_once_is_not_sent_for_ever(influx, url, store) -> None:
    influx.ask(f'ALTER RETENTION POLICY "autogen" ON "{DATABASE}" DURATION 1h SHARD DURATION 1h')
    now = datetime.now(UTC)
    late = Observation(SILL, now, now, temperature_f=61.0)
    old = [
        spoke(number, temperature_f=50.0)._replace(observed_at=now - timedelta(days=9, seconds=number))
        for number in range(5)
    ]
    say(store, *old, late)
    with following(influx, url) as made:
        comes_to(made, 6)
        assert not made.progress.refused
    assert [row["value"] for row in influx.ask('SELECT "value" FROM "reading"')] == [61]


def test_a_week_without_it_is_caught_up_in_pieces_and_the_log_says_how_fast(
    influx, url, store, monkeypatch, caplog
) -> None:
    monkeypatch.setattr(module, "MOST_LINES", 700)
    say(store, *(spoke(number) for number in range(7_000)))
    with caplog.at_level(logging.INFO, "safetyd.influx"), following(influx, url) as made:
        comes_to(made, 7_000)
        until("the log says so", lambda: "influx: caught up: " in caplog.text)
    assert "influx: 7000 rows are still to be copied" in caplog.text
    assert influx.count() == 7_000
    assert max(len(write.lines) for write in influx.writes) == 700


def test_points_are_read_back_as_the_store_would_give_them(influx, url, store) -> None:
    rejected = (Flaw(Quantity.TEMPERATURE, Mark.REJECTED, "no"),)
    say(
        store,
        spoke(0),
        spoke(1, temperature_f=None, temperature_c=20.5),
        spoke(2, humidity=40.0, battery_v=3.0, battery=50.0),
    )
    readings.append(store, readings.rows(1, spoke(3), rejected))
    store.commit()
    with following(influx, url) as made:
        comes_to(made, 7)
    for quantity in Quantity:
        for begin, end in ((None, None), (AT, AT + timedelta(seconds=2)), (AT + timedelta(seconds=1), None)):
            local = readings.points(store, ROOM, quantity, begin, end)
            there = points(setting(influx), ROOM, quantity, begin, end)
            assert sorted(there) == sorted(local), quantity
    assert points(setting(influx), ROOM, Quantity.TEMPERATURE, None, None)[1].kept is Kept.TEMPERATURE_C
    assert points(setting(influx), Place("maple", None), Quantity.TEMPERATURE, None, None) == []


def test_more_points_than_one_answer_holds_are_all_read(influx, url, store, monkeypatch) -> None:
    monkeypatch.setattr("safetyd.history.influx.reads._PAGE", 100)
    say(store, *(spoke(number) for number in range(300)))
    with following(influx, url) as made:
        comes_to(made, 300)
    found = points(setting(influx), ROOM, Quantity.TEMPERATURE, None, None)
    assert found == readings.points(store, ROOM, Quantity.TEMPERATURE, None, None)


def test_a_copy_that_cannot_be_read_says_why(influx) -> None:
    wrong = setting(influx, token=SecretStr("an0ther").get_secret_value())
    with pytest.raises(
        InfluxError, match=r"cannot be read \(401: authorization failed\); look at \[influx\]"
    ) as told:
        points(wrong, ROOM, Quantity.TEMPERATURE, None, None)
    assert "an0ther" not in str(told.value)
    influx.kill()
    with pytest.raises(InfluxError, match="no answer: "):
        points(setting(influx), ROOM, Quantity.TEMPERATURE, None, None)


@pytest.fixture(scope="module")
def one_influx(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Influx]:
    with influx_server(tmp_path_factory.mktemp("names") / "influx") as made:
        yield made


NAMES = st.text(
    st.one_of(st.sampled_from(",= \\\"'%\n\r\t\x00/#$é漢🌡\u2028"), st.characters(exclude_categories=["Cs"])),
    min_size=1,
    max_size=12,
)
TEXTS = st.text(
    st.one_of(st.sampled_from(",= \\\"'%\n\r\t/é漢🌡"), st.characters(exclude_categories=["Cs"])), max_size=20
)
_LASTING = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
_number = iter(range(1, 10**9))


@_LASTING
@given(building=NAMES, room=NAMES, sensor=NAMES, reason=TEXTS, value=st.floats(-1e300, 1e300))
def test_names_and_texts_of_readings_come_back(
    one_influx: Influx, building: str, room: str, sensor: str, reason: str, value: float
) -> None:
    at = micros(AT) + next(_number)
    made = ReadingLines({1: Sensor(Place(building, room), sensor)})
    line = made.line(ReadingRow(1, 1, Kept.HUMIDITY, at, 0, value, 2, reason))
    assert Door(setting(one_influx)).write([line.text]).status == 204
    (row,) = one_influx.ask(f'SELECT * FROM "reading" WHERE time = {at * 1000}')
    assert (row["building"], row["room"], row["sensor"]) == (tag(building), tag(room), tag(sensor))
    assert [unquote(row[name]) for name in ("building", "room", "sensor")] == [building, room, sensor]
    assert (row["mark"], row["quantity"], row["reason"]) == ("rejected", "humidity", reason)
    assert float(row["value"]) == value


@_LASTING
@given(hazard=NAMES, notes=st.lists(TEXTS, min_size=2, max_size=3), by=TEXTS)
def test_texts_of_tickets_come_back_and_stay_apart(
    one_influx: Influx, hazard: str, notes: list[str], by: str
) -> None:
    at = micros(AT) + 1000 * next(_number)
    lines = [
        ticket_line(
            TicketEvent(n, "maple", "", "hazard", hazard, "maple-1", at, "note", by, note, "{}", "ab")
        )
        for n, note in enumerate(notes, 1)
    ]
    assert Door(setting(one_influx)).write([line.text for line in lines]).status == 204
    rows = one_influx.ask(
        f'SELECT * FROM "ticket_event" WHERE time >= {at * 1000} AND time < {(at + 1) * 1000}'
    )
    assert [row["note"] for row in rows] == notes
    assert {(row["by"], unquote(row["hazard"])) for row in rows} == {(by, hazard)}


@_LASTING
@given(building=NAMES, room=NAMES)
def test_rooms_of_any_name_are_found(one_influx: Influx, building: str, room: str) -> None:
    at = micros(AT) + next(_number)
    made = ReadingLines({1: Sensor(Place(building, room), "s")})
    line = made.line(ReadingRow(1, 1, Kept.VOLTAGE, at, 0, 119.5, 0, None))
    assert Door(setting(one_influx)).write([line.text]).status == 204
    found = points(setting(one_influx), Place(building, room), Quantity.VOLTAGE, None, None)
    assert micros(found[-1].observed_at) == at and found[-1].value == 119.5
