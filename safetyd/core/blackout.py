"""What the silence of devices says: those that live on the mains fall silent together when the power fails.

Rule: one device that is silent is broken, two or more are a presumption. It is taken in as an observation
like any other and stays on record; a witness of the mains, or a person, always knows better.
"""

from datetime import datetime

from safetyd.core import power
from safetyd.core.model import SILENCE, Observation, Place, Sensor
from safetyd.core.world import Facts, World

_TOGETHER = 2
DEVICES = f"{SILENCE}devices"


def of_silence(
    world: World, facts: Facts, building: str, at: datetime, known_at: datetime
) -> Observation | None:
    """Return the conclusion that power is out, once every device of a building that lives on it is silent.

    It is drawn for `known_at`. Power was on when the last of them spoke: the conclusion's `device_at`.
    """
    healths = [
        world.health[key]
        for key in facts.mains_powered
        if key.startswith(f"{building}/") and key in world.health and facts.is_awaited(key, at)
    ]
    heard = [health.heard_at for health in healths if health.heard_at is not None]
    if len(heard) < _TOGETHER or any(health.until >= at for health in healths):
        return None
    return (
        None if _last_word(world, building) is False else _conclusion(building, False, known_at, max(heard))
    )


def of_speech(world: World, building: str, at: datetime) -> Observation | None:
    """Return the conclusion that power is back, when one of them speaks again."""
    return _conclusion(building, True, at, at) if _last_word(world, building) is False else None


def _last_word(world: World, building: str) -> bool | None:
    standing = world.powers.get(Place(building, None), power.EMPTY)
    word = standing.words.get(DEVICES)
    return None if word is None else word.is_on


def _conclusion(building: str, is_on: bool, at: datetime, since: datetime) -> Observation:
    return Observation(Sensor(Place(building, None), DEVICES), at, at, mains=is_on, device_at=since)
