"""Who is told instead of a person who cannot be reached at an address: asked of the record and the site file.

Rule: nobody is told of whom the record has that all addresses refuse for good.
"""

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

from safetyd.core.model import Role
from safetyd.core.succession import Holder, instead
from safetyd.notify.patience import is_resting
from safetyd.site import Site
from safetyd.store import attempts, outbox
from safetyd.store.database import Connection
from safetyd.store.outbox import Delivery, DeliveryState

_HOPEFUL = (DeliveryState.WAITING, DeliveryState.ACCEPTED, DeliveryState.OVERTAKEN)


class StandIns(NamedTuple):
    """Whom to ask now, all who are or may be told instead, and whether anybody has it or may get it."""

    asked: tuple[str, ...]
    instead: tuple[str, ...]
    has_hope: bool

    @property
    def is_anybody(self) -> bool:
        """Whether the notice reaches anybody else, or may."""
        return self.has_hope or bool(self.asked)


def stand_ins(
    connection: Connection,
    site: Site,
    addresses: Collection[tuple[str, str]],
    delivery: Delivery,
    now: datetime,
) -> StandIns:
    """Return who is told in the place of a delivery's person; `addresses` are all (person, fingerprint)."""
    has_hope: dict[str, bool] = {}
    for owed in outbox.owed(connection, delivery.notice):
        is_it = (owed.person, owed.address) == (delivery.person, delivery.address)
        has_hope[owed.person] = has_hope.get(owed.person, False) or (not is_it and owed.state in _HOPEFUL)
    holders = []
    for person in site.people_for(delivery.building, list(Role)):
        theirs = [known for known in addresses if known[0] == person.name]
        if not all(is_resting(attempts.rejection(connection, *known), now) for known in theirs):
            holders.append(Holder(person.name, person.roles_in(delivery.building)))
    named = (each for each in site.people if each.name == delivery.person)
    held = next((each.roles_in(delivery.building) for each in named), ())
    roles = [role for role in held if role in delivery.roles] or held or delivery.roles
    above = site.plans.in_force(now).above
    following = instead(delivery.person, roles, holders, has_hope, above)
    return StandIns(tuple(following.asked), tuple(following.instead), any(has_hope.values()))
