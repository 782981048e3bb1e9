"""Subscriptions of the caller's applications."""

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from functions.store.bodies.subscriptions import SubscriptionBody, subscription_body
from functions.store.routes.asked import member
from functions.store.wiring import Wiring
from portico.domain.application import Subscription
from portico.domain.errors import InvalidInput, PorticoError, Problem
from portico.domain.user import Caller
from portico.web.contract import contract
from portico.web.rest import (
    answer,
    body,
    if_match,
    json_of,
    listed,
    operations,
    paging,
    parse,
    query,
    raw_body,
    wired,
)

MOST = 20  # subscriptions in one request; each is a transaction of its own
router = Router()
devportal = contract("devportal")
operation = operations(router, devportal)


@operation("GET", "/subscriptions")
def find() -> Response[str]:
    page = paging(router)
    subscribing = wired(router, Wiring).subscribing
    caller = member(router)
    application, api = query(router, "applicationId"), query(router, "apiId")
    if application:
        found = subscribing.of_application(caller, application)
        found = [one for one in found if api in ("", one.api_id)]
    elif api:
        found = subscribing.of_api(caller, api)
    else:
        raise InvalidInput.of("applicationId", "applicationId or apiId is needed")
    shown = subscribing.describe(caller, found[page.offset : page.offset + page.limit])
    filters = {"applicationId": application, "apiId": api}
    kept = {name: value for name, value in filters.items() if value}
    rows = [subscription_body(one) for one in shown]
    return answer(listed(rows, page, len(found), "/subscriptions", **kept))


@operation("POST", "/subscriptions")
def create() -> Response[str]:
    caller = member(router)
    made = _subscribe(caller, body(router, SubscriptionBody))
    return _one(caller, made, 201)


@operation("POST", "/subscriptions/multiple")
def create_several() -> Response[str]:
    """All are checked for form first; then each is made or refused by itself, in the order given.

    The contract has no place for a refusal in the list, so the first one ends it: what was made
    before stays, and the answer names the entry at fault.
    """
    caller = member(router)
    entries = json_of(raw_body(router))
    if not isinstance(entries, list) or not 1 <= len(entries) <= MOST:
        raise InvalidInput.of("body", f"a list of 1 to {MOST} subscriptions is expected")
    wanted = [_parsed(place, entry) for place, entry in enumerate(entries)]
    made = []
    for place, one in enumerate(wanted):
        try:
            made.append(_subscribe(caller, one))
        except PorticoError as exc:
            exc.args = (f"entry {place}: {exc}",)
            raise
    shown = wired(router, Wiring).subscribing.describe(caller, made)
    return answer([subscription_body(one) for one in shown])


def _parsed(place: int, entry: object) -> SubscriptionBody:
    try:
        return parse(SubscriptionBody, entry)
    except InvalidInput as exc:
        problems = [Problem(f"{place}.{one.field}", one.message) for one in exc.problems]
        raise InvalidInput(f"entry {place}: {exc}", problems) from exc


@operation("GET", "/subscriptions/{subscriptionId}")
def show(subscription_id: str) -> Response[str]:
    caller = member(router)
    return _one(caller, wired(router, Wiring).subscribing.show(caller, subscription_id))


@operation("PUT", "/subscriptions/{subscriptionId}")
def update(subscription_id: str) -> Response[str]:
    caller = member(router)
    subscribing = wired(router, Wiring).subscribing
    wanted = body(router, SubscriptionBody)
    old = subscribing.show(caller, subscription_id)
    for name, given, known in (
        ("applicationId", wanted.application_id, old.application_id),
        ("apiId", wanted.api_id, old.api_id),
        ("status", wanted.status, old.status),
    ):
        if given not in (None, known):
            raise InvalidInput.of(name, "cannot be changed here; only the policy can")
    policy = wanted.requested_throttling_policy or wanted.throttling_policy
    return _one(caller, subscribing.change_policy(caller, subscription_id, policy))


@operation("DELETE", "/subscriptions/{subscriptionId}")
def delete(subscription_id: str) -> Response[str]:
    wired(router, Wiring).subscribing.unsubscribe(member(router), subscription_id, if_match(router))
    return answer()


def _subscribe(caller: Caller, wanted: SubscriptionBody) -> Subscription:
    if not wanted.api_id:
        raise InvalidInput.of("apiId", "is needed")
    return wired(router, Wiring).subscribing.subscribe(
        caller, wanted.application_id, wanted.api_id, wanted.throttling_policy
    )


def _one(caller: Caller, subscription: Subscription, status: int = 200) -> Response[str]:
    (shown,) = wired(router, Wiring).subscribing.describe(caller, [subscription])
    location = {"Location": f"{devportal.base}/subscriptions/{subscription.id}"}
    return answer(
        subscription_body(shown),
        status,
        etag=subscription.stamp,
        headers=location if status == 201 else None,
    )
