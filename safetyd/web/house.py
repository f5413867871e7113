"""What is answered from: the store, the site file of now, and how the watch is.

Rule: light enough to be made before anything of the web is loaded.
"""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from safetyd.certificates import Certificate
from safetyd.setting_centre import Gateway
from safetyd.setting_web import Oidc
from safetyd.site import Site
from safetyd.store.ledger import Loaded
from safetyd.way import Way
from safetyd.web.health import Pulse


class Shard(NamedTuple):
    """The store of some buildings of a district, and what the site file says of them."""

    store_url: str
    site: Callable[[], Site]


class House(NamedTuple):
    """`root` is the first level of our own topics; `address` is where people reach the pages; `loaded`
    is what the writer has read already, and need not be in memory twice. `gateways` are a centre's, with what
    their site files say; `copy_of` the one whose copy this is. Where others write, `shards` are their stores
    by number, accounts are in the first of them, and `warning` says what is amiss with the watch. Who looks
    gives `way` to who tells people. `certificates` reads those that this machine's doctor looks at."""

    store_url: str
    root: str
    site: Callable[[], Site]
    pulse: Pulse
    address: str = "http://127.0.0.1:8914"
    oidc: Oidc | None = None
    loaded: Loaded | None = None
    gateways: tuple[tuple[Gateway, Site | None], ...] = ()
    copy_of: str = ""
    shards: tuple[Shard, ...] = ()
    warning: Callable[[], str] = lambda: ""
    way: Way = Way()
    certificates: Callable[[], Iterable[Certificate]] = tuple
