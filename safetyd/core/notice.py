"""What ought to be said, to which roles, and when: reasons, reminders, and how a building's news is bundled.

Rule: one notice per ticket and reason. What opens together is told together; beyond a few messages in ten
minutes the news of a building goes into a digest. Nothing is dropped, it is only said in fewer messages.
"""

from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from safetyd.core.model import Role, TroubleKind
from safetyd.core.plan import Reason, in_order
from safetyd.core.rules import RemindRule
from safetyd.core.ticket import AT_REST, Deadline, Ticket, Tier

COMPANY = timedelta(seconds=5)  # how long an opening waits for others of its building
FLOOD = timedelta(minutes=10)
FLOOD_MESSAGES = 5  # of one building within FLOOD; what comes beyond is told in digests, one per FLOOD
TROUBLE_COMPANY = timedelta(seconds=60)  # troubles take a slower path: a bridge that dies is one message


class Timed(NamedTuple):
    """A reminder (`mark` is its share of the time) or an overdue notice (its number, from 0)."""

    at: datetime
    reason: Reason
    tier: Tier
    mark: float


def _timed(ticket: Ticket, deadline: Deadline, rule: RemindRule, until: datetime) -> Iterator[Timed]:
    due_at = deadline.in_force_at
    if due_at is None or not deadline.is_owed:
        return
    for share in rule.at:
        yield Timed(
            ticket.began_at + share * (due_at - ticket.began_at), Reason.REMINDER, deadline.tier, share
        )
    yield Timed(due_at, Reason.OVERDUE, deadline.tier, 0)
    if until >= due_at:
        days = (until - due_at) // rule.overdue_every
        for day in range(max(1, days), days + 2):
            yield Timed(due_at + day * rule.overdue_every, Reason.OVERDUE, deadline.tier, day)


def reminders(ticket: Ticket, rule: RemindRule, now: datetime) -> list[Timed]:
    """Return what is owed since `told_until` up to `now`; of several of one tier, the last."""
    if ticket.status in AT_REST:
        return []
    owed = []
    for deadline in ticket.deadlines:
        due = [t for t in _timed(ticket, deadline, rule, now) if ticket.told_until < t.at <= now]
        owed.extend(due[-1:])
    return sorted(owed)


def next_reminder(ticket: Ticket, rule: RemindRule) -> datetime | None:
    """Return when the next reminder or overdue notice falls due."""
    if ticket.status in AT_REST:
        return None
    times = (t.at for d in ticket.deadlines for t in _timed(ticket, d, rule, ticket.told_until))
    return min((at for at in times if at > ticket.told_until), default=None)


class News(NamedTuple):
    """Something to tell about a ticket that may share a message with other news of its building."""

    at: datetime
    reason: Reason
    ticket: str
    roles: tuple[Role, ...]
    words: str = ""


class Message(NamedTuple):
    """One message to send: one piece of news, or several as a digest."""

    reason: Reason
    news: tuple[News, ...]
    roles: tuple[Role, ...]


class Complaint(NamedTuple):
    """A trouble that began (`is_on`) or ended, to be told to those who mend sensors; `room` is where, None
    where it is the building's."""

    at: datetime
    is_on: bool
    sensor: str
    kind: TroubleKind
    note: str = ""
    room: str | None = None


class Desk(NamedTuple):
    """A building's out-tray: openings and complaints waiting for company, news waiting for a digest, and
    when messages went out, complaints apart. `hushed` are sensors whose silence was told as a bridge's."""

    complaints: tuple[Complaint, ...] = ()
    openings: tuple[News, ...] = ()
    overflow: tuple[News, ...] = ()
    sent: tuple[datetime, ...] = ()
    digest_at: datetime | None = None
    complained_at: datetime | None = None
    hushed: tuple[str, ...] = ()


def count(desk: Desk, at: datetime) -> Desk:
    """Return the desk once a message has gone out that never waits."""
    return desk._replace(sent=(*(sent for sent in desk.sent if sent > at - FLOOD), at))


