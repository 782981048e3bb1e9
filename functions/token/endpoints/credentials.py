"""Client authentication (RFC 6749 section 2.3, RFC 7523 section 2.2, OpenID Connect Core section
9): which way a request uses, and whether the client may.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from functions.token.client_auth.basic import basic as basic
from functions.token.client_auth.basic import readings
from functions.token.errors import InvalidClient, OAuthError
from functions.token.requests import Request
from functions.token.wiring import Wiring
from portico.domain.application import NO_SECRET, Client
from portico.domain.errors import Unauthenticated
from portico.domain.grant_types import CODE, DEVICE, EXCHANGE, REFRESH
from portico.services.clients import CLIENT_ID

BASIC = "client_secret_basic"
POST = "client_secret_post"
SIGNED = "private_key_jwt"
# What clients may be registered for and the metadata tell.
METHODS = (BASIC, POST, SIGNED, NO_SECRET)
WITH_SECRET = (BASIC, POST)
# Whoever knows a public client's id may use it: never for a token of the client itself, nor with
# what others can have.
PUBLIC_GRANTS = (CODE, REFRESH, DEVICE, EXCHANGE)
_SECRET = ("client_secret", "client_assertion")
# One text for what is unknown, wrong or missing, so that nobody learns which clients there are.
_REFUSED = "The client is unknown, or it does not prove to be this client"


@dataclass(frozen=True)
class Credentials:
    """What a request says about its client: the way, the client ids that may be meant (the first is
    most likely) with a secret each, or an assertion.
    """

    method: str
    forms: tuple[tuple[str, str], ...]
    assertion: str = ""

    @property
    def client_id(self) -> str:
        """The client that is most likely meant; not yet believed."""
        return self.forms[0][0]


def credentials(request: Request, parameters: Mapping[str, str]) -> Credentials:
    """Read, not yet checked: InvalidClient when there are none, `invalid_request` for more than
    one way at once or for secrets in the address.
    """
    if any(f"{name}=" in request.raw_query for name in _SECRET):
        raise OAuthError("invalid_request", "Credentials may not be in the address")
    header = request.headers.get("authorization", "")
    secret, assertion = parameters.get("client_secret", ""), parameters.get("client_assertion", "")
    kind, client_id = parameters.get("client_assertion_type", ""), parameters.get("client_id", "")
    if sum(map(bool, (header, secret, assertion or kind))) > 1:
        raise OAuthError("invalid_request", "The client authenticates in two ways at once")
    if header:
        return _of_header(header, client_id)
    if assertion or kind:
        return _of_assertion(assertion, kind, client_id)
    if not client_id:
        raise InvalidClient("The client did not authenticate")
    return _fitting(POST if secret else NO_SECRET, [(client_id, secret)])


def authenticated_client(
    request: Request,
    parameters: Mapping[str, str],
    wiring: Wiring,
    *,
    given: Credentials | None = None,
    confidential: bool = False,
) -> Client:
    """The client that sent the request; InvalidClient when it does not prove so.

    A public client is taken at its word, but where `confidential` ones are asked for and for grants
    that are not for it (`unauthorized_client`). `given` are the request's credentials where they
    have been read already.
    """
    given = given or credentials(request, parameters)
    if given.method in WITH_SECRET:
        return _by_secret(given, request, wiring)
    client = wiring.clients.find(given.client_id, request.tenant)
    if client is None or client.auth_method != given.method:
        raise InvalidClient(_REFUSED)
    if given.method == SIGNED:
        # Only who signs needs it: loading it is not every start's time.
        from functions.token.client_auth.assertion import prove

        prove(client, given.assertion, _audiences(request, wiring), wiring)
    elif confidential:
        raise InvalidClient("A public client may not do this")
    elif parameters.get("grant_type", CODE) not in PUBLIC_GRANTS:
        raise OAuthError("unauthorized_client", "A public client may not use this grant type")
    return client


def _of_header(header: str, client_id: str) -> Credentials:
    found = basic(header)
    if found is None:
        raise InvalidClient("The Authorization header is not well-formed HTTP Basic")
    forms = readings(*found)
    if client_id and client_id not in (form[0] for form in forms):
        raise OAuthError("invalid_request", "client_id is not the client that authenticates")
    return _fitting(BASIC, forms)


def _fitting(method: str, forms: Sequence[tuple[str, str]]) -> Credentials:
    # What cannot be a client's id is nobody's, and no key of a table is made of it.
    known = tuple(form for form in forms if CLIENT_ID.fullmatch(form[0]))
    if not known:
        raise InvalidClient(_REFUSED)
    return Credentials(method, known)


def _of_assertion(assertion: str, kind: str, client_id: str) -> Credentials:
    from functions.token.client_auth.assertion import TYPE, named

    if not assertion or not kind:
        raise OAuthError(
            "invalid_request", "client_assertion and client_assertion_type belong together"
        )
    if kind != TYPE:
        raise InvalidClient(f"The client_assertion_type must be {TYPE}")
    name = named(assertion)
    if not name:
        raise InvalidClient("The client assertion does not hold: it names no client")
    # RFC 7521 section 4.2: when it is there, it must be the same.
    if client_id and client_id != name:
        raise InvalidClient("client_id is not the client that authenticates")
    return Credentials(SIGNED, ((name, ""),), assertion)


def _by_secret(given: Credentials, request: Request, wiring: Wiring) -> Client:
    for client_id, secret in given.forms:
        try:
            client = wiring.clients.authenticate(client_id, secret, home=request.tenant)
        except Unauthenticated:
            continue
        if client.auth_method not in ("", given.method):
            break
        return client
    raise InvalidClient(_REFUSED)


def _audiences(request: Request, wiring: Wiring) -> set[str]:
    """Who we are to a client: the issuer, the token endpoint, and the endpoint that it called."""
    called = (request.path, f"/t/{request.tenant}{request.path}")
    return {*wiring.names(request.tenant), *(f"{wiring.url}{path}" for path in called)}
