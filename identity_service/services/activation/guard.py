"""Where the service may connect to on behalf of a destination: addresses come from its users.

A name is resolved once. All that it stands for has to be public, or allowed by the instance's
setting, and the connection goes to the address that was checked.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias
from urllib.parse import urlsplit, urlunsplit

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network
Resolve: TypeAlias = Callable[[str, int], Awaitable[Sequence[str]]]

_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
_PORTS: Final = {"http": 80, "https": 443}


class AddressRefused(Exception):
    """The service may not connect there."""


@dataclass(frozen=True, slots=True)
class CheckedUrl:
    """An address with the host replaced by the IP address that was checked."""

    url: str
    host: str
    host_header: str


async def resolve(host: str, port: int) -> list[str]:
    """The addresses of a host. Raises OSError."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(each[4][0]) for each in found))


class AddressGuard:
    """Checks addresses before anything is connected."""

    def __init__(self, allowed: Sequence[Network] = (), resolve: Resolve = resolve) -> None:
        """`allowed`: networks that may be reached although they are not public."""
        self._allowed = tuple(allowed)
        self._resolve = resolve

    async def checked(self, url: str) -> CheckedUrl:
        """The address to connect to for a URL. Raises AddressRefused, and OSError."""
        try:
            split = urlsplit(url)
            port = split.port or _PORTS.get(split.scheme, 0)
        except ValueError:
            raise AddressRefused("the address is none") from None
        host = split.hostname
        if host is None or not port or split.username is not None:
            raise AddressRefused("the address is none of HTTP, or it holds a user's name")
        found = await self._resolve(host, port)
        addresses = [ipaddress.ip_address(each.partition("%")[0]) for each in found]
        for address in addresses:
            if not self._is_allowed(address):
                raise AddressRefused(
                    f"{host} is {address}, which is not public: the setting"
                    " IDENTITY_DESTINATION_NETWORKS would have to allow it"
                )
        if not addresses:
            raise AddressRefused(f"{host} has no address")
        if split.scheme == "http" and not any(addresses[0] in each for each in self._allowed):
            raise AddressRefused("only https is used to public addresses")
        literal = f"[{addresses[0]}]" if addresses[0].version == 6 else str(addresses[0])
        named = f"[{host}]" if ":" in host else host
        is_default = port == _PORTS[split.scheme]
        return CheckedUrl(
            urlunsplit((split.scheme, f"{literal}:{port}", split.path, split.query, "")),
            host,
            named if is_default else f"{named}:{port}",
        )

    def _is_allowed(self, address: Address) -> bool:
        if any(address in network for network in self._allowed):
            return True
        inner = _within(address)
        if inner is not None:
            return self._is_allowed(inner)
        return address.is_global and not address.is_multicast


def _within(address: Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that an IPv6 address leads to, where it is one of those that do."""
    if isinstance(address, ipaddress.IPv4Address):
        return None
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour
