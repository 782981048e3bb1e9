"""The store function's wiring: services on their adapters, and the routes of the developer portal's
contract.
"""

import os
from functools import cache
from typing import Any

import boto3
from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.store.routes import apis, applications, keys, policies, settings, subscriptions
from functions.store.token_endpoint import HttpTokenEndpoint
from functions.store.wiring import Wiring
from portico.clock import SystemClock
from portico.services.applications import Applications
from portico.services.browsing import Browsing
from portico.services.clients import Clients
from portico.services.keys import Keys
from portico.services.policies import Policies
from portico.services.removing import Removing
from portico.services.subscribing import Subscribing
from portico.settings import read
from portico.storage.documents import BucketDocuments
from portico.storage.records import DynamoRecords
from portico.web.callers import Callers
from portico.web.contract import contract
from portico.web.rest import rest_app
from portico.web.session import Sessions


CONTRACT = contract("devportal")
app = rest_app(
    [CONTRACT],
    [
        apis.router,
        applications.router,
        keys.router,
        subscriptions.router,
        policies.router,
        settings.router,
    ],
)


@cache
def records() -> DynamoRecords:
    return DynamoRecords(read(os.environ), _region())


@cache
def services() -> Wiring:
    known = read(os.environ)
    stored, clock = records(), SystemClock()
    documents = BucketDocuments(boto3.client("s3", region_name=_region()), known.bucket)
    clients = Clients(stored, clock)
    owned = Applications(stored, clock, Removing(stored, clients))
    return Wiring(
        browsing=Browsing(stored, documents, known.gateway_url),
        applications=owned,
        keys=Keys(stored, clock, owned, clients, HttpTokenEndpoint(known.gateway_url)),
        subscribing=Subscribing(stored, clock),
        policies=Policies(stored, clock),
        gateway_url=known.gateway_url,
    )


@cache
def callers() -> Callers:
    clock = SystemClock()
    sessions = Sessions(records(), clock, read(os.environ).secure_cookies)
    return Callers(records(), clock, sessions)


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """A request to the function's URL."""
    app.append_context(services=services(), callers=callers())
    return app.resolve(event, context)


def _region() -> str:
    return os.environ.get("AWS_REGION", "us-east-1")
