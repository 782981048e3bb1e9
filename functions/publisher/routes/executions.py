"""Beside the contract: what transitions have carried out, trying it again, and an API's end."""

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from functions.publisher.bodies.executions import Sunset, execution_body, sunset_body
from functions.publisher.wiring import Wiring
from portico.web.contract import contract
from portico.web.rest import (
    answer,
    body,
    caller,
    if_match,
    listed,
    operations,
    paging,
    wired,
)

router = Router()
operation = operations(router, contract("publisher"))
VIEW = ("apim:api_view", "apim:api_manage")
PUBLISH = ("apim:api_publish", "apim:api_manage")


@operation("GET", "/apis/{apiId}/lifecycle-executions", VIEW)
def find(api_id: str) -> Response[str]:
    page = paging(router)
    found = wired(router, Wiring).executing.of_api(caller(router), api_id)
    rows = [execution_body(one) for one in found[page.offset : page.offset + page.limit]]
    return answer(listed(rows, page, len(found), f"/apis/{api_id}/lifecycle-executions"))


@operation("POST", "/apis/{apiId}/lifecycle-executions/{executionId}/retry", PUBLISH)
def retry(api_id: str, execution_id: str) -> Response[str]:
    services = wired(router, Wiring)
    found = services.executing.retry(caller(router), api_id, execution_id)
    services.lifecycle.work_outbox()
    return answer(execution_body(found))


@operation("POST", "/apis/{apiId}/lifecycle-executions/{executionId}/skip", PUBLISH)
def skip(api_id: str, execution_id: str) -> Response[str]:
    services = wired(router, Wiring)
    found = services.executing.skip(caller(router), api_id, execution_id)
    services.lifecycle.work_outbox()
    return answer(execution_body(found))


@operation("GET", "/apis/{apiId}/sunset", VIEW)
def show_sunset(api_id: str) -> Response[str]:
    api = wired(router, Wiring).publishing.show(caller(router), api_id)
    return answer(sunset_body(api), etag=api.stamp)


@operation("PUT", "/apis/{apiId}/sunset", PUBLISH)
def set_sunset(api_id: str) -> Response[str]:
    at = body(router, Sunset).at()
    sunsetting = wired(router, Wiring).sunsetting
    api = sunsetting.set(caller(router), api_id, at, if_match(router))
    return answer(sunset_body(api), etag=api.stamp)
