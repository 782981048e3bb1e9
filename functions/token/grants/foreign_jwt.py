"""A JWT of a trusted issuer: that it holds, is meant for us, and whom it speaks of."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from functions.token.wiring import Wiring
from portico.domain.errors import Unauthenticated
from portico.domain.token_rules import TrustedIssuer
from portico.services.assertions import JWT, Person, trusted
from portico.services.issuing import InvalidGrant
from portico.tokens.foreign import audiences_of, check_times, claims_unverified, text_of

LONGEST = 86_400  # seconds that a foreign token may be valid
_TEXTS = ("email", "given_name", "family_name")


@dataclass(frozen=True)
class Foreign:
    """A token that holds. `expires` is in epoch seconds."""

    issuer: TrustedIssuer
    claims: Mapping[str, Any]
    expires: int

    @property
    def person(self) -> Person:
        """Whom the token speaks of; InvalidGrant when it names nobody."""
        name = text_of(self.claims, self.issuer.user_claim).strip()
        if not name:
            raise InvalidGrant(f"The token has no '{self.issuer.user_claim}' that names a user")
        texts = {one: text_of(self.claims, one) for one in _TEXTS}
        return Person(name, _roles(self.claims.get(self.issuer.role_claim)), **texts)


def read(
    wiring: Wiring, tenant: str, token: str, audiences: Collection[str], types: Collection[str]
) -> Foreign:
    """The token, verified with the keys of its issuer; InvalidGrant with the reason otherwise."""
    try:
        issuer = trusted(wiring.rules(tenant), JWT, text_of(claims_unverified(token), "iss"))
        claims = wiring.verified_by(issuer.jwks, issuer.jwks_uri, token, types)
        _check(claims, issuer, {*audiences, *issuer.audiences})
        expires = check_times(claims, longest=LONGEST, now=wiring.clock.now())
    except InvalidGrant:
        raise
    except Unauthenticated as exc:
        raise InvalidGrant(str(exc)) from exc
    return Foreign(issuer, claims, expires)


def _check(claims: Mapping[str, Any], issuer: TrustedIssuer, audiences: Collection[str]) -> None:
    """What RFC 7523 section 3 asks for besides the signature and the times."""
    if text_of(claims, "iss") != issuer.issuer:
        raise InvalidGrant("The issuer is not trusted")
    if not set(audiences_of(claims)) & set(audiences):
        raise InvalidGrant("'aud' does not name this server")
    if not text_of(claims, "sub"):
        raise InvalidGrant("The token has no 'sub'")


def _roles(value: Any) -> tuple[str, ...]:
    listed = value.replace(",", " ").split() if isinstance(value, str) else value
    if not isinstance(listed, list):
        return ()
    return tuple(one for one in listed if isinstance(one, str))
