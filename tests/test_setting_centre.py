"""What a gateway sends to a centre and whose records a centre keeps is read whole, faults told at once."""

from pathlib import Path

import pytest

from safetyd.configuration import Loaded, load
from safetyd.faults import ConfigurationError
from safetyd.site_words import site_words

SITE = 'timezone = "America/Los_Angeles"\nbuildings = [{ id = "maple" }]\n'
AFAR = 'timezone = "America/Los_Angeles"\nbuildings = [{ id = "maple", gateway = "maple-gw" }]\n'
MAPLE = '[[gateways]]\nname = "maple-gw"\n'


def read(folder: Path, more: str = "", site: str | None = None, **environ: str) -> Loaded:
    own = AFAR if "[[gateways]]" in more and site is None else site or SITE
    (folder / "site.toml").write_text(own, encoding="utf-8")
    (folder / "maple.toml").write_text('name = "Maple"\n' + SITE, encoding="utf-8")
    (folder / "broken.toml").write_text("timezone = 7\n", encoding="utf-8")
    (folder / "safetyd.toml").write_text('site = "site.toml"\n' + more, encoding="utf-8")
    return load(folder / "safetyd.toml", environ)


def words(loaded: Loaded) -> str:
    return "\n".join(site_words(loaded))


def test_nothing_is_sent_and_nobody_obeyed_unless_it_is_said(tmp_path: Path) -> None:
    loaded = read(tmp_path)
    assert not loaded.settings.centre.record and not loaded.settings.centre.commands
    assert loaded.settings.gateways == () and "centre" not in words(loaded)


def test_a_gateway_says_what_it_sends_and_whether_it_obeys(tmp_path: Path) -> None:
    assert "as safetyd, and takes no commands from it" in words(read(tmp_path, "[centre]\nrecord = true\n"))
    loaded = read(tmp_path, "[centre]\nrecord = true\n", SAFETYD_CENTRE__COMMANDS="true")
    assert "and obeys its commands" in words(loaded)


def test_a_copy_lies_beside_the_others_unless_a_file_is_named(tmp_path: Path) -> None:
    loaded = read(
        tmp_path, MAPLE + '[[gateways]]\nname = "oak-gw"\ncopy = "oak.db"\nroot = "north/safetyd"\n'
    )
    first, second = loaded.settings.gateways
    assert (first.copy, first.root) == (tmp_path / "var" / "gateways" / "maple-gw.db", "safetyd")
    assert (second.url, second.root) == (f"sqlite:///{tmp_path / 'oak.db'}", "north/safetyd")
    assert "the record of maple-gw in maple-gw.db; its site files are not named" in words(loaded)


def test_its_copy_is_looked_at_by_its_own_site_files(tmp_path: Path) -> None:
    loaded = read(tmp_path, MAPLE + 'site = ["maple.toml"]\n')
    there = loaded.at("maple-gw")
    assert (there.copy_of, there.site.name) == ("maple-gw", "Maple")
    assert there.settings.store.url.endswith("maple-gw.db") and there.settings.gateways == ()
    with pytest.raises(ConfigurationError, match="did you mean 'maple-gw'"):
        loaded.at("mapel-gw")
    with pytest.raises(ConfigurationError, match="site files of maple-gw are not named"):
        read(tmp_path, MAPLE).at("maple-gw")


@pytest.mark.parametrize(
    ("more", "key", "hint"),
    [
        ("[centre]\ncommands = true\n", "centre.commands", "record = true beside it"),
        ('[centre]\nrecord = "perhaps"\n', "centre.record", "true or false"),
        ("[centre]\nrecords = true\n", "centre.records", "did you mean 'record'"),
        ("[[gateways]]\n", "gateways[0].name", "the client id of its safetyd"),
        ('[[gateways]]\nname = "a/b"\n', "gateways[0].name", "no / in it"),
        (MAPLE + MAPLE, "gateways[1].name", "each gateway once"),
        (MAPLE + 'site = ["none.toml"]\n', "gateways[0].site", "relative to this file"),
        (MAPLE + 'root = "/x"\n', "gateways[0].root", "levels such as"),
        (MAPLE + 'url = "x"\n', "gateways[0].url", "nobody knows this key"),
        (MAPLE + 'site = ["broken.toml"]\n', "timezone", ""),
        ('[gateways]\nname = "x"\n', "gateways", "[[gateways]]"),
    ],
)
def test_a_fault_is_told_with_its_key(tmp_path: Path, more: str, key: str, hint: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read(tmp_path, more)
    assert any(fault.key == key and hint in str(fault) for fault in caught.value.faults), caught.value


def test_copies_are_kept_by_a_watch_and_by_nobody_else(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="for safetyd watch") as caught:
        read(tmp_path, MAPLE, SITE)
    assert [fault.key for fault in caught.value.faults] == ["gateways"]


def test_a_building_of_two_gateways_is_a_fault(tmp_path: Path) -> None:
    both = (f'[[gateways]]\nname = "{name}"\nsite = ["maple.toml"]\n' for name in ("maple-gw", "oak-gw"))
    with pytest.raises(ConfigurationError) as caught:
        read(tmp_path, "".join(both))
    (fault,) = caught.value.faults
    assert fault.value == "'maple' is a building of 'maple-gw' and of 'oak-gw'"
