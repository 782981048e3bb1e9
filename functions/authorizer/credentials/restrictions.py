"""From where an API key may be used: addresses and referrers as its owner wrote them."""

import re
from collections.abc import Callable

from portico.tokens.jwt import InvalidToken

MAX_ENTRIES = 50

Rule = Callable[[str, str], bool]


def rule_of(addresses: str, referrers: str) -> Rule | None:
    """A test of a caller's address and `Referer`; None when any will do.

    Both are lists with commas, as WSO2's `permittedIP` (addresses and CIDR ranges) and
    `permittedReferer` (`*` stands for any text) have them. What cannot be read permits nothing:
    InvalidToken.
    """
    nets, patterns = _listed(addresses), _listed(referrers)
    if not nets and not patterns:
        return None
    try:
        from ipaddress import ip_address, ip_network

        networks = [ip_network(one, strict=False) for one in nets]
    except ValueError as exc:
        raise InvalidToken("The key's permitted addresses cannot be read") from exc
    globs = [re.split(r"\*+", one) for one in patterns]

    def permits(address: str, given: str) -> bool:
        if globs and not any(_fits(given, pieces) for pieces in globs):
            return False
        if not networks:
            return True
        try:
            known = ip_address(address)
        except ValueError:
            return False
        known = getattr(known, "ipv4_mapped", None) or known
        return any(known in network for network in networks)

    return permits


def _listed(text: str) -> list[str]:
    found = [part.strip() for part in text.split(",") if part.strip()]
    if len(found) > MAX_ENTRIES:
        raise InvalidToken("The key permits too many addresses or referrers")
    return found


def _fits(text: str, pieces: list[str]) -> bool:
    """Whether a text is these pieces with anything between them. Taking each where it first appears
    leaves the most room for the others: no backtracking, whatever an owner writes.
    """
    if len(pieces) == 1:
        return text == pieces[0]
    first, *middle, last = pieces
    if not text.startswith(first):
        return False
    at = len(first)
    for piece in middle:
        found = text.find(piece, at)
        if found < 0:
            return False
        at = found + len(piece)
    return len(text) - len(last) >= at and text.endswith(last)
