"""Who holds a shard: by the database's clock, and by nobody's word but the fence."""

import threading
from collections.abc import Iterator

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from safetyd.core.shards import Lease
from safetyd.store import fence
from safetyd.store.district import District, DistrictError, schema_of, shard_url, store_url
from safetyd.store.fence import FencedError, keep_fenced
from tests.journeys.servers import until
from tests.postgres import Postgres, postgres

pytestmark = pytest.mark.journey


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    with postgres() as running:
        yield running


@pytest.fixture
def url(server: Postgres) -> str:
    """A district of three shards that nobody holds."""
    with server.connect() as connection:
        for schema in ("safetyd", *map(schema_of, range(3))):
            connection.execute(f'DROP SCHEMA IF EXISTS "{schema}" CASCADE')  # type: ignore[arg-type]
    address = server.url().partition("?")[0]
    District(address).prepare(3)
    return address


def over(server: Postgres, shard: int = 0) -> None:
    """Let a lease be over, as when two seconds have passed."""
    with server.connect() as connection:
        connection.execute("UPDATE safetyd.lease SET until = clock_timestamp() WHERE shard = %s", [shard])


def store(url: str, lease: Lease):
    """Return the engine of a shard's writer, which shows a lease."""
    engine = create_engine(shard_url(url, lease), poolclass=NullPool)
    keep_fenced(engine)
    return engine


# The number of shards


def test_the_number_of_shards_is_what_it_was_first(url: str) -> None:
    District(url).prepare(3)
    with pytest.raises(DistrictError, match=r"shards: 4 stands here.*in 3.*write shards = 3$"):
        District(url).prepare(4)


def test_workers_that_begin_together_make_the_district_once(server: Postgres, url: str) -> None:
    with server.connect() as connection:
        connection.execute("DROP SCHEMA safetyd CASCADE")
    failed: list[Exception] = []

    def begin() -> None:
        try:
            District(url).prepare(3)
        except Exception as error:
            failed.append(error)

    together = [threading.Thread(target=begin) for _ in range(6)]
    for each in together:
        each.start()
    for each in together:
        each.join()
    assert not failed
    assert [each.standing.shard for each in District(url).look().shards] == [0, 1, 2]


def test_each_shard_is_a_store_of_its_own(server: Postgres, url: str) -> None:
    for shard in range(3):
        with create_engine(store_url(url, shard), poolclass=NullPool).begin() as connection:
            connection.execute(text("CREATE TABLE what (shard int)"))
            connection.execute(text("INSERT INTO what VALUES (:shard)"), {"shard": shard})
    with server.connect() as connection:
        assert connection.execute("SELECT shard FROM shard_01.what").fetchall() == [(1,)]


# The lease


def test_a_free_shard_is_taken_with_the_next_fence(url: str) -> None:
    lease = District(url).take(1, "a", "host a")
    assert lease == Lease(1, 1)
    (held,) = (each for each in District(url).look().shards if each.standing.shard == 1)
    assert (held.standing.worker, held.fence, held.holder) == ("a", 1, "host a")


def test_nobody_takes_what_is_held(url: str) -> None:
    assert District(url).take(0, "a", "")
    assert District(url).take(0, "b", "") is None


def test_nobody_takes_what_is_held_by_one_of_the_same_name(url: str) -> None:
    """Two workers with one identity are two: what counts is the fence."""
    assert District(url).take(0, "a", "host a") == Lease(0, 1)
    assert District(url).take(0, "a", "host a") is None


def test_a_lease_is_over_two_seconds_after_it_was_renewed_last(server: Postgres, url: str) -> None:
    lease = District(url).take(0, "a", "")
    assert lease is not None
    left = "SELECT extract(epoch FROM until - clock_timestamp()) FROM safetyd.lease WHERE shard = 0"
    with server.connect() as connection:
        first = connection.execute(left).fetchone()
        assert first is not None and 0.0 < first[0] <= 2.0
        connection.execute("UPDATE safetyd.lease SET until = clock_timestamp() + interval '1 ms'")
        District(url).renew(lease)
        again = connection.execute(left).fetchone()
    assert again is not None and 1.0 < again[0] <= 2.0


def test_the_moment_it_is_over_it_is_anybodys(server: Postgres, url: str) -> None:
    first = District(url).take(0, "a", "")
    over(server)
    assert District(url).take(0, "b", "") == Lease(0, 2)
    assert first is not None
    assert District(url).renew(first) is None


def test_what_was_over_and_nobody_took_is_held_again(server: Postgres, url: str) -> None:
    lease = District(url).take(0, "a", "")
    assert lease is not None
    over(server)
    assert District(url).renew(lease) is not None
    assert District(url).take(0, "b", "") is None


def test_what_is_given_back_is_free_at_once_and_by_its_holder_alone(url: str) -> None:
    first = District(url).take(0, "a", "")
    assert first is not None
    District(url).give_back(first)
    second = District(url).take(0, "b", "")
    assert second == Lease(0, 2)
    District(url).give_back(first)
    assert District(url).take(0, "c", "") is None


