"""Who may log in, and their tokens: kept as hashes, gone with their person, over at their end."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Connection

from safetyd.core.model import Role
from safetyd.store import accounts
from safetyd.store.accounts import AccountError, Scope
from tests.stores import empty_store

NOW = datetime(2026, 10, 5, 15, 0, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def store() -> Iterator[Connection]:
    """A store in which Mo Adeyemi may log in, of maple only."""
    with empty_store() as connection:
        accounts.add(connection, "Mo Adeyemi", Role.FACILITIES, ("maple",), "hash of theirs", NOW)
        yield connection


def test_a_token_acts_for_its_person_until_its_end_and_not_then(store: Connection) -> None:
    text = accounts.new_token(store, "mo  adeyemi", Scope.ACT, NOW, DAY)
    found = accounts.pass_of(store, text, NOW + DAY - timedelta(microseconds=1))
    assert found is not None and found.scope is Scope.ACT
    assert (found.account.name, found.account.role) == ("Mo Adeyemi", Role.FACILITIES)
    assert found.account.buildings == ("maple",)
    assert accounts.pass_of(store, text, NOW + DAY) is None


def test_the_store_holds_no_token(store: Connection) -> None:
    text = accounts.new_token(store, "Mo Adeyemi", Scope.READ, NOW, DAY)
    kept = store.exec_driver_sql("SELECT * FROM token").fetchall()
    assert len(kept) == 1
    assert not any(text.removeprefix("safetyd_") in str(value) for value in kept[0])


@pytest.mark.parametrize("text", ["", "safetyd_", "safetyd_" + "x" * 43, "\udcff", "%"])
def test_what_nobody_was_given_is_nobodys(store: Connection, text: str) -> None:
    assert accounts.pass_of(store, text, NOW) is None


def test_who_is_removed_has_no_token_any_more(store: Connection) -> None:
    text = accounts.new_token(store, "Mo Adeyemi", Scope.READ, NOW, DAY)
    accounts.remove(store, "MO ADEYEMI")
    assert accounts.pass_of(store, text, NOW) is None
    accounts.add(store, "Mo Adeyemi", Role.FACILITIES, (), "another", NOW)
    assert accounts.pass_of(store, text, NOW) is None
    assert [each.name for each, _ in accounts.everybody(store)] == ["Mo Adeyemi"]


def test_nobody_has_the_name_of_another(store: Connection) -> None:
    with pytest.raises(AccountError, match="may log in already"):
        accounts.add(store, "mo adeyemi", Role.DISTRICT, (), "x", NOW)
    ((only, _),) = accounts.everybody(store)
    assert only.role is Role.FACILITIES


def test_who_is_not_known_is_told_who_was_meant(store: Connection) -> None:
    for ask in (accounts.named, accounts.remove):
        with pytest.raises(AccountError, match="did you mean 'Mo Adeyemi'"):
            ask(store, "Mo Adeyem")


def test_a_new_token_forgets_those_that_have_ended(store: Connection) -> None:
    accounts.new_token(store, "Mo Adeyemi", Scope.READ, NOW, DAY)
    accounts.new_token(store, "Mo Adeyemi", Scope.ACT, NOW + DAY, DAY)
    ((_, tokens),) = accounts.everybody(store)
    assert tokens == [(Scope.ACT, NOW + 2 * DAY)]
