"""`safetyd whatif --cluster`: judged by a real Dask cluster, with the answer of one machine."""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from distributed import Client, get_task_stream

import safetyd
from tests.journeys.servers import LOOPBACK, WITHIN, free_port, until
from tests.lake.lakes import STRICT, exported
from tests.lake.shards import shared
from tests.postgres import postgres
from tests.story import SCHOOL_YEAR, Json, Story, Told
from tests.whatif.season import END, ask, kept, tell

pytestmark = pytest.mark.journey

HERE = ("--host", LOOPBACK, "--no-dashboard")


@contextmanager
def dask(folder: Path, *arguments: str, environment: Mapping[str, str] = os.environ) -> Iterator[None]:
    command = [sys.executable, "-m", "dask", *arguments, *HERE]
    with (folder / "dask.log").open("ab") as log:
        child = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder, env=dict(environment))
    try:
        yield
    finally:
        child.terminate()
        child.wait(WITHIN)


@contextmanager
def scheduler(folder: Path) -> Iterator[str]:
    address = f"tcp://{LOOPBACK}:{(port := free_port())}"
    with dask(folder, "scheduler", "--port", str(port)):
        until("the scheduler listens", lambda: address in (folder / "dask.log").read_text())
        yield address


@contextmanager
def worker(folder: Path, address: str, **environment: str) -> Iterator[None]:
    settings = dict(os.environ) | {"PYTHONPATH": str(Path(safetyd.__file__).parents[1])} | environment
    before = (folder / "dask.log").read_text().count("Registered to")
    with dask(folder, "worker", address, "--no-nanny", "--nthreads", "1", environment=settings):
        until("it works", lambda: (folder / "dask.log").read_text().count("Registered to") > before)
        yield


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a scheduler with two workers."""
    folder = tmp_path_factory.mktemp("cluster")
    with ExitStack() as held:
        address = held.enter_context(scheduler(folder))
        for _ in range(2):
            held.enter_context(worker(folder, address))
        yield address


def hot_week() -> Story:
    """Three hot afternoons at maple, and a longer one at cedar."""
    story = Story(calendar=SCHOOL_YEAR)
    for day in ("02", "03", "04"):
        hot(story, "maple", "12", day, "15:00")
    return hot(story, "cedar", "7", "08", "16:30")


def hot(story: Story, building: str, room: str, day: str, until: str) -> Story:
    day = f"2026-09-{day}"
    mild, warm = ({"temperature_f": each, "humidity": 45.0, "building": building} for each in (72.0, 82.0))
    story.reading(room, f"{day} 08:00", until=f"{day} 12:55", **mild)
    return story.reading(room, f"{day} 13:00", until=f"{day} {until}", **warm)


def each_is_what_replay_tells(found: Json, told: Told) -> None:
    """Fail unless each building's figures are those of a replay, and no two of them the same."""
    sums = {}
    for id in ("maple", "cedar"):
        (here,) = [each["proposed"] for each in found["months"] if each["building"] == id]
        tickets = [each for each in told.tickets if each["building"] == id]
        seconds = sum(each["breach_s"] for each in told.output["rooms"] if each["building"] == id)
        assert here["tickets"] == len(tickets) > 0
        assert here["breach_h"] == pytest.approx(seconds / 3600, abs=1e-3) and seconds > 0
        sums[id] = seconds
    assert sums["maple"] != sums["cedar"]


@contextmanager
def counting(cluster: str) -> Iterator[Counter[str]]:
    """Yield what becomes how many jobs each worker of a cluster has done meanwhile."""
    done: Counter[str] = Counter()
    with Client(cluster, set_as_default=False) as client:
        with get_task_stream(client) as stream:
            yield done
        done.update(each["worker"] for each in stream.data if each["key"].startswith("_alone"))


def test_every_reading_judged_on_a_cluster_leads_to_what_replay_tells(cluster: str, tmp_path: Path) -> None:
    story = hot_week()
    told, config = story.replay(END, STRICT), kept(story, tmp_path)
    with counting(cluster) as done:
        run = tell(config, *STRICT, exact=True, more=["--json", "--cluster", cluster])
    assert run.code == 0, run.err
    each_is_what_replay_tells(json.loads(run.out), told)
    assert len(done) == 2 and done.total() == 4  # two sides of each of two buildings
    assert json.loads(run.out) == ask(config, *STRICT, exact=True)


