"""Answers of the publisher contract but APIs: definitions, revisions, history, subscribers."""

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import Field, RootModel

from functions.publisher.bodies.api_answers import operation_body
from functions.publisher.bodies.model import Body, ReadOnly, iso
from portico.domain.api import ENVIRONMENT, HistoryEntry, Revision
from portico.domain.application import Subscription
from portico.domain.errors import InvalidInput, PorticoError
from portico.domain.executions import ExecutionResult
from portico.domain.policy import Level, Policy
from portico.services.definitions.reading import Definition

UNLIMITED_CALLS = 2_147_483_647  # how WSO2 writes "no limit"


class RevisionBody(Body):
    """The schema APIRevision, as a request."""

    description: str | None = Field(default=None, max_length=255)
    id: ReadOnly = None
    display_name: ReadOnly = None
    created_time: ReadOnly = None
    api_info: ReadOnly = None
    deployment_info: ReadOnly = None


class DeploymentBody(Body):
    """The schema APIRevisionDeployment, as a request."""

    name: str = Field(ENVIRONMENT, min_length=1, max_length=255)
    vhost: str | None = Field(default=None, max_length=255, pattern=r"^[A-Za-z0-9.-]*$")
    display_on_devportal: bool | None = None
    revision_uuid: ReadOnly = None
    status: Literal["CREATED", "APPROVED", "REJECTED"] | None = None
    deployed_time: ReadOnly = None
    success_deployed_time: ReadOnly = None
    live_gateway_count: ReadOnly = None
    deployed_gateway_count: ReadOnly = None
    failed_gateway_count: ReadOnly = None


class DeploymentsBody(RootModel[list[DeploymentBody]]):
    """A list of deployments."""


def revision_body(revision: Revision, api_id: str, host: str) -> dict[str, Any]:
    """The schema APIRevision."""
    return {
        "displayName": f"Revision {revision.number}",
        "id": revision.id,
        "description": revision.description,
        "createdTime": iso(revision.created),
        "apiInfo": {"id": api_id},
        "deploymentInfo": [deployment_body(revision, host)] if revision.deployed else [],
    }


def deployment_body(revision: Revision, host: str) -> dict[str, Any]:
    """The schema APIRevisionDeployment."""
    return {
        "revisionUuid": revision.id,
        "name": ENVIRONMENT,
        "status": "APPROVED",
        "vhost": revision.vhost or host,
        "displayOnDevportal": revision.display_on_devportal,
        "deployedTime": iso(revision.deployed),
        "successDeployedTime": iso(revision.deployed),
        "liveGatewayCount": 1,
        "deployedGatewayCount": 1,
        "failedGatewayCount": 0,
    }


def history_body(
    entries: Sequence[HistoryEntry], results: Sequence[ExecutionResult]
) -> dict[str, Any]:
    """The schema LifecycleHistory, each row with the results of its own executions in turn."""
    rows = [
        history_row(entry, [result for result in results if result.order == entry.order])
        for entry in entries
    ]
    return {"count": len(rows), "list": rows}


def history_row(entry: HistoryEntry, results: Sequence[ExecutionResult] = ()) -> dict[str, Any]:
    """The schema LifecycleHistoryItem, and what Portico knows besides."""
    return {
        "previousState": entry.previous_state,
        "postState": entry.post_state,
        "user": entry.user,
        "updatedTime": iso(entry.updated),
        "id": entry.order,
        "event": entry.event,
        "checklist": dict(entry.checklist),
        "comment": entry.comment,
        "approvedBy": entry.approved_by,
        "undoes": entry.undoes,
        "executions": [
            {
                "id": result.id,
                "executor": result.executor,
                "status": result.standing,
                "reason": result.reason,
                "attempts": result.attempts,
            }
            for result in results
        ],
    }


def validation_body(definition: Definition, content: str = "") -> dict[str, Any]:
    """The schema OpenAPIDefinitionValidationResponse for a valid definition."""
    body = {
        "isValid": True,
        "info": {
            "name": definition.title,
            "version": definition.version,
            "context": definition.context,
            "description": definition.description,
            "openAPIVersion": definition.specification,
            "endpoints": list(definition.endpoints),
            "operations": [operation_body(resource) for resource in definition.resources],
        },
        "errors": [],
    }
    return {**body, "content": content} if content else body


def invalid_body(error: PorticoError) -> dict[str, Any]:
    """The schema OpenAPIDefinitionValidationResponse for one that is not valid."""
    problems = error.problems if isinstance(error, InvalidInput) else ()
    rows = [
        {"code": "900754", "message": f"{problem.field}: {problem.message}", "description": ""}
        for problem in problems
    ]
    return {
        "isValid": False,
        "errors": rows or [{"code": "900754", "message": str(error), "description": ""}],
    }


def subscription_body(subscription: Subscription) -> dict[str, Any]:
    """The schema Subscription."""
    return {
        "subscriptionId": subscription.id,
        "applicationInfo": {
            "applicationId": subscription.application_id,
            "name": subscription.application_name,
            "subscriber": subscription.subscriber or subscription.application_owner,
            "description": "",
        },
        "throttlingPolicy": subscription.policy,
        "subscriptionStatus": subscription.status,
    }


def policy_body(policy: Policy) -> dict[str, Any]:
    """The schema ThrottlingPolicy; the contract knows no level but `subscription` and `api`."""
    body = {
        "name": policy.name,
        "displayName": policy.display_name or policy.name,
        "description": policy.description,
        "attributes": {},
        # WSO2 has amounts of data in this field, too.
        "requestCount": policy.limit.amount or UNLIMITED_CALLS,
        "unitTime": policy.unit_time,
        "timeUnit": policy.time_unit,
        "rateLimitCount": policy.burst_count,
        "quotaPolicyType": "BANDWIDTHVOLUME" if policy.data_unit else "REQUESTCOUNT",
        "tierPlan": policy.billing_plan,
        "stopOnQuotaReach": policy.stop_on_quota_reach,
        "monetizationProperties": {},
    }
    if policy.data_unit:
        body["dataUnit"] = policy.data_unit
    if policy.burst_unit:
        body["rateLimitTimeUnit"] = policy.burst_unit
    shown = (Level.SUBSCRIPTION, Level.API)
    return {**body, "policyLevel": policy.level} if policy.level in shown else body
