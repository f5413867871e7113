"""What is owed to people: each notice once, and one delivery a person and address until it has arrived.

Rule: the notice's key makes it unique, however often it is worked out. A delivery is due, or done; it is
never dropped, and a dead address holds up no other.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any, NamedTuple

from sqlalchemy import Connection, and_, func, insert, select, update

from safetyd.core.model import Role
from safetyd.core.plan import Reason
from safetyd.core.world import Notice
from safetyd.languages import ENGLISH
from safetyd.store import chain, holding
from safetyd.store.dialect import added
from safetyd.store.moments import micros, moment
from safetyd.store.notice_schema import IS_DIGEST, delivery, notice, wording
from safetyd.store.records import Kind


class DeliveryState(StrEnum):
    """How far one delivery has come."""

    WAITING = "waiting"
    ACCEPTED = "accepted"  # by the next hop: more cannot be known
    GIVEN_UP = "given_up"  # the address is refused for good; `went_to` says who was told instead
    OVERTAKEN = "overtaken"  # it was no longer so when it would have been sent
    WITHDRAWN = "withdrawn"  # the person or address is gone from the site file


class Wording(NamedTuple):
    """A notice in words of one language."""

    language: str
    title: str
    text: str


class Letter(NamedTuple):
    """A notice in words, and to whom: names, and (name, address fingerprint) for each that can be reached.

    `wordings` are the same in the other languages of its people, `languages` which one each of them speaks.
    `instead` are those who are told in place of a role that reaches nobody: (role, name, fingerprint).
    `waits` says until when somebody's quiet hours put it off.
    """

    notice: Notice
    people: tuple[str, ...]
    addresses: tuple[tuple[str, str], ...]
    title: str
    text: str
    language: str = ENGLISH
    wordings: tuple[Wording, ...] = ()
    languages: Mapping[str, str] = MappingProxyType({})
    instead: tuple[tuple[str, str, str], ...] = ()
    waits: Mapping[str, datetime] = MappingProxyType({})


class Delivery(NamedTuple):
    """One attempt that is due; `attempts` were made before, `settled` are mailboxes that need no more.

    Title and text are in `language`: the person's, or the notice's own where it has no words in that.
    """

    id: int
    person: str
    address: str
    attempts: int
    title: str
    text: str
    building: str
    notice: int
    key: str
    tickets: tuple[str, ...]
    roles: tuple[Role, ...]
    settled: frozenset[str]
    language: str
    plan: str
    reason: Reason
    at: datetime


class Owed(NamedTuple):
    """How far a notice has come at one address of one person."""

    person: str
    address: str
    state: DeliveryState


def add(connection: Connection, letter: Letter) -> bool:
    """Keep a notice and its deliveries, in the open transaction; False when it was kept before.

    One that is shelved is owed to nobody.
    """
    owed = letter.notice
    kept = added(
        connection,
        notice,
        dict(
            key=owed.key,
            at=micros(owed.at),
            building=owed.building,
            ticket=owed.ticket,
            tickets=json.dumps(owed.tickets),
            reason=owed.reason.value,
            roles=json.dumps(owed.roles),
            people=json.dumps(letter.people, ensure_ascii=False),
            title=letter.title,
            text=letter.text,
            plan=owed.plan,
            unreached_since=_unreached_since(letter),
            language=letter.language,
            shelved=holding.kept(owed.shelved),
        ),
        "key",
    )
    if kept is None:
        return False
    chain.note(connection, Kind.NOTICE, kept)
    for wording_ in letter.wordings:
        connection.execute(insert(wording).values(notice=kept, **wording_._asdict()))
    if owed.shelved is not None:
        return True
    for each in letter.addresses:
        due_at = letter.waits.get(each[0], owed.at)
        add_deliveries(connection, kept, [each], due_at, languages=letter.languages)
    for role, name, address in letter.instead:
        add_deliveries(connection, kept, [(name, address)], owed.at, role, letter.languages)
    return True


def _unreached_since(letter: Letter) -> int | None:
    """From when on it is to worry somebody that nobody has it: of what is shelved, and of a test, never."""
    owed = letter.notice
    return None if owed.shelved or owed.reason is Reason.TEST else micros(_first_told(letter))


def _first_told(letter: Letter) -> datetime:
    """When the first person is told: before that, nobody need worry that nobody was."""
    at = letter.notice.at
    told = [letter.waits.get(name, at) for name, _ in letter.addresses]
    return min([*told, *(at for _ in letter.instead)], default=at)


def add_deliveries(
    connection: Connection,
    notice_id: int,
    addresses: Collection[tuple[str, str]],
    due_at: datetime,
    instead_of: str | None = None,
    languages: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Owe a notice at more addresses, (name, fingerprint); where it is or was owed nothing changes.

    `languages` are those of the people, by name.
    """
    for person, address in addresses:
        made = added(
            connection,
            delivery,
            dict(
                notice=notice_id,
                person=person,
                address=address,
                state=DeliveryState.WAITING.value,
                attempts=0,
                due_at=micros(due_at),
                answer="",
                instead_of=instead_of,
                language=languages.get(person),
            ),
            *("notice", "person", "address"),
        )
        if made is not None:
            chain.note(connection, Kind.DELIVERY, made)


