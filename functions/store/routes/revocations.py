"""`.../revoke-tokens`: ending all tokens of an application or of one subscription.

Operations of our own beside the contract's (docs/security.md).
"""

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from functions.store.routes.asked import member
from functions.store.wiring import Wiring
from portico.web.contract import contract
from portico.web.rest import answer, operations, wired

router = Router()
operation = operations(router, contract("devportal"))


@operation(
    "POST",
    "/applications/{applicationId}/revoke-tokens",
    ("apim:subscribe", "apim:app_manage"),
)
def of_application(application_id: str) -> Response[str]:
    ended = wired(router, Wiring).ending.end_application(member(router), application_id)
    return answer({"applicationId": ended.id, "revokedUntil": ended.since})


@operation(
    "POST",
    "/subscriptions/{subscriptionId}/revoke-tokens",
    ("apim:subscribe", "apim:sub_manage"),
)
def of_subscription(subscription_id: str) -> Response[str]:
    ended = wired(router, Wiring).ending.end_subscription(member(router), subscription_id)
    return answer({"subscriptionId": ended.id, "revokedUntil": ended.since})
