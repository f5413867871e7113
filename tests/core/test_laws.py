"""The laws of the design, held against stories nobody thought of.

Laws 2, 8, 9 and 10 are about a store, a broker and followers; they are kept where these are.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from safetyd.core import engine, room
from safetyd.core.model import Condition, Observation, Place, Verdict
from safetyd.core.rules import RuleBook, Rules
from safetyd.core.ticket import Due, Status, Ticket, Tier
from safetyd.core.units import JUST_AFTER
from safetyd.core.world import Facts, World
from tests.core.scene import LAB, MINUTE, ROOM, Scene, clock, rules, said, strictly
from tests.core.stories import (
    BEGIN,
    Event,
    Values,
    airs,
    brief,
    days,
    gentle_mornings,
    heard,
    lived,
    moments,
    mornings_of,
    worthless,
)
from tests.examples import examples

AIR = (Condition.COLD, Condition.HEAT)
laws = settings(derandomize=True, max_examples=examples(60), database=None)
more = settings(laws, max_examples=examples(250))
Story = list[tuple[Values, timedelta, str]]


def decided(scene: Scene) -> dict[str, Any]:
    """Return all that was decided: every ticket with its history, every episode, how every room stands."""
    return {
        "tickets": {id: replace(ticket, told_until=BEGIN) for id, ticket in scene.world.tickets.items()},
        "history": {id: [row for row in scene.rows() if row.ticket == id] for id in scene.world.tickets},
        "episodes": scene.world.episodes,
        "rooms": scene.world.rooms,
    }


def news(scene: Scene) -> set[tuple[str, str]]:
    """Return what was told of each ticket that may share a message, however it was bundled."""
    found: set[tuple[str, str]] = set()
    for notice in scene.notices("opened", "recurred", "ended", "digest"):
        found |= set(notice.about.items()) if notice.tickets else {(str(notice.ticket), notice.reason.value)}
    return found


# Law 1: tick frequency never changes an outcome


@more
@given(days(), st.lists(st.integers(0, 20 * 24 * 60), max_size=30))
def test_1_more_ticks_change_nothing_at_all(events: list[Event], ticks: list[int]) -> None:
    def often(world: World, facts: Facts, now: datetime) -> None:
        for at in sorted(BEGIN + tick * MINUTE for tick in ticks):
            if at < now and at >= scene.now:
                strictly(world, facts, at)
                engine.elapse(world, facts, at)
        strictly(world, facts, now)

    scene = Scene(pass_time=often)
    for _ in moments(events, scene):
        pass
    scene.until(scene.now + timedelta(days=10))
    steady = lived(events)
    assert decided(scene) == decided(steady)
    assert scene.world.changes == steady.world.changes


def seldom(world: World, facts: Facts, now: datetime) -> None:
    """Let all the time pass at once, as a daemon does that was busy or asleep."""
    engine.elapse(world, facts, now - JUST_AFTER)


@more
@given(days())
def test_1_fewer_ticks_decide_the_same(events: list[Event]) -> None:
    assert decided(lived(events, pass_time=seldom)) == decided(lived(events))


@laws
@given(days())
def test_1_fewer_ticks_leave_no_news_untold(events: list[Event]) -> None:
    assert news(lived(events, pass_time=seldom)) == news(lived(events))


# Law 3: only known time counts


@laws
@given(days(people=False), st.integers(0, 30 * 24 * 60))
def test_3_silence_begins_no_episode_and_ends_none_that_no_reading_vouches_for(
    events: list[Event], minutes: int
) -> None:
    scene = Scene()
    for _ in moments(events, scene):
        pass
    sources = [source for standing in scene.world.rooms.values() for source in standing.sources.values()]
    known_until = max((value.until for source in sources for value in source if value), default=BEGIN)
    before = {condition: scene.spans(condition) for condition in AIR}
    scene.until(scene.now + minutes * MINUTE)
    for condition in AIR:
        after = scene.spans(condition)
        assert [began for began, _ in after] == [began for began, _ in before[condition]]
        for _, end in set(after) - set(before[condition]):
            assert end is not None
            assert end + 30 * MINUTE <= known_until


@laws
@given(airs, st.sampled_from([None, 1, 6, 20]), st.integers(1, 10**9))
def test_3_a_reading_vouches_no_longer_than_it_counts(air: Values, interval: int | None, later: int) -> None:
    every = None if interval is None else interval * MINUTE
    counts_for = 15 * MINUTE if every is None else max(15 * MINUTE, 3 * every)
    scene = Scene().says(BEGIN, interval=every, **air).until(BEGIN + counts_for + later * JUST_AFTER)
    for condition in AIR:
        expected = Verdict.BREACH if scene.spans(condition) else Verdict.UNKNOWN
        assert scene.verdict(condition) is expected


@laws
@given(days(people=False))
def test_3_no_more_of_an_episode_was_seen_than_there_was_of_it(events: list[Event]) -> None:
    scene = lived(events)
    for episode in scene.world.episodes.values():
        ended_at = episode.ended_at or scene.now
        assert timedelta(0) <= episode.seen <= ended_at - episode.began_at
        assert episode.worst is None or episode.began_at <= episode.worst.at <= ended_at


# Law 4: unknown is not ok


def say_next(scene: Scene, word: Observation) -> None:
    scene.hears(word._replace(observed_at=scene.now, received_at=scene.now))


@laws
@given(mornings_of, st.lists(worthless("abc"), max_size=10))
def test_4_what_proves_nothing_ends_no_episode(story: Story, words: list[Observation]) -> None:
    scene = heard(story)
    for word in words:
        before = dict(scene.until(scene.now + 5 * MINUTE).world.episodes)
        say_next(scene, word)
        assert scene.world.episodes == before


@laws
@given(st.lists(st.tuples(airs, brief, st.just("a")), min_size=1), st.lists(worthless("ab"), max_size=10))
def test_4_what_proves_nothing_makes_nothing_ok(story: Story, words: list[Observation]) -> None:
    scene = heard(story)
    for word in words:
        scene.until(scene.now + 5 * MINUTE)
        before = {condition: scene.verdict(condition) for condition in AIR}
        say_next(scene, word)
        for condition in AIR:
            assert before[condition] is Verdict.OK or scene.verdict(condition) is not Verdict.OK


@laws
@given(st.sampled_from([50.0, 95.0]), st.lists(st.sampled_from([20.0, 72.0, 120.0]), min_size=1, max_size=30))
def test_4_readings_that_jump_about_end_no_episode(begins_with: float, jumps: list[float]) -> None:
    scene = Scene().says(BEGIN, temperature_f=begins_with, humidity=60.0)
    before = {condition: scene.spans(condition) for condition in AIR}
    wild = [value for value, last in zip(jumps, [None, *jumps], strict=False) if value != last]
    for i, value in enumerate(wild, 1):  # never two running that bear each other out
        scene.says(BEGIN + i * timedelta(seconds=30), temperature_f=value)
    scene.until(scene.now + timedelta(days=1))
    assert {condition: scene.spans(condition) for condition in AIR} == before


@laws
@given(days(people=False))
def test_4_whoever_is_ok_was_heard_of_late(events: list[Event]) -> None:
    newest: dict[Place, datetime] = {}
    for event, scene in zip(events, moments(events, Scene()), strict=True):
        assert isinstance(event, Observation)
        if not event.retained:
            place = event.sensor.place
            newest[place] = max(event.observed_at, newest.get(place, event.observed_at))
        for place in (ROOM, LAB):
            if scene.verdict(Condition.COLD, place) is Verdict.OK:
                assert scene.now - newest[place] <= 15 * MINUTE


# Laws 5, 6 and 7: what time, readings and people may not do to a ticket


def promises(ticket: Ticket) -> set[tuple[Tier, datetime | None]]:
    return {
        (deadline.tier, deadline.due_at) for deadline in ticket.deadlines if deadline.state is not Due.UNSET
    }


@more
@given(days())
def test_5_a_promised_date_never_moves_and_a_miss_stays_on_record(events: list[Event]) -> None:
    before: dict[str, Ticket] = {}
    for scene in moments(events, Scene()):
        for id, old in before.items():
            ticket = scene.world.tickets[id]
            assert promises(old) <= promises(ticket)
            assert (ticket.began_at, ticket.opened_at) == (old.began_at, old.opened_at)
            for was, deadline in zip(old.deadlines, ticket.deadlines, strict=True):
                assert was.extended_to is None or deadline.extended_to is not None
                assert was.state not in (Due.MET, Due.MET_LATE) or deadline == was
                assert was.state is not Due.MISSED or deadline.state in (Due.MISSED, Due.MET_LATE)
        before = dict(scene.world.tickets)


@laws
@given(days(people=False))
def test_5_and_6_readings_and_time_extend_meet_and_close_nothing(events: list[Event]) -> None:
    for ticket in lived(events).world.tickets.values():
        assert ticket.status is Status.OPEN
        for deadline in ticket.deadlines:
            assert deadline.state in (Due.UNSET, Due.PENDING, Due.MISSED)
            assert (deadline.extended_to, deadline.met_at, deadline.by) == (None, None, None)


@more
@given(days())
def test_7_one_ticket_at_most_is_open_and_one_episode_at_most_runs_per_place_and_condition(
    events: list[Event],
) -> None:
    for scene in moments(events, Scene()):
        tickets, episodes = scene.world.tickets.values(), scene.world.episodes.items()
        standing = [(ticket.subject, ticket.id) for ticket in tickets if ticket.status is not Status.CLOSED]
        assert len(standing) == len(scene.world.open)
        assert dict(standing) == scene.world.open
        running = [((one.place, one.condition), n) for n, one in episodes if one.ended_at is None]
        assert len(running) == len(scene.world.running)
        assert dict(running) == scene.world.running


@more
@given(days())
def test_7_the_episodes_of_one_place_and_condition_do_not_overlap(events: list[Event]) -> None:
    scene = lived(events)
    for place, condition in {(one.place, one.condition) for one in scene.world.episodes.values()}:
        found = [e for e in scene.world.episodes.values() if (e.place, e.condition) == (place, condition)]
        found.sort(key=lambda one: one.began_at)
        for one, after in pairwise(found):
            assert one.ended_at is not None
            assert one.ended_at <= after.began_at


# Law 11: a rule change does not rewrite the past


@laws
@given(days(people=False), st.sampled_from([55.0, 59.0, 65.0]))
def test_11_a_rule_of_a_later_day_changes_nothing_before_it(events: list[Event], below_f: float) -> None:
    later = rules(effective=clock("2028-01-01 00:00").date(), cold={"below_f": below_f, "end_f": below_f + 1})
    assert decided(lived(events, Rules(), later)) == decided(lived(events, Rules()))


# Law 12: three clocks


@more
@given(days())
def test_12_nothing_is_told_before_it_was_known(events: list[Event]) -> None:
    scene = lived(events)
    assert [(known, notice) for known, notice in scene.learned if notice.at < known] == []


@more
@given(days())
def test_12_history_is_written_in_order_of_time(events: list[Event]) -> None:
    scene = lived(events)
    for ticket in scene.world.tickets:
        written = [row.at for row in scene.rows() if row.ticket == ticket]
        assert written == sorted(written)


# Readings in whatever order


def arrived(words: Sequence[Observation]) -> Scene:
    """Return the scene once these words have come in this order, all of them when all was over."""
    over = max(word.observed_at for word in words)

    def not_at_all(world: World, facts: Facts, now: datetime) -> None:
        """No time passes while they come in."""

    scene = Scene(pass_time=not_at_all)
    for i, word in enumerate(words):
        scene.hears(word._replace(received_at=over + i * JUST_AFTER))
    return scene


@more
@given(gentle_mornings(), st.randoms(use_true_random=False))
def test_readings_lead_to_the_same_episodes_in_whatever_order_they_come(
    words: list[Observation], order: Any
) -> None:
    in_order = arrived(words)
    order.shuffle(words)
    in_disorder = arrived(words)
    assert in_disorder.world.rooms[ROOM].cold == in_order.world.rooms[ROOM].cold
    assert in_disorder.spans() == in_order.spans()
    ended = [[(e.worst, e.seen) for e in scene.episodes() if e.ended_at] for scene in (in_order, in_disorder)]
    assert ended[0] == ended[1]


@laws
@given(gentle_mornings(), st.randoms(use_true_random=False))
def test_however_late_they_come_a_breach_is_one_ticket(words: list[Observation], order: Any) -> None:
    tickets = len(arrived(words).world.tickets)
    order.shuffle(words)
    assert len(arrived(words).world.tickets) == tickets <= 1


@more
@given(mornings_of, st.sampled_from([1, 2, 3]))
def test_reading_again_comes_to_what_observing_came_to(story: Story, confirm: int) -> None:
    by = rules(cold={"confirm": confirm}, heat={"confirm": confirm})
    standing, at, words, findings = room.EMPTY, BEGIN, [], []
    for air, gap, sensor in story:
        words.append(said(at, sensor=sensor, **air))
        seen = room.observe(standing, words[-1], RuleBook((by,)))
        if seen.is_late:  # a suspect was borne out after another sensor had spoken
            standing, found = room.read_again(room.EMPTY, words, RuleBook((by,)))
            findings = list(found)
        else:
            standing, findings = seen.room, [*findings, *seen.findings]
        at += gap
    assert room.read_again(room.EMPTY, words, RuleBook((by,))) == (standing, tuple(findings))
