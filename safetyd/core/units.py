"""Converts what sensors send into the contract's units, exactly, and shows a value beside its limit.

Rule: a conversion is done in decimal on the number as it was printed, then rounded to a float once, so
that a limit and a reading that are equal on paper are equal here.
"""

from datetime import timedelta
from decimal import Decimal
from functools import lru_cache

JUST_AFTER = timedelta(microseconds=1)  # the grain of time here: a limit is passed one grain after it

_NINE_FIFTHS = Decimal("1.8")
_THIRTY_TWO = Decimal(32)
_MOST_DECIMALS = 4


@lru_cache(maxsize=8192)
def fahrenheit(temp_c: float) -> float:
    """Return °F for a finite temperature in °C: the float nearest to the exact result."""
    return float(Decimal(repr(temp_c)) * _NINE_FIFTHS + _THIRTY_TWO)


def beside(value: float, limit: float | None, decimals: int = 1) -> str:
    """Return a value rounded, with as many decimals as show on which side of its limit it lies."""
    if limit is None:
        return f"{value:.{decimals}f}"
    for shown in range(decimals, _MOST_DECIMALS + 1):
        text = f"{value:.{shown}f}"
        if (float(text) < limit) == (value < limit) and (float(text) > limit) == (value > limit):
            return text
    return repr(value)


@lru_cache(maxsize=8192)
def celsius(temp_f: float) -> float:
    """Return °C for a finite temperature in °F."""
    return float((Decimal(repr(temp_f)) - _THIRTY_TWO) / _NINE_FIFTHS)
