"""Where webhooks may be sent: over https to the internet, and elsewhere only where the settings say so.

Whoever may add a webhook could otherwise have the dialer ask the PBX, its database or the cloud's metadata service.
What a name leads to is looked at when it is connected to, not only when it is typed.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Any, Final
from urllib.parse import urlsplit

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import DefaultResolver

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
MAX_URL: Final = 2_000
_TUNNELS: Final = tuple(
    ipaddress.ip_network(one) for one in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32")
)
"""Addresses that stand for IPv4 ones behind a gateway."""


class ReceiverRefused(ValueError):
    """Nothing is sent there; the message says why and what would be right."""


def networks(texts: Sequence[str]) -> tuple[Network, ...]:
    """Networks as the settings name them. Raises ValueError."""
    return tuple(ipaddress.ip_network(text.strip(), strict=False) for text in texts)


def check_url(url: str, allowed: Sequence[Network]) -> None:
    """Whether webhooks may be sent to a URL, as far as it says. Raises ReceiverRefused."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise ReceiverRefused("an address such as https://crm.example.com/outring is expected") from None
    if parts.scheme not in ("https", "http") or not host or port == 0 or len(url) > MAX_URL or not _is_plain(url):
        raise ReceiverRefused("an address such as https://crm.example.com/outring is expected")
    if parts.username is not None or parts.password is not None:
        raise ReceiverRefused("leave name and password out of the address: the signature says who sends")
    if parts.scheme == "http" and not allowed:
        raise ReceiverRefused(
            "https is expected; http is for receivers in your own network, which the setting webhook_networks names"
        )
    literal = _literal(host)
    if literal is not None and not _may(literal, allowed, is_private=parts.scheme == "http"):
        raise ReceiverRefused(_refusal(literal, parts.scheme))


def _is_plain(url: str) -> bool:
    return url.isprintable() and " " not in url and "\\" not in url and "#" not in url


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host.split("%")[0])
    except ValueError:
        return None


def _may(address: Address, allowed: Sequence[Network], *, is_private: bool) -> bool:
    """is_private: only what the settings allow, not the internet."""
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    if any(address.version == network.version and address in network for network in allowed):
        return True
    is_tunnel = any(address.version == network.version and address in network for network in _TUNNELS)
    return not is_private and address.is_global and not address.is_multicast and not is_tunnel


def _refusal(address: Address, scheme: str) -> str:
    if scheme == "http" and _may(address, (), is_private=False):
        return "https is expected: over http what is told of people could be read on its way"
    return f"{address} is not on the internet; name its network in the setting webhook_networks if it is yours"


class CarefulResolver(AbstractResolver):
    """Names to addresses, but only those that webhooks may be sent to. is_private: see `_may`."""

    def __init__(self, allowed: Sequence[Network], *, is_private: bool) -> None:
        self._allowed = tuple(allowed)
        self._is_private = is_private
        self._inner: Any = DefaultResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """See aiohttp. Raises ReceiverRefused when none of the addresses will do."""
        found: list[ResolveResult] = await self._inner.resolve(host, port, family)
        good = [one for one in found if _may(_address(one), self._allowed, is_private=self._is_private)]
        if found and not good:
            raise ReceiverRefused(_refusal(_address(found[0]), "http" if self._is_private else "https"))
        return good

    async def close(self) -> None:
        """See aiohttp."""
        await self._inner.close()


def _address(found: ResolveResult) -> Address:
    return ipaddress.ip_address(found["host"].split("%")[0])
