"""What is watched, for whom, and by which rules: site files turned into frozen values.

Rule: a Site is complete and consistent or does not exist; whoever holds one need not check it again.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from zoneinfo import ZoneInfo

from safetyd.core.calendar import Calendar
from safetyd.core.model import Role
from safetyd.core.plan import PlanBook
from safetyd.core.rules import RuleBook
from safetyd.faults import ConfigurationError, Fault, shown
from safetyd.languages import ENGLISH, languages
from safetyd.overrides import as_table
from safetyd.profile import NATIVE, SPARKPLUG, Profile, read_profile, shipped_profiles
from safetyd.shapes import choice, identifier, text, zone
from safetyd.site_calendar import Heard, read_calendar
from safetyd.site_csv import add_rows
from safetyd.site_outposts import Outpost, read_outpost
from safetyd.site_people import EVERY_BUILDING, Desk, Person, add_person, by_building
from safetyd.site_people_csv import add_people
from safetyd.site_plan import read_plans
from safetyd.site_readings import SensorBinding
from safetyd.site_reports import Network, is_within, read_networks
from safetyd.site_rules import read_rulebook, read_rules
from safetyd.site_sensors import Frame, Home, Room, add_sensor
from safetyd.site_topics import Topics
from safetyd.tables import Table, files_meant, read_toml

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
    _of_id: Mapping[str, Building] = field(init=False, repr=False, compare=False)
    _people_of: Mapping[str, tuple[Person, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_of_id", {each.id: each for each in reversed(self.buildings)})
        object.__setattr__(self, "_people_of", by_building(self.people, self._of_id))

    def building(self, id: str) -> Building | None:
        """Return the building of this id."""
        return self._of_id.get(id)

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
        people = self._people_of.get(building) if building else self.people
        if people is None:  # of one that has left the file
            people = tuple(each for each in self.people if each.belongs_to(building))
        return tuple(each for each in people if not {*each.roles_in(building)}.isdisjoint(roles))


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
    desk = Desk(homes, environ, language, _called(homes.values()))
    for page in pages:
        for table in _people_tables(page):
            add_person(table, people, desk)
    add_people([file for page in pages for file in _files(page, "people_csv")], people, desk, faults)
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


def _called(homes: Collection[Home]) -> dict[str, str]:
    """Return the ids of buildings by themselves, and by a name that only one has, in small letters."""
    names = Counter(home.name.casefold() for home in homes)
    of_name = {home.name.casefold(): home.id for home in homes if names[home.name.casefold()] == 1}
    return of_name | {home.id: home.id for home in homes}


def _people_tables(page: Table) -> list[Table]:
    if "people" in page and isinstance(page.plain("people"), str):
        page.fault("people", "this names a file", 'tables [[people]], or people_csv = "…" for a spreadsheet')
        return []
    return page.tables("people")


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
