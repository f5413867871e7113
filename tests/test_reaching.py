"""Whether the broker is reached from a machine: asked only where somebody does not hear it."""

import socket

from safetyd.reaching import Deaf, Reach
from tests.journeys.servers import LOOPBACK, free_port


class Steady:
    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        self.seconds += 10.0
        return self.seconds


def test_nobody_is_asked_while_all_hear() -> None:
    reach = Reach([(LOOPBACK, free_port())], Steady())
    for _ in range(5):
        reach.look(is_deaf=False)
    assert not reach.is_lost


def test_a_broker_that_answers_is_not_lost_however_deaf_a_shard_is() -> None:
    with socket.create_server((LOOPBACK, 0)) as server:
        reach = Reach([server.getsockname()], Steady())
        for _ in range(5):
            reach.look(is_deaf=True)
        assert not reach.is_lost


def test_one_that_does_not_answer_twice_is_lost_until_it_answers() -> None:
    port = free_port()
    reach = Reach([(LOOPBACK, port)], Steady())
    reach.look(is_deaf=True)
    assert not reach.is_lost
    reach.look(is_deaf=True)
    assert reach.is_lost
    reach.look(is_deaf=False)
    assert reach.is_lost, "no shard is left that could be deaf"
    with socket.create_server((LOOPBACK, port)):
        reach.look(is_deaf=False)
    assert not reach.is_lost


def test_it_is_not_asked_all_the_time() -> None:
    reach = Reach([(LOOPBACK, free_port())], lambda: 100.0)  # no time passes between the looks
    for _ in range(5):
        reach.look(is_deaf=True)
    assert not reach.is_lost


def test_any_of_several_brokers_is_enough() -> None:
    with socket.create_server((LOOPBACK, 0)) as server:
        reach = Reach([(LOOPBACK, free_port()), server.getsockname()], Steady())
        for _ in range(3):
            reach.look(is_deaf=True)
        assert not reach.is_lost


def test_each_shard_is_deaf_for_itself() -> None:
    deaf = Deaf(3)
    deaf.note(1, is_deaf=True)
    assert [deaf[shard] for shard in range(3)] == [False, True, False]
    deaf.note(1, is_deaf=False)
    assert not deaf[1]
