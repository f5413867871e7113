"""A shelf holds back messages and nothing else, is over at its end to the microsecond, forgets nothing."""

import ast
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from safetyd.core import engine, telling
from safetyd.core.errors import SafetydError, TransitionError
from safetyd.core.model import EVERYWHERE, Place, TroubleKind
from safetyd.core.plan import Reason
from safetyd.core.shelf import LONGEST, Shelf, covering, is_within, may_hide
from safetyd.core.trouble import Sign
from safetyd.core.units import JUST_AFTER
from safetyd.core.world import Facts, Notice, World
from tests.core.scene import BUILDING, LAB, MINUTE, ROOM, Scene, clock, strictly
from tests.core.stories import BEGIN, Deed, Event, days, moments
from tests.core.test_laws import decided, news, seldom
from tests.examples import examples

NINE, TEN, NOON = clock("09:00"), clock("10:00"), clock("12:00")
COLD = {"temperature_f": 57.0}
laws = settings(derandomize=True, max_examples=examples(100), database=None)


def shelf(until: datetime, place: Place = ROOM) -> Shelf:
    return Shelf(place, "F. Ray", "facilities", "new valve", NINE, until, NINE)


# What covers what, and until when


def test_it_holds_until_its_end_and_not_at_it() -> None:
    assert shelf(NOON).holds(NOON - JUST_AFTER)
    assert not shelf(NOON).holds(NOON)
    assert not replace(shelf(NOON), ended_at=TEN).holds(TEN)


def test_a_building_covers_its_rooms_and_a_room_neither_its_building_nor_another() -> None:
    whole, room = {BUILDING: shelf(NOON, BUILDING)}, {ROOM: shelf(NOON)}
    for place in (BUILDING, ROOM, LAB):
        assert covering(whole, place, TEN) == whole[BUILDING]
    assert covering(room, ROOM, TEN) == room[ROOM]
    for place in (BUILDING, LAB, Place("cedar", "12"), EVERYWHERE):
        assert covering(room, place, TEN) is None
    assert covering(whole, Place("maple-annex", None), TEN) is None
    assert is_within(ROOM, BUILDING) and not is_within(BUILDING, ROOM)


def test_of_two_the_one_that_lasts_is_named() -> None:
    both = {BUILDING: shelf(TEN, BUILDING), ROOM: shelf(NOON)}
    found = covering(both, ROOM, NINE)
    assert found is not None and found.place == ROOM
    assert covering(both, BUILDING, TEN) is None


@pytest.mark.parametrize("kind", TroubleKind)
def test_what_is_wrong_with_ourselves_is_never_held_back(kind: TroubleKind) -> None:
    ours = (TroubleKind.GAP, TroubleKind.UNDELIVERABLE, TroubleKind.CONFIGURATION)
    assert may_hide(kind, ROOM) is (kind not in ours)
    assert may_hide(kind, BUILDING) is (kind not in (*ours, TroubleKind.CLOCK))


def test_a_weeks_silence_may_be_asked_for_and_not_a_microsecond_more() -> None:
    Scene().shelves(NINE, NINE + LONGEST)
    with pytest.raises(SafetydError, match="which is 7 days"):
        Scene().shelves(NINE, NINE + LONGEST + JUST_AFTER)
    Scene().shelves(NINE, NINE + JUST_AFTER)
    with pytest.raises(SafetydError, match="expected later than"):
        Scene().shelves(NINE, NINE)


def test_what_is_refused_changes_nothing() -> None:
    scene = Scene().shelves(NINE, NOON)
    before = (
        replace(scene.world.changes, shelves=list(scene.world.changes.shelves)),
        dict(scene.world.shelves),
    )
    for refused in (lambda: scene.shelves(TEN, TEN), lambda: scene.unshelves(TEN, LAB)):
        with pytest.raises(SafetydError):
            refused()
    assert (scene.world.changes, scene.world.shelves) == before


# The last moment


