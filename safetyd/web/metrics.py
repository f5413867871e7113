"""Figures for Prometheus: how the watch is, and how many of what there are.

Rule: numbers, the ids of buildings and the files of certificates only; who people are and what they wrote is
not for Prometheus.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from safetyd.certificates import Certificate
from safetyd.core.model import Condition, Place
from safetyd.core.room import EMPTY, verdict
from safetyd.core.ticket import AT_REST
from safetyd.store import readings
from safetyd.store.accounts import Account
from safetyd.view import View
from safetyd.web.access import sees
from safetyd.web.health import Pulse

MEDIA_TYPE = CONTENT_TYPE_LATEST


def exposition(
    view: View, pulse: Pulse, account: Account | None, certificates: Iterable[Certificate]
) -> bytes:
    """Return the figures, of the buildings that somebody sees; None sees all."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    registry.register(_Figures(view, pulse, account))
    registry.register(_Certificates(certificates))
    return generate_latest(registry)


class _Figures(Collector):
    def __init__(self, view: View, pulse: Pulse, account: Account | None) -> None:
        self._view = view
        self._pulse = pulse
        self._account = account

    def collect(self) -> Iterator[Metric]:
        pulse, view = self._pulse, self._view
        if not view.parts:  # else others watch: a figure that is always well would be worse than none
            yield _one("safetyd_broker_connected", "Whether the broker is there.", pulse.has_broker)
            yield _one("safetyd_store_writable", "Whether the store can be written.", pulse.has_store)
            yield _one("safetyd_watch_age_seconds", "Seconds since the watch last turned.", pulse.age_s())
        yield _one(
            "safetyd_reasons", "Reasons why not all is well, as /healthz has them.", len(pulse.reasons())
        )
        stored = CounterMetricFamily("safetyd_values_stored", "Values of readings in the store.")
        stored.add_metric([], sum(readings.last_id(each.connection) for each in view.each))
        yield stored
        yield from self._tickets()
        troubles = Counter(
            (each.place.building if each.place else "", kind.value)
            for standing in view.world.troubles.values()
            for kind, each in standing.items()
            if self._sees(each.place.building if each.place else None)
        )
        yield _many("safetyd_troubles", "Troubles that stand.", ("building", "kind"), troubles)
        yield self._rooms()

    def _tickets(self) -> Iterator[Metric]:
        found, overdue = Counter[tuple[str, ...]](), Counter[tuple[str, ...]]()
        for each in self._view.world.tickets.values():
            building = each.place.building
            if each.status in AT_REST or not self._sees(building):
                continue
            found[building, each.condition.value, each.status.value] += 1
            late = sum(deadline.is_overdue(self._view.at) for deadline in each.deadlines)
            overdue[building, each.condition.value] += late
        labels = ("building", "condition", "status")
        yield _many("safetyd_tickets", "Tickets that are not closed.", labels, found)
        yield _many("safetyd_deadlines_overdue", "Deadlines past due, unmet.", labels[:2], overdue)

    def _rooms(self) -> Metric:
        view, rules = self._view, self._view.facts.book.in_force(self._view.at)
        found = Counter(
            (building.id, condition.value, verdict(room_state, condition, view.at, rules).value)
            for building in view.site.buildings
            if self._sees(building.id)
            for room_state in (
                view.world.rooms.get(Place(building.id, each.id), EMPTY) for each in building.rooms
            )
            for condition in (Condition.COLD, Condition.HEAT)
        )
        return _many("safetyd_rooms", "Rooms by verdict.", ("building", "condition", "verdict"), found)

    def _sees(self, building: str | None) -> bool:
        return self._account is None or sees(self._account, building)


class _Certificates(Collector):
    """Until when each holds; of one that cannot be read since 1970 no more, so that somebody is told."""

    def __init__(self, certificates: Iterable[Certificate]) -> None:
        self._ends = {
            (each.file,): each.ends_at.timestamp() if each.ends_at else 0.0 for each in certificates
        }

    def collect(self) -> Iterator[Metric]:
        about = "Until when a certificate holds, 0 of one that cannot be read."
        yield _many("safetyd_certificate_expiry_timestamp_seconds", about, ("file",), self._ends)


def _one(name: str, about: str, value: float) -> Metric:
    return GaugeMetricFamily(name, about, float(value))


def _many(name: str, about: str, labels: Sequence[str], found: Mapping[Any, float]) -> Metric:
    family = GaugeMetricFamily(name, about, labels=labels)
    for key, number in sorted(found.items()):
        family.add_metric(list(key), number)
    return family
