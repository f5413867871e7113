"""The past of a district that workers have watched: exported, and asked what would have been, as one."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from safetyd.times import rfc3339
from tests.journeys.crew import BUILDINGS, SHARDS, Crew
from tests.journeys.servers import Broker, Client, Commands, until
from tests.postgres import postgres

pytestmark = pytest.mark.journey

COLD, MILD = {"temperature_f": 55.5, "humidity": 40}, {"temperature_f": 70.5, "humidity": 40}
AN_HOUR = timedelta(hours=1)


@pytest.fixture
def crew(tmp_path: Path, broker: Broker) -> Iterator[Crew]:
    with postgres() as server:
        made = Crew(tmp_path, broker, server)
        yield made
        made.close()


def test_every_building_is_in_one_export_and_in_one_answer(
    crew: Crew, client: Client, tmp_path: Path
) -> None:
    commands, lake = Commands(crew.config), tmp_path / "lake"
    early = commands.run("history", "export", str(lake))
    assert early.code == 1 and "no worker has begun the district yet" in early.err
    workers = [crew.begin(name) for name in ("one", "two")]
    crew.all_hear()
    hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - 2 * AN_HOUR
    moments = [hour + timedelta(minutes=5 * step) for step in range(12)]
    for at in moments:
        for building in BUILDINGS:
            values = COLD if building == BUILDINGS[0] else MILD
            client.tell(f"safetyd/readings/{building}/1", {**values, "ts": rfc3339(at)})
    said = 2 * len(moments) * len(BUILDINGS)  # temperature and humidity

    def is_stored() -> bool:
        return sum(n for (n,) in crew.everywhere("SELECT count(*) FROM reading")) == said

    until("all is stored", is_stored)
    assert [each.stop() for each in workers] == [0, 0]
    for shard in range(SHARDS):
        assert crew.run(shard, "history", "rebuild").code == 0
    done = commands.run("history", "export", str(lake))
    assert done.code == 0, done.err
    assert {each.name for each in lake.iterdir()} == {f"building={id}" for id in BUILDINGS}
    with duckdb.connect() as connection:
        found = connection.execute(
            f"SELECT building, count(temperature_mean_f) FROM '{lake}/*/*/buckets.parquet' GROUP BY ALL"
        ).fetchall()
    assert dict(found) == dict.fromkeys(BUILDINGS, len(moments))
    asked = ["whatif", "--from", rfc3339(hour), "--to", rfc3339(hour + AN_HOUR)]
    for way in ([], ["--over", str(lake)]):
        told = commands.asked(*asked, *way, "--set", "rules.cold.below_f=50", "--set", "rules.cold.end_f=52")
        hours = {each["building"]: each["in_force"]["breach_h"] for each in told["months"]}
        assert set(hours) == set(BUILDINGS)
        assert hours.pop(BUILDINGS[0]) > 0.9
        assert set(hours.values()) == {0} == {each["proposed"]["breach_h"] for each in told["months"]}
    told = commands.asked("whatif", "--exact", "--from", rfc3339(hour))
    assert {each["building"] for each in told["months"]} == set(BUILDINGS)
