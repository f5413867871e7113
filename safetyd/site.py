"""What is watched, for whom, and by which rules: site files turned into frozen values.

Rule: a Site is complete and consistent or does not exist; whoever holds one need not check it again.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from zoneinfo import ZoneInfo

from safetyd.core.calendar import Calendar
from safetyd.core.model import Role
from safetyd.core.plan import PlanBook
from safetyd.core.rules import RuleBook
from safetyd.core.sparing import MESSAGES_AN_HOUR, Quiet
from safetyd.credentials import located
from safetyd.faults import ConfigurationError, Fault, Misfit, did_you_mean, one_of, shown
from safetyd.languages import ENGLISH, languages
from safetyd.overrides import as_table
from safetyd.profile import NATIVE, SPARKPLUG, Profile, read_profile, shipped_profiles
from safetyd.shapes import address, choice, identifier, member, quiet_hours, text, whole_within, zone
from safetyd.site_calendar import Heard, read_calendar
from safetyd.site_csv import add_rows
from safetyd.site_outposts import Outpost, read_outpost
from safetyd.site_plan import read_plans
from safetyd.site_readings import SensorBinding
from safetyd.site_reports import Network, is_within, read_networks
from safetyd.site_rules import read_rulebook, read_rules
from safetyd.site_sensors import Frame, Home, Room, add_sensor
from safetyd.site_topics import Topics
from safetyd.tables import Table, files_meant, read_secret, read_toml

__all__ = [
    "EVERY_BUILDING",
    "Building",
    "Outpost",
    "Part",
    "Person",
    "Room",
    "SensorBinding",
    "Site",
    "read_site",
    "with_rules",
]

EVERY_BUILDING = "*"


@dataclass(frozen=True, slots=True)
class Building:
    """One building with its rooms, and the devices in it that need a binding.

    Its calendar is None where it goes by the site's, and so are the networks it takes reports from.
    """

    id: str
    name: str
    rooms: tuple[Room, ...] = ()
    sensors: tuple[SensorBinding, ...] = ()
    calendar: Calendar | None = None
    outpost: Outpost | None = None
    reports_from: tuple[Network, ...] | None = None

    def room(self, id: str) -> Room | None:
        """Return the room of this id."""
        return next((room for room in self.rooms if room.id == id), None)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who is told, in which language; the addresses are secrets.

    To each of them go so many messages an hour one by one.
    """

    name: str
    roles: tuple[Role, ...]
    buildings: tuple[str, ...] = (EVERY_BUILDING,)
    notify: tuple[str, ...] = field(default=(), repr=False)
    language: str = ENGLISH
    quiet: Quiet | None = None
    messages_per_hour: int = MESSAGES_AN_HOUR

    def belongs_to(self, building: str) -> bool:
        """Return whether this person is told about this building."""
        return EVERY_BUILDING in self.buildings or building in self.buildings


@dataclass(frozen=True, slots=True)
class Part:
    """Which shard of a district a site is, and the ids of the buildings that are in others."""

    shard: int
    elsewhere: frozenset[str]
    is_one_of_many: bool

    @property
    def takes_strays(self) -> bool:
        """Whether what is nobody's is heard here."""
        return self.shard == 0


@dataclass(frozen=True, slots=True)
class Site:
    """Everything that is watched; remarks are for who wrote the files, profiles the formats of their own."""

    name: str
    timezone: ZoneInfo
    rulebook: RuleBook
    calendar: Calendar
    buildings: tuple[Building, ...] = ()
    people: tuple[Person, ...] = ()
    remarks: tuple[str, ...] = ()
    language: str = ENGLISH
    plans: PlanBook = field(default_factory=PlanBook)
    profiles: Mapping[str, Profile] = field(default_factory=dict)
    reports_from: tuple[Network, ...] = ()
    part: Part | None = None  # of a district that several workers share

    def building(self, id: str) -> Building | None:
        """Return the building of this id."""
        return next((building for building in self.buildings if building.id == id), None)

    @property
    def is_watch(self) -> bool:
        """Whether buildings are watched from afar here; then all of them are."""
        return any(building.outpost is not None for building in self.buildings)

    def name_of(self, id: str) -> str:
        """Return the name of a building; of none, the site's."""
        building = self.building(id)
        return building.name if building else id or self.name

    def networks_of(self, building: Building) -> tuple[Network, ...]:
        """Return from where a building takes reports of people who are not logged in."""
        return self.reports_from if building.reports_from is None else building.reports_from

    def open_to(self, address: str) -> tuple[Building, ...]:
        """Return the buildings that somebody at an address may report on without logging in."""
        return tuple(each for each in self.buildings if is_within(self.networks_of(each), address))

    def people_for(self, building: str, roles: Collection[Role]) -> tuple[Person, ...]:
        """Return who holds one of these roles in this building, in the order of the files; of "" in any."""
        return tuple(
            person
            for person in self.people
            if (not building or person.belongs_to(building)) and any(role in roles for role in person.roles)
        )


