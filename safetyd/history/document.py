"""An answer about the past as one JSON object: the same on the command line and over HTTP.

Rule: names and shapes here are a promise, as those of `objects`.
"""

from typing import Any

from safetyd.history.queries import Answer
from safetyd.store.imports import Import
from safetyd.times import rfc3339


def answer_object(answer: Answer, *, always_spans: bool = False) -> dict[str, Any]:
    """Return an answer as the outside sees it; with `always_spans` a single value is a span of one."""
    question, told = answer.question, answer.coverage
    is_single = answer.every is None and not always_spans
    return {
        "building": question.place.building,
        "room": question.place.room,
        "quantity": question.measure.value,
        "unit": answer.unit,
        "points": [
            [rfc3339(each.at), each.mean]
            if is_single
            else [rfc3339(each.at), each.low, each.mean, each.high, each.n]
            for each in answer.points
        ],
        "resolution": answer.resolution.value,
        "coverage": {
            "share": told.share,
            "of": "student_hours" if told.is_school_time else "all_hours",
            "known_s": round(told.known.total_seconds()),
            "unknown_s": round((told.whole - told.known).total_seconds()),
        },
        "note": answer.note,
        "imports": [import_object(each) for each in answer.imports],
    }


def import_object(each: Import) -> dict[str, Any]:
    """Return an import as the outside sees it."""
    return {
        "at": rfc3339(each.at),
        "by": each.by,
        "file": each.file,
        "sha256": each.sha256,
        "sensor": each.sensor,
        "rows": each.rows,
        "values": each.values,
        "rejected": each.rejected,
        "tickets": each.is_ticketed,
        "places": [
            {
                "building": extent.place.building,
                "room": extent.place.room,
                "values": extent.values,
                "from": rfc3339(extent.first_at),
                "to": rfc3339(extent.last_at),
            }
            for extent in each.extents
        ],
    }
