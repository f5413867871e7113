"""Gateways of a centre as lines to read."""

from typing import Any

from safetyd.held_copies import said

_SHOWN = 12  # characters of a hash


def gateways_words(shown: list[dict[str, Any]]) -> None:
    """Print how far each gateway's record has come, and what waits for its answer."""
    if not shown:
        print("No gateway: a centre names its own as [[gateways]] in safetyd.toml.")
    for each in shown:
        print(f"{each['gateway']}: {_record(each)}")
        for pending in each["pending"]:
            asked = pending["asked"]
            print(f"  waits for its answer since {pending['since']}: {said(asked)}, by {asked.get('by')}")


def _record(each: dict[str, Any]) -> str:
    if each["heard_at"] is None:
        return "nothing of its record has come yet"
    rows, readings = each["behind"], each["readings_behind"]
    behind = f"{rows} rows and {readings} readings behind" if rows or readings else "whole"
    head = f", head {each['hash'][:_SHOWN]}" if each["hash"] else ""
    tickets = f", {each['open']} open tickets"
    return f"row {each['number']}{head}, {behind} when it was last heard, {each['heard_at']}{tickets}"
