"""A store with years of tickets in it, as the service itself makes them.

Rule: readings and commands only, and the roll-ups as they follow; nothing is written past the service, but
that every notice has arrived.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from safetyd.core.ticket import Status
from safetyd.history.rolling import Rolling
from safetyd.ingest.message import Message
from safetyd.service import Service
from safetyd.site import Site
from safetyd.store import outbox
from safetyd.store.database import Connection, open_for_reading, open_for_writing
from safetyd.store.outbox import DeliveryState

_A_ROUND = timedelta(days=7)
_A_PASS = timedelta(minutes=8)
_COLD_PASSES, _WARM_PASSES = 2, 8  # a leap is not believed at once, and a breach ends after a while
_ASIDE = timedelta(seconds=20)  # so that the rooms of a building have notices of their own
_LASTS = timedelta(hours=4)
_STAY_OPEN = 10  # one in so many of the last round's


def filled(path: Path, site: Site, topics: Sequence[Sequence[str]], tickets: int) -> list[str]:
    """Make a store in which every room was cold once a week, until there are so many tickets; return their
    ids in order. All are closed but a few of the last week's.

    Args:
        topics: Of the rooms, by building.
    """
    rounds = -(-tickets // sum(map(len, topics)))
    at = datetime.now(UTC) - _LASTS - rounds * _A_ROUND
    with closing(open_for_writing(f"sqlite:///{path}")) as connection:
        service = Service(connection, site, "safetyd", at)
        for number in range(rounds):
            at += _A_ROUND
            later = _say(service, topics, at, 55.5, _COLD_PASSES)
            ids = [each.id for each in service.world.tickets.values() if each.status is Status.OPEN]
            _act(service, ids, {"do": "acknowledge"}, later)
            later = _say(service, topics, later, 70.0, _WARM_PASSES)
            done = ids if number < rounds - 1 else [id for n, id in enumerate(ids) if n % _STAY_OPEN]
            relief = {"do": "relieve", "kind": "fans_or_heaters", "tier": "immediate"}
            _act(service, done, relief, later + _A_PASS)
            _act(service, done, {"do": "close"}, later + 2 * _A_PASS)
        service.save_all(later + 3 * _A_PASS)
        now = datetime.now(UTC)
        for each in outbox.due(connection, now):  # else the daemon would send them all first
            outbox.mark_done(connection, each.id, DeliveryState.ACCEPTED, now, "")
        connection.commit()
        _roll_up(path, connection, site, now)
        return list(service.world.tickets)


def _roll_up(path: Path, connection: Connection, site: Site, now: datetime) -> None:
    """Roll up everything: a gateway that has run for years is not behind."""

    @contextmanager
    def writing() -> Iterator[Connection]:
        yield connection
        connection.commit()

    with closing(open_for_reading(f"sqlite:///{path}")) as reader:
        rolling = Rolling(reader, writing, lambda: site, "safetyd")
        while rolling.next_at <= now:
            for _ in rolling.round(now):
                pass
            reader.rollback()


def _say(
    service: Service, topics: Sequence[Sequence[str]], at: datetime, temperature_f: float, passes: int
) -> datetime:
    """Let every room speak so many times, and return when it is over."""
    for _ in range(passes):
        for position in range(max(map(len, topics))):
            heard = at + position * _ASIDE
            for topic in (each[position] for each in topics if position < len(each)):
                said = {"temperature_f": temperature_f, "humidity": 41.5, "ts": heard.isoformat()}
                service.take(Message(heard, topic, json.dumps(said).encode()))
        at += _A_PASS
        service.elapse(at)
    return at


def _act(service: Service, ids: Sequence[str], said: dict[str, str], at: datetime) -> None:
    service.elapse(at)
    for id in ids:
        service.command({**said, "ticket": id, "by": "Kim Low", "note": "seen to"}, at)
    service.commit(at)
