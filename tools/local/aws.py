"""Clients of the embedded AWS, with its administrator's credentials."""

from __future__ import annotations

from functools import cache
from typing import Any

import boto3
from botocore.config import Config

REGION = "us-east-1"
ACCOUNT = "000000000000"
KEY = SECRET = "test"  # noqa: S105 - the emulator's well-known root credentials, on loopback only


@cache
def _session() -> boto3.Session:
    return boto3.Session(aws_access_key_id=KEY, aws_secret_access_key=SECRET, region_name=REGION)


def client(service: str, endpoint: str) -> Any:
    """A boto3 client; `Any`, for the service is chosen at run time."""
    config = Config(
        retries={"max_attempts": 2},
        connect_timeout=5,
        read_timeout=120,
        s3={"addressing_style": "path"},
    )
    return _session().client(service, endpoint_url=endpoint, config=config)  # type: ignore[call-overload]
