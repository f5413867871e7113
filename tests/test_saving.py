"""Places that only spoke are saved a few at a time, and nothing of it is lost or judged twice."""

import json
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from safetyd.core.model import Place
from safetyd.ingest.message import Message
from safetyd.saving import AT_ONCE, SAVE_PLACES_EVERY, Round
from safetyd.service import Service
from safetyd.site import Site, read_site
from safetyd.store import places
from safetyd.store.database import open_for_writing

NOON = datetime(2026, 12, 1, 20, tzinfo=UTC)
SECOND = timedelta(seconds=1)
SPOKE = tuple(Place("maple", f"r{number}") for number in range(3))


def test_a_round_begins_when_it_is_time_and_not_before() -> None:
    idle = Round(NOON)
    assert idle.going_on(SPOKE, 9, NOON + SAVE_PLACES_EVERY - SECOND) is idle
    begun = idle.going_on(SPOKE, 9, NOON + SAVE_PLACES_EVERY)
    assert (begun.left, begun.reading, begun.is_over) == (SPOKE, 9, False)


def test_a_round_goes_on_until_all_of_it_is_saved_whoever_speaks_meanwhile() -> None:
    begun = Round(NOON - SAVE_PLACES_EVERY).going_on(SPOKE, 9, NOON)
    more = (*SPOKE, Place("maple", "late"))
    after_two = begun.after(2)
    assert after_two.going_on(more, 99, NOON + SAVE_PLACES_EVERY) is after_two
    assert (after_two.left, after_two.reading, after_two.is_over) == (SPOKE[2:], 9, False)
    assert after_two.after(2).is_over and begun.after(3).is_over and begun.after(None).is_over
    assert after_two.after(1).going_on(more, 99, NOON + SAVE_PLACES_EVERY).left == more


def test_a_round_of_nobody_is_over_at_once() -> None:
    assert Round(NOON - SAVE_PLACES_EVERY).going_on((), 9, NOON).after(1).is_over


@pytest.fixture
def site(tmp_path: Path) -> Site:
    rooms = ", ".join(f'{{ id = "r{number}" }}' for number in range(AT_ONCE + 1))
    text = f'timezone = "UTC"\n[[buildings]]\nid = "maple"\nrooms = [{rooms}]\n'
    (tmp_path / "site.toml").write_text(text, encoding="utf-8")
    read = read_site([tmp_path / "site.toml"], {}, [])
    assert read is not None
    return read


def say(service: Service, at: datetime, temperature_f: float) -> None:
    """Let every room say it, and commit."""
    for number in range(AT_ONCE + 1):
        body = json.dumps({"temperature_f": temperature_f, "humidity": 40}).encode()
        service.take(Message(at, f"safetyd/readings/maple/r{number}", body))
    service.commit(at)


@pytest.mark.parametrize("commits", [0, 1, 2])
def test_who_comes_back_in_the_middle_of_a_round_stands_where_they_stood(
    tmp_path: Path, site: Site, commits: int
) -> None:
    url = f"sqlite:///{tmp_path}/store.db"
    with closing(open_for_writing(url)) as connection:
        service = Service(connection, site, "safetyd", NOON)
        say(service, NOON, 70.0)
        assert places.saved_up_to(connection) == 0 and not places.load(connection)
        at = NOON + SAVE_PLACES_EVERY
        say(service, at, 71.0)
        assert places.saved_up_to(connection) == 0, "one room is left"
        assert len(places.load(connection)) == AT_ONCE
        for _ in range(commits):
            at += SECOND
            say(service, at, 71.5)
        assert (places.saved_up_to(connection) > 0) is (commits > 0)
        stood = service.world.rooms, service.world.health
        connection.rollback()
        again = Service(connection, site, "safetyd", at)
        assert (again.world.rooms, again.world.health) == stood
        again.save_all(at + SECOND)
        assert len(places.load(connection)) == AT_ONCE + 1
        assert places.saved_up_to(connection) == 2 * (AT_ONCE + 1) * (2 + commits)
