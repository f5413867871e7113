"""The rules: every number by which tickets open and fall due, its clause, and the versions of it.

Rule: a number that the contract does not say is marked as the site's own. They change in the site file.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, NamedTuple

from safetyd.core.rules import Rules
from safetyd.site_words import rules_words, span
from safetyd.view import View
from safetyd.web.pages.page import Answer, Sheet, Visit

OURS = "not in the contract"


class Number(NamedTuple):
    """One number: its key in the site file, what it means, how it is said, and its clause."""

    key: str
    words: str
    said: Callable[[Rules], str]
    clause: str = OURS


def _f(value: float) -> str:
    return f"{value:g} °F"


def _spans(found: tuple[timedelta, ...]) -> str:
    return ", ".join(map(span, found)) or "none"


NUMBERS: tuple[tuple[str, tuple[Number, ...]], ...] = (
    (
        "Cold",
        (
            Number("cold.below_f", "Too cold is below", lambda r: _f(r.cold.below_f), "9.14.3"),
            Number("cold.end_f", "It is over at or above", lambda r: _f(r.cold.end_f)),
            Number("cold.end_after", "… that has lasted", lambda r: span(r.cold.end_after)),
            Number("cold.confirm", "Readings running that must say so", lambda r: str(r.cold.confirm)),
        ),
    ),
    (
        "Heat",
        (
            Number("heat.above_f", "Too hot is a heat index above", lambda r: _f(r.heat.above_f), "9.14.3"),
            Number(
                "heat.watch_f",
                "Shown as getting hot, with no ticket, is a heat index from",
                lambda r: _f(r.heat.watch_f),
                "9.14.3, where 80 is printed beside 85",
            ),
            Number("heat.end_f", "It is over at or below", lambda r: _f(r.heat.end_f)),
            Number("heat.end_after", "… that has lasted", lambda r: span(r.heat.end_after)),
            Number("heat.confirm", "Readings running that must say so", lambda r: str(r.heat.confirm)),
            Number(
                "heat.pair_within",
                "Temperature and humidity belong together within",
                lambda r: span(r.heat.pair_within),
            ),
        ),
    ),
    (
        "Electricity",
        (
            Number(
                "outage.longer_than",
                "A building without it for longer than",
                lambda r: span(r.outage.longer_than),
                "9.14.5",
            ),
            Number("outage.warn_at", "Warnings before that, at", lambda r: _spans(r.outage.warn_at)),
            Number(
                "outage.restored_after",
                "It is back when it held for",
                lambda r: span(r.outage.restored_after),
            ),
            Number("outage.quorum", "Of the witnesses must say so", lambda r: str(r.outage.quorum)),
            Number("outage.nominal_v", "The usual voltage", lambda r: f"{r.outage.nominal_v:g} V"),
        ),
    ),
    (
        "Relief",
        (
            Number(
                "deadlines.mitigation",
                "Extreme temperature: within",
                lambda r: span(r.deadlines.mitigation),
                "9.9.4.B",
            ),
            Number(
                "deadlines.immediate",
                "Immediate relief: within",
                lambda r: span(r.deadlines.immediate),
                "9.9.4.B",
            ),
            Number(
                "remind.at",
                "Reminders at these shares of the time",
                lambda r: ", ".join(f"{share * 100:g} %" for share in r.remind.at) or "none",
            ),
            Number(
                "remind.overdue_every", "Once overdue, again every", lambda r: span(r.remind.overdue_every)
            ),
            Number(
                "outside_work_hours",
                "Cold or heat outside work hours",
                lambda r: (
                    "a ticket at once" if r.outside_work_hours == "ticket" else "a ticket when work begins"
                ),
            ),
        ),
    ),
    (
        "Sensors",
        (
            Number(
                "quality.stale_after", "A reading counts for at most", lambda r: span(r.quality.stale_after)
            ),
            Number(
                "quality.stuck_after",
                "The same values are doubted after",
                lambda r: span(r.quality.stuck_after),
            ),
            Number(
                "quality.max_step_f_per_min",
                "A faster change waits for the next reading",
                lambda r: f"{r.quality.max_step_f_per_min:g} °F a minute",
            ),
            Number(
                "quality.range_c",
                "What is outside is rejected",
                lambda r: f"{r.quality.range_c[0]:g} to {r.quality.range_c[1]:g} °C",
            ),
            Number(
                "quality.disagree_f", "Sensors of a room disagree beyond", lambda r: _f(r.quality.disagree_f)
            ),
            Number(
                "quality.battery_below", "A battery is low below", lambda r: f"{r.quality.battery_below:g} %"
            ),
        ),
    ),
)


def rules(view: View, visit: Visit) -> Answer:
    """Return the numbers in force now, and how other versions differ."""
    book = view.site.rulebook
    now = book.in_force(view.at)
    others = [
        {
            "each": each,
            "is_to_come": starts > view.at,
            "differs": list(_differing(each, now)),
        }
        for starts, each in zip(book.starts, book.versions, strict=True)
        if each is not now
    ]
    shown: dict[str, Any] = {
        "now": now,
        "lines": [line.strip() for line in rules_words(now)][1:],
        "groups": [(name, [_said(each, now) for each in few]) for name, few in NUMBERS],
        "before": [each for each in others if not each["is_to_come"]],
        "to_come": [each for each in others if each["is_to_come"]],
        "whole": book.fingerprint,
    }
    return Sheet("rules.html", shown)


def _differing(each: Rules, now: Rules) -> list[tuple[str, str, str]]:
    return [
        (f"{name}: {number.words}", number.said(each), number.said(now))
        for name, few in NUMBERS
        for number in few
        if number.said(each) != number.said(now)
    ]


def _said(number: Number, now: Rules) -> tuple[Number, str, str]:
    """A number as it is now, and as it is where a site file says nothing."""
    return number, number.said(now), number.said(Rules())
