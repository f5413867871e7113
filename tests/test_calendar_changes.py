"""The promise: another calendar, by a reload or a restart, moves no deadline; both dates are shown."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from safetyd.bulletin import live_ticket
from safetyd.ingest.message import Message
from safetyd.service import Service
from safetyd.site import Site, read_site
from safetyd.store import outbox
from safetyd.store.database import open_for_writing
from tests.stores import store_url

NOON = datetime(2026, 12, 1, 20, tzinfo=UTC)
EARLY = datetime(2026, 12, 1, 12, tzinfo=UTC)  # four in the morning at the school
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
SITE = """
timezone = "America/Los_Angeles"
[[buildings]]
id = "maple"
rooms = [{{ id = "12" }}, {{ id = "lab" }}]
[[people]]
name = "Finn"
roles = ["facilities"]
notify = ["json://127.0.0.1:9/finn"]
[[rules]]
outside_work_hours = "hold"
[calendar]
work_year = {years}
work_hours = "{hours}"
closed = [{closed}]
"""
YEARS, LONGER, SHORTER = (f"[2026-08-25, 2027-06-{day}]" for day in (11, 15, 10))
PROMISED = "2027-06-11T23:30:00Z"


@pytest.fixture
def site(tmp_path: Path) -> Callable[..., Site]:
    def read(years: str = YEARS, hours: str = "07:45-16:30", closed: str = "") -> Site:
        text = SITE.format(years=years, hours=hours, closed=closed)
        (tmp_path / "site.toml").write_text(text, encoding="utf-8")
        faults: list[Any] = []
        found = read_site([tmp_path / "site.toml"], {}, faults)
        assert found is not None and not faults, faults
        return found

    return read


@pytest.fixture
def running(tmp_path: Path) -> Callable[..., Any]:
    @contextmanager
    def start(site: Site, now: datetime) -> Iterator[Service]:
        with closing(open_for_writing(store_url(tmp_path))) as connection:
            service = Service(connection, site, "safetyd", now)
            yield service
            service.commit(service.last_at)

    return start


def cold(service: Service, at: datetime, room: str = "12") -> None:
    topic = f"safetyd/readings/maple/{room}"
    service.take(Message(at, topic, b'{"temperature_f": 57.2, "humidity": 40}', False))
    service.last_at = at
    service.commit(at)


def midterm(service: Service, now: datetime) -> dict[str, Any]:
    (ticket,) = service.world.tickets.values()
    (found,) = [d for d in live_ticket(service, ticket, now)["deadlines"] if d["tier"] == "midterm"]
    return dict(found)


def changes(service: Service, now: datetime) -> list[str]:
    (ticket,) = service.world.tickets.values()
    history = live_ticket(service, ticket, now)["history"]
    return [row["note"] for row in history if row["event"] == "calendar_changed"]


@pytest.mark.parametrize(
    ("years", "amended_to"),
    [
        (YEARS, None),
        (LONGER, "2027-06-15T23:30:00Z"),
        (SHORTER, "2027-06-10T23:30:00Z"),
        (f"[{YEARS}, [2027-08-24, 2028-06-09]]", None),
        ("[2027-08-24, 2028-06-09]", None),  # the year of the promise is in the calendar no more
    ],
)
@pytest.mark.parametrize("by", ["reload", "restart"])
def test_a_promised_deadline_stays_and_what_it_would_be_now_is_shown(
    running, site, by: str, years: str, amended_to: str | None
) -> None:
    later = NOON + HOUR
    with running(site(), NOON) as service:
        cold(service, NOON)
        assert "amended_to" not in midterm(service, NOON)
        if by == "reload":
            service.take_site(site(years), later)
            service.commit(later)
            assert (midterm(service, later)["due_at"], midterm(service, later).get("amended_to")) == (
                PROMISED,
                amended_to,
            )
    with running(site(years), later) as service:
        service.commit(later)
        assert midterm(service, later)["due_at"] == PROMISED
        assert midterm(service, later).get("amended_to") == amended_to
        assert len(changes(service, later)) == (amended_to is not None)
    with running(site(years), later + HOUR) as service:  # and is not said again
        service.commit(later)
        assert len(changes(service, later)) == (amended_to is not None)


def test_a_calendar_that_is_taken_back_leaves_the_promise_alone(running, site) -> None:
    with running(site(), NOON) as service:
        cold(service, NOON)
        for years in (LONGER, YEARS):
            service.take_site(site(years), NOON + HOUR)
            service.commit(NOON + HOUR)
        assert "amended_to" not in midterm(service, NOON)
        assert midterm(service, NOON)["due_at"] == PROMISED
        first, second = changes(service, NOON)
        assert "the work year ends 2027-06-15 23:30 UTC by the calendar now in force" in first
        assert "midterm relief stays due as promised, 2027-06-11 23:30 UTC" in first
        assert "the work year ends 2027-06-11 23:30 UTC" in second


def test_what_is_held_waits_for_the_work_hours_of_the_new_calendar(running, site) -> None:
    with running(site(), EARLY) as service:
        cold(service, EARLY)
        service.take_site(site(closed="2026-12-01"), EARLY + HOUR)  # snow
        service.elapse(NOON)
        service.commit(NOON)
        assert service.world.tickets == {}
        service.elapse(NOON + 24 * HOUR)
        service.commit(NOON + 24 * HOUR)
        (ticket,) = service.world.tickets.values()
        assert ticket.began_at == datetime(2026, 12, 2, 15, 45, tzinfo=UTC)


def test_work_hours_that_have_begun_by_the_new_calendar_hold_nothing(running, site) -> None:
    with running(site(), EARLY) as service:
        cold(service, EARLY)
        service.take_site(site(hours="04:30-16:30"), EARLY + HOUR)
        (ticket,) = service.world.tickets.values()
        assert ticket.began_at == EARLY + HOUR


def warnings(service: Service) -> list[datetime]:
    return [notice["at"] for notice in outbox.notices(service.connection) if notice["reason"] == "held"]


@pytest.mark.parametrize(
    ("back_at", "told"),
    [
        (EARLY + 2 * HOUR, [EARLY + 2.75 * HOUR]),  # 06:45
        (EARLY + 3 * HOUR, [EARLY + 3 * HOUR]),  # nobody was there at 06:45
        (EARLY + 4 * HOUR, []),  # work has begun, and the ticket says so
    ],
)
def test_the_warning_of_the_morning_survives_a_restart(
    running, site, back_at: datetime, told: list[datetime]
) -> None:
    with running(site(), EARLY) as service:
        cold(service, EARLY)
    with running(site(), back_at) as service:
        service.elapse(EARLY + 4 * HOUR)
        service.last_at = EARLY + 4 * HOUR
        service.commit(EARLY + 4 * HOUR)
        assert warnings(service) == told
        assert len(service.world.tickets) == 1


def test_a_restart_within_the_hour_warns_nobody_twice(running, site) -> None:
    with running(site(), EARLY) as service:
        cold(service, EARLY)
        service.elapse(EARLY + 3 * HOUR)
        service.commit(EARLY + 3 * HOUR)
    with running(site(), EARLY + 3 * HOUR) as service:
        cold(service, EARLY + 3 * HOUR + MINUTE, "lab")
        service.elapse(EARLY + 4 * HOUR)
        service.commit(EARLY + 4 * HOUR)
        assert warnings(service) == [EARLY + 2.75 * HOUR]
