"""Has people and programs answered over HTTP: starts what listens, tells it how the watch is, and hears why
it does not listen.

Rule: nothing here waits for anybody, and nobody is answered before the watch is live.
"""

from collections.abc import Mapping
from datetime import datetime
from functools import partial

from safetyd.certificates import all_files
from safetyd.core.model import Place, TroubleKind
from safetyd.service import Service
from safetyd.settings import Settings
from safetyd.site import Site
from safetyd.way import Way
from safetyd.web.health import Pulse
from safetyd.web.house import House
from safetyd.web.server import Server

_SUBJECT = "[web]"


class Reception:
    """What listens, where it is asked for; it starts after the first turn of the watch."""

    def __init__(self, settings: Settings, service: Service, sites: Mapping[str, Site], way: Way) -> None:
        """`sites` are what the site files of a centre's gateways say; pages give way to who has `way`."""
        self._pulse = Pulse()
        self._service = service
        self._is_started = False
        self._told: str | None = None
        listen = settings.web.listen
        house = House(
            settings.store.url,
            settings.mqtt.root,
            lambda: service.site,
            self._pulse,
            settings.web.address,
            settings.oidc,
            service.loaded,
            tuple((each, sites.get(each.name)) for each in settings.gateways),
            way=way,
            certificates=partial(all_files, settings),
        )
        self._server = None if listen is None else Server(settings.web, listen, house)

    def tend(self, now: datetime, store_trouble: str, *, has_broker: bool) -> None:
        """Note how the watch is; begin to listen at the first time."""
        if self._server is None:
            return
        self._pulse.note(now, store_trouble, has_broker=has_broker)
        if not self._is_started:
            self._is_started = True
            self._server.start()

    def complain(self, now: datetime) -> None:
        """Note why it does not listen, or that it does."""
        fault = "" if self._server is None else self._server.fault
        if fault is not None and fault != self._told:
            self._told = fault
            place = Place(next((each.id for each in self._service.site.buildings), ""), None)
            self._service.complain(_SUBJECT, place, TroubleKind.CONFIGURATION, fault, now)

    def stop(self) -> None:
        """Answer nobody any more."""
        if self._server is not None:
            self._server.stop()
