"""`/workflows`: what waits for a second person; here that is life-cycle changes of APIs."""

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from functions.admin.bodies.workflows import API_STATE, TYPES, WorkflowBody, workflow_body
from functions.admin.wiring import Wiring
from portico.domain.errors import InvalidInput
from portico.web.contract import contract
from portico.web.rest import answer, body, caller, listed, operations, paging, query, wired

router = Router()
operation = operations(router, contract("admin"))


@operation("GET", "/workflows")
def show_all() -> Response[str]:
    kind, page = query(router, "workflowType"), paging(router)
    if kind and kind not in TYPES:
        raise InvalidInput.of("workflowType", f"must be one of {', '.join(TYPES)}")
    found = wired(router, Wiring).waiting.list(caller(router).tenant)
    # Nothing else waits for anybody.
    found = found if kind in ("", API_STATE) else []
    rows = [workflow_body(one) for one in found[page.offset : page.offset + page.limit]]
    filters = {"workflowType": kind} if kind else {}
    whole = listed(rows, page, len(found), "/workflows", **filters)
    links = {name: whole["pagination"][name] for name in ("next", "previous")}
    return answer({"count": len(rows), **links, "list": rows})


@operation("GET", "/workflows/{externalWorkflowRef}")
def show(external_workflow_ref: str) -> Response[str]:
    tenant = caller(router).tenant
    return answer(workflow_body(wired(router, Wiring).waiting.get(tenant, external_workflow_ref)))


@operation("POST", "/workflows/update-workflow-status")
def decide() -> Response[str]:
    """Approve or reject; the lifecycle function checks that it is a second person."""
    services, who, asked = wired(router, Wiring), caller(router), body(router, WorkflowBody)
    reference = query(router, "workflowReferenceId")
    if not reference:
        raise InvalidInput.of("workflowReferenceId", "is missing")
    services.lifecycle.ask(
        {
            "request": "decide",
            "tenant": who.tenant,
            "user": who.user,
            "roles": list(who.roles),
            "pending": reference,
            "decision": asked.status,
            "comment": asked.description or "",
        }
    )
    given = {"attributes": asked.attributes or {}, "description": asked.description or ""}
    return answer({"status": asked.status, **given})
