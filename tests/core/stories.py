"""Stories nobody thought of: values at the limits, gaps, several sensors, late and broken words, people.

Rule: a story is what arrived, in order of arrival; whatever it leads to is for the tests to say.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from hypothesis import strategies as st

from safetyd.core.errors import ActionError, TransitionError
from safetyd.core.model import Observation
from safetyd.core.rules import Rules
from safetyd.core.ticket import Tier, Verb
from safetyd.core.units import JUST_AFTER
from tests.core.scene import BUILDING, LAB, MINUTE, ROOM, Scene, clock, said

Values = dict[str, Any]

BEGIN = clock("08:00")
PLACES = {"room": ROOM, "lab": LAB, "mains": BUILDING}

# What a room may say: both sides of 60 and 61 °F, of a heat index of 84 and 85, with and without humidity.
AIRS: list[Values] = [
    *({"temperature_f": value} for value in (57.0, 58.9, 59.999, 60.0, 60.001, 60.999, 61.0, 61.5, 62.0)),
    *({"temperature_f": value, "humidity": 50.0} for value in (83.0, 83.3, 83.8, 84.0, 85.5)),
    *({"temperature_f": value} for value in (40.0, 84.0, 92.0, 100.0)),
    *({"humidity": value} for value in (30.0, 70.0)),
]
BROKEN: list[Values] = [
    *({"temperature_c": value} for value in (85.0, -127.0)),
    *({"humidity": value} for value in (0.4, 200.0)),
    {"temperature_c": 0.0, "humidity": 0.0},
    {"temperature_f": float("nan")},
]
MAINS: list[Values] = [{"mains": False}, {"mains": True}, {"voltage": 0.0}, {"voltage": 120.0}]
GENTLE = [59.0, 59.999, 60.0, 60.5, 61.0, 61.9]  # no two of them further apart than a jump must be

# How long until the next thing happens: around the quarter of an hour that a reading counts, and much longer.
BRIEF = [
    *(minutes * MINUTE for minutes in (1, 5, 10, 15)),
    15 * MINUTE - JUST_AFTER,
    15 * MINUTE + JUST_AFTER,
    timedelta(seconds=1),
]
LONG = [timedelta(hours=hours) for hours in (2, 13, 24, 8 * 24)]

airs = st.sampled_from(AIRS)
brief = st.sampled_from(BRIEF)
gaps = st.sampled_from(BRIEF * 2 + LONG)
paces = st.sampled_from([5 * MINUTE, 10 * MINUTE, 15 * MINUTE])
repeats = st.sampled_from([1, 1, 1, 2, 4, 7])
mornings_of = st.lists(st.tuples(airs, brief, st.sampled_from("abc")), min_size=1, max_size=8)


class Deed(NamedTuple):
    """What a person does at a moment, whether it is allowed or not."""

    at: datetime
    verb: Verb
    tier: Tier
    note: str


Event = Observation | Deed


@st.composite
def days(draw: st.DrawFn, *, people: bool = True) -> list[Event]:
    """Return what happened in one building; some of it is late, retained or read off by hand."""
    now, events = BEGIN, []  # type: datetime, list[Event]
    who = ["room"] * 6 + ["lab", "mains", "mains"] + ["person"] * (2 if people else 0)
    for _ in range(draw(st.integers(2, 10))):
        now += draw(gaps)
        kind = draw(st.sampled_from(who))
        if kind == "person":
            verb, tier = draw(st.sampled_from(Verb)), draw(st.sampled_from(Tier))
            events.append(Deed(now, verb, tier, draw(st.sampled_from(["", "so"]))))
            continue
        values = draw(st.sampled_from(MAINS if kind == "mains" else AIRS + BROKEN))
        late_by = draw(st.sampled_from([timedelta(0)] * 5 + [MINUTE, 20 * MINUTE]))
        how: Values = draw(st.sampled_from([{}] * 8 + [{"retained": True}, {"by_hand": True}]))
        sensor, pace = draw(st.sampled_from("abc")), draw(paces)
        for _ in range(draw(repeats)):
            events.append(
                said(now - late_by, sensor=sensor, place=PLACES[kind], received_at=now, **values, **how)
            )
            now += pace
    return events


@st.composite
def gentle_mornings(draw: st.DrawFn) -> list[Observation]:
    """Return what two sensors of one room said, without a jump, no two words of the same moment."""
    at, words = BEGIN, []
    for _ in range(draw(st.integers(2, 6))):
        sensor, value, pace = draw(st.sampled_from("aaab")), draw(st.sampled_from(GENTLE)), draw(paces)
        for _ in range(draw(repeats)):
            words.append(said(at, sensor=sensor, temperature_f=value))
            at += pace
        at += draw(brief)
    return words


def worthless(sensors: str) -> st.SearchStrategy[Observation]:
    """Return words that prove nothing; their moment is filled in later."""
    who = st.sampled_from(sensors)
    rejected = st.builds(
        lambda sensor, values: said(BEGIN, sensor=sensor, **values), who, st.sampled_from(BROKEN)
    )
    retained = st.builds(
        lambda sensor, values: said(BEGIN, sensor=sensor, retained=True, **values), who, airs
    )
    return rejected | retained


def heard(story: Sequence[tuple[Values, timedelta, str]]) -> Scene:
    """Return the scene after some air, each followed by a while."""
    scene, now = Scene(), BEGIN
    for air, gap, sensor in story:
        scene.says(now, sensor=sensor, **air)
        now += gap
    return scene.until(now)


def moments(events: Sequence[Event], scene: Scene) -> Iterator[Scene]:
    """Yield the scene after each event; what people may not do is not done."""
    for event in events:
        if isinstance(event, Observation):
            scene.hears(event)
        else:
            _try(scene, event)
        yield scene


def _try(scene: Scene, deed: Deed) -> None:
    until = deed.at + timedelta(days=30) if deed.verb is Verb.EXTEND else None
    for ticket in list(scene.world.tickets):
        try:
            scene.does(deed.at, deed.verb, ticket, tier=deed.tier, note=deed.note, until=until)
        except (ActionError, TransitionError):
            pass


def lived(events: Sequence[Event], *versions: Rules, **how: Any) -> Scene:
    """Return the scene after all of it and ten more days."""
    scene = Scene(*versions, **how)
    for _ in moments(events, scene):
        pass
    return scene.until(scene.now + timedelta(days=10))
