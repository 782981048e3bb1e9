"""The publisher function's wiring: services on their adapters, and the routes of its contract."""

import os
from functools import cache
from typing import Any

import boto3
from aws_lambda_powertools.event_handler import LambdaFunctionUrlResolver
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.config import Config

from functions.publisher.downloads import GuardedDownloads
from functions.publisher.pages import PAGES
from functions.publisher.pages import apis as api_pages
from functions.publisher.pages import approvals as approval_pages
from functions.publisher.pages import lifecycle as lifecycle_pages
from functions.publisher.pages import plans as plan_pages
from functions.publisher.routes import (
    apis,
    approvals,
    definitions,
    executions,
    internal_keys,
    lifecycle,
    planning,
    plans,
    policies,
    revisions,
    settings,
    subscriptions,
)
from functions.publisher.wiring import Wiring
from portico.clock import SystemClock
from portico.gateway.lifecycle_function import LifecycleFunction
from portico.gateway.token_function import TokenFunctionSigner
from portico.services.accounts import Accounts
from portico.services.approving import Approving
from portico.services.executing import Executing, allowing
from portico.services.internal_keys import InternalKeys
from portico.services.lifecycles import Lifecycles
from portico.services.passwords import Passwords
from portico.services.policies import Policies
from portico.services.previewing import Previewing
from portico.services.publishing import Publishing
from portico.services.revisions import Revisions
from portico.services.scheduling import Scheduling
from portico.services.subscribers import Subscribers
from portico.services.sunsetting import Sunsetting
from portico.services.transitions import Transitions
from portico.services.undoing import Undoing
from portico.services.uploads import Uploads
from portico.settings import read
from portico.storage.documents import BucketDocuments
from portico.storage.records import DynamoRecords
from portico.storage.sealing import KmsSealer
from portico.web.callers import Callers
from portico.web.contract import contract
from portico.web.pages import own_account, sign_in_routes
from portico.web.rest import rest_app
from portico.web.session import Sessions

ROUTES = (
    apis,
    approvals,
    definitions,
    executions,
    internal_keys,
    lifecycle,
    planning,
    plans,
    policies,
    revisions,
    settings,
    subscriptions,
)


@cache
def app() -> LambdaFunctionUrlResolver:
    accounts = Accounts(records(), SystemClock(), Passwords())
    pages = [
        api_pages.router,
        approval_pages.router,
        lifecycle_pages.router,
        plan_pages.router,
        sign_in_routes(PAGES, sessions(), accounts.sign_in, _ways),
    ]
    return rest_app([contract("publisher")], [*(one.router for one in ROUTES), *pages], PAGES.error)


@cache
def records() -> DynamoRecords:
    return DynamoRecords(read(os.environ), _region())


@cache
def services() -> Wiring:
    known = read(os.environ)
    stored, clock = records(), SystemClock()
    documents = BucketDocuments(boto3.client("s3", region_name=_region()), known.bucket)
    # One try, and an answer before this function's own time is up.
    patience = Config(read_timeout=25, connect_timeout=3, retries={"total_max_attempts": 1})
    functions = boto3.client("lambda", region_name=_region(), config=patience)
    lifecycles = Lifecycles(stored, clock)
    # Dry runs name plug-ins without loading them; only the lifecycle function has their layer.
    resolves = allowing(known.plugin_packages)
    transitions = Transitions(stored, documents, clock, lifecycles.current, resolves)
    return Wiring(
        settings=known,
        publishing=Publishing(
            stored,
            documents,
            clock,
            known.allowed_backend_hosts,
            lifecycles.current,
            KmsSealer(_kms, known.kms_key),
        ),
        uploads=Uploads(documents),
        downloads=GuardedDownloads(known.allowed_backend_hosts),
        revisions=Revisions(stored, documents, clock),
        lifecycles=lifecycles,
        transitions=transitions,
        previewing=Previewing(transitions),
        undoing=Undoing(transitions, known.undo_seconds),
        scheduling=Scheduling(transitions),
        approving=Approving(transitions),
        executing=Executing(stored, documents, clock),
        sunsetting=Sunsetting(stored, clock),
        lifecycle=LifecycleFunction(functions, known.lifecycle_function),
        subscribers=Subscribers(stored, clock),
        policies=Policies(stored, clock),
        internal_keys=InternalKeys(
            stored, clock, TokenFunctionSigner(functions, known.token_function)
        ),
    )


@cache
def sessions() -> Sessions:
    return Sessions(records(), SystemClock(), read(os.environ).secure_cookies)


@cache
def callers() -> Callers:
    return Callers(records(), SystemClock(), sessions())


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """A request to the function's URL."""
    resolver = app()
    resolver.append_context(services=services(), callers=callers())
    return resolver.resolve(event, context)


@cache
def _kms() -> Any:
    """Loaded when somebody gives the credentials of a back end."""
    return boto3.client("kms", region_name=_region())


def _ways() -> dict[str, str]:
    return own_account(read(os.environ).gateway_url)


def _region() -> str:
    return os.environ.get("AWS_REGION", "us-east-1")
