"""Transitions planned for later: Portico's own, beside the contract's life-cycle operations."""

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from functions.publisher.bodies.planning import PlanBody, moment, plan_body
from functions.publisher.wiring import Wiring
from portico.web.contract import contract
from portico.web.rest import answer, body, caller, listed, operations, paging, wired

router = Router()
operation = operations(router, contract("publisher"))
VIEW = ("apim:api_view", "apim:api_publish", "apim:api_manage")
PUBLISH = ("apim:api_publish", "apim:api_manage")
PATH = "/apis/{apiId}/lifecycle-plans"


@operation("GET", PATH, VIEW)
def show(api_id: str) -> Response[str]:
    plans, page = wired(router, Wiring).scheduling.list(caller(router), api_id), paging(router)
    rows = [plan_body(plan) for plan in plans[page.offset : page.offset + page.limit]]
    return answer(listed(rows, page, len(plans), PATH.replace("{apiId}", api_id)))


@operation("POST", PATH, PUBLISH)
def plan(api_id: str) -> Response[str]:
    services, asked = wired(router, Wiring), body(router, PlanBody)
    made = services.scheduling.plan(
        caller(router),
        api_id,
        asked.action,
        moment(asked.at),
        asked.lifecycle_checklist or {},
        asked.comment or "",
    )
    services.lifecycle.work_outbox()
    return answer(plan_body(made), 201)


@operation("DELETE", PATH + "/{planId}", PUBLISH)
def cancel(api_id: str, plan_id: str) -> Response[str]:
    services = wired(router, Wiring)
    cancelled = services.scheduling.cancel(caller(router), api_id, plan_id)
    services.lifecycle.work_outbox()
    return answer(plan_body(cancelled))
