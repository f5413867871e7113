"""What came late is judged in its turn, and as if all that was ever said were judged again."""

from collections.abc import Iterable
from datetime import datetime

from hypothesis import given
from hypothesis import strategies as st

from safetyd.core import room
from safetyd.core.chronicle import Chronicle
from safetyd.core.model import Condition, Episode, Finding, Observation
from safetyd.core.rules import RuleBook
from tests.core.scene import MINUTE, ROOM, clock, said

EIGHT = clock("08:00")
BOOK = RuleBook()


def a_word(minute: float, temperature_f: float = 70.0, sensor: str = "a") -> Observation:
    return said(EIGHT + minute * MINUTE, sensor=sensor, temperature_f=temperature_f, humidity=40.0)


def chronicle(*words: Observation) -> Chronicle:
    return Chronicle(room.EMPTY, EIGHT - MINUTE, list(words), EIGHT - MINUTE, len(words))


def take(past: Chronicle, late: Observation, known: list[Episode] | None = None) -> tuple[bool, int]:
    """Take in what came late; return whether the room stands as before, and how many findings there were."""
    past.insert(late)
    again = past.read_again(known or [], BOOK)
    return again.room is None, len(again.findings)


def test_a_late_word_that_changes_nothing_leaves_the_room_as_it_stands() -> None:
    past = chronicle(*(a_word(minute) for minute in range(100)))
    assert take(past, a_word(20.5)) == (False, 0)  # nothing is known of the way yet
    assert take(past, a_word(30.5)) == (True, 0)


def test_a_late_word_is_judged_with_those_after_it_until_the_room_stands_as_it_stood() -> None:
    past = chronicle(*(a_word(minute, 62.0) for minute in range(0, 400, 2)))
    take(past, a_word(1, 62.0))
    past.insert(a_word(101, 59.5))
    again = past.read_again([], RuleBook())
    assert again.base.at is not None and again.until is not None and again.room is None
    assert EIGHT + 80 * MINUTE < again.base.at < EIGHT + 101 * MINUTE
    assert [found.ended_at for found in again.findings] == [None, EIGHT + 102 * MINUTE]
    assert EIGHT + 132 * MINUTE <= again.until < EIGHT + 170 * MINUTE


def test_where_an_episode_was_decided_to_go_on_the_room_is_judged_further() -> None:
    past = chronicle(*(a_word(minute) for minute in range(100)))
    take(past, a_word(20.5))
    decided = Episode(ROOM, Condition.COLD, EIGHT + 25 * MINUTE)
    assert take(past, a_word(30.5), [decided]) == (False, 0)


def test_what_was_said_of_a_moment_is_known_by_sensor() -> None:
    past = chronicle(a_word(1), a_word(2), a_word(2, sensor="b"), a_word(3))
    assert past.said_at("b", EIGHT + 2 * MINUTE) == [a_word(2, sensor="b")]
    assert past.said_at("b", EIGHT + 3 * MINUTE) == []


def test_a_word_that_is_not_late_but_older_than_another_goes_to_its_place() -> None:
    past = chronicle(a_word(1), a_word(3))
    past.append(a_word(2))
    past.append(a_word(4))
    assert past.observations == [a_word(1), a_word(2), a_word(3), a_word(4)]


def test_shortened_it_begins_shortly_before_the_last_late_word_and_judges_the_same() -> None:
    past, whole = (chronicle(*(a_word(minute) for minute in range(200))) for _ in range(2))
    for each in (past, whole):
        take(each, a_word(150.5, 59.0))
    past.shorten()
    assert EIGHT + 135 * MINUTE < past.since < EIGHT + 150.5 * MINUTE
    assert len(past.observations) < 70
    for late in (a_word(151.5, 59.0), a_word(160.5)):
        assert take(past, late) == take(whole, late)


WORDS = st.lists(
    st.builds(
        a_word,
        st.integers(0, 240),
        st.sampled_from([57.0, 59.9, 60.5, 62.0, 70.0, 70.5, 84.0, 95.0]),
        st.sampled_from(["a", "a", "a", "b"]),
    ),
    max_size=60,
    unique_by=lambda spoke: (spoke.observed_at, spoke.sensor.id),
)


def whole(findings: Iterable[Finding]) -> dict[tuple[Condition, datetime], Finding | None]:
    """Return episodes by their beginning, each as it ended; None for one that goes on."""
    return {(each.condition, each.began_at): each if each.ended_at else None for each in findings}


@given(WORDS, WORDS, st.sets(st.integers(0, 60)))
def test_however_what_comes_late_is_taken_in_the_room_stands_as_if_it_had_come_in_time(
    words: list[Observation], lates: list[Observation], cuts: set[int]
) -> None:
    words.sort(key=lambda spoke: spoke.observed_at)
    past = chronicle(*words)
    stands, episodes = room.read_again(room.EMPTY, words, BOOK)
    found = whole(episodes)
    for number, late in enumerate(lates):
        if late.observed_at <= past.since:
            continue  # it would be read from the store
        known = [
            Episode(ROOM, condition, began_at, each and each.ended_at)
            for (condition, began_at), each in found.items()
        ]
        words.append(late)
        words.sort(key=lambda spoke: spoke.observed_at)
        past.insert(late)
        again = past.read_again(known, BOOK)
        expected, episodes = room.read_again(room.EMPTY, words, BOOK)
        assert (again.room or stands) == expected
        since, until = again.base.at, again.until
        before = {
            (condition, at): None if again.base.watch(condition).began_at == at else each
            for (condition, at), each in found.items()
            if since is not None and at <= since
        }
        after = {key: each for key, each in found.items() if until is not None and key[1] > until}
        stands, found = expected, whole(episodes)
        assert before | whole(again.findings) | after == found
        if number in cuts:
            past.shorten()


def test_a_backlog_of_half_a_day_in_order_is_judged_a_few_words_at_a_time() -> None:
    past = chronicle(a_word(1000))
    for minute in range(720):
        past.insert(a_word(minute))
        again = past.read_again([], BOOK)
        assert len(past.observations) < 20 or (again.base.at or EIGHT) >= EIGHT + (minute - 17) * MINUTE
