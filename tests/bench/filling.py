"""A store with years of tickets in it, as the service itself makes them.

Rule: readings and commands only, and the roll-ups as they follow; nothing is written past the service, but
that notices have arrived, all but one in fifty.
"""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import insert, select

from safetyd.core.model import Place
from safetyd.core.ticket import Status
from safetyd.history.rolling import Rolling
from safetyd.ingest.message import Message
from safetyd.service import Service
from safetyd.site import Site
from safetyd.store import outbox, schema
from safetyd.store.database import Connection, in_memory, open_for_reading, open_for_writing
from safetyd.store.moments import micros
from safetyd.store.outbox import DeliveryState

_A_ROUND = timedelta(days=7)
_A_PASS = timedelta(minutes=8)
_COLD_PASSES, _WARM_PASSES = 2, 8  # a leap is not believed at once, and a breach ends after a while
_ASIDE = timedelta(seconds=20)  # so that the rooms of a building have notices of their own
_LASTS = timedelta(hours=4)
_UNDELIVERED = 50  # one notice in so many has reached nobody yet
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
        _arrive(connection)
        _roll_up(path, connection, site, datetime.now(UTC))
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


def aged(url: str, site: Site, root: str, topics: Sequence[str], tickets: int) -> list[str]:
    """Make the store of a district in its sixth year, and return the ids of its tickets in order.

    All but one in twenty were closed in earlier years: copies of one that the service made, under other
    numbers, rooms and times, as a store has them that an earlier release began (their chain begins after
    them). The rest the service itself opens: two in five a day ago and overdue, the others just now.
    """
    now, fresh = datetime.now(UTC), tickets // 20
    with closing(open_for_writing(url)) as connection:
        _copies(connection, site, tickets - fresh, now)
        service = Service(connection, site, root, now - timedelta(hours=27))
        every = len(topics) // fresh
        cold = topics[::every][:fresh]
        for some, began_at in (
            (cold[: fresh * 2 // 5], now - timedelta(hours=26)),
            (cold[fresh * 2 // 5 :], now - timedelta(minutes=30)),
        ):
            for number in range(_COLD_PASSES):
                _hear(service, some, began_at + number * _A_PASS, 55.5)
        are_cold = set(cold)
        _hear(service, [each for each in topics if each not in are_cold], now - _ASIDE, 70.0)
        _hear(service, cold, now - _ASIDE, 55.4)
        service.save_all(now)
        _arrive(connection)
        return list(service.world.tickets)


def _arrive(connection: Connection) -> None:
    """Have every notice arrived but a few: else the daemon would send them all first."""
    now = datetime.now(UTC)
    for number, each in enumerate(outbox.due(connection, now)):
        if number % _UNDELIVERED:
            outbox.mark_done(connection, each.id, DeliveryState.ACCEPTED, now, "")
        else:
            outbox.mark_failed(connection, each.id, now + timedelta(days=1), "450 later")
    connection.commit()


def _hear(service: Service, topics: Sequence[str], at: datetime, temperature_f: float) -> None:
    service.elapse(at)
    for topic in topics:
        said = {"temperature_f": temperature_f, "humidity": 41.5}
        service.take(Message(at, topic, json.dumps(said).encode()))
    service.commit(at)


def _copies(connection: Connection, site: Site, count: int, now: datetime) -> list[str]:
    """Keep so many copies of a ticket that was closed, each with its episode and two notices that arrived."""
    began_at = now - timedelta(days=30)
    with closing(in_memory()) as aside:
        service, place = Service(aside, site, "safetyd", began_at), _rooms(site)[0]
        topic = f"safetyd/readings/{place}"
        later = _say(service, [[topic]], began_at, 55.5, _COLD_PASSES)
        later = _say(service, [[topic]], later, 70.0, _WARM_PASSES)
        (id,) = service.world.tickets
        _act(service, [id], {"do": "relieve", "kind": "other", "tier": "long_term"}, later)
        _act(service, [id], {"do": "close"}, later + _A_PASS)
        ticket, (episode,) = service.world.tickets[id], service.world.episodes.values()
        as_kept = dict(aside.execute(select(schema.ticket)).mappings().one())
        as_ended = dict(aside.execute(select(schema.episode)).mappings().one())
    rooms, ids = _rooms(site), []
    tables: dict[str, list[dict[str, Any]]] = {"ticket": [], "episode": [], "notice": [], "delivery": []}
    numbers: Counter[tuple[str, int]] = Counter()
    for position in range(count):
        place = rooms[position % len(rooms)]
        at = now - timedelta(days=365 * 5) + position * timedelta(days=365 * 5 - 40) / count
        numbers[place.building, at.year] += 1
        id = f"{place.building}-{at.year}-{numbers[place.building, at.year]:04}"
        ids.append(id)
        where = {"building": place.building, "room": place.room}
        body = _body(replace(ticket, id=id, place=place, began_at=at, opened_at=at))
        tables["ticket"].append(as_kept | where | {"id": id, "opened_at": micros(at), "body": body})
        body = _body(replace(episode, place=place, began_at=at, ended_at=at + _LASTS, ticket=id))
        spans = {"began_at": micros(at), "ended_at": micros(at + _LASTS)}
        tables["episode"].append(as_ended | where | spans | {"id": position + 1, "ticket": id, "body": body})
        for number, reason in enumerate(("opened", "closed"), 2 * position + 1):
            told = {"id": number, "key": f"{id} {reason}", "at": micros(at), "building": place.building}
            words = {"title": f"{place}: too cold", "text": "It is too cold there.", "people": '["Ann"]'}
            tables["notice"].append(
                told | words | {"ticket": id, "tickets": "null", "reason": reason, "roles": "[]"}
            )
            went = {"person": "Ann", "address": "x", "state": "accepted", "attempts": 1, "answer": ""}
            tables["delivery"].append({"notice": number, "done_at": micros(at), **went})
    for name, some in tables.items():
        connection.execute(insert(schema.metadata.tables[name]), some)
    connection.commit()
    return ids


def _body(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _rooms(site: Site) -> list[Place]:
    return [Place(building.id, room.id) for building in site.buildings for room in building.rooms]
