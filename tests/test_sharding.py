"""A district cut into shards: each building in one, and each message with one."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safetyd.bulletin import topics_heard
from safetyd.configuration import Loaded, load
from safetyd.core.shards import Lease, name_of, shard_of
from safetyd.core.timekeeping import Ticks, beginning
from safetyd.core.waking import Beat, Cause, hole
from safetyd.district_words import district_words
from safetyd.faults import ConfigurationError
from safetyd.ingest.topics import routes
from safetyd.sharding import (
    DistrictTicks,
    Elsewhere,
    keeping,
    looked_at,
    of_accounts,
    of_shard,
    parts_of,
    refuse_alone,
    shards_of,
)
from safetyd.site_part import cut
from safetyd.site_topics import matches

SHARDS = 3
DISTRICT = '[store]\nurl = "postgresql+psycopg://safetyd@db.example/district"\n[district]\nshards = 3\n'
SITE = """
name = "Riverbend"
timezone = "America/Los_Angeles"
calendar = { work_hours = "07:00-16:00" }

[[people]]
name = "Robin Vale"
roles = ["district"]
[[people]]
name = "Ann Lee"
roles = ["facilities"]
buildings = ["alder", "birch"]
[[people]]
name = "Bo Hill"
roles = ["facilities"]
buildings = ["cedar"]
"""
BUILDINGS = ("alder", "birch", "cedar", "elm", "fir")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    parts = [SITE]
    for id in BUILDINGS:
        parts.append(
            f'[[buildings]]\nid = "{id}"\nname = "{id.title()}"\n'
            '[[buildings.rooms]]\nid = "1"\n[[buildings.sensors]]\nid = "s1"\n'
            f'topic = "zigbee2mqtt/{id} 1"\nformat = "zigbee2mqtt"\nroom = "1"'
        )
    (tmp_path / "site.toml").write_text("\n".join(parts), encoding="utf-8")
    return tmp_path


def configured(folder: Path, more: str = DISTRICT) -> Loaded:
    file = folder / "safetyd.toml"
    file.write_text(f'site = ["site.toml"]\n{more}', encoding="utf-8")
    return load(file, {})


def shards(whole: Loaded) -> list[Loaded]:
    return [of_shard(whole, Lease(shard, 7)) for shard in range(SHARDS)]


def hears(loaded: Loaded, topic: str) -> bool:
    levels = topic.split("/")
    filters = topics_heard(loaded.site, loaded.settings)
    return any(matches(tuple(each.split("/")), levels) for each in filters)


def takes(whole: Loaded, topic: str) -> list[int]:
    """Return the shards that hear a topic and do not leave it to others."""
    root = whole.settings.mqtt.root
    return [
        shard
        for shard, part in enumerate(shards(whole))
        if hears(part, topic) and not Elsewhere(whole.site, shard, SHARDS, root).takes(topic)
    ]


def test_each_building_is_in_one_shard_as_it_is(folder: Path) -> None:
    whole = configured(folder)
    found = [each for part in shards(whole) for each in part.site.buildings]
    assert sorted(found, key=lambda each: each.id) == list(whole.site.buildings)
    for shard, part in enumerate(shards(whole)):
        assert {shard_of(each.id, SHARDS) for each in part.site.buildings} <= {shard}
        assert part.site.calendar == whole.site.calendar
        assert part.site.rulebook == whole.site.rulebook


def test_people_are_where_their_buildings_are(folder: Path) -> None:
    for part in shards(configured(folder)):
        ids = {each.id for each in part.site.buildings}
        told = {each.name: set(each.buildings) for each in part.site.people}
        assert told.pop("Robin Vale") == {"*"}
        assert told.get("Ann Lee", set()) == ids & {"alder", "birch"}
        assert told.get("Bo Hill", set()) == ids & {"cedar"}


@pytest.mark.parametrize("building", BUILDINGS)
@pytest.mark.parametrize(
    "topic",
    [
        "safetyd/readings/{}/1",
        "safetyd/readings/{}/no-such-room",
        "safetyd/power/{}/ups",
        "safetyd/tickets/{}/x",
        "zigbee2mqtt/{} 1",
    ],
)
@pytest.mark.parametrize("also", ["", '[mqtt]\nalso = ["#"]\n'], ids=["own", "also everything"])
def test_what_is_of_a_building_is_its_shards_alone(
    folder: Path, building: str, topic: str, also: str
) -> None:
    assert takes(configured(folder, also + DISTRICT), topic.format(building)) == [shard_of(building, SHARDS)]


@pytest.mark.parametrize("topic", ["safetyd/readings/nowhere/1", "zigbee2mqtt/new"])
def test_what_is_nobodys_is_the_first_shards(folder: Path, topic: str) -> None:
    assert takes(configured(folder, '[mqtt]\nalso = ["zigbee2mqtt/+"]\n' + DISTRICT), topic) == [0]


def test_a_bridge_speaks_to_each_shard_that_it_has_a_sensor_in(folder: Path) -> None:
    whole = configured(folder)
    assert takes(whole, "zigbee2mqtt/bridge/state") == [
        shard for shard, part in enumerate(shards(whole)) if routes(part.site).bridges
    ]


def test_each_shard_has_a_name_a_store_and_a_session_of_its_own(folder: Path) -> None:
    first, second, _ = shards(configured(folder))
    assert (first.settings.mqtt.client_id, second.settings.mqtt.client_id) == (
        "safetyd-shard-00",
        "safetyd-shard-01",
    )
    assert "search_path%3Dshard_01" in second.settings.store.url
    assert "application_name=safetyd+shard-01+fence+7" in second.settings.store.url


def test_what_speaks_for_a_machine_is_off_and_what_there_is_once_is_the_firsts(folder: Path) -> None:
    more = f'[heartbeat]\nurl = "https://beat.example/1"\n[audit]\nhead_file = "head.txt"\n{DISTRICT}'
    whole = configured(folder, more)
    parts = shards(whole)
    assert [each.settings.web.listen for each in parts] == [None] * SHARDS
    assert [each.settings.heartbeat is not None for each in parts] == [True, False, False]
    files = [each.settings.audit.head_file for each in parts]
    assert [each.name for each in files if each] == [f"head-shard-0{n}.txt" for n in range(SHARDS)]


def test_a_hook_is_where_its_buildings_are(folder: Path) -> None:
    secret = "whsec_" + "QUJD" * 8
    hook = '[[webhook]]\nurl = "https://hook.example/1"\nsecret_file = "secret"\nbuildings = ["elm"]\n'
    (folder / "secret").write_text(secret, encoding="utf-8")
    hooks = [each.settings.webhook for each in shards(configured(folder, DISTRICT + hook))]
    assert [len(each) for each in hooks] == [int(n == shard_of("elm", SHARDS)) for n in range(SHARDS)]


@pytest.mark.parametrize(
    ("more", "key", "expected"),
    [
        ("", "district.shards", "such as 16"),
        ("[district]\nshards = 3\n", "store.url", "postgresql+psycopg://"),
        (DISTRICT.replace('district"', 'district?options=-csearch_path%3Dx"'), "store.url", "search_path"),
        ("[mqtt]\nembedded = true\n" + DISTRICT, "mqtt.embedded", "false"),
    ],
)
def test_what_workers_cannot_share_is_refused(folder: Path, more: str, key: str, expected: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        shards_of(configured(folder, more).settings)
    assert any(each.key == key and expected in each.expected for each in refused.value.faults)


def test_a_command_looks_at_the_shard_that_is_asked_for(folder: Path) -> None:
    whole = configured(folder, DISTRICT + "shard = 2\n")
    part = looked_at(whole)
    assert "search_path%3Dshard_02" in part.settings.store.url
    assert {shard_of(each.id, SHARDS) for each in part.site.buildings} <= {2}
    with pytest.raises(ConfigurationError, match=r"district\.shard: 3 is none of 3 shards"):
        looked_at(configured(folder, DISTRICT + "shard = 3\n"))


def test_a_command_that_asks_for_none_has_the_configuration_as_it_is(folder: Path) -> None:
    whole = configured(folder)
    assert looked_at(whole) is whole


def test_nobody_watches_a_district_alone_beside_its_workers(folder: Path) -> None:
    with pytest.raises(ConfigurationError, match="run --role worker"):
        refuse_alone(configured(folder))
    refuse_alone(configured(folder, ""))


def test_in_words_each_shard_has_its_buildings(folder: Path) -> None:
    lines = list(district_words(configured(folder)))
    assert lines[1] == "Workers share 3 shards (safetyd run --role worker), each a store of its own:"
    said = dict(line.strip().split(": ", 1) for line in lines[2:])
    for building in BUILDINGS:
        assert [name for name, what in said.items() if building in what] == [
            name_of(shard_of(building, SHARDS))
        ]
    assert "what is nobody's" in said["shard-00"]
    assert not list(district_words(configured(folder, "")))


@pytest.mark.parametrize("number", ["0", "1000", '"many"'])
def test_a_number_of_shards_that_is_none_is_refused(folder: Path, number: str) -> None:
    with pytest.raises(ConfigurationError, match=r"district\.shards"):
        configured(folder, DISTRICT.replace("shards = 3", f"shards = {number}"))


# Time, where a shard goes from machine to machine

AT = datetime(2026, 12, 1, 17, tzinfo=UTC)
days = st.floats(0, 400).map(lambda each: timedelta(days=each))
gaps = st.floats(0.1, 1e6).map(lambda each: timedelta(seconds=each))
skews = st.floats(-90, 90).map(lambda each: timedelta(seconds=each))


def ticks_at(wall: datetime, up: timedelta, lived: timedelta = timedelta(0)) -> Ticks:
    """Return what a machine says on which a holder began at `wall`, `up` after its boot, and lived on."""
    said = iter([Ticks("its own boot", up, None), Ticks("its own boot", up + lived, None)])
    return DistrictTicks(lambda: wall, lambda: next(said))()


@given(days, days, gaps, skews)
def test_a_machine_that_ran_for_longer_is_no_proof_of_a_wrong_clock(
    one: timedelta, other: timedelta, gap: timedelta, skew: timedelta
) -> None:
    last = ticks_at(AT, one, timedelta(hours=1))
    beat = Beat(AT + timedelta(hours=1), last.boot, since_boot=last.since_boot)
    wall = beat.at + gap + skew
    begun = beginning(beat, wall, ticks_at(wall, other))
    assert begun is not None
    assert begun.now >= beat.at
    if gap + skew > timedelta(0):
        assert begun.is_sure
        assert abs(begun.now - wall) < timedelta(seconds=1)


@given(days, days, st.floats(61, 1e6).map(lambda each: timedelta(seconds=each)))
def test_a_time_without_workers_is_no_time_without_electricity(
    one: timedelta, other: timedelta, gap: timedelta
) -> None:
    last = ticks_at(AT, one)
    beat = Beat(AT, last.boot, since_boot=last.since_boot)
    now = ticks_at(AT + gap, other)
    found = hole(beat, AT + gap, now.boot, now.since_boot)
    assert found is not None
    assert found.cause is Cause.CRASHED
    assert not found.was_down


def test_a_site_that_is_not_cut_hears_what_it_did(folder: Path) -> None:
    whole = configured(folder)
    assert topics_heard(whole.site, whole.settings)[:2] == ["safetyd/readings/#", "safetyd/power/#"]
    assert cut(whole.site, 0, SHARDS).part is not None
    assert whole.site.part is None


# What a command is about


@pytest.mark.parametrize(
    "about, building",
    [
        ("{id}", "{id}"),
        ("{id}/1", "{id}"),
        ("{id}/1/wall", "{id}"),
        ("{id}-2026-0001", "{id}"),
        ("gone-2019-12345", "gone"),  # its tickets stay where they were
    ],
)
def test_a_command_finds_the_shard_of_what_it_is_about(folder: Path, about: str, building: str) -> None:
    whole = configured(folder)
    for each in whole.site.buildings:
        found = looked_at(whole, about.replace("{id}", each.id))
        shard = shard_of(building.replace("{id}", each.id), SHARDS)
        assert found.site.part is not None and found.site.part.shard == shard


@pytest.mark.parametrize("about", ["", "nowhere", "nowhere/1", "2026-0001", "wall"])
def test_what_is_of_no_building_is_of_no_shard(folder: Path, about: str) -> None:
    whole = configured(folder)
    assert looked_at(whole, about) is whole


def test_the_shard_that_is_asked_for_is_looked_at_whatever_it_is_about(folder: Path) -> None:
    whole = configured(folder, more=DISTRICT.replace("[district]", "[district]\nshard = 1"))
    for each in whole.site.buildings:
        found = looked_at(whole, each.id)
        assert found.site.part is not None and found.site.part.shard == 1


@pytest.mark.parametrize("asked", ["", "shard = 1\n"], ids=["whole", "one asked for"])
def test_a_building_is_looked_at_where_it_is_kept(folder: Path, asked: str) -> None:
    whole = configured(folder, DISTRICT + asked)
    for building in BUILDINGS:
        found, shard = keeping(whole, building), shard_of(building, SHARDS)
        assert f"search_path%3Dshard_0{shard}" in found.settings.store.url
        assert found.site.building(building) is not None
    alone = configured(folder, "")
    assert keeping(alone, "elm") is alone


def test_a_whole_district_is_looked_at_in_each_shard_that_keeps_a_building(folder: Path) -> None:
    whole = configured(folder)
    parts = parts_of(whole)
    assert sorted(each.id for part in parts for each in part.site.buildings) == sorted(BUILDINGS)
    assert all(part.site.buildings for part in parts)
    for alone in (looked_at(whole, "elm"), configured(folder, "")):
        assert parts_of(alone) == [alone]


def test_accounts_are_kept_in_the_first_shard_for_everybody(folder: Path) -> None:
    whole = configured(folder)
    found = of_accounts(whole)
    assert found.site is whole.site and "search_path%3Dshard_00" in found.settings.store.url
    asked = configured(folder, more=DISTRICT.replace("[district]", "[district]\nshard = 1"))
    assert of_accounts(looked_at(asked)).settings.store.url.endswith("search_path%3Dshard_00")
