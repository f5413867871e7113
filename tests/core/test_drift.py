"""A sensor that reads unlike the rest of its building, week after week, wants a person with an instrument."""

from datetime import timedelta

import pytest

from safetyd.core import drift, engine
from safetyd.core.health import Health, Residual
from safetyd.core.model import Condition, Place, TroubleKind, Verdict
from safetyd.core.rules import QualityRule
from safetyd.core.world import Facts, World
from tests.core.scene import MINUTE, Scene, clock

QUALITY = QualityRule()
MONDAY = clock("2026-11-02 00:30")
HOUR, DAY, WEEK = timedelta(hours=1), timedelta(days=1), timedelta(days=7)
ROOMS = [Place("maple", room) for room in ("1", "2", "3", "4", "5")]
ODD = f"{ROOMS[0]}/a"


def week_of(off_f: float, hours: int = 168, old: Residual | None = None) -> Residual:
    since = MONDAY if old is None else old.since
    last_f, accepted_f = (None, 0.0) if old is None else (old.last_f, old.accepted_f)
    return Residual(since, hours, hours * off_f, last_f, accepted_f)


def sign_after(week: Residual) -> bool | None:
    """Return whether the week shows drift (True), agreement (False), or neither."""
    _, sign = drift.take(week, 0.0, week.since + WEEK, QUALITY)
    return None if sign is None else sign.is_on


@pytest.mark.parametrize(
    ("off_f", "shows"),
    [(3.0, None), (3.01, True), (-3.0, None), (-3.01, True), (2.0, False), (2.01, None), (0.0, False)],
)
def test_a_week_more_than_three_degrees_off_is_drift_and_one_within_two_is_none(
    off_f: float, shows: bool | None
) -> None:
    assert sign_after(week_of(off_f)) is shows


def test_a_week_is_judged_when_it_is_over_and_not_before() -> None:
    almost, none_yet = drift.take(week_of(9.0), 9.0, MONDAY + WEEK - HOUR, QUALITY)
    assert none_yet is None and almost.hours == 169
    begun, sign = drift.take(week_of(9.0), 4.0, MONDAY + WEEK, QUALITY)
    assert sign is not None and sign.note.startswith("a week 9.0 °F warmer")
    assert begun == Residual(MONDAY + WEEK, 1, 4.0, 9.0)


@pytest.mark.parametrize(("hours", "is_judged"), [(83, False), (84, True)])
def test_less_than_half_a_week_says_nothing(hours: int, is_judged: bool) -> None:
    assert sign_after(week_of(9.0, hours)) is (True if is_judged else None)


def test_where_a_person_agreed_with_it_the_room_may_differ_and_the_sensor_must_not_change() -> None:
    settled = drift.settle(Health(MONDAY, residual=week_of(0.0)._replace(last_f=5.0))).residual
    assert settled is not None and settled.accepted_f == 5.0
    assert sign_after(week_of(5.5, old=settled)) is False
    assert sign_after(week_of(8.01, old=settled)) is True
    assert sign_after(week_of(1.99, old=settled)) is True
    assert drift.settle(Health(MONDAY)) == Health(MONDAY), "nothing was known to be settled"


class Weeks(Scene):
    """A building whose rooms speak every quarter of an hour; the first room is off by so many degrees."""

    def live(self, last: timedelta, off_f: float, first: timedelta = timedelta(0)) -> "Weeks":
        at = MONDAY + first
        while at < MONDAY + last:
            wave = (at.hour % 12) / 4  # the building's own day
            for number, room in enumerate(ROOMS):
                value = 68 + wave + (off_f if number == 0 else 0.1 * number)
                self.says(at, place=room, temperature_f=value, humidity=40)
            at += 15 * MINUTE
        return self


def standing(scene: Scene) -> list[str]:
    return scene.troubles(TroubleKind.DRIFT)


def test_a_sensor_over_a_radiator_is_found_after_a_week_and_its_verdict_does_not_change() -> None:
    scene = Weeks().live(WEEK, 4.0)
    assert standing(scene) == []
    scene.live(WEEK + 2 * HOUR, 4.0, WEEK)
    assert standing(scene) == [ODD]
    assert scene.verdict(Condition.COLD, ROOMS[0]) is Verdict.OK


def test_it_is_over_once_the_sensor_reads_like_the_rest_for_a_week() -> None:
    scene = Weeks().live(WEEK + 2 * HOUR, 4.0)
    scene.live(2 * WEEK + 2 * HOUR, 0.0, WEEK + 2 * HOUR)
    assert standing(scene) == []


def test_a_hand_held_instrument_that_agrees_settles_it_for_good() -> None:
    scene = Weeks().live(WEEK + 2 * HOUR, 4.0)
    scene.says(
        MONDAY + WEEK + 2 * HOUR, place=ROOMS[0], sensor="hand:sling",
        temperature_f=68 + 2 / 4 + 4.0, humidity=40, by_hand=True,
    )  # fmt: skip
    assert standing(scene) == []
    scene.live(2 * WEEK + 4 * HOUR, 4.0, WEEK + 2 * HOUR + 15 * MINUTE)
    assert standing(scene) == [], "its room is warm, and the sensor tells the truth"


def test_a_hand_held_instrument_that_disagrees_leaves_it_standing() -> None:
    scene = Weeks().live(WEEK + 2 * HOUR, 4.0)
    scene.says(
        MONDAY + WEEK + 2 * HOUR, place=ROOMS[0], sensor="hand:sling",
        temperature_f=68, humidity=40, by_hand=True,
    )  # fmt: skip
    assert standing(scene) == [ODD]


def test_a_room_in_breach_is_not_called_odd() -> None:
    scene = Weeks().live(WEEK + 2 * HOUR, -12.0)
    assert scene.the_ticket().place == ROOMS[0]
    assert standing(scene) == []


def test_of_three_sensors_nobody_can_say_which_is_the_odd_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "ROOMS", ROOMS[:3])
    assert standing(Weeks().live(WEEK + 2 * HOUR, 6.0)) == []


def rarely(world: World, facts: Facts, now: object) -> None:
    """Let all that is due happen at one late moment, just before the next thing."""
    due = world.next_due()
    if due is not None and due < now:  # type: ignore[operator]
        engine.elapse(world, facts, now - timedelta(microseconds=1))  # type: ignore[operator]


def test_how_often_time_is_passed_changes_nothing() -> None:
    often, seldom = Weeks().live(2 * DAY, 4.0), Weeks(pass_time=rarely).live(2 * DAY, 4.0)
    assert often.world.health == seldom.world.health
    assert often.world.health[ODD].residual is not None
