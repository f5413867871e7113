"""What is asked of the past: which building, which of its rooms, what was measured, over which time.

Rule: what stands in no site file, or may not be seen, is refused by name; what was not said is as usual.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import NamedTuple
from urllib.parse import urlencode

from safetyd.core.model import Condition, Place
from safetyd.core.tally import Measure
from safetyd.faults import did_you_mean
from safetyd.site import Building, Room, Site
from safetyd.store.accounts import Account
from safetyd.store.course import last_breach
from safetyd.web.access import sees
from safetyd.web.answers import building_of, place_of
from safetyd.web.looking import Past
from safetyd.web.pages.page import Visit
from safetyd.web.pages.ranges import Kind, Range, read_range
from safetyd.web.problems import Problem, misused

ROOMS_AT_MOST = 6
NAMES: Mapping[Measure, str] = {
    Measure.TEMPERATURE: "Temperature",
    Measure.HUMIDITY: "Humidity",
    Measure.HEAT_INDEX: "Heat index",
    Measure.MAINS: "Electricity",
}
_DAY = timedelta(days=1)


class Wanted(NamedTuple):
    """One question about the past; without rooms it is about the building as a whole."""

    building: Building
    rooms: tuple[Room, ...]
    measure: Measure
    range: Range

    @property
    def places(self) -> list[tuple[str, Place]]:
        """Every place that is asked about, with its name."""
        if self.measure is Measure.MAINS:
            return [(self.building.name, Place(self.building.id, None))]
        return [(room.name, Place(self.building.id, room.id)) for room in self.rooms]

    @property
    def subject(self) -> str:
        """Whose past it is."""
        return self.places[0][0] if len(self.places) == 1 else f"{len(self.places)} rooms"

    @property
    def title(self) -> str:
        """What it is about, in words."""
        return f"{NAMES[self.measure]} of {self.subject}"

    def url(self, path: str = "/history", range: Range | None = None, measure: Measure | None = None) -> str:
        """Return where it is answered; over another range or of another quantity, if one is given."""
        pairs = [("building", self.building.id)]
        pairs += [("room", room.id) for room in self.rooms]
        pairs += [("quantity", (measure or self.measure).value), *(range or self.range).query.items()]
        return f"{path}?{urlencode(pairs)}"

    @property
    def every(self) -> timedelta | None:
        """How long the spans are that a chart of it shows; None: every single value."""
        length = self.range.length
        if length <= 2 * _DAY:
            return None if len(self.places) == 1 else timedelta(minutes=15)
        if length <= 8 * _DAY:
            return timedelta(minutes=15)
        return timedelta(hours=1) if length <= 130 * _DAY else _DAY


def wanted(past: Past, visit: Visit) -> Wanted:
    """Return what a query asks for.

    Raises:
        Problem: it asks for what is not there.
    """
    said = {name: text for name, text in visit.query.items() if text}
    building = building_asked(past.site, visit.account, said)
    rooms = _rooms(building, list(filter(None, visit.query.getlist("room"))))
    range = read_range(said, past.site.timezone, past.now, Kind.WEEK)
    measure = _measure(said.get("quantity", "") or _usual(past, building, rooms, range).value, building)
    return Wanted(building, rooms, measure, range)


def building_asked(site: Site, account: Account, said: Mapping[str, str]) -> Building:
    """Return the building that is asked for, else the first that may be seen.

    Raises:
        Problem: there is none for them.
    """
    if "building" in said:
        return building_of(site, account, said["building"])
    seen = [each for each in site.buildings if sees(account, each.id)]
    if not seen:
        raise Problem(404, "no building is here that you may see; ask who keeps the accounts")
    return seen[0]


def _rooms(building: Building, ids: list[str]) -> tuple[Room, ...]:
    for id in ids:
        place_of(building, id)
    named = dict.fromkeys(ids)
    found = tuple(room for room in building.rooms if room.id in named) or building.rooms[:1]
    if len(found) > ROOMS_AT_MOST:
        raise misused("room", f"room: {len(found)} rooms at once; choose {ROOMS_AT_MOST} or fewer")
    return found


def _usual(past: Past, building: Building, rooms: Sequence[Room], range: Range) -> Measure:
    """Return what is asked where nothing is said: that by which rooms were last in breach."""
    if not rooms:
        return Measure.MAINS
    is_hot = breach_in(past, building, rooms, range) is Condition.HEAT
    return Measure.HEAT_INDEX if is_hot else Measure.TEMPERATURE


def breach_in(past: Past, building: Building, rooms: Sequence[Room], range: Range) -> Condition | None:
    """Return how rooms were last in breach in a range; where none was, how any of their building was."""
    connection = past.of(building.id).connection
    for few in (rooms, building.rooms):
        ids = [each.id for each in few]
        found = last_breach(connection, building.id, ids, range.begin, range.end)
        if found is not None:
            return found
    return None


def _measure(text: str, building: Building) -> Measure:
    measure = next((each for each in NAMES if each.value == text), None)
    if measure is None:
        hint = did_you_mean(text[:40], [each.value for each in NAMES])
        expected = f"one of {', '.join(NAMES)}{hint}"
        raise misused("quantity", f"quantity: {text[:40]!r} is not {expected}")
    if measure is not Measure.MAINS and not building.rooms:
        raise misused("quantity", f"quantity: {building.id} has no rooms; ask for its mains")
    return measure


CONDITIONS: Mapping[Measure, tuple[Condition, ...]] = {
    Measure.TEMPERATURE: (Condition.COLD, Condition.HEAT),
    Measure.HUMIDITY: (),
    Measure.HEAT_INDEX: (Condition.HEAT,),
    Measure.MAINS: (Condition.OUTAGE,),
}
