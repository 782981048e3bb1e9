"""A deployment's beginning and end, as a custom resource of its stack; wiring and dispatch only."""

import json
import os
from contextlib import suppress
from functools import cache
from typing import Any

import boto3
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.config import Config
from botocore.exceptions import ClientError

from functions.bootstrap.answering import answered
from functions.bootstrap.keys import SigningKeys, TokenFunction
from portico.clock import SystemClock
from portico.domain.errors import InvalidInput, PorticoError, Unavailable
from portico.domain.tenant import SUPER_TENANT
from portico.gateway.routes import HttpApiRoutes
from portico.services.outbox import Outbox
from portico.services.passwords import Passwords
from portico.services.rotating import KeySet, Vault
from portico.services.tenants import Tenants
from portico.settings import Settings, read
from portico.storage.records import DynamoRecords
from portico.storage.vault import SecretsVault
from portico.tokens.keys import ES256, RS256

# It never changes, so that an update never looks like a replacement, which deletes the old one.
PHYSICAL_ID = "portico-bootstrap"
DAY = 86_400  # seconds
HELD = 900.0  # seconds that nobody makes routes while the stack is being deleted


@cache
def settings() -> Settings:
    return read(os.environ)


@cache
def vault() -> Vault:
    # Short: a call that hangs must leave time to say so.
    config = Config(
        connect_timeout=5, read_timeout=10, retries={"total_max_attempts": 4, "mode": "standard"}
    )
    return SecretsVault(boto3.client("secretsmanager", region_name=_region(), config=config))


@cache
def keys() -> SigningKeys:
    known, clock = settings(), SystemClock()
    config = Config(connect_timeout=5, read_timeout=35, retries={"total_max_attempts": 2})
    client = boto3.client("lambda", region_name=_region(), config=config)
    return SigningKeys(
        # Of both kinds, so that a tenant's change of mind needs no new key.
        KeySet(
            vault(), records(), clock, known.backend_jwt_secret, ES256, access=False, also=(RS256,)
        ),
        TokenFunction(client, known.token_function),
        known.key_rotation_days * DAY,
    )


@cache
def records() -> DynamoRecords:
    return DynamoRecords(settings(), _region())


@cache
def routes() -> HttpApiRoutes:
    # Many and patient retries: the control plane takes 10 calls a second of an account, and an API
    # may have 300 routes.
    config = Config(
        connect_timeout=5, read_timeout=10, retries={"total_max_attempts": 10, "mode": "standard"}
    )
    client = boto3.client("apigatewayv2", region_name=_region(), config=config)
    return HttpApiRoutes(client, settings().http_api_id, settings().authorizer_id)


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """CloudFormation's Create, Update and Delete, or a direct request: `bootstrap`, `keys` (the
    schedule's: rotates keys whose time has come) or `rotate-keys` (at once).
    """
    if "ResponseURL" not in event:
        return {"ok": _asked(event.get("request"))}
    seconds = context.get_remaining_time_in_millis() / 1000
    work = clear_up if event["RequestType"] == "Delete" else bootstrap
    answered(event, event.get("PhysicalResourceId") or PHYSICAL_ID, seconds, work)
    return {}


def _asked(request: object) -> dict[str, Any]:
    match request:
        case "bootstrap":
            return bootstrap()
        case "keys" | "rotate-keys":
            return {"NewKeys": ",".join(keys().ensure(at_once=request == "rotate-keys"))}
        case _:
            raise InvalidInput.of("request", "must be 'bootstrap', 'keys' or 'rotate-keys'")


def bootstrap() -> dict[str, Any]:
    """Make what is missing, each step on its own; tells what was made now, without secrets."""
    known, clock = settings(), SystemClock()
    made = keys().ensure()
    tenants = Tenants(records(), clock)
    tenants.prepare(SUPER_TENANT)
    admin = tenants.first_admin(
        SUPER_TENANT,
        (known.admin_user or "admin").removesuffix(f"@{SUPER_TENANT}"),
        lambda: Passwords().hash(_password(known.admin_secret)),
    )
    return {
        "Tenant": SUPER_TENANT,
        "NewKeys": ",".join(made),
        "AdminMade": "true" if admin else "false",
    }


def clear_up() -> dict[str, Any]:
    """Remove the routes that were made at run time: the stack could not be deleted with them."""
    known = settings()
    if not known.http_api_id:
        return {"RoutesRemoved": "0"}
    # Else the schedule, which is deleted later, would make them again. Where even that fails, the
    # routes go all the same.
    with suppress(PorticoError):
        Outbox(records(), SystemClock()).hold(HELD)
    try:
        removed = routes().remove_all()
    except Unavailable as exc:
        if _is_gone(exc.__cause__):
            return {"RoutesRemoved": "0"}
        raise
    return {"RoutesRemoved": str(removed)}


def _is_gone(cause: BaseException | None) -> bool:
    """Whether AWS said that the HTTP API is not there; then nothing holds up its deletion."""
    return (
        isinstance(cause, ClientError)
        and cause.response.get("Error", {}).get("Code") == "NotFoundException"
    )


def _password(secret: str) -> str:
    """The first administrator's password: the secret's text, or `password` of its JSON object."""
    text = vault().read(secret) or ""
    try:
        content = json.loads(text)
    except ValueError:
        content = None
    password = content.get("password", "") if isinstance(content, dict) else text
    if not isinstance(password, str) or not password:
        raise InvalidInput("The secret with the first administrator's password has no password")
    return password


def _region() -> str:
    return os.environ.get("AWS_REGION", "us-east-1")
