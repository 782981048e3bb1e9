"""The schema ThrottlingPolicy."""

from typing import Any

from portico.domain.policy import Policy

NO_LIMIT = 2_147_483_647  # WSO2's request count of a policy without a limit


def policy_body(policy: Policy) -> dict[str, Any]:
    """The schema ThrottlingPolicy."""
    return {
        "name": policy.name,
        "description": policy.description,
        "policyLevel": policy.level,
        "attributes": {},
        "requestCount": policy.request_count or NO_LIMIT,
        "unitTime": policy.unit_time,
        "timeUnit": policy.time_unit,
        "rateLimitCount": 0,
        "quotaPolicyType": "REQUESTCOUNT",
        "tierPlan": policy.billing_plan,
        "stopOnQuotaReach": policy.stop_on_quota_reach,
    }
