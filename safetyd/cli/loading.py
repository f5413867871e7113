"""The configuration a command was asked to go by."""

import os

from safetyd.configuration import Loaded, find_config, load


def loaded(config: str | None) -> Loaded:
    """Return the whole configuration.

    Raises:
        ConfigurationError: with every fault.
    """
    return load(find_config(config, os.environ), os.environ)
