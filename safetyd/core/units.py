"""Converts what sensors send into the contract's units, exactly.

Rule: a conversion is done in decimal on the number as it was printed, then rounded to a float once, so
that a limit and a reading that are equal on paper are equal here.
"""

from datetime import timedelta
from decimal import Decimal
from functools import lru_cache

JUST_AFTER = timedelta(microseconds=1)  # the grain of time here: a limit is passed one grain after it

_NINE_FIFTHS = Decimal("1.8")
_THIRTY_TWO = Decimal(32)


@lru_cache(maxsize=8192)
def fahrenheit(temp_c: float) -> float:
    """Return °F for a finite temperature in °C: the float nearest to the exact result."""
    return float(Decimal(repr(temp_c)) * _NINE_FIFTHS + _THIRTY_TWO)


@lru_cache(maxsize=8192)
def celsius(temp_f: float) -> float:
    """Return °C for a finite temperature in °F."""
    return float((Decimal(repr(temp_f)) - _THIRTY_TWO) / _NINE_FIFTHS)
