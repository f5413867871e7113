"""What a season would have been under other rules, by Parquet files: the estimate, building by building.

Rule: what five minutes say, and what follows from it, is `whatif.estimate`'s; here it is only read from
elsewhere. Each building is a job of its own, which could run on another machine as well.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

from safetyd.configuration import load
from safetyd.ingest.topics import routes
from safetyd.lake.duck import LakeError, opened
from safetyd.lake.layout import months_between
from safetyd.lake.reading import Survey, survey
from safetyd.lake.season import Season
from safetyd.recovery import facts_of
from safetyd.site import Site
from safetyd.times import months, rfc3339
from safetyd.whatif.answer import Answer, Question, both_books, compared, full_hours, hours_around
from safetyd.whatif.estimate import Span, estimate
from safetyd.whatif.figures import Key, Outcome, WhatIfError, class_spans, joined
from safetyd.whatif.pool import each_worked

OVER = "estimated from 5-minute values, read from Parquet files"
_BY_READINGS = "ask the safetyd that has the readings, with --exact"


class Job(NamedTuple):
    """One building, and the configuration that says what it is and what is in force."""

    folder: Path
    config: Path
    building: str
    settings: tuple[str, ...]
    months: tuple[date, ...]
    span: Span
    threads: int
    asked: str  # which question it is of: the configuration may have been edited since the one before


class Judged(NamedTuple):
    """Both sides of a building, how much of each month is known, how long it was in breach on record, and
    which months are known of in hours of class."""

    in_force: Outcome
    proposed: Outcome
    known: dict[Key, int]
    recorded: int
    in_class: frozenset[Key]


def over(
    folder: Path,
    config: Path,
    question: Question,
    progress: Callable[[int, int], object] = lambda done, of: None,
    workers: int = 0,
    cluster: str = "",
) -> Answer:
    """Return the answer from an export; 0 workers are one for each processor.

    A `cluster` is the address of a Dask scheduler whose workers see the files where we do.

    Raises:
        LakeError: a file is damaged, or none is there.
        WhatIfError: 5-minute values cannot give an answer.
        ConfigurationError: a setting is none.
    """
    asked = uuid4().hex
    site = _site(config, asked)
    both_books(site, question.settings, mend=_BY_READINGS)
    folder, wanted = folder.resolve(), months_between(question.begin, question.end, site.timezone)
    surveys = _surveys(folder, question.buildings, wanted)
    span = full_hours(question.begin, min(question.end, max(each.until for each in surveys.values())))
    if span.begin >= span.end:
        raise WhatIfError(
            f"the range holds no full hour that is exported; what is ends at {rfc3339(span.end)}"
        )
    processors = 1 if cluster else os.cpu_count() or 1
    at_once = min(workers or processors, len(surveys))
    jobs = [
        Job(
            folder,
            config,
            building,
            question.settings,
            found.months,
            span,
            max(1, processors // at_once),
            asked,
        )
        for building, found in surveys.items()
    ]
    judged = list(each_worked(jobs, judge, 2 * len(wanted), progress, workers, cluster))
    known: dict[Key, int] = {}
    for each in judged:
        known |= each.known
    answer = compared(
        site,
        question._replace(begin=span.begin, end=span.end),
        OVER,
        joined([each.in_force for each in judged]),
        joined([each.proposed for each in judged]),
        known,
        {key for each in judged for key in each.in_class},
        sum(each.recorded for each in judged),
    )
    held = months_between(*span, site.timezone)
    return answer._replace(remarks=tuple(_absences(question.buildings, surveys, held)))


def judge(job: Job, tell: Callable[[int], object] = lambda _: None) -> Judged:
    """Return what both sides of one building come to; `tell` hears of steps, two for each month."""
    site, building = _site(job.config, job.asked), job.building
    site = replace(site, buildings=tuple(each for each in site.buildings if each.id == building))
    facts, books = facts_of(site, routes(site)), both_books(site, job.settings)
    spans = list(months(*job.span, facts.timezone))
    done = 0

    def step() -> None:
        nonlocal done
        done += 1
        tell(done)

    with opened(job.folder, job.threads) as duck:
        season = Season(duck, job.folder, site, building, job.months, books, step)
        turns = iter([end for _, _, end in spans])
        turn = next(turns)

        def passed(hour: datetime) -> None:
            nonlocal turn
            if hour >= turn:
                turn = next(turns, job.span.end)
                step()

        in_force, proposed = estimate(season, facts, books, season.places, job.span, passed)
        reached = {(building, month): season.reach(begin, end) for month, begin, end in spans}
        calendar = facts.calendar_of(building)
        in_class = frozenset(
            (building, month)
            for month, begin, end in spans
            if any(season.reach(*hours_around(*each)).known for each in class_spans(calendar, begin, end))
        )
    known = {key: each.known for key, each in reached.items()}
    return Judged(in_force, proposed, known, sum(each.breach for each in reached.values()), in_class)


@lru_cache(maxsize=1)
def _site(config: Path, _asked: str) -> Site:
    """Return the site, read once in a process for each question."""
    return load(config, os.environ).site


def _surveys(folder: Path, buildings: Sequence[str], wanted: Sequence[date]) -> dict[str, Survey]:
    with opened(folder, threads=1) as duck:
        found = {building: survey(duck, folder, building, wanted) for building in buildings}
    there = {building: each for building, each in found.items() if each is not None}
    if not there:
        since, until = (f"{month:%Y-%m}" for month in (wanted[0], wanted[-1]))
        raise LakeError(
            f"{folder}: holds nothing of {', '.join(buildings)} from {since} to {until};"
            " make it with: safetyd history export"
        )
    return there


def _absences(buildings: Sequence[str], surveys: dict[str, Survey], held: Sequence[date]) -> list[str]:
    """Return a sentence for each building of which months are missing."""
    said = []
    for building in buildings:
        there = surveys[building].months if building in surveys else ()
        missing = [f"{month:%Y-%m}" for month in held if month not in there]
        if missing:
            said.append(f"of {building} nothing is exported for {', '.join(missing)}; that is left out")
    return said
