"""Fixtures for all tests: the embedded AWS with the five tables and a bucket, for whoever asks for
`aws`.
"""

import os
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
import urllib3

from portico.settings import Settings
from portico.storage.documents import BucketDocuments
from portico.storage.records import DynamoRecords

# The deployed stack and its people, for journeys and browser tests alike: one stack for all.
from tests.deployed import admin, developer, publisher, stack  # noqa: F401

REGION = "us-east-1"
TABLES = ("catalog", "access", "gateway", "traffic", "operations")


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@dataclass(frozen=True)
class Aws:
    """A running embedded AWS with Portico's tables."""

    url: str
    settings: Settings
    records: DynamoRecords
    documents: BucketDocuments


@pytest.fixture(scope="session")
def aws_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The embedded AWS on a free loopback port; it ends with the tests."""
    port = free_port()
    folder = tmp_path_factory.mktemp("aws")
    log = (folder / "log.txt").open("w")
    process = subprocess.Popen(
        [sys.executable, "-m", "ministack"],
        env={
            **os.environ,
            "BIND_HOST": "127.0.0.1",
            # On every interface, whatever BIND_HOST says.
            "SFTP_ENABLED": "0",
            "IOT_MTLS_ENABLED": "0",
            "GATEWAY_PORT": str(port),
            "STATE_DIR": str(folder),
        },
        cwd=folder,
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    url = f"http://127.0.0.1:{port}"
    http = urllib3.PoolManager(retries=False)
    for _ in range(150):
        try:
            http.request("GET", f"{url}/_ministack/health", timeout=2)
            break
        except urllib3.exceptions.HTTPError:
            time.sleep(0.1)
    http.clear()
    yield url
    os.killpg(process.pid, signal.SIGTERM)
    process.wait(10)
    log.close()


@pytest.fixture(scope="session")
def _environment(aws_url: str) -> Iterator[None]:
    """The environment of a Lambda function, pointed at the embedded AWS."""
    changes = {
        "AWS_ENDPOINT_URL": aws_url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
    }
    before = {name: os.environ.get(name) for name in changes}
    os.environ.update(changes)
    yield
    for name, value in before.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


@pytest.fixture(scope="module")
def aws(aws_url: str, _environment: None) -> Iterator[Aws]:
    """Fresh tables and a bucket in the embedded AWS, for one test module."""
    prefix = f"test-{uuid.uuid4().hex[:8]}"
    client = boto3.client("dynamodb", region_name=REGION)
    for table in TABLES:
        client.create_table(
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
    names: dict[str, Any] = {f"{table}_table": f"{prefix}-{table}" for table in TABLES}
    settings = Settings(
        stage="dev",
        bucket=prefix,
        gateway_url="http://127.0.0.1:8280",
        allowed_backend_hosts=("127.0.0.1",),
        cache_seconds=0.0,
        secure_cookies=False,
        **names,
    )
    variables = {
        f"PORTICO_{name.upper()}": ",".join(value)
        if isinstance(value, tuple)
        else str(value).lower()
        if isinstance(value, bool)
        else str(value)
        for name, value in vars(settings).items()
    }
    os.environ.update(variables)
    yield Aws(aws_url, settings, DynamoRecords(settings, REGION), BucketDocuments(s3, prefix))
    for name in variables:
        os.environ.pop(name, None)
    client.close()
    s3.close()


@pytest.fixture(scope="session")
def wso2() -> Path:
    """WSO2's own contract files, when they lie beside the checkout: `../shared/wso2`."""
    return Path(__file__).parent.parent.parent / "shared" / "wso2"