def read_site(files: Sequence[Path], environ: Mapping[str, str], faults: list[Fault]) -> Site | None:
    """Return the site that the files give together; None when they give none. Faults are noted.

    Of name, time zone, language, networks, rules, plan and calendar the first file that has them counts, and
    another may only repeat them; each file adds its buildings and people. With any fault noted, the site
    returned is not to be used.
    """
    pages = [
        Table(str(path), "", content, faults)
        for path in files
        if (content := read_toml(path, faults)) is not None
    ]
    if not pages:
        return None
    name = _only(pages, "name").get("name", text, "")
    timezone = _only(pages, "timezone").need("timezone", zone, "a time zone, such as America/Los_Angeles")
    local = timezone or ZoneInfo("UTC")
    language = _only(pages, "language").get("language", choice("language", languages()), ENGLISH)
    homes: dict[str, Home] = {}
    calendars: dict[str, Table] = {}
    frame = Frame(local, _profiles(pages, faults), Topics())
    outposts: dict[str, Outpost] = {}
    networks = read_networks(_only(pages, "reports_from")) or ()
    own_networks: dict[str, tuple[Network, ...] | None] = {}
    tables = [table for page in pages for table in page.tables("buildings")]
    is_watch = any("gateway" in table for table in tables)
    for table in tables:
        home = _add_building(table, homes, frame, calendars)
        own_networks[home.id] = read_networks(table)
        if is_watch and (outpost := read_outpost(table, home)) is not None:
            outposts[home.id] = outpost
        table.done()
    add_rows([file for page in pages for file in _files(page, "sensors")], homes, frame, faults)
    people: dict[str, Person] = {}
    for page in pages:
        for table in page.tables("people"):
            _add_person(table, people, homes, environ, language)
    rulebook = read_rulebook(_only(pages, "rules"), local)
    plans = read_plans(_only(pages, "plan"), local)
    heard = Heard()
    calendar = read_calendar(_only(pages, "calendar").table("calendar"), local, None, heard)
    own = {id: read_calendar(table, local, calendar, heard) for id, table in calendars.items()}
    for page in pages:
        page.done()
    buildings = tuple(
        Building(
            home.id,
            home.name,
            tuple(home.rooms.values()),
            tuple(home.sensors),
            own.get(home.id),
            outposts.get(home.id),
            own_networks.get(home.id),
        )
        for home in homes.values()
    )
    if not name:
        name = buildings[0].name if len(buildings) == 1 else "All buildings"
    told, remarks = tuple(people.values()), tuple(heard.remarks)
    own_profiles = frame.profiles
    return Site(
        name, local, rulebook, calendar, buildings, told, remarks, language, plans, own_profiles, networks
    )


def with_rules(site: Site, settings: Sequence[str]) -> Site:
    """Return the site with `rules.heat.above_f=80` and the like put into every version of its rules.

    Raises:
        ConfigurationError: a setting is no KEY=VALUE, its key is unknown, or its value does not fit.
    """
    faults: list[Fault] = []
    content = as_table(settings, "rules", faults)
    versions = tuple(
        read_rules(Table("--set", "rules", content, faults), version) for version in site.rulebook.versions
    )
    if faults:
        raise ConfigurationError(dict.fromkeys(faults))
    return replace(site, rulebook=replace(site.rulebook, versions=versions))


