"""Signing in with the account of a company's own OpenID provider: there, and back."""

from collections.abc import Callable
from typing import Any

from functions.token.endpoints.problem import paged
from functions.token.pages import page, redirect
from functions.token.requests import Request
from functions.token.signing_in import LOGIN, address, browser_of, flow_of, signed_in
from functions.token.wiring import Wiring
from portico.domain.authorization import Flow
from portico.domain.errors import NotFound, PorticoError, Unauthenticated, Unavailable
from portico.domain.token_rules import LoginProvider
from portico.services.external_users import ExternalUsers, NotTakenOver
from portico.services.federating import KIND, Federating, ProviderFailed, ProviderRefused

MAX_METHODS = 5
# Errors -> status and heading of their page; the first that fits decides.
_PAGES: tuple[tuple[type[PorticoError], int, str], ...] = (
    (ProviderRefused, 403, "You are not signed in"),
    (NotTakenOver, 409, "There is another account of this name"),
    (ProviderFailed, 502, "The sign-in there did not work"),
    (Unavailable, 503, "The sign-in there did not work"),
    (Unauthenticated, 400, "The sign-in there does not hold"),
)


@paged
def start(request: Request, wiring: Wiring) -> dict[str, Any]:
    """On to the provider that was chosen on the sign-in page."""
    query = request.query()
    text = query.get("flow", "")
    flow = flow_of(request, wiring, text)
    provider = _provider(wiring, flow.tenant, query.get("provider", ""))
    service, known = _federating(wiring), browser_of(request, wiring)
    return _told(text, lambda: redirect(service.start(flow.tenant, provider, text, known)))


@paged
def callback(request: Request, wiring: Wiring) -> dict[str, Any]:
    """Back from there: `state` must be one that this very browser left with, and comes once."""
    query = request.query()
    flow = flow_of(request, wiring, query.get("state", ""), KIND)
    text = flow.parameters["flow"]
    return _told(text, lambda: _proved(request, wiring, flow, query))


def _proved(request: Request, wiring: Wiring, flow: Flow, query: dict[str, str]) -> dict[str, Any]:
    provider = _provider(wiring, flow.tenant, flow.client_id)
    proved = _federating(wiring).finish(flow, provider, query)
    user = ExternalUsers(wiring.records, wiring.accounts).of(proved)
    told = proved.claims.get("amr")
    methods = [one for one in told if isinstance(one, str)] if isinstance(told, list) else []
    return signed_in(request, wiring, flow.parameters["flow"], user, methods[:MAX_METHODS])


def _provider(wiring: Wiring, tenant: str, provider_id: str) -> LoginProvider:
    for provider in wiring.rules(tenant).providers:
        if provider.id == provider_id:
            return provider
    raise NotFound("Provider", provider_id[:100])


def _federating(wiring: Wiring) -> Federating:
    return Federating(
        wiring.records,
        wiring.clock,
        wiring.sealer,
        wiring.outbound,
        wiring.remote_keys,
        wiring.url,
    )


def _told(flow_text: str, call: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What the call answers, or a page about what went wrong there, with a way back: the flow goes
    on by any other sign-in.
    """
    try:
        return call()
    except NotFound:
        raise
    except PorticoError as exc:
        for kind, status, heading in _PAGES:
            if isinstance(exc, kind):
                again = address(LOGIN, flow_text)
                return page(
                    "federated.html", status, heading=heading, problem=str(exc), again=again
                )
        raise
