"""Life-cycle transitions on request, and the outbox after each and every minute; wiring only."""

import os
import time
from collections.abc import Mapping
from functools import cache
from typing import Any

import boto3
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.config import Config

from functions.lifecycle.outside import executions
from functions.lifecycle.requests import (
    changed_body,
    error_body,
    read_decision,
    read_due,
    read_request,
    read_transition,
    state_body,
    waiting_body,
)
from functions.lifecycle.wiring import Wiring, wire
from portico.clock import SystemClock
from portico.domain.approvals import PendingTransition
from portico.domain.errors import InvalidInput, PorticoError
from portico.domain.plans import DuePlan
from portico.domain.user import Caller
from portico.gateway.routes import HttpApiRoutes
from portico.gateway.schedules import EventBridgeSchedules
from portico.services.outbox import Worked
from portico.services.transitions import Changed
from portico.settings import read
from portico.storage.documents import BucketDocuments
from portico.storage.records import DynamoRecords

AT_ONCE = 8.0  # seconds that a caller waits for the side effects of a transition
SCHEDULED = 50.0  # seconds of one scheduled run; the next one is due after 60
BUSY = 8.0  # seconds to wait for another worker, which does ours too if it runs longer
PAUSE = 0.2  # seconds between looks whether another worker has finished


@cache
def logger() -> Logger:
    return Logger(service="lifecycle")


@cache
def wiring() -> Wiring:
    settings, region = read(os.environ), os.environ.get("AWS_REGION", "us-east-1")
    config = Config(
        connect_timeout=3, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 4}
    )
    s3 = boto3.client("s3", region_name=region, config=config)
    control_plane = boto3.client("apigatewayv2", region_name=region, config=config)
    scheduler = boto3.client("scheduler", region_name=region, config=config)
    records, documents = DynamoRecords(settings, region), BucketDocuments(s3, settings.bucket)
    clock = SystemClock()
    return wire(
        records,
        documents,
        clock,
        HttpApiRoutes(
            control_plane,
            settings.http_api_id,
            settings.authorizer_id,
            settings.route_limit,
            settings.integration_limit,
        ),
        EventBridgeSchedules(
            scheduler, settings.schedule_group, settings.schedule_target, settings.schedule_role
        ),
        undo_seconds=settings.undo_seconds,
        route_limit=settings.route_limit,
        integration_limit=settings.integration_limit,
        note=warned,
        execution=executions(settings, region, records, documents, clock),
    )


def warned(what: str, details: Mapping[str, Any]) -> None:
    """One line of the log about something that people should look at."""
    logger().warning(what, extra=dict(details))


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """`{"request": "transition", ...}`, `{"request": "outbox"}` or a schedule's event.

    Answers `{"ok": ...}` or `{"error": {type, message, problems}}`; what is not a domain error is
    raised, and the caller sees a failed function.
    """
    logger().set_correlation_id(context.aws_request_id)
    request = "outbox" if event.get("source") == "aws.events" else event.get("request")
    try:
        if request == "transition":
            return {"ok": transition(wiring(), event)}
        if request == "decide":
            return {"ok": decide(wiring(), event)}
        if request == "undo":
            return {"ok": undo(wiring(), event)}
        if request == "resolves":
            return {"ok": {"resolves": wiring().transitions.resolves(str(event.get("name", "")))}}
        if request == "planned":
            return {"ok": planned(wiring(), read_due(event))}
        if request == "reconcile":
            wiring().reconciling.ask()
            worked = work(wiring(), SCHEDULED)
            return {"ok": {"done": len(worked.done), "failed": len(worked.failed)}}
        if request == "outbox":
            overdue(wiring())
            worked = work(wiring(), SCHEDULED)
            return {"ok": {"done": len(worked.done), "failed": len(worked.failed)}}
        raise InvalidInput.of("request", "is not known")
    except PorticoError as exc:
        logger().info("refused", extra={"request": request, "error": error_body(exc)})
        return {"error": error_body(exc)}


