"""The site file, read anew while everything runs.

Rule: a faulty one changes nothing, and is a trouble until one is taken.
"""

import logging
from collections.abc import Callable
from datetime import datetime

from safetyd.bulletin import Bulletin
from safetyd.configuration import Loaded
from safetyd.core.errors import SafetydError
from safetyd.core.model import Place, TroubleKind
from safetyd.dispatch import Dispatch
from safetyd.faults import ConfigurationError
from safetyd.service import Service

_SUBJECT = "site file"
_MOST_NAMED = 5

log = logging.getLogger("safetyd")


def take_anew(
    load: Callable[[], Loaded],
    service: Service,
    dispatch: Dispatch,
    bulletin: Bulletin,
    now: datetime,
) -> None:
    """Have everybody go by what the site file says now."""
    place = Place(next((building.id for building in service.site.buildings), ""), None)
    try:
        site = load().site
    except SafetydError as error:
        log.error("the site file was not taken: %s", _where(error))
        service.complain(_SUBJECT, place, TroubleKind.CONFIGURATION, str(error), now)
        return
    service.complain(_SUBJECT, place, TroubleKind.CONFIGURATION, "", now)
    service.take_site(site, now)
    dispatch.take_site(site)
    bulletin.announce()
    log.info("the site file was taken anew")


def _where(error: SafetydError) -> str:
    """Return which keys are at fault; what stands there may be somebody's name."""
    faults = error.faults if isinstance(error, ConfigurationError) else ()
    told = ", ".join(f"{each.file}: {each.key}" for each in faults[:_MOST_NAMED])
    return f"{told or type(error).__name__}; safetyd check says what is wrong"
