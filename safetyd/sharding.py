"""The configuration of a shard: the district's, cut down to what one holder does.

Rule: what listens, or speaks for the machine, is off, for a shard moves between machines. What there must be
once in a district is done by the first shard.
"""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from safetyd.clock import Clock
from safetyd.configuration import Loaded
from safetyd.core.shards import Lease, name_of, shard_of
from safetyd.core.timekeeping import Ticks
from safetyd.faults import ConfigurationError, Fault
from safetyd.ingest.topics import routes
from safetyd.setting_hooks import Webhook
from safetyd.settings import Settings
from safetyd.site import Site
from safetyd.site_part import cut, rest
from safetyd.store.district import shard_url, store_url

_TICKET = re.compile(r"(.+)-\d{4}-\d{4,}")
_BOOT = "district"  # no machine's: that one ended says nothing of the electricity in the buildings
_EPOCH = datetime(2020, 1, 1, tzinfo=UTC)


def shards_of(settings: Settings) -> int:
    """Return how many shards the district has.

    Raises:
        ConfigurationError: it cannot be run by workers as it is configured.
    """
    faults = []

    def fault(key: str, value: str, expected: str) -> None:
        faults.append(Fault("safetyd.toml", key, value, expected))

    if settings.district is None:
        fault("district.shards", "nothing stands here", "into how many shards the buildings go, such as 16")
    if not settings.store.url.startswith("postgresql"):
        fault(
            "store.url", "a file is on one machine alone", "postgresql+psycopg://…, which each worker reaches"
        )
    elif "search_path" in settings.store.url:
        fault("store.url", "it names a schema, and each shard has its own", "it without search_path")
    if settings.mqtt.embedded:
        fault("mqtt.embedded", "a worker's own broker is nobody else's", "false, and the district's in host")
    if faults or settings.district is None:
        raise ConfigurationError(faults)
    return settings.district.shards


def of_shard(whole: Loaded, lease: Lease) -> Loaded:
    """Return the configuration by which the holder of a lease watches a shard."""
    return _part(whole, lease.shard, shard_url(whole.settings.store.url, lease))


def looked_at(whole: Loaded, about: str = "") -> Loaded:
    """Return the configuration by which a command looks at the shard that is asked for, else at that of the
    place or ticket that it is about, if it is about one.

    Raises:
        ConfigurationError: there is no such shard.
    """
    district = whole.settings.district
    building = _building(whole.site, about)
    if district is None or (district.shard is None and not building):
        return whole
    shards = shards_of(whole.settings)
    shard = shard_of(building, shards) if district.shard is None else district.shard
    if shard >= shards:
        value = f"{shard} is none of {shards} shards"
        raise ConfigurationError([Fault("safetyd.toml", "district.shard", value, f"0 to {shards - 1}")])
    return _part(whole, shard, store_url(whole.settings.store.url, shard))


def parts_of(looked: Loaded) -> list[Loaded]:
    """Return what a command looks at, store by store: the shards of a whole district that keep buildings."""
    district = looked.settings.district
    if district is None or looked.site.part is not None or looked.copy_of is not None:
        return [looked]
    shards, url = shards_of(looked.settings), looked.settings.store.url
    kept = sorted({shard_of(each.id, shards) for each in looked.site.buildings})
    return [_part(looked, shard, store_url(url, shard)) for shard in kept]


def keeping(whole: Loaded, building: str) -> Loaded:
    """Return the configuration by which to look at the store of a building, whichever shard is asked for."""
    district = whole.settings.district
    if district is None:
        return whole
    shard = shard_of(building, shards_of(whole.settings))
    return _part(whole, shard, store_url(whole.settings.store.url, shard))


def _building(site: Site, about: str) -> str:
    """Return the building of a place, a sensor or a ticket, nothing if it is of none that there could be."""
    first, ticket = about.partition("/")[0], _TICKET.fullmatch(about)
    return first if site.building(first) is not None else ticket[1] if ticket else ""


def of_accounts(whole: Loaded) -> Loaded:
    """Return the configuration by which accounts are kept: those of a district are in its first shard."""
    settings = whole.settings
    if settings.district is None:
        return whole
    if whole.site.part is None:
        shards_of(settings)
    url = store_url(settings.store.url, 0)
    store = settings.store.model_copy(update={"url": url})
    return replace(whole, settings=settings.model_copy(update={"store": store}))


def refuse_alone(whole: Loaded) -> None:
    """Have a district watched by workers alone.

    Raises:
        ConfigurationError: it is one.
    """
    if whole.settings.district is not None:
        value, expected = "workers share these buildings", "safetyd run --role worker, or no [district]"
        raise ConfigurationError([Fault("safetyd.toml", "district", value, expected)])


def _part(whole: Loaded, shard: int, url: str) -> Loaded:
    settings = whole.settings
    site = cut(whole.site, shard, shards_of(settings))
    name = name_of(shard)
    audit = settings.audit
    if audit.head_file is not None:
        audit = audit.model_copy(update={"head_file": _beside(audit.head_file, name)})
    ours = settings.ups is not None and site.building(settings.ups.building) is not None
    changed = {
        "mqtt": settings.mqtt.model_copy(update={"client_id": f"{settings.mqtt.client_id}-{name}"}),
        "store": settings.store.model_copy(update={"url": url}),
        "web": settings.web.model_copy(update={"listen": None}),
        "ups": settings.ups if ours else None,
        "heartbeat": settings.heartbeat if shard == 0 else None,
        "webhook": tuple(_hooks(settings, site)),
        "audit": audit,
    }
    return Loaded(settings.model_copy(update=changed), site)


def _hooks(settings: Settings, site: Site) -> list[Webhook]:
    kept = []
    for hook in settings.webhook:
        here = tuple(id for id in hook.buildings if site.building(id) is not None)
        if here or not hook.buildings:
            kept.append(hook._replace(buildings=here))
    return kept


def _beside(file: Path, name: str) -> Path:
    return file.with_name(f"{file.stem}-{name}{file.suffix}")


class Elsewhere:
    """What another shard takes, of what a filter of this one brings too."""

    def __init__(self, whole: Site, shard: int, shards: int, root: str) -> None:
        others = rest(whole, shard, shards)
        self._ids = frozenset(each.id for each in others.buildings)
        self._routes = routes(others)
        self._own = routes(cut(whole, shard, shards))
        self._root = f"{root}/"

    def takes(self, topic: str) -> bool:
        """Return whether a message on a topic is another shard's alone."""
        if topic.startswith(self._root):
            levels = topic.removeprefix(self._root).split("/", 2)
            if len(levels) > 1 and levels[1] in self._ids:
                return not self._own.of(topic)
        is_theirs = topic in self._routes.bridges or bool(self._routes.of(topic))
        return is_theirs and topic not in self._own.bridges and not self._own.of(topic)


def machine_ticks(ticks: Ticks, began: Ticks, began_at: datetime) -> Ticks:
    """Return what a machine says beside its clock as any other machine of the district would count it."""
    return Ticks(_BOOT, (began_at - _EPOCH) + (ticks.since_boot - began.since_boot), ticks.is_synchronised)


class DistrictTicks:
    """Counts the seconds of a machine on from its clock at the start, so that another can go on with them."""

    def __init__(self, wall: Clock, ticks: Callable[[], Ticks]) -> None:
        self._ticks = ticks
        self._began, self._began_at = ticks(), wall()

    def __call__(self) -> Ticks:
        return machine_ticks(self._ticks(), self._began, self._began_at)
