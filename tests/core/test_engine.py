"""Where one part meets another: what has come late, what falls due meanwhile, what else was said."""

from collections.abc import Callable
from datetime import datetime, time, timedelta

import pytest

from safetyd.core import engine
from safetyd.core.calendar import Calendar, Hours
from safetyd.core.model import Condition, Verdict
from safetyd.core.plan import Reason
from safetyd.core.ticket import Status, Tier, Verb
from safetyd.core.units import JUST_AFTER
from safetyd.core.world import Facts, World
from tests.core.scene import BUILDING, MINUTE, Scene, clock, rules, strictly
from tests.core.test_calendar import ZONE

EIGHT = clock("08:00")
DAY = timedelta(hours=24)


def at_once(world: World, facts: Facts, now: datetime) -> None:
    """Let all the time pass in one step, as a daemon does that was busy or asleep."""
    engine.elapse(world, facts, now - JUST_AFTER)


def minutes(spans: list[tuple[datetime, datetime | None]]) -> list[tuple[float, float | None]]:
    """Return spans in minutes after eight."""
    return [
        ((begin - EIGHT) / MINUTE, None if end is None else (end - EIGHT) / MINUTE) for begin, end in spans
    ]


def morning(text: str, every: int = 5) -> Scene:
    """Return a scene in which a room said, from eight o'clock on: ! (57 °F), - (60.5), . (62), or nothing."""
    values = {"!": 57.0, "-": 60.5, ".": 62.0}
    scene = Scene()
    for i, sign in enumerate(text):
        if sign in values:
            scene.says(EIGHT + i * every * MINUTE, temperature_f=values[sign])
    return scene


def late(scene: Scene, minute: float, temperature_f: float) -> Scene:
    """Let the room say now what was true `minute` minutes after eight."""
    return scene.says(EIGHT + minute * MINUTE, temperature_f=temperature_f, received_at=scene.now + MINUTE)


# Late readings of a room


def test_a_late_reading_moves_the_beginning_of_the_episode_and_no_promise() -> None:
    scene = morning("  ..!")
    promised = scene.the_ticket().deadlines
    late(scene, 5, 58.0)
    assert minutes(scene.spans()) == [(5, None)]
    assert (scene.the_ticket().began_at, scene.the_ticket().deadlines) == (EIGHT + 20 * MINUTE, promised)
    assert [row.event for row in scene.rows()] == ["opened", "began_earlier"]


def test_a_late_reading_shows_that_an_episode_had_ended_and_another_begun() -> None:
    scene = morning("!..  .!")
    late(scene, 12, 62.0)
    assert minutes(scene.spans()) == [(0, None)]
    late(late(scene, 18, 62.0), 35.5, 62.0)  # back from 8:05 to 8:35
    assert minutes(scene.spans()) == [(0, None)]
    scene = morning("!..   . !")  # at 8:25 nobody knew of the time between
    late(scene, 20, 62.0)
    assert minutes(scene.spans()) == [(0, 5), (40, None)]
    assert [row.event for row in scene.rows()] == ["opened", "ended", "recurred"]


def test_a_late_reading_shows_that_an_episode_had_not_ended() -> None:
    scene = morning("!.......")
    assert minutes(scene.spans()) == [(0, 5)]
    late(scene, 12, 57.0)
    assert minutes(scene.spans()) == [(0, None)]
    assert scene.verdict(Condition.COLD) is Verdict.BREACH
    assert [row.event for row in scene.rows()] == ["opened", "ended", "goes_on"]


@pytest.mark.parametrize("then", ["", "......."])
def test_two_episodes_that_a_late_reading_shows_to_be_one_are_one(then: str) -> None:
    scene = morning("!.......!" + then)
    late(scene, 12, 57.0)
    assert minutes(scene.spans()) == [(0, 45 if then else None)]
    assert len(scene.world.running) == (0 if then else 1)
    assert [ticket.status for ticket in scene.world.tickets.values()] == [Status.OPEN]


