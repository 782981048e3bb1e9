"""`/subscriptions`: who uses the APIs; block and unblock them."""

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from functions.publisher.bodies.answers import subscription_body
from functions.publisher.wiring import Wiring
from portico.domain.errors import InvalidInput
from portico.web.contract import contract
from portico.web.rest import (
    answer,
    caller,
    if_match,
    listed,
    operations,
    paging,
    query,
    wired,
)

router = Router()
operation = operations(router, contract("publisher"))


@operation("GET", "/subscriptions")
def show_all() -> Response[str]:
    page = paging(router)
    filters = {name: value for name in ("apiId", "query") if (value := query(router, name))}
    found = wired(router, Wiring).subscribers.of_api(
        caller(router), filters.get("apiId", ""), filters.get("query", "")
    )
    rows = [subscription_body(one) for one in found[page.offset : page.offset + page.limit]]
    return answer(listed(rows, page, len(found), "/subscriptions", **filters))


@operation("POST", "/subscriptions/block-subscription")
def block() -> Response[str]:
    state = query(router, "blockState")
    if not state:
        raise InvalidInput.of("blockState", "is missing")
    changed = wired(router, Wiring).subscribers.block(
        caller(router), _subscription_id(), state, if_match(router)
    )
    return answer(subscription_body(changed), etag=changed.stamp)


@operation("POST", "/subscriptions/unblock-subscription")
def unblock() -> Response[str]:
    subscribers = wired(router, Wiring).subscribers
    changed = subscribers.unblock(caller(router), _subscription_id(), if_match(router))
    return answer(subscription_body(changed), etag=changed.stamp)


def _subscription_id() -> str:
    found = query(router, "subscriptionId")
    if not found:
        raise InvalidInput.of("subscriptionId", "is missing")
    return found
