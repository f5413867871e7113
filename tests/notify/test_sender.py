"""What a service's log says is kept without the address, and its code is found where there is one."""

import pytest

from safetyd.notify.sender import _judged, without
from safetyd.store.attempts import Result

URL = "json://bo:s3cret%20word@hooks.example:8443/t0ken-of-bo/12?key=abcd1234"


@pytest.mark.parametrize(
    "said", ["bo:s3cret word at hooks.example", "POST /t0ken-of-bo failed", "key=abcd1234", "s3cret%20word"]
)
def test_nothing_of_an_address_is_left_in_an_answer(said: str) -> None:
    told = without(URL, f"Failed: {said}.")
    for secret in ("s3cret", "hooks.example", "t0ken", "abcd1234"):
        assert secret not in told
    assert told.startswith("Failed: ")


@pytest.mark.parametrize(
    ("said", "result", "status", "words"),
    [
        (
            "Failed to send JSON POST notification: Gone, error=410.",
            Result.REFUSED,
            410,
            "it answered 410 Gone",
        ),
        (
            "Failed to send JSON POST notification: error=404.",
            Result.FAILED,
            404,
            "it answered 404 Not Found",
        ),
        (
            "Failed to send Twilio notification: Server Error, error=500.",
            Result.FAILED,
            500,
            "it answered 500 Server Error",
        ),
        (
            "A Connection error occurred sending JSON notification.",
            Result.FAILED,
            None,
            "it could not be reached, or broke the connection off",
        ),
        ("The topic is too long.", Result.FAILED, None, "The topic is too long."),
        (
            "Failed to send X notification: error=20003.",
            Result.FAILED,
            None,
            "Failed to send X notification: error=20003.",
        ),
    ],
)
def test_what_a_plug_in_ends_with_is_said_in_plain_words_and_the_code_is_found(
    said: str, result: Result, status: int | None, words: str
) -> None:
    answer = _judged(URL, ["something before", said])
    assert (answer.result, answer.status, answer.words) == (result, status, words)


def test_a_service_that_says_nothing_is_not_taken_for_one_that_accepted() -> None:
    assert _judged(URL, []).result is Result.FAILED
