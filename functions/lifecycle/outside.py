"""What executions reach outside Portico, put together; no client is made before it is needed."""

import json
from functools import cache
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

from functions.lifecycle.executors.called_functions import Function
from functions.lifecycle.executors.eventbridge import EventBridge
from functions.lifecycle.executors.execution import Carrier, Execution
from functions.lifecycle.executors.notify import Notify
from functions.lifecycle.executors.plugins import PluginLayer
from functions.lifecycle.executors.topics import Topic
from functions.lifecycle.executors.webhook import Webhook
from functions.lifecycle.webhooks import GuardedPoster
from portico.domain.errors import Unavailable
from portico.gateway.mail import SesMailer
from portico.ports import Clock, Documents, Records
from portico.services.executing import NOTIFY
from portico.settings import Settings

if TYPE_CHECKING:
    from types_boto3_events import EventBridgeClient
    from types_boto3_lambda import LambdaClient
    from types_boto3_ses import SESClient
    from types_boto3_sns import SNSClient

# The outbox tries again; a second try of botocore's own would only hold up the others.
CONFIG = Config(connect_timeout=3, read_timeout=10, retries={"total_max_attempts": 2})
# One try: a function that takes long would be called twice. Whoever asked for the transition waits.
CALLS = Config(connect_timeout=3, read_timeout=12, retries={"total_max_attempts": 1})


def executions(
    settings: Settings, region: str, records: Records, documents: Documents, clock: Clock
) -> Execution:
    """The carriers of all standard executors, and the plug-in layer."""

    @cache
    def ses() -> "SESClient":
        return boto3.client("ses", region_name=region, config=CONFIG)

    @cache
    def events() -> "EventBridgeClient":
        return boto3.client("events", region_name=region, config=CONFIG)

    @cache
    def topics() -> "SNSClient":
        return boto3.client("sns", region_name=region, config=CONFIG)

    @cache
    def functions() -> "LambdaClient":
        return boto3.client("lambda", region_name=region, config=CALLS)

    @cache
    def webhook_key() -> bytes:
        if not settings.webhook_secret:
            raise Unavailable("There is no secret to sign webhooks with")
        client = boto3.client("secretsmanager", region_name=region, config=CONFIG)
        found = client.get_secret_value(SecretId=settings.webhook_secret)["SecretString"]
        return str(json.loads(found)["key"]).encode()

    carriers: dict[str, Carrier] = {
        NOTIFY: Notify(records, documents, clock, SesMailer(ses, settings.mail_sender)),
        "Webhook": Webhook(GuardedPoster(settings.allowed_backend_hosts), webhook_key, clock),
        "EventBridge": EventBridge(events),
        "SNS": Topic(topics),
        "Lambda": Function(functions),
    }
    return Execution(carriers, PluginLayer(settings.plugin_packages, documents))
