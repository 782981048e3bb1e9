"""The schemas of throttling policies: ApplicationThrottlePolicy, SubscriptionThrottlePolicy,
AdvancedThrottlePolicy and CustomRule.

What a caller would rely on in vain is refused, not kept: limits of events and of AI tokens, and
permissions.
"""

from typing import Annotated, Any, Literal

from pydantic import Field

from functions.admin.bodies.conditions import GroupBody, group_body
from functions.admin.bodies.limits import Body, Count, Limit, limit_body, limit_of
from portico.domain.policy import Level, Policy
from portico.services.policy_rules import MAX_CALLS, PolicyDraft, with_limit

TYPES = {
    Level.APPLICATION.value: "ApplicationThrottlePolicy",
    Level.SUBSCRIPTION.value: "SubscriptionThrottlePolicy",
    Level.API.value: "AdvancedThrottlePolicy",
    Level.CUSTOM.value: "CustomRule",
}


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
    """What all kinds of policies have in common: the schema ThrottlePolicy and a limit."""

    policy_id: str | None = None  # read-only
    policy_name: str
    display_name: str | None = None
    description: str | None = None
    is_deployed: bool | None = None  # a policy takes effect when it is written
    type: str | None = None
    default_limit: Limit | None

    def draft(self) -> PolicyDraft:
        """What the service takes."""
        draft = PolicyDraft(
            name=self.policy_name,
            display_name=self.display_name or "",
            description=self.description or "",
            extra=self._extra(),
            **self._terms(),
        )
        if self.default_limit is None:
            return draft
        return with_limit(draft, limit_of(self.default_limit))

    def _extra(self) -> dict[str, Any]:
        return {}

    def _terms(self) -> dict[str, Any]:
        return {}


class ApplicationPolicyBody(PolicyBody):
    """The schema ApplicationThrottlePolicy."""

    default_limit: Limit
    burst_limit: BurstLimit | None = None

    def _terms(self) -> dict[str, Any]:
        burst = self.burst_limit or BurstLimit()
        return {
            "burst_count": burst.rate_limit_count or 0,
            "burst_unit": burst.rate_limit_time_unit or "",
        }


class SubscriptionPolicyBody(PolicyBody):
    """The schema SubscriptionThrottlePolicy.

    `stopOnQuotaReach` is true unless said otherwise, where the contract's default is false: a limit
    that nobody meant to be without effect has one.
    """

    default_limit: Limit
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
        names = {
            "subscriber_count",
            "graph_ql_max_complexity",
            "graph_ql_max_depth",
            "custom_attributes",
            "monetization",
        }
        # As the request wrote them.
        return self.model_dump(by_alias=True, include=names, exclude_none=True)

    def _terms(self) -> dict[str, Any]:
        return {
            "stop_on_quota_reach": self.stop_on_quota_reach,
            "billing_plan": self.billing_plan or "FREE",
            "burst_count": max(self.rate_limit_count or 0, 0),  # WSO2 writes -1 for none, too
            "burst_unit": self.rate_limit_time_unit or "",
        }


class AdvancedPolicyBody(PolicyBody):
    """The schema AdvancedThrottlePolicy."""

    default_limit: Limit
    conditional_groups: list[GroupBody] | None = None

    def _terms(self) -> dict[str, Any]:
        return {"groups": tuple(one.group() for one in self.conditional_groups or ())}


class CustomRuleBody(PolicyBody):
    """The schema CustomRule. In place of a Siddhi query it may have a `defaultLimit`, which is our
    own addition.
    """

    key_template: str
    siddhi_query: str | None = None
    default_limit: Limit | None = None

    def _terms(self) -> dict[str, Any]:
        return {"key_template": self.key_template, "siddhi_query": self.siddhi_query or ""}


BODIES: dict[str, type[PolicyBody]] = {
    Level.APPLICATION.value: ApplicationPolicyBody,
    Level.SUBSCRIPTION.value: SubscriptionPolicyBody,
    Level.API.value: AdvancedPolicyBody,
    Level.CUSTOM.value: CustomRuleBody,
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
    }
    if policy.level == Level.CUSTOM:
        return body | {"keyTemplate": policy.key_template, "siddhiQuery": policy.siddhi_query}
    body["defaultLimit"] = limit_body(policy.limit)
    burst: dict[str, Any] = {"rateLimitCount": policy.burst_count}
    if policy.burst_unit:
        burst["rateLimitTimeUnit"] = policy.burst_unit
    match policy.level:
        case Level.APPLICATION:
            if policy.burst_unit or policy.burst_count:
                body["burstLimit"] = burst
        case Level.SUBSCRIPTION:
            body |= {
                "graphQLMaxComplexity": 0,
                "graphQLMaxDepth": 0,
                "subscriberCount": 0,
                "customAttributes": [],
                "stopOnQuotaReach": policy.stop_on_quota_reach,
                "billingPlan": policy.billing_plan,
                **burst,
            }
        case Level.API:
            body["conditionalGroups"] = [group_body(one) for one in policy.groups]
    return body | policy.extra
