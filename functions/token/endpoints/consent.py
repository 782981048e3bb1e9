"""The consent page: what an application asks of the user who is signed in, and the answer."""

from typing import Any
from urllib.parse import urlsplit

from functions.token.delivering import deliver
from functions.token.endpoints.problem import paged
from functions.token.errors import OAuthError
from functions.token.pages import check_own_form, page, redirect
from functions.token.requests import Request
from functions.token.signing_in import LOGIN, address, current, flow_of, forms_to, signed_in_for
from functions.token.wiring import Wiring
from portico.domain.application import Client
from portico.domain.authorization import BrowserSession, Flow
from portico.domain.tenant import shown_user
from portico.services.asking import Asked, Refused
from portico.services.consenting import permissions


@paged
def show(request: Request, wiring: Wiring) -> dict[str, Any]:
    """The page; or at once what it would lead to, when the user has allowed all of it before."""
    text = request.query().get("flow", "")
    flow = flow_of(request, wiring, text, "authorize")
    session = current(request, wiring)
    if session is None or not signed_in_for(flow, session):
        return redirect(address(LOGIN, text))
    try:
        client, asked = _asked(wiring, flow)
        wiring.authorizing.check_user(asked, session)
        if not wiring.authorizing.missing(asked, client, session, fresh=True):
            return deliver(wiring.authorizing.allow(asked, client, session, flow=flow))
    except Refused as exc:
        return deliver(wiring.authorizing.refuse(exc, flow))
    return _page(wiring, flow, text, client, asked, session)


@paged
def serve(request: Request, wiring: Wiring) -> dict[str, Any]:
    """Allowed or denied; whichever, the flow is over."""
    check_own_form(request)
    fields = request.parameters()
    text = fields.get("flow", "")
    flow = flow_of(request, wiring, text, "authorize")
    session = current(request, wiring)
    if session is None or not signed_in_for(flow, session):
        return redirect(address(LOGIN, text))
    try:
        client, asked = _asked(wiring, flow)
        match fields.get("decision"):
            case "allow":
                answer = wiring.authorizing.allow(asked, client, session, flow=flow, remember=True)
            case "deny":
                answer = wiring.authorizing.deny(asked, flow)
            case _:
                raise OAuthError("invalid_request", "The form tells no decision")
    except Refused as exc:
        answer = wiring.authorizing.refuse(exc, flow)
    return deliver(answer)


def _asked(wiring: Wiring, flow: Flow) -> tuple[Client, Asked]:
    """The client and request of a flow, as they hold now."""
    client = wiring.authorizing.client(flow.client_id, flow.tenant)
    # Whether it had to be pushed was asked when the flow began.
    return client, wiring.authorizing.read(client, flow.parameters, pushed=True)


def _page(
    wiring: Wiring, flow: Flow, text: str, client: Client, asked: Asked, session: BrowserSession
) -> dict[str, Any]:
    user = wiring.authorizing.user(session)
    scopes = wiring.issuing.grantable(client, user, asked.scopes)
    target = urlsplit(asked.place.redirect_uri)
    owner = client.application_owner or client.owner
    return page(
        "consent.html",
        forms_to=forms_to(flow),
        flow=text,
        application=client.name,
        owner=shown_user(owner, client.tenant),
        user=shown_user(user.name, user.tenant),
        permissions=permissions(wiring.records, client, scopes),
        target=f"{target.scheme}://{target.netloc}" if target.netloc else f"{target.scheme}:",
        on_device=not target.scheme.startswith("http"),
    )