def transition(wired: Wiring, event: dict[str, Any]) -> dict[str, Any]:
    """Take a transition, then carry out what it left in the outbox; or ask for its approval."""
    asked = read_transition(event)
    taken = wired.approving.take(
        asked.caller,
        asked.api_id,
        asked.event,
        asked.checklist,
        asked.stamp,
        comment=asked.comment,
    )
    if isinstance(taken, PendingTransition):
        noted("waits for approval", asked.caller, asked.api_id, taken.event, taken.state)
        api = wired.transitions.api(asked.caller, asked.api_id)
        return waiting_body(wired.transitions.described(api), api, taken)
    return done(wired, asked.caller, taken)


def decide(wired: Wiring, event: dict[str, Any]) -> dict[str, Any]:
    """Approve or reject a transition that waits for a second person."""
    asked = read_decision(event)
    if not asked.approved:
        pending = wired.approving.reject(asked.caller, asked.pending, asked.comment)
        noted("rejected", asked.caller, pending.api_id, pending.event, pending.state)
        return {"decision": "REJECTED"}
    changed = wired.approving.approve(asked.caller, asked.pending, asked.comment)
    return {"decision": "APPROVED", **done(wired, asked.caller, changed)}


def done(wired: Wiring, caller: Caller, changed: Changed) -> dict[str, Any]:
    """Carry out what a transition left in the outbox; the answer to who asked for it."""
    noted("transition", caller, changed.api.id, changed.step.event, changed.api.state)
    pending = carry_out(wired, caller.tenant, changed.api.id)
    return changed_body(wired.transitions.described(changed.api), changed, pending)


def noted(what: str, caller: Caller, api_id: str, event: str, state: str) -> None:
    """One line of the log."""
    extra = {"tenant": caller.tenant, "api": api_id, "event": event, "state": state}
    logger().info(what, extra=extra)


def undo(wired: Wiring, event: dict[str, Any]) -> dict[str, Any]:
    """Take the last transition back, then carry out what that left in the outbox."""
    asked = read_request(event)
    undone = wired.undoing.undo(asked.caller, asked.api_id, asked.stamp, asked.comment)
    noted("undo", asked.caller, asked.api_id, undone.entry.event, undone.api.state)
    pending = carry_out(wired, asked.caller.tenant, asked.api_id)
    described = wired.transitions.described(undone.api)
    return {**state_body(described, undone.api, pending), "undone": undone.entry.event}


def planned(wired: Wiring, due: DuePlan) -> dict[str, Any]:
    """Take a planned transition, then carry out what it left in the outbox."""
    plan = wired.scheduling.run(due)
    status = plan.status if plan else "UNKNOWN"
    logger().info(
        "planned", extra={"tenant": due.tenant, "api": due.api_id, "plan": due.id, "status": status}
    )
    work(wired, AT_ONCE, due.tenant)
    return {"plan": due.id, "status": status, "reason": plan.reason if plan else ""}


def overdue(wired: Wiring) -> None:
    """Take the planned transitions that no schedule has called for; one that fails stays due."""
    for tenant in wired.outbox.tenants():
        for due in wired.scheduling.overdue(tenant):
            try:
                planned(wired, due)
            except Exception:  # whatever is wrong with one, the others and the outbox go on
                logger().exception("a planned transition failed", extra={"plan": due.id})


def carry_out(wired: Wiring, tenant: str, api_id: str) -> int:
    """Work the outbox of the tenant; how much is left to do for the API."""
    try:
        work(wired, AT_ONCE, tenant)
        left = wired.outbox.pending(tenant)
        return sum(entry.payload.get("api_id") == api_id for entry in left)
    except PorticoError as exc:
        # The transition is done; its side effects stay in the outbox, for the schedule.
        logger().warning("outbox", extra={"error": error_body(exc)})
        return 0


def work(wired: Wiring, seconds: float, tenant: str = "") -> Worked:
    """Work the outbox; while another worker has it, wait a moment, for its run may be ending."""
    now = wired.clock.now()
    deadline, patience = now + seconds, now + BUSY
    worked = wired.outbox.work(deadline, tenant)
    while worked.busy and wired.clock.now() < patience:
        time.sleep(PAUSE)
        worked = wired.outbox.work(deadline, tenant)
    for entry_id, error in worked.failed.items():
        logger().error("outbox entry failed", extra={"entry": entry_id}, exc_info=error)
    return worked
