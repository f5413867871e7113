"""The promise: a backlog leads to the same, in whatever pieces it is stored, and whatever stops between."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from safetyd import past
from safetyd.bulletin import live_ticket
from safetyd.core.model import Place
from safetyd.ingest.message import Message
from safetyd.service import Service
from safetyd.site import Site, read_site
from safetyd.store.database import Connection, open_for_writing
from tests.examples import examples
from tests.stores import store_url

NOON = datetime(2026, 12, 1, 20, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
GRAIN = timedelta(milliseconds=20)
SITE = """
timezone = "America/Los_Angeles"
[[buildings]]
id = "maple"
rooms = [{ id = "12" }, { id = "lab" }]
"""


class Said(NamedTuple):
    """What a sensor said so many minutes before noon, and that comes in after noon."""

    minutes: int
    topic: str
    values: dict[str, Any]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """The site file, read as a start reads it."""
    file = tmp_path_factory.mktemp("site") / "site.toml"
    file.write_text(SITE, encoding="utf-8")
    faults: list[Any] = []
    found = read_site([file], {}, faults)
    assert found is not None and not faults, faults
    return found


def message(topic: str, at: datetime, observed_at: datetime, **values: Any) -> Message:
    return Message(at, topic, json.dumps({"ts": observed_at.isoformat(), **values}).encode())


def told(service: Service) -> dict[str, Any]:
    """Return all tickets with their history, and every episode."""
    world = service.world
    return {
        "tickets": [live_ticket(service, ticket, service.last_at) for ticket in world.tickets.values()],
        "episodes": sorted(
            (str(each.place), each.condition, each.began_at, each.ended_at, each.worst, each.seen)
            for each in world.episodes.values()
        ),
    }


@contextmanager
def store() -> Iterator[Callable[[], Connection]]:
    """Yield what opens a store of its own, as often as asked."""
    with TemporaryDirectory() as folder:
        yield lambda: open_for_writing(store_url(folder))


def outcome(site: Site, lates: Sequence[Said], commits: set[int], ends: set[int]) -> dict[str, Any]:
    """Return what a backlog leads to, stored after these of its messages, and we killed after those."""
    with store() as opened:
        connection = opened()
        service = Service(connection, site, "safetyd", NOON - 10 * 60 * MINUTE)
        for minute in range(300, 0, -10):
            at = NOON - minute * MINUTE
            service.take(message("safetyd/readings/maple/12", at, at, temperature_f=63.0, humidity=40))
            service.take(message("safetyd/power/maple/ups", at, at, mains=True))
        service.commit(NOON)
        for number, late in enumerate(lates):
            at = NOON + number * GRAIN
            service.take(message(late.topic, at, NOON - late.minutes * MINUTE, **late.values))
            if number in commits | ends:
                service.elapse(at)
                service.commit(at)
            if number in ends:
                connection.close()
                connection = opened()
                service = Service(connection, site, "safetyd", at)
        at += MINUTE
        service.elapse(at)
        service.commit(at)
        found = told(service)
        connection.close()
    return found


SAID = st.one_of(
    st.builds(
        Said,
        st.integers(1, 240),
        st.sampled_from(["safetyd/readings/maple/12", "safetyd/readings/maple/12/second"]),
        st.fixed_dictionaries(
            {"temperature_f": st.sampled_from([58.0, 59.9, 60.5, 61.5, 63.0, 80.0]), "humidity": st.just(40)}
        ),
    ),
    st.builds(
        Said,
        st.integers(1, 240),
        st.sampled_from(["safetyd/power/maple/ups", "safetyd/power/maple/meter"]),
        st.fixed_dictionaries({"mains": st.booleans()}),
    ),
)
PIECES = st.sets(st.integers(0, 20))


@settings(max_examples=examples(20), suppress_health_check=list(HealthCheck))
@given(st.lists(SAID, max_size=20), st.booleans(), PIECES, st.sets(st.integers(0, 20), max_size=3))
def test_in_whatever_pieces_a_backlog_is_stored_it_leads_to_the_same(
    site: Site, lates: list[Said], is_in_order: bool, commits: set[int], ends: set[int]
) -> None:
    if is_in_order:
        lates = sorted(lates, key=lambda late: -late.minutes)
    one_by_one = outcome(site, lates, set(range(20)), set())
    assert outcome(site, lates, commits, set()) == one_by_one
    assert outcome(site, lates, commits, ends) == one_by_one


def test_a_backlog_in_order_that_crosses_the_end_of_a_breach_ends_it_once(site: Site) -> None:
    topic = "safetyd/readings/maple/lab"
    lates = [
        Said(m, topic, {"temperature_f": 59.0 if m > 120 else 62.0, "humidity": 40})
        for m in range(200, 20, -1)
    ]
    (ticket,) = outcome(site, lates, set(range(200)), set())["tickets"]
    assert [line["event"] for line in ticket["history"]] == ["opened", "ended"]
    (episode,) = ticket["episodes"]
    assert episode["ended_at"] == "2026-12-01T18:00:00Z"


def test_a_backlog_that_was_heard_before_is_not_heard_again(site: Site) -> None:
    with store() as opened, closing(opened()) as connection:
        service = Service(connection, site, "safetyd", NOON)
        lates = [(NOON - minute * MINUTE) for minute in range(60, 0, -1)]
        for again in range(3):
            for number, observed_at in enumerate(lates):
                at = NOON + again * MINUTE + number * GRAIN
                service.take(
                    message("safetyd/readings/maple/12", at, observed_at, temperature_f=70, humidity=40)
                )
            service.commit(at)
            if again == 1:
                service = Service(connection, site, "safetyd", at)
        assert connection.exec_driver_sql("SELECT count(*) FROM reading").scalar() == 120
        assert (
            len(past.observations_of(service.connection, service.hearing.sensors, Place("maple", "12"))) == 60
        )


@pytest.mark.slow
def test_what_is_kept_at_hand_has_a_limit(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    lates = [
        Said(m, f"safetyd/readings/maple/{room}", {"temperature_f": 59.0 if m > 120 else 62.0})
        for m in range(200, 20, -1)
        for room in ("12/second", "lab", "lab/second")
    ]
    unlimited = outcome(site, lates, set(range(0, 540, 7)), set())
    for most in (0, 40):
        monkeypatch.setattr(past, "MOST_KEPT", most)
        assert outcome(site, lates, set(range(0, 540, 7)), set()) == unlimited