def test_a_breach_in_its_last_microsecond_is_held_back_and_one_at_its_end_is_told() -> None:
    for at, is_sent in ((NOON - JUST_AFTER, False), (NOON, True)):
        scene = Scene().shelves(NINE, NOON).says(at, **COLD).until(NOON + MINUTE)
        (notice,) = scene.notices(Reason.OPENED)
        assert (notice.shelved is None) is is_sent
        (summary,) = scene.notices(Reason.UNSHELVED)
        assert (summary.at, summary.tickets) == (NOON, ("maple-2026-0001",))


def test_it_can_be_ended_in_its_last_microsecond_and_not_at_its_end() -> None:
    scene = Scene().shelves(NINE, NOON).unshelves(NOON - JUST_AFTER)
    assert [notice.at for notice in scene.notices(Reason.UNSHELVED)] == [NOON - JUST_AFTER]
    with pytest.raises(TransitionError, match="is not shelved"):
        Scene().shelves(NINE, NOON).unshelves(NOON)


def test_shelved_again_at_its_end_it_ends_first_and_then_begins_anew() -> None:
    scene = Scene().shelves(NINE, TEN).shelves(TEN, NOON)
    assert [notice.reason for notice in scene.notices()] == [Reason.SHELVED, Reason.UNSHELVED, Reason.SHELVED]
    assert [(each.since, each.ended_at) for each in scene.world.changes.shelves] == [
        (NINE, None),
        (NINE, TEN),
        (TEN, None),
    ]


def test_a_replaced_one_stays_on_record_and_the_silence_goes_back_to_its_beginning() -> None:
    scene = Scene().shelves(NINE, TEN).shelves(NINE + MINUTE, NOON, by="A. Lee").until(NOON)
    assert [(each.by, each.since, each.ended_at, each.ended_by) for each in scene.world.changes.shelves] == [
        ("F. Ray", NINE, None, ""),
        ("F. Ray", NINE, NINE + MINUTE, "A. Lee"),
        ("A. Lee", NINE, None, ""),
        ("A. Lee", NINE, NOON, "safetyd"),
    ]
    assert len(scene.notices(Reason.UNSHELVED)) == 1


def test_after_a_sleep_of_ours_nothing_that_came_after_its_end_is_held_back() -> None:
    scene = Scene(pass_time=seldom).says(NINE, **COLD).shelves(TEN, NOON)
    scene.until(clock("09:00", hours=30))
    told = {(n.reason, n.at): n.shelved is None for n in scene.notices(Reason.REMINDER, Reason.OVERDUE)}
    assert all(told.values()) and len(told) == 3
    (summary,) = scene.notices(Reason.UNSHELVED)
    assert summary.at == NOON


# What is never held back


def test_last_words_are_never_held_back() -> None:
    scene = Scene().shelves(NINE, NOON, BUILDING).says(TEN, place=BUILDING, sensor="ups", mains=False)
    before = len(scene.world.changes.notices)
    telling.last_words(scene.world, scene.facts, ["maple"], BUILDING, "ups", TEN)
    assert [notice.shelved for notice in scene.world.changes.notices[before:]] == [None]
    assert scene.notices(Reason.OUTAGE_BEGAN)[0].shelved is not None


def test_troubles_of_ours_and_of_a_shelved_building_part_ways() -> None:
    scene = Scene().shelves(NINE, NOON, BUILDING).until(TEN)
    for sensor, place, kind in (
        ("maple/12/a", ROOM, TroubleKind.BATTERY),
        ("notice to Ann at 1a2b3c", BUILDING, TroubleKind.UNDELIVERABLE),
    ):
        telling.signs(scene.world, sensor, place, [Sign(kind, True, TEN)], TEN)
    scene.until(TEN + 2 * MINUTE)
    assert {(n.shelved is None, *n.about) for n in scene.notices(Reason.TROUBLE)} == {
        (False, "battery maple/12/a"),
        (True, "undeliverable notice to Ann at 1a2b3c"),
    }
    assert len({notice.key for notice in scene.notices()}) == len(scene.notices())


