"""On which topics a daemon speaks, as its configuration has it: what an access list must allow."""

from pathlib import Path

import pytest

from safetyd.bulletin import topics_said
from safetyd.configuration import load

SITE = """
timezone = "America/Los_Angeles"
[[buildings]]
id = "maple"
rooms = [{ id = "12" }]
"""
WATCHED = """
timezone = "America/Los_Angeles"
[[buildings]]
id = "maple"
gateway = "maple-gateway"
"""
ALWAYS = [
    "safetyd/status/safetyd",
    "safetyd/gateways/safetyd",
    "safetyd/tickets/maple/maple-0",
    "safetyd/buildings/maple",
    "safetyd/rooms/maple/12",
]


def said(folder: Path, lines: str = "", site: str = SITE) -> list[str]:
    (folder / "site.toml").write_text(site, encoding="utf-8")
    (folder / "safetyd.toml").write_text(f'site = "site.toml"\n{lines}', encoding="utf-8")
    loaded = load(folder / "safetyd.toml", {})
    return topics_said(loaded.site, loaded.settings)


@pytest.mark.parametrize(
    ("lines", "more"),
    [
        ("", []),
        ("[mqtt]\nannounce = true", ["homeassistant/device/safetyd_maple/config"]),
        ('[mqtt]\nannounce = true\nannounce_prefix = "ha"', ["ha/device/safetyd_maple/config"]),
        ("[centre]\nrecord = true", ["safetyd/record/safetyd", "safetyd/answer/safetyd"]),
    ],
)
def test_a_gateway_says(tmp_path: Path, lines: str, more: list[str]) -> None:
    assert said(tmp_path, lines) == [*ALWAYS, *more]


def test_a_centre_speaks_apart_from_the_buildings_and_to_each_gateway(tmp_path: Path) -> None:
    lines = '[[gateways]]\nname = "maple-gateway"\nroot = "district"'
    assert said(tmp_path, lines, WATCHED) == [
        "safetyd/status/safetyd",
        "safetyd/gateways/safetyd",
        "safetyd/watch/tickets/maple/maple-0",
        "safetyd/watch/buildings/maple",
        "district/have/maple-gateway",
        "district/command/maple-gateway",
    ]
