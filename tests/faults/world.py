"""A lifecycle function that is to be hurt, with tables, a bucket, an HTTP API and a webhook of its
own, and what there is to see in them afterwards.
"""

import json
import os
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import boto3

from portico.clock import SystemClock
from portico.domain.api import (
    Api,
    ApiCard,
    HistoryEntry,
    NameClaim,
    Resource,
    Revision,
    SubscriberCount,
    card_of,
)
from portico.domain.application import Subscription
from portico.domain.executions import ExecutionResult
from portico.domain.gateway import Deployment, Grant
from portico.domain.operations import AuditEntry, OutboxEntry
from portico.domain.policy import Level, PolicyUse
from portico.domain.records import Create, Put
from portico.domain.user import Caller, User
from portico.gateway.routes import HttpApiRoutes
from portico.services.activating import Activating
from portico.services.lifecycles import Lifecycles
from portico.services.policies import policy_uses
from portico.services.subscribing import grant_of
from portico.settings import Settings
from portico.storage.codec import decode
from portico.storage.documents import BucketDocuments
from portico.storage.records import DynamoRecords
from tests.conftest import REGION, TABLES
from tests.faults.boundary import Faults
from tests.faults.receiving import Inbox, Webhook, webhook
from tests.faults.running import SCHEDULE, Ended, Function, function

TENANT = "carbon.super"
BACKEND = "http://127.0.0.1:8290/pizza"
PUBLISHER = ("Internal/publisher",)
SENDER = "portico@example.org"
WEBHOOK_KEY = json.dumps({"key": "made up for this test"})
COMMIT = 20  # subscriptions: five items each
LATER = 3700.0  # seconds: longer than any entry waits and any lease is held


@dataclass(frozen=True)
class Kept:
    """Items by table, and the keys of routes."""

    items: dict[str, list[dict[str, Any]]]
    routes: list[str]


