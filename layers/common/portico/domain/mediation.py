"""Header and query rules of an API: WSO2's common operation policies, read into steps that the
gateway carries out.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from portico.domain.api import VERBS
from portico.domain.errors import InvalidInput, Problem
from portico.domain.paths import canonical

FLOWS = ("request", "response")
MAX_POLICIES = 50  # of one flow
MAX_VALUE = 4096  # characters
# Policy -> its parameters; those of a rename are our own, WSO2 has none.
REQUEST: Mapping[str, tuple[str, ...]] = {
    "addHeader": ("headerName", "headerValue"),
    "removeHeader": ("headerName",),
    "renameHeader": ("headerName", "newHeaderName"),
    "addQueryParam": ("paramKey", "paramValue"),
    "removeQueryParam": ("paramKey",),
    "renameQueryParam": ("paramKey", "newParamKey"),
    "rewriteHTTPMethod": ("updatedMethod",),
    "rewriteResourcePath": ("newResourcePath",),
}
RESPONSE = {name: REQUEST[name] for name in ("addHeader", "removeHeader", "renameHeader")}
# Framing, identity and what the gateway itself says: not for rules to touch.
PROTECTED = frozenset(
    {
        "host", "content-length", "transfer-encoding", "connection", "keep-alive", "upgrade", "te",
        "trailer", "expect", "proxy-connection", "x-jwt-assertion", "forwarded", "x-forwarded-for",
        "x-forwarded-host", "x-forwarded-proto", "x-forwarded-port", "set-cookie", "http2-settings",
        "retry-after", "ratelimit", "ratelimit-policy",
    }
)  # fmt: skip
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")  # RFC 9110 section 5.6.2
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")

Step = list[str]  # a policy's name and its arguments


def steps(policies: Any, flow: str) -> list[Step]:
    """The steps of a flow of WSO2's APIOperationPolicies."""
    known = REQUEST if flow == "request" else RESPONSE
    made = []
    for policy in (policies or {}).get(flow) or ():
        name = policy["policyName"]
        given = policy.get("parameters") or {}
        arguments = [str(given.get(parameter, "")) for parameter in known[name]]
        if "Header" in name:
            arguments[0] = arguments[0].lower()
        if name == "renameHeader":
            arguments[1] = arguments[1].lower()
        made.append([name, *arguments])
    return made


def rules(extra: Mapping[str, Any], operations: Sequence[str]) -> dict[str, dict[str, list[Step]]]:
    """By operation (`GET /menu`), "" for the API as a whole: flow -> steps. Without empty ones."""
    named = extra.get("operationPolicies") or {}
    given = {"": extra.get("apiPolicies"), **{one: named.get(one) for one in operations}}
    made = {
        where: {flow: found for flow in FLOWS if (found := steps(policies, flow))}
        for where, policies in given.items()
    }
    return {where: flows for where, flows in made.items() if flows}


def problems(where: str, policies: Any) -> Iterator[Problem]:
    """What is wrong with WSO2's APIOperationPolicies at a place of the contract."""
    if policies in (None, {}):
        return
    if not isinstance(policies, Mapping):
        yield Problem(where, "must be an object")
        return
    for flow, listed in policies.items():
        if flow == "fault" and not listed:
            continue
        if flow not in FLOWS:
            yield Problem(f"{where}.{flow}", "policies are available in request and response")
            continue
        if not isinstance(listed, list) or len(listed) > MAX_POLICIES:
            yield Problem(f"{where}.{flow}", f"must be a list of at most {MAX_POLICIES}")
            continue
        known = REQUEST if flow == "request" else RESPONSE
        for number, policy in enumerate(listed):
            yield from _policy_problems(f"{where}.{flow}.{number}", policy, known)


def may_set(name: str) -> bool:
    """Whether a publisher may have this header set."""
    plain = name.lower().replace("_", "-")
    return bool(_TOKEN.fullmatch(name)) and not (
        plain in PROTECTED or plain.startswith(("x-wso2-", "x-portico-"))
    )


def _policy_problems(
    where: str, policy: Any, known: Mapping[str, tuple[str, ...]]
) -> Iterator[Problem]:
    name = policy.get("policyName") if isinstance(policy, Mapping) else None
    if not isinstance(name, str) or name not in known:
        yield Problem(f"{where}.policyName", f"must be one of {', '.join(known)}")
        return
    given = policy.get("parameters") or {}
    if not isinstance(given, Mapping):
        yield Problem(f"{where}.parameters", "must be an object")
        return
    for parameter in known[name]:
        value = given.get(parameter, "")
        if not isinstance(value, str):
            yield Problem(f"{where}.parameters.{parameter}", "must be a text")
        elif problem := _value_problem(parameter, value):
            yield Problem(f"{where}.parameters.{parameter}", problem)


def _value_problem(parameter: str, value: str) -> str | None:
    if len(value) > MAX_VALUE or _CONTROL.search(value):
        return f"must have at most {MAX_VALUE} characters and no control characters"
    match parameter:
        case "headerName" | "newHeaderName":
            if not may_set(value):
                return "must be the name of a header that the gateway does not keep to itself"
        case "paramKey" | "newParamKey":
            return None if value else "is needed"
        case "updatedMethod":
            return None if value in VERBS else f"must be one of {', '.join(VERBS)}"
        case "newResourcePath":
            try:
                canonical(value)
            except InvalidInput as exc:
                return str(exc)
            if set("{}?#") & set(value):
                return "may have no variables and no query"
    return None
