"""What is asked of a district that workers share is the same as of one store with all of it."""

import json
import os
from contextlib import closing, redirect_stderr
from io import StringIO
from pathlib import Path

import duckdb
import pytest

from safetyd.cli import main
from safetyd.configuration import load
from safetyd.core.shards import shard_of
from safetyd.lake.layout import BUCKETS, COLUMNS
from safetyd.store import rollups
from safetyd.store.database import open_for_writing
from safetyd.store.district import store_url
from tests.lake.lakes import LAST, STRICT, lively_season
from tests.lake.shards import SHARDS, looked_at, shared
from tests.postgres import Postgres, postgres
from tests.story import Json, Story, clock, instant
from tests.whatif.season import kept, tell

pytestmark = [pytest.mark.journey, pytest.mark.sqlite]  # it brings a server of its own


def of_two_buildings() -> Story:
    story = lively_season()
    story.reading("7", "2026-09-02 08:00", until="2026-09-02 12:55", building="cedar", temperature_f=72.0)
    story.reading(
        "7", "2026-09-03 13:00", until="2026-09-03 16:00", building="cedar", temperature_f=88.0, humidity=50.0
    )
    story.act("2026-09-03 15:00", "relieve", tier="mitigation", ticket="cedar-2026-0001")
    story.power("2026-09-04 09:00", mains=True, building="cedar")
    return story.report("2026-10-02 09:00", "7", building="cedar", hazard="leaks")


@pytest.fixture(scope="module")
def server():
    with postgres() as running:
        yield running


@pytest.fixture(scope="module")
def one(tmp_path_factory) -> Path:
    """The configuration of one store with all of a season."""
    return kept(of_two_buildings(), tmp_path_factory.mktemp("season"), LAST)


@pytest.fixture(scope="module")
def district(one: Path, server: Postgres) -> Path:
    """That of a district with the same season."""
    return shared(of_two_buildings(), one, server, LAST)


def export(config: Path, folder: Path, *more: str) -> tuple[int, str]:
    err = StringIO()
    with redirect_stderr(err):
        code = main(["history", "export", str(folder), "--config", str(config), *more])
    return code, err.getvalue()


def rows(lake: Path) -> dict[str, list[tuple[object, ...]]]:
    """Return the rows of each file below a folder."""
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        return {
            str(file.relative_to(lake)): connection.execute(
                "SELECT COLUMNS(*)::VARCHAR FROM read_parquet(?, hive_partitioning = false)", [str(file)]
            ).fetchall()
            for file in sorted(lake.rglob("*.parquet"))
        }


def answer(config: Path, *settings: str, more: tuple[str, ...] = ()) -> Json:
    run = tell(config, *settings, end=LAST, more=["--json", *more])
    assert run.code == 0, run.err
    return dict(json.loads(run.out))


# history export


@pytest.mark.parametrize("every", ["5m", "1m"])
def test_a_district_is_exported_as_one_store_with_all_of_it_would_be(
    one: Path, district: Path, tmp_path: Path, every: str
) -> None:
    told = [export(each, tmp_path / each.stem, "--every", every) for each in (one, district)]
    assert [code for code, _ in told] == [0, 0]
    whole, shards = (rows(tmp_path / each.stem) for each in (one, district))
    assert shards == whole
    assert {name.split("/")[0] for name in shards} == {"building=cedar", "building=maple"}
    assert all(shards[f"building={id}/month=2026-09/{name}"] for id in ("cedar", "maple") for name in COLUMNS)
    words = [err.partition(": ")[2] for _, err in told]  # after the name of the folder
    assert words[0] == words[1]
    assert words[0].startswith(f"{len(whole) // len(COLUMNS)} building-months")


def test_only_the_building_or_the_shard_that_is_asked_for_is_exported(district: Path, tmp_path: Path) -> None:
    assert export(district, tmp_path / "cedar", "--building", "cedar")[0] == 0
    with looked_at(shard_of("cedar", SHARDS)):
        assert export(district, tmp_path / "shard")[0] == 0
    assert {each.name for each in (tmp_path / "shard").iterdir()} == {"building=cedar"}
    assert rows(tmp_path / "cedar") == rows(tmp_path / "shard")


def test_what_no_shard_or_not_this_one_keeps_is_said(district: Path, tmp_path: Path) -> None:
    code, err = export(district, tmp_path, "--building", "cedra")
    assert (code, "did you mean 'cedar'?" in err) == (2, True)
    for shard, more, said in (
        (0, [], "shard 0 keeps no building"),
        (shard_of("maple", SHARDS), ["--building", "cedar"], "does not keep 'cedar'"),
    ):
        with looked_at(shard):
            run = tell(district, end=LAST, more=more)
            for code, err in (export(district, tmp_path, *more), (run.code, run.err)):
                assert (code, said in err, "leave SAFETYD_DISTRICT__SHARD out" in err) == (2, True, True), err


