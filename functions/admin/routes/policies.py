"""`/throttling/policies`: application, subscription and advanced policies, and their search."""

from collections.abc import Callable

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from functions.admin.bodies.policies import BODIES, policy_body, policy_details, sought
from functions.admin.wiring import Wiring
from portico.domain.policy import Level
from portico.web.contract import contract
from portico.web.rest import answer, body, caller, if_match, operations, query, wired

router = Router()
ADMIN = contract("admin")
operation = operations(router, ADMIN)
COLLECTIONS = {
    "application": Level.APPLICATION.value,
    "subscription": Level.SUBSCRIPTION.value,
    "advanced": Level.API.value,
}


@operation("GET", "/throttling/policies/search")
def search() -> Response[str]:
    levels, name = sought(query(router, "query"))
    service = wired(router, Wiring).policies
    tenant = caller(router).tenant
    found = [
        policy_details(policy)
        for level in levels
        for policy in service.list(tenant, level)
        if name in policy.name.lower()
    ]
    return answer({"count": len(found), "list": found})


def _routes(collection: str, level: str) -> None:
    """The five operations of one kind of policy."""
    path = f"/throttling/policies/{collection}"
    model = BODIES[level]

    def show_all() -> Response[str]:
        policies = wired(router, Wiring).policies.list(caller(router).tenant, level)
        return answer({"count": len(policies), "list": [policy_body(one) for one in policies]})

    def create() -> Response[str]:
        draft = body(router, model).draft()
        policy = wired(router, Wiring).policies.create(caller(router), level, draft)
        location = {"Location": f"{ADMIN.base}{path}/{policy.id}"}
        return answer(policy_body(policy), 201, etag=policy.stamp, headers=location)

    def show(policy_id: str) -> Response[str]:
        policy = wired(router, Wiring).policies.find(caller(router).tenant, level, policy_id)
        return answer(policy_body(policy), etag=policy.stamp)

    def replace(policy_id: str) -> Response[str]:
        draft = body(router, model).draft()
        service = wired(router, Wiring).policies
        policy = service.replace(caller(router), level, policy_id, draft, if_match(router))
        return answer(policy_body(policy), etag=policy.stamp)

    def delete(policy_id: str) -> Response[str]:
        wired(router, Wiring).policies.delete(caller(router), level, policy_id)
        return answer()

    one = f"{path}/{{policyId}}"
    table: tuple[tuple[str, str, Callable[..., Response[str]]], ...] = (
        ("GET", path, show_all),
        ("POST", path, create),
        ("GET", one, show),
        ("PUT", one, replace),
        ("DELETE", one, delete),
    )
    for method, where, handler in table:
        operation(method, where)(handler)


for _collection, _level in COLLECTIONS.items():
    _routes(_collection, _level)
