"""private_key_jwt: a client proves by a JWT that it has signed (RFC 7523 section 2.2, OpenID
Connect Core section 9).
"""

from collections.abc import Collection

from functions.token.errors import InvalidClient
from functions.token.wiring import Wiring
from portico.domain.application import Client
from portico.domain.errors import AlreadyExists, Unauthenticated
from portico.services.clients import CLIENT_ID
from portico.tokens.foreign import (
    audiences_of,
    check_times,
    claims_unverified,
    text_of,
)
from portico.tokens.jwt import InvalidToken

TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LONGEST = 3600  # seconds that an assertion may be valid
LONGEST_ID = 500  # characters of a `jti`
KIND = "client"  # of what may come once only


def named(assertion: str) -> str:
    """The client that an assertion speaks of, not yet believed; '' when it is none."""
    try:
        claims = claims_unverified(assertion)
        client_id = text_of(claims, "sub")
        fits = client_id == text_of(claims, "iss")
    except InvalidToken:
        return ""
    return client_id if fits and CLIENT_ID.fullmatch(client_id) else ""


def prove(client: Client, assertion: str, audiences: Collection[str], wiring: Wiring) -> None:
    """InvalidClient unless the client signed the assertion for us, just now, and for the first
    time.
    """
    try:
        claims = wiring.verified_by(client.jwks, client.jwks_uri, assertion)
        if not client.client_id == text_of(claims, "iss") == text_of(claims, "sub"):
            raise InvalidToken("'iss' and 'sub' must both be the client's id")
        given = audiences_of(claims)
        # All of them ours: an assertion that other servers take too could be one of their making.
        if not given or not set(given) <= set(audiences):
            raise InvalidToken("'aud' must be the token endpoint and nobody else")
        expires = check_times(claims, longest=LONGEST, now=wiring.clock.now())
        name = text_of(claims, "jti")
        if not 0 < len(name) <= LONGEST_ID:
            raise InvalidToken("The assertion has no 'jti' of a usual length")
    except Unauthenticated as exc:
        raise InvalidClient(f"The client assertion does not hold: {exc}") from exc
    try:
        wiring.replays.once(client.tenant, KIND, client.client_id, name, expires)
    except AlreadyExists as exc:
        raise InvalidClient("The client assertion has been used before") from exc
