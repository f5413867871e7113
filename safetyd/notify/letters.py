"""Notices as letters: in words of each language, with whom they are for and the addresses that reach them.

Rule: an address is named by a fingerprint everywhere but in the site file and on its way out: it may hold a
password.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from hashlib import sha256

from safetyd.core.world import Notice, World, up_to_date
from safetyd.notify.render import render
from safetyd.notify.tongue import Tongue
from safetyd.site import Person, Site
from safetyd.store.outbox import Letter, Wording

_FINGERPRINT = 16


def fingerprint(address: str) -> str:
    """Return the name under which an address is kept."""
    return sha256(address.encode()).hexdigest()[:_FINGERPRINT]


def letters(world: World, site: Site, notices: Iterable[Notice], now: datetime) -> Iterator[Letter]:
    """Yield each notice in words, for the people who hold its roles in its building."""
    for notice in notices:
        people = site.people_for(notice.building, notice.roles)
        ids = [id for id in (notice.ticket, *(notice.tickets or ())) if id]
        newest = {}
        for id in ids:
            episodes = world.episodes_of(id)
            if episodes:
                newest[id] = up_to_date(world, episodes[-1], now)
        spoken = {person.name: person.language for person in people}
        own, *others = (
            Wording(each, *render(notice, world.tickets, newest, site, Tongue(each, site.timezone)))
            for each in dict.fromkeys((site.language, *spoken.values()))
        )
        addresses = tuple(_addresses(people))
        yield Letter(
            notice, tuple(spoken), addresses, own.title, own.text, own.language, tuple(others), spoken
        )


def _addresses(people: Iterable[Person]) -> Iterator[tuple[str, str]]:
    for person in people:
        for address in dict.fromkeys(person.notify):
            yield person.name, fingerprint(address)
