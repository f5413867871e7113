"""What a person asks of the writer, carried out and answered; of it, here, a test notice to one person.

Rule: it goes the way of every notice, through the outbox, so that what arrives proves that way.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from safetyd import assigning
from safetyd.commands import TEST_NOTICE, read_trial
from safetyd.core import telling, trial
from safetyd.core.errors import ActionError
from safetyd.core.plan import Reason
from safetyd.core.trial import Sent
from safetyd.faults import did_you_mean
from safetyd.service import Service
from safetyd.site import Person
from safetyd.store import told


def carry_out(service: Service, said: Mapping[str, Any], at: datetime) -> dict[str, Any]:
    """Carry out what a person asks, and return the answer: a ticket's id, or what became of it.

    Raises:
        SafetydError: it is refused, in one sentence; nothing has changed.
    """
    if said.get("do") != TEST_NOTICE:
        return assigning.carry_out(service, said, at)
    service.elapse_before(at)
    asked = read_trial(said)
    person = _person(service, asked.person)
    building = next(
        (each.id for each in service.site.buildings if person.belongs_to(each.id)), person.buildings[0]
    )
    role = service.facts.role_of(asked.by, building, asked.role)
    trial.check(asked, role, building, _sent(service, at), at)
    owed = trial.notice_of(asked, role, person.roles_in(building), building, at)
    telling.tell_of_trial(service.world, service.facts, owed)
    where = "1 address" if len(person.notify) == 1 else f"{len(person.notify)} addresses"
    return {"ticket": None, "says": f"a test notice is on its way to {person.name}, at {where}"}


def _person(service: Service, name: str) -> Person:
    found = next((each for each in service.site.people if each.name == name), None)
    if found is None:
        names = [each.name for each in service.site.people]
        raise ActionError(f"person: the site file names nobody {name!r}{did_you_mean(name, names)}")
    if not found.notify:
        raise ActionError(f"person: {name} has no address; give one under notify in the site file")
    return found


def _sent(service: Service, at: datetime) -> list[Sent]:
    """Return the tests of the last hour, committed or not."""
    with service.writing() as connection:
        found = [Sent(*each) for each in told.tests_since(connection, at - trial.AN_HOUR)]
    owed = service.world.changes.notices
    return found + [Sent(each.about["person"], each.at) for each in owed if each.reason is Reason.TEST]
