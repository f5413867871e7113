"""What a season would have been under other numbers: asked with sliders, answered beside the ones in force.

Rule: it only reads, and nobody waits: what is worked out is worked out apart, and the page says how far that
has come. Whoever asks something else lets go of what they asked before.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from safetyd.assigned import composed
from safetyd.core.errors import SafetydError
from safetyd.history.files import XLSX_TYPE
from safetyd.web.charts.page import on_page
from safetyd.web.looking import Past
from safetyd.web.pages.page import Answer, Download, Go, Sheet, Visit
from safetyd.web.pages.ranges import Kind
from safetyd.web.pages.whatif_asked import OUTSIDE, Asked, asked
from safetyd.web.pages.whatif_words import FIGURES, both, charts, commands, headline, known, lines, trust
from safetyd.web.problems import Problem
from safetyd.whatif import answer as whatif_answer
from safetyd.whatif.answer import answer_object, buildings_meant, needs_readings, nothing_known
from safetyd.whatif.desk import Dropped, Going, Refused
from safetyd.whatif.files import csv_of, xlsx_of
from safetyd.whatif.rolled import why_it_ends

_RANGES = {Kind.TERM: "a term (18 weeks)", Kind.YEAR: "a year", Kind.CUSTOM: "from … to …"}
_AGAIN = "again"


def whatif(past: Past, visit: Visit) -> Answer:
    """Return the page; it asks for nothing before somebody has supposed something."""
    what = asked(past, visit)
    shown = {
        "ranges": [(kind.value, words, kind is what.range.kind) for kind, words in _RANGES.items()],
        "outsides": list(OUTSIDE.items()),
    }
    return Sheet("whatif.html", {**shown, **_standing(past, visit, what)})


def whatif_part(past: Past, visit: Visit) -> Answer:
    """Return the answer alone, for a page that is open."""
    return Sheet("whatif_answer.html", _standing(past, visit, asked(past, visit)))


def whatif_file(past: Past, visit: Visit) -> Answer:
    """Return an answer that was given, as a file of the kind that stands in the path.

    What is not worked out, or no longer, is worked out on the page.
    """
    kind = visit.path["kind"]
    if kind not in FILES:
        raise Problem(404, f"no file is of the kind {kind[:40]!r}; there are {', '.join(FILES)}")
    what = asked(past, visit)
    kept = past.of(*what.question.buildings)
    found = past.desk.kept(what.question, composed(kept.connection, past.site, past.root).site)
    if found is None:
        return Go(what.url())
    media_type, write = FILES[kind]
    return Download(f"what-if-{what.range.name}.{kind}", media_type, write(found))


def _standing(past: Past, visit: Visit, what: Asked) -> dict[str, Any]:
    """Return how it stands with what was asked."""
    shown: dict[str, Any] = {
        "asked": what,
        "state": "idle",
        "words": "",
        "share": 0.0,
        "ahead": 0,
        "commands": commands(what, past.site) if what.question.settings else [],
        "again": what.url(again="1"),
        "anew": what.url(),
    }
    if not what.question.settings:
        return shown
    kept = past.of(*what.question.buildings)
    if unread := nothing_known(kept.connection, past.site, what.question):
        return shown | {"state": "refused", "words": unread, "commands": []}
    key = needs_readings(what.question.settings)
    if key is not None:
        words = f"what {key} would change cannot be told from 5-minute values, but from every reading"
        return shown | {"state": "refused", "words": words}
    try:
        site = composed(kept.connection, past.site, past.root).site
        buildings_meant(site, what.question.buildings)
    except SafetydError as error:
        return shown | {"state": "refused", "words": str(error), "commands": []}
    is_again = bool(visit.query.get(_AGAIN))
    match past.desk.ask(visit.account.number, kept.url, what.question, site, is_again=is_again):
        case Going(share, ahead):
            return shown | {"state": "going", "share": share, "ahead": ahead}
        case Refused(words):
            return shown | {"state": "refused", "words": words}
        case Dropped():
            return shown | {"state": "dropped"}
        case found:
            return shown | {"state": "answered", **_answered(past, what, found)}


def _answered(past: Past, what: Asked, found: whatif_answer.Answer) -> dict[str, Any]:
    drawn = [(chart.title, on_page(chart, f"if-{id}")) for id, chart in charts(found, past.site)]
    ends = why_it_ends(min(what.range.end, past.now), found.question.end, past.site)
    remarks = dict.fromkeys([*ends, *found.remarks])
    return {
        "begin": found.question.begin,
        "end": found.question.end,
        "headline": headline(found),
        "figures": both(found.total),
        "heads": [each.name for each in FIGURES],
        "lines": lines(found, past.site),
        "known": known(found.total),
        "trust": [*trust(found), *(f"{each[0].upper()}{each[1:]}." for each in remarks)],
        "charts": drawn,
        "files": [(name, what.url(f"/whatif/file/{name}")) for name in FILES],
    }


FILES: dict[str, tuple[str, Callable[[whatif_answer.Answer], bytes]]] = {
    "csv": ("text/csv; charset=utf-8", csv_of),
    "xlsx": (XLSX_TYPE, xlsx_of),
    "json": ("application/json", lambda found: msgspec.json.encode(answer_object(found))),
}
