"""The schema ThrottlingPolicy."""

from typing import Any

from portico.domain.policy import Policy

NO_LIMIT = 2_147_483_647  # WSO2's request count of a policy without a limit


def policy_body(policy: Policy) -> dict[str, Any]:
    """The schema ThrottlingPolicy."""
    body = {
        "name": policy.name,
        "description": policy.description,
        "policyLevel": policy.level,
        "attributes": {},
        # WSO2 has amounts of data in this field, too.
        "requestCount": policy.limit.amount or NO_LIMIT,
        "unitTime": policy.unit_time,
        "timeUnit": policy.time_unit,
        "rateLimitCount": policy.burst_count,
        "quotaPolicyType": "BANDWIDTHVOLUME" if policy.data_unit else "REQUESTCOUNT",
        "tierPlan": policy.billing_plan,
        "stopOnQuotaReach": policy.stop_on_quota_reach,
    }
    if policy.data_unit:
        body["dataUnit"] = policy.data_unit
    if policy.burst_unit:
        body["rateLimitTimeUnit"] = policy.burst_unit
    return body