def test_an_episode_that_was_all_in_the_past_leaves_its_ticket_open() -> None:
    scene = Scene().says(clock("10:00"), temperature_f=70.0)
    for i in range(8, 0, -1):
        scene.says(EIGHT + i * 5 * MINUTE, temperature_f=63.0, received_at=clock("10:01"))
    scene.says(EIGHT, temperature_f=59.9, received_at=clock("10:02"))
    assert minutes(scene.spans()) == [(0, 5)]
    ticket = scene.the_ticket()
    assert (ticket.status, ticket.began_at, ticket.opened_at) == (Status.OPEN, EIGHT, clock("10:02"))


def test_on_hold_a_night_that_was_over_before_work_began_opens_nothing_however_late_it_is_learned() -> None:
    calendar = Calendar(ZONE, work_hours=Hours(time(7, 45), time(16, 30)))
    scene = Scene(rules(outside_work_hours="hold"), calendar=calendar)
    noon = clock("20:00")  # at the school
    scene.says(noon, temperature_f=70.0)
    for i in range(8, 0, -1):
        scene.says(clock("10:00", minutes=5 * i), temperature_f=63.0, received_at=noon + MINUTE)
    scene.says(clock("10:00"), temperature_f=59.9, received_at=noon + 2 * MINUTE)
    assert scene.spans() == [(clock("10:00"), clock("10:05"))]
    assert scene.world.tickets == {}


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize(
    ("began", "counts_from"),
    [
        ("2026-12-01 00:29", "2026-12-01 00:29"),  # a minute before work ended at the school
        ("2026-12-01 00:31", None),  # after it: it waits for the next work hours as before
    ],
)
def test_what_is_held_opens_once_it_turns_out_to_have_begun_in_work_hours(
    began: str, counts_from: str | None, order: int
) -> None:
    calendar = Calendar(ZONE, work_hours=Hours(time(7, 45), time(16, 30)))
    scene = Scene(rules(outside_work_hours="hold"), calendar=calendar)
    night = clock("06:00")
    scene.says(clock("2026-11-30 23:00"), temperature_f=68.0).says(night, temperature_f=50.0)
    assert len(scene.world.held) == 1 and scene.world.tickets == {}
    missed = [clock(began) + i * 10 * MINUTE for i in range(33)]
    for number, at in enumerate(missed[::order]):
        scene.says(at, temperature_f=50.0, received_at=night + MINUTE + timedelta(seconds=number))
    assert scene.spans() == [(clock(began), None)]
    found = [each.began_at for each in scene.world.tickets.values()]
    assert found == ([] if counts_from is None else [clock(counts_from)])
    assert len(scene.world.held) == (1 if counts_from is None else 0)


def test_a_reading_between_one_and_a_suspect_is_judged_in_its_turn() -> None:
    scene = Scene().says(EIGHT, temperature_f=70.0).says(EIGHT + 2 * MINUTE, temperature_f=50.0)
    late(scene, 1, 70.0)
    scene.says(EIGHT + 4 * MINUTE, temperature_f=50.0)
    assert minutes(scene.spans()) == [(2, None)]


# Late words of a witness


def witness(scene: Scene, minute: float, mains: bool, received: float | None = None) -> Scene:
    at = EIGHT + minute * MINUTE
    received_at = at if received is None else EIGHT + received * MINUTE
    return scene.says(at, place=BUILDING, sensor="ups", mains=mains, received_at=received_at)


def test_an_outage_learned_late_opens_when_it_is_learned() -> None:
    scene = witness(Scene(), 0, False, received=180).until(EIGHT + 181 * MINUTE)
    assert (scene.the_ticket().began_at, scene.the_ticket().opened_at) == (EIGHT, EIGHT + 180 * MINUTE)


