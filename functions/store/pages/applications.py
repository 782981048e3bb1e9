"""Pages of a developer's applications: make one, see its keys and what it subscribes to.

Keys have pages of their own, in `keys`.
"""

from datetime import UTC, datetime

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from functions.store.pages.shown import PAGES
from functions.store.wiring import Wiring
from portico.domain.application import KeyType
from portico.domain.policy import Level
from portico.services.application_rules import ApplicationDraft
from portico.web.forms import form
from portico.web.pages import redirect, visitor
from portico.web.rest import wired

router = Router()
HERE = "/applications"
APPLICATIONS = "apim:app_manage"


@router.get("/applications")
def mine() -> Response[str]:
    caller = visitor(router, APPLICATIONS)
    services = wired(router, Wiring)
    return PAGES.show(
        "applications.html",
        caller,
        here=HERE,
        applications=services.applications.mine(caller),
        policies=services.policies.list(caller.tenant, Level.APPLICATION),
    )


@router.post("/applications")
def create() -> Response[str]:
    caller, fields = visitor(router, APPLICATIONS), form(router)
    draft = ApplicationDraft(
        name=fields.get("name", ""),
        policy=fields.get("policy", ""),
        description=fields.get("description", ""),
    )
    made = wired(router, Wiring).applications.create(caller, draft)
    return redirect(f"/applications/{made.id}")


@router.get("/applications/<application_id>")
def show(application_id: str) -> Response[str]:
    caller, services = visitor(router, APPLICATIONS), wired(router, Wiring)
    application = services.applications.show(caller, application_id)
    keys = {key.mapping.key_type: key for key in services.keys.all(caller, application_id)}
    return PAGES.show(
        "application.html",
        caller,
        here=HERE,
        application=application,
        revoked=f"{datetime.fromtimestamp(application.since, UTC):%Y-%m-%d %H:%M:%S UTC}",
        keys=[(kind, keys.get(kind)) for kind in KeyType],
        subscriptions=services.subscribing.of_application(caller, application_id),
    )


@router.post("/applications/<application_id>/token-type")
def choose_token_type(application_id: str) -> Response[str]:
    """Whether access tokens are texts that say nothing; everything else stays."""
    caller, fields = visitor(router, APPLICATIONS), form(router)
    applications = wired(router, Wiring).applications
    known = applications.show(caller, application_id)
    draft = ApplicationDraft(
        name=known.name,
        policy=known.policy,
        description=known.description,
        token_type=fields.get("token_type", ""),
        groups=known.groups,
        attributes=known.attributes,
    )
    applications.update(caller, application_id, draft, known.stamp)
    return redirect(f"/applications/{application_id}")


@router.post("/applications/<application_id>/subscriptions/<subscription_id>/delete")
def unsubscribe(application_id: str, subscription_id: str) -> Response[str]:
    wired(router, Wiring).subscribing.unsubscribe(
        visitor(router, "apim:subscribe"), subscription_id
    )
    return redirect(f"/applications/{application_id}")


@router.post("/applications/<application_id>/revoke-tokens")
def revoke_tokens(application_id: str) -> Response[str]:
    caller = visitor(router, APPLICATIONS)
    wired(router, Wiring).ending.end_application(caller, application_id)
    return redirect(f"/applications/{application_id}")


@router.post("/applications/<application_id>/subscriptions/<subscription_id>/revoke-tokens")
def revoke_tokens_of_subscription(application_id: str, subscription_id: str) -> Response[str]:
    caller = visitor(router, "apim:subscribe")
    wired(router, Wiring).ending.end_subscription(caller, subscription_id)
    return redirect(f"/applications/{application_id}")


@router.post("/applications/<application_id>/delete")
def delete(application_id: str) -> Response[str]:
    wired(router, Wiring).applications.delete(visitor(router, APPLICATIONS), application_id)
    return redirect(HERE)
