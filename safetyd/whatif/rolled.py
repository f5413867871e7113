"""The answer from the roll-ups: of one store, or of several that share a district's buildings.

Rule: each building is worked out from the store that keeps it, and all of them up to the same hour: that to
which every store is rolled up.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from typing import NamedTuple

from safetyd.core.model import Place
from safetyd.core.rules import RuleBook
from safetyd.core.world import Facts
from safetyd.ingest.topics import routes
from safetyd.recovery import facts_of
from safetyd.site import Site
from safetyd.store import rollups, supposing
from safetyd.store.database import Connection
from safetyd.times import months, rfc3339
from safetyd.whatif.answer import (
    ESTIMATED,
    Answer,
    Question,
    both_books,
    compared,
    full_hours,
    hours_around,
    unread,
)
from safetyd.whatif.estimate import Span, estimate
from safetyd.whatif.figures import Key, Outcome, WhatIfError, class_spans, joined
from safetyd.whatif.record import Stored
from safetyd.whatif.waiting import waiting, waiting_words

Store = Callable[
    [], AbstractContextManager[tuple[Connection, Site]]
]  # opened, with the site of its buildings


class _Share(NamedTuple):
    """What one store comes to: both sides, how much is known, how long rooms were in breach on record, which
    months are known of in hours of class, and of which buildings readings are left out."""

    sides: tuple[Outcome, Outcome]
    known: dict[Key, int]
    recorded: int
    in_class: set[Key]
    late: list[str]


def estimated(
    connection: Connection,
    site: Site,
    question: Question,
    progress: Callable[[float], object] = lambda _: None,
) -> Answer:
    """Return the answer from the roll-ups of a store; `progress` hears which share of it is done.

    Raises:
        WhatIfError: they cannot give one.
        ConfigurationError: a setting is none.
    """
    return estimated_of([lambda: nullcontext((connection, site))], site, question, progress)


def estimated_of(
    stores: Sequence[Store],
    site: Site,
    question: Question,
    progress: Callable[[float], object] = lambda _: None,
) -> Answer:
    """Return the answer from the roll-ups of several stores that keep the buildings of a site.

    Raises:
        WhatIfError: they cannot give one.
        ConfigurationError: a setting is none.
    """
    books = both_books(site, question.settings)
    settled_to = min(_settled_to(store, question) for store in stores)
    span = full_hours(question.begin, min(question.end, settled_to))
    if span.begin >= span.end:
        until = rfc3339(settled_to)
        raise WhatIfError(f"the range holds no full hour that is rolled up; what is ends at {until}")
    asked, ends = question._replace(begin=span.begin, end=span.end), why_it_ends(question.end, span.end, site)
    shares = []
    for number, store in enumerate(stores):

        def passed(at: datetime, before: int = number) -> None:
            progress((before + (at - span.begin) / (span.end - span.begin)) / len(stores))

        with store() as (connection, part):
            shares.append(_share(connection, part, asked, books, passed))
    known = {key: much for share in shares for key, much in share.known.items()}
    behind = {building for share in shares for building in share.late}
    late = waiting_words([each for each in question.buildings if each in behind], site)
    if not sum(known.values()):
        raise WhatIfError("; ".join((late or unread(asked, site), *ends)))
    in_force, other = (joined([share.sides[side] for share in shares]) for side in range(2))
    in_class = {key for share in shares for key in share.in_class}
    recorded = sum(share.recorded for share in shares)
    found = compared(site, asked, ESTIMATED, in_force, other, known, in_class, recorded)
    return found._replace(remarks=(*ends, *([late] if late else ())))


def _settled_to(store: Store, question: Question) -> datetime:
    """Return up to when a store is rolled up."""
    with store() as (connection, site):
        rolled = rollups.progress(connection)
    if rolled is None:
        here = ", ".join(each.id for each in site.buildings if each.id in question.buildings)
        raise WhatIfError(f"nothing is rolled up yet of {here}; run: safetyd history rebuild, or add --exact")
    return rolled.settled_to


def _share(
    connection: Connection,
    site: Site,
    question: Question,
    books: Sequence[RuleBook],
    progress: Callable[[datetime], object],
) -> _Share:
    span, facts, rolled = (
        Span(question.begin, question.end),
        facts_of(site, routes(site)),
        rollups.progress(connection),
    )
    places = {
        each.number: each.place
        for each in rollups.places(connection)
        if each.place.building in question.buildings and each.place in facts.places
    }
    known, recorded = _reach(connection, facts, places, span)
    late = waiting(connection, question.buildings, *span, 0 if rolled is None else rolled.reading)
    in_force, other = estimate(Stored(connection), facts, books, places, span, progress)
    in_class = _in_class(connection, facts, places, span, known)
    return _Share((in_force, other), known, recorded, in_class, late)


def why_it_ends(wanted: datetime, end: datetime, site: Site) -> list[str]:
    """Return why an estimate ends before the end that was wanted, a sentence if it does."""
    if end >= wanted:
        return []
    at, then = (f"{each.astimezone(site.timezone):%Y-%m-%d %H:%M}" for each in (end, wanted))
    return [f"it ends at {at}, not at {then}: it counts full hours, as far as they are rolled up by now"]


def _reach(
    connection: Connection, facts: Facts, places: dict[int, Place], span: Span
) -> tuple[dict[Key, int], int]:
    """Return how much of each building and month is known, and how long rooms were in breach on record."""
    known: dict[Key, int] = {}
    recorded = 0
    for month, begin, end in months(*span, facts.timezone):
        for number, each in supposing.reach(connection, begin, end).items():
            if number in places:
                key = places[number].building, month
                known[key] = known.get(key, 0) + each.known
                recorded += each.breach
    return known, recorded


def _in_class(
    connection: Connection, facts: Facts, places: dict[int, Place], span: Span, known: dict[Key, int]
) -> set[Key]:
    """Return the buildings and months in whose student day, by full hours, anything of a room is known."""
    spans = {month: (begin, end) for month, begin, end in months(*span, facts.timezone)}
    found: set[Key] = set()
    for building, month in (key for key, much in known.items() if much):
        numbers = [number for number, each in places.items() if each.building == building and each.room]
        classes = class_spans(facts.calendar_of(building), *spans[month])
        if any(supposing.is_room_known(connection, *hours_around(*each), numbers) for each in classes):
            found.add((building, month))
    return found