def test_notices_are_owed_in_one_place_only() -> None:
    """Whatever will be told one day passes where shelves are known."""
    found = []
    for file in sorted((Path(__file__).parents[2] / "safetyd").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef):
                found += [
                    (file.name, node.name)
                    for each in ast.walk(node)
                    if isinstance(each, ast.Attribute)
                    and each.attr in ("append", "extend", "insert")
                    and ast.unparse(each.value).endswith("changes.notices")
                ]
    assert found == [("telling.py", "_owe")]


# Laws, held against stories nobody thought of


class Silence(NamedTuple):
    """A shelf that somebody asks for, and perhaps ends before its time."""

    at: datetime
    place: Place
    lasts: timedelta
    cut_after: timedelta | None


silences = st.lists(
    st.builds(
        Silence,
        st.integers(0, 20 * 24 * 60).map(lambda minutes: BEGIN + minutes * MINUTE),
        st.sampled_from([ROOM, LAB, BUILDING]),
        st.sampled_from([MINUTE, 15 * MINUTE, timedelta(hours=5), timedelta(days=3), LONGEST]),
        st.sampled_from([None, None, MINUTE, timedelta(hours=1)]),
    ),
    min_size=1,
    max_size=4,
    unique_by=lambda each: (each.at, each.place),
)
early = st.lists(
    st.builds(
        Silence,
        st.integers(0, 3 * 60).map(lambda minutes: BEGIN + minutes * MINUTE),
        st.sampled_from([ROOM, BUILDING]),
        st.sampled_from([MINUTE, 15 * MINUTE, timedelta(hours=5), timedelta(days=3)]),
        st.sampled_from([None, None, MINUTE, timedelta(hours=1)]),
    ),
    min_size=1,
    max_size=4,
    unique_by=lambda each: (each.at, each.place),
)
some = silences | early


def lived(events: Sequence[Event], asked: Sequence[Silence] = (), **how: Any) -> Scene:
    """Return the scene after all of it and twenty more days: every silence is over by then."""
    scene = Scene(**how)
    for _ in _moments(events, asked, scene):
        pass
    return scene.until(max([scene.now, *(each.at for each in asked)]) + timedelta(days=20))


def _moments(events: Sequence[Event], asked: Sequence[Silence], scene: Scene) -> Iterator[None]:
    acts: list[tuple[datetime, int, Any]] = []
    for event in events:
        acts.append((event.at if isinstance(event, Deed) else event.received_at, 0, event))
    for each in asked:
        acts.append((each.at, 1, each))
        if each.cut_after is not None:
            acts.append((each.at + each.cut_after, 2, each))
    for at, kind, each in sorted(acts, key=lambda act: act[:2]):
        if isinstance(each, Deed) and scene.now < at:
            scene.until(at - JUST_AFTER)  # so that a deed finds the tickets that time alone has opened
        if kind == 0:
            list(moments([each], scene))
        elif kind == 1:
            scene.shelves(at, at + each.lasts, each.place)
        else:
            try:
                scene.unshelves(at, each.place)
            except TransitionError:
                pass
        yield


def but_for_its_own(scene: Scene) -> dict[str, Any]:
    """Return all that was decided, less the lines of history that say that messages are held back."""
    found = decided(scene)
    own = ("shelved", "unshelved")
    found["history"] = {id: [r for r in rows if r.event not in own] for id, rows in found["history"].items()}
    return found | {"troubles": scene.world.troubles, "powers": scene.world.powers}


def others(scene: Scene) -> list[Notice]:
    return [n for n in scene.notices() if n.reason not in (Reason.SHELVED, Reason.UNSHELVED)]


def alone(scene: Scene) -> Counter[str]:
    """Return the notices that never wait for company, by their keys."""
    waiting = ("opened", "recurred", "ended", "digest", "trouble", "trouble_over")
    return Counter(
        notice.key.removesuffix("/shelved") for notice in others(scene) if notice.reason not in waiting
    )


def complaints(scene: Scene) -> Counter[tuple[str, str, str]]:
    return Counter(
        (notice.reason.value, key, note)
        for notice in scene.notices(Reason.TROUBLE, Reason.TROUBLE_OVER)
        for key, note in notice.about.items()
    )