def put(desk: Desk, news: News) -> Desk:
    """Return the desk with a piece of news on it; `flush` says what goes out."""
    if news.reason is Reason.OPENED:
        return desk._replace(openings=(*desk.openings, news))
    return desk._replace(overflow=(*desk.overflow, news))


def next_flush(desk: Desk) -> datetime | None:
    """Return when something on the desk goes out."""
    dues = []
    if desk.openings:
        dues.append(desk.openings[0].at + COMPANY)
    if desk.overflow:
        dues.append(_digest_due(desk))
    if desk.complaints:
        dues.append(_complaints_due(desk))
    return min(dues, default=None)


def _digest_due(desk: Desk) -> datetime:
    earliest = desk.overflow[0].at + COMPANY
    return earliest if desk.digest_at is None else max(earliest, desk.digest_at + FLOOD)


def flush(desk: Desk, now: datetime) -> tuple[Desk, tuple[Message, ...]]:
    """Return the desk and the messages that go out at `now`."""
    messages = []
    if desk.openings and desk.openings[0].at + COMPANY <= now:
        together, desk = desk.openings, desk._replace(openings=())
        is_digest_due = desk.overflow and _digest_due(desk) <= now
        if is_digest_due or not _has_room(desk, now):
            desk = desk._replace(overflow=(*desk.overflow, *together))
        elif len({news.ticket for news in together}) > 1:
            desk = count(desk, now)
            messages.append(_message(Reason.DIGEST, together))
        else:
            for news in together:
                desk = count(desk, now)
                messages.append(_message(news.reason, (news,)))
    if desk.overflow and _digest_due(desk) <= now:
        messages.append(_message(Reason.DIGEST, desk.overflow))
        desk = count(desk._replace(overflow=(), digest_at=now), now)
    return desk, tuple(messages)


def take_news(desk: Desk, tickets: Collection[str], now: datetime) -> tuple[Desk, Message | None]:
    """Return the desk without what waits there of some tickets, and that as one message."""
    waiting = (*desk.openings, *desk.overflow)
    taken = tuple(news for news in waiting if news.ticket in tickets)
    if not taken:
        return desk, None
    desk = desk._replace(
        openings=tuple(news for news in desk.openings if news.ticket not in tickets),
        overflow=tuple(news for news in desk.overflow if news.ticket not in tickets),
    )
    return count(desk, now), _message(taken[0].reason if len(taken) == 1 else Reason.DIGEST, taken)


def take_complaints(desk: Desk, now: datetime) -> tuple[Desk, tuple[Complaint, ...]]:
    """Return the desk without the complaints that have waited long enough, and these."""
    if not desk.complaints or _complaints_due(desk) > now:
        return desk, ()
    return desk._replace(complaints=(), complained_at=now), desk.complaints


def _complaints_due(desk: Desk) -> datetime:
    earliest = desk.complaints[0].at + TROUBLE_COMPANY
    return earliest if desk.complained_at is None else max(earliest, desk.complained_at + FLOOD)


def tell(desk: Desk, news: News) -> tuple[Desk, tuple[Message, ...]]:
    """Return the desk and the message that goes out at once, if the news need not wait."""
    if any(waiting.ticket == news.ticket for waiting in desk.overflow):
        return desk._replace(overflow=(*desk.overflow, news)), ()
    if any(waiting.ticket == news.ticket for waiting in desk.openings):
        return desk._replace(openings=(*desk.openings, news)), ()  # nobody hears of an end before the opening
    if news.reason is Reason.OPENED or not _has_room(desk, news.at):
        return put(desk, news), ()
    return count(desk, news.at), (_message(news.reason, (news,)),)


def _has_room(desk: Desk, at: datetime) -> bool:
    return sum(sent > at - FLOOD for sent in desk.sent) < FLOOD_MESSAGES


def _message(reason: Reason, news: tuple[News, ...]) -> Message:
    return Message(reason, news, in_order(role for item in news for role in item.roles))
