"""What may pass is waited out, what is refused for good is not: told apart by the answer and how often."""

from datetime import UTC, datetime, timedelta

import pytest

from safetyd.notify.patience import DOUBTS, LONGEST_PAUSE, REST, is_lasting, is_resting, pause
from safetyd.store.attempts import Answer, Rejection, Result

NOW = datetime(2026, 12, 1, 16, tzinfo=UTC)


def answer(result: Result, status: int | None = None) -> Answer:
    return Answer(result, "words", status)


def test_pauses_double_from_five_seconds_to_six_hours_and_no_further() -> None:
    assert [pause(attempts, 1.0).total_seconds() for attempts in range(4)] == [5, 10, 20, 40]
    assert pause(13, 1.0) == pause(5000, 1.0) == LONGEST_PAUSE == timedelta(hours=6)


def test_chance_takes_away_half_of_a_pause_at_most() -> None:
    assert pause(3, 0.0) == timedelta(seconds=20)


def test_a_refusal_is_lasting_at_once() -> None:
    assert is_lasting(answer(Result.REFUSED), 0)


@pytest.mark.parametrize("result", [Result.FAILED, Result.UNKNOWN])
@pytest.mark.parametrize("status", [None, 500, 502, 503, 408, 425, 429])
def test_what_may_pass_is_never_lasting(result: Result, status: int | None) -> None:
    assert not is_lasting(answer(result, status), 5000)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 422])
def test_a_web_server_that_repeats_its_refusal_is_believed(status: int) -> None:
    assert not is_lasting(answer(Result.FAILED, status), DOUBTS - 2)
    assert is_lasting(answer(Result.FAILED, status), DOUBTS - 1)


def test_an_address_that_refused_rests_for_a_day() -> None:
    rejection = Rejection(NOW, "550")
    assert is_resting(rejection, NOW + REST - timedelta(seconds=1))
    assert not is_resting(rejection, NOW + REST)
    assert not is_resting(None, NOW)