def lost(scene: Scene) -> set[str]:
    """Return the keys of notices that were worked out again, and so are not told again."""
    return {key for key, times in Counter(notice.key for notice in scene.notices()).items() if times > 1}


@laws
@given(days(), some)
def test_whenever_something_is_shelved_nothing_else_changes(
    events: list[Event], asked: list[Silence]
) -> None:
    plain, quiet = Scene(), lived(events, asked)
    for _ in _moments(events, (), plain):
        pass
    plain.until(quiet.now)
    assert but_for_its_own(quiet) == but_for_its_own(plain)


@laws
@given(days(), some)
def test_whatever_would_be_told_is_told_or_on_record_as_held_back(
    events: list[Event], asked: list[Silence]
) -> None:
    plain, quiet = Scene(), lived(events, asked)
    for _ in _moments(events, (), plain):
        pass
    plain.until(quiet.now)
    assert alone(quiet) == alone(plain)
    assert complaints(quiet) == complaints(plain)
    assert news(plain) <= news(quiet)
    assert {key.removesuffix("/shelved") for key in lost(quiet)} <= lost(plain)


@laws
@given(days(), some)
def test_every_silence_is_over_in_the_end_and_that_is_told(events: list[Event], asked: list[Silence]) -> None:
    scene = lived(events, asked)
    assert scene.world.shelves == {}
    ended = [each for each in scene.world.changes.shelves if each.ended_at is not None]
    begun = [each for each in scene.world.changes.shelves if each.ended_at is None]
    assert len(begun) == len(ended) == len(asked)
    replaced = sum(each.ended_note == "replaced" for each in ended)
    assert len(scene.notices(Reason.SHELVED)) == len(asked)
    assert len(scene.notices(Reason.UNSHELVED)) == len(asked) - replaced
    for notice in scene.notices(Reason.SHELVED, Reason.UNSHELVED):
        assert notice.shelved is None
    for notice in others(scene):
        assert notice.shelved is None or notice.at < notice.shelved.until


@laws
@given(days(), some)
def test_what_was_held_back_of_a_ticket_that_is_still_open_is_in_what_is_told_at_the_end(
    events: list[Event], asked: list[Silence]
) -> None:
    scene = lived(events, asked)
    last_of_people = max([event.at for event in events if isinstance(event, Deed)], default=BEGIN)
    for position, notice in enumerate(scene.notices()):
        place = None if notice.shelved is None else notice.shelved.place
        if place is None or notice.ticket not in scene.world.open.values():
            continue
        after = [n for n in scene.notices()[position:] if n.reason is Reason.UNSHELVED]
        first = next(n for n in after if n.about["place"] == str(place))
        assert notice.ticket in (first.tickets or ()) or first.at <= last_of_people


@laws
@given(days(), some, st.lists(st.integers(0, 20 * 24 * 60), max_size=30))
def test_more_ticks_change_nothing_at_all(
    events: list[Event], asked: list[Silence], ticks: list[int]
) -> None:
    def often(world: World, facts: Facts, now: datetime) -> None:
        for at in sorted(BEGIN + tick * MINUTE for tick in ticks):
            if at < now and at >= world.now:
                strictly(world, facts, at)
                engine.elapse(world, facts, at)
        strictly(world, facts, now)

    assert lived(events, asked, pass_time=often).world.changes == lived(events, asked).world.changes


@laws
@given(days(), some)
def test_fewer_ticks_decide_and_hold_back_the_same(events: list[Event], asked: list[Silence]) -> None:
    seen = [lived(events, asked, pass_time=seldom), lived(events, asked)]
    assert decided(seen[0]) == decided(seen[1])
    assert seen[0].world.changes.shelves == seen[1].world.changes.shelves
    told = [
        {(notice.key, notice.shelved, notice.tickets) for notice in scene.notices(Reason.UNSHELVED)}
        for scene in seen
    ]
    assert told[0] == told[1]
