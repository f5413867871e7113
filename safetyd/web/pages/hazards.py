"""What may be reported, in the words of who stands in the room: each with an example.

Rule: every class of 9.9.2.C stands here once; the words say what is seen, never what follows from it.
"""

from typing import NamedTuple

from safetyd.core.model import Condition, Hazard

COLD, HOT, NOTICE, LOCATION = "cold", "hot", "notice", "location"
MEASURED = {COLD: Condition.COLD, HOT: Condition.HEAT}


class Choice(NamedTuple):
    """One thing to choose, and an example of it."""

    value: str
    words: str
    example: str


class Group(NamedTuple):
    """Things that stand together."""

    title: str
    choices: tuple[Choice, ...]


GROUPS = (
    Group(
        "Temperature",
        (
            Choice(COLD, "Too cold, and I have measured it", "A psychrometer shows 57 °F beside the desk."),
            Choice(HOT, "Too hot, and I have measured it", "A psychrometer shows a heat index of 88 °F."),
            Choice(Hazard.TEMPERATURE, "Too cold or too hot, not measured", "Everybody sits in a coat."),
        ),
    ),
    Group(
        "Electricity, internet, water supply",
        (
            Choice(Hazard.ELECTRICITY, "No electricity", "Lights or sockets of this room are dead."),
            Choice(Hazard.INTERNET, "No internet or telephone", "The telephone on the wall is dead."),
            Choice(Hazard.WATER, "No water, or bad water", "The taps run dry, or the water is brown."),
        ),
    ),
    Group(
        "Air",
        (
            Choice(Hazard.SMOKE, "Smoke", "Smoke of a wildfire comes in."),
            Choice(Hazard.MOLD, "Mold", "Black spots grow behind the cupboard."),
            Choice(Hazard.ASBESTOS, "Asbestos", "The wrapping of an old pipe is torn open."),
            Choice(Hazard.AIR_QUALITY, "Bad air", "Fumes of paint, dust, no fresh air."),
        ),
    ),
    Group(
        "Building",
        (
            Choice(Hazard.LEAKS, "A leak", "Water drips through the ceiling."),
            Choice(Hazard.PESTS, "Pests", "Mouse droppings lie on the shelf."),
            Choice(Hazard.OTHER, "Another hazard", "A ceiling tile hangs loose."),
        ),
    ),
    Group(
        "In writing",
        (
            Choice(
                NOTICE,
                "My written notice to the administrator",
                "Of something that has a ticket already (9.14.3.A, 9.14.4.A).",
            ),
            Choice(
                LOCATION,
                "My new work location",
                "Where I work outside the student day, away from it (9.14.3.D, 9.14.4.D).",
            ),
        ),
    ),
)
CONDITIONS = {
    Condition.COLD: "Cold",
    Condition.HEAT: "Heat",
    Condition.HAZARD: "A hazard of this place",
    Condition.OUTAGE: "No electricity in the building",
}


def words_of(value: str) -> str:
    """Return what was chosen, in words."""
    return next(each.words for group in GROUPS for each in group.choices if each.value == value)
