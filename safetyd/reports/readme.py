"""What an archive of everything on record is, in words for whoever is given it and knows nothing of safetyd.

Rule: plain text that any computer opens: which file is what, how much of the time was seen, how to check it.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from textwrap import wrap

from safetyd.reports.report import Report, coverage_words

README = "README.txt"
PARTS: Mapping[str, str] = {
    "tickets.json": "Each ticket that concerns this time: what began when, its deadlines and what became of"
    " them, and who was told.",
    "history.csv": "What was done with these tickets, line by line: when, by whom, in which words.",
    "notices.csv": "Each message about them: to whom it went, when, and what the other end answered.",
    "readings.csv": "Each value that a sensor sent, as it came: when it was measured, when it was received,"
    " and whether it was believed.",
    "troubles.json": "Faults of the measuring itself: sensors that fell silent, were stuck or said what"
    " cannot be.",
    "sensors.json": "The sensors, where they are and how they stand.",
    "imports.json": "Readings that were brought in from files later on, and by whom.",
    "rules.json": "The limits and deadlines that were in force, and the calendars of the buildings.",
    "stated.json": "What was put on record of rules, plans, calendars and sensors, and when.",
    "hours.csv": "For each room: hours beyond the limits and hours of which nothing is known.",
    "hours_by_month.csv": "The same, month by month.",
    "files/": "Photos and documents that go with the tickets, if any do; their names are their hashes.",
    "manifest.json": "A list of all these files with the size and the SHA-256 hash of each.",
}
_WIDTH = 76


def readme(report: Report, *, with_names: bool) -> bytes:
    """Return the text for an archive of the time that a report is about."""
    return ("\n".join(_lines(report, with_names=with_names)) + "\n").encode()


def _lines(report: Report, *, with_names: bool) -> Iterator[str]:
    yield f"{report.site}: everything on record"
    yield ""
    yield from wrap(f"Buildings: {', '.join(report.buildings)}", _WIDTH)
    yield f"From {_moment(report, report.begin)} to {_moment(report, report.end)}"
    yield f"Put together {_moment(report, report.made_at)}"
    yield ""
    yield from wrap(coverage_words(report), _WIDTH)
    for note in report.notes:
        yield from wrap(note, _WIDTH)
    yield ""
    yield "What each file is"
    for name, words in PARTS.items():
        yield ""
        yield name
        yield from wrap(words, _WIDTH, initial_indent="  ", subsequent_indent="  ")
    yield ""
    names = (
        "The names of educators who reported something stand as they are on record."
        if with_names
        else "The names of educators who reported something are withheld."
    )
    yield from wrap(names, _WIDTH)
    yield from wrap(
        "Times in the files are in UTC (they end with Z). Files that end with .csv open in any spreadsheet,"
        " those that end with .json in any text editor. An empty cell is what is not known, never nought.",
        _WIDTH,
    )


def _moment(report: Report, at: datetime) -> str:
    return f"{at.astimezone(report.zone):%Y-%m-%d %H:%M %Z}"
