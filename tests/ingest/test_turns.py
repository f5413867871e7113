"""The promise: who held us is tried first, who turns us away gives the turn to the next, and a full round
doubles the pause.
"""

from safetyd.ingest.turns import LONGEST_PAUSE_S, SHORTEST_PAUSE_S, STEADY_S, Turns
from safetyd.setting_mqtt import Broker

A, B, C = (Broker(f"{name}.example", 1883) for name in "abc")


def latest() -> float:
    """The jitter that makes a pause longest."""
    return 1.0


def test_the_first_of_the_list_is_tried_first() -> None:
    assert Turns([A, B, C], latest).broker == A


def test_each_attempt_that_fails_goes_to_the_next_and_round_again() -> None:
    turns, tried = Turns([A, B, C], latest), []
    for _ in range(4):
        tried.append(turns.broker)
        turns.fail()
    assert tried == [A, B, C, A]


def test_the_pause_doubles_after_a_full_round_and_not_before() -> None:
    turns = Turns([A, B, C], latest)
    assert [turns.fail() for _ in range(7)] == [0.5, 0.5, 0.5, 1, 1, 1, 2]


def test_alone_it_doubles_at_each_attempt_up_to_half_a_minute() -> None:
    turns = Turns([A], latest)
    assert [turns.fail() for _ in range(8)] == [0.5, 1, 2, 4, 8, 16, 30, 30]
    assert turns.broker == A


def test_a_pause_is_between_half_of_it_and_the_whole() -> None:
    assert Turns([A], lambda: 0.0).fail() == SHORTEST_PAUSE_S / 2
    assert Turns([A], latest).fail() == SHORTEST_PAUSE_S


def test_who_lets_us_in_ends_the_round_and_its_long_pauses() -> None:
    turns = Turns([A, B], latest)
    for _ in range(5):
        turns.fail()
    assert turns.is_round_over and turns.broker == B
    turns.let_in()
    assert not turns.is_round_over and turns.broker == B
    assert turns.lose(STEADY_S) == SHORTEST_PAUSE_S < LONGEST_PAUSE_S


def test_a_connection_that_held_is_tried_again_where_it_was_and_then_at_the_next() -> None:
    turns = Turns([A, B, C], latest)
    turns.let_in()
    turns.lose(STEADY_S)
    assert turns.broker == A
    turns.fail()
    assert turns.broker == B


def test_a_broker_that_drops_us_at_once_has_failed() -> None:
    turns = Turns([A, B, C], latest)
    turns.let_in()
    turns.lose(STEADY_S - 0.1)
    assert turns.broker == B


def test_a_round_is_over_when_each_has_turned_us_away() -> None:
    turns = Turns([A, B], latest)
    turns.fail()
    assert not turns.is_round_over
    turns.fail()
    assert turns.is_round_over
