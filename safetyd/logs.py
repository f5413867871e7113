"""The log that safetyd keeps of itself: a line an event, as key=value or as JSON; the only door to structlog.

Rule: who logs does so by the standard library. A line holds no secret and nobody's name: of a library and of
an exception it says which and where, never its words. About one topic there is at most a line a minute.
"""

import logging
import os
import re
import sys
import threading
import time
import traceback
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping, MutableMapping
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

from safetyd.frugal import without

with without("rich"):  # with which structlog would draw what nobody asks of it: 6 MB, a tenth of the start
    from structlog.processors import ExceptionRenderer, JSONRenderer, LogfmtRenderer, TimeStamper
    from structlog.stdlib import ExtraAdder, ProcessorFormatter

FORMATS = ("logfmt", "json")
EVERY_S = 60.0
MOST_TOPICS = 1000  # whose lines are counted each for itself; beyond them all others are one
_OTHERS = "(others)"
_OURS = "safetyd"
_KEYS = ("topic", "building", "notice", "command", "ticket", "held_back", "shard")  # what `extra` may say
_FIRST = ("at", "level", "logger", "event")
_DEEPEST, _MOST_CAUSES = 8, 5
_NOT_PRINTABLE = re.compile(r"[^\S\n ]|[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029]")
_PRIORITIES = {"debug": 7, "info": 6, "warning": 4, "error": 3, "critical": 2}  # of syslog

_ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None]
_Event = MutableMapping[str, Any]


def begin(
    stream: TextIO, level: str, form: str, secrets: Collection[str], environment: Mapping[str, str]
) -> None:
    """Log to a stream from now on, what nobody catches included.

    Args:
        stream: Where to; the journal is told how grave each line is.
        level: The least that is said, by its name.
        form: One of FORMATS.
        secrets: What is left out wherever it stands.
        environment: In which systemd says whether the stream is the journal.
    """
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter(form, secrets, to_journal=_is_journal(stream, environment)))
    handler.addFilter(Sparing())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)  # what libraries do all day is their own matter
    ours = logging.getLogger(_OURS)
    ours.setLevel(level.upper())

    def failed(error: BaseException | None) -> None:
        if not isinstance(error, KeyboardInterrupt | SystemExit):
            ours.critical("safetyd has failed; please report this", exc_info=error)

    sys.excepthook = lambda _kind, error, _trace: failed(error)
    threading.excepthook = lambda told: failed(told.exc_value)


def formatter(form: str, secrets: Collection[str] = (), *, to_journal: bool = False) -> logging.Formatter:
    """Return what makes a line of a record."""
    render: Any = JSONRenderer(ensure_ascii=False) if form == "json" else LogfmtRenderer()
    steps = [
        _described,
        ExtraAdder(_KEYS),
        ExceptionRenderer(_places),
        ProcessorFormatter.remove_processors_meta,
        _without(secrets),
        render,
    ]
    if to_journal:
        steps.append(_graded)
    stamp = TimeStamper(fmt="iso", utc=True, key="at")
    return ProcessorFormatter(foreign_pre_chain=[stamp], processors=steps)


class Sparing(logging.Filter):
    """Lets through a line a minute about one topic; the next one says how many were held back."""

    def __init__(self, seconds: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._seconds = seconds
        self._said: OrderedDict[str, tuple[float, int]] = OrderedDict()  # when, and how many since

    def filter(self, record: logging.LogRecord) -> bool:
        topic = getattr(record, "topic", None)
        if topic is None:
            return True
        now_s = self._seconds()
        if topic not in self._said and not self._has_room(now_s):
            record.topic = topic = _OTHERS
        at_s, held_back = self._said.get(topic, (now_s - EVERY_S, 0))
        if now_s - at_s < EVERY_S:
            self._said[topic] = at_s, held_back + 1
            return False
        if held_back:
            record.held_back = held_back
        self._said[topic] = now_s, 0
        self._said.move_to_end(topic)
        return True

    def _has_room(self, now_s: float) -> bool:
        """Whether one more may be counted; whoever has had nothing to say for a minute makes room."""
        if len(self._said) < MOST_TOPICS:
            return True
        topic, (at_s, _) = next(iter(self._said.items()))
        if now_s - at_s < EVERY_S:
            return False
        del self._said[topic]
        return True


def _described(_logger: Any, level: str, event: _Event) -> _Event:
    """Put what every line has first; of a library's line only where it stands is kept."""
    record = event["_record"]
    told = event["event"]
    if record.name != _OURS and not record.name.startswith(f"{_OURS}."):
        told = f"a library says something at {_short(record.pathname)}:{record.lineno}"
    said = {"at": event.pop("at"), "level": level, "logger": record.name, "event": told}
    return {**said, **{key: value for key, value in event.items() if key not in _FIRST}}


def _without(secrets: Collection[str]) -> Callable[[Any, str, _Event], _Event]:
    wanted = sorted((re.escape(each) for each in secrets if each), key=len, reverse=True)
    secret = re.compile("|".join(wanted)) if wanted else None

    def clean(_logger: Any, _level: str, event: _Event) -> _Event:
        for key, value in event.items():
            if isinstance(value, str):
                value = value if secret is None else secret.sub("…", value)
                event[key] = _NOT_PRINTABLE.sub("�", value.encode("utf-8", "replace").decode("utf-8"))
        return event

    return clean


def _places(exc_info: _ExcInfo) -> str:
    """Return an exception and its causes by kind and the places they came through, the deepest first."""
    one: BaseException | None = exc_info[1]
    told: list[str] = []
    while one is not None and len(told) < _MOST_CAUSES:
        frames = traceback.StackSummary.extract(traceback.walk_tb(one.__traceback__), lookup_lines=False)
        places = [f"{_short(each.filename)}:{each.lineno} {each.name}" for each in frames[-_DEEPEST:][::-1]]
        told.append(f"{type(one).__qualname__} at {' < '.join(places) or 'no place'}")
        one = one.__cause__ or (None if one.__suppress_context__ else one.__context__)
    return "; after ".join(told)


def _short(file: str) -> str:
    return "/".join(Path(file).parts[-3:])


def _graded(_logger: Any, level: str, line: Any) -> str:
    return f"<{_PRIORITIES.get(level, 4)}>{line}"


def _is_journal(stream: TextIO, environment: Mapping[str, str]) -> bool:
    try:
        about = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return False
    return environment.get("JOURNAL_STREAM") == f"{about.st_dev}:{about.st_ino}"
