"""deploy/mosquitto/account.sh: an account with topics of its own by one command, and gone by another."""

import stat
from pathlib import Path

import pytest

from tests.journeys.shipped import FILES, done, script

pytestmark = pytest.mark.journey


def run(folder: Path, *arguments: str) -> str:
    return done(script("account.sh", "-d", folder, *arguments))


def refused(folder: Path, *arguments: str) -> str:
    before = state(folder)
    said = script("account.sh", "-d", folder, *arguments)
    assert said.returncode == 1 and said.stdout == "" and state(folder) == before
    return said.stderr


def access(folder: Path) -> str:
    return (folder / "safetyd.acl").read_text("utf-8")


def state(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text("utf-8") for path in folder.iterdir()}


def accounts(folder: Path) -> list[str]:
    return run(folder, "list").split()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder in which safetyd has its account."""
    made = tmp_path / "mosquitto"
    made.mkdir()
    run(made, "add", "safetyd")
    return made


def test_the_list_of_topics_begins_as_it_is_shipped(folder: Path) -> None:
    assert access(folder) == (FILES / "accounts.acl").read_text("utf-8")
    assert accounts(folder) == ["safetyd"]


def test_only_the_password_is_printed_each_time_another_and_it_is_kept_nowhere(folder: Path) -> None:
    first, second = run(folder, "add", "readings/maple/12"), run(folder, "add", "readings/maple/lab")
    again = run(folder, "password", "readings/maple/12")
    assert len({first, second, again}) == 3 and {len(each) for each in (first, second, again)} == {33}
    assert not [each for each in (first, second, again) if each.strip() in str(state(folder))]
    assert sorted(accounts(folder)) == ["readings/maple/12", "readings/maple/lab", "safetyd"]
    for name in ("safetyd.passwd", "safetyd.acl"):
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600


def test_an_account_takes_its_topics_with_it_and_nobody_elses(folder: Path) -> None:
    run(folder, "add", "zigbee", "zigbee2mqtt/#")
    before = access(folder)
    run(folder, "add", "plug", "tele/Plug 7/#", "stat/Plug 7/#")
    assert access(folder).endswith("user plug\ntopic write tele/Plug 7/#\ntopic write stat/Plug 7/#\n")
    run(folder, "add", "probe", "probe/+")
    run(folder, "remove", "plug")
    assert access(folder) == before + "\nuser probe\ntopic write probe/+\n"
    assert accounts(folder) == ["safetyd", "zigbee", "probe"]


def test_the_daemons_topics_stay_when_its_account_goes(folder: Path) -> None:
    run(folder, "remove", "safetyd")
    assert accounts(folder) == [] and "user safetyd" in access(folder)
    run(folder, "add", "safetyd")
    assert access(folder) == (FILES / "accounts.acl").read_text("utf-8")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["safetyd"], "has an account"),
        (["zigbee"], "say which topics"),
        (["readings/maple/12", "other/#"], "by its name"),
        (["a+b", "x"], "cannot be an account's name"),
        (["readings/maple/+"], "cannot be an account's name"),
        (["readings/#"], "cannot be an account's name"),
        (["a:b", "x"], "cannot be an account's name"),
        (["/a", "x"], "cannot be an account's name"),
        (["a//b", "x"], "cannot be an account's name"),
        (["", "x"], "cannot be an account's name"),
        (["all", "#"], "cannot be a topic"),
        (["all", "+/SENSOR"], "cannot be a topic"),
        (["two", "a\ntopic readwrite #"], "cannot be a topic"),
        (["two", "a "], "cannot be a topic"),
        (["two", ""], "cannot be a topic"),
        (["two", "a/#/b"], "cannot be a topic"),
        (["two", "a/b+"], "cannot be a topic"),
    ],
)
def test_what_cannot_be_added_is_said_and_nothing_changes(
    folder: Path, arguments: list[str], words: str
) -> None:
    assert words in refused(folder, "add", *arguments)


def test_of_who_has_no_account_nothing_can_be_taken(folder: Path) -> None:
    assert "nobody has the account" in refused(folder, "remove", "readings/maple/12")
    assert "nobody has the account" in refused(folder, "password", "readings/maple/12")
    assert script("account.sh", "-d", folder, "add").returncode == 2
    assert "there is no folder" in script("account.sh", "-d", folder / "none", "list").stderr
