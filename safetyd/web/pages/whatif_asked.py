"""What somebody supposes: the numbers that people bargain about, over which time, of which buildings.

Rule: a number that is as the one in force is not supposed at all, so that each version of the rules keeps its
own. What the form cannot take is refused by name.
"""

import math
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import NamedTuple
from urllib.parse import urlencode

from safetyd.core.rules import Rules
from safetyd.faults import ConfigurationError, did_you_mean
from safetyd.site import Building, with_rules
from safetyd.store import rollups
from safetyd.web.answers import building_of, buildings_of
from safetyd.web.looking import Past
from safetyd.web.pages.page import Visit
from safetyd.web.pages.ranges import Kind, Range, read_range
from safetyd.web.problems import Problem, misused
from safetyd.whatif.answer import Question, full_hours

_HOUR, _MINUTE = timedelta(hours=1), timedelta(minutes=1)
OUTSIDE = {"ticket": "a ticket at once", "hold": "a ticket when work begins, if it still is so"}


class Slider(NamedTuple):
    """One number: its field, what it means, how far it goes, and the settings it stands for."""

    name: str
    words: str
    unit: str
    least: float
    most: float
    step: float
    now: Callable[[Rules], float]
    settings: Callable[[float], tuple[str, ...]]


SLIDERS = (
    Slider(
        "cold",
        "Too cold is below",
        "°F",
        45,
        75,
        0.5,
        lambda rules: rules.cold.below_f,
        lambda value: (f"rules.cold.below_f={value:.10g}",),
    ),
    Slider(
        "heat",
        "Too hot is a heat index above",
        "°F",
        70,
        110,
        0.5,
        lambda rules: rules.heat.above_f,
        lambda value: (f"rules.heat.above_f={value:.10g}",),
    ),
    Slider(
        "outage",
        "A building without electricity for longer than",
        "hours",
        0.25,
        24,
        0.25,
        lambda rules: rules.outage.longer_than / _HOUR,
        lambda value: (f"rules.outage.longer_than={_seconds(value)}",),
    ),
    Slider(
        "mitigation",
        "Extreme temperature is mitigated within",
        "hours",
        1,
        72,
        1,
        lambda rules: rules.deadlines.mitigation / _HOUR,
        lambda value: (f"rules.deadlines.mitigation={_seconds(value)}",),
    ),
    Slider(
        "confirm",
        "Readings running that must say so",
        "",
        1,
        10,
        1,
        lambda rules: rules.cold.confirm,
        lambda value: (f"rules.cold.confirm={value:.10g}", f"rules.heat.confirm={value:.10g}"),
    ),
)


def _seconds(hours: float) -> str:
    seconds = max(round(hours * 3600), 1)
    return f"{seconds // 60}m" if not seconds % 60 else f"{seconds}s"


class Field(NamedTuple):
    """A number as it stands in the form: the one in force, the one supposed, and how far it may go."""

    slider: Slider
    in_force: float
    value: float

    @property
    def least(self) -> float:
        """The least that may be supposed."""
        return min(self.slider.least, self.in_force)

    @property
    def most(self) -> float:
        """The most."""
        return max(self.slider.most, self.in_force)

    @property
    def is_other(self) -> bool:
        """Whether it differs from the one in force."""
        return not math.isclose(self.value, self.in_force, abs_tol=1e-6)


class Asked(NamedTuple):
    """All that stands in the form. `end` is where what is known of the range ends; `chosen` one building, as
    has to be where they are kept in several stores."""

    fields: tuple[Field, ...]
    outside: str
    outside_now: str
    range: Range
    question: Question
    buildings: tuple[Building, ...]
    chosen: Building | None
    has_versions: bool
    is_apart: bool

    @property
    def query(self) -> dict[str, str]:
        """What asks for it again."""
        said = {each.slider.name: f"{each.value:.10g}" for each in self.fields}
        chosen = {"building": self.chosen.id} if self.chosen is not None else {}
        return {**said, "outside": self.outside, **self.range.query, **chosen}

    def url(self, path: str = "/whatif", **more: str) -> str:
        """Return where it is answered."""
        return f"{path}?{urlencode(self.query | more)}"


def asked(past: Past, visit: Visit) -> Asked:
    """Return what a query asks for.

    Raises:
        Problem: it asks for what is not there.
    """
    said = {name: text for name, text in visit.query.items() if text}
    seen = tuple(buildings_of(past.site, visit.account))
    if not seen:
        raise Problem(404, "no building is here that you may see; ask who keeps the accounts")
    is_apart = past.is_apart(*(each.id for each in seen))
    chosen = seen[0] if is_apart else None  # one that is kept elsewhere is asked for by itself
    if "building" in said:
        chosen = building_of(past.site, visit.account, said["building"])
    span = read_range(said, past.site.timezone, past.now, Kind.TERM)
    rules = past.site.rulebook.in_force(min(span.end, past.now))
    fields = tuple(_field(each, said, rules) for each in SLIDERS)
    outside = said.get("outside", rules.outside_work_hours)
    if outside not in OUTSIDE:
        expected = f"one of {', '.join(OUTSIDE)}{did_you_mean(outside[:40], OUTSIDE)}"
        raise misused("outside", f"outside: {outside[:40]!r} is not {expected}")
    settings = [text for each in fields if each.is_other for text in each.slider.settings(each.value)]
    if outside != rules.outside_work_hours:
        settings.append(f"rules.outside_work_hours={outside}")
    where = tuple(each.id for each in ([chosen] if chosen is not None else seen))
    _check(past, settings)
    return Asked(
        fields,
        outside,
        rules.outside_work_hours,
        span,
        _question(past, span, tuple(settings), where),
        seen,
        chosen,
        any(span.begin < starts < span.end for starts in past.site.rulebook.starts),
        is_apart,
    )


def _field(slider: Slider, said: Mapping[str, str], rules: Rules) -> Field:
    in_force = slider.now(rules)
    field = Field(slider, in_force, in_force)
    if (text := said.get(slider.name)) is None:
        return field
    try:
        value = float(text[:40])
    except ValueError:
        value = math.nan
    if not field.least <= value <= field.most or (slider.name == "confirm" and value % 1):
        kind = "whole number" if slider.name == "confirm" else "number"
        bounds = f"{field.least:g} to {field.most:g}"
        raise misused(slider.name, f"{slider.name}: {text[:40]!r} is no {kind} from {bounds}")
    return field._replace(value=value)


def _check(past: Past, settings: list[str]) -> None:
    try:
        with_rules(past.site, settings)
    except ConfigurationError as error:
        raise Problem(400, "; ".join(map(str, error.faults))) from error


def _question(past: Past, span: Range, settings: tuple[str, ...], where: tuple[str, ...]) -> Question:
    """Return the question, which stays the same while nothing more is rolled up of its range."""
    rolled = rollups.progress(past.of(*where).connection)
    end = min(span.end, past.now)
    if rolled is not None:
        settled = full_hours(span.begin, min(end, rolled.settled_to))
        end = settled.end if settled.begin < settled.end else end
    return Question(span.begin, end, settings, where)
