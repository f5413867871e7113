"""Who looks stands aside for who tells people, and not for ever."""

import threading

from safetyd.way import Way


def passing(way: Way) -> threading.Thread:
    """Begin to look."""
    made = threading.Thread(target=way.give, daemon=True)
    made.start()
    return made


def test_nobody_waits_on_a_free_way() -> None:
    Way().give()


def test_who_looks_goes_on_as_soon_as_the_way_is_left() -> None:
    way = Way()
    way.take()
    looks = passing(way)
    way.leave()
    looks.join()


def test_a_way_that_is_never_left_is_free_after_a_moment_for_everybody() -> None:
    way = Way()
    way.take()
    for each in [passing(way) for _ in range(3)]:
        each.join()
    way.give()
    way.take()  # and may be taken again
    way.give()


def test_nothing_to_be_told_takes_no_way() -> None:
    way = Way()
    way.take([])
    assert not way.is_taken
    way.take(["a breach"])
    assert way.is_taken
