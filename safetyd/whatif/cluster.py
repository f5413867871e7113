"""Pieces of work done on the machines of a Dask cluster, and the only door to that.

Rule: a machine of the cluster reads for itself: it sees the files, the configuration and the store under the
names that this one has for them, and runs the same release of safetyd. Only jobs and answers travel.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from safetyd import __version__
from safetyd.whatif.figures import WhatIfError

_ANSWERS_WITHIN = "5s"

Job = TypeVar("Job")
Made = TypeVar("Made")
Tell = Callable[[int], object]


def each_elsewhere(
    scheduler: str,
    jobs: Sequence[Job],
    work: Callable[[Job, Tell], Made],
    progress: Callable[[int], object],
) -> Iterator[Made]:
    """Yield what the work makes of each job, in their order; `progress` hears how many are done.

    Raises:
        WhatIfError: nobody answers there, nobody works there, or not by this release.
    """
    with _client(scheduler) as client:
        from distributed import KilledWorker, as_completed

        futures = client.map(_alone, [work] * len(jobs), jobs, pure=False)
        for done, _ in enumerate(as_completed(futures, loop=client.loop), 1):  # type: ignore[no-untyped-call]
            progress(done)
        try:
            yield from client.gather(futures)
        except KilledWorker as error:
            raise WhatIfError(
                f"{scheduler}: a building ended every worker that judged it; have they too little memory?"
            ) from error


def _alone(work: Callable[[Job, Tell], Made], job: Job) -> Made:
    return work(job, lambda _: None)


@contextmanager
def _client(scheduler: str) -> Iterator[Any]:
    try:
        from distributed import Client
    except ImportError as error:
        raise WhatIfError("a cluster needs Dask; install it with: pip install 'safetyd[cluster]'") from error
    try:
        client: Any = Client(scheduler, timeout=_ANSWERS_WITHIN, set_as_default=False)  # type: ignore[no-untyped-call]
    except (OSError, ValueError) as error:
        raise WhatIfError(
            f"{scheduler}: no scheduler of a Dask cluster answers there; start one with: dask scheduler"
        ) from error
    with client:
        _check(scheduler, client)
        yield client


def _check(scheduler: str, client: Any) -> None:
    """Have somebody there who would come to the same."""
    if not client.scheduler_info()["workers"]:
        raise WhatIfError(f"{scheduler}: has no workers yet; start some with: dask worker {scheduler}")
    try:
        found = client.run(_release)
    except ModuleNotFoundError as error:
        raise WhatIfError(
            f"{scheduler}: its workers have no safetyd; install {__version__} with [cluster] there"
        ) from error
    for worker, release in found.items():
        if release != __version__:
            raise WhatIfError(f"{scheduler}: {worker} has safetyd {release}, here is {__version__}; have one")


def _release() -> str:
    return __version__
