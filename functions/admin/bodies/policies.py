"""The schemas ApplicationThrottlePolicy, SubscriptionThrottlePolicy and AdvancedThrottlePolicy.

What the gateway does not act on yet is kept and given back, unless a caller would rely on it:
limits other than request counts, conditions and permissions are refused.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from portico.domain.errors import InvalidInput
from portico.domain.policy import Level, Policy
from portico.services.policies import MAX_CALLS, PolicyDraft

REQUEST_COUNT = "REQUESTCOUNTLIMIT"
TYPES = {
    Level.APPLICATION.value: "ApplicationThrottlePolicy",
    Level.SUBSCRIPTION.value: "SubscriptionThrottlePolicy",
    Level.API.value: "AdvancedThrottlePolicy",
}
SHORT_TYPES = {
    Level.APPLICATION.value: "app",
    Level.SUBSCRIPTION.value: "sub",
    Level.API.value: "api",
}
Count = Annotated[int, Field(ge=0, le=MAX_CALLS)]


class Body(BaseModel):
    """The contract's field names, no unknown fields, no silent conversions."""

    model_config = ConfigDict(extra="forbid", strict=True, alias_generator=to_camel)


class RequestCount(Body):
    """The schema RequestCountLimit; 2147483647 requests mean no limit."""

    time_unit: str
    unit_time: Annotated[int, Field(ge=1)]
    request_count: Annotated[int, Field(ge=1, le=MAX_CALLS)]


class Limit(Body):
    """The schema ThrottleLimit, of which only request counts have a meaning here."""

    type: Literal["REQUESTCOUNTLIMIT"]
    request_count: RequestCount
    bandwidth: None = None
    event_count: None = None
    ai_api_quota: None = None


class BurstLimit(Body):
    """The schema BurstLimit."""

    rate_limit_count: Count | None = None
    rate_limit_time_unit: str | None = None


class CustomAttribute(Body):
    """The schema CustomAttribute."""

    name: str
    value: str


class Monetization(Body):
    """The schema MonetizationInfo."""

    monetization_plan: Literal["FIXEDRATE", "DYNAMICRATE"] | None = None
    properties: dict[str, str]


class PolicyBody(Body):
    """What the three kinds of policies have in common: the schema ThrottlePolicy and a limit."""

    policy_id: str | None = None  # read-only
    policy_name: str
    display_name: str | None = None
    description: str | None = None
    is_deployed: bool | None = None  # a policy takes effect when it is written
    type: str | None = None
    default_limit: Limit

    def draft(self) -> PolicyDraft:
        """What the service takes."""
        limit = self.default_limit.request_count
        return PolicyDraft(
            name=self.policy_name,
            display_name=self.display_name or "",
            description=self.description or "",
            request_count=0 if limit.request_count == MAX_CALLS else limit.request_count,
            unit_time=limit.unit_time,
            time_unit=limit.time_unit,
            extra=self._extra(),
            **self._terms(),
        )

    def _extra(self) -> dict[str, Any]:
        return {}

    def _terms(self) -> dict[str, Any]:
        return {}


class ApplicationPolicyBody(PolicyBody):
    """The schema ApplicationThrottlePolicy."""

    burst_limit: BurstLimit | None = None

    def _extra(self) -> dict[str, Any]:
        return _given(self, "burst_limit")


class SubscriptionPolicyBody(PolicyBody):
    """The schema SubscriptionThrottlePolicy.

    `stopOnQuotaReach` is true unless said otherwise, where the contract's default is false: a limit
    that nobody meant to be without effect has one.
    """

    stop_on_quota_reach: bool = True
    billing_plan: Literal["FREE", "COMMERCIAL"] | None = None
    rate_limit_count: Annotated[int, Field(ge=-1, le=MAX_CALLS)] | None = None
    rate_limit_time_unit: str | None = None
    subscriber_count: Count | None = None
    graph_ql_max_complexity: Annotated[Count | None, Field(alias="graphQLMaxComplexity")] = None
    graph_ql_max_depth: Annotated[Count | None, Field(alias="graphQLMaxDepth")] = None
    custom_attributes: list[CustomAttribute] | None = None
    monetization: Monetization | None = None
    permissions: None = None

    def _extra(self) -> dict[str, Any]:
        return _given(
            self,
            "rate_limit_count",
            "rate_limit_time_unit",
            "subscriber_count",
            "graph_ql_max_complexity",
            "graph_ql_max_depth",
            "custom_attributes",
            "monetization",
        )

    def _terms(self) -> dict[str, Any]:
        return {
            "stop_on_quota_reach": self.stop_on_quota_reach,
            "billing_plan": self.billing_plan or "FREE",
        }


class AdvancedPolicyBody(PolicyBody):
    """The schema AdvancedThrottlePolicy, without conditional groups."""

    conditional_groups: Annotated[list[Any], Field(max_length=0)] | None = None


BODIES: dict[str, type[PolicyBody]] = {
    Level.APPLICATION.value: ApplicationPolicyBody,
    Level.SUBSCRIPTION.value: SubscriptionPolicyBody,
    Level.API.value: AdvancedPolicyBody,
}


def policy_body(policy: Policy) -> dict[str, Any]:
    """A policy as the schema of its level."""
    body = {
        "policyId": policy.id,
        "policyName": policy.name,
        "displayName": policy.display_name or policy.name,
        "description": policy.description,
        "isDeployed": policy.is_deployed,
        "type": TYPES[policy.level],
        "defaultLimit": {
            "type": REQUEST_COUNT,
            "requestCount": {
                "timeUnit": policy.time_unit,
                "unitTime": policy.unit_time,
                "requestCount": policy.request_count or MAX_CALLS,
            },
        },
    }
    if policy.level == Level.SUBSCRIPTION:
        body |= {
            "graphQLMaxComplexity": 0,
            "graphQLMaxDepth": 0,
            "rateLimitCount": 0,
            "subscriberCount": 0,
            "customAttributes": [],
            "stopOnQuotaReach": policy.stop_on_quota_reach,
            "billingPlan": policy.billing_plan,
        }
    if policy.level == Level.API:
        body["conditionalGroups"] = []
    return body | policy.extra


def policy_details(policy: Policy) -> dict[str, Any]:
    """The schema ThrottlePolicyDetails, without `policyId`: a row number of WSO2's database."""
    return {
        "uuid": policy.id,
        "policyName": policy.name,
        "displayName": policy.display_name or policy.name,
        "description": policy.description,
        "isDeployed": policy.is_deployed,
        "type": SHORT_TYPES[policy.level],
    }


def sought(query: str) -> tuple[list[str], str]:
    """Levels, and part of a lower-case name, that a search such as `type:sub name:go` asks for."""
    levels, name = list(SHORT_TYPES), ""
    for term in query.split():
        key, colon, value = term.partition(":")
        match key.lower() if colon else "name":
            case "type" if value.lower() in ("", "all"):
                pass
            case "type":
                wanted = value.lower()
                levels = [level for level, short in SHORT_TYPES.items() if short == wanted]
                if not levels and wanted != "global":  # custom rules, of which there are none
                    raise InvalidInput.of("query", "type is one of all, app, sub, api, global")
            case "name":
                name = (value if colon else term).lower()
            case _:
                raise InvalidInput.of("query", f"'{key[:50]}' cannot be searched by: type, name")
    return levels, name


def _given(body: PolicyBody, *names: str) -> dict[str, Any]:
    """Fields that the request has, as it wrote them."""
    return body.model_dump(by_alias=True, include=set(names), exclude_none=True)
