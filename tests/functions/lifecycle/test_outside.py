"""Executions that leave Portico, on the embedded AWS and a server of the test's own."""

import hashlib
import hmac
import io
import json
import socket
import threading
import time
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import boto3
import pytest
import urllib3

from functions.lifecycle.executors.execution import Execution, Job
from functions.lifecycle.executors.plugins import PluginLayer
from functions.lifecycle.outside import executions
from functions.lifecycle.webhooks import GuardedPoster
from portico.clock import SystemClock
from portico.domain.addresses import AddressRefused
from portico.domain.errors import NotFound, Unavailable
from portico.domain.operations import OutboxEntry
from portico.domain.records import Create
from portico.domain.user import User
from tests.conftest import REGION, Aws
from tests.fakes import FakeDocuments

TOLD = {
    "order": "1",
    "tenant": "carbon.super",
    "api": {"id": "pizza", "name": "Pizza", "version": "1.0.0", "context": "/p", "provider": "j"},
    "event": "Retire",
    "from": "DEPRECATED",
    "to": "RETIRED",
    "user": "jane",
    "comment": "",
    "at": 1_800_000_000_000,
}


def entry(executor: str, recipients: str = "", **parameters: str) -> OutboxEntry:
    payload = {
        "executor": executor,
        "parameters": parameters,
        "recipients": recipients,
        "transition": TOLD,
        "api_id": "pizza",
    }
    return OutboxEntry(
        tenant="carbon.super", order="1", id="run-1", kind="execution", payload=payload
    )


class Receiver(BaseHTTPRequestHandler):
    """Notes what it gets; behaves by its path."""

    got: list[tuple[str, dict[str, str], bytes]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.got.append((self.path, dict(self.headers), body))
        if self.path == "/drip":
            with suppress(OSError):
                for _ in range(50):
                    self.wfile.write(b"H")
                    self.wfile.flush()
                    time.sleep(0.05)
            return
        self.send_response({"/moved": 302, "/down": 503}.get(self.path, 204))
        self.send_header("Location", "/elsewhere")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def server() -> Iterator[tuple[str, list[tuple[str, dict[str, str], bytes]]]]:
    got: list[tuple[str, dict[str, str], bytes]] = []
    handler = type("Noting", (Receiver,), {"got": got})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        running.daemon_threads = True
        thread = threading.Thread(target=running.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{running.server_address[1]}", got
        running.shutdown()
        thread.join()


@pytest.fixture
def outside(aws: Aws) -> Execution:
    secrets = boto3.client("secretsmanager", region_name=REGION)
    made = secrets.create_secret(
        Name=f"hook-{time.time_ns()}", SecretString=json.dumps({"key": "k3y"})
    )
    secrets.close()
    settings = replace(aws.settings, mail_sender="portico@example.org", webhook_secret=made["ARN"])
    return executions(settings, REGION, aws.records, aws.documents, SystemClock())


def test_a_mail_goes_through_ses(aws: Aws, outside: Execution) -> None:
    client = boto3.client("ses", region_name=REGION)
    client.verify_email_identity(EmailAddress="portico@example.org")
    client.close()
    user = User(tenant="carbon.super", name="dan", id="d", password="-", email="dan@example.org")
    aws.records.commit(Create(user))
    people = json.dumps([{"user": "Dan", "applications": ["Phone"]}]).encode()
    aws.documents.write("carbon.super/people", people, "application/json")

    assert outside(entry("Notify", "carbon.super/people")) is True
    assert outside(entry("Notify", "carbon.super/people")) is True  # and not a second mail

    answer = urllib3.request("GET", f"{aws.url}/_ministack/ses/messages").json()
    mails = [one for one in _mails(answer) if "dan@example.org" in json.dumps(one)]
    assert len(mails) == 1
    assert "Pizza 1.0.0: Retire" in json.dumps(mails[0])


def _mails(answer: Any) -> list[Any]:
    return [one for account in answer["messages"].values() for one in account]


def test_without_a_sender_the_reason_names_the_parameter(aws: Aws) -> None:
    user = User(tenant="carbon.super", name="eve", id="e", password="-", email="eve@example.org")
    aws.records.commit(Create(user))
    people = json.dumps([{"user": "eve", "applications": ["Phone"]}]).encode()
    aws.documents.write("carbon.super/more", people, "application/json")
    bare = executions(aws.settings, REGION, aws.records, aws.documents, SystemClock())
    with pytest.raises(Unavailable, match="MailSender"):
        bare(entry("Notify", "carbon.super/more"))


def test_a_topic_gets_the_message(aws: Aws, outside: Execution) -> None:
    sns = boto3.client("sns", region_name=REGION)
    sqs = boto3.client("sqs", region_name=REGION)
    topic = sns.create_topic(Name="portico-hook-test")["TopicArn"]
    queue = sqs.create_queue(QueueName="portico-test")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn["QueueArn"])

    assert outside(entry("SNS", topic=topic)) is True

    (got,) = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=2)["Messages"]
    told = json.loads(json.loads(got["Body"])["Message"])
    assert (told["id"], told["event"], told["api"]["name"]) == ("run-1", "Retire", "Pizza")
    sns.close()
    sqs.close()


