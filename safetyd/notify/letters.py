"""Notices as letters: in words of each language, with whom they are for and the addresses that reach them.

Rule: an address is named by a fingerprint everywhere but in the site file and on its way out: it may hold a
password.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime

from safetyd.core.model import Role
from safetyd.core.plan import Reason
from safetyd.core.sparing import told_at
from safetyd.core.succession import Holder, in_place_of
from safetyd.core.world import Notice, World, up_to_date
from safetyd.notify.render import render
from safetyd.notify.tongue import Tongue
from safetyd.site import Person, Site
from safetyd.site_people import fingerprint
from safetyd.store.outbox import Letter, Wording


def letters(world: World, site: Site, notices: Iterable[Notice], now: datetime) -> Iterator[Letter]:
    """Yield each notice in words, for the people who hold its roles in its building."""
    for notice in notices:
        people = _people(notice, site)
        ids = [id for id in (notice.ticket, *(notice.tickets or ())) if id]
        newest = {}
        for id in ids:
            episodes = world.episodes_of(id)
            if episodes:
                newest[id] = up_to_date(world, episodes[-1], now)
        stand_ins = () if notice.reason is Reason.TEST else tuple(_stand_ins(notice, site))
        spoken = {person.name: person.language for person in (*people, *(each for _, each in stand_ins))}
        own, *others = (
            Wording(each, *render(notice, world.tickets, newest, site, Tongue(each, site.timezone)))
            for each in dict.fromkeys((site.language, *spoken.values()))
        )
        yield Letter(
            notice=notice,
            people=tuple(person.name for person in people),
            addresses=tuple(_addresses(people)),
            title=own.title,
            text=own.text,
            language=own.language,
            wordings=tuple(others),
            languages=spoken,
            instead=tuple((role, *address) for role, each in stand_ins for address in _addresses([each])),
            waits=dict(_waits(notice, world, people, site)),
        )


def _people(notice: Notice, site: Site) -> tuple[Person, ...]:
    """Who is told: who holds a role of the notice in its building, of a test the one whom it tries."""
    if notice.reason is Reason.TEST:
        return tuple(each for each in site.people if each.name == notice.about["person"])
    return site.people_for(notice.building, notice.roles)


def _stand_ins(notice: Notice, site: Site) -> Iterator[tuple[str, Person]]:
    """Who is told in place of a role of the notice that nobody holds who has an address."""
    there = {each.name: each for each in site.people_for(notice.building, tuple(Role)) if each.notify}
    holders = [Holder(each.name, each.roles_in(notice.building)) for each in there.values()]
    above = site.plans.in_force(notice.at).above
    for role in notice.roles:
        yield from ((role, there[name]) for name in in_place_of(role, holders, above))


def _waits(
    notice: Notice, world: World, people: Iterable[Person], site: Site
) -> Iterator[tuple[str, datetime]]:
    """Until when who has quiet hours is spared; a building's silence, seen from afar, spares nobody."""
    if site.is_watch:
        return
    ticket, tier = world.tickets.get(notice.ticket or ""), notice.about.get("tier")
    due = [each.in_force_at for each in ticket.deadlines if each.tier == tier] if ticket else []
    needed_by = next(iter(due), None)
    for person in people:
        at = told_at(notice.reason, notice.at, person.quiet, site.timezone, needed_by)
        if at > notice.at:
            yield person.name, at


def _addresses(people: Iterable[Person]) -> Iterator[tuple[str, str]]:
    for person in people:
        for address in dict.fromkeys(person.notify):
            yield person.name, fingerprint(address)
