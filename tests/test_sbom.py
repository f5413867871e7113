"""What goes onto a gateway beside our own code, and under which licences."""

import re
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

from deploy.assets import read
from deploy.sbom import by_licence, for_browsers

ROOT = Path(__file__).resolve().parent.parent

# What may be given away together with a program under Apache-2.0, by what stands in a package's own words.
_FINE = re.compile(r"MIT|BSD|Apache|ISC\b|PSF|MPL[- ]2\.0|Mozilla Public License 2")
_NOT = re.compile(r"\bGPL|\bAGPL|\bLGPL|GNU|SSPL|Commercial|Proprietary", re.IGNORECASE)


# LGPL: none of it is in what we give away; who wants the extra postgresql gets it unchanged from its makers.
_LEFT_TO_ITS_MAKERS = {"psycopg", "psycopg-binary"}
_ONLY_IN_MAKE_SBOM = {"pyarrow"}  # not among what tests need
_MIT = "Permission is hereby granted, free of charge"


def _names(file: str) -> list[str]:
    pinned = (ROOT / "requirements" / file).read_text(encoding="utf-8")
    return re.findall(r"^([\w.-]+)==", pinned, re.MULTILINE)


def _of_extras() -> list[str]:
    return [name for name in _names("extras.txt") if name not in _names("run.txt")]


def _stated(name: str) -> list[str]:
    """Return how a package's own words, or else its licence's text, call its licence."""
    about = metadata.metadata(name)
    classified = [each for each in about.get_all("Classifier") or [] if each.startswith("License")]
    first_line = (about.get("License") or "").split("\n")[0]
    stated = [each for each in (about.get("License-Expression"), first_line, *classified) if each]
    texts = [each.read_text() for each in metadata.files(name) or [] if each.name.startswith("LICENSE")]
    return stated or ["MIT" for text in texts if _MIT in text]


@pytest.mark.parametrize("name", _names("run.txt"))
def test_what_goes_onto_a_gateway_may_be_given_away_with_it(name: str) -> None:
    stated = _stated(name)
    assert stated, f"{name} states no licence"
    assert any(_FINE.search(each) for each in stated), stated
    assert not any(_NOT.search(each) for each in stated), stated


@pytest.mark.parametrize("name", sorted({*_of_extras()} - _ONLY_IN_MAKE_SBOM))
def test_so_may_what_an_extra_adds_but_for_what_is_left_to_its_makers(name: str) -> None:
    stated = _stated(name)
    assert stated, f"{name} states no licence"
    if name in _LEFT_TO_ITS_MAKERS:
        assert stated == ["LGPL-3.0-only"]
        return
    assert any(_FINE.search(each) for each in stated), stated
    assert not any(_NOT.search(each) for each in stated), stated


def test_every_extra_that_people_are_told_of_is_pinned_with_a_hash_and_in_the_versions_of_a_gateway() -> None:
    pinned = (ROOT / "requirements" / "extras.txt").read_text(encoding="utf-8")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    made = (ROOT / "Makefile").read_text(encoding="utf-8")
    found = re.search(r"^EXTRAS := (.*)$", made, re.MULTILINE)
    assert found
    extras = found[1].split()
    assert {*project["optional-dependencies"]} - {*extras} == {"demo", "dev", "fuzz"}
    wanted = [
        re.split(r"[\[><=]", each)[0] for name in extras for each in project["optional-dependencies"][name]
    ]
    assert {*wanted} <= {*_names("extras.txt")}
    assert {*_ONLY_IN_MAKE_SBOM, *_LEFT_TO_ITS_MAKERS} <= {*_of_extras()}
    blocks = re.findall(r"^[\w.-]+==.*?(?=^\S|\Z)", pinned, re.MULTILINE | re.DOTALL)
    assert len(blocks) == len(_names("extras.txt"))
    assert all("--hash=sha256:" in each for each in blocks)
    lines = re.compile(r"^[\w.-]+==\S+", re.MULTILINE)
    gateway = (ROOT / "requirements" / "run.txt").read_text(encoding="utf-8")
    assert {*lines.findall(gateway)} <= {*lines.findall(pinned)}


def test_what_a_browser_is_given_is_listed_with_the_hash_it_is_pinned_by() -> None:
    pins = """\
chalk==2.0.1 sha512-AAAA
    dist/chalk.js safetyd/web/vendor/chalk.js sha512-BBBB
only-in-tests==1.0.0 sha512-CCCC
    only.js build/only.js sha512-DDDD
"""
    (found,) = for_browsers(read(pins))
    assert found["purl"] == "pkg:npm/chalk@2.0.1"
    assert found["hashes"] == [{"alg": "SHA-512", "content": "000000"}]


def test_each_is_told_under_the_licence_that_it_states() -> None:
    components = [
        {"name": "one", "licenses": [{"expression": "EPL-2.0 OR BSD-3-Clause"}]},
        {"name": "two", "licenses": [{"license": {"name": "License :: OSI Approved :: BSD License"}}]},
        {"name": "three", "licenses": [{"license": {"name": "its whole text"}}, {"license": {"id": "MIT"}}]},
        {"name": "four"},
    ]
    assert by_licence(components) == {
        "BSD License": ["two"],
        "EPL-2.0 OR BSD-3-Clause": ["one"],
        "MIT": ["three"],
        "none stated": ["four"],
    }
