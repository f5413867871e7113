"""Both sides of every building judged again at once, each in a process of its own.

Rule: a process reads the configuration and the store itself, of a district that of the building's shard, so
that nothing but plain values passes between them.
"""

import os
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from safetyd.assigned import composed
from safetyd.configuration import load
from safetyd.sharding import keeping
from safetyd.site import Site, with_rules
from safetyd.store import readings, rollups
from safetyd.store.database import open_for_reading, told_on_failure
from safetyd.times import rfc3339
from safetyd.whatif.answer import EXACT, Answer, Question, compared
from safetyd.whatif.exact import judge_again
from safetyd.whatif.figures import Outcome, WhatIfError, joined
from safetyd.whatif.pool import each_worked

_COUNT_EVERY = 2_000  # rows


class Job(NamedTuple):
    """One side of one building."""

    config: Path
    settings: tuple[str, ...]
    building: str
    begin: datetime
    end: datetime


def exactly(
    config: Path,
    site: Site,
    urls: Sequence[str],
    question: Question,
    progress: Callable[[int, int], object] = lambda done, of: None,
    workers: int = 0,
    cluster: str = "",
) -> Answer:
    """Return the answer of every stored reading; `progress` hears of rows that are done, and of how many.

    `site` is the one to be judged by, `urls` are the stores that keep its buildings; 0 workers are one for
    each processor, a `cluster` is the address of a Dask scheduler.

    Raises:
        WhatIfError: the readings are not there.
        StoreError: a store cannot be read.
        ConfigurationError: a setting is none.
    """
    with_rules(site, question.settings)
    rows = sum(_rows(url, question) for url in urls)
    sides = (question.settings, ()) if question.settings else ((),)
    jobs = [
        Job(config, settings, building, question.begin, question.end)
        for building in question.buildings
        for settings in sides
    ]
    each = rows // len(urls)  # of a shard, on average; a job passes over those of its own store
    found = dict(zip(jobs, each_worked(jobs, _count_rows, each, progress, workers, cluster), strict=True))
    in_force, proposed = (
        joined([found[job] for job in jobs if job.settings == settings])
        for settings in ((), question.settings)
    )
    return compared(site, question, EXACT, in_force, proposed, dict(in_force.known), in_force.in_class)


def judge(job: Job, progress: Callable[[int], object] = lambda _: None) -> Outcome:
    """Return what one side of one building comes to."""
    loaded = keeping(load(job.config, os.environ), job.building)
    url, root = loaded.settings.store.url, loaded.settings.mqtt.root
    with told_on_failure(url), closing(open_for_reading(url)) as connection:
        site = with_rules(composed(connection, loaded.site, root).site, job.settings)
        return judge_again(connection, site, root, job.building, job.begin, job.end, progress)


def _rows(url: str, question: Question) -> int:
    """Return how many rows of a store are of a range."""
    with told_on_failure(url), closing(open_for_reading(url)) as connection:
        rolled = rollups.progress(connection)
        if rolled is not None and rolled.retired_to is not None and question.begin < rolled.retired_to:
            since = rfc3339(rolled.retired_to)
            raise WhatIfError(
                f"single readings from before {since} are deleted here; leave out --exact, or begin there"
            )
        first, after = (readings.first_id_since(connection, at) for at in (question.begin, question.end))
        return after - first


def _count_rows(job: Job, tell: Callable[[int], object]) -> Outcome:
    return judge(job, _counter(tell))


def _counter(tell: Callable[[int], object]) -> Callable[[int], None]:
    """Return what hears of row numbers, and tells now and then how many rows they have passed."""
    first = next_at = -1

    def hear(id: int) -> None:
        nonlocal first, next_at
        if first < 0:
            first, next_at = id, id + _COUNT_EVERY
        if id >= next_at:
            next_at = id + _COUNT_EVERY
            tell(id - first)

    return hear
