"""What is explained is what the engine decided, of any story at any moment: verdicts and tickets."""

from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from safetyd.configuration import load
from safetyd.core import room
from safetyd.core.model import Condition, Observation, Place, Verdict
from safetyd.core.power import EMPTY
from safetyd.core.power import verdict as power_verdict
from safetyd.core.taken_up import Way
from safetyd.core.units import JUST_AFTER
from safetyd.core.world import World
from safetyd.explain.asking import TooLongError, ground, of_place
from safetyd.explain.words import sections
from safetyd.site import Site
from safetyd.view import view
from tests.core.scene import BUILDING, LAB, MINUTE, ROOM, said
from tests.core.stories import BEGIN, Event, days
from tests.examples import examples
from tests.explain.scene import at_place, lines_of, lived
from tests.story import SCHOOL_YEAR, Story

laws = settings(derandomize=True, max_examples=examples(60), database=None, deadline=None)
IDS = [f"maple-2026-{number:04d}" for number in (1, 2, 3)]
AIR = (Condition.COLD, Condition.HEAT)
HOLD = 'outside_work_hours = "hold"'
CONFIRM = "cold = { confirm = 3 }\nheat = { confirm = 2 }"


def site_of(rules: str, calendar: str) -> Site:
    with TemporaryDirectory() as name:
        config = Story(rules=rules, calendar=calendar).keep(Path(name), "2026-12-01 00:00")
        return load(config, {}).site


SITES = [site_of("", ""), site_of(HOLD, SCHOOL_YEAR), site_of(CONFIRM, "")]


def decided(world: World, site: Site, place: Place, at: datetime) -> dict[Condition, Verdict]:
    """Return the verdicts that the engine holds of a place."""
    rules = site.rulebook.in_force(at)
    if place.room is None:
        standing = world.powers.get(place, EMPTY)
        return {Condition.OUTAGE: power_verdict(standing, at, rules.outage)}
    standing_room = world.rooms.get(place, room.EMPTY)
    return {each: room.verdict(standing_room, each, at, rules) for each in AIR}


AFTERWARDS = [timedelta(minutes=minutes) for minutes in (0, 1, 15, 30, 45, 120, 121, 24 * 60)]
GRAINS = [-JUST_AFTER, timedelta(0), JUST_AFTER]


@laws
@given(
    days(), st.sampled_from(SITES), st.integers(0, 99), st.sampled_from(AFTERWARDS), st.sampled_from(GRAINS)
)
def test_verdict_and_ticket_are_those_of_the_replay(
    events: list[Event], site: Site, number: int, later: timedelta, grain: timedelta
) -> None:
    event = events[number % len(events)]
    at = (event.received_at if isinstance(event, Observation) else event.at) + later + grain
    end = at + timedelta(days=12)
    lines = lines_of(events, IDS)
    with lived(lines, site, at) as (then, told), lived(lines, site, end) as (store, _):
        world = view(then, site, "safetyd", at).world
        for place in (ROOM, LAB, BUILDING):
            found = at_place(store, site, place, at, end)
            judged = found.air.judgements if found.air is not None else ()
            verdicts = {each.condition: each.verdict for each in judged}
            if found.mains is not None:
                verdicts[Condition.OUTAGE] = found.mains.verdict
            assert verdicts == decided(world, site, place, at)
            for condition, taken in found.taken.items():
                open_then = [
                    each["id"]
                    for each in told["tickets"]
                    if (each["building"], each["room"], each["condition"]) == (*place, condition)
                    and each["status"] not in ("closed", "joined")
                ]
                assert list(taken.standing) == open_then
                running = world.running.get((place, condition))
                ticket = None if running is None else world.episodes[running].ticket
                assert taken.ticket == ticket or (taken.way is Way.NOT_ON_RECORD and found.later)
            assert sections(found) or found.silence is not None


@pytest.mark.parametrize("site", SITES)
def test_of_a_place_nobody_ever_heard_there_is_one_sentence(site: Site) -> None:
    with lived([], site, BEGIN) as (store, _):
        found = at_place(store, site, ROOM, BEGIN, BEGIN)
        assert sections(found) == []


def test_as_many_readings_as_are_allowed_are_told_and_one_more_is_too_many() -> None:
    lines = lines_of([said(BEGIN + number * MINUTE, temperature_f=70.0) for number in range(5)], [])
    with lived(lines, SITES[0], BEGIN + 5 * MINUTE) as (store, _):
        asked = ground(store, SITES[0], "safetyd", BEGIN + 5 * MINUTE, most=5)
        found = of_place(asked, ROOM, asked.now)
        assert found.air is not None and len(found.air.heard) == 5
        with pytest.raises(TooLongError, match="more than 4 readings"):
            of_place(asked._replace(most=4), ROOM, asked.now)
