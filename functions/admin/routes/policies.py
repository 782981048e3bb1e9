"""`/throttling/policies`: policies of every level, their search, and their way between servers."""

from collections.abc import Callable

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from functions.admin.bodies.exports import export_body, imported
from functions.admin.bodies.policies import BODIES, policy_body
from functions.admin.bodies.policy_search import LEVELS, policy_details, sought
from functions.admin.wiring import Wiring
from portico.domain.errors import AlreadyExists, InvalidInput, NotFound, PorticoError
from portico.domain.policy import Level, Policy
from portico.web.contract import contract
from portico.web.rest import (
    answer,
    body,
    caller,
    flag,
    if_match,
    multipart,
    operations,
    query,
    wired,
)

router = Router()
ADMIN = contract("admin")
operation = operations(router, ADMIN)
COLLECTIONS = {
    "application": Level.APPLICATION.value,
    "subscription": Level.SUBSCRIPTION.value,
    "advanced": Level.API.value,
    "custom": Level.CUSTOM.value,
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


@operation("GET", "/throttling/policies/export")
def export() -> Response[str]:
    """By id, or by name and type."""
    policy_id, name, kind = (query(router, one) for one in ("policyId", "name", "type"))
    if not policy_id and not (name and kind):
        raise InvalidInput.of("policyId", "is needed, or else name and type")
    if kind and kind not in LEVELS:
        raise InvalidInput.of("type", f"must be one of {', '.join(LEVELS)}")
    service, tenant = wired(router, Wiring).policies, caller(router).tenant
    for level in [LEVELS[kind]] if kind else LEVELS.values():
        for policy in service.list(tenant, level):
            if policy_id in ("", policy.id) and name in ("", policy.name):
                return answer(export_body(policy), etag=policy.stamp)
    raise NotFound("Policy", policy_id or name)


@operation("POST", "/throttling/policies/import")
def import_policy() -> Response[str]:
    part = multipart(router).get("file")
    if part is None:
        raise InvalidInput.of("file", "is needed")
    level, given = imported(_values(part.content))
    service, who, draft = wired(router, Wiring).policies, caller(router), given.draft()
    policy: Policy
    try:
        policy = service.create(who, level, draft)
    except AlreadyExists:
        if not flag(router, "overwrite"):
            raise
        there = service.get(who.tenant, level, draft.name)
        policy = service.replace(who, level, there.id, draft)
    return answer(policy_body(policy), etag=policy.stamp)


def _values(content: bytes) -> object:
    # Only who imports a policy waits for YAML.
    from portico.services.definitions import texts

    try:
        return texts.load(content)
    except PorticoError as exc:
        raise InvalidInput.of("file", str(exc)) from exc


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

    def show(**which: str) -> Response[str]:
        (policy_id,) = which.values()
        policy = wired(router, Wiring).policies.find(caller(router).tenant, level, policy_id)
        return answer(policy_body(policy), etag=policy.stamp)

    def replace(**which: str) -> Response[str]:
        (policy_id,) = which.values()
        draft = body(router, model).draft()
        service = wired(router, Wiring).policies
        policy = service.replace(caller(router), level, policy_id, draft, if_match(router))
        return answer(policy_body(policy), etag=policy.stamp)

    def delete(**which: str) -> Response[str]:
        (policy_id,) = which.values()
        wired(router, Wiring).policies.delete(caller(router), level, policy_id)
        return answer()

    one = f"{path}/{{{'ruleId' if level == Level.CUSTOM else 'policyId'}}}"
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
