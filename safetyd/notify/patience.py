"""How long to wait for an address: when it is asked again, and when no longer.

Rule: a fault that may pass is waited out for ever, after growing pauses. Given up is only what is refused for
good: by a mail server's word, or by a web server that repeats for minutes that it will not have it.
"""

from datetime import datetime, timedelta

from safetyd.store.attempts import Answer, Rejection, Result

SHORTEST_PAUSE, LONGEST_PAUSE = timedelta(seconds=5), timedelta(hours=6)
DOUBTS = 6  # attempts, over about three minutes: a page that is just being renewed is not found either
REST = timedelta(days=1)  # how long an address that is refused for good is not asked about other notices
_PASSING = {408, 421, 423, 425, 429}  # of a web server's 4xx, those that say: later


def pause(attempts: int, chance: float) -> timedelta:
    """Return how long to wait after a failed attempt.

    Args:
        attempts: How many were made before it.
        chance: 0 to 1: spreads over half the pause what would else come all at once.
    """
    longest = min(LONGEST_PAUSE, SHORTEST_PAUSE * float(2 ** min(attempts, 20)))
    return longest * (0.5 + chance / 2)


def is_lasting(answer: Answer, attempts: int) -> bool:
    """Return whether an address refuses for good, after so many attempts before this one."""
    if answer.result is Result.REFUSED:
        return True
    code = answer.status
    is_doubtful = code is not None and 400 <= code < 500 and code not in _PASSING
    return answer.result is Result.FAILED and is_doubtful and attempts + 1 >= DOUBTS


def is_resting(rejection: Rejection | None, now: datetime) -> bool:
    """Return whether an address was refused for good so lately that it is not asked about another notice."""
    return rejection is not None and now - rejection.at < REST
