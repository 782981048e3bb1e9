"""What life cycles cost: a step of the engine, and a transition that many subscriptions follow."""

import time
import uuid
from collections.abc import Iterator
from dataclasses import replace
from statistics import median
from typing import Any

from portico.domain.api import Api, NameClaim, SubscriberCount, card_of
from portico.domain.application import Subscription
from portico.domain.operations import OutboxEntry
from portico.domain.policy import Level
from portico.domain.records import Change, Create, Put
from portico.domain.tenant import SUPER_TENANT
from portico.lifecycle import scxml
from portico.lifecycle.engine import step
from portico.lifecycle.model import DEPRECATE_OLD, PROPAGATE, RESUBSCRIBE
from portico.services.policies import policy_uses
from portico.services.subscribing import grant_of
from portico.settings import read
from portico.storage.records import DynamoRecords
from tools.bench.packages import Packages
from tools.bench.stand import Stand
from tools.bench.starts import run
from tools.local.aws import REGION

FUNCTION = "LifecycleFunction"
STEPS, ROUNDS = 2000, 7
PUBLISHER = "Internal/publisher"
TOGETHER = 20  # subscriptions of one commit: five items each
MOST_RUNS = 100


def engine() -> dict[str, float]:
    """Processor seconds of one step, by event; medians."""
    lifecycle = scxml.default()
    taken = {}
    for name, (state, event, checklist) in {
        "block": ("Published", "Block", {}),
        "publish": ("Created", "Publish", {PROPAGATE: True, RESUBSCRIBE: True}),
    }.items():
        rounds = []
        for _ in range(ROUNDS):
            started = time.process_time()
            for _ in range(STEPS):
                step(lifecycle, state, event, checklist, (PUBLISHER,))
            rounds.append((time.process_time() - started) / STEPS)
        taken[name] = median(rounds)
    return taken


def succession(stand: Stand, built: Packages, subscriptions: int) -> dict[str, float]:
    """Seconds by the clock until a version's subscriptions are carried to the next, and of the
    longest run among those it takes, start of its process included.

    The transition is one run of the function, each further one an event of the schedule.
    """
    records = DynamoRecords(read(stand.environment), REGION)
    old, new = (_api(version) for version in ("1.0.0", "2.0.0"))
    for api in (old, new):
        claim = NameClaim(tenant=api.tenant, name=api.name, version=api.version, api_id=api.id)
        records.commit(Create(api), Create(card_of(api)), Create(claim))
    for changes in _subscribed(replace(old, stamp=1), subscriptions):
        records.commit(*changes)
    event: dict[str, Any] = {
        "request": "transition",
        "tenant": SUPER_TENANT,
        "api_id": new.id,
        "event": "Publish",
        "checklist": {RESUBSCRIBE: False, DEPRECATE_OLD: True},
        "user": "bench",
        "roles": [PUBLISHER],
    }
    runs: list[float] = []
    while len(runs) < MOST_RUNS:
        started = time.monotonic()
        answer = run(stand, built.paths(FUNCTION), built.handler(FUNCTION), event)["answer"]
        runs.append(time.monotonic() - started)
        if "ok" not in answer:
            raise RuntimeError(f"The life cycle's function refused: {answer}")
        if not records.list(OutboxEntry, tenant=SUPER_TENANT):
            break
        event = {"source": "aws.events"}
    carried = records.get(SubscriberCount, tenant=SUPER_TENANT, api_id=new.id)
    if not carried or carried.count != subscriptions:
        raise RuntimeError(f"Of {subscriptions} subscriptions not all were carried: {carried}")
    limit = built.template["Resources"][FUNCTION]["Properties"]["Timeout"]
    return {
        "subscriptions": subscriptions,
        "runs": len(runs),
        "seconds": sum(runs),
        "longest_run": max(runs),
        "limit": float(limit),
    }


def _api(version: str) -> Api:
    return Api(
        tenant=SUPER_TENANT,
        id=f"bench-{version}",
        name="many",
        version=version,
        context="/many",
        provider="bench",
        state="PUBLISHED" if version == "1.0.0" else "CREATED",
        production_endpoint="http://127.0.0.1:9",
        policies=("Gold",),
    )


def _subscribed(api: Api, count: int) -> Iterator[list[Change]]:
    """Commits that make subscriptions, each of an application of its own."""
    for start in range(0, count, TOGETHER):
        changes: list[Change] = []
        for number in range(start, min(start + TOGETHER, count)):
            made = Subscription(
                tenant=api.tenant,
                application_id=f"application-{number}",
                api_id=api.id,
                id=str(uuid.uuid4()),
                application_owner="bench",
                application_name=f"application-{number}",
                api_name=api.name,
                api_version=api.version,
                api_context=api.full_context,
                api_provider=api.provider,
                policy="Gold",
                created=1,
            )
            uses = policy_uses(
                api.tenant, Level.SUBSCRIPTION, "subscription", made.id, [], [made.policy]
            )
            changes += [Create(made), Put(grant_of(made)), *uses]
        yield changes
    yield [Put(SubscriberCount(tenant=api.tenant, api_id=api.id, count=count))]
