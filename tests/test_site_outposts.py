"""The promise: a site file names the gateways that are watched; each mistake in that is told at its key."""

from datetime import timedelta
from pathlib import Path

import pytest

from safetyd.cli import main
from safetyd.configuration import load
from safetyd.faults import ConfigurationError, Fault
from safetyd.ingest.topics import subscriptions
from safetyd.site import Outpost, Site, read_site
from safetyd.site_words import site_words

ROOT = Path(__file__).resolve().parent.parent
HEAD = 'name = "North District"\ntimezone = "America/Los_Angeles"\n'
MAPLE = '[[buildings]]\nid = "maple"\nname = "Maple School"\n'
WATCHED = MAPLE + 'gateway = "maple-gw"\n'
CEDAR = '[[buildings]]\nid = "cedar"\n'


def read(folder: Path, text: str) -> tuple[Site | None, list[Fault]]:
    file = folder / "site.toml"
    file.write_text(HEAD + text, encoding="utf-8")
    faults: list[Fault] = []
    return read_site([file], {}, faults), faults


def test_what_is_left_out_has_its_default(tmp_path: Path) -> None:
    site, faults = read(tmp_path, WATCHED)
    assert site is not None and not faults and site.is_watch
    assert site.buildings[0].outpost == Outpost("maple-gw", "safetyd", None, timedelta(seconds=190))


def test_all_of_it_can_be_said(tmp_path: Path) -> None:
    more = 'root = "north/safetyd"\nlink = "$SYS/broker/connection/maple/state"\nsilent_after = "10m"\n'
    site, faults = read(tmp_path, WATCHED + more)
    assert site is not None and not faults
    assert site.buildings[0].outpost == Outpost(
        "maple-gw", "north/safetyd", "$SYS/broker/connection/maple/state", timedelta(minutes=10)
    )
    assert subscriptions(site, "safetyd") == [
        "$SYS/broker/connection/maple/state",
        "north/safetyd/buildings/maple",
        "north/safetyd/gateways/maple-gw",
        "north/safetyd/status/maple-gw",
        "north/safetyd/tickets/maple/+",
    ]


def test_a_site_without_a_gateway_is_no_watch_and_hears_readings(tmp_path: Path) -> None:
    site, faults = read(tmp_path, MAPLE)
    assert site is not None and not faults and not site.is_watch
    assert subscriptions(site, "safetyd") == ["safetyd/readings/#", "safetyd/power/#"]


@pytest.mark.parametrize(
    ("text", "key", "words"),
    [
        (WATCHED + CEDAR, "buildings[1].gateway", "nothing stands here"),
        (MAPLE + 'gateway = "a/b"\n', "buildings[0].gateway", "not one level of a topic"),
        (MAPLE + "gateway = 7\n", "buildings[0].gateway", "7"),
        (WATCHED + 'link = "links/#"\n', "buildings[0].link", "has a wildcard"),
        (WATCHED + 'root = "north/"\n', "buildings[0].root", "begins no topic of a gateway"),
        (WATCHED + 'silent_after = "60s"\n', "buildings[0].silent_after", "too short"),
        (WATCHED + 'silent_after = "soon"\n', "buildings[0].silent_after", "soon"),
        (WATCHED + 'rooms = [{ id = "12" }]\n', "buildings[0].rooms", "its own safetyd watches its rooms"),
        (WATCHED.replace("maple", "maple-watch", 1), "buildings[0].id", "tickets from afar end so"),
        (WATCHED + 'linc = "x"\n', "buildings[0].linc", "nobody knows this key"),
        (MAPLE + 'link = "x"\n', "buildings[0].link", "nobody knows this key"),
    ],
)
def test_what_is_wrong_is_told_at_its_key(tmp_path: Path, text: str, key: str, words: str) -> None:
    _, faults = read(tmp_path, text)
    (fault,) = faults
    assert fault.key == key and words in f"{fault.value}"


def test_a_witness_of_the_mains_may_be_named_beside_a_gateway(tmp_path: Path) -> None:
    sensor = '[[buildings.sensors]]\nid = "feed"\ntopic = "utility/maple"\nformat = "native"\npower = true\n'
    site, faults = read(tmp_path, WATCHED + sensor)
    assert not faults and site is not None
    assert "utility/maple" in subscriptions(site, "safetyd")


def test_the_shipped_watch_is_accepted_and_said_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    file = ROOT / "config" / "watch.toml"
    assert main(["check", "--config", str(file)]) == 0
    said = capsys.readouterr().out
    assert "watched from afar, by what lincoln-gw says below safetyd/" in said
    assert "its link is told on safetyd/links/lincoln" in said
    assert "after 190 s" in said and "lincoln-watch-YEAR-NUMBER" in said
    assert "no rooms" not in said
    assert "a building silent or heard again (trouble, trouble over): everybody who is named here" in said


def test_the_watch_of_the_readme_is_accepted(tmp_path: Path) -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    block = text.partition("# district.toml\n")[2].partition("```")[0]
    (tmp_path / "site.toml").write_text(block, encoding="utf-8")
    faults: list[Fault] = []
    site = read_site([tmp_path / "site.toml"], {}, faults)
    assert not faults and site is not None
    outpost = site.buildings[0].outpost
    assert outpost == Outpost("maple-gw", "safetyd", "safetyd/links/maple", timedelta(seconds=190))


def configured(folder: Path, text: str, settings: str = "") -> Path:
    (folder / "site.toml").write_text(HEAD + text, encoding="utf-8")
    (folder / "safetyd.toml").write_text(f'site = ["site.toml"]\n{settings}', encoding="utf-8")
    return folder / "safetyd.toml"


def test_a_watch_announces_nothing(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"mqtt\.announce"):
        load(configured(tmp_path, WATCHED, "[mqtt]\nannounce = true\n"), {})


def test_who_is_missing_is_the_district(tmp_path: Path) -> None:
    words = "\n".join(site_words(load(configured(tmp_path, WATCHED), {})))
    assert "in Maple School nobody with an address holds this role: district." in words


@pytest.mark.parametrize(
    ("command", "text", "hint"), [("run", WATCHED, "safetyd watch"), ("watch", MAPLE, "safetyd run")]
)
def test_a_command_with_the_other_ones_site_is_refused(
    command: str, text: str, hint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([command, "--config", str(configured(tmp_path, text))]) == 2
    assert hint in capsys.readouterr().err
