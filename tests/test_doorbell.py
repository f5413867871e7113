"""The bell that any thread may ring: also one that does not know yet that nobody waits any more."""

import os

from safetyd.doorbell import Doorbell


def test_a_ring_ends_the_wait_and_two_are_one() -> None:
    bell = Doorbell()
    bell.ring()
    bell.ring()
    bell.wait((), 60)
    bell.close()


def test_who_rings_after_the_end_writes_nowhere_though_something_else_has_the_number() -> None:
    bell = Doorbell()
    bell.close()
    out, into = os.pipe()  # the numbers that the bell had
    os.set_blocking(out, False)
    bell.ring()
    try:
        written = os.read(out, 10)
    except BlockingIOError:
        written = b""
    os.close(out)
    os.close(into)
    assert written == b""
