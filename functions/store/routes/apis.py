"""APIs and tags, as the store shows them; anonymous readers see the public ones."""

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from functions.store.bodies.apis import api_body, api_info
from functions.store.bodies.policies import policy_body
from functions.store.routes.asked import tenant_of
from functions.store.wiring import Wiring
from portico.web.contract import contract
from portico.web.rest import answer, caller, listed, operations, paging, query, wired

router = Router()
operation = operations(router, contract("devportal"))


@operation("GET", "/apis")
def find() -> Response[str]:
    page = paging(router)
    text = query(router, "query")
    found = wired(router, Wiring).browsing.find(caller(router), tenant_of(router), text)
    rows = [api_info(card) for card in found[page.offset : page.offset + page.limit]]
    return answer(listed(rows, page, len(found), "/apis", **({"query": text} if text else {})))


@operation("GET", "/apis/{apiId}")
def show(api_id: str) -> Response[str]:
    services = wired(router, Wiring)
    api = services.browsing.show(caller(router), tenant_of(router), api_id)
    offered = services.browsing.offered(api)
    return answer(api_body(api, offered, services.gateway_url), etag=api.stamp)


@operation("GET", "/apis/{apiId}/swagger")
def definition(api_id: str) -> Response[str]:
    browsing = wired(router, Wiring).browsing
    return answer(browsing.definition(caller(router), tenant_of(router), api_id))


@operation("GET", "/apis/{apiId}/thumbnail")
def thumbnail(api_id: str) -> Response[str]:
    """No API has a thumbnail yet; WSO2 answers 204 then."""
    wired(router, Wiring).browsing.show(caller(router), tenant_of(router), api_id)
    return answer(status=204)


@operation("GET", "/apis/{apiId}/subscription-policies")
def policies(api_id: str) -> Response[str]:
    browsing = wired(router, Wiring).browsing
    api = browsing.show(caller(router), tenant_of(router), api_id)
    return answer([policy_body(policy) for policy in browsing.offered(api)])


@operation("GET", "/tags")
def tags() -> Response[str]:
    page = paging(router)
    found = wired(router, Wiring).browsing.tags(caller(router), tenant_of(router))
    rows = [{"value": tag, "count": count} for tag, count in found]
    return answer(listed(rows[page.offset : page.offset + page.limit], page, len(rows), "/tags"))
