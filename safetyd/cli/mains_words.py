"""How the buildings' electricity stands, from within and from afar: tables and plain words."""

from collections.abc import Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from safetyd.cli.words import local, plain_console, styled
from safetyd.site import Site


def watched_words(buildings: Sequence[dict[str, Any]], site: Site) -> None:
    """Print how each building stands as seen from afar, its electricity, and when it was last heard."""
    table = Table(
        "building", "seen from here", "since", "electricity", "since", "last heard", "why", box=None
    )
    for shown in buildings:
        building = site.building(shown["building"])
        table.add_row(
            Text(building.name if building else shown["building"]),
            styled(shown["state"]),
            local(shown["state_since"], site),
            styled(shown["electricity"]),
            local(shown["since"], site),
            local(shown["heard_at"], site),
            Text(shown["why"]),
        )
    plain_console().print(table)


def power_words(buildings: Sequence[dict[str, Any]], site: Site) -> None:
    """Print where each building's electricity stands, and who said what and when."""
    console = plain_console()
    for shown in buildings:
        building = site.building(shown["building"])
        line = Text(f"{building.name if building else shown['building']}: ")
        line.append_text(styled(shown["electricity"]))
        if shown["since"] is not None:
            line.append(f" since {local(shown['since'], site)}")
            bound, flickers = shown["last_on_at"], shown["flickers"]
            line.append(f", last known to be on {local(bound, site)}" if bound else "")
            line.append(f", with {_short_returns(flickers)}" if flickers else "")
        console.print(line)
        for each in shown["witnesses"]:
            lapsed = "" if each["counts"] else " (no longer counts)"
            since, heard = local(each["since"], site), local(each["heard_at"], site)
            console.print(f"  {each['witness']}: {each['says']} since {since}, last said {heard}{lapsed}")
        if not shown["witnesses"]:
            console.print("  nobody has said anything of its mains yet")


def _short_returns(count: int) -> str:
    return "1 short return" if count == 1 else f"{count} short returns"
