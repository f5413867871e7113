"""What the steps of relief are called on a page: each says how long it may take, where it has a length.

Rule: the length is the one that a ticket was promised, not the one of today's rules.
"""

from datetime import timedelta

from safetyd.core.ticket import Deadline, Ticket, Tier

_UNITS = (("week", timedelta(weeks=1)), ("day", timedelta(days=1)))
_PLAIN = {
    Tier.MITIGATION: "relief from the temperature",
    Tier.IMMEDIATE: "immediate relief",
    Tier.MIDTERM: "midterm relief",
    Tier.LONG_TERM: "long-term relief",
}


def tier_name(tier: Tier, within: timedelta | None = None) -> str:
    """Return what a step is called: 24-hour relief, immediate relief (2 weeks)."""
    if within is not None and tier is Tier.MITIGATION:
        return f"{_length(within, is_one_word=True)} relief"
    if within is not None and tier is Tier.IMMEDIATE:
        return f"{_PLAIN[tier]} ({_length(within)})"
    return _PLAIN[tier]


def name_of(ticket: Ticket, deadline: Deadline) -> str:
    """Return what a step of a ticket is called."""
    due_at = deadline.due_at
    return tier_name(deadline.tier, None if due_at is None else due_at - ticket.began_at)


def _length(span: timedelta, *, is_one_word: bool = False) -> str:
    whole = [(name, unit) for name, unit in _UNITS if span >= 2 * unit and not span % unit]
    name, unit = whole[0] if whole else ("hour", timedelta(hours=1))
    count = f"{span / unit:g}"
    if is_one_word:
        return f"{count}-{name}"
    return f"{count} {name}" if count == "1" else f"{count} {name}s"