def test_an_event_reaches_the_bus(aws: Aws, outside: Execution) -> None:
    events = boto3.client("events", region_name=REGION)
    sqs = boto3.client("sqs", region_name=REGION)
    queue = sqs.create_queue(QueueName="portico-events")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]
    events.create_event_bus(Name="portico-hook-bus")
    events.put_rule(
        Name="all", EventBusName="portico-hook-bus", EventPattern='{"source": ["portico"]}'
    )
    events.put_targets(
        Rule="all", EventBusName="portico-hook-bus", Targets=[{"Id": "1", "Arn": arn["QueueArn"]}]
    )

    assert outside(entry("EventBridge", bus="portico-hook-bus")) is True

    (got,) = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=2)["Messages"]
    event = json.loads(got["Body"])
    assert event["detail-type"] == "API life cycle transition"
    assert (event["detail"]["id"], event["detail"]["event"]) == ("run-1", "Retire")
    events.close()
    sqs.close()


def test_an_event_that_the_bus_refuses_is_a_failure(outside: Execution) -> None:
    with pytest.raises(Unavailable, match="EventBridge: "):
        outside(entry("EventBridge", bus="arn:aws:events:no:such"))


def test_a_function_is_called_and_its_failure_is_ours(aws: Aws, outside: Execution) -> None:
    client = boto3.client("lambda", region_name=REGION)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(
            "hook.py",
            "def handler(event, context):\n"
            "    assert event['event'] == 'Retire' and event['id'] == 'run-1'\n"
            "    return 'fine'\n"
            "def failing(event, context):\n"
            "    raise ValueError('no')\n",
        )
    arns = {}
    for name in ("handler", "failing"):
        made = client.create_function(
            FunctionName=f"portico-hook-{name}",
            Runtime="python3.11",
            Role="arn:aws:iam::000000000000:role/any",
            Handler=f"hook.{name}",
            Code={"ZipFile": packed.getvalue()},
        )
        arns[name] = made["FunctionArn"]
    client.close()

    assert outside(entry("Lambda", function=arns["handler"])) is True
    with pytest.raises(Unavailable, match="The function failed"):
        outside(entry("Lambda", function=arns["failing"]))


def test_a_webhook_is_delivered_and_signed(
    outside: Execution, server: tuple[str, list[tuple[str, dict[str, str], bytes]]]
) -> None:
    url, got = server
    assert outside(entry("Webhook", url=f"{url}/hook?a=b")) is True
    ((path, headers, body),) = got
    signed = headers["X-Portico-Timestamp"].encode() + b"." + body
    expected = hmac.new(b"k3y", signed, hashlib.sha256).hexdigest()
    assert path == "/hook?a=b"
    assert headers["X-Portico-Signature"] == f"sha256={expected}"
    assert headers["X-Portico-Execution"] == json.loads(body)["id"] == "run-1"


@pytest.mark.parametrize(("path", "status"), [("/moved", "302"), ("/down", "503")])
def test_only_a_2xx_is_a_delivery(
    outside: Execution,
    server: tuple[str, list[tuple[str, dict[str, str], bytes]]],
    path: str,
    status: str,
) -> None:
    url, got = server
    with pytest.raises(Unavailable, match=status):
        outside(entry("Webhook", url=url + path))
    assert [one[0] for one in got] == [path]


def test_a_webhook_that_drips_or_hangs_is_cut_off(
    server: tuple[str, list[tuple[str, dict[str, str], bytes]]],
) -> None:
    url, _ = server
    poster = GuardedPoster(("127.0.0.1",), seconds=0.5)
    with pytest.raises(Unavailable, match="did not answer"):
        poster.post(f"{url}/drip", {}, b"{}")
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        with pytest.raises(Unavailable, match="did not answer"):
            poster.post(f"http://127.0.0.1:{silent.getsockname()[1]}/", {}, b"{}")


def test_a_webhook_may_not_reach_inside() -> None:
    with pytest.raises(AddressRefused):
        GuardedPoster(()).post("http://169.254.169.254/latest", {}, b"{}")


def test_a_plug_in_is_a_class_of_an_allowed_package(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "acme_hooks"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "mails.py").write_text(
        "calls = []\n"
        "class Notify:\n"
        "    def execute(self, transition, parameters):\n"
        "        calls.append((transition, parameters))\n"
        "class Other:\n"
        "    pass\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    documents = FakeDocuments({"people": b'[{"user": "dan", "applications": ["Phone"]}]'})
    layer = PluginLayer(("acme_hooks",), documents)
    execution = Execution({}, layer)

    assert execution.resolves("acme_hooks.mails.Notify")
    assert execution(entry("acme_hooks.mails.Notify", "people", colour="red")) is True
    from acme_hooks import mails  # type: ignore[import-not-found]

    ((transition, parameters),) = mails.calls
    assert parameters == {"colour": "red"}
    assert (transition["id"], transition["event"]) == ("run-1", "Retire")
    assert transition["recipients"] == [{"user": "dan", "applications": ["Phone"]}]
    for name in (
        "acme_hooks.mails.Other",
        "acme_hooks.mails.calls",
        "acme_hooks.nothing.Here",
        "os.system",
        "subprocess.Popen",
        "Unknown",
        "",
    ):
        assert not execution.resolves(name)
        with pytest.raises(NotFound):
            execution(entry(name))


def test_the_message_is_plain_json() -> None:
    job = Job("run-1", "carbon.super", {}, TOLD)
    assert json.loads(json.dumps(job.message)) == {"id": "run-1", **TOLD}
