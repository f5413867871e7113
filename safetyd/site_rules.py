"""The `[[rules]]` of a site file, turned into the values the core judges by.

Rule: a number left out keeps its default; where a changed limit would leave that default on the wrong side,
the default moves along with the limit. What stands in the file is never moved: it is right or it is a fault.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Literal, TypeVar, cast
from zoneinfo import ZoneInfo

from safetyd.core.book import Version
from safetyd.core.rules import (
    ColdRule,
    DeadlineRule,
    HeatRule,
    OutageRule,
    QualityRule,
    Quorum,
    RemindRule,
    RuleBook,
    Rules,
)
from safetyd.faults import Misfit, shown
from safetyd.shapes import (
    ascending,
    choice,
    day,
    duration,
    number,
    number_within,
    pair,
    positive_duration,
    whole_within,
)
from safetyd.tables import Table

V = TypeVar("V", bound=Version)

_ONE_OR_MORE = whole_within(1)
_ABOVE_ZERO = number_within(0, above=True)


def read_rulebook(site: Table, timezone: ZoneInfo) -> RuleBook:
    """Return every version that stands in the site's `[[rules]]`, in order of effect."""
    versions = in_versions(site, "rules", lambda table: read_rules(table, Rules()))
    return RuleBook(versions, timezone) if versions else RuleBook(timezone=timezone)


def in_versions(site: Table, name: str, read: Callable[[Table], V]) -> tuple[V, ...]:
    """Return what stands at `[[name]]` with the days from which on it holds, in their order."""
    versions: dict[date | None, V] = {}
    for table in site.tables(name):
        effective = table.get("effective", day, None)
        if effective in versions:
            told = f"{effective} is taken" if effective else "a second version has no date"
            table.fault("effective", told, f"a date of its own for each [[{name}]]; only one may have none")
        versions[effective] = replace(read(table), effective=effective)
    return tuple(versions[each] for each in sorted(versions, key=lambda each: each or date.min))


def read_rules(table: Table, base: Rules) -> Rules:
    """Return one version: what the table says, and of the base what it leaves out."""
    outside = table.get("outside_work_hours", choice("rule", ("ticket", "hold")), base.outside_work_hours)
    rules = replace(
        base,
        cold=_cold(table.table("cold"), base.cold),
        heat=_heat(table.table("heat"), base.heat),
        outage=_outage(table.table("outage"), base.outage),
        deadlines=_deadlines(table.table("deadlines"), base.deadlines),
        remind=_remind(table.table("remind"), base.remind),
        quality=_quality(table.table("quality"), base.quality),
        outside_work_hours=cast(Literal["ticket", "hold"], outside),
    )
    table.done()
    return rules


def _cold(table: Table, base: ColdRule) -> ColdRule:
    below = table.get("below_f", number, base.below_f)
    usual = base.end_f if base.end_f >= below else below + (base.end_f - base.below_f)
    rule = ColdRule(
        below_f=below,
        end_f=table.get("end_f", number, usual),
        end_after=table.get("end_after", duration, base.end_after),
        confirm=table.get("confirm", _ONE_OR_MORE, base.confirm),
    )
    if table.sound and rule.end_f < below:
        table.fault("end_f", f"{rule.end_f:g} is still cold", f"below_f ({below:g}) or above it")
    table.done()
    return rule


def _heat(table: Table, base: HeatRule) -> HeatRule:
    above = table.get("above_f", number, base.above_f)
    usual_end = base.end_f if base.end_f <= above else above - (base.above_f - base.end_f)
    usual_watch = base.watch_f if base.watch_f <= above else above - (base.above_f - base.watch_f)
    rule = HeatRule(
        above_f=above,
        watch_f=table.get("watch_f", number, usual_watch),
        end_f=table.get("end_f", number, usual_end),
        end_after=table.get("end_after", duration, base.end_after),
        confirm=table.get("confirm", _ONE_OR_MORE, base.confirm),
        pair_within=table.get("pair_within", duration, base.pair_within),
    )
    if table.sound and rule.end_f > above:
        table.fault("end_f", f"{rule.end_f:g} is still hot", f"above_f ({above:g}) or below it")
    if table.sound and rule.watch_f > above:
        table.fault("watch_f", f"{rule.watch_f:g} is past the limit", f"above_f ({above:g}) or below it")
    table.done()
    return rule


def _outage(table: Table, base: OutageRule) -> OutageRule:
    longer = table.get("longer_than", positive_duration, base.longer_than)
    usual = tuple(at for at in base.warn_at if at < longer)
    rule = OutageRule(
        longer_than=longer,
        warn_at=table.get("warn_at", ascending(positive_duration), usual),
        restored_after=table.get("restored_after", duration, base.restored_after),
        quorum=table.get("quorum", _quorum, base.quorum),
        nominal_v=table.get("nominal_v", _ABOVE_ZERO, base.nominal_v),
    )
    if table.sound and rule.warn_at and rule.warn_at[-1] >= longer:
        late = f"the last warning comes after {rule.warn_at[-1]}"
        table.fault("warn_at", late, f"warnings before the outage is {longer} old (longer_than)")
    table.done()
    return rule


def _quorum(value: object) -> Quorum | int:
    if isinstance(value, int) and not isinstance(value, bool):
        return _ONE_OR_MORE(value)
    if isinstance(value, str):
        return cast(Quorum, choice("quorum", ("majority", "all", "any"))(value))
    raise Misfit(f"{shown(value)} is no quorum", '"majority", "all", "any" or a number of witnesses')


def _deadlines(table: Table, base: DeadlineRule) -> DeadlineRule:
    rule = DeadlineRule(
        mitigation=table.get("mitigation", positive_duration, base.mitigation),
        immediate=table.get("immediate", positive_duration, base.immediate),
    )
    table.done()
    return rule


def _remind(table: Table, base: RemindRule) -> RemindRule:
    rule = RemindRule(
        at=table.get("at", ascending(_share), base.at),
        overdue_every=table.get("overdue_every", positive_duration, base.overdue_every),
    )
    table.done()
    return rule


def _share(value: object) -> float:
    share = number(value)
    if not 0 < share < 1:
        raise Misfit(f"{shown(value)} is no share of the time", "a number between 0 and 1, such as 0.75")
    return share


def _quality(table: Table, base: QualityRule) -> QualityRule:
    rule = QualityRule(
        stale_after=table.get("stale_after", positive_duration, base.stale_after),
        stuck_after=table.get("stuck_after", positive_duration, base.stuck_after),
        max_step_f_per_min=table.get("max_step_f_per_min", _ABOVE_ZERO, base.max_step_f_per_min),
        range_c=table.get("range_c", _range, base.range_c),
        disagree_f=table.get("disagree_f", number_within(0), base.disagree_f),
        battery_below=table.get("battery_below", number_within(0, 100), base.battery_below),
    )
    table.done()
    return rule


def _range(value: object) -> tuple[float, float]:
    low, high = pair(number)(value)
    if low == high:
        raise Misfit(f"nothing lies between {low:g} and {high:g}", "[lowest, highest]")
    return low, high