def test_an_export_judged_on_a_cluster_gives_the_answer_of_one_machine(cluster: str, tmp_path: Path) -> None:
    config = kept(hot_week(), tmp_path)
    folder = exported(config)
    over = ["--json", "--over", str(folder)]
    here = tell(config, *STRICT, more=over)
    with counting(cluster) as done:
        there = tell(config, *STRICT, more=[*over, "--cluster", cluster])
    assert here.code == there.code == 0, here.err + there.err
    assert len(done) == 2 == done.total()
    answer = json.loads(there.out)
    assert answer == json.loads(here.out)
    assert {each["building"] for each in answer["months"] if each["proposed"]["tickets"]} == {
        "maple",
        "cedar",
    }


def test_a_district_is_judged_on_a_cluster_each_building_from_its_shard(cluster: str, tmp_path: Path) -> None:
    story = hot_week()
    told, one = story.replay(END, STRICT), kept(story, tmp_path)
    with postgres() as server:
        config = shared(story, one, server, END)
        with counting(cluster) as done:
            run = tell(config, *STRICT, exact=True, more=["--json", "--cluster", cluster])
        assert run.code == 0, run.err
        over = ["--json", "--over", str(exported(config)), "--cluster", cluster]
        there = tell(config, *STRICT, more=over)
    assert len(done) == 2 and done.total() == 4
    each_is_what_replay_tells(json.loads(run.out), told)
    assert there.code == 0, there.err
    assert json.loads(there.out)["months"] == ask(one, *STRICT)["months"]


def test_a_setting_that_is_edited_between_two_questions_counts_in_the_second(
    cluster: str, tmp_path: Path
) -> None:
    config = kept(hot_week(), tmp_path)
    over = ["--json", "--over", str(exported(config)), "--cluster", cluster]
    before = json.loads(tell(config, more=over).out)["total"]["in_force"]["tickets"]
    site, stricter = (
        config.parent / "site.toml",
        "[[rules]]\nheat = { above_f = 80, end_f = 79, watch_f = 78 }\n",
    )
    site.write_text(site.read_text("utf-8").replace("[[rules]]\n", stricter, 1), "utf-8")
    run = tell(config, more=over)
    assert run.code == 0, run.err
    after = json.loads(run.out)["total"]["in_force"]["tickets"]
    assert before == 0 and after > 0


def test_what_is_no_cluster_is_told_in_a_sentence(tmp_path: Path) -> None:
    config = kept(hot_week(), tmp_path)
    nobody = f"tcp://{LOOPBACK}:{free_port()}"
    run = tell(config, exact=True, more=["--cluster", nobody])
    assert run.code == 1
    assert f"{nobody}: no scheduler of a Dask cluster answers there" in run.err
    with scheduler(tmp_path) as idle:
        run = tell(config, exact=True, more=["--cluster", idle])
    assert run.code == 1 and "has no workers yet; start some with: dask worker" in run.err
    run = tell(config, more=["--cluster", nobody])
    assert run.code == 2 and "--exact or --over" in run.err


def test_a_worker_of_another_release_is_not_asked(tmp_path: Path) -> None:
    other = tmp_path / "other" / "safetyd"
    other.mkdir(parents=True)
    for each in Path(safetyd.__file__).parent.iterdir():
        if each.name not in ("__init__.py", "__pycache__"):
            (other / each.name).symlink_to(each)
    (other / "__init__.py").write_text('__version__ = "0.0.7"\n')
    config = kept(hot_week(), tmp_path)
    with scheduler(tmp_path) as address, worker(tmp_path, address, PYTHONPATH=str(other.parent)):
        run = tell(config, exact=True, more=["--cluster", address])
    assert run.code == 1 and f"has safetyd 0.0.7, here is {safetyd.__version__}; have one" in run.err
