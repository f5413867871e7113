"""From where somebody may report a problem without logging in: `reports_from` of a site, or of a building.

Rule: without it from nowhere. What a building says stands in the place of what the site says.
"""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from safetyd.faults import Misfit, shown
from safetyd.tables import Table

Network = IPv4Network | IPv6Network
_EXPECTED = 'a network, such as "10.20.0.0/16"'


def read_networks(table: Table) -> tuple[Network, ...] | None:
    """Return the networks of a table's `reports_from`; None where it has none, nothing where it says so."""
    if "reports_from" not in table:
        return None
    return tuple(dict.fromkeys(table.each("reports_from", network, "a list of networks")))


def network(value: object) -> Network:
    """Return a network, or a single address as one."""
    if not isinstance(value, str) or not value.strip():
        raise Misfit(f"{shown(value)} is no network", _EXPECTED)
    try:
        return ip_network(value)
    except ValueError:
        pass
    try:
        meant = ip_network(value, strict=False)
    except ValueError:
        raise Misfit(f"{shown(value)} is no network", _EXPECTED) from None
    raise Misfit(f"{shown(value)} is an address inside a network", f'"{meant}", or the address alone')


def is_within(networks: Sequence[Network], address: str) -> bool:
    """Return whether an address is of one of the networks; what is no address is of none."""
    try:
        found = ip_address(address)
    except ValueError:
        return False
    plain: IPv4Address | IPv6Address = getattr(found, "ipv4_mapped", None) or found
    return any(plain.version == each.version and plain in each for each in networks)
