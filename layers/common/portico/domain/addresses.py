"""Which addresses a function may connect to for a user: the one guard of back ends and imports.

It resolves nothing and opens nothing. A caller resolves a name once, asks `pin` which address to
use, and connects to that very address (with the name in `Host` and SNI), so that a second answer of
DNS cannot lead elsewhere.
"""

import ipaddress
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from portico.domain.errors import InvalidInput

MAX_URL = 2048  # characters
_PORTS = {"http": 80, "https": 443}
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")  # RFC 6052
# Local, though older interpreters or all of them call it global: RFC 8215 and RFC 3879.
_LOCAL = (ipaddress.IPv6Network("64:ff9b:1::/48"), ipaddress.IPv6Network("fec0::/10"))
_V4_COMPATIBLE = ipaddress.IPv6Network("::/96")  # RFC 4291 section 2.5.5.1, deprecated

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class AddressRefused(InvalidInput):
    """The address is not one that users may make us connect to."""

    error = "address_refused"


@dataclass(frozen=True)
class Target:
    """Where a URL points: scheme and host in lower case, an IPv6 address without brackets."""

    scheme: str
    host: str
    port: int


def target_of(url: str, schemes: Collection[str] = ("http", "https")) -> Target:
    """Read a user's URL; AddressRefused for what two readers could understand differently."""
    if len(url) > MAX_URL:
        raise AddressRefused(f"is longer than {MAX_URL} characters")
    # After a backslash or white space clients disagree on where the host ends: WHATWG URL against
    # RFC 3986.
    if "\\" in url or any(ord(char) <= 0x20 or ord(char) == 0x7F for char in url):
        raise AddressRefused("contains white space, a control character or a backslash")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError as exc:
        raise AddressRefused("is not a URL") from exc
    if parts.scheme.lower() not in schemes:
        raise AddressRefused(f"must start with {' or '.join(f'{scheme}://' for scheme in schemes)}")
    if not host or "%" in host:
        raise AddressRefused("names no host")
    if parts.username is not None or parts.password is not None:
        raise AddressRefused("may not contain a user name or password")
    if port == 0:
        raise AddressRefused("has no valid port")
    try:
        host = host.encode("idna").decode("ascii") if not host.isascii() else host
    except UnicodeError as exc:
        raise AddressRefused("names no valid host") from exc
    return Target(
        parts.scheme.lower(), host.rstrip(".").lower(), port or _PORTS[parts.scheme.lower()]
    )


def host_allowed(target: Target, allowed_hosts: Collection[str]) -> bool:
    """Whether an operator named this host: `name`, `name:port`, or an IPv6 address in brackets."""
    shown = f"[{target.host}]" if ":" in target.host else target.host
    names = {shown, f"{shown}:{target.port}", target.host}
    return any(entry.strip().lower() in names for entry in allowed_hosts)


def address_public(address: str) -> bool:
    """Whether anybody can reach an IP address; what an IPv6 address carries inside counts too."""
    return all(
        ip.is_global and not ip.is_multicast and not any(ip in network for network in _LOCAL)
        for ip in _meanings(ipaddress.ip_address(address))
    )


def pin(target: Target, addresses: Sequence[str], allowed_hosts: Collection[str]) -> str:
    """The address to connect to, of those the host resolved to; AddressRefused if one is internal.

    An allowed host may have any address but a link-local one: instance metadata is reached only if
    that literal address itself is allowed.
    """
    if not addresses:
        raise AddressRefused(f"host '{target.host}' has no address")
    allowed = host_allowed(target, allowed_hosts)
    for address in addresses:
        fine = address_public(address) or (
            allowed and (target.host == address or not _link_local(address))
        )
        if not fine:
            raise AddressRefused(
                f"host '{target.host}' has a private, loopback or otherwise internal address"
            )
    return addresses[0]


def check_literal(target: Target, allowed_hosts: Collection[str]) -> None:
    """What can be said without DNS: refuse internal literals and local names."""
    literal = _literal(target.host)
    if literal is not None:
        pin(target, [str(literal)], allowed_hosts)
    elif not host_allowed(target, allowed_hosts) and _names_this_machine(target.host):
        raise AddressRefused(
            f"host '{target.host}' has a private, loopback or otherwise internal address"
        )


def _names_this_machine(host: str) -> bool:
    # RFC 6761 section 6.3, RFC 6762 section 3, RFC 9476 and the metadata names of cloud providers.
    return (
        host == "localhost"
        or host.endswith((".localhost", ".local", ".internal"))
        or "." not in host
    )


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        pass
    last = host.rsplit(".", 1)[-1]
    if last.isdigit() or last.startswith("0x"):
        # `127.1`, `2130706433`, `0x7f.1`: resolvers read these as addresses (inet_aton), and no
        # public name ends so.
        raise AddressRefused(f"host '{host}' is neither a name nor an IP address in its usual form")
    return None


def _link_local(address: str) -> bool:
    return any(
        ip.is_link_local or ip == ipaddress.ip_address("fd00:ec2::254")
        for ip in _meanings(ipaddress.ip_address(address))
    )


def _meanings(ip: Address) -> list[Address]:
    """The address and every IPv4 address that a gateway would take out of it."""
    found: list[Address] = [ip]
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped:
            return [ip.ipv4_mapped]
        if ip.sixtofour:
            found.append(ip.sixtofour)
        if ip.teredo:
            found.extend(ip.teredo)
        if ip in _NAT64 or ip in _V4_COMPATIBLE:
            found.append(ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF))
    return found
