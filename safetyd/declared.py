"""How a site is read, as statements on record: rules, plans, calendars, people, and what each sensor is.

Rule: what judges readings, or says who is told, is there with its every word; secrets are not: of an address
there is its fingerprint.
"""

import json
from collections.abc import Iterator
from dataclasses import replace

import msgspec

from safetyd.core.book import in_words
from safetyd.core.model import Role
from safetyd.site import Building, Person, Site
from safetyd.site_people import fingerprint
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
        people = [_told(each, building.id) for each in site.people_for(building.id, [*Role])]
        yield _said(Subject.PEOPLE, building.id, _ENCODER.encode(people).decode())


def _told(person: Person, building: str) -> dict[str, object]:
    """Who is told about a building, by which addresses, and when not."""
    return {
        "name": person.name,
        "roles": person.roles_in(building),
        "addresses": [fingerprint(each) for each in person.notify],
        "language": person.language,
        "quiet": person.quiet,
        "messages_per_hour": person.budget,
    }


def _bound(building: Building) -> str:
    """A building's rooms and sensors; what profile reads a format is the program's, or a file's, business."""
    bound = [replace(each, profile=None) for each in building.sensors]
    return _ENCODER.encode({"rooms": [each.id for each in building.rooms], "sensors": bound}).decode()


def _said(subject: Subject, name: str, text: str) -> Statement:
    return Statement(subject, name, canonical(json.loads(text)))
