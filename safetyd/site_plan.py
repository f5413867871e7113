"""The `[[plan]]` of a site file: who is told of what, and who next, turned into the values the core goes by.

Rule: what is left out keeps its default; a plan that would leave a call for action with nobody is a fault.
"""

from collections.abc import Mapping
from types import MappingProxyType
from zoneinfo import ZoneInfo

from safetyd.core.model import Condition, Role
from safetyd.core.plan import INFORMS, NOT_PLANNED, Plan, PlanBook, Reason, Step
from safetyd.core.ticket import Status
from safetyd.faults import one_of
from safetyd.shapes import choice, member, positive_duration
from safetyd.site_rules import in_versions
from safetyd.tables import Table

_ROLE = member("role", Role)
_ROLES = "a list of roles"
_UNLESS = choice("state", (Status.ACKNOWLEDGED, Status.RELIEVED))


def read_plans(site: Table, timezone: ZoneInfo) -> PlanBook:
    """Return every version that stands in the site's `[[plan]]`, in order of effect."""
    versions = in_versions(site, "plan", _plan)
    return PlanBook(versions, timezone) if versions else PlanBook(timezone=timezone)


def _plan(table: Table) -> Plan:
    usual = Plan()
    told = {
        reason: _told(table, reason, usual.told[reason], may_be_nobody=reason in INFORMS)
        for reason in Reason
        if reason not in NOT_PLANNED
    }
    outage_opened = _told(table, "outage_opened", usual.outage_opened)
    above = _above(table.table("above"), usual.above)
    steps = tuple(map(_step, table.tables("steps")))
    table.done()
    return Plan(None, MappingProxyType(told), outage_opened, above, steps)


def _told(
    table: Table, name: str, usual: tuple[Role, ...], *, may_be_nobody: bool = False
) -> tuple[Role, ...]:
    if name not in table:
        return usual
    roles = tuple(dict.fromkeys(table.each(name, _ROLE, _ROLES)))
    if table.sound and not roles and not may_be_nobody:
        table.fault(name, "nobody would be told", f"a list with {one_of(Role)}")
    return roles


def _above(table: Table, usual: Mapping[Role, Role]) -> Mapping[Role, Role]:
    above = {role: table.get(role, _ROLE, usual.get(role)) for role in Role}
    found = {role: higher for role, higher in above.items() if higher is not None}
    for role in found:
        seen, at = [role], found.get(role)
        while at is not None and at not in seen:
            seen.append(at)
            at = found.get(at)
        if at is role and role in table:
            round_about = " to ".join([*seen, role])
            table.fault(role, f"it leads from {round_about}", "a role above it that does not lead back")
            break
    table.done()
    return MappingProxyType(found)


def _step(table: Table) -> Step:
    after = table.need("after", positive_duration, 'a time since the opening, such as "4h"')
    to = tuple(dict.fromkeys(table.each("to", _ROLE, _ROLES)))
    if table.sound and not to:
        table.fault("to", "nobody would be told", f"a list with {one_of(Role)}")
    unless = table.get("unless", _UNLESS, Status.ACKNOWLEDGED)
    only = table.each("conditions", member("condition", Condition), "a list of conditions")
    if table.sound and "conditions" in table and not only:
        table.fault("conditions", "the list is empty", f"a list with {one_of(Condition)}")
    table.done()
    if after is None:
        return Step(positive_duration("1h"), to)
    return Step(after, to, Status(unless), only or tuple(Condition))
