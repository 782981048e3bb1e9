"""Where the benchmarks run: an embedded AWS on a free loopback port with one API, ready to call."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import urllib3

from portico.domain.application import Client, Secret
from portico.domain.gateway import (
    Deployment,
    GatewayApplication,
    GatewayClient,
    Grant,
    PolicyTable,
    PublicKeys,
)
from portico.domain.records import Put
from portico.domain.tenant import SUPER_TENANT
from portico.domain.user import ADMIN, User
from portico.services.clients import digest
from portico.settings import read
from portico.storage.records import DynamoRecords
from portico.tokens.jwt import ACCESS_TOKEN, sign
from portico.tokens.keys import ES256, RS256, SigningKey, generate, public_jwk, signing_key
from tools.local.aws import REGION, client

HOST = "127.0.0.1"
TABLES = ("catalog", "access", "gateway", "traffic", "operations")
CLIENT_ID, CLIENT_SECRET = "bench-client", "bench-secret"  # of this run only
URL = "http://127.0.0.1:8280"
START_SECONDS = 20.0


@dataclass(frozen=True)
class Stand:
    """What a measured process needs: its environment, and a key that signs tokens."""

    environment: dict[str, str]
    key: SigningKey
    backend: str

    def token(self, **claims: Any) -> str:
        """An access token of the application, or with other claims."""
        now = int(time.time())
        return sign(
            {
                "iss": f"{URL}/oauth2/token",
                "sub": CLIENT_ID,
                "aud": CLIENT_ID,
                "client_id": CLIENT_ID,
                "scope": "default",
                "iat": now,
                "exp": now + 3600,
                "jti": f"bench-{time.monotonic_ns()}",
                "fam": "bench",
                "aut": "APPLICATION",
                "keytype": "PRODUCTION",
                "app": "bench-application",
                "owner": "bench",
                "tenant": SUPER_TENANT,
                **claims,
            },
            self.key,
            ACCESS_TOKEN,
        )


@contextmanager
def running(folder: Path, backend: str) -> Iterator[Stand]:
    """An embedded AWS with tables, keys and one API, for the time of the block."""
    with socket.create_server((HOST, 0)) as listener:
        port = listener.getsockname()[1]
    url = f"http://{HOST}:{port}"
    environment = {
        "PATH": os.environ["PATH"],
        "BIND_HOST": HOST,
        # On every interface, whatever BIND_HOST says.
        "SFTP_ENABLED": "0",
        "IOT_MTLS_ENABLED": "0",
        "GATEWAY_PORT": str(port),
        "STATE_DIR": str(folder),
    }
    with (folder / "aws.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "ministack"],
            env=environment,
            cwd=folder,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            _wait(url)
            yield _furnished(url, backend)
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(10)


def _wait(url: str) -> None:
    end = time.monotonic() + START_SECONDS
    with urllib3.PoolManager(retries=False) as http:
        while True:
            try:
                http.request("GET", f"{url}/_ministack/health", timeout=2)
                return
            except urllib3.exceptions.HTTPError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.1)


def _furnished(url: str, backend: str) -> Stand:
    dynamodb = client("dynamodb", url)
    for table in TABLES:
        dynamodb.create_table(
            TableName=table,
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
    client("s3", url).create_bucket(Bucket="bench")
    now = int(time.time())
    access, assertion = ({"keys": [generate(alg, now)]} for alg in (RS256, ES256))
    secrets = client("secretsmanager", url)
    arns = [
        secrets.create_secret(Name=name, SecretString=json.dumps(keys))["ARN"]
        for name, keys in (("access", access), ("assertion", assertion))
    ]
    environment = {
        "PATH": os.environ["PATH"],
        "LANG": "en_US.UTF-8",
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_LAMBDA_FUNCTION_NAME": "bench",
        "POWERTOOLS_METRICS_NAMESPACE": "Portico",
        "POWERTOOLS_SERVICE_NAME": "bench",
        "POWERTOOLS_LOG_LEVEL": "ERROR",
        **{f"PORTICO_{table.upper()}_TABLE": table for table in TABLES},
        "PORTICO_STAGE": "dev",
        "PORTICO_BUCKET": "bench",
        "PORTICO_ACCESS_TOKEN_SECRET": arns[0],
        "PORTICO_BACKEND_JWT_SECRET": arns[1],
        "PORTICO_GATEWAY_URL": URL,
        "PORTICO_ALLOWED_BACKEND_HOSTS": HOST,
        "PORTICO_HTTP_API_ID": "bench",
        "PORTICO_AUTHORIZER_ID": "bench",
        "PORTICO_LIFECYCLE_FUNCTION": "bench",
    }
    os.environ.update(environment)
    keys = [signing_key(json.dumps(each)) for each in (access, assertion)]
    records = DynamoRecords(read(environment), REGION)
    records.commit(*map(Put, _records(keys, backend, now)))
    return Stand(environment, keys[0], backend)


def _records(keys: list[SigningKey], backend: str, now: int) -> list[Any]:
    tenant = SUPER_TENANT
    rows = [
        [f"/{noun}{part}", verb, "Application & Application User", [], "Unlimited"]
        for noun in ("menu", "order", "customer", "courier", "oven")
        for part, verbs in (("", ("GET", "POST")), ("/{id}", ("GET", "PUT", "DELETE")))
        for verb in verbs
    ]
    quota = [10_000_000, 60, True]
    policies = {"subscription": {"Gold": quota}, "application": {"Large": quota}}
    names: Any = {"tenant": tenant, "client_id": CLIENT_ID}
    application: Any = {"tenant": tenant, "application_id": "bench-application"}
    return [
        PublicKeys(tenant="*", keys=[public_jwk(key) for key in keys], access=(keys[0].kid,)),
        Deployment(
            tenant=tenant,
            prefix="/pizza/1.0.0",
            api_id="bench-api",
            name="PizzaShop",
            version="1.0.0",
            context="/pizza/1.0.0",
            provider="bench",
            state="PUBLISHED",
            access="token",
            revision_id="bench",
            resources=rows,
            production_endpoint=backend,
        ),
        Grant(
            **application,
            prefix="/pizza/1.0.0",
            api_id="bench-api",
            subscription_id="bench-subscription",
            status="UNBLOCKED",
            policy="Gold",
        ),
        GatewayApplication(**application, number=1, name="Bench", owner="bench", policy="Large"),
        GatewayClient(**names, application_id="bench-application", key_type="PRODUCTION"),
        PolicyTable(tenant=tenant, policies=policies),
        Client(
            **names,
            name="bench",
            owner="bench",
            secrets=(Secret("bench", digest(CLIENT_SECRET), now),),
            grant_types=("client_credentials",),
            application_id="bench-application",
            application_owner="bench",
        ),
        User(tenant=tenant, name="bench", id="bench", password="", roles=(ADMIN,)),
    ]
