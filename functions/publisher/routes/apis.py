"""`/apis`: create, list, show, change and delete APIs; is a name or context taken."""

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from functions.publisher.bodies.answers import policy_body
from functions.publisher.bodies.api_answers import api_body, api_info
from functions.publisher.bodies.apis import ApiBody
from functions.publisher.wiring import Wiring
from portico.domain.api import Api
from portico.domain.errors import InvalidInput, NotFound
from portico.domain.policy import Level
from portico.web.contract import contract
from portico.web.rest import (
    answer,
    body,
    caller,
    if_match,
    listed,
    operations,
    paging,
    query,
    wired,
)

router = Router()
PUBLISHER = contract("publisher")
operation = operations(router, PUBLISHER)


@operation("GET", "/apis")
def find() -> Response[str]:
    page = paging(router)
    filters = {
        name: value for name in ("query", "sortBy", "sortOrder") if (value := query(router, name))
    }
    order = filters.get("sortOrder", "asc")
    if order not in ("asc", "desc"):
        raise InvalidInput.of("sortOrder", "must be asc or desc")
    found = wired(router, Wiring).publishing.find(
        caller(router), filters.get("query", ""), filters.get("sortBy", "name"), order == "desc"
    )
    rows = [api_info(card) for card in found[page.offset : page.offset + page.limit]]
    return answer(listed(rows, page, len(found), "/apis", **filters))


@operation("POST", "/apis")
def create() -> Response[str]:
    if query(router, "openAPIVersion", "v3").lower() not in ("v2", "v3"):
        raise InvalidInput.of("openAPIVersion", "must be v2 or v3")
    draft = body(router, ApiBody).draft()
    return created(wired(router, Wiring).publishing.create(caller(router), draft))


def created(api: Api) -> Response[str]:
    """The answer to a new API."""
    location = {"Location": f"{PUBLISHER.base}/apis/{api.id}"}
    return answer(api_body(api), 201, etag=api.stamp, headers=location)


@operation("GET", "/apis/{apiId}")
def show(api_id: str) -> Response[str]:
    api = wired(router, Wiring).publishing.show(caller(router), api_id)
    return answer(api_body(api), etag=api.stamp)


@operation("PUT", "/apis/{apiId}")
def update(api_id: str) -> Response[str]:
    changes = body(router, ApiBody).changes()
    publishing = wired(router, Wiring).publishing
    api = publishing.update(caller(router), api_id, changes, if_match(router))
    return answer(api_body(api), etag=api.stamp)


@operation("DELETE", "/apis/{apiId}")
def delete(api_id: str) -> Response[str]:
    services = wired(router, Wiring)
    services.publishing.delete(caller(router), api_id, if_match(router))
    services.lifecycle.work_outbox()
    return answer()


@operation("POST", "/apis/validate")
def validate() -> Response[str]:
    """200 when an API has the name or context of the query, 404 when none has."""
    wanted = query(router, "query").strip()
    field, colon, value = wanted.partition(":")
    if not colon:
        field, value = "name", wanted
    value = value.strip().strip('"')
    if field not in ("name", "context") or not value:
        raise InvalidInput.of("query", "must be name:<API name> or context:</context>")
    if not wired(router, Wiring).publishing.taken(caller(router), field, value):
        raise NotFound("API with " + field, value)
    return answer()


@operation("GET", "/apis/{apiId}/subscription-policies")
def offered(api_id: str) -> Response[str]:
    services, who = wired(router, Wiring), caller(router)
    api = services.publishing.show(who, api_id)
    policies = services.policies.list(who.tenant, Level.SUBSCRIPTION)
    return answer([policy_body(policy) for policy in policies if policy.name in api.policies])
