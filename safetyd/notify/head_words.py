"""Words on the record itself: each day a line by which it can be checked, and what was found changed.

Rule: the line, the command and the records stand in every language as they are typed.
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


def altered(notice: Notice, tongue: Tongue) -> tuple[str, str]:
    """Return the title and text: what another hand has changed, and how anybody can see it."""
    about, count = notice.about, int(notice.about["count"])
    lines = [
        tongue.plural(
            "{count} record was found to be another than the chain of hashes says: {records}.",
            "{count} records were found to be others than the chain of hashes says: {records}.",
            count,
            records=about["records"],
        ),
        tongue.say(
            "Someone with access to the machine has changed the record, or the disk is failing."
            " What was found stays on the chain, and this command names it: {command}",
            command="safetyd audit verify",
        ),
    ]
    return tongue.say("The record was changed, and not by safetyd"), "\n".join(lines)
