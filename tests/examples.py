"""How many examples a law is tried on that names a number of its own."""

from hypothesis import settings

USUAL = 100  # what hypothesis tries under the profile `thorough` where nobody names a number


def examples(number: int) -> int:
    """Return that number under the profile `thorough`, its share of it under another."""
    return max(1, number * settings().max_examples // USUAL)
