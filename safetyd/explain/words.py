"""An explanation as a reader wants it: a headline, then sections of sentences, from what was heard on.

Rule: facts, without legal conclusion. The command line and the page say the same sentences.
"""

from collections.abc import Iterator
from typing import NamedTuple

from safetyd.core.model import Condition, Verdict
from safetyd.core.taken_up import Way, open_at
from safetyd.core.ticket import Ticket
from safetyd.explain.clock_words import Clock, lasting
from safetyd.explain.explanation import Explanation, Silence
from safetyd.explain.heard_words import heard_words
from safetyd.explain.mains_words import mains_words
from safetyd.explain.ticket_words import hazard_words, opened_words, since_words, taken_words
from safetyd.explain.verdict_words import NOUNS, VERDICTS, air_words, rule_words

_MOST_NOTES = 10
_TOO = {Condition.COLD: "too cold (in breach)", Condition.HEAT: "too hot (in breach)"}
_NOTHING_AT_ALL = (Silence.NO_SENSOR, Silence.NEVER_HEARD, Silence.NOT_YET_HEARD)


class Section(NamedTuple):
    """Sentences that belong together, under a title."""

    title: str
    sentences: tuple[str, ...]


def clock_of(found: Explanation) -> Clock:
    """Return what writes the moments of an explanation."""
    return Clock(found.site.timezone, found.at)


def place_words(found: Explanation) -> str:
    """Return what people call the place."""
    building = found.site.building(found.place.building)
    name = building.name if building else found.place.building
    if found.place.room is None:
        return name
    room = building.room(found.place.room) if building else None
    return f"{name}, {room.name if room else found.place.room}"


def headline(found: Explanation) -> str:
    """Return the answer in a sentence."""
    clock, where = clock_of(found), place_words(found)
    when = clock.whole(found.at)
    if found.learned_at is not None and found.asked is not None:
        return (
            f"{found.asked.id} was opened for {where}, {clock.whole(found.learned_at)}, by what was measured"
            f" {lasting(found.learned_at - found.at)} before, {when}: {_verdicts(found)}."
        )
    if found.silence is Silence.FUTURE:
        return f"{when} is still to come: nothing is known of {where} then."
    if _is_bare(found):
        return " ".join(_silence_words(found, clock))
    if found.asked is not None and found.asked.condition is Condition.HAZARD:
        return f"{found.asked.id}: {where}, reported by a person, {when}."
    asked = (
        f"{found.asked.id} was opened for {where}, {when}" if found.asked is not None else f"{where}, {when}"
    )
    return f"{asked}: {_verdicts(found)}."


def _verdicts(found: Explanation) -> str:
    if found.mains is not None:
        return f"electricity {VERDICTS[found.mains.verdict]}"
    assert found.air is not None
    asked = None if found.asked is None else found.asked.condition
    told = [each for each in found.air.judgements if asked in (None, each.condition)]
    return ", ".join(
        _TOO[each.condition]
        if each.verdict is Verdict.BREACH
        else f"{NOUNS[each.condition]} {VERDICTS[each.verdict]}"
        for each in told
    )


def _is_bare(found: Explanation) -> bool:
    """Whether one sentence says it all: nothing was heard, and nothing is on record."""
    is_on_record = found.asked is not None or found.imports or open_at(found.record, None, found.at)
    return found.silence in _NOTHING_AT_ALL and not is_on_record


def sections(found: Explanation) -> list[Section]:
    """Return the whole explanation; where the headline says it all there is none."""
    if found.silence is Silence.FUTURE or _is_bare(found):
        return []
    clock = clock_of(found)
    asked = found.asked
    if asked is not None and asked.condition is Condition.HAZARD:
        told = [Section("Why this ticket", tuple(hazard_words(asked, found, clock)))]
        return [*told, _since(asked, found, clock)]
    silence = tuple(_silence_words(found, clock))
    made = [Section("What was heard", (*silence, *heard_words(found, clock)))]
    made.append(Section("By which rules", tuple(rule_words(found, clock))))
    made += _judged(found, clock)
    made.append(Section("The hours", tuple(_hours_words(found))))
    if asked is not None:
        made.append(_since(asked, found, clock))
    made.append(Section("Beside that", tuple(_notes(found, clock))))
    return [each for each in made if each.sentences]


