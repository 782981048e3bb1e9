"""Decisions for many callers: processor time and DynamoDB calls of an authorizer that serves 1,000
applications on 100 APIs at once, every limit with leases of its own.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from portico.domain.gateway import (
    Deployment,
    GatewayApplication,
    GatewayClient,
    Grant,
    PolicyTable,
)
from portico.domain.records import Put, Record
from portico.settings import read
from portico.storage.records import DynamoRecords
from tools.bench.stand import Stand
from tools.local.aws import REGION

APIS, APPLICATIONS = 100, 1000
CALLS = 10  # of each application; see `full` for leases
FULL = 50  # calls of each application that use up what was lent
TENANT = "bench.example"  # one of its own: what others on the stand count is not touched
TOGETHER = 30  # records in one transaction
HERE = Path(__file__).parent


def fleet(
    stand: Stand,
    apis: int = APIS,
    applications: int = APPLICATIONS,
    calls: int = CALLS,
    full: int = FULL,
) -> dict[str, Any]:
    """What an authorizer does for applications that have each called once before: `warm` for
    `calls` more of each, `full` for so many that leases are used up.

    Each has `cpu_seconds` of one decision on average, `requests`, and DynamoDB's `calls` by
    operation and together as `calls_per_request`, and as `cold` those of the very first decision.
    Reads come with time, not with calls: what is cached is renewed every five seconds.
    """
    records = DynamoRecords(read(stand.environment), REGION)
    made = list(_records(apis, applications, stand.backend))
    for start in range(0, len(made), TOGETHER):
        records.commit(*map(Put, made[start : start + TOGETHER]))
    tokens = [
        stand.token(
            tenant=TENANT,
            client_id=f"client-{number}",
            app=f"application-{number}",
            jti=f"fleet-{number}",
            fam=f"fleet-{number}",
        )
        for number in range(applications)
    ]
    paths = [f"/t/{TENANT}{_context(number % apis)}/order/17" for number in range(applications)]
    found = {}
    for name, each in (("warm", calls), ("full", full)):
        task = {"tokens": tokens, "paths": paths, "before": 1, "calls": each}
        done = subprocess.run(
            [sys.executable, str(HERE / "deciding.py")],
            input=json.dumps(task),
            env={**stand.environment, "PORTICO_CACHE_SECONDS": "5"},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"The fleet was not served:\n{done.stderr[-2000:]}")
        found[name] = json.loads(done.stdout)
    return found


def _context(number: int) -> str:
    return f"/fleet{number}/1.0.0"


def _records(apis: int, applications: int, backend: str) -> Iterator[Record]:
    rows = [
        [f"/{noun}{part}", verb, "Application & Application User", [], "Unlimited"]
        for noun in ("menu", "order", "customer", "courier", "oven")
        for part, verbs in (("", ("GET", "POST")), ("/{id}", ("GET", "PUT", "DELETE")))
        for verb in verbs
    ]
    gold = [10_000, 60, True]
    yield PolicyTable(tenant=TENANT, policies={"subscription": {"Gold": gold}})
    for number in range(apis):
        prefix = f"/t/{TENANT}{_context(number)}"
        yield Deployment(
            tenant=TENANT,
            prefix=prefix,
            api_id=f"api-{number}",
            name=f"Fleet{number}",
            version="1.0.0",
            context=prefix,
            provider="bench",
            state="PUBLISHED",
            access="token",
            revision_id="bench",
            resources=rows,
            production_endpoint=backend,
        )
    for number in range(applications):
        name = f"application-{number}"
        api = number % apis
        yield Grant(
            tenant=TENANT,
            application_id=name,
            prefix=f"/t/{TENANT}{_context(api)}",
            api_id=f"api-{api}",
            subscription_id=f"subscription-{number}",
            status="UNBLOCKED",
            policy="Gold",
        )
        yield GatewayApplication(
            tenant=TENANT,
            application_id=name,
            number=number,
            name=name,
            owner="bench",
            policy="Unlimited",
        )
        yield GatewayClient(
            tenant=TENANT,
            client_id=f"client-{number}",
            application_id=name,
            key_type="PRODUCTION",
        )
