"""What people are, in words: their roles, and where they have them."""

from collections.abc import Iterator, Sequence

from safetyd.calendar_words import listed
from safetyd.core.model import Role
from safetyd.setting_web import ITS_BUILDING, Oidc
from safetyd.site import EVERY_BUILDING, Person, Site


def held(person: Person, site: Site) -> str:
    """Return what somebody is where: in one piece, or for each of the roles of some buildings."""
    where: dict[tuple[Role, ...], list[str]] = {}
    for post in person.posts:
        where.setdefault(post.roles, []).append(post.building)
    found = where or {person.roles: list(person.buildings)}
    return "; ".join(f"{listed(map(role_word, roles))} {_where(ids, site)}" for roles, ids in found.items())


def role_word(role: Role) -> str:
    """Return a role as people write it."""
    return role.replace("_", " ")


def _where(ids: Sequence[str], site: Site) -> str:
    return "of every building" if EVERY_BUILDING in ids else f"of {listed(map(site.name_of, ids))}"


def login_words(oidc: Oidc, site: Site) -> Iterator[str]:
    """Yield the lines that say who is let in by the single sign-on as what; the first that fits counts."""
    yield f"Who logs in by {oidc.label} ({oidc.issuer}) is, by {oidc.groups_claim}, the first that fits:"
    for each in oidc.grants:
        where = "of the building it names" if each.is_by_name else _where(each.buildings or ("*",), site)
        yield f"  {each.group}: {role_word(each.role)} {where}"


def login_warnings(oidc: Oidc, site: Site) -> Iterator[str]:
    """Yield what is allowed but probably not meant."""
    for each in oidc.grants:
        for id in each.buildings:
            if site.building(id) is None:
                yield f"the group {each.group} is granted a building {id!r}, and none has this id."
        if each.is_by_name and not site.buildings:
            yield f"no group is meant by {each.group}: {ITS_BUILDING} is a building's id, and there is none."
