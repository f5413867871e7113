"""The daily word on the record itself: one line by which anybody can show later that it was not changed.

Rule: the line and the command stand in every language as they are typed.
"""

from datetime import datetime

from safetyd.core.world import Notice
from safetyd.notify.tongue import Tongue


def head(notice: Notice, tongue: Tongue) -> tuple[str, str]:
    """Return the title and text: the line, what it is for, and how it is used."""
    line = f"{notice.about['hash']}@{notice.about['number']}"
    lines = [
        tongue.say(
            "This line stands for all that was on record {time}. Keep it; nothing else is to be done.",
            time=tongue.time(datetime.fromisoformat(notice.about["sealed_at"])),
        ),
        line,
        tongue.say(
            "If anything of that record is ever changed or taken away, this command shows it: {command}",
            command=f"safetyd audit verify --head {line}",
        ),
    ]
    return tongue.say("The record so far, in one line to keep"), "\n".join(lines)
