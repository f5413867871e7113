"""Says what was decided: a line of history, a notice, a complaint about a sensor.

Rule: everything said is noted in the World's changes with the moment it is said for; nothing is sent here.
Every notice passes through `_owe`, which alone knows what is shelved; whoever names no place is always heard.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from safetyd.core import notice, power
from safetyd.core.attachment import Attachment
from safetyd.core.model import Condition, Place, Role, Trouble, TroubleKind
from safetyd.core.notice import Complaint, Desk, News
from safetyd.core.plan import Reason, in_order
from safetyd.core.shelf import Shelf, covering, is_within, may_hide
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


def shelf_over(world: World, place: Place, at: datetime) -> Shelf | None:
    """Return what holds back the messages about a place at a moment, once that has been lived through."""
    return covering(world.shelves, place, max(at, world.now))


def record_shelf(world: World, at: datetime, ticket: str, shelf: Shelf) -> None:
    """Write into a ticket's history that its messages are held back."""
    until = shelf.until.isoformat().replace("+00:00", "Z")
    record(world, at, ticket, "shelved", shelf.note, shelf.by, until=until, role=shelf.role)


def _owe(world: World, facts: Facts, place: Place | None, owed: Notice) -> bool:
    """Note a notice about a place, None for one that is never held back; return whether it is to be sent.

    One that the plan tells nobody is not owed at all. One that is held back has a key of its own: worked out
    again once the silence is over, it is sent.
    """
    if not owed.roles:
        return False
    owed = owed._replace(plan=facts.plans.in_force(owed.at).fingerprint)
    shelf = None if place is None else shelf_over(world, place, owed.at)
    if shelf is not None:
        owed = owed._replace(key=f"{owed.key}/shelved", shelved=shelf)
    world.changes.notices.append(owed)
    return shelf is None


def _say(world: World, facts: Facts, place: Place | None, owed: Notice) -> None:
    """Owe a notice that waits for no company."""
    if _owe(world, facts, place, owed):
        desk = world.desks.get(owed.building, Desk())
        _keep_desk(world, owed.building, notice.count(desk, owed.at))


def tell(
    world: World,
    facts: Facts,
    reason: Reason,
    ticket: Ticket,
    at: datetime,
    key: str = "",
    to: tuple[Role, ...] | None = None,
    *,
    is_at_once: bool = False,
    **about: Any,
) -> None:
    """Owe a notice about a ticket, to whom the plan says.

    Some news of a building may share a message, unless a person's act is told of, `is_at_once`.
    """
    building = ticket.place.building
    told = facts.plans.in_force(at).roles(reason, ticket.condition) if to is None else to
    if reason in _BUNDLED and not is_at_once:
        said = "" if about.get("by", SAFETYD) == SAFETYD else about.get("note", "")  # and not who reported it
        _tell_in_company(world, facts, ticket.place, News(at, reason, ticket.id, told, said))
    else:
        key = key or f"{ticket.id}/{reason}/{about.get('tier', '')}/{at.isoformat()}"
        about = {name: str(value) for name, value in about.items()}
        _say(world, facts, ticket.place, Notice(key, at, building, reason, told, ticket.id, None, about))


def _tell_in_company(world: World, facts: Facts, place: Place, news: News) -> None:
    """Put news on its building's desk; what is shelved waits for nobody there, and nobody for it.

    That a building must be closed is never held back.
    """
    if not news.roles:
        return
    shelf, ticket = shelf_over(world, place, news.at), world.tickets[news.ticket]
    must_close = ticket.condition is Condition.OUTAGE and news.reason is Reason.OPENED
    if shelf is not None and not must_close:
        if news.reason is Reason.OPENED:
            record_shelf(world, news.at, news.ticket, shelf)
        message = notice.Message(news.reason, (news,), news.roles)
        _owe(world, facts, place, _of_news(place, message, news.at))
        return
    desk, messages = notice.tell(world.desks.get(place.building, Desk()), news)
    _send(world, facts, Place(place.building, None), messages, news.at)
    _keep_desk(world, place.building, desk)


def clear_desk(world: World, facts: Facts, place: Place, now: datetime) -> None:
    """Send at once what waits for company of a place whose messages are about to be held back."""
    tickets = {id for id, ticket in world.tickets.items() if is_within(ticket.place, place)}
    desk, message = notice.take_news(world.desks.get(place.building, Desk()), tickets, now)
    if message is not None:
        _send(world, facts, place, (message,), now)
        _keep_desk(world, place.building, desk)


def tell_outage(
    world: World, facts: Facts, reason: Reason, place: Place, step: power.Step, again: str = "", **about: str
) -> None:
    """Owe a notice about an outage that may not have a ticket yet; `again` tells it from one before."""
    about |= {"began_at": step.began_at.isoformat()}
    if step.ended_at is not None:
        about |= {"ended_at": step.ended_at.isoformat()}
    ticket = world.open.get((place, Condition.OUTAGE, None))
    which = about.get("minutes") or about.get("ended_at", "")
    key = f"{place.building}/{reason}/{step.began_at.isoformat()}/{which}{again}"
    told = facts.plans.in_force(step.at).roles(reason)
    _say(world, facts, place, Notice(key, step.at, place.building, reason, told, ticket, None, dict(about)))


