"""`/throttling-policies`: the policies that an API may name."""

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from functions.publisher.bodies.answers import policy_body
from functions.publisher.wiring import Wiring
from portico.domain.errors import InvalidInput
from portico.domain.policy import Level
from portico.web.contract import contract
from portico.web.rest import answer, caller, listed, operations, paging, wired

router = Router()
operation = operations(router, contract("publisher"))


@operation("GET", "/throttling-policies/{policyLevel}")
def show_all(policy_level: str) -> Response[str]:
    page = paging(router)
    level = _level(policy_level)
    found = wired(router, Wiring).policies.list(caller(router).tenant, level)
    rows = [policy_body(one) for one in found[page.offset : page.offset + page.limit]]
    return answer(listed(rows, page, len(found), f"/throttling-policies/{level}"))


@operation("GET", "/throttling-policies/{policyLevel}/{policyName}")
def show(policy_level: str, policy_name: str) -> Response[str]:
    level = _level(policy_level)
    found = wired(router, Wiring).policies.get(caller(router).tenant, level, policy_name)
    return answer(policy_body(found), etag=found.stamp)


def _level(text: str) -> str:
    # Custom rules are nobody's to choose.
    levels = [level.value for level in Level if level != Level.CUSTOM]
    if text not in levels:
        raise InvalidInput.of("policyLevel", f"must be one of {', '.join(levels)}")
    return text
