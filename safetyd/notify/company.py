"""Several notices to one address as one message.

Rule: what calls most for action comes first and gives the title. A few are told in full, the others by their
titles, and of very many those at the end by their tickets' numbers; none is left out.
"""

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import NamedTuple

from safetyd.core.plan import Reason
from safetyd.notify.forms import Words

IN_FULL = 5
NAMED = 100  # in full or by title: services take messages of some 28 kB
_URGENCY = (
    Reason.OUTAGE_WARNING,
    Reason.OUTAGE_BEGAN,
    Reason.OVERDUE,
    Reason.ESCALATED,
    Reason.OPENED,
    Reason.DIGEST,
    Reason.RECURRED,
    Reason.HELD,
    Reason.REMINDER,
    Reason.DISPUTED,
)


class News(NamedTuple):
    """One notice in words, and its reason."""

    reason: Reason
    words: Words


def in_order(news: Sequence[News]) -> list[Words]:
    """Return what is told, the most urgent first, else as it was owed."""
    ranks = {reason: rank for rank, reason in enumerate(_URGENCY)}
    return [each.words for each in sorted(news, key=lambda each: ranks.get(each.reason, len(ranks)))]


def together(news: Sequence[News]) -> Words:
    """Return all of it as one message; one notice alone stays as it is."""
    told = in_order(news)
    if len(told) == 1:
        return told[0]
    first, more = told[0], len(told) - 1
    parts = told[:IN_FULL]
    if told[IN_FULL:]:
        lines = [*map(_line, told[IN_FULL:NAMED]), *_numbers(told[NAMED:])]
        parts.append(Words(first.tongue.say("And also"), "\n".join(lines)))
    text = "\n\n".join(f"{part.title}\n{part.text}" for part in parts)
    tickets = _once(chain.from_iterable(each.tickets for each in told))
    links = _once(chain.from_iterable(each.links for each in told[:NAMED]))
    # Translators: the title of a message that holds several notices is that of the most urgent.
    title = first.tongue.plural(
        "{title} (and one more)", "{title} (and {count} more)", more, title=first.title
    )
    return Words(title, text, tickets, links, first.language, first.plan, tuple(parts))


def _line(words: Words) -> str:
    return f"- {words.title}" + (f" [{', '.join(words.tickets)}]" if words.tickets else "")


def _numbers(told: Sequence[Words]) -> Iterator[str]:
    """Yield one line with the tickets of all these; what is about none keeps a line of its own."""
    if tickets := _once(chain.from_iterable(each.tickets for each in told)):
        yield f"- {', '.join(tickets)}"
    yield from (_line(each) for each in told if not each.tickets)


def _once(found: "chain[str]") -> tuple[str, ...]:
    return tuple(dict.fromkeys(found))
