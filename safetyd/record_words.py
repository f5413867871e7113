"""What safetyd itself wrote on the record, as people read it: times by their clocks, duties that wait.

Rule: the record keeps its words as they were written, with times in UTC; they are read so in JSON, and told
anew only where people look. A person's words are left alone.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime

_OURS = "safetyd"
_MOMENT = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d(?::\d\d)?)(?: UTC\b)?")
_LEARNED = re.compile(rf"began {_MOMENT.pattern}, learned {_MOMENT.pattern} \(UTC\)")
_WAITS_FOR = {".C": "student hour", ".D": "hour outside the student day"}


def by_local_clocks(words: str, say: Callable[[datetime], str]) -> str:
    """Return words of ours with each moment as `say` has it; a time without a date stays as it is."""
    if " UTC" not in words and "(UTC)" not in words:
        return words

    def said(found: re.Match[str]) -> str:
        try:
            return say(datetime.fromisoformat(found[1]).replace(tzinfo=UTC))
        except ValueError:
            return found[0]

    return _MOMENT.sub(said, words).removesuffix(" (UTC)")


def noted(words: str, by: str, say: Callable[[datetime], str]) -> str:
    """Return the words of a line of the history, of which those that safetyd wrote tell the time anew."""
    return by_local_clocks(words, say) if by == _OURS or _LEARNED.fullmatch(words) else words


def not_yet(clause: str, *, is_over: bool) -> str:
    """Return why a duty of a clause is not owed: the breach was in none of the hours that it is about."""
    hours = next((each for end, each in _WAITS_FOR.items() if clause.endswith(end)), "hour that it is about")
    return f"not owed: no {hours} was in it" if is_over else f"not yet: no {hours} in it so far"
