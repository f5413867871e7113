"""From where a report is taken without a login: from nowhere, unless the site file says so."""

from pathlib import Path

import pytest

from safetyd.faults import Fault
from safetyd.site import Site, read_site

TWO = """
timezone = "America/Los_Angeles"
{top}
[[buildings]]
id = "maple"
{maple}
[[buildings]]
id = "cedar"
"""


def read(folder: Path, top: str = "", maple: str = "") -> tuple[Site, list[Fault]]:
    file, faults = folder / "site.toml", []
    file.write_text(TWO.format(top=top, maple=maple), encoding="utf-8")
    site = read_site([file], {}, faults)
    assert site is not None
    return site, faults


def open_to(site: Site, address: str) -> list[str]:
    return [each.id for each in site.open_to(address)]


def test_without_a_word_nobody_reports_who_is_not_logged_in(tmp_path: Path) -> None:
    site, faults = read(tmp_path)
    assert not faults
    assert [open_to(site, each) for each in ("127.0.0.1", "10.20.0.1", "::1", "", "unix:")] == [[]] * 5


def test_the_sites_networks_are_those_of_every_building(tmp_path: Path) -> None:
    site, faults = read(tmp_path, 'reports_from = ["10.20.0.0/16", "fd00:5::/64", "192.0.2.9"]')
    assert not faults
    for inside in ("10.20.0.0", "10.20.255.255", "::ffff:10.20.1.2", "fd00:5::77", "192.0.2.9"):
        assert open_to(site, inside) == ["maple", "cedar"], inside
    for outside in ("10.19.255.255", "10.21.0.0", "fd00:5:0:1::1", "192.0.2.8", "::10.20.1.2", "maple", ""):
        assert open_to(site, outside) == [], outside


def test_a_buildings_own_stand_in_the_place_of_the_sites(tmp_path: Path) -> None:
    top = 'reports_from = ["10.20.0.0/16"]'
    site, _ = read(tmp_path, top, 'reports_from = ["10.30.0.0/16"]')
    assert open_to(site, "10.20.0.1") == ["cedar"] and open_to(site, "10.30.0.1") == ["maple"]
    site, _ = read(tmp_path, top, "reports_from = []")
    assert open_to(site, "10.20.0.1") == ["cedar"]


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ('["10.20.1.0/16"]', "'10.20.0.0/16'"),
        ('["10.20.0.0/33"]', "is no network"),
        ('["school"]', "is no network"),
        ("[10]", "is no network"),
        ('[""]', "is no network"),
        ('"10.20.0.0/16"', "a list of networks"),
        ("true", "a list of networks"),
    ],
)
@pytest.mark.parametrize("where", ["top", "maple"])
def test_what_is_no_network_is_a_fault_with_its_mend(
    tmp_path: Path, said: str, words: str, where: str
) -> None:
    _, faults = read(tmp_path, **{where: f"reports_from = {said}"})
    assert [words.replace("'", '"') in str(each).replace("'", '"') for each in faults] == [True], faults
