"""`/throttling/deny-policies` and `/throttling/deny-policy`: calls that nobody may make."""

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from functions.admin.bodies.denying import DenyBody, StatusBody, deny_body, sought_denies
from functions.admin.wiring import Wiring
from portico.domain.errors import InvalidInput
from portico.web.contract import contract
from portico.web.rest import answer, body, caller, if_match, operations, query, wired

router = Router()
ADMIN = contract("admin")
operation = operations(router, ADMIN)
ONE = "/throttling/deny-policy"


@operation("GET", "/throttling/deny-policies")
def show_all() -> Response[str]:
    kind, value = sought_denies(query(router, "query"))
    found = wired(router, Wiring).denying.list(caller(router).tenant, kind, value)
    return answer({"count": len(found), "list": [deny_body(one) for one in found]})


@operation("POST", "/throttling/deny-policies")
def create() -> Response[str]:
    denial = body(router, DenyBody).denial()
    made = wired(router, Wiring).denying.create(caller(router), denial)
    location = {"Location": f"{ADMIN.base}{ONE}/{made.id}"}
    return answer(deny_body(made), 201, etag=made.stamp, headers=location)


@operation("GET", "/throttling/deny-policy/{conditionId}")
def show(condition_id: str) -> Response[str]:
    found = wired(router, Wiring).denying.get(caller(router).tenant, condition_id)
    return answer(deny_body(found), etag=found.stamp)


@operation("PATCH", "/throttling/deny-policy/{conditionId}")
def switch(condition_id: str) -> Response[str]:
    wish = body(router, StatusBody)
    if wish.condition_id not in (None, condition_id):
        raise InvalidInput.of("conditionId", "is another one than in the path")
    service = wired(router, Wiring).denying
    found = service.switch(caller(router), condition_id, wish.condition_status, if_match(router))
    return answer(deny_body(found), etag=found.stamp)


@operation("DELETE", "/throttling/deny-policy/{conditionId}")
def delete(condition_id: str) -> Response[str]:
    wired(router, Wiring).denying.delete(caller(router), condition_id)
    return answer()