def due(connection: Connection, now: datetime) -> list[Delivery]:
    """Return the deliveries that are due, the longest waiting first."""
    wanted = (
        select(delivery, notice.c.key, notice.c.title, notice.c.text, notice.c.building)
        .add_columns(
            notice.c.ticket, notice.c.tickets, notice.c.roles, notice.c.plan, notice.c.reason, notice.c.at
        )
        .add_columns(notice.c.language.label("own"), wording.c.language.label("spoken"))
        .add_columns(wording.c.title.label("said"), wording.c.text.label("in_full"))
        .join(notice, notice.c.id == delivery.c.notice)
        .outerjoin(
            wording,
            and_(wording.c.notice == delivery.c.notice, wording.c.language == delivery.c.language),
        )
        .where(delivery.c.due_at <= micros(now))
        .order_by(delivery.c.due_at, delivery.c.id)
    )
    return [
        Delivery(
            row.id,
            row.person,
            row.address,
            row.attempts,
            row.title if row.said is None else row.said,
            row.text if row.in_full is None else row.in_full,
            row.building,
            row.notice,
            row.key,
            (row.ticket,) if row.ticket else tuple(json.loads(row.tickets) or ()),
            tuple(map(Role, json.loads(row.roles))),
            frozenset(json.loads(row.settled or "[]")),
            row.spoken or row.own or ENGLISH,
            row.plan or "",
            Reason(row.reason),
            moment(row.at),
        )
        for row in connection.execute(wanted)
    ]


def next_due(connection: Connection, after: datetime) -> datetime | None:
    """Return when the next delivery is due after a moment."""
    wanted = select(func.min(delivery.c.due_at)).where(delivery.c.due_at > micros(after))
    at = connection.execute(wanted).scalar()
    return None if at is None else moment(at)


def owed(connection: Connection, notice_id: int) -> list[Owed]:
    """Return how far a notice has come, in the order in which it was owed."""
    wanted = (
        select(delivery.c.person, delivery.c.address, delivery.c.state)
        .where(delivery.c.notice == notice_id)
        .order_by(delivery.c.id)
    )
    return [Owed(row.person, row.address, DeliveryState(row.state)) for row in connection.execute(wanted)]


def mark_done(
    connection: Connection,
    delivery_id: int,
    state: DeliveryState,
    at: datetime,
    answer: str,
    went_to: Sequence[str] = (),
) -> None:
    """Note that a delivery needs no further attempt, and who is told instead of this person."""
    of_notice = connection.execute(
        update(delivery)
        .where(delivery.c.id == delivery_id)
        .values(
            state=state.value,
            done_at=micros(at),
            due_at=None,
            answer=answer,
            went_to=json.dumps(went_to, ensure_ascii=False) if went_to else None,
        )
        .returning(delivery.c.notice)
    ).scalar()
    chain.note(connection, Kind.DELIVERY, delivery_id)
    if state in (DeliveryState.ACCEPTED, DeliveryState.OVERTAKEN):
        connection.execute(update(notice).where(notice.c.id == of_notice).values(unreached_since=None))
        chain.note(connection, Kind.NOTICE, of_notice)


def mark_failed(
    connection: Connection,
    delivery_id: int,
    due_at: datetime,
    answer: str,
    settled: Collection[str] = (),
) -> None:
    """Note that an attempt failed, when the next one is due, and at which mailboxes none is needed."""
    connection.execute(
        update(delivery)
        .where(delivery.c.id == delivery_id)
        .values(
            due_at=micros(due_at),
            answer=answer,
            settled=json.dumps(sorted(settled)) if settled else None,
        )
    )
    chain.note(connection, Kind.DELIVERY, delivery_id)


def hasten(connection: Connection, person: str, address: str, now: datetime) -> None:
    """Let what waits for an address that accepts again wait no longer; quiet hours stay quiet."""
    is_waiting = delivery.c.due_at > micros(now)
    found = connection.execute(
        update(delivery)
        .where(
            delivery.c.person == person, delivery.c.address == address, is_waiting, delivery.c.attempts > 0
        )
        .values(due_at=micros(now))
        .returning(delivery.c.id)
    )
    chain.note(connection, Kind.DELIVERY, *found.scalars())


def notices(connection: Connection, ticket: str | None = None) -> list[dict[str, Any]]:
    """Return notices in order, as the outside sees them, each with its `id`.

    Those of a ticket come with the digests that tell of it.
    """
    wanted = select(notice).order_by(notice.c.at, notice.c.id)
    if ticket is not None:
        of_it = select(notice.c.id).where(notice.c.ticket == ticket)
        listed = notice.c.tickets.contains(json.dumps(ticket), autoescape=True)
        wanted = wanted.where(notice.c.id.in_(of_it.union(select(notice.c.id).where(IS_DIGEST, listed))))
    return [
        {
            "id": row.id,
            "at": moment(row.at),
            "ticket": row.ticket,
            "tickets": json.loads(row.tickets),
            "reason": row.reason,
            "roles": json.loads(row.roles),
            "to": json.loads(row.people),
            "title": row.title,
            "text": row.text,
            "plan": row.plan,
            "shelved": holding.who(row.shelved),
            "last_resort_at": None if row.last_resort_at is None else moment(row.last_resort_at),
        }
        for row in connection.execute(wanted)
    ]


def newest_key(connection: Connection, reason: Reason) -> str:
    """Return the key of the notice that was owed last for a reason, "" before there is any."""
    wanted = select(notice.c.key).where(notice.c.reason == reason.value).order_by(notice.c.id.desc()).limit(1)
    return connection.execute(wanted).scalar() or ""


def waiting(connection: Connection) -> Sequence[tuple[str, str, int, str]]:
    """Return what has not arrived after at least one attempt: person, title, attempts, last answer."""
    wanted = (
        select(delivery.c.person, notice.c.title, delivery.c.attempts, delivery.c.answer)
        .join(notice, notice.c.id == delivery.c.notice)
        .where(delivery.c.state == DeliveryState.WAITING.value, delivery.c.attempts > 0)
        .order_by(delivery.c.id)
    )
    return [
        (person, title, attempts, answer) for person, title, attempts, answer in connection.execute(wanted)
    ]