def test_of_many_that_reach_for_a_shard_one_has_it(url: str) -> None:
    taken: list[Lease | None] = []
    start = threading.Barrier(8)

    def reach(who: str) -> None:
        district = District(url)
        district.look()
        start.wait()
        taken.append(district.take(2, who, ""))

    many = [threading.Thread(target=reach, args=(f"w{n}",)) for n in range(8)]
    for each in many:
        each.start()
    for each in many:
        each.join()
    assert [each for each in taken if each] == [Lease(2, 1)]
    assert len(taken) == 8


def test_who_lives_and_is_fit_is_seen_by_all(server: Postgres, url: str) -> None:
    district = District(url)
    district.announce("a", "host a", is_fit=True)
    district.announce("b", "host a", is_fit=False)
    assert [(each.id, each.is_fit) for each in district.look().peers] == [("a", True), ("b", False)]
    with server.connect() as connection:
        connection.execute("UPDATE safetyd.worker SET until = clock_timestamp() WHERE id = 'a'")
    assert [each.id for each in district.look().peers] == ["b"]
    district.leave("b")
    assert not district.look().peers


def test_a_database_that_is_away_is_told_and_found_again(url: str, tmp_path) -> None:
    with postgres() as server:
        district = District(server.url().partition("?")[0])
        district.prepare(1)
        server.stop()
        with pytest.raises(DistrictError, match=r"^the district's database: "):
            district.look()
        server.start()
        assert len(district.look().shards) == 1


# The fence


def test_a_holder_writes(server: Postgres, url: str) -> None:
    lease = District(url).take(0, "a", "")
    assert lease is not None
    with store(url, lease).begin() as connection:
        connection.execute(text("CREATE TABLE what (id int)"))
    with server.connect() as connection:
        assert connection.execute("SELECT count(*) FROM shard_00.what").fetchone() == (0,)


def test_a_stale_holder_writes_nothing(server: Postgres, url: str) -> None:
    lease = District(url).take(0, "a", "")
    assert lease is not None
    engine = store(url, lease)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE what (id int)"))
    connection = engine.connect()
    connection.execute(text("INSERT INTO what VALUES (1)"))
    over(server)
    assert District(url).take(0, "b", "")
    with pytest.raises(FencedError, match=r"another worker holds it since our lease \(fence 1\) was over"):
        connection.commit()
    connection.close()
    with server.connect() as found:
        assert found.execute("SELECT count(*) FROM shard_00.what").fetchone() == (0,)


def test_a_lease_that_is_over_and_that_nobody_took_still_writes(server: Postgres, url: str) -> None:
    lease = District(url).take(0, "a", "")
    assert lease is not None
    engine = store(url, lease)
    over(server)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE what (id int)"))


def test_nobody_takes_a_shard_within_a_commit(server: Postgres, url: str) -> None:
    """Once the fence was shown and the commit is on its way, who comes next has to look again."""
    lease = District(url).take(0, "a", "")
    assert lease is not None
    connection = store(url, lease).connect()
    connection.execute(fence._SHOW, lease._asdict())
    over_since = create_engine(url, poolclass=NullPool)
    with over_since.connect() as other:
        seen = other.execute(text("SELECT 1 FROM safetyd.lease WHERE shard = 0 FOR UPDATE SKIP LOCKED"))
        assert seen.first() is None
    connection.rollback()
    connection.close()
    over(server)
    assert District(url).take(0, "b", "") == Lease(0, 2)


def test_who_is_frozen_within_a_commit_holds_nobody_up(server: Postgres, url: str) -> None:
    """The database throws out who has shown the fence and says nothing more."""
    lease = District(url).take(0, "a", "")
    assert lease is not None
    frozen = store(url, lease).connect()
    frozen.execute(text("CREATE TABLE what (id int)"))
    frozen.execute(fence._SHOW, lease._asdict())
    gone = "SELECT count(*) FROM pg_stat_activity WHERE application_name = %s"
    with server.connect() as connection:
        until("it is thrown out", lambda: connection.execute(gone, [lease.session]).fetchone() == (0,), 5)
    over(server)
    assert District(url).take(0, "b", "") == Lease(0, 2)
    with server.connect() as connection:
        assert connection.execute("SELECT to_regclass('shard_00.what')").fetchone() == (None,)
    frozen.invalidate()
    frozen.close()


def test_what_a_former_holder_left_open_is_ended(server: Postgres, url: str) -> None:
    first = District(url).take(0, "a", "")
    assert first is not None
    other = District(url).take(1, "a", "")
    assert other is not None
    left = store(url, first).connect()
    left.execute(text("CREATE TABLE what (id int)"))  # nobody else can make it while this is open
    beside = store(url, other).connect()
    beside.execute(text("SELECT 1"))
    over(server)
    second = District(url).take(0, "b", "")
    assert second is not None
    assert District(url).end_former(second) == 1
    with store(url, second).begin() as connection:
        connection.execute(text("CREATE TABLE what (id int)"))
    assert beside.execute(text("SELECT 1")).scalar() == 1
    beside.close()
    left.invalidate()
    left.close()
