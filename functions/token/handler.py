"""The token function: an event in, an endpoint's answer or an error out; the adapters behind it.

Paths are in `paths`, grant types in `grants`.
"""

import os
from dataclasses import replace
from functools import cache, partial
from typing import TYPE_CHECKING, Any

import botocore.session
from aws_lambda_powertools.logging import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from functions.token import cors, errors
from functions.token.keyring import KeyRing
from functions.token.paths import REGISTER, SUCCESSORS, deprecated, resolve
from functions.token.requests import Request, request_of
from functions.token.wiring import Wiring
from portico.clock import SystemClock
from portico.domain.errors import PorticoError, Unavailable
from portico.domain.tenant import SUPER_TENANT
from portico.gateway.mail import SesMailer
from portico.services.granting import Memory
from portico.services.passwords import Passwords
from portico.settings import Settings, read
from portico.storage.records import DynamoRecords
from portico.storage.sealing import KmsSealer

if TYPE_CHECKING:
    from portico.gateway.outbound import Outbound
    from portico.services.remote_keys import RemoteKeys

logger = Logger(service="token")


@cache
def settings() -> Settings:
    return read(os.environ)


@cache
def _records() -> DynamoRecords:
    return DynamoRecords(settings(), _region())


@cache
def wiring() -> Wiring:
    clock = SystemClock()
    keys = KeyRing(_fetch_keys, clock)
    return Wiring(
        records=_records(),
        clock=clock,
        hasher=Passwords(),
        signing=keys.signing,
        verifying=keys.verifying,
        settings=settings(),
        sealer=KmsSealer(_kms, settings().kms_key),
        functions=_functions,
        outbounds=_outbound,
        mailer=SesMailer(_ses, settings().mail_sender),
        remote_key_sets=_remote_keys,
        memory=Memory(clock, settings().cache_seconds),
    )


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """One call of the HTTP API (payload 2.0), or what the deployment itself asks for directly."""
    if "request" in event:
        return _asked(event)
    answered = _answered(event, context.aws_request_id)
    # What went well is in the HTTP API's access log, which has path and status of every call.
    if answered["statusCode"] >= 400:
        path = str(event.get("rawPath", ""))[:200]
        logger.info("answered", path=path, status=answered["statusCode"])
    return answered


def _answered(event: dict[str, Any], request_id: str) -> dict[str, Any]:
    refusal = errors.oauth_answer
    old: dict[str, str] = {}
    bare = False
    path = ""
    try:
        request = request_of(event)
        bare = request.method == "HEAD"
        if request.path.startswith(REGISTER):
            refusal = errors.contract_answer
        if request.path in SUCCESSORS:
            old = deprecated(request.path, _address(request))
            request = replace(request, path=SUCCESSORS[request.path])
        path = request.path
        answered = cors.preflight(path, request.method, request.headers) or resolve(
            path, request.method
        )(request, wiring().for_request())
    except PorticoError as exc:
        logger.info("refused", error=exc.error, reason=type(exc).__name__)
        answered = refusal(exc)
    except Exception:
        logger.exception("unexpected error", request_id=request_id)
        answered = refusal(errors.Unexpected(request_id))
    answered = cors.opened(path, answered)
    if old:
        answered = {**answered, "headers": {**answered["headers"], **old}}
    return {**answered, "body": ""} if bare else answered


def _asked(event: dict[str, Any]) -> dict[str, Any]:
    """What somebody wants whom IAM lets invoke the function; no call over HTTP gets here."""
    from functions.token.direct import check, check_password, look_after_keys, sign_key
    from portico.storage.vault import SecretsVault

    check(event)
    known = wiring()
    if event["request"] == "sign":
        logger.info("signed a key", kind=event["kind"])
        return sign_key(event, known.signing(), known.issuer)
    if event["request"] == "password":
        return check_password(event, known.for_request().accounts)
    vault = SecretsVault(_secrets())
    told = look_after_keys(event, known.settings, vault, known.records, known.clock)
    logger.info("looked after keys", made=told["made"])
    return told


def _address(request: Request) -> str:
    """Where the paths of the request's tenant begin."""
    prefix = "" if request.tenant == SUPER_TENANT else f"/t/{request.tenant}"
    return settings().gateway_url + prefix


@cache
def _outbound() -> "Outbound":
    from functions.token.outside import OUTBOUND_SECONDS
    from portico.gateway.outbound import Outbound

    return Outbound(settings().allowed_backend_hosts, seconds=OUTBOUND_SECONDS)


@cache
def _remote_keys() -> "RemoteKeys":
    from functions.token.outside import fetch_keys
    from portico.services.remote_keys import RemoteKeys

    return RemoteKeys(partial(fetch_keys, _outbound()), SystemClock())


@cache
def _secrets() -> Any:
    # The session of the tables' client: a second one would load the same once more.
    return _records().session.create_client("secretsmanager", region_name=_region())


@cache
def _kms() -> Any:
    return botocore.session.get_session().create_client("kms", region_name=_region())


@cache
def _ses() -> Any:
    patience = Config(connect_timeout=3, read_timeout=5, retries={"total_max_attempts": 2})
    session = botocore.session.get_session()
    return session.create_client("ses", region_name=_region(), config=patience)


@cache
def _functions(seconds: float) -> Any:
    # One try: whoever waits for a token does not wait twice.
    patience = Config(
        connect_timeout=seconds, read_timeout=seconds, retries={"total_max_attempts": 1}
    )
    session = botocore.session.get_session()
    return session.create_client("lambda", region_name=_region(), config=patience)


def _fetch_keys() -> str:
    try:
        found = _secrets().get_secret_value(SecretId=settings().access_token_secret)
    except (ClientError, BotoCoreError) as exc:
        raise Unavailable("The signing keys cannot be had") from exc
    return str(found["SecretString"])


def _region() -> str:
    return os.environ.get("AWS_REGION", "us-east-1")
