"""IP addresses as bytes, which compare as addresses do; without the cost of making objects."""

import socket
from functools import lru_cache
from typing import NamedTuple

MAPPED = bytes(10) + b"\xff\xff"  # an IPv4 address in IPv6's clothes (RFC 4291 section 2.5.5.2)


class Range(NamedTuple):
    """From the first to the last address, both in it."""

    first: bytes
    last: bytes

    def __contains__(self, address: object) -> bool:
        return (
            isinstance(address, bytes)
            and len(address) == len(self.first)
            and self.first <= address <= self.last
        )


@lru_cache(maxsize=1024)
def packed(text: str) -> bytes:
    """4 bytes for IPv4, 16 for IPv6; none for what is no address."""
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            found = socket.inet_pton(family, text.strip())
        except (OSError, ValueError):
            continue
        return found.removeprefix(MAPPED) if len(found) == 16 else found
    return b""


def range_of(first: str, last: str = "") -> Range | None:
    """`first` to `last`, one address, `first-last` in one text, or a network (RFC 4632).

    None when it is none of these.
    """
    if not last and "-" in first:
        first, _, last = first.partition("-")
    address, slash, length = first.partition("/")
    low = packed(address)
    if not low:
        return None
    if slash and not last:
        if not length.isdecimal() or int(length) > 8 * len(low):
            return None
        rest = 8 * len(low) - int(length)
        start = int.from_bytes(low) >> rest << rest
        end = start | ((1 << rest) - 1)
        return Range(start.to_bytes(len(low)), end.to_bytes(len(low)))
    high = packed(last) if last else low
    return Range(low, high) if len(high) == len(low) and low <= high else None