def test_an_outage_that_began_earlier_than_was_known_has_its_episode_moved_and_no_promise() -> None:
    scene = witness(Scene(), 30, False).until(EIGHT + 200 * MINUTE)
    promised = scene.the_ticket().deadlines
    witness(scene, 0, False, received=201)
    assert minutes(scene.spans(Condition.OUTAGE)) == [(0, None)]
    assert (scene.the_ticket().began_at, scene.the_ticket().deadlines) == (EIGHT + 30 * MINUTE, promised)
    assert [row.event for row in scene.rows()] == ["opened", "began_earlier"]


def test_an_outage_that_a_late_word_shows_not_to_be_over_goes_on_and_ends_when_it_does() -> None:
    scene = witness(Scene(), 0, False).until(EIGHT + 150 * MINUTE)
    for minute in (160, 170, 180):
        witness(scene, minute, True)
    assert minutes(scene.spans(Condition.OUTAGE)) == [(0, 160)]
    witness(scene, 165, False, received=181)
    for minute in (185, 190, 195):
        witness(scene, minute, True)
    assert minutes(scene.spans(Condition.OUTAGE)) == [(0, 170)]


def test_a_room_in_breach_and_one_dead_witness_make_no_second_outage_of_the_same_dark() -> None:
    scene = witness(Scene().says(EIGHT, temperature_f=57.0), 7, False)
    scene.says(EIGHT + 13 * MINUTE, place=BUILDING, sensor="b", mains=True)
    scene.until(EIGHT + 60 * MINUTE)  # b has fallen silent, the first witness never said `on`
    first, *later = scene.spans(Condition.OUTAGE)
    assert first == (EIGHT + 7 * MINUTE, EIGHT + 13 * MINUTE)
    assert all(began >= EIGHT + 13 * MINUTE for began, _ in later)


def test_late_words_never_make_two_outages_run_at_once() -> None:
    scene = witness(Scene().says(EIGHT, temperature_f=57.0), 6, False)
    for minute in (7, 12):
        at, later = EIGHT + minute * MINUTE, EIGHT + (minute + 20) * MINUTE
        scene.says(at, place=BUILDING, sensor="b", mains=True, received_at=later)
    running = [span for span in scene.spans(Condition.OUTAGE) if span[1] is None]
    assert len(running) <= 1


def test_an_outage_that_was_all_in_the_past_is_an_episode_with_an_end() -> None:
    scene = witness(Scene(), 200, True)
    for minute, mains in ((180, True), (170, True), (0, False)):
        witness(scene, minute, mains, received=201)
    assert minutes(scene.spans(Condition.OUTAGE)) == [(0, 170)]
    assert scene.the_ticket().opened_at == EIGHT + 201 * MINUTE


# Witnesses and what else they say


def test_a_battery_that_cannot_be_does_not_take_back_the_word_on_the_mains() -> None:
    scene = Scene().says(EIGHT, place=BUILDING, sensor="ups", mains=False, battery=130.0)
    assert scene.until(EIGHT + 121 * MINUTE).the_ticket().condition is Condition.OUTAGE


def test_a_voltage_that_cannot_be_is_no_word() -> None:
    scene = Scene().says(EIGHT, place=BUILDING, sensor="ups", voltage=-1.0)
    scene.says(EIGHT + MINUTE, place=BUILDING, sensor="ups", voltage=-1.0)
    assert scene.until(EIGHT + 121 * MINUTE).world.tickets == {}


# Reminders and alarms


def told(scene: Scene, tier: Tier, *reasons: Reason) -> list[float]:
    """Return how many hours after eight the reminders and alarms of a tier were told."""
    return [
        (one.at - EIGHT) / timedelta(hours=1) for one in scene.notices(*reasons) if one.about["tier"] == tier
    ]


def test_after_an_extended_deadline_too_there_is_an_alarm_each_day() -> None:
    scene = morning("!").does(EIGHT + MINUTE, Verb.EXTEND, tier=Tier.MITIGATION, until=EIGHT + 2 * DAY)
    assert told(scene.until(EIGHT + 4 * DAY), Tier.MITIGATION, Reason.OVERDUE) == [48, 72, 96]


