"""Article 9.14 as data: its numbers, in versions.

Rule: a number of the contract stands here once, beside its clause, as a default; what the contract does
not say is marked "ours". A reading is judged by the version in force at its own time.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal

from safetyd.core.book import Book, Version
from safetyd.core.model import Condition

_HALF_HOUR = timedelta(minutes=30)

Quorum = Literal["majority", "all", "any"]


@dataclass(frozen=True, slots=True)
class ColdRule:
    """9.14.3: strictly below 60 °F, on the dry bulb."""

    below_f: float = 60.0
    end_f: float = 61.0  # ours: a deadband that only ends an episode, so that one cold morning is one episode
    end_after: timedelta = _HALF_HOUR  # ours
    confirm: int = 1  # ours: how many readings running


@dataclass(frozen=True, slots=True)
class HeatRule:
    """9.14.3: heat index strictly above 85 °F; the 80 of the redline is watched, never ticketed."""

    above_f: float = 85.0
    watch_f: float = 80.0
    end_f: float = 84.0  # ours
    end_after: timedelta = _HALF_HOUR  # ours
    confirm: int = 1  # ours
    pair_within: timedelta = timedelta(minutes=10)  # ours: temperature and humidity of the same moment


@dataclass(frozen=True, slots=True)
class OutageRule:
    """9.14.5: a building without electricity for strictly more than 2 hours."""

    longer_than: timedelta = timedelta(hours=2)
    warn_at: tuple[timedelta, ...] = (timedelta(minutes=60), timedelta(minutes=90), timedelta(minutes=110))
    restored_after: timedelta = timedelta(minutes=15)  # ours: a flicker of power is no restoration
    quorum: Quorum | int = "majority"  # ours
    nominal_v: float = 120.0


@dataclass(frozen=True, slots=True)
class DeadlineRule:
    """9.9.4.B: extreme temperature within 24 hours, immediate relief within 2 weeks; elapsed time."""

    mitigation: timedelta = timedelta(hours=24)
    immediate: timedelta = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class RemindRule:
    """Ours: when those who owe relief are told that its time is running out, and ran out."""

    at: tuple[float, ...] = (0.5, 0.75)
    overdue_every: timedelta = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class QualityRule:
    """Ours: what a sensor may say and still be believed."""

    stale_after: timedelta = timedelta(minutes=15)
    stuck_after: timedelta = timedelta(hours=6)
    max_step_f_per_min: float = 5.0
    range_c: tuple[float, float] = (-10.0, 60.0)
    disagree_f: float = 3.0
    battery_below: float = 10.0


@dataclass(frozen=True)
class Rules(Version):
    """One version of the rules."""

    cold: ColdRule = field(default_factory=ColdRule)
    heat: HeatRule = field(default_factory=HeatRule)
    outage: OutageRule = field(default_factory=OutageRule)
    deadlines: DeadlineRule = field(default_factory=DeadlineRule)
    remind: RemindRule = field(default_factory=RemindRule)
    quality: QualityRule = field(default_factory=QualityRule)
    outside_work_hours: Literal["ticket", "hold"] = "ticket"

    def limit_f(self, condition: Condition) -> float | None:
        """Return beyond which value, in °F, a room is in breach; None where no temperature decides."""
        limits = {Condition.COLD: self.cold.below_f, Condition.HEAT: self.heat.above_f}
        return limits.get(condition)


@dataclass(frozen=True)
class RuleBook(Book[Rules]):
    """Every version of a site's rules."""

    versions: tuple[Rules, ...] = (Rules(),)
