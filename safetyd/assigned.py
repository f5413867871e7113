"""The site file and what people assigned beside it, as one site.

Rule: the site file wins. What does not go with it rests, with its reason, and holds again as soon as it does;
a site that was made so before is made anew from the file's own part of it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from safetyd.core.assignment import Standing, standing
from safetyd.core.model import Place
from safetyd.faults import Fault, did_you_mean
from safetyd.ingest.guess import guess
from safetyd.ingest.topics import native_route
from safetyd.profile import NATIVE, SPARKPLUG, shipped_profiles
from safetyd.site import Building, Site
from safetyd.site_lines import slug
from safetyd.site_sensors import Frame, Home, add_sensor
from safetyd.site_topics import Topics, own_levels
from safetyd.store import assignments
from safetyd.store.database import Connection
from safetyd.tables import Table

PREFIX = "assignment of "  # how a trouble of one is called
UNGUESSED = ("json", "plain")  # anything may be in such a message


class Resting(NamedTuple):
    """An assignment that does not go with the site file, and why, in words."""

    standing: Standing
    why: str

    @property
    def sentence(self) -> str:
        """All of it in one sentence."""
        line = self.standing.line
        return f"{line.topic}, assigned to {line.place} by {line.by}, rests: {self.why}"


class Composed(NamedTuple):
    """A site with its assignments, and those that rest."""

    site: Site
    resting: tuple[Resting, ...] = ()


def compose(site: Site, found: Sequence[Standing], root: str) -> Composed:
    """Return a site with what was assigned; `root` is the first level of our own topics."""
    own = file_part(site)
    if not found:
        return Composed(own)
    homes = {each.id: _home(each) for each in own.buildings}
    frame, resting = _frame(own, homes), []
    for each in found:
        why = _add(each, own, homes, frame, root)
        if why:
            resting.append(Resting(each, why))
            frame = _frame(own, homes)
    buildings = (replace(each, sensors=tuple(homes[each.id].sensors)) for each in own.buildings)
    return Composed(replace(own, buildings=tuple(buildings)), tuple(resting))


def composed(connection: Connection, site: Site, root: str) -> Composed:
    """Return a site with what the store has of assignments."""
    return compose(site, standing(assignments.record(connection)), root)


def complaints(found: Composed, standing: Iterable[str]) -> list[tuple[str, Place, str]]:
    """Return what to complain of, each with its place and words: none for what is over of those standing."""
    ids = [each.id for each in found.site.buildings]
    told = {}
    for each in found.resting:
        line = each.standing.line
        known = line.place.building if line.place.building in ids else next(iter(ids), "")
        told[f"{PREFIX}{line.topic}"] = Place(known, None), each.sentence
    over = [subject for subject in standing if subject.startswith(PREFIX) and subject not in told]
    nowhere = Place(next(iter(ids), ""), None)
    return [(subject, *about) for subject, about in told.items()] + [(each, nowhere, "") for each in over]


def file_part(site: Site) -> Site:
    """Return what of a site stands in its file; the site itself if that is all."""
    if all(each.assigned is None for building in site.buildings for each in building.sensors):
        return site
    buildings = (
        replace(building, sensors=tuple(each for each in building.sensors if each.assigned is None))
        for building in site.buildings
    )
    return replace(site, buildings=tuple(buildings))


def guessed_format(topic: str, payload: bytes, site: Site, root: str) -> str:
    """Return which format speaks on a topic, nothing where the message leaves that open."""
    found = guess(topic, payload, {**shipped_profiles(), **site.profiles}, root)
    return found.format if found.is_sure and found.format not in UNGUESSED else ""


def derived_id(topic: str, format: str, building: Building, site: Site, others: Iterable[str]) -> str:
    """Return the id of a sensor, made of what tells its topic from others, that nothing else there has."""
    profile = site.profiles.get(format) or shipped_profiles().get(format)
    is_known = profile is not None and format not in (*UNGUESSED, NATIVE, SPARKPLUG)
    levels = own_levels(profile, topic) if is_known and profile is not None else topic.split("/")
    slugs = [word for level in levels if (word := slug(level))]
    name = (slugs[-1] if slugs else "sensor")[:50]
    taken = {*others, *(each.id for each in building.sensors)}
    return next(id for id in (name, *(f"{name}-{n}" for n in range(2, len(taken) + 3))) if id not in taken)


def _add(each: Standing, own: Site, homes: Mapping[str, Home], frame: Frame, root: str) -> str:
    """Bind an assignment's topic; return why it cannot be, nothing if it is."""
    line = each.line
    home = homes.get(line.place.building)
    if home is None:
        wanted = line.place.building
        return f"building: no building has the id {wanted!r}{did_you_mean(wanted, homes)}"
    native = native_route(line.topic, own, root)
    if native is not None:
        return f"topic: it is of {native.sensor.place} by its own name"
    faults: list[Fault] = []
    entry = {
        "id": line.sensor,
        "topic": line.topic,
        "format": line.format,
        **_place(line.place),
        **{key: _setting(key, said) for key, said in line.settings},
        "from": line.moment,
        **({} if each.until is None else {"until": each.until}),
    }
    add_sensor(Table("", "", entry, faults), home, frame)
    binding = home.sensors.pop()
    if faults:
        return f"{faults[0].key}: {faults[0].value}; expected {faults[0].expected}"
    home.sensors.append(replace(binding, assigned=line))
    return ""


def _place(place: Place) -> dict[str, object]:
    return {"power": True} if place.room is None else {"room": place.room}


def _setting(key: str, said: str) -> object:
    """Return a setting as a site file has it: lists and tables are written a, b and a=PATH, b=PATH."""
    parts = [part.strip() for part in said.split(",")]
    if key == "measures":
        return parts
    if key == "values":
        pairs = (part.partition("=") for part in parts)
        return {name.strip(): path.strip() for name, _, path in pairs}
    return said


def _home(building: Building) -> Home:
    rooms = {room.id: room for room in building.rooms}
    return Home(building.id, building.name, rooms, list(building.sensors))


def _frame(site: Site, homes: Mapping[str, Home]) -> Frame:
    frame = Frame(site.timezone, site.profiles, Topics())
    for home in homes.values():
        for binding in home.sensors:
            frame.topics.add(binding.topic, (f"{home.id}/{binding.id}", binding))
    return frame
