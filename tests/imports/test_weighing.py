"""A dry run says what the real one does; what a file shows is judged as it would have been at the time."""

from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from safetyd.core import hindsight
from safetyd.core.model import Condition, Finding, Observation, Place, Sensor
from safetyd.core.room import EMPTY, walk
from safetyd.imports.taking import take
from safetyd.service import Service
from safetyd.store import imports, readings
from safetyd.store.database import open_for_writing
from tests.examples import examples
from tests.history.scene import HERE
from tests.imports.scene import HEAD, NOON, file, weighed
from tests.stores import empty_store, store_url

ROOM = Place("maple", "12")
A, B = Sensor(ROOM, "import:a"), Sensor(ROOM, "import:b")
CELLS = st.sampled_from(["", "70.0", "59.5", "57.0", "62.0", "95.0", "185.0", "999", "-40"])
DAMP = st.sampled_from(["", "40", "0.4", "101", "120"])


def lines(*cells: str, step: int = 15) -> str:
    times = (NOON - timedelta(days=30) + number * step * timedelta(minutes=1) for number in range(len(cells)))
    return HEAD + "".join(f"{at:%Y-%m-%dT%H:%MZ},{cell}\n" for at, cell in zip(times, cells, strict=True))


def test_a_cold_morning_is_seen_with_its_end_and_its_worst(tmp_path: Path) -> None:
    made = file(tmp_path, lines("66,40", "59,40", "57.5,40", "62,40", "62,40", "62,40", "66,40"))
    told = weighed(made, tmp_path / "staged")
    (share,) = told.shares
    (breach,) = share.episodes
    assert (breach.condition, breach.ended_at - breach.began_at) == (Condition.COLD, timedelta(minutes=30))
    assert breach.worst is not None and breach.worst.value == 57.5
    assert (share.interval, share.moments, told.values) == (timedelta(minutes=15), 7, 14)


def test_a_breach_at_the_end_of_the_file_has_no_end(tmp_path: Path) -> None:
    told = weighed(file(tmp_path, lines("66,40", "59,40", "58,40")), tmp_path / "staged")
    assert [each.ended_at for each in told.shares[0].episodes] == [None]


def test_an_hourly_logger_vouches_for_three_hours_not_for_a_quarter(tmp_path: Path) -> None:
    cells = ("66,40", "59,40", "62,40", "62,40", "66,40")
    told = weighed(file(tmp_path, lines(*cells, step=60)), tmp_path / "staged")
    assert told.shares[0].interval == timedelta(hours=1)
    assert told.shares[0].episodes[0].ended_at is not None


def test_error_codes_are_rejected_kept_and_counted(tmp_path: Path) -> None:
    told = weighed(file(tmp_path, lines("66,40", "185,40", "900,40", "66,40")), tmp_path / "staged")
    assert (told.values, told.rejected) == (8, 2)
    assert told.reasons == {"an error code": 1, "outside 14 to 140 °F": 1}


@pytest.mark.sqlite  # what is prepared lies beside its file
@settings(max_examples=examples(60), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(st.integers(0, 60), CELLS, DAMP), min_size=1, max_size=30),
    st.booleans(),
    st.integers(0, 30),
)
def test_the_dry_run_and_the_real_one_agree_and_twice_is_once(
    tmp_path_factory: object, rows: list[tuple[int, str, str]], tickets: bool, before: int
) -> None:
    folder = tmp_path_factory.mktemp("import")  # type: ignore[attr-defined]
    begin = NOON - timedelta(days=200)
    text = [f"{begin + 15 * m * timedelta(minutes=1):%Y-%m-%dT%H:%MZ},{t},{h}\n" for m, t, h in rows]
    store = open_for_writing(store_url(folder, "s.db"))
    service = Service(store, HERE, "safetyd", NOON)
    known = 0
    for part in (text[:before], text):  # a part of it may be there already
        made = file(folder, HEAD + "".join(part))
        first = readings.last_id(store)
        store.rollback()
        dry = weighed(made, folder / f"dry{len(part)}", store, dates="iso")
        real = weighed(made, folder / f"real{len(part)}", store, dates="iso")
        assert dry == real
        said = {"by": "Robin", "staged": f"real{len(part)}", "tickets": tickets}
        taken_up = take(service, said, NOON)
        service.commit(NOON)
        assert readings.last_id(store) - first == dry.values
        assert taken_up == len(service.world.episodes) - known
        known = len(service.world.episodes)
        (folder / f"dry{len(part)}").unlink()
        (folder / f"real{len(part)}").unlink()
        assert weighed(made, folder / "again", store, dates="iso").values == 0
        (folder / "again").unlink()
    assert bool(known) <= tickets and not service.world.rooms and not service.world.troubles
    assert bool(service.world.tickets) <= tickets
    assert sum(each.values for each in imports.record(store)) == readings.last_id(store)
    store.close()


@given(st.lists(st.tuples(st.integers(0, 400), st.sampled_from([57.0, 62.0, 70.0, 95.0]), st.booleans())))
def test_piece_by_piece_is_what_all_at_once_is(said: list[tuple[int, float, bool]]) -> None:
    spoken = [
        Observation(A if is_a else B, at, NOON, value)
        for minute, value, is_a in sorted(said)
        for at in [NOON - timedelta(days=9) + minute * timedelta(minutes=1)]
    ]
    whole, size = list(walk(EMPTY, spoken, HERE.rulebook)), hindsight._AT_ONCE
    try:
        hindsight._AT_ONCE = 3
        pieces = list(hindsight.steps(spoken, HERE.rulebook))
    finally:
        hindsight._AT_ONCE = size
    assert [(step.at, step.judged, step.findings) for step in pieces] == [
        (step.at, step.judged, step.findings) for step in whole
    ]


def test_a_running_episode_goes_on_when_the_past_is_learnt() -> None:
    from safetyd.ingest.message import Message

    service = Service(empty_store(), HERE, "safetyd", NOON)
    service.take(Message(NOON, "safetyd/readings/maple/12", b'{"temperature_f": 55, "humidity": 40}'))
    service.commit(NOON)
    running = dict(service.world.running)
    past = Finding(Condition.COLD, NOON - timedelta(days=40), NOON - timedelta(days=39))
    assert hindsight.learn(service.world, service.facts, ROOM, [past], NOON) == 1
    assert service.world.running == running and len(service.world.tickets) == 1
    assert hindsight.learn(service.world, service.facts, ROOM, [past], NOON) == 0, "it is on record by now"
