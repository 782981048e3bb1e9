"""HTTP Basic (RFC 7617), and how a client proves who it is (RFC 6749 section 2.3.1)."""

import base64
import binascii
from collections.abc import Mapping
from urllib.parse import unquote_plus

from functions.token.errors import InvalidClient, OAuthError
from functions.token.requests import Request
from functions.token.wiring import Wiring
from portico.domain.application import Client
from portico.domain.errors import Unauthenticated


def basic(header: str) -> tuple[str, str] | None:
    """User and password of an Authorization header; None if malformed or of another scheme."""
    scheme, _, encoded = header.strip().partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        text = base64.b64decode(encoded.strip(), validate=True).decode()
    except (binascii.Error, ValueError):
        return None
    user, colon, password = text.partition(":")
    return (user, password) if colon and user else None


def client_credentials(request: Request, parameters: Mapping[str, str]) -> tuple[str, str, bool]:
    """Client id, secret and whether they came by Basic; one way of the two, never both."""
    header = request.headers.get("authorization", "")
    client_id, secret = parameters.get("client_id", ""), parameters.get("client_secret", "")
    if not header:
        if not client_id or not secret:
            raise InvalidClient("The client did not authenticate")
        return client_id, secret, False
    if secret:
        raise OAuthError("invalid_request", "The client authenticates in two ways at once")
    found = basic(header)
    if found is None:
        raise InvalidClient("The Authorization header is not well-formed HTTP Basic")
    if client_id and client_id not in (found[0], unquote_plus(found[0])):
        raise OAuthError("invalid_request", "client_id is not the client that authenticates")
    return *found, True


def authenticated_client(request: Request, parameters: Mapping[str, str], wiring: Wiring) -> Client:
    """The client that sent the request; InvalidClient when it does not prove so."""
    client_id, secret, by_header = client_credentials(request, parameters)
    forms = [(client_id, secret)]
    # RFC 6749 has both parts form-encoded before Basic, which many clients leave out: take either.
    decoded = (unquote_plus(client_id), unquote_plus(secret))
    if by_header and decoded not in forms:
        forms.append(decoded)
    for form in forms:
        try:
            return wiring.clients.authenticate(*form, home=request.tenant)
        except Unauthenticated:
            continue
    raise InvalidClient("The client is unknown or its secret is wrong")