def _judged(found: Explanation, clock: Clock) -> Iterator[Section]:
    asked = None if found.asked is None else found.asked.condition
    if found.mains is not None:
        taken = taken_words(
            Condition.OUTAGE, found.taken[Condition.OUTAGE], found.mains.verdict, found, clock
        )
        yield Section("Electricity", (*mains_words(found, clock), *_of_asked(found, clock, taken)))
        return
    assert found.air is not None
    verdicts = {each.condition: each.verdict for each in found.air.judgements}
    for condition, lines in air_words(found, clock):
        if asked in (None, condition):
            taken = taken_words(condition, found.taken[condition], verdicts[condition], found, clock)
            yield Section(condition.value.capitalize(), (*lines, *_of_asked(found, clock, taken)))


def _of_asked(found: Explanation, clock: Clock, taken: Iterator[str]) -> Iterator[str]:
    """What is said of the ticket: of one that is asked about, when and why it was opened."""
    said = list(taken)
    asked = found.asked
    if asked is None or any(each.startswith(f"{asked.id} was opened") for each in said):
        yield from said
        return
    yield from opened_words(asked, found, clock)
    if found.taken[asked.condition].way is Way.NO_BREACH:
        yield "Judged again, what is kept of that time shows no such breach: the record is what holds."
    else:
        yield from said


def _since(ticket: Ticket, found: Explanation, clock: Clock) -> Section:
    return Section("What became of it", tuple(since_words(ticket, found, clock)))


def _silence_words(found: Explanation, clock: Clock) -> Iterator[str]:
    where = place_words(found)
    match found.silence:
        case Silence.NO_SENSOR:
            what = "witness of its mains" if found.place.room is None else "sensor"
            strays = (
                f" {found.strays} topic{'s' if found.strays > 1 else ''} that nobody is assigned to"
                f" {'have' if found.strays > 1 else 'has'} been heard: see safetyd sensors --unassigned."
                if found.strays
                else ""
            )
            yield f"{where} has no {what}, so nothing is known of it.{strays}"
        case Silence.NEVER_HEARD:
            yield f"The site file names who speaks for {where}, but nothing has ever been heard of it."
        case Silence.NOT_YET_HEARD:
            assert found.first_at is not None
            first = clock(found.first_at)
            yield f"Nothing had been heard of {where} by then: its first reading is of {first}."
        case Silence.DELETED:
            assert found.kept_since is not None
            yield (
                f"The readings of that time are deleted (kept are those since {clock(found.kept_since)}), so"
                " nothing can be judged again; what is on record stays."
            )
        case None if not (found.air.heard if found.air is not None else found.mains and found.mains.said):
            yield f"Nothing was heard of {where} since {clock(found.told_since)}."
        case _:
            return


def _hours_words(found: Explanation) -> Iterator[str]:
    hours, rules = found.hours, found.rules
    if hours.has_every_hour:
        yield "There is no calendar, so every hour counts as work hours and as a student day."
        return
    work = "within" if hours.is_work else "outside"
    student = "within" if hours.is_student else "outside"
    yield f"That moment was {work} work hours and {student} the student day."
    if found.mains is None:
        yield (
            "The rules hold back what begins outside work hours until work begins."
            if rules.outside_work_hours == "hold"
            else "The rules open tickets outside work hours too."
        )


def _notes(found: Explanation, clock: Clock) -> Iterator[str]:
    for trouble in found.troubles[:_MOST_NOTES]:
        note = f": {trouble.note}" if trouble.note else ""
        yield (
            f"{trouble.sensor} was in trouble ({trouble.kind}) since {clock(trouble.began_at)}{note}; trouble"
            " of a sensor is no breach and no ticket."
        )
    for id in open_at(found.record, Condition.HAZARD, found.at)[:_MOST_NOTES]:
        hazard = found.record.tickets[id].hazard
        what = f" ({hazard.value.replace('_', ' ')})" if hazard else ""
        yield f"{id}{what} was open too: a person reported it, and no reading bears on it."
    if found.shelf is not None:
        shelf = found.shelf
        yield (
            f"{shelf.by} held back messages about it since {clock(shelf.began_at)}, until"
            f" {clock(shelf.until)}: {shelf.note}. That withholds messages and nothing else."
        )
    for each in found.imports[:_MOST_NOTES]:
        how = "with tickets" if each.is_ticketed else "without tickets"
        yield (
            f"Readings of this time were imported from {each.file} by {each.by} at {clock(each.at)}, {how};"
            " they are history, were not known then, and are not judged again here."
        )
    if found.later is not None:
        count = found.later.values
        yield (
            f"{count} value{'s' if count > 1 else ''} of the time up to then arrived only afterwards, the"
            f" last at {clock(found.later.last_at)}: here stands what was known at {clock(found.known_at)}."
        )