def test_a_reopened_ticket_does_not_alarm_for_the_days_when_it_was_closed() -> None:
    scene = (
        morning("!")
        .does(EIGHT + MINUTE, Verb.CLOSE, note="moved out")
        .does(EIGHT + 5 * DAY + MINUTE, Verb.REOPEN)
    )
    alarms = told(scene.until(EIGHT + 7 * DAY), Tier.MITIGATION, Reason.OVERDUE)
    assert min(alarms) >= 120
    assert alarms[-2:] == [144, 168]


def test_a_deadline_that_had_passed_before_anybody_knew_is_missed_and_overdue_at_once() -> None:
    scene = Scene().says(EIGHT, temperature_f=57.0, received_at=EIGHT + 30 * timedelta(hours=1))
    assert [row.event for row in scene.rows()] == ["opened", "missed"]
    assert told(scene, Tier.MITIGATION, Reason.OVERDUE, Reason.REMINDER) == [30]
    assert told(scene.until(EIGHT + 3 * DAY), Tier.MITIGATION, Reason.OVERDUE, Reason.REMINDER) == [
        30,
        48,
        72,
    ]


def test_what_a_backlog_brings_about_is_put_on_record_and_told_when_it_is_learned() -> None:
    scene = Scene()
    for minute, value in ((0, 57.0), (5, 62.0), (20, 62.0)):
        received_at = EIGHT + (60 + minute) * MINUTE
        scene.says(EIGHT + minute * MINUTE, temperature_f=value, received_at=received_at)
    scene.until(EIGHT + 90 * MINUTE)
    assert minutes(scene.spans()) == [(0, 5)]
    assert min(row.at for row in scene.rows("ended")) >= EIGHT + 80 * MINUTE
    assert [notice.at for notice in scene.notices() if notice.at < EIGHT + 60 * MINUTE] == []


@pytest.mark.parametrize("pass_time", [strictly, at_once])
def test_history_is_in_order_of_time_however_long_nobody_looked(
    pass_time: Callable[[World, Facts, datetime], None],
) -> None:
    scene = Scene(pass_time=pass_time).says(EIGHT, temperature_f=57.0)
    scene.says(clock("19:30"), temperature_f=62.0).says(clock("19:45"), temperature_f=62.0)
    scene.until(EIGHT + 3 * DAY)  # at 20:00 a reminder fell due, a grain later the episode was over
    assert [row.event for row in scene.rows()] == ["opened", "ended", "missed"]


# One ticket after another


def peace(scene: Scene, begin: datetime) -> Scene:
    return scene.keeps_saying(begin, begin + 60 * MINUTE, temperature_f=63.0)


def test_only_the_next_ticket_follows_one_that_was_closed_over_a_breach() -> None:
    scene = morning("!").does(EIGHT + MINUTE, Verb.CLOSE, note="moved out")
    peace(scene, clock("08:05")).says(clock("09:10"), temperature_f=58.0)
    peace(scene, clock("09:15")).does(clock("10:20"), Verb.CLOSE, "maple-2026-0002")
    scene.does(clock("10:21"), Verb.NOTE, note="looked at again").says(clock("10:25"), temperature_f=58.0)
    follows = [ticket.follows for ticket in scene.world.tickets.values()]
    assert follows == [None, "maple-2026-0001", None]


# The second limb


@pytest.mark.parametrize("room_first", [True, False])
def test_a_room_in_breach_in_the_dark_opens_the_outage_at_once(room_first: bool) -> None:
    scene = Scene()
    if room_first:
        witness(scene.says(EIGHT, temperature_f=57.0), 10, False)
    else:
        witness(scene, 0, False).says(EIGHT + 10 * MINUTE, temperature_f=57.0)
    (outage,) = [ticket for ticket in scene.world.tickets.values() if ticket.condition is Condition.OUTAGE]
    assert outage.opened_at == EIGHT + 10 * MINUTE
    assert len(scene.rows("second_limb")) == 1
    scene.until(EIGHT + 200 * MINUTE)
    assert len(scene.episodes(Condition.OUTAGE)) == 1
