"""Signing out of the authorization server (OpenID Connect RP-Initiated Logout 1.0).

Applications keep their tokens; this ends the browser's sign-in here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from functions.token.endpoints.problem import paged
from functions.token.errors import OAuthError, WrongMethod
from functions.token.pages import check_own_form, page, redirect
from functions.token.requests import Request
from functions.token.signing_in import current, ended
from functions.token.wiring import Wiring
from portico.domain.application import Client
from portico.domain.authorization import BrowserSession
from portico.domain.errors import Unauthenticated
from portico.domain.redirects import with_parameters
from portico.domain.tenant import join_user, shown_user, split_user
from portico.tokens.jwt import PLAIN, verify

PATH = "/oauth2/logout"
PARAMETERS = ("id_token_hint", "client_id", "post_logout_redirect_uri", "state")


@dataclass(frozen=True)
class _Wish:
    """A request that holds: whose session the client means ('': it does not say), and where the
    browser goes afterwards ('': nowhere).
    """

    subject: str
    client: Client | None
    target: str
    parameters: Mapping[str, str]


@paged
def arrive(request: Request, wiring: Wiring) -> dict[str, Any]:
    """On to the page below /oauth2: the browser sends our cookie only there, and only by GET when
    the request comes from another site.
    """
    given = request.parameters() if request.method == "POST" else request.query()
    kept = {name: given[name] for name in PARAMETERS if name in given}
    return redirect(f"{PATH}?{urlencode(kept)}" if kept else PATH)


@paged
def serve(request: Request, wiring: Wiring) -> dict[str, Any]:
    """Signs out whom the client's id_token means; asks when there is none, or it is another's."""
    if request.method == "HEAD":
        raise WrongMethod("GET, POST")
    wish, session = _wish(request.query(), wiring), current(request, wiring)
    if session is None or wish.subject == join_user(session.user, session.tenant):
        return _out(request, wiring, wish)
    return _question(wish, session)


@paged
def confirmed(request: Request, wiring: Wiring) -> dict[str, Any]:
    """Signs out after the question."""
    check_own_form(request)
    return _out(request, wiring, _wish(request.parameters(), wiring))


def _wish(given: Mapping[str, str], wiring: Wiring) -> _Wish:
    """What the parameters ask for; a redirect URI must be, letter for letter, one that the client
    registered for this (section 3).
    """
    hint = _hint(given.get("id_token_hint", ""), wiring)
    client_id, subject = given.get("client_id", ""), str(hint.get("sub", ""))
    if hint and client_id not in ("", hint["aud"]):
        raise OAuthError("invalid_request", "client_id is not the client of id_token_hint")
    client_id = client_id or str(hint.get("aud", ""))
    home = split_user(subject)[1]
    client = wiring.clients.find(client_id, home) if client_id else None
    target = given.get("post_logout_redirect_uri", "")
    if target and (client is None or target not in client.logout_uris):
        raise OAuthError("invalid_request", "post_logout_redirect_uri is not the application's")
    if target and "state" in given:
        target = with_parameters(target, {"state": given["state"]})
    kept = {name: given[name] for name in PARAMETERS if name in given}
    return _Wish(subject if client else "", client, target, kept)


def _hint(token: str, wiring: Wiring) -> dict[str, Any]:
    """The claims of an id_token of ours, which may have expired; none of any other text."""
    try:
        claims = verify(token, wiring.verifying(), now=0, typ=PLAIN) if token else {}
    except Unauthenticated:
        return {}
    return claims if claims.get("iss") == wiring.issuer and claims.get("aud") else {}


def _question(wish: _Wish, session: BrowserSession) -> dict[str, Any]:
    return page(
        "logout.html",
        forms_to=wish.target,
        user=shown_user(session.user, session.tenant),
        client=wish.client.name if wish.client else "",
        parameters=wish.parameters,
    )


def _out(request: Request, wiring: Wiring, wish: _Wish) -> dict[str, Any]:
    cookies = ended(request, wiring)
    if wish.target:
        return redirect(wish.target, cookies=cookies)
    return page("logged-out.html", cookies=cookies)
