"""Says what was decided: a line of history, a notice, a complaint about a sensor.

Rule: everything said is noted in the World's changes with the moment it is said for; nothing is sent here.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from safetyd.core import notice, power
from safetyd.core.attachment import Attachment
from safetyd.core.model import Condition, Place, Role, Trouble, TroubleKind
from safetyd.core.notice import Complaint, Desk, News
from safetyd.core.plan import Plan, Reason
from safetyd.core.ticket import Ticket
from safetyd.core.trouble import Sign
from safetyd.core.world import Facts, Notice, Row, World

SAFETYD = "safetyd"
_BUNDLED = (Reason.OPENED, Reason.RECURRED, Reason.ENDED)


def record(
    world: World, at: datetime, ticket: str, event: str, note: str = "", by: str = SAFETYD, **detail: str
) -> None:
    """Write a line of history; `detail` is what the event carries beside a person's words."""
    world.changes.rows.append(Row(at, ticket, event, by, note, detail))


def attach(world: World, files: tuple[Attachment, ...]) -> None:
    """Let files go with the line of history that was written last."""
    line = world.changes.rows[-1]
    named = {"attachments": [each.on_record for each in files]}
    world.changes.rows[-1] = line._replace(detail={**line.detail, **named}, files=files)


def tell(
    world: World,
    facts: Facts,
    reason: Reason,
    ticket: Ticket,
    at: datetime,
    key: str = "",
    to: tuple[Role, ...] | None = None,
    **about: Any,
) -> None:
    """Owe a notice about a ticket, to whom the plan says; some news of a building may share a message."""
    building = ticket.place.building
    plan = facts.plans.in_force(at)
    told = plan.roles(reason, ticket.condition) if to is None else to
    if not told:
        return
    desk = world.desks.get(building, Desk())
    if reason in _BUNDLED:
        by = about.get("by", SAFETYD)
        words = f"{by}: {about['note']}" if by != SAFETYD and about.get("note") else ""
        desk, messages = notice.tell(desk, News(at, reason, ticket.id, told, words))
        _send(world, building, messages, at, plan)
    else:
        desk = notice.count(desk, at)
        key = key or f"{ticket.id}/{reason}/{about.get('tier', '')}/{at.isoformat()}"
        about = {name: str(value) for name, value in about.items()}
        owed = Notice(key, at, building, reason, told, ticket.id, None, about, plan.fingerprint)
        world.changes.notices.append(owed)
    _keep_desk(world, building, desk)


def tell_outage(
    world: World, facts: Facts, reason: Reason, place: Place, step: power.Step, **about: str
) -> None:
    """Owe a notice about an outage that may not have a ticket yet."""
    about |= {"began_at": step.began_at.isoformat()}
    if step.ended_at is not None:
        about |= {"ended_at": step.ended_at.isoformat()}
    ticket = world.open.get((place, Condition.OUTAGE, None))
    key = f"{place.building}/{reason}/{step.began_at.isoformat()}/{about.get('minutes', '')}"
    _owe(world, facts, reason, place.building, step.at, key, about, ticket)


def tell_building(
    world: World,
    facts: Facts,
    reason: Reason,
    building: str,
    at: datetime,
    key: str,
    about: Mapping[str, str],
) -> None:
    """Owe a notice about a building that has no ticket for it."""
    _owe(world, facts, reason, building, at, key, about)


def _owe(
    world: World,
    facts: Facts,
    reason: Reason,
    building: str,
    at: datetime,
    key: str,
    about: Mapping[str, str],
    ticket: str | None = None,
) -> None:
    """Owe a notice that never waits for company, to whom the plan says."""
    plan = facts.plans.in_force(at)
    told = plan.roles(reason)
    if told:
        owed = Notice(key, at, building, reason, told, ticket, None, dict(about), plan.fingerprint)
        world.changes.notices.append(owed)
        _keep_desk(world, building, notice.count(world.desks.get(building, Desk()), at))


