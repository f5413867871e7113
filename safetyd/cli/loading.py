"""The configuration a command was asked to go by."""

import os

from safetyd.assigned import composed
from safetyd.cli.application import asked_gateway
from safetyd.configuration import Loaded, find_config, load
from safetyd.sharding import looked_at
from safetyd.site import Site
from safetyd.store.database import StoreError, open_for_reading


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