@dataclass(frozen=True)
class World:
    """One lifecycle function and all that it can reach."""

    records: DynamoRecords
    documents: BucketDocuments
    routes: HttpApiRoutes
    prefix: str
    environment: Mapping[str, str]
    ask_function: Function
    tables: Any
    inbox: Inbox
    webhook: Webhook

    # --- what people do ---

    def ask(self, api: Api, event: str, faults: Faults | None = None, **more: Any) -> Ended:
        """Somebody asks for a transition."""
        return self.ask_function(request(api, event, **more), faults)

    def schedule(self, runs: int = 6) -> list[Ended]:
        """The schedule's event, again and again, each later than the last, until all is quiet."""
        ended = []
        for run in range(1, runs + 1):
            if not self.pending():
                break
            ended.append(self.ask_function(SCHEDULE, Faults(later=run * LATER)))
        assert self.pending() == []
        return ended

    # --- what there is ---

    def api(self, name: str, version: str = "1.0.0", **fields: Any) -> Api:
        """A new API."""
        api = Api(
            tenant=TENANT,
            id=f"{name}-{version}",
            name=name,
            version=version,
            context=f"/{name}",
            provider="jane",
            production_endpoint=BACKEND,
            policies=("Gold", "Silver"),
            resources=(Resource("/menu", "GET"),),
        )
        api = replace(api, **fields)
        claim = NameClaim(tenant=TENANT, name=name.lower(), version=version, api_id=api.id)
        self.records.commit(Create(api), Create(card_of(api)), Create(claim))
        return replace(api, stamp=1)

    def subscribe(self, api: Api, people: Mapping[str, tuple[str, str]]) -> None:
        """Subscriptions by application's name, with policy and status."""
        made = [
            subscription(api, name, policy, status) for name, (policy, status) in people.items()
        ]
        for start in range(0, len(made), COMMIT):
            some = made[start : start + COMMIT]
            uses = [
                use
                for one in some
                for use in policy_uses(
                    TENANT, Level.SUBSCRIPTION, "subscription", one.id, [], [one.policy]
                )
            ]
            grants = [Put(grant_of(one)) for one in some]
            self.records.commit(*map(Create, some), *grants, *uses)
        count = SubscriberCount(tenant=TENANT, api_id=api.id, count=len(people))
        self.records.commit(Put(count))

    def person(self, name: str) -> None:
        """A user with an address."""
        user = User(
            tenant=TENANT, name=name, id=name, password="", roles=(), email=self.inbox.address(name)
        )
        self.records.commit(Create(user))

    def live_by(self, document: bytes) -> None:
        """Put a life cycle in force."""
        lifecycles = Lifecycles(self.records, SystemClock())
        admin = Caller(TENANT, "admin", ("admin",))
        Activating(lifecycles).activate(admin, lifecycles.save(admin, document).number)
        self.schedule()

    def now(self, api: Api) -> Api:
        found = self.records.get(Api, tenant=TENANT, id=api.id)
        assert found
        return found

    def card(self, api: Api) -> ApiCard:
        found = self.records.get(ApiCard, tenant=TENANT, id=api.id)
        assert found
        return found

    def events(self, api: Api) -> list[str]:
        """The events of its history."""
        return [entry.event for entry in self.history(api)]

    def history(self, api: Api) -> list[HistoryEntry]:
        return self.records.list(HistoryEntry, tenant=TENANT, api_id=api.id)

    def results(self, api: Api) -> list[ExecutionResult]:
        return self.records.list(ExecutionResult, tenant=TENANT, api_id=api.id)

    def revisions(self, api: Api) -> list[Revision]:
        return self.records.list(Revision, tenant=TENANT, api_id=api.id)

    def deployment(self, api: Api) -> Deployment | None:
        return self.records.get(Deployment, tenant=TENANT, prefix=api.full_context)

    def subscriptions(self, api: Api) -> dict[str, Subscription]:
        """By application; each is there under all its keys, and so is its grant, or this fails."""
        found = self.records.list(Subscription, by="api", tenant=TENANT, api_id=api.id)
        by_application = {one.application_id: one for one in found}
        assert len(by_application) == len(found)
        count = self.records.get(SubscriberCount, tenant=TENANT, api_id=api.id)
        assert (count.count if count else 0) == len(found)
        copies = [s for s in self.everything(Subscription, "access") if s.api_id == api.id]
        assert len(copies) == 3 * len(found)
        assert all(by_application[one.application_id] == one for one in copies)
        grants = {grant.application_id: grant for grant in self.grants(api, by_application)}
        assert {name: replace(grant, stamp=0) for name, grant in grants.items()} == {
            name: grant_of(one) for name, one in by_application.items()
        }
        return by_application

    def grants(self, api: Api, applications: Mapping[str, Any]) -> list[Grant]:
        """What the gateway lets call it, of these applications."""
        keys = [
            {"tenant": TENANT, "application_id": name, "prefix": api.full_context}
            for name in applications
        ]
        return self.records.get_many(Grant, keys)

    def policy_uses(self) -> list[str]:
        """The policies that subscriptions keep administrators from deleting."""
        return [use.policy for use in self.everything(PolicyUse, "access")]

    def audited(self, action: str) -> list[str]:
        """The subjects of an action, of all days."""
        return [
            str(item.subject)
            for item in self.everything(AuditEntry, "operations")
            if item.action == action
        ]

    def everything(self, kind: type[Any], table: str) -> list[Any]:
        """Every record of a kind."""
        found = []
        for item in self._items(table):
            if item["kind"] == kind.__name__:
                body = item["body"] if "body" in item else item["packed"].value
                found.append(decode(kind, body, int(item["stamp"])))
        return found

    def pending(self) -> list[OutboxEntry]:
        return self.records.list(OutboxEntry, tenant=TENANT)

    def route_keys(self) -> list[str]:
        return sorted(route["RouteKey"] for route in self.routes._routes())

    def integrations(self) -> int:
        return len(self.routes._integrations("portico:"))

    # --- again from the same start ---

    def kept(self) -> Kept:
        """Everything as it is now."""
        items = {name: self._items(name) for name in TABLES}
        return Kept(items, self.route_keys())

    def restore(self, kept: Kept) -> None:
        """Everything as it was then."""
        for name in TABLES:
            table = self._table(name)
            wanted = {(item["pk"], item["sk"]) for item in kept.items[name]}
            with table.batch_writer() as batch:
                for item in self._items(name):
                    if (item["pk"], item["sk"]) not in wanted:
                        batch.delete_item(Key={"pk": item["pk"], "sk": item["sk"]})
                for item in kept.items[name]:
                    batch.put_item(Item=item)
        self.inbox.forget()
        self.webhook.got.clear()
        self.routes.remove_all()
        for api in self.everything(Api, "catalog") if kept.routes else []:
            if f"ANY {api.full_context}" in kept.routes:
                self.routes.ensure(TENANT, api.id, api.full_context, api.production_endpoint)
        assert self.route_keys() == kept.routes

    def clear(self) -> None:
        """Nothing is left of what was before."""
        self.restore(Kept({name: [] for name in TABLES}, []))

    def _items(self, name: str) -> list[dict[str, Any]]:
        table, found = self._table(name), []
        more: dict[str, Any] = {}
        while True:
            answer = table.scan(ConsistentRead=True, **more)
            found += answer["Items"]
            if "LastEvaluatedKey" not in answer:
                return found
            more = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}

    def _table(self, name: str) -> Any:
        return self.tables.Table(f"{self.prefix}-{name}")


