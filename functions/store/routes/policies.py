"""Throttling policies that a developer may choose from."""

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from functions.store.bodies.policies import policy_body
from functions.store.routes.asked import tenant_of
from functions.store.wiring import Wiring
from portico.domain.errors import NotFound
from portico.domain.policy import Level
from portico.web.contract import contract
from portico.web.rest import answer, listed, operations, paging, wired

LEVELS = (Level.APPLICATION, Level.SUBSCRIPTION)
HIDDEN = (
    "Unauthenticated",
)  # what the gateway applies to calls without a token; nobody chooses it
router = Router()
operation = operations(router, contract("devportal"))


@operation("GET", "/throttling-policies/{policyLevel}")
def find(policy_level: str) -> Response[str]:
    page = paging(router)
    policies = wired(router, Wiring).policies.list(tenant_of(router), _level(policy_level))
    found = [one for one in policies if one.name not in HIDDEN]
    rows = [policy_body(one) for one in found[page.offset : page.offset + page.limit]]
    return answer(listed(rows, page, len(found), f"/throttling-policies/{policy_level}"))


@operation("GET", "/throttling-policies/{policyLevel}/{policyId}")
def show(policy_level: str, policy_id: str) -> Response[str]:
    """The contract calls the policy's name `policyId`."""
    policies = wired(router, Wiring).policies
    found = policies.get(tenant_of(router), _level(policy_level), policy_id)
    return answer(policy_body(found), etag=found.stamp)


def _level(text: str) -> str:
    if text not in LEVELS:
        raise NotFound("Policy level", text)
    return text
