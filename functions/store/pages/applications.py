"""Pages of a developer's applications: make one, give it keys, see what it subscribes to."""

from datetime import UTC, datetime

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from functions.store.pages.shown import PAGES
from functions.store.wiring import Wiring
from portico.domain.application import KeyType
from portico.domain.errors import InvalidInput
from portico.domain.policy import Level
from portico.domain.user import Caller
from portico.services.application_rules import ApplicationDraft
from portico.services.keys import Key, KeySettings
from portico.web.forms import form
from portico.web.pages import redirect, visitor
from portico.web.rest import wired

router = Router()
HERE = "/applications"
APPLICATIONS = "apim:app_manage"
GRANTS = ("client_credentials", "password", "refresh_token")


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
    return _page(visitor(router, APPLICATIONS), application_id)


@router.post("/applications/<application_id>/keys")
def generate(application_id: str) -> Response[str]:
    caller, fields = visitor(router, APPLICATIONS), form(router)
    if fields.get("type") not in list(KeyType):
        raise InvalidInput.of("type", f"must be one of {', '.join(KeyType)}")
    made = wired(router, Wiring).keys.generate(
        caller, application_id, fields["type"], KeySettings(grant_types=GRANTS)
    )
    # Shown in this answer and never again, so no redirect.
    return _page(caller, application_id, made)


@router.post("/applications/<application_id>/keys/<key>/secret")
def regenerate(application_id: str, key: str) -> Response[str]:
    caller = visitor(router, APPLICATIONS)
    made = wired(router, Wiring).keys.regenerate_secret(caller, application_id, key)
    return _page(caller, application_id, made)


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


def _page(caller: Caller, application_id: str, made: Key | None = None) -> Response[str]:
    services = wired(router, Wiring)
    application = services.applications.show(caller, application_id)
    keys = services.keys.all(caller, application_id)
    return PAGES.show(
        "application.html",
        caller,
        here=HERE,
        application=application,
        revoked=f"{datetime.fromtimestamp(application.since, UTC):%Y-%m-%d %H:%M:%S UTC}",
        keys=keys,
        missing=[kind for kind in KeyType if kind not in {key.mapping.key_type for key in keys}],
        made=made,
        subscriptions=services.subscribing.of_application(caller, application_id),
        gateway=services.gateway_url,
    )