def _only(pages: Sequence[Table], name: str) -> Table:
    holders = [page for page in pages if name in page] or list(pages[:1])
    first = holders[0]
    for page in holders[1:]:
        if page.plain(name) != first.plain(name):
            page.fault(name, f"this differs from {first.file}", f"the same as there, or no {name} here")
    return first


def _files(page: Table, name: str) -> list[Path]:
    """Return each file once that is meant by the path or glob, or the list of them, at `name`."""
    if isinstance(page.plain(name), list):
        patterns = page.each(name, text, "a list of paths")
    else:
        patterns = (page.get(name, text, ""),)
    expected = "a path or a glob, relative to this file"
    return files_meant(
        Path(page.file).parent, filter(None, patterns), lambda value: page.fault(name, value, expected)
    )


def _profiles(pages: Sequence[Table], faults: list[Fault]) -> dict[str, Profile]:
    """Return the site's own profiles, by name."""
    found: dict[str, Profile] = {}
    for file in dict.fromkeys(file for page in pages for file in _files(page, "profiles")):
        if file.stem in found or file.stem in (NATIVE, SPARKPLUG) or file.stem in shipped_profiles():
            holder = "another file" if file.stem in found else "a format of this program"
            mend = "another name for the file: a profile is called after it"
            faults.append(
                Fault(str(file), "the file", f"{holder} is called {shown(file.stem)} already", mend)
            )
            continue
        profile = read_profile(file, faults)
        if profile is not None:
            found[profile.name] = profile
    return found


def _add_building(table: Table, homes: dict[str, Home], frame: Frame, calendars: dict[str, Table]) -> Home:
    id = table.need("id", identifier, "an id: a-z, 0-9 and -")
    home = Home(id or "", table.get("name", text, id or ""), {}, [])
    for each in table.tables("rooms"):
        room_id = each.need("id", identifier, "an id: a-z, 0-9 and -")
        room = Room(room_id or "", each.get("name", text, room_id or ""))
        each.done()
        if room_id and _is_new(each, room_id, home.rooms):
            home.rooms[room_id] = room
    for each in table.tables("sensors"):
        add_sensor(each, home, frame)
    calendar = table.table("calendar") if "calendar" in table else None
    if id and _is_new(table, id, homes):
        homes[id] = home
        if calendar is not None:
            calendars[id] = calendar
    return home


def _is_new(table: Table, id: str, known: Collection[str]) -> bool:
    if id in known:
        table.fault("id", f"'{id}' is taken", "an id that nothing else of its kind has here")
    return id not in known


def _add_person(
    table: Table,
    people: dict[str, Person],
    buildings: Collection[str],
    environ: Mapping[str, str],
    language: str,
) -> None:
    name = table.need("name", text, "a name")
    roles = table.each("roles", member("role", Role), "a list of roles")
    if table.sound and not roles:
        table.fault("roles", "nobody is anything here", f"a list with {one_of(Role)}")

    def known_building(value: object) -> str:
        if value == EVERY_BUILDING or (isinstance(value, str) and value in buildings):
            return str(value)
        hint = did_you_mean(value, buildings) if isinstance(value, str) else ""
        raise Misfit(f"no building has the id {shown(value)}", one_of([*buildings, EVERY_BUILDING]) + hint)

    where = table.each("buildings", known_building, 'a list of buildings, or ["*"]')
    if table.sound and "buildings" in table and not where:
        table.fault("buildings", "the list is empty", 'a list of buildings, or ["*"]')
    folder = Path(table.file).parent
    notify = table.each("notify", lambda entry: _address(entry, folder, environ), "a list of addresses")
    own = table.get("language", choice("language", languages()), language)
    quiet = table.get("quiet", quiet_hours, None)
    budget = table.get("messages_per_hour", whole_within(1, 1000), MESSAGES_AN_HOUR)
    table.done()
    if name is None:
        return
    if name in people:
        table.fault("name", f"{shown(name)} is taken", "a name that tells this person from the others")
    people[name] = Person(name, roles, where or (EVERY_BUILDING,), notify, own, quiet, budget)


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
