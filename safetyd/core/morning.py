"""The hour before the work day: facilities learn which rooms would begin it in breach.

Rule: one warning a building and morning, an hour before its work begins, or as soon after that as anything
is held. It is worked out anew from what is held: a restart loses none, and what is over by then is not told.
"""

from datetime import datetime, timedelta

from safetyd.core.model import Episode, Place
from safetyd.core.plan import Reason
from safetyd.core.telling import shelf_over, tell_place
from safetyd.core.units import beside
from safetyd.core.world import Facts, World, up_to_date

WARNED_BEFORE = timedelta(hours=1)  # ours: time enough to start a boiler or to open another room


def hold(world: World, number: int, begin: datetime, now: datetime) -> None:
    """Let an episode wait until work begins; of what comes within that hour only the first is a warning."""
    building = world.episodes[number].place.building
    is_told = begin - WARNED_BEFORE <= now and any(other == begin for other, _ in _held(world, building))
    world.held[number] = begin
    world.changes.held = True
    world.schedule("hold", str(number), begin)
    if not is_told:
        expect(world, building)


def expect(world: World, building: str) -> None:
    """Note when the next warning of a building falls due."""
    begins = [begin for begin, _ in _held(world, building)]
    world.schedule("morning", building, min(begins) - WARNED_BEFORE if begins else None)


def warn(world: World, facts: Facts, building: str, at: datetime) -> None:
    """Owe the warning for the work that begins within the hour, if anything is held for it."""
    mornings: dict[datetime, list[Episode]] = {}
    for begin, episode in _held(world, building):
        mornings.setdefault(begin, []).append(episode)
    for begin, held in sorted(mornings.items()):
        if begin - WARNED_BEFORE > at:
            world.schedule("morning", building, begin - WARNED_BEFORE)
        elif at < begin:
            _tell(world, facts, Place(building, None), begin, held, at)


def _tell(
    world: World, facts: Facts, whole: Place, begin: datetime, held: list[Episode], at: datetime
) -> None:
    """Owe one warning; of a room that alone is shelved one of its own."""
    key, apart = f"{whole}/{Reason.HELD}/{begin.isoformat()}", set[Place]()
    if shelf_over(world, whole, at) is None:
        apart = {each.place for each in held if shelf_over(world, each.place, at) is not None}
    for place in sorted(apart, key=str):
        about = _about(world, facts, begin, [each for each in held if each.place == place], at)
        tell_place(world, facts, Reason.HELD, place, at, f"{key}/{place.room}", about)
    others = [each for each in held if each.place not in apart]
    if others:
        tell_place(world, facts, Reason.HELD, whole, at, key, _about(world, facts, begin, others, at))


def _held(world: World, building: str) -> list[tuple[datetime, Episode]]:
    found = ((begin, world.episodes[number]) for number, begin in world.held.items())
    return [
        (begin, episode)
        for begin, episode in found
        if episode.place.building == building and episode.ended_at is None
    ]


def _about(world: World, facts: Facts, begin: datetime, held: list[Episode], at: datetime) -> dict[str, str]:
    """When work begins, and for `condition room` since when and how bad, by the name of the room."""
    about = {"begins_at": begin.isoformat()}
    for episode in sorted(held, key=lambda each: (each.place.room or "", each.condition)):
        worst = up_to_date(world, episode, at).worst
        limit_f = facts.book.in_force(episode.began_at).limit_f(episode.condition)
        value = "" if worst is None else beside(worst.value, limit_f)
        about[f"{episode.condition} {episode.place.room}"] = f"{episode.began_at.isoformat()} {value}"
    return about
