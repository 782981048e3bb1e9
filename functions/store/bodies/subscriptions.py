"""The schema Subscription."""

from typing import Annotated, Any, Literal

from pydantic import Field

from functions.store.bodies.apis import api_info
from functions.store.bodies.applications import application_info
from functions.store.bodies.model import Body, ReadOnly
from portico.services.subscribing import Described

Name = Annotated[str, Field(min_length=1)]


class SubscriptionBody(Body):
    """The schema Subscription, as a request."""

    application_id: Name
    api_id: Name | None = None
    throttling_policy: Name
    requested_throttling_policy: Name | None = None
    status: (
        Literal[
            "BLOCKED",
            "PROD_ONLY_BLOCKED",
            "UNBLOCKED",
            "ON_HOLD",
            "REJECTED",
            "TIER_UPDATE_PENDING",
            "DELETE_PENDING",
        ]
        | None
    ) = None
    subscription_id: ReadOnly = None
    api_info: ReadOnly = None
    application_info: ReadOnly = None
    redirection_params: ReadOnly = None


def subscription_body(found: Described) -> dict[str, Any]:
    """The schema Subscription with what is known of its API and application."""
    subscription = found.subscription
    body: dict[str, Any] = {
        "subscriptionId": subscription.id,
        "applicationId": subscription.application_id,
        "apiId": subscription.api_id,
        "throttlingPolicy": subscription.policy,
        "requestedThrottlingPolicy": subscription.policy,
        "status": subscription.status,
        "redirectionParams": "",
    }
    if found.card:
        body["apiInfo"] = api_info(found.card)
    if found.application:
        body["applicationInfo"] = application_info(found.application, found.count)
    return body
