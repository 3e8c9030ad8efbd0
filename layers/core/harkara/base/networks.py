"""Allowed source addresses, as networks in CIDR form; an empty list allows every address."""

import ipaddress
from collections.abc import Sequence
from typing import Annotated

from pydantic import AfterValidator


def may_come_from(networks: Sequence[str], source_ip: str) -> bool:
    """Return whether an address is in one of the networks, or there are no networks."""
    if not networks:
        return True
    try:
        address = ipaddress.ip_address(source_ip)
    except ValueError:
        return False
    return any(address in ipaddress.ip_network(network) for network in networks)


def _are_networks(networks: tuple[str, ...]) -> tuple[str, ...]:
    for place, network in enumerate(networks):
        try:
            ipaddress.ip_network(network)
        except ValueError:
            raise ValueError(f"network {place} is not a CIDR of IPv4 or IPv6") from None
    return networks


Networks = Annotated[tuple[str, ...], AfterValidator(_are_networks)]
"""A field of networks; an error names the index of a wrong network and never shows it."""