def last_words(
    world: World, facts: Facts, buildings: Iterable[str], ups: Place, witness: str, now: datetime
) -> None:
    """Owe the people of each building a word that nobody will watch any more: the UPS orders a shutdown.

    Once for one outage, in each building. It is a warning of an outage, the last one for a while, and so has
    its reason: whoever sorts notices by that has it where the others are.
    """
    standing = world.powers.get(ups, power.EMPTY)
    word = standing.words.get(witness)
    on_battery_since = word.since if word is not None and word.is_on is False else None
    since = standing.began_at or on_battery_since or now
    for building in buildings:
        place, reason = Place(building, None), Reason.OUTAGE_WARNING
        began_at = world.powers.get(place, power.EMPTY).began_at
        about = {"last_words": "yes", "ups": ups.building}
        about |= {} if began_at is None else {"began_at": began_at.isoformat()}
        ticket = world.open.get((place, Condition.OUTAGE, None))
        key = f"{building}/last_words/{since.isoformat()}"
        _owe(world, facts, reason, building, now, key, about, ticket)


def signs(
    world: World, sensor: str, place: Place, found: Iterable[Sign], now: datetime, *, is_urgent: bool = False
) -> None:
    """Begin and end the troubles that a sensor shows, and complain of them, of what is urgent at once."""
    standing = world.troubles.get(sensor, {})
    for sign in found:
        if sign.is_on == (sign.kind in standing):
            continue
        if sign.is_on:
            trouble = Trouble(sign.kind, sensor, place, sign.at, None, sign.note)
        else:
            began = standing[sign.kind]
            trouble = replace(began, ended_at=max(sign.at, began.began_at))
        world.put_trouble(trouble)
        world.changes.places.add(place)
        standing = world.troubles[sensor]
        desk = world.desks.get(place.building, Desk())
        at = now - notice.TROUBLE_COMPANY if is_urgent else now
        complaint = Complaint(at, sign.is_on, sensor, sign.kind, sign.note)
        desk = desk._replace(complaints=(*desk.complaints, complaint))
        _keep_desk(world, place.building, desk)


def flush(world: World, facts: Facts, building: str, now: datetime) -> None:
    """Send what has waited long enough on a building's desk; of a bridge that is silent, not each sensor."""
    desk, messages = notice.flush(world.desks.get(building, Desk()), now)
    plan = facts.plans.in_force(now)
    _send(world, building, messages, now, plan)
    desk, complaints = notice.take_complaints(desk, now)
    desk, left = _hush(world, desk, complaints, facts.bridges)
    for is_on, reason in ((True, Reason.TROUBLE), (False, Reason.TROUBLE_OVER)):
        told = [complaint for complaint in left if complaint.is_on is is_on]
        to = facts.listeners or plan.roles(reason)
        if told and to:
            key = f"{building}/{reason}/{now.isoformat()}"
            about = {f"{each.kind} {each.sensor}": each.note for each in told}
            owed = Notice(key, now, building, reason, to, None, None, about, plan.fingerprint)
            world.changes.notices.append(owed)
    _keep_desk(world, building, desk)


def _hush(
    world: World, desk: Desk, complaints: Sequence[Complaint], bridges: Mapping[str, Sequence[str]]
) -> tuple[Desk, list[Complaint]]:
    """Leave out the silences that are but a part of a bridge's, and their ends."""
    told = {each.sensor for each in complaints if each.is_on}
    hushed, left = set(desk.hushed), []
    for each in complaints:
        if each.kind is not TroubleKind.SILENT or each.sensor not in bridges:
            left.append(each)
        elif not each.is_on:
            left += [] if each.sensor in hushed else [each]
            hushed.discard(each.sensor)
        elif any(b in told or TroubleKind.SILENT in world.troubles.get(b, {}) for b in bridges[each.sensor]):
            hushed.add(each.sensor)
        else:
            left.append(each)
    return desk._replace(hushed=tuple(sorted(hushed))), left


def _send(
    world: World, building: str, messages: tuple[notice.Message, ...], at: datetime, plan: Plan
) -> None:
    for message in messages:
        ids = tuple(dict.fromkeys(news.ticket for news in message.news))
        if message.reason is Reason.DIGEST:
            key, ticket, tickets = f"{building}/digest/{at.isoformat()}", None, ids
        else:
            key, ticket, tickets = f"{ids[0]}/{message.reason}/{message.news[0].at.isoformat()}", ids[0], None
        about = {news.ticket: news.reason.value for news in message.news} if tickets else {}
        if ticket and message.news[0].words:
            about = {"note": message.news[0].words}
        owed = Notice(
            key, at, building, message.reason, message.roles, ticket, tickets, about, plan.fingerprint
        )
        world.changes.notices.append(owed)


def _keep_desk(world: World, building: str, desk: Desk) -> None:
    world.desks[building] = desk
    world.changes.desks.add(building)
    world.schedule("desk", building, notice.next_flush(desk))