def request(api: Api, event: str, **more: Any) -> dict[str, Any]:
    """What the publisher asks the lifecycle function."""
    return {
        "request": "transition",
        "tenant": api.tenant,
        "api_id": api.id,
        "event": event,
        "checklist": {},
        "user": "jane",
        "roles": list(PUBLISHER),
        **more,
    }


def subscription(api: Api, application: str, policy: str, status: str) -> Subscription:
    """An application's subscription; the application's owner has its name."""
    return Subscription(
        tenant=TENANT,
        application_id=application,
        api_id=api.id,
        id=str(uuid.uuid4()),
        application_owner=application,
        application_name=application,
        api_name=api.name,
        api_version=api.version,
        api_context=api.full_context,
        api_provider=api.provider,
        policy=policy,
        status=status,
        created=1,
        subscriber=application,
    )


@contextmanager
def world(folder: Path) -> Iterator[World]:
    """A new one in the embedded AWS that the environment points at."""
    prefix = f"faults-{uuid.uuid4().hex[:8]}"
    dynamodb = boto3.client("dynamodb", region_name=REGION)
    for table in TABLES:
        dynamodb.create_table(
            TableName=f"{prefix}-{table}",
            KeySchema=[
                {"AttributeName": "pk", "KeyType": "HASH"},
                {"AttributeName": "sk", "KeyType": "RANGE"},
            ],
            AttributeDefinitions=[
                {"AttributeName": "pk", "AttributeType": "S"},
                {"AttributeName": "sk", "AttributeType": "S"},
            ],
            BillingMode="PAY_PER_REQUEST",
        )
    s3 = boto3.client("s3", region_name=REGION)
    s3.create_bucket(Bucket=prefix)
    secrets = boto3.client("secretsmanager", region_name=REGION)
    secret = secrets.create_secret(Name=f"{prefix}-webhooks", SecretString=WEBHOOK_KEY)["ARN"]
    ses = boto3.client("ses", region_name=REGION)
    ses.verify_email_identity(EmailAddress=SENDER)
    gateway = boto3.client("apigatewayv2", region_name=REGION)
    api_id = gateway.create_api(Name=prefix, ProtocolType="HTTP")["ApiId"]
    environment = {
        **{f"PORTICO_{table.upper()}_TABLE": f"{prefix}-{table}" for table in TABLES},
        "PORTICO_STAGE": "dev",
        "PORTICO_BUCKET": prefix,
        "PORTICO_GATEWAY_URL": "http://127.0.0.1:8280",
        "PORTICO_ALLOWED_BACKEND_HOSTS": "127.0.0.1",
        "PORTICO_CACHE_SECONDS": "0.001",
        "PORTICO_HTTP_API_ID": api_id,
        "PORTICO_AUTHORIZER_ID": "auth01",
        "PORTICO_MAIL_SENDER": SENDER,
        "PORTICO_WEBHOOK_SECRET": secret,
    }
    names: dict[str, Any] = {f"{table}_table": f"{prefix}-{table}" for table in TABLES}
    records = DynamoRecords(Settings(bucket=prefix, **names), REGION)
    documents = BucketDocuments(s3, prefix)
    routes = HttpApiRoutes(gateway, api_id, "auth01")
    tables = boto3.resource("dynamodb", region_name=REGION)
    inbox = Inbox(os.environ["AWS_ENDPOINT_URL"], prefix)
    with function(environment, folder / f"{prefix}.log") as asked, webhook() as hook:
        yield World(records, documents, routes, prefix, environment, asked, tables, inbox, hook)
    tables.meta.client.close()
    for client in (dynamodb, s3, secrets, ses, gateway):
        client.close()
