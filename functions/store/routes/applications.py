"""The caller's applications."""

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from functions.store.bodies.applications import (
    ApplicationBody,
    application_body,
    application_info,
)
from functions.store.routes.asked import member
from functions.store.wiring import Wiring
from portico.domain.application import Application
from portico.domain.errors import InvalidInput
from portico.web.contract import contract
from portico.web.rest import answer, body, if_match, listed, operations, paging, query, wired

router = Router()
devportal = contract("devportal")
operation = operations(router, devportal)

ORDERS = {
    "name": lambda one: one.name.lower(),
    "throttlingPolicy": lambda one: one.policy.lower(),
    "status": lambda one: one.status,
}


@operation("GET", "/applications")
def mine() -> Response[str]:
    applications = wired(router, Wiring).applications
    page = paging(router)
    wanted = query(router, "query").lower()
    found = [one for one in applications.mine(member(router)) if wanted in one.name.lower()]
    found = _sorted(found)
    rows = [
        application_info(one, applications.subscriptions(one))
        for one in found[page.offset : page.offset + page.limit]
    ]
    return answer(listed(rows, page, len(found), "/applications"))


def _sorted(found: list[Application]) -> list[Application]:
    by = query(router, "sortBy", "name")
    order = query(router, "sortOrder", "asc")
    if by not in ORDERS:
        raise InvalidInput.of("sortBy", f"must be one of {', '.join(ORDERS)}")
    if order not in ("asc", "desc"):
        raise InvalidInput.of("sortOrder", "must be asc or desc")
    return sorted(found, key=ORDERS[by], reverse=order == "desc")


@operation("POST", "/applications")
def create() -> Response[str]:
    draft = body(router, ApplicationBody).draft()
    made = wired(router, Wiring).applications.create(member(router), draft)
    location = {"Location": f"{devportal.base}/applications/{made.id}"}
    return answer(application_body(made, 0), 201, etag=made.stamp, headers=location)


@operation("GET", "/applications/{applicationId}")
def show(application_id: str) -> Response[str]:
    applications = wired(router, Wiring).applications
    found = applications.show(member(router), application_id)
    return answer(application_body(found, applications.subscriptions(found)), etag=found.stamp)


@operation("PUT", "/applications/{applicationId}")
def update(application_id: str) -> Response[str]:
    applications = wired(router, Wiring).applications
    draft = body(router, ApplicationBody).draft()
    changed = applications.update(member(router), application_id, draft, if_match(router))
    count = applications.subscriptions(changed)
    return answer(application_body(changed, count), etag=changed.stamp)


@operation("DELETE", "/applications/{applicationId}")
def delete(application_id: str) -> Response[str]:
    wired(router, Wiring).applications.delete(member(router), application_id, if_match(router))
    return answer()
