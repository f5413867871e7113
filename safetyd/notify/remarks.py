"""What safetyd itself remarks on a trouble, said anew in another language.

Rule: the record keeps a remark in English, as it was made; here it is known again by its sentence, and its
figures are taken over. What no sentence fits (a server's answer, a file's fault) is quoted as it stands.
"""

import re
from functools import lru_cache

from safetyd.notify.tongue import Tongue, msgid
from safetyd.record_words import by_local_clocks

_LONGEST = 200  # ours are shorter, and what is longer may be a stranger's
_REMARKS = (
    # Translators: remarks on faults of sensors; they stand in parentheses, and many times in them are UTC.
    msgid("never heard"),
    msgid("all its {count} sensors are silent"),
    msgid("it says that it is gone"),
    msgid("the same values since {time} UTC, while other rooms changed"),
    msgid("the same values since {time} UTC"),
    msgid("it says that its battery is low"),
    msgid("battery at {percent} %"),
    msgid("battery at {volts} V, once {best} V"),
    msgid("{value} °F apart"),
    msgid("{value} °F where a hand-held instrument says {by_hand} °F"),
    msgid("a week {value} °F warmer than the middle of its building: measure beside it"),
    msgid("a week {value} °F colder than the middle of its building: measure beside it"),
    msgid("no power at {without}, but at {others}: is a part of the building without?"),
    msgid("{value} °F: a broken sensor, or fire"),
    msgid("humidity at the top since {time} UTC: wet, or broken"),
    msgid("{value} with {other} is an error code"),
    msgid("{value} is an error code"),
    msgid("{value} is this sensor's word for not known"),
    msgid("{value} is outside {low} to {high}; a broken sensor, or fire"),
    msgid("{value} is outside {low} to {high}; perhaps it is {unit}; a broken sensor, or fire"),
    msgid("{value} is outside {low} to {high}; perhaps it is {unit}"),
    msgid("{value} is outside {low} to {high}"),
    msgid("{value} is a fraction; percent is expected"),
    msgid("{value} after {before} is probably {unit}"),
    msgid("{value} is probably {unit}: other rooms here are at {usual} °F"),
    msgid("{value}: a register counts from 0 up"),
    msgid("it was put back from {before} to {after}; time goes on without it until it has caught up"),
    msgid("it was put forward from {before} to {after}"),
    msgid("safetyd was stopped"),
    msgid("safetyd had crashed"),
    msgid("the machine was shut down in order"),
    msgid("the machine stopped without warning, as when it loses power"),
    msgid("the broker has forgotten us, so what was said to it meanwhile may be missing"),
    msgid(
        "another broker has taken us, which has kept nothing for us: what was said to it meanwhile, "
        "or waits at the one before, may be missing"
    ),
    msgid("our own connection to the broker is gone: no building is watched"),
)


def remark(note: str, tongue: Tongue) -> str:
    """Return a remark in a language, its moments by the site's clocks; as it stands if it is none of ours."""
    for sentence, shape in _shapes() if len(note) <= _LONGEST else ():
        found = shape.fullmatch(note)
        if found:
            return by_local_clocks(tongue.say(sentence, **found.groupdict()), tongue.time)
    return note


@lru_cache
def _shapes() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Each remark with what it looks like; what fills it may be any text within one line."""
    return tuple(
        (each, re.compile(re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>.+?)", re.escape(each)))) for each in _REMARKS
    )
