"""The authorization endpoint (RFC 6749 section 3.1, OpenID Connect Core section 3.1.2)."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode

from functions.token.delivering import deliver
from functions.token.endpoints.problem import paged
from functions.token.errors import OAuthError, WrongMethod
from functions.token.pages import redirect
from functions.token.requests import MAX_BODY, Request
from functions.token.signing_in import FORMS_TO, NEXT, address, begin, current
from functions.token.signing_in import LOGIN as LOGIN_PAGE
from functions.token.wiring import Wiring
from portico.domain.errors import TooLarge
from portico.services.asking import Refused, known, place_of
from portico.services.authorizing import LOGIN, URN
from portico.services.flows import tenant_of

PATH = "/oauth2/authorize"


@paged
def serve(request: Request, wiring: Wiring) -> dict[str, Any]:
    """Answers at once, or sends the browser to sign in or to consent.

    Whatever came by POST, or to one of the other paths, goes round by GET: the browser sends our
    cookies (SameSite=Lax, below /oauth2) only so.
    """
    if request.method == "HEAD":
        raise WrongMethod("GET, POST")  # it would use up what it may not see
    try:
        given = _parameters(request, wiring)
        if request.method == "GET" and request.raw_path.startswith(PATH):
            return _answered(request, wiring, given)
        return _round(request, wiring, given)
    except Refused as exc:
        return deliver(wiring.authorizing.told(exc))


def _parameters(request: Request, wiring: Wiring) -> dict[str, str]:
    """The request's parameters, each at most once.

    One that comes twice is told to the client, as long as it is certain who that is.
    """
    try:
        return request.query() if request.method == "GET" else request.parameters()
    except TooLarge:
        raise
    except OAuthError as exc:
        raw = request.raw_query.encode() if request.method == "GET" else request.body
        once = _once(raw)
        if "client_id" not in once or once.get("redirect_uri") is None:
            raise
        client = wiring.authorizing.client(once["client_id"], request.tenant)
        raise Refused(exc.error, str(exc), place_of(client, once)) from exc


def _once(raw: bytes) -> dict[str, str]:
    """The parameters that come once; none when they cannot be read at all."""
    if len(raw) > MAX_BODY:
        return {}
    try:
        pairs = parse_qsl(raw.decode(), keep_blank_values=True, max_num_fields=100)
    except ValueError:
        return {}
    names = [name for name, _ in pairs]
    return {name: value for name, value in pairs if names.count(name) == 1}


def _round(request: Request, wiring: Wiring, given: Mapping[str, str]) -> dict[str, Any]:
    """The same request, pushed by ourselves, as a GET of the one path."""
    client_id, urn = given.get("client_id", ""), given.get("request_uri", "")
    if not urn.startswith(URN):
        client = wiring.authorizing.client(client_id, request.tenant)
        wiring.authorizing.read(client, given)
        urn = wiring.authorizing.push(client, known(given))
    query = urlencode({"client_id": client_id, "request_uri": urn})
    return redirect(f"{PATH}?{query}")


def _answered(request: Request, wiring: Wiring, given: Mapping[str, str]) -> dict[str, Any]:
    service, urn = wiring.authorizing, given.get("request_uri", "")
    pushed = urn.startswith(URN)
    home = (tenant_of(urn.removeprefix(URN)) if pushed else "") or request.tenant
    client = service.client(given.get("client_id", ""), home)
    parameters = service.pushed(client, urn) if pushed else known(given)
    asked = service.read(client, parameters, pushed=pushed)
    session = current(request, wiring)
    missing = service.missing(asked, client, session)
    service.silent(asked, missing)
    if not missing and session is not None:
        return deliver(service.allow(asked, client, session))
    text, cookies = begin(
        request,
        wiring,
        client.tenant,
        "authorize",
        client.client_id,
        # The pages must know where their forms may lead to.
        {**known(parameters), FORMS_TO: asked.place.redirect_uri},
        session=None if missing == LOGIN else session,
    )
    path = LOGIN_PAGE if missing == LOGIN else NEXT["authorize"]
    return redirect(address(path, text), cookies=cookies)
