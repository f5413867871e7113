"""Which building is whose, and who of several workers takes and gives back what."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safetyd.core.shards import (
    LEAST_HELD_S,
    NEGLECTED_S,
    Lease,
    Peer,
    Standing,
    name_of,
    shard_of,
    share,
    to_give,
    to_take,
)

ids = st.text("abcdefghijklmnopqrstuvwxyz0123456789-", min_size=1, max_size=30)
numbers = st.integers(1, 64)
crews = st.lists(st.booleans(), min_size=1, max_size=9).map(
    lambda fits: [Peer(f"w{n}", fit) for n, fit in enumerate(fits)]
)


def free(shards: int, since_s: float = 0.0) -> list[Standing]:
    return [Standing(n, None, since_s) for n in range(shards)]


def held(*by: str | None, since_s: float = 60.0) -> list[Standing]:
    return [Standing(n, who, since_s if who else 0.0) for n, who in enumerate(by)]


def rounds(found: Sequence[Standing], peers: Sequence[Peer]) -> list[Standing]:
    """Let every worker look, and give or take, again and again until nothing changes."""
    found = list(found)
    for _ in range(200):
        before = list(found)
        for peer in peers:
            for shard in to_take(found, peers, peer.id):
                assert found[shard].worker is None
                found[shard] = Standing(shard, peer.id, LEAST_HELD_S)
            if (given := to_give(found, peers, peer.id)) is not None:
                assert found[given].worker == peer.id
                found[given] = Standing(given, None, 0.0)
        if found == before:
            return found
    raise AssertionError("the shards go round for ever")


# Which building is whose


@given(numbers, st.integers(1, 10**12))
def test_a_lease_is_known_by_what_its_sessions_are_called(shard: int, fence: int) -> None:
    lease = Lease(shard, fence)
    assert Lease.of_session(lease.session) == lease


@pytest.mark.parametrize(
    "name", ["", "safetyd", "safetyd worker", "safetyd shard-01", "my safetyd shard-01 fence 2"]
)
def test_no_other_session_has_a_lease(name: str) -> None:
    assert Lease.of_session(name) is None


@given(ids, numbers)
def test_every_building_is_in_one_shard_that_there_is(building: str, shards: int) -> None:
    assert 0 <= shard_of(building, shards) < shards


def test_a_building_stays_where_it_is_for_ever() -> None:
    assert [shard_of(each, 16) for each in ("lincoln", "maple", "birch-2")] == [0, 14, 12]


def test_buildings_spread_over_the_shards() -> None:
    counts = [0] * 16
    for n in range(1600):
        counts[shard_of(f"school-{n}", 16)] += 1
    assert min(counts) > 60
    assert max(counts) < 140


def test_a_shard_is_called_the_same_everywhere() -> None:
    assert [name_of(3), name_of(42), name_of(123)] == ["shard-03", "shard-42", "shard-123"]


# Fair shares


@given(numbers, crews, st.data())
def test_the_shares_are_all_shards_and_differ_by_one_at_most(
    shards: int, crew: list[Peer], data: st.DataObject
) -> None:
    who = st.sampled_from([None, *(each.id for each in crew)])
    found = held(*data.draw(st.lists(who, min_size=shards, max_size=shards)))
    fit = [each for each in crew if each.is_fit] or crew
    shares = {each: share(found, crew, each.id) for each in crew}
    assert sum(shares.values()) == shards
    assert all(each in fit for each, number in shares.items() if number)
    assert max(shares[each] for each in fit) - min(shares[each] for each in fit) <= 1


def test_who_has_more_keeps_one_more() -> None:
    crew = [Peer("a"), Peer("b"), Peer("c")]
    assert [share(held("c", "c", "b", "a"), crew, who) for who in "abc"] == [1, 1, 2]
    assert [share(held("c", "c", "b", "b"), crew, who) for who in "abc"] == [1, 2, 1]


def test_who_is_not_fit_has_no_share_while_somebody_else_is() -> None:
    crew = [Peer("a"), Peer("b", is_fit=False)]
    assert [share(free(6), crew, who) for who in "ab"] == [6, 0]


def test_where_nobody_is_fit_all_watch_all_the_same() -> None:
    crew = [Peer("a", is_fit=False), Peer("b", is_fit=False)]
    assert [share(free(6), crew, who) for who in "ab"] == [3, 3]


@given(numbers, crews)
def test_what_is_free_is_all_taken_and_comes_to_rest(shards: int, crew: list[Peer]) -> None:
    found = rounds(free(shards), crew)
    assert all(each.worker is not None for each in found)
    for peer in crew:
        assert sum(each.worker == peer.id for each in found) == share(found, crew, peer.id)


@given(numbers, crews, st.data())
def test_whoever_comes_or_goes_all_is_held_again_and_comes_to_rest(
    shards: int, crew: list[Peer], data: st.DataObject
) -> None:
    found = rounds(free(shards), crew)
    left = data.draw(st.lists(st.sampled_from(crew), min_size=1, unique=True))
    alive = [*left, Peer("new")]
    gone = {each.id for each in crew} - {each.id for each in left}
    found = [Standing(n, None, 0.0) if who in gone else Standing(n, who, 60.0) for n, who, _ in found]
    found = rounds(found, alive)
    assert all(each.worker is not None for each in found)
    for peer in alive:
        assert sum(each.worker == peer.id for each in found) == share(found, alive, peer.id)


def test_a_new_worker_is_given_its_share() -> None:
    found = rounds(held(*"aaaaaaaabbbbbbbb"), [Peer("a"), Peer("b"), Peer("c")])
    counts = [sum(each.worker == who for each in found) for who in "abc"]
    assert counts == [6, 5, 5]


def test_one_is_given_back_at_a_time_and_the_longest_held() -> None:
    found = [Standing(0, "a", 20.0), Standing(1, "a", 90.0), Standing(2, "a", 30.0)]
    assert to_give(found, [Peer("a"), Peer("b")], "a") == 1


def test_what_was_taken_just_now_is_not_given_back() -> None:
    crew = [Peer("a"), Peer("b")]
    assert to_give(held("a", "a", since_s=LEAST_HELD_S - 0.1), crew, "a") is None
    assert to_give(held("a", "a", since_s=LEAST_HELD_S), crew, "a") == 0


def test_what_nobody_takes_anybody_takes() -> None:
    crew = [Peer("a"), Peer("b")]
    found = [*held("a", "a"), Standing(2, None, NEGLECTED_S - 0.1), Standing(3, None, NEGLECTED_S)]
    assert to_take(found, crew, "a") == [3]


def test_a_worker_alone_keeps_all_however_many_they_are() -> None:
    assert to_give(held(*"aaaaaa"), [Peer("a", is_fit=False)], "a") is None
