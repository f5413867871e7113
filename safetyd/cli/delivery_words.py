"""Who was told of a ticket, when, and how far each notice has come at each address: on a terminal."""

from collections.abc import Iterable
from typing import Any

from rich.table import Table
from rich.text import Text

from safetyd.cli.words import held_back, local, plain_console
from safetyd.site import Site


def delivery_words(notices: Iterable[dict[str, Any]], site: Site) -> None:
    """Print the notices about a ticket, and under each its deliveries."""
    console = plain_console()
    told = Table("told", "reason", "to", "words", box=None)
    for notice in notices:
        told.add_row(
            local(notice["at"], site), notice["reason"], Text(", ".join(notice["to"])), Text(notice["title"])
        )
        if notice["shelved"]:
            told.add_row("", "", "  nobody", Text(f"– not sent: {held_back(notice, site)}"))
        for each in notice["deliveries"]:
            told.add_row("", "", Text(_told(each)), Text(_how_far(each, site)))
        if notice["last_resort_at"]:
            at = local(notice["last_resort_at"], site)
            told.add_row("", "", "the last resort", f"✗ it reached nobody; that was told {at}")
    if told.row_count:
        console.print(told)


def _told(delivery: dict[str, Any]) -> str:
    instead = f" instead of {delivery['instead_of']}" if delivery["instead_of"] else ""
    return f"  {delivery['person']} ({delivery['kind'] or 'an address that is gone'}){instead}"


def _how_far(delivery: dict[str, Any], site: Site) -> str:
    """How far a notice has come at one address: never by colour alone."""
    count = delivery["attempts"]
    tries = "1 attempt" if count == 1 else f"{count} attempts"
    done = local(delivery["done_at"], site)
    match delivery["state"]:
        case "accepted":
            return f"✓ accepted {done}" + (f", {tries}" if count > 1 else "")
        case "given_up":
            went = f"; went to {', '.join(delivery['went_to'])}" if delivery["went_to"] else ""
            return f"✗ given up {done}: {delivery['answer']}{went}"
        case "overtaken":
            return f"– not sent {done}: {delivery['answer']}"
        case "withdrawn":
            return f"– withdrawn {done}: {delivery['answer']}"
    if not count:
        return "○ not tried yet"
    under_way = delivery["tried"] and delivery["tried"][-1]["outcome"] == "under_way"
    so_far = "the last is under way or its outcome unknown" if under_way else delivery["answer"]
    return f"○ waiting, {tries}: {so_far}; next {local(delivery['next_at'], site)}"
