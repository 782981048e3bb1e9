"""What must hold of an API before it is stored; every fault is named with the contract's field.

Names, versions and contexts have their rules in `portico.domain.contexts`.
"""

import json
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from portico.domain.addresses import AddressRefused, check_literal, target_of
from portico.domain.api import VERBS, Api, AuthType
from portico.domain.endpoints import SIDES, config_of, endpoints, security_of
from portico.domain.endpoints import problems as endpoint_problems
from portico.domain.errors import InvalidInput, Problem
from portico.domain.mediation import problems as mediation_problems
from portico.domain.paths import template_problem
from portico.ports import Records
from portico.services.policy_uses import choice_problems

MAX_RESOURCES = 1000
MAX_NAMES = 50  # of tags, policies, roles, scopes of one resource
MAX_TAG = 100
MAX_LIMITS = 20  # throttling policies of one API's resources: each is an item of its transactions
MAX_EXTRA = 65_536  # bytes of JSON: fields that are only kept
_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,255}")  # RFC 6749 section 3.3
_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")  # RFC 9110 section 5.6.2
_PARAMETER = re.compile(r"\{[^{}]*\}")
# Policies that callers without a subscription fall under; nobody subscribes to them.
_NOT_OFFERED = ("Unauthenticated", "DefaultSubscriptionless")


@dataclass(frozen=True)
class ApiRules:
    """Checks an API; `allowed_hosts` are the internal back ends that an operator allows."""

    records: Records
    allowed_hosts: Collection[str]

    def check(self, api: Api) -> None:
        """InvalidInput with a problem for every fault."""
        problems = [
            *_resource_problems(api),
            *_scope_problems(api),
            *_list_problems(api),
            *_mediation_problems(api),
            *self._endpoint_problems(api),
            *self._policy_problems(api),
        ]
        if problems:
            text = "; ".join(f"{problem.field}: {problem.message}" for problem in problems[:5])
            raise InvalidInput(text, problems[:50])

    def _endpoint_problems(self, api: Api) -> Iterator[Problem]:
        config = config_of(api.extra, api.production_endpoint, api.sandbox_endpoint)
        if not config:
            return
        yield from endpoint_problems(config)
        named = [
            (f"endpointConfig.{where}.url", str(one["url"]))
            for side in SIDES
            for where, one in endpoints(config, side)
        ]
        named += [
            (f"endpointConfig.endpoint_security.{side}.tokenUrl", str(security["tokenUrl"]))
            for side in SIDES
            if (security := security_of(config, side)).get("tokenUrl")
        ]
        for field, url in named:
            try:
                check_literal(target_of(url), self.allowed_hosts)
            except AddressRefused as exc:
                yield Problem(field, str(exc))
            else:
                if "?" in url or "#" in url:
                    yield Problem(field, "may have no query and no fragment")
                elif "{" in url or "}" in url:
                    yield Problem(field, "may have no variables")

    def _policy_problems(self, api: Api) -> Iterator[Problem]:
        yield from choice_problems(self.records, api)
        for name in api.policies:
            if name in _NOT_OFFERED:
                yield Problem("policies", f"'{name}' cannot be offered to subscribers")


def _resource_problems(api: Api) -> Iterator[Problem]:
    if len(api.resources) > MAX_RESOURCES:
        yield Problem("operations", f"has {len(api.resources)}; {MAX_RESOURCES} are allowed")
        return
    if len({resource.throttling_policy for resource in api.resources}) > MAX_LIMITS:
        yield Problem("operations.throttlingPolicy", f"names more than {MAX_LIMITS} policies")
    seen: dict[tuple[str, str], str] = {}
    declared = {scope.name for scope in api.scopes}
    for number, resource in enumerate(api.resources):
        where = f"operations.{number}"
        if problem := template_problem(resource.target):
            yield Problem(f"{where}.target", problem)
        if len(resource.target) > 500:
            yield Problem(f"{where}.target", "is longer than 500 characters")
        if resource.verb not in VERBS:
            yield Problem(f"{where}.verb", f"must be one of {', '.join(VERBS)}")
        if resource.auth_type not in set(AuthType):
            yield Problem(f"{where}.authType", f"must be one of {', '.join(AuthType)}, Any")
        for scope in resource.scopes:
            if scope not in declared:
                yield Problem(f"{where}.scopes", f"'{scope}' is not among the API's scopes")
        # OpenAPI: templates that differ only in parameter names are the same path.
        shape = (resource.verb, _PARAMETER.sub("{}", resource.target.rstrip("/")))
        if shape in seen:
            yield Problem(where, f"{resource.verb} {resource.target} repeats {seen[shape]}")
        seen.setdefault(shape, resource.target)


def _scope_problems(api: Api) -> Iterator[Problem]:
    seen: set[str] = set()
    for number, scope in enumerate(api.scopes):
        where = f"scopes.{number}.scope"
        if not _SCOPE.fullmatch(scope.name):
            yield Problem(f"{where}.name", 'must be 1 to 255 printable characters without " and \\')
        elif scope.name.startswith("apim:"):
            yield Problem(f"{where}.name", "may not begin with 'apim:': those guard the REST APIs")
        if scope.name in seen:
            yield Problem(f"{where}.name", f"'{scope.name}' appears twice")
        seen.add(scope.name)


def _mediation_problems(api: Api) -> Iterator[Problem]:
    yield from mediation_problems("apiPolicies", api.extra.get("apiPolicies"))
    named = api.extra.get("operationPolicies") or {}
    for number, resource in enumerate(api.resources):
        where = f"operations.{number}.operationPolicies"
        yield from mediation_problems(where, named.get(f"{resource.verb} {resource.target}"))


def _list_problems(api: Api) -> Iterator[Problem]:
    lists = {"tags": api.tags, "policies": api.policies, "visibleRoles": api.visible_roles}
    for field, values in lists.items():
        if len(values) > MAX_NAMES:
            yield Problem(field, f"has {len(values)}; {MAX_NAMES} are allowed")
        if len(set(values)) < len(values):
            yield Problem(field, "names something twice")
    if any(not tag.strip() or len(tag) > MAX_TAG or "," in tag for tag in api.tags):
        yield Problem("tags", f"a tag has 1 to {MAX_TAG} characters and no comma")
    if api.visibility == "RESTRICTED" and not api.visible_roles:
        yield Problem("visibleRoles", "are needed for the visibility RESTRICTED")
    if not set(api.transports) <= {"http", "https"}:
        yield Problem("transport", "may have http and https")
    if len(json.dumps(api.extra)) > MAX_EXTRA:
        yield Problem("body", f"has more than {MAX_EXTRA} bytes in fields that are only kept")
    key_header = api.extra.get("apiKeyHeader")
    if key_header and not _HEADER.fullmatch(str(key_header)):
        yield Problem("apiKeyHeader", "is not a header name")
    if not _HEADER.fullmatch(api.authorization_header):
        yield Problem("authorizationHeader", "is not a header name")
