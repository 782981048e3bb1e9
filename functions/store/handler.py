"""The store function's wiring: services on their adapters, and the routes of the developer portal's
contract.
"""

import os
from functools import cache
from typing import Any

import boto3
from aws_lambda_powertools.event_handler import LambdaFunctionUrlResolver
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.config import Config

from functions.store.pages import api_keys as api_key_pages
from functions.store.pages import apis as api_pages
from functions.store.pages import applications as application_pages
from functions.store.pages import keys as key_pages
from functions.store.pages.shown import PAGES
from functions.store.routes import (
    api_keys,
    apis,
    applications,
    keys,
    policies,
    revocations,
    settings,
    subscriptions,
)
from functions.store.token_endpoint import HttpTokenEndpoint
from functions.store.wiring import Wiring
from portico.clock import SystemClock
from portico.domain.tenant import SUPER_TENANT
from portico.domain.token_rules import TokenRules
from portico.gateway.token_function import TokenFunctionSigner
from portico.services.accounts import Accounts
from portico.services.api_keys import ApiKeys
from portico.services.applications import Applications
from portico.services.browsing import Browsing
from portico.services.clients import Clients
from portico.services.ending import Ending
from portico.services.keys import Keys
from portico.services.passwords import Passwords
from portico.services.policies import Policies
from portico.services.removing import Removing
from portico.services.subscribing import Subscribing
from portico.settings import read
from portico.storage.documents import BucketDocuments
from portico.storage.records import DynamoRecords
from portico.web.callers import Callers
from portico.web.contract import contract
from portico.web.pages import own_account, sign_in_routes
from portico.web.rest import rest_app
from portico.web.session import Sessions

ROUTES = (api_keys, apis, applications, keys, subscriptions, revocations, policies, settings)


@cache
def app() -> LambdaFunctionUrlResolver:
    accounts = Accounts(records(), SystemClock(), Passwords())
    sign_in = sign_in_routes(PAGES, sessions(), accounts.sign_in, _ways)
    pages = [
        api_pages.router,
        application_pages.router,
        key_pages.router,
        api_key_pages.router,
        sign_in,
    ]
    return rest_app([contract("devportal")], [*(one.router for one in ROUTES), *pages], PAGES.error)


@cache
def records() -> DynamoRecords:
    return DynamoRecords(read(os.environ), _region())


@cache
def services() -> Wiring:
    known = read(os.environ)
    stored, clock = records(), SystemClock()
    documents = BucketDocuments(boto3.client("s3", region_name=_region()), known.bucket)
    clients = Clients(stored, clock)
    # One try: a key that was signed and not answered is asked for again by whoever wants it.
    patience = Config(read_timeout=20, connect_timeout=3, retries={"total_max_attempts": 1})
    functions = boto3.client("lambda", region_name=_region(), config=patience)
    signer = TokenFunctionSigner(functions, known.token_function)
    owned = Applications(stored, clock, Removing(stored, clients))
    return Wiring(
        browsing=Browsing(stored, documents, known.gateway_url),
        applications=owned,
        keys=Keys(stored, clock, owned, clients, HttpTokenEndpoint(known.gateway_url)),
        api_keys=ApiKeys(stored, clock, owned, signer),
        subscribing=Subscribing(stored, clock),
        ending=Ending(stored, clock),
        policies=Policies(stored, clock),
        gateway_url=known.gateway_url,
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


def _ways() -> dict[str, str]:
    gateway = read(os.environ).gateway_url
    rules = records().get(TokenRules, tenant=SUPER_TENANT)
    sign_up = {"Create an account": f"{gateway}/oauth2/sign-up"} if rules and rules.sign_up else {}
    return {**own_account(gateway), **sign_up}


def _region() -> str:
    return os.environ.get("AWS_REGION", "us-east-1")
