"""Whether the machine's own clock may be believed, and how time goes on when it is put forward or back.

Rule: a machine without a battery behind its clock boots in the past. Until its time is synchronised, or
PATIENCE is over, no moment is named. Time that has been lived through never comes again: it goes on by the
seconds since boot, takes a step forward at once and makes up for a step back little by little.
"""

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from safetyd.core.waking import Beat

PATIENCE = timedelta(minutes=10)  # ours: a time server answers within two; the two hours of 9.14.5 leave room
A_MOMENT = timedelta(seconds=2)  # ours: what a clock may be off by without a word
FORWARD = timedelta(minutes=5)  # a step forward beyond this is on record; one back always is
BUILT_AFTER = datetime(2026, 1, 1, tzinfo=UTC)  # no clock that is before safetyd itself is right
_NO_TIME = timedelta(0)
_A_DAY = timedelta(days=1)  # a clock further back than this is no clock to wait for
_SLOWER = 0.05  # ours: a limit of two hours is reached six minutes late while a step back is made up for


class Ticks(NamedTuple):
    """What the machine knows of time beside its clock.

    `boot` is another word for each boot, empty where there is none; `since_boot` counts suspension;
    `is_synchronised` is None where nobody can say.
    """

    boot: str
    since_boot: timedelta
    is_synchronised: bool | None = None


class Doubt(NamedTuple):
    """Why the clock is not believed, and what it says."""

    words: str
    wall: datetime


class Beginning(NamedTuple):
    """The moment that it is when time is believed; `doubt` where it is believed for want of a better."""

    now: datetime
    doubt: Doubt | None = None

    @property
    def is_sure(self) -> bool:
        """Whether nothing speaks against the clock."""
        return self.doubt is None


def counted_on(last: Beat | None, ticks: Ticks) -> datetime:
    """Return what time it is if the machine was never down: the last sign of life and the seconds since."""
    if last is None:
        return BUILT_AFTER + ticks.since_boot
    if last.boot != ticks.boot:
        return last.at + ticks.since_boot
    before = ticks.since_boot if last.since_boot is None else last.since_boot
    return last.at + max(ticks.since_boot - before, _NO_TIME)


def doubt(last: Beat | None, wall: datetime, ticks: Ticks) -> Doubt | None:
    """Return what speaks against the clock at a start; None if nothing does.

    Within a boot a restart asks no more whether the clock is synchronised, only whether it was put back. The
    very first start does not ask either: whoever sets a gateway up sees its clock, and there is no promise
    yet that it could break.
    """
    if last is None:
        return Doubt(_NEVER_SET, wall) if wall < BUILT_AFTER else None
    is_same_boot = last.boot == ticks.boot
    if wall < _floor(last, ticks) - A_MOMENT:
        return Doubt(_BEHIND, wall)
    if ticks.is_synchronised is False and not (is_same_boot and last.is_sure):
        return Doubt(_UNSYNCHRONISED, wall)
    return None


def _floor(last: Beat | None, ticks: Ticks) -> datetime:
    """The earliest moment that it can be."""
    if last is None:
        return BUILT_AFTER
    return counted_on(last, ticks) if last.boot == ticks.boot else last.at


_NEVER_SET = "was never set"
_BEHIND = "is behind the last sign of life"
_UNSYNCHRONISED = "is not synchronised"


def beginning(last: Beat | None, wall: datetime, ticks: Ticks) -> Beginning | None:
    """Return what time it is, None while that is to be waited for.

    Once PATIENCE since the boot is over the clock is believed as it is: a building that nobody watches is the
    greater harm. A clock that cannot be right is not believed even then: time is counted on from the last
    sign of life. That is late by as long as the machine was down, and never early: nothing is overdue that is
    not, and no moment comes twice. Within a boot nothing is waited for: it is known how long it has lasted.
    """
    found, floor = doubt(last, wall, ticks), _floor(last, ticks)
    if found is None:
        return Beginning(max(wall, floor))
    is_same_boot = last is not None and last.boot == ticks.boot
    if not is_same_boot and ticks.since_boot < PATIENCE:
        return None
    return Beginning(max(wall, floor) if wall >= floor - A_MOMENT else counted_on(last, ticks), found)


class Step(NamedTuple):
    """The clock was put from `before` to `after`."""

    before: datetime
    after: datetime

    @property
    def by(self) -> timedelta:
        """How far; negative is back."""
        return self.after - self.before


class Time(NamedTuple):
    """What time it is, and what the machine said then: its clock and the seconds since boot."""

    now: datetime
    wall: datetime
    since_boot: timedelta

    @property
    def is_behind(self) -> bool:
        """Whether the clock is still to catch up with time that was lived through."""
        return self.wall < self.now - A_MOMENT


def go_on(time: Time, wall: datetime, ticks: Ticks) -> Time:
    """Return what time it is, given what it was; it never goes back.

    While the clock is behind, time goes a little slower, if it is one that may be right.
    """
    passed = max(ticks.since_boot - time.since_boot, _NO_TIME)
    by_itself = time.now + passed
    if ticks.is_synchronised is not False and by_itself - _A_DAY < wall < by_itself:
        by_itself -= min(passed * _SLOWER, by_itself - wall)
    return Time(max(wall, by_itself), wall, ticks.since_boot)


def stepped(time: Time, wall: datetime, ticks: Ticks) -> Step | None:
    """Return how the clock was put since it was last looked at; None if it went on as clocks do."""
    ought = time.wall + (ticks.since_boot - time.since_boot)
    return Step(ought, wall) if abs(wall - ought) > A_MOMENT else None
