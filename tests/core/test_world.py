"""What a World finds by an index is what looking through everything finds."""

from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from safetyd.core.model import Condition, Episode
from safetyd.core.world import World
from tests.core.scene import MINUTE, ROOM, Scene, clock
from tests.core.stories import Event, days, moments

TICKETS = ("maple-2026-0001", "maple-2026-0002")
PUTS = st.tuples(st.integers(1, 4), st.sampled_from([None, *TICKETS]), st.integers(0, 2), st.booleans())


def looked_for(world: World, ticket_id: str) -> list[Episode]:
    """Return a ticket's episodes, found by looking at every one."""
    found = [(each.began_at, n, each) for n, each in world.episodes.items() if each.ticket == ticket_id]
    return [each for _, _, each in sorted(found, key=lambda one: one[:2])]


@given(st.lists(PUTS, max_size=20))
def test_an_episode_is_found_by_its_ticket_whatever_is_put_bound_anew_and_dropped(
    puts: list[tuple[int, str | None, int, bool]],
) -> None:
    world = World()
    for number, ticket, minutes, is_dropped in puts:
        if is_dropped and number in world.episodes:
            world.drop_episode(number)
        else:
            episode = Episode(ROOM, Condition.COLD, clock("08:00") + minutes * MINUTE)
            world.put_episode(number, replace(episode, ticket=ticket))
        for each in TICKETS:
            assert world.episodes_of(each) == looked_for(world, each)


@given(days())
def test_and_at_every_moment_of_a_life(events: list[Event]) -> None:
    for scene in moments(events, Scene()):
        for each in scene.world.tickets:
            assert scene.world.episodes_of(each) == looked_for(scene.world, each)


def test_a_ticket_without_episodes_has_none() -> None:
    world = World()
    world.put_episode(1, Episode(ROOM, Condition.COLD, clock("08:00"), clock("08:00") + timedelta(hours=1)))
    assert world.episodes_of(TICKETS[0]) == []
