"""The people of a site: who is told what, in which buildings, at which addresses.

Rule: an address is a secret and is never shown. Who is one thing in one building may be another in the next.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from safetyd.core.model import Role
from safetyd.core.sparing import Quiet, messages_an_hour
from safetyd.credentials import located
from safetyd.faults import Misfit, did_you_mean, one_of, shown
from safetyd.languages import ENGLISH, languages
from safetyd.shapes import address, choice, member, quiet_hours, text, whole_within
from safetyd.tables import Table, read_secret

EVERY_BUILDING = "*"
_MOST_LISTED = 30  # ids in one fault
_FINGERPRINT = 16


class Post(NamedTuple):
    """What somebody is to a building, or to every one."""

    building: str
    roles: tuple[Role, ...]


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who is told, in which language; the addresses are secrets.

    To each of them go at most so many messages in any hour, or as many as the roles ask for. `posts` are
    there where the roles are not the same in all buildings.
    """

    name: str
    roles: tuple[Role, ...]
    buildings: tuple[str, ...] = (EVERY_BUILDING,)
    notify: tuple[str, ...] = field(default=(), repr=False)
    language: str = ENGLISH
    quiet: Quiet | None = None
    messages_per_hour: int | None = None
    posts: tuple[Post, ...] = ()

    @property
    def budget(self) -> int:
        """How many messages an hour each address may have."""
        return self.messages_per_hour or messages_an_hour(self.roles)

    def belongs_to(self, building: str) -> bool:
        """Return whether this person is told about this building."""
        return EVERY_BUILDING in self.buildings or building in self.buildings

    def roles_in(self, building: str) -> tuple[Role, ...]:
        """Return what this person is to a building they belong to; to "" all that they are anywhere."""
        if not self.posts or not building:
            return self.roles
        held = (each.roles for each in self.posts if each.building in (building, EVERY_BUILDING))
        return tuple(dict.fromkeys(role for roles in held for role in roles))


class Desk(NamedTuple):
    """What the people of all files are read with: the buildings there are, and the site's own language.

    `names` are the ids of buildings by what a spreadsheet may call them.
    """

    buildings: Collection[str]
    environ: Mapping[str, str]
    language: str
    names: Mapping[str, str]


def fingerprint(address: str) -> str:
    """Return the name under which an address is kept."""
    return sha256(address.encode()).hexdigest()[:_FINGERPRINT]


def by_building(people: Iterable[Person], buildings: Iterable[str]) -> dict[str, tuple[Person, ...]]:
    """Return who belongs to each building, in the order of the files."""
    found: dict[str, list[Person]] = {each: [] for each in buildings}
    for person in people:
        is_everywhere = EVERY_BUILDING in person.buildings
        for each in found if is_everywhere else dict.fromkeys(person.buildings):
            if each in found:
                found[each].append(person)
    return {id: tuple(some) for id, some in found.items()}


def add_person(table: Table, people: dict[str, Person], desk: Desk) -> None:
    """Read a person of a site file; what is wrong is noted."""
    person = read_person(table, desk)
    if person is None:
        return
    if person.name in people:
        mend = "a name that tells this person from the others"
        table.fault("name", f"{shown(person.name)} is taken", mend)
    people[person.name] = person


def read_person(table: Table, desk: Desk) -> Person | None:
    """Return the person of a table, None if it names nobody; what is wrong is noted."""
    name = table.need("name", text, "a name")
    roles = table.each("roles", member("role", Role), "a list of roles")
    if table.sound and not roles:
        table.fault("roles", "nobody is anything here", f"a list with {one_of(Role)}")

    def known_building(value: object) -> str:
        if value == EVERY_BUILDING or (isinstance(value, str) and value in desk.buildings):
            return str(value)
        hint = did_you_mean(value, desk.buildings) if isinstance(value, str) else ""
        raise Misfit(
            f"no building has the id {shown(value)}", _some([*desk.buildings, EVERY_BUILDING]) + hint
        )

    where = table.each("buildings", known_building, 'a list of buildings, or ["*"]')
    if table.sound and "buildings" in table and not where:
        table.fault("buildings", "the list is empty", 'a list of buildings, or ["*"]')
    folder = Path(table.file).parent
    notify = table.each("notify", lambda entry: _address(entry, folder, desk.environ), "a list of addresses")
    own = table.get("language", choice("language", languages()), desk.language)
    quiet = table.get("quiet", quiet_hours, None)
    budget = table.get("messages_per_hour", whole_within(1, 1000), None)
    table.done()
    if name is None:
        return None
    return Person(name, roles, where or (EVERY_BUILDING,), notify, own, quiet, budget)


def _some(ids: Collection[str]) -> str:
    """Return ids as people list them; of hundreds only how many there are."""
    return one_of(ids) if len(ids) <= _MOST_LISTED else f"the id of one of {len(ids) - 1} buildings, or *"


def _address(entry: object, folder: Path, environ: Mapping[str, str]) -> str:
    if not isinstance(entry, dict):
        return address(entry)
    match list(entry.items()):
        case [("file", str(told))]:
            return address(read_secret(located(folder, text(told), environ), told))
        case [("env", str(name))]:
            if not environ.get(name):
                raise Misfit(f"the environment has no {shown(name)}", "a variable that holds the address")
            return address(environ[name].strip())
    raise Misfit("this table is no address", '"scheme://…", { file = "…" } or { env = "…" }')
