"""Sentences about a step of relief, whole for each tier, so that a language may bend its words as it must."""

from typing import NamedTuple

from safetyd.core.ticket import Tier
from safetyd.notify.tongue import msgid


class TierWords(NamedTuple):
    """What is said of one tier."""

    owed: str
    is_due: str
    is_overdue: str
    next_step: str
    recorded: str
    recorded_with_kind: str
    extended: str
    late: str


TIER_WORDS: dict[str, TierWords] = {
    Tier.MITIGATION: TierWords(
        msgid("Relief from the temperature due {due}."),
        msgid("{where}: relief from the temperature is due {due}"),
        msgid("{where}: relief from the temperature is OVERDUE"),
        msgid("Record relief from the temperature when it is given: what was done, and by whom."),
        msgid("{by} recorded relief from the temperature."),
        msgid("{by} recorded relief from the temperature ({kind})."),
        msgid("{where}: relief from the temperature extended"),
        msgid("Relief from the temperature is OVERDUE since {due}."),
    ),
    Tier.IMMEDIATE: TierWords(
        msgid("Immediate relief due {due}."),
        msgid("{where}: immediate relief is due {due}"),
        msgid("{where}: immediate relief is OVERDUE"),
        msgid("Record immediate relief when it is given: what was done, and by whom."),
        msgid("{by} recorded immediate relief."),
        msgid("{by} recorded immediate relief ({kind})."),
        msgid("{where}: immediate relief extended"),
        msgid("Immediate relief is OVERDUE since {due}."),
    ),
    Tier.MIDTERM: TierWords(
        msgid("Midterm relief due {due}."),
        msgid("{where}: midterm relief is due {due}"),
        msgid("{where}: midterm relief is OVERDUE"),
        msgid("Record midterm relief when it is given: what was done, and by whom."),
        msgid("{by} recorded midterm relief."),
        msgid("{by} recorded midterm relief ({kind})."),
        msgid("{where}: midterm relief extended"),
        msgid("Midterm relief is OVERDUE since {due}."),
    ),
    Tier.LONG_TERM: TierWords(
        msgid("The long-term resolution due {due}."),
        msgid("{where}: the long-term resolution is due {due}"),
        msgid("{where}: the long-term resolution is OVERDUE"),
        msgid("Record the long-term resolution when it is given: what was done, and by whom."),
        msgid("{by} recorded the long-term resolution."),
        msgid("{by} recorded the long-term resolution ({kind})."),
        msgid("{where}: the long-term resolution extended"),
        msgid("The long-term resolution is OVERDUE since {due}."),
    ),
}
