"""The configuration a command was asked to go by."""

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager

from safetyd.assigned import composed
from safetyd.cli.application import asked_gateway
from safetyd.configuration import Loaded, find_config, load
from safetyd.sharding import looked_at, parts_of
from safetyd.site import Site
from safetyd.store.database import Connection, StoreError, open_for_reading, told_on_failure
from safetyd.store.district import District, DistrictError


def loaded(config: str | None, about: str | None = None) -> Loaded:
    """Return the configuration: of the gateway's copy or the shard that is asked for, if one is, else of a
    district that of the shard of the place or ticket that a command is about.

    Raises:
        ConfigurationError: with every fault.
    """
    found, gateway = load(find_config(config, os.environ), os.environ), asked_gateway()
    return looked_at(found, about or "") if gateway is None else found.at(gateway)


def with_assignments(configuration: Loaded) -> Site:
    """Return the site with what people assigned beside its file, as far as there is a store that says so."""
    settings = configuration.settings
    try:
        with open_for_reading(settings.store.url) as connection:
            return composed(connection, configuration.site, settings.mqtt.root).site
    except StoreError:
        return configuration.site


def each_store(configuration: Loaded) -> list[Loaded]:
    """Return the configuration of each store to look at: of a whole district that of each shard.

    Raises:
        DistrictError: no worker has begun the district, or with another number of shards.
    """
    parts, settings = parts_of(configuration), configuration.settings
    if settings.district is not None and configuration.copy_of is None:
        with closing(District(settings.store.url, "safetyd")) as district:
            if not district.has_begun(settings.district.shards):
                raise DistrictError("no worker has begun the district yet; run: safetyd run --role worker")
    return parts


@contextmanager
def reading(configuration: Loaded) -> Iterator[tuple[Connection, Site]]:
    """Yield a connection that reads a store, and the site with what people assigned beside its file.

    Raises:
        StoreError: it cannot be read.
    """
    settings = configuration.settings
    with told_on_failure(settings.store.url), closing(open_for_reading(settings.store.url)) as connection:
        yield connection, composed(connection, configuration.site, settings.mqtt.root).site
