"""Pieces of work done at once, each in a process of its own, on this machine or on those of a cluster.

Rule: the work is a function of a module and a job plain values, for both go to another process; with one
worker all is done here.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from multiprocessing import get_context
from typing import Any, TypeVar

from safetyd.whatif.figures import WhatIfError

_LOOK_EVERY_SECONDS = 0.2

_count: Any = None  # of this process: how many steps all of them have done

Job = TypeVar("Job")
Made = TypeVar("Made")
Tell = Callable[[int], object]


def each_worked(
    jobs: Sequence[Job],
    work: Callable[[Job, Tell], Made],
    steps: int,
    progress: Callable[[int, int], object],
    workers: int = 0,
    cluster: str = "",
) -> Iterator[Made]:
    """Yield what the work makes of each job, in their order; 0 workers are one for each processor.

    `steps` are those of one job, of which the work tells how many it has done; `progress` hears of all.
    A `cluster` is named by the address of its scheduler.

    Raises:
        WhatIfError: a process was ended from outside, or the cluster is of no use.
    """
    if cluster:
        from safetyd.whatif.cluster import each_elsewhere

        yield from each_elsewhere(cluster, jobs, work, lambda done: progress(done, len(jobs)))
        return
    workers, whole = min(workers or os.cpu_count() or 1, len(jobs)), max(1, steps * len(jobs))
    if workers <= 1:
        for number, job in enumerate(jobs):
            yield work(job, partial(_tell, progress, number * steps, whole))
        return
    context = get_context("spawn")  # a forked process would share what the store's library holds open
    count = context.Value("q", 0)
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_begin, initargs=(count,)) as pool:
        futures: list[Future[Made]] = [pool.submit(_work, work, job) for job in jobs]
        try:
            while wait(futures, _LOOK_EVERY_SECONDS).not_done:
                progress(min(count.value, whole), whole)
            yield from [future.result() for future in futures]
        except BrokenProcessPool as error:
            raise WhatIfError(
                "a process that judged was ended from outside; was there too little memory?"
            ) from error
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _tell(progress: Callable[[int, int], object], before: int, whole: int, done: int) -> None:
    progress(before + done, whole)


def _begin(count: Any) -> None:
    global _count  # noqa: PLW0603 - how a pool hands something to its processes
    _count = count


def _work(work: Callable[[Job, Tell], Made], job: Job) -> Made:
    last = 0

    def add(done: int) -> None:
        nonlocal last
        with _count.get_lock():
            _count.value += done - last
        last = done

    return work(job, add)
