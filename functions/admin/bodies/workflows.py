"""The schemas WorkflowInfo and Workflow, for life-cycle changes that wait for approval."""

from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from portico.domain.approvals import PendingTransition

API_STATE = "AM_API_STATE"
TYPES = (
    "AM_APPLICATION_CREATION",
    "AM_SUBSCRIPTION_CREATION",
    "AM_USER_SIGNUP",
    "AM_APPLICATION_REGISTRATION_PRODUCTION",
    "AM_APPLICATION_REGISTRATION_SANDBOX",
    "AM_SUBSCRIPTION_DELETION",
    "AM_APPLICATION_DELETION",
    API_STATE,
    "AM_API_PRODUCT_STATE",
    "AM_REVISION_DEPLOYMENT",
)


class WorkflowBody(BaseModel):
    """The schema Workflow, as a request."""

    model_config = ConfigDict(extra="forbid", strict=True)

    status: Literal["APPROVED", "REJECTED"]
    attributes: dict[str, str] | None = None
    description: str | None = Field(default=None, max_length=500)


def workflow_body(pending: PendingTransition) -> dict[str, Any]:
    """The schema WorkflowInfo; what is no field of it stands in `properties`, as in WSO2's."""
    asked = datetime.fromtimestamp(pending.created / 1000, UTC)
    created = asked.isoformat(" ", "milliseconds").removesuffix("+00:00")
    name = f"{pending.api_name} - {pending.api_version}"
    return {
        "workflowType": "API_STATE",
        "workflowStatus": "CREATED",
        "createdTime": created,
        "updatedTime": created,
        "referenceId": pending.id,
        "properties": {
            "apiName": pending.api_name,
            "apiVersion": pending.api_version,
            "apiProvider": pending.api_provider,
            "apiId": pending.api_id,
            "action": pending.event,
            "currentState": pending.state,
            "targetState": pending.target,
            "requestedBy": pending.user,
            "comment": pending.comment,
        },
        "description": (
            f"Approve '{pending.event}' of the API {name} from {pending.state}, "
            f"asked for by {pending.user}"
        ),
    }
