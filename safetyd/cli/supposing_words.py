"""A supposition on a terminal: each building and month with both sides, the difference, and small bars."""

from collections.abc import Callable
from datetime import datetime

from rich.table import Table

from safetyd.cli.words import plain_console
from safetyd.reports.report import percent
from safetyd.site import Site
from safetyd.whatif.answer import Answer, Row
from safetyd.whatif.figures import Figures

_HOUR = 3_600_000_000
_BAR = 12


def answer_words(answer: Answer, site: Site) -> None:
    """Print what was supposed, what it rests on, and the table."""
    console = plain_console()
    question, total = answer.question, answer.total

    def local(at: datetime) -> str:
        return f"{at.astimezone(site.timezone):%Y-%m-%d %H:%M}"

    supposed = ", ".join(question.settings) or "nothing changed"
    console.print(f"What if: {supposed}; {local(question.begin)} to {local(question.end)}.", highlight=False)
    console.print(f"Result: {answer.basis}. Coverage: {_coverage(total)}.", highlight=False)
    most = max((max(row.in_force.breach, row.proposed.breach) for row in answer.rows), default=0)
    table = Table(box=None)
    for name in ("building", "month"):
        table.add_column(name)
    for name in ("tickets", "room-hours in breach", "student-day hours", "deadlines missed", "known"):
        table.add_column(name, justify="right")
    table.add_column("in force / proposed")
    for row in answer.rows:
        table.add_row(row.building, f"{row.month:%Y-%m}", *_cells(row), _bars(row, most))
    if len(answer.rows) > 1:
        table.add_section()
        table.add_row("all", "", *_cells(total), "")
    console.print(table)
    unknown = total.proposed.unrelieved
    if unknown:
        console.print(
            f"{unknown} of the missed deadlines proposed are of tickets not on record.", highlight=False
        )
    for note in answer.notes:
        console.print(f"{note[0].upper()}{note[1:]}.", highlight=False)


def _cells(row: Row) -> list[str]:
    def both(value: Callable[[Figures], float], form: str, *, is_known: bool = True) -> str:
        if not is_known:
            return "–"
        was, will = value(row.in_force), value(row.proposed)
        return f"{was:{form}} → {will:{form}} ({will - was:+{form}})"

    return [
        both(lambda each: each.tickets, ",d"),
        both(lambda each: each.breach / _HOUR, ",.1f", is_known=row.has_breach),
        both(lambda each: each.student / _HOUR, ",.1f", is_known=row.has_student),
        both(lambda each: each.missed, ",d"),
        _coverage(row),
    ]


def _coverage(row: Row) -> str:
    return "–" if row.coverage is None else percent(row.coverage)


def _bars(row: Row, most: int) -> str:
    def bar(value: int) -> str:
        return "█" * round(_BAR * value / most) if most else ""

    return f"{bar(row.in_force.breach)}\n{bar(row.proposed.breach)}"
