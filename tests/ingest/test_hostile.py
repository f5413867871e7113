"""Whatever comes over the wire is read, or refused in words; `make fuzz` sends a million such messages."""

from functools import cache
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from safetyd.profile import NATIVE, SPARKPLUG, shipped_profiles
from tests.examples import examples
from tests.fuzz.decoding import smallest, told
from tests.fuzz.mutations import Mutator
from tests.fuzz.seeds import Seed, seeds
from tests.fuzz.target import Case, Outcome, Way, put


@cache
def known() -> list[Seed]:
    return seeds()


@cache
def mutator() -> Mutator:
    return Mutator(known(), Random())


def test_every_format_is_among_the_messages_to_begin_with() -> None:
    assert {seed.format for seed in known()} == {NATIVE, SPARKPLUG, *shipped_profiles()}


def test_the_messages_to_begin_with_come_out_in_every_way_there_is() -> None:
    assert {put(seed.case) for seed in known()} == set(Outcome)


@settings(derandomize=True, max_examples=examples(400), database=None)
@given(st.integers(0, 2**32))
def test_a_hostile_message_does_no_harm(number: int) -> None:
    mutator().random = Random(number)
    put(mutator().case())


def test_the_same_number_makes_the_same_messages() -> None:
    def some() -> list[Case]:
        mutator().random = Random("3/1")
        return [mutator().case() for _ in range(50)]

    assert some() == some()


def test_what_fails_is_made_smaller_and_told_in_full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.fuzz.target._LOW_F", 71.0)
    case = Case(Way(NATIVE), "safetyd/readings/maple/12", b'{"temperature_f": 70.5, "humidity": 41}', True)
    said = told(smallest(case))
    assert "format   native\n" in said and "retained False\n" in said and "°F is accepted" in said
    assert len(smallest(case).payload) < len(case.payload)
