"""What a service's log says is kept without the address, its code is found, and little is loaded for it."""

import subprocess
import sys
import threading
from datetime import UTC, datetime

import pytest

from safetyd.notify.forms import Words
from safetyd.notify.sender import Job, Outcome, Sender, _judged, without
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


def said_by(program: str) -> str:
    """What a fresh interpreter prints: what is loaded stays loaded in this one."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_only_the_plug_in_of_an_address_is_loaded() -> None:
    said = said_by(
        "import sys, apprise; from safetyd.notify.sender import load; load('json')\n"
        "print(apprise.Apprise.instantiate('json://127.0.0.1:9') is not None)\n"
        "print(*sorted(m for m in sys.modules if m.startswith('apprise.plugins.custom')))\n"
    )
    assert said.split() == ["True", "apprise.plugins.custom_json"]


def test_a_scheme_that_comes_later_is_loaded_too_and_a_web_address_finds_its_service() -> None:
    addresses = (
        "json://127.0.0.1:9",
        "mailto://kim:secret@example.org",
        "https://ntfy.sh/maple",
        "kodi://10.0.0.7",
    )
    said = said_by(
        "import apprise; from safetyd.notify.sender import load\n"
        f"for each in {addresses}:\n"
        "    load(each.partition('://')[0]); print(type(apprise.Apprise.instantiate(each)).__name__)\n"
    )
    assert said.split() == ["NotifyJSON", "NotifyEmail", "NotifyNtfy", "NotifyXBMC"]


def test_nearly_every_plug_in_says_plainly_which_schemes_it_takes() -> None:
    said = said_by(
        "from pathlib import Path; from apprise import plugins\n"
        "from apprise.manager_plugins import NotificationManager\n"
        "from safetyd.notify.sender import plug_ins\n"
        "known = NotificationManager(); known.load_modules(); folder = Path(plugins.__path__[0])\n"
        "for each in known.schemas():\n"
        "    if known[each].__module__.split('.')[2] not in plug_ins(folder, each): print(each)\n"
    )
    assert set(said.split()) <= {"dbus", "kde", "qt", "glib", "kodi", "kodis", "xbmc", "xbmcs"}


def test_where_the_machine_has_no_room_for_a_thread_the_attempt_has_failed_and_is_on_record() -> None:
    told: list[Outcome] = []
    job = Job((), (), datetime(2026, 12, 1, tzinfo=UTC), Words("Too cold", "Room 12"))
    usual = threading.stack_size(1 << 46)  # bytes: more than there is
    try:
        Sender(told.append).send(job, URL)
    finally:
        threading.stack_size(usual)
    ((kept, answer),) = told
    assert kept is job and answer.result is Result.FAILED and "thread" in answer.words
