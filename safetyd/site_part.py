"""A district's site cut down to the buildings of one shard.

Rule: names, rules, calendar, plan and formats stay what they are for the whole; buildings, and the people of
no other, are those of the shard. A shard takes what is of its buildings; of what is nobody's the first takes
all, so that no two do.
"""

from collections.abc import Collection
from dataclasses import replace

from safetyd.core.shards import shard_of
from safetyd.site import EVERY_BUILDING, Part, Person, Site


def cut(site: Site, shard: int, shards: int) -> Site:
    """Return what of a site is one shard's."""
    own = tuple(each for each in site.buildings if shard_of(each.id, shards) == shard)
    ids = {each.id for each in own}
    people = tuple(here for person in site.people if (here := _of(person, ids)) is not None)
    elsewhere = frozenset(each.id for each in site.buildings) - ids
    part = Part(shard, elsewhere, is_one_of_many=len(site.buildings) > 1)
    return replace(site, buildings=own, people=people, part=part)


def _of(person: Person, ids: Collection[str]) -> Person | None:
    """Return what somebody is to these buildings; None who is nothing to them."""
    posts = tuple(each for each in person.posts if each.building in ids or each.building == EVERY_BUILDING)
    roles = tuple(dict.fromkeys(role for each in posts for role in each.roles)) or person.roles
    if EVERY_BUILDING in person.buildings:
        return replace(person, posts=posts, roles=roles)
    here = tuple(each for each in person.buildings if each in ids)
    return replace(person, buildings=here, posts=posts, roles=roles) if here else None


def rest(site: Site, shard: int, shards: int) -> Site:
    """Return what of a site is not one shard's."""
    return replace(
        site, buildings=tuple(each for each in site.buildings if shard_of(each.id, shards) != shard)
    )