def test_by_night_each_shard_adds_what_is_missing_or_may_change(district: Path, tmp_path: Path) -> None:
    export(district, tmp_path)
    files = sorted(tmp_path.rglob("*.parquet"))
    settled = instant("2199-01-01 00:00").timestamp()
    for file in files:
        os.utime(file, (settled, settled))
    code, err = export(district, tmp_path, "--new")
    assert (code, err.partition(": ")[2]) == (0, "0 building-months, 0 buckets\n")
    lost = tmp_path / "building=cedar" / "month=2026-09" / BUCKETS
    changing = tmp_path / "building=maple" / "month=2026-10" / BUCKETS
    lost.unlink()
    early = instant("2026-11-09 00:00").timestamp()  # less than ten days after October
    os.utime(changing, (early, early))
    code, err = export(district, tmp_path, "--new")
    assert (code, "2 building-months" in err) == (0, True)
    assert {each.parent for each in files if each.stat().st_mtime != settled} == {
        lost.parent,
        changing.parent,
    }


# whatif


@pytest.mark.parametrize("settings", [(), STRICT])
@pytest.mark.parametrize("way", [(), ("--exact",), ("--over",)], ids=["estimate", "exact", "over"])
def test_a_district_is_judged_as_one_store_with_all_of_it_would_be(
    one: Path, district: Path, tmp_path: Path, way: tuple[str, ...], settings: tuple[str, ...]
) -> None:
    if way == ("--over",):
        export(district, tmp_path)
        way = (*way, str(tmp_path))
    for more in ((), ("--building", "cedar"), ("--building", "maple")):
        expected = answer(one, *settings, more=(*more, *(way if "--over" not in way else ())))
        found = answer(district, *settings, more=(*more, *way))
        for each in ("months", "total", "recorded_breach_h", "rules", "from", "to"):
            assert found[each] == expected[each]
        assert found["total"]["proposed"]["tickets"] > 0
    with looked_at(shard_of("maple", SHARDS)):
        assert answer(district, *settings, more=way)["months"] == found["months"]


def test_exactly_is_what_replay_tells_of_each_building(district: Path) -> None:
    told, found = of_two_buildings().replay(LAST), answer(district, more=("--exact",))
    for id in ("cedar", "maple"):
        here = [each["in_force"] for each in found["months"] if each["building"] == id]
        tickets = [each for each in told.tickets if each["building"] == id]
        assert sum(each["tickets"] for each in here) == len(tickets) > 0
        seconds = sum(each["breach_s"] for each in told.output["rooms"] if each["building"] == id)
        assert sum(each["breach_h"] or 0 for each in here) == pytest.approx(seconds / 3600, abs=2e-3)


def test_an_estimate_ends_where_the_shard_that_is_furthest_behind_does(district: Path) -> None:
    shard = store_url(load(district, {}).settings.store.url, shard_of("cedar", SHARDS))
    with closing(open_for_writing(shard)) as store:
        reached = rollups.progress(store)
        assert reached is not None
        try:
            rollups.put_progress(store, reached._replace(settled_to=instant("2026-09-20 10:30")))
            store.commit()
            found = answer(district)
        finally:
            rollups.put_progress(store, reached)
            store.commit()
    assert found["to"] == clock("2026-09-20 10:00")
    assert "it ends at 2026-09-20 10:00, not at 2026-10-03 00:00" in " ".join(found["notes"])
    assert {each["month"] for each in found["months"]} == {"2026-09"}


# What is no such district


def test_another_number_of_shards_is_refused(district: Path, tmp_path: Path) -> None:
    other = district.with_name("other.toml")
    other.write_text(district.read_text("utf-8").replace(f"shards = {SHARDS}", "shards = 3"), "utf-8")
    code, err = export(other, tmp_path)
    assert code == 1 and f"write shards = {SHARDS}" in err
    for more in ([], ["--exact"], ["--building", "cedar"]):
        run = tell(other, end=LAST, more=more)
        assert run.code == 1 and f"write shards = {SHARDS}" in run.err
    assert not list(tmp_path.iterdir())


def test_a_district_that_nobody_has_begun_is_one_sentence(
    one: Path, server: Postgres, tmp_path: Path
) -> None:
    with server.connect() as connection:
        connection.execute("CREATE DATABASE unbegun")
    config = one.with_name("unbegun.toml")
    address = server.url("public").partition("?")[0].rpartition("/")[0] + "/unbegun"
    config.write_text(
        f'site = ["site.toml"]\n[store]\nurl = "{address}"\n[district]\nshards = {SHARDS}\n', "utf-8"
    )
    for code, err in (export(config, tmp_path), (tell(config).code, tell(config).err)):
        assert code == 1 and "no worker has begun the district yet; run: safetyd run --role worker" in err
