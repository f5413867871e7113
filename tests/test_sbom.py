"""What goes onto a gateway beside our own code, and under which licences."""

import re
from importlib import metadata
from pathlib import Path

import pytest

from deploy.assets import read
from deploy.sbom import by_licence, for_browsers

ROOT = Path(__file__).resolve().parent.parent

# What may be given away together with a program under Apache-2.0, by what stands in a package's own words.
_FINE = re.compile(r"MIT|BSD|Apache|ISC\b|PSF|MPL[- ]2\.0|Mozilla Public License 2")
_NOT = re.compile(r"\bGPL|\bAGPL|\bLGPL|GNU|SSPL|Commercial|Proprietary", re.IGNORECASE)


def _names() -> list[str]:
    pinned = (ROOT / "requirements" / "run.txt").read_text(encoding="utf-8")
    return re.findall(r"^([\w.-]+)==", pinned, re.MULTILINE)


@pytest.mark.parametrize("name", _names())
def test_what_goes_onto_a_gateway_may_be_given_away_with_it(name: str) -> None:
    about = metadata.metadata(name)
    classified = [each for each in about.get_all("Classifier") or [] if each.startswith("License")]
    first_line = (about.get("License") or "").split("\n")[0]
    stated = [each for each in (about.get("License-Expression"), first_line, *classified) if each]
    assert stated, f"{name} states no licence"
    assert any(_FINE.search(each) for each in stated), stated
    assert not any(_NOT.search(each) for each in stated), stated


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
