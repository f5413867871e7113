"""A line an event, without a secret or a name in it, and at most one a minute about a topic."""

import io
import json
import logging
import os
import sys
import threading
from collections.abc import Iterator

import pytest

from safetyd.logs import EVERY_S, MOST_TOPICS, Sparing, begin, formatter

NAME = "Ximena Ríos"


class Clock:
    now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


def record(text: str = "it is so", name: str = "safetyd.mqtt", **more: object) -> logging.LogRecord:
    return logging.makeLogRecord(
        {"name": name, "levelno": 30, "levelname": "WARNING", "msg": text, "pathname": "a/b.py"} | more
    )


def said(made: logging.LogRecord, *secrets: str) -> dict[str, str]:
    return dict(json.loads(formatter("json", secrets).format(made)))


def failure() -> logging.LogRecord:
    """A record of an exception that holds a name, and so does its cause."""
    try:
        try:
            raise KeyError(NAME)
        except KeyError as error:
            raise ValueError(f"not {NAME}") from error
    except ValueError as error:
        return record("it failed", exc_info=(type(error), error, error.__traceback__))


def test_a_line_is_keys_and_values() -> None:
    line = formatter("logfmt").format(record("it is so", building="maple"))
    assert line.startswith("at=20")
    assert line.endswith(' level=warning logger=safetyd.mqtt event="it is so" building=maple')


def test_a_line_is_a_json_object_where_that_is_asked_for() -> None:
    told = said(record("68 °F", topic="a/b"))
    assert list(told) == ["at", "level", "logger", "event", "topic"]
    assert (told["level"], told["event"], told["at"][-1]) == ("warning", "68 °F", "Z")


def test_nothing_begins_a_second_line_or_steers_a_terminal() -> None:
    line = formatter("logfmt").format(record("one\ntwo\rthree\x1b[31m\u2028\ud800"))
    assert line.isprintable() and "one\\ntwo�three�[31m�?" in line


def test_an_exception_is_its_kind_and_where_it_came_through_but_not_its_words() -> None:
    told = said(failure())
    assert told["exception"].startswith("ValueError at ")
    assert "; after KeyError at " in told["exception"] and "test_logs.py" in told["exception"]
    assert NAME not in str(told)


def test_of_a_library_only_where_it_spoke_is_kept() -> None:
    told = said(record(f"no mail for {NAME}", name="apprise", lineno=12))
    assert told["event"] == "a library says something at a/b.py:12"


def test_what_looks_like_ours_and_is_not_is_a_library_too() -> None:
    assert "library" in said(record("x", name="safetydish"))["event"]
    assert said(record("x", name="safetyd"))["event"] == "x"


def test_only_what_is_known_to_be_harmless_is_taken_beside_the_words() -> None:
    assert "person" not in said(record(person=NAME))


def test_a_secret_is_left_out_wherever_it_stands() -> None:
    told = said(record("to k3y-of-mine, k3y-of-mine", topic="a/k3y-of-mine/b"), "k3y-of-mine")
    assert (told["event"], told["topic"]) == ("to …, …", "a/…/b")


# At most a line a minute


@pytest.fixture
def clock() -> Clock:
    return Clock()


def let_through(sparing: Sparing, topic: str | None) -> logging.LogRecord | None:
    made = record() if topic is None else record(topic=topic)
    return made if sparing.filter(made) else None


def test_a_topic_has_a_line_a_minute_and_the_next_says_how_many_were_held_back(clock: Clock) -> None:
    sparing = Sparing(clock)
    assert let_through(sparing, "a") is not None
    assert [let_through(sparing, "a") for _ in range(5000)] == [None] * 5000
    clock.now_s += EVERY_S - 0.001
    assert let_through(sparing, "a") is None
    clock.now_s += 0.001
    again = let_through(sparing, "a")
    assert again is not None and said(again)["held_back"] == 5001
    clock.now_s += EVERY_S
    later = let_through(sparing, "a")
    assert later is not None and "held_back" not in said(later)


def test_another_topic_has_its_own_and_what_is_about_none_is_never_held_back(clock: Clock) -> None:
    sparing = Sparing(clock)
    assert all(let_through(sparing, topic) for topic in ("a", "b", None, None))


def test_of_too_many_topics_at_once_the_rest_has_one_line_and_memory_is_bounded(clock: Clock) -> None:
    sparing = Sparing(clock)
    passed = [made for n in range(100_000) if (made := let_through(sparing, f"t{n}")) is not None]
    assert len(passed) == MOST_TOPICS + 1 and said(passed[-1])["topic"] == "(others)"
    assert len(sparing._said) == MOST_TOPICS + 1
    clock.now_s += EVERY_S
    new = let_through(sparing, "new")
    assert new is not None and said(new)["topic"] == "new"


# All of it


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Whatever a test makes of logging is undone."""
    root, own = logging.getLogger(), logging.getLogger("safetyd")
    handlers, levels = root.handlers[:], (root.level, own.level)
    hooks = sys.excepthook, threading.excepthook
    yield
    root.handlers[:] = handlers
    root.setLevel(levels[0])
    own.setLevel(levels[1])
    sys.excepthook, threading.excepthook = hooks


@pytest.fixture
def ours() -> io.StringIO:
    """What is logged as the daemon logs it."""
    stream = io.StringIO()
    begin(stream, "info", "json", (), {})
    return stream


def test_the_level_is_of_our_own_lines_and_libraries_are_heard_when_they_warn(ours: io.StringIO) -> None:
    for name in ("safetyd", "safetyd.mqtt", "paho"):
        for level in (logging.DEBUG, logging.INFO, logging.WARNING):
            logging.getLogger(name).log(level, "said")
    told = [json.loads(line) for line in ours.getvalue().splitlines()]
    assert [(each["logger"], each["level"]) for each in told] == [
        ("safetyd", "info"),
        ("safetyd", "warning"),
        ("safetyd.mqtt", "info"),
        ("safetyd.mqtt", "warning"),
        ("paho", "warning"),
    ]


def test_what_nobody_catches_is_a_line_too(ours: io.StringIO) -> None:
    def fail() -> None:
        raise ValueError(NAME)

    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()
    (line,) = ours.getvalue().splitlines()
    assert json.loads(line)["level"] == "critical" and "ValueError at " in line and NAME not in line


@pytest.mark.parametrize(("is_journal", "begins"), [(True, "<4>at="), (False, "at=")])
def test_the_journal_is_told_how_grave_a_line_is(is_journal: bool, begins: str) -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading) as ear, os.fdopen(writing, "w") as stream:
        about = os.fstat(writing)
        named = f"{about.st_dev}:{about.st_ino if is_journal else 0}"
        begin(stream, "info", "logfmt", (), {"JOURNAL_STREAM": named})
        logging.getLogger("safetyd").warning("so")
        assert ear.readline().startswith(begins)