def tell_place(
    world: World,
    facts: Facts,
    reason: Reason,
    place: Place,
    at: datetime,
    key: str,
    about: Mapping[str, str],
) -> None:
    """Owe a notice about a place that has no ticket for it."""
    told = facts.plans.in_force(at).roles(reason)
    _say(world, facts, place, Notice(key, at, place.building, reason, told, None, None, about))


def tell_of_trial(world: World, facts: Facts, owed: Notice) -> None:
    """Owe a test notice, which is about no place, and so is never held back."""
    _owe(world, facts, None, owed)


def tell_of_record(
    world: World, facts: Facts, reason: Reason, at: datetime, key: str, about: Mapping[str, str]
) -> None:
    """Owe everybody it concerns, of whichever building, a word on the record itself."""
    told = facts.plans.in_force(at).roles(reason)
    _owe(world, facts, None, Notice(key, at, "", reason, told, None, None, about))


def tell_of_shelf(
    world: World,
    facts: Facts,
    reason: Reason,
    shelf: Shelf,
    at: datetime,
    tickets: tuple[str, ...],
    about: Mapping[str, str],
    also: Iterable[Role] = (),
) -> None:
    """Owe the word that a silence begins or is over, which is never held back itself."""
    ended_at = shelf.until if shelf.ended_at is None else shelf.ended_at
    key = f"{shelf.place}/{reason}/{shelf.began_at.isoformat()}/{ended_at.isoformat()}/{shelf.by}"
    told = in_order((*facts.plans.in_force(at).roles(reason), *also))
    building = shelf.place.building
    _say(world, facts, None, Notice(key, at, building, reason, told, None, tickets or None, about))


def last_words(
    world: World, facts: Facts, buildings: Iterable[str], ups: Place, witness: str, now: datetime
) -> None:
    """Owe the people of each building a word that nobody will watch any more: the UPS orders a shutdown.

    Once for one outage, in each building, shelved or not. It is a warning of an outage, the last one for a
    while, and so has its reason: whoever sorts notices by that has it where the others are.
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
        told = facts.plans.in_force(now).roles(reason)
        _say(world, facts, None, Notice(key, now, building, reason, told, ticket, None, about))


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
        complaint = Complaint(at, sign.is_on, sensor, sign.kind, sign.note, place.room)
        desk = desk._replace(complaints=(*desk.complaints, complaint))
        _keep_desk(world, place.building, desk)


def flush(world: World, facts: Facts, building: str, now: datetime) -> None:
    """Send what has waited long enough on a building's desk; of a bridge that is silent, not each sensor."""
    desk, messages = notice.flush(world.desks.get(building, Desk()), now)
    _send(world, facts, Place(building, None), messages, now)
    desk, complaints = notice.take_complaints(desk, now)
    desk, left = _hush(world, desk, complaints, facts.bridges)
    for is_on, reason in ((True, Reason.TROUBLE), (False, Reason.TROUBLE_OVER)):
        told = [complaint for complaint in left if complaint.is_on is is_on]
        for place, some in _by_shelf(world, building, told, now).items():
            key = f"{building}/{reason}/{now.isoformat()}" + (f"/{place}" if place else "")
            about = {f"{each.kind} {each.sensor}": each.note for each in some}
            told_to = facts.listeners or facts.plans.in_force(now).roles(reason)
            _owe(world, facts, place, Notice(key, now, building, reason, told_to, None, None, about))
    _keep_desk(world, building, desk)


def _by_shelf(
    world: World, building: str, complaints: Iterable[Complaint], now: datetime
) -> dict[Place | None, list[Complaint]]:
    """Return complaints by the place whose shelf hides them, None for those that none does.

    What came up before the silence began is still told.
    """
    found: dict[Place | None, list[Complaint]] = {}
    for each in complaints:
        place = Place(building, each.room)
        shelf = shelf_over(world, place, now) if may_hide(each.kind, place) else None
        is_hidden = shelf is not None and shelf.since <= each.at
        found.setdefault(shelf.place if shelf is not None and is_hidden else None, []).append(each)
    return found


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


def _send(world: World, facts: Facts, place: Place, messages: Iterable[notice.Message], at: datetime) -> None:
    """Owe what leaves a desk; nothing lies there of a place whose messages are held back."""
    for message in messages:
        _owe(world, facts, None, _of_news(place, message, at))


def _of_news(place: Place, message: notice.Message, at: datetime) -> Notice:
    ids = tuple(dict.fromkeys(news.ticket for news in message.news))
    if message.reason is Reason.DIGEST:
        about = {news.ticket: news.reason.value for news in message.news}
        key = f"{place}/digest/{at.isoformat()}"
        return Notice(key, at, place.building, message.reason, message.roles, None, ids, about)
    first = message.news[0]
    key = f"{ids[0]}/{message.reason}/{first.at.isoformat()}"
    about = {"note": first.words} if first.words else {}
    return Notice(key, at, place.building, message.reason, message.roles, ids[0], None, about)


def _keep_desk(world: World, building: str, desk: Desk) -> None:
    world.desks[building] = desk
    world.changes.desks.add(building)
    world.schedule("desk", building, notice.next_flush(desk))
