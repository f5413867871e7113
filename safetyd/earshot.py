"""What has come within earshot: each topic with what it says, whose it is, and what is declared about it.

Rule: it only listens; a fixed number of topics is listed and the rest is counted, whoever sends what.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from safetyd.core.errors import SafetydError
from safetyd.core.model import Sensor
from safetyd.ingest.guess import Guess, guess, merged, samples_of
from safetyd.ingest.message import Heard, Message, Sample
from safetyd.ingest.proposals import Proposal, proposed
from safetyd.ingest.topics import Route, native_route, routes
from safetyd.profile import SPARKPLUG, Profile, Scalar, shipped_profiles
from safetyd.site import Site
from safetyd.site_lines import Entry, entries

MOST_TOPICS = 2000
_LONGEST_TOPIC, _LONGEST = 1000, 200
_MOST_REFUSALS = 5
_OURS = (
    "status",
    "gateways",
    "tickets",
    "rooms",
    "buildings",
    "watch",
)  # what we say ourselves below our root

Key = tuple[str, tuple[tuple[str, Scalar], ...]]  # a topic, and which of several devices on it


@dataclass(frozen=True, slots=True)
class Row:
    """A topic, or one of several devices on it. `taken` is what the sensors of the site file take of it.

    `changed_at` is when it last said something else than before; None while it has not.
    """

    topic: str
    guess: Guess
    last_at: datetime
    holders: tuple[str, ...] = ()
    taken: tuple[Sample, ...] = ()
    refusals: tuple[str, ...] = ()
    messages: int = 1
    is_retained: bool = False
    changed_at: datetime | None = None


class Earshot:
    """Holds what has been heard so far, beside what the site file knows."""

    def __init__(self, site: Site, root: str, prefix: str) -> None:
        self.rows: dict[Key, Row] = {}
        self.messages = 0
        self.unlisted = 0  # messages on topics beyond those that are listed
        self.profiles: Mapping[str, Profile] = {
            **shipped_profiles(),
            **{
                binding.profile.name: binding.profile
                for building in site.buildings
                for binding in building.sensors
                if binding.profile is not None
            },
        }
        self._site, self._root, self._prefix = site, root, prefix
        self._ours = tuple(f"{root}/{each}/" for each in _OURS)
        self._routes = routes(site)
        self._declared: dict[str, tuple[Proposal, ...]] = {}

    @property
    def proposals(self) -> list[Proposal]:
        """All that is declared now, each once."""
        return list(dict.fromkeys(each for declared in self._declared.values() for each in declared))

    def hear(self, message: Message) -> tuple[Row, bool] | None:
        """Take a message in; return its row and whether that is new, None if it has none."""
        self.messages += 1
        topic = message.topic
        if topic.startswith(self._ours):
            return None
        declared = proposed(topic, message.payload, self._prefix)
        if declared is not None:
            self._declare(topic, declared)
            return None
        said = _shortened(guess(topic, message.payload, self.profiles, self._root))
        topic = _of_node(topic) if said.format == SPARKPLUG else topic
        key = topic, said.only
        old = self.rows.get(key)
        if len(topic) > _LONGEST_TOPIC or (old is None and len(self.rows) >= MOST_TOPICS):
            self.unlisted += 1
            return None
        row = self._row(message, topic, said, old)
        self.rows[key] = row
        return row, old is None

    def unassigned(self) -> list[Entry]:
        """Return what the site file could say of everything that nobody has assigned.

        Numbers of which nobody knows what they are come last.
        """
        return sorted(self._unassigned(), key=lambda entry: not entry.brings)

    def _unassigned(self) -> Iterator[Entry]:
        proposals = self.proposals
        by_topic: dict[str, list[Proposal]] = {}
        for each in proposals:
            by_topic.setdefault(each.topic, []).append(each)
        for row in sorted(self.rows.values(), key=lambda row: (row.topic, str(row.guess.only))):
            if not row.holders:
                yield from entries(row.topic, row.guess, by_topic.get(row.topic, ()))
        heard = {topic for topic, _ in self.rows}
        for topic, declared in sorted(by_topic.items()):
            if topic not in heard and not self._routes_of(topic):
                yield from entries(topic, guess(topic, b"", self.profiles, self._root), declared)

    def ids(self) -> set[str]:
        """Return the ids that sensors of the site file have."""
        return {binding.id for building in self._site.buildings for binding in building.sensors}

    def _declare(self, topic: str, declared: tuple[Proposal, ...]) -> None:
        self._declared.pop(topic, None)
        room = MOST_TOPICS - sum(map(len, self._declared.values()))
        others = (each for each in declared if not each.topic.startswith(self._ours))
        kept = tuple(map(_brief, (each for each in others if len(each.topic) <= _LONGEST_TOPIC)))[:room]
        if kept:
            self._declared[topic] = kept

    def _routes_of(self, topic: str) -> tuple[Route, ...]:
        found = self._routes.of(topic)
        own = None if found else native_route(topic, self._site, self._root)
        return found if own is None else (own,)

    def _row(self, message: Message, topic: str, said: Guess, old: Row | None) -> Row:
        holders, taken, refusals = self._shares(message, is_shared=bool(said.only))
        if old is not None:
            said = merged(old.guess, said)
            holders = tuple(dict.fromkeys((*old.holders, *holders)))
            kept = {(each.quantity, each.unit, each.channel): each for each in (*old.taken, *taken)}
            taken = tuple(kept.values())
        row = Row(topic, said, message.received_at, holders, taken, refusals, 1, message.retain)
        if old is None:
            return row
        before = (old.guess.heard.samples, old.guess.candidates, old.guess.heard.presence)
        is_other = before != (said.heard.samples, said.candidates, said.heard.presence)
        changed_at = message.received_at if is_other else old.changed_at
        return replace(row, messages=old.messages + 1, changed_at=changed_at)

    def _shares(
        self, message: Message, *, is_shared: bool
    ) -> tuple[tuple[str, ...], tuple[Sample, ...], tuple[str, ...]]:
        """Return the sensors and bridges whose message this is, what they take, and what they refuse."""
        holders: list[str] = []
        taken: list[Sample] = []
        refusals: list[str] = []
        for route in self._routes_of(message.topic):
            try:
                decoded = route.decode(message.topic, message.payload)
            except SafetydError as error:
                holders.append(_name(route.sensor))
                refusals.append(str(error))
                continue
            if decoded.has_value or decoded.refusals or not is_shared:
                holders.append(_name(route.sensor))
            taken += samples_of(decoded)
            refusals += decoded.refusals
        bridge = self._routes.bridges.get(message.topic)
        if bridge is not None:
            holders.append(bridge.name)
        return tuple(holders), tuple(taken), _short(refusals)


def _name(sensor: Sensor) -> str:
    return f"{sensor.place.building}/{sensor.id}"


def _of_node(topic: str) -> str:
    """Return the filter that takes in all kinds of message of one node or device."""
    levels = topic.split("/")
    return "/".join([*levels[:2], "+", *levels[3:]]) if len(levels) > 3 else topic


def _shortened(said: Guess) -> Guess:
    """Return a guess that takes little memory, whatever was sent."""
    samples = tuple(each for each in said.heard.samples if len(each.channel) <= _LONGEST)
    only = tuple((key, value) for key, value in said.only if len(str(value)) <= _LONGEST)
    heard = said.heard
    kept = Heard(
        samples, _short(heard.refusals), heard.reason[:_LONGEST], heard.presence, is_bridge=heard.is_bridge
    )
    return said._replace(heard=kept, only=only)


def _short(texts: tuple[str, ...] | list[str]) -> tuple[str, ...]:
    return tuple(text[:_LONGEST] for text in texts[:_MOST_REFUSALS])


def _brief(each: Proposal) -> Proposal:
    words = each.words and (each.words[0][:_LONGEST], each.words[1][:_LONGEST])
    return each._replace(
        name=each.name[:_LONGEST],
        unit=each.unit[:_LONGEST],
        words=words,
        template=each.template[:_LONGEST],
        power_source=each.power_source[:_LONGEST],
    )
