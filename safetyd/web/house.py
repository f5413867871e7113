"""What is answered from: the store, the site file of now, and how the watch is.

Rule: light enough to be made before anything of the web is loaded.
"""

from collections.abc import Callable
from typing import NamedTuple

from safetyd.setting_centre import Gateway
from safetyd.setting_web import Oidc
from safetyd.site import Site
from safetyd.store.ledger import Loaded
from safetyd.web.health import Pulse


class House(NamedTuple):
    """`root` is the first level of our own topics; `address` is where people reach the pages; `loaded`
    is what the writer has read already, and need not be in memory twice. `gateways` are a centre's, with what
    their site files say; `copy_of` the one whose copy this is."""

    store_url: str
    root: str
    site: Callable[[], Site]
    pulse: Pulse
    address: str = "http://127.0.0.1:8914"
    oidc: Oidc | None = None
    loaded: Loaded | None = None
    gateways: tuple[tuple[Gateway, Site | None], ...] = ()
    copy_of: str = ""
