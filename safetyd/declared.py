"""How a site is read, as statements on record: rules, plans, calendars, and which sensor is bound to what.

Rule: what judges readings, or says who is told, is there with its every word; secrets are not.
"""

import json
from collections.abc import Iterator
from dataclasses import replace

import msgspec

from safetyd.core.book import in_words
from safetyd.site import Building, Site
from safetyd.store.audit import canonical
from safetyd.store.statements import Statement, Subject

_ENCODER = msgspec.json.Encoder(order="deterministic")


def declared(site: Site) -> Iterator[Statement]:
    """Yield how a site is read."""
    yield _said(Subject.RULES, "", in_words([each.plain() for each in site.rulebook.versions]))
    yield _said(Subject.PLAN, "", in_words([each.plain() for each in site.plans.versions]))
    yield _said(Subject.CALENDAR, "", in_words(site.calendar.plain()))
    for building in site.buildings:
        if building.calendar is not None:
            yield _said(Subject.CALENDAR, building.id, in_words(building.calendar.plain()))
        yield _said(Subject.SENSORS, building.id, _bound(building))


def _bound(building: Building) -> str:
    """A building's rooms and sensors; what profile reads a format is the program's, or a file's, business."""
    bound = [replace(each, profile=None) for each in building.sensors]
    return _ENCODER.encode({"rooms": [each.id for each in building.rooms], "sensors": bound}).decode()


def _said(subject: Subject, name: str, text: str) -> Statement:
    return Statement(subject, name, canonical(json.loads(text)))
