"""The deployment's custom resource against the embedded AWS; CloudFormation listens on loopback."""

import json
import os
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import boto3
import pytest

from functions.bootstrap import answering, handler
from functions.token import handler as token
from portico.clock import SystemClock
from portico.domain.errors import InvalidInput, Unavailable
from portico.domain.gateway import PolicyTable, PublicKeys
from portico.domain.operations import Lease
from portico.domain.policy import Policy
from portico.domain.records import Discard
from portico.domain.user import ROLES, User
from portico.services.outbox import Outbox, enqueue
from portico.services.passwords import Passwords
from tests.conftest import Aws

TENANT = "carbon.super"
PASSWORD = "correct horse battery staple"


@dataclass
class Context:
    """What the function needs of Lambda's context."""

    seconds: float = 60.0
    function_name: str = "bootstrap"
    memory_limit_in_mb: int = 512
    invoked_function_arn: str = "arn:aws:lambda:us-east-1:000000000000:function:bootstrap"
    aws_request_id: str = "00000000-0000-0000-0000-000000000001"

    def get_remaining_time_in_millis(self) -> int:
        return int(self.seconds * 1000)


@dataclass
class CloudFormation:
    """Takes answers at a ResponseURL; `failures` are statuses to give before it takes one."""

    url: str = ""
    failures: list[int] = field(default_factory=list)
    answers: list[dict[str, Any]] = field(default_factory=list)
    content_types: list[str | None] = field(default_factory=list)

    def event(self, request: str, **more: str) -> dict[str, Any]:
        return {
            "RequestType": request,
            "ResponseURL": f"{self.url}/answer?Signature=a%2Fb",
            "StackId": "arn:aws:cloudformation:us-east-1:000000000000:stack/portico/1",
            "RequestId": f"{request}-1",
            "ResourceType": "Custom::Bootstrap",
            "LogicalResourceId": "Bootstrap",
            "ResourceProperties": {},
            **more,
        }


@pytest.fixture
def cloudformation() -> Iterator[CloudFormation]:
    taken = CloudFormation()

    class Taker(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"]))
            status = taken.failures.pop(0) if taken.failures else 200
            if status == 200:
                taken.answers.append(json.loads(content))
                taken.content_types.append(self.headers.get("Content-Type"))
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Taker)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    taken.url = f"http://127.0.0.1:{server.server_port}"
    yield taken
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def token_function() -> Iterator[None]:
    """Lambda with the token function in it: its handler is called as an invocation would."""

    class Lambda(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            event = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            named = self.path == "/2015-03-31/functions/portico-token%3Alive/invocations"
            try:
                told = token.handler(event, Context()) if named else {}  # type: ignore[arg-type]
                failed = ""
            except Exception as exc:
                told, failed = (
                    {"errorType": type(exc).__name__, "errorMessage": str(exc)},
                    "Unhandled",
                )
            content = json.dumps(told).encode()
            self.send_response(200)
            if failed:
                self.send_header("X-Amz-Function-Error", failed)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Lambda)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    os.environ["AWS_ENDPOINT_URL_LAMBDA"] = f"http://127.0.0.1:{server.server_port}"
    os.environ["PORTICO_TOKEN_FUNCTION"] = "portico-token:live"
    yield
    del os.environ["AWS_ENDPOINT_URL_LAMBDA"], os.environ["PORTICO_TOKEN_FUNCTION"]
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def secrets(
    aws: Aws, token_function: None, request: pytest.FixtureRequest
) -> Iterator[dict[str, str]]:
    """Secrets as the template makes them: those for keys have no value yet."""
    client = boto3.client("secretsmanager", region_name="us-east-1")
    marks = f"{aws.settings.bucket}-{request.node.name}"
    names = {
        "PORTICO_ACCESS_TOKEN_SECRET": client.create_secret(Name=f"{marks}-access")["ARN"],
        "PORTICO_BACKEND_JWT_SECRET": client.create_secret(Name=f"{marks}-backend")["ARN"],
        "PORTICO_ADMIN_SECRET": client.create_secret(Name=f"{marks}-admin", SecretString=PASSWORD)[
            "ARN"
        ],
        "PORTICO_ADMIN_USER": "admin",
    }
    os.environ.update(names)
    _forget()
    yield names
    _forget()
    for name in names:
        os.environ.pop(name)
    client.close()


def _forget() -> None:
    token.settings.cache_clear()
    token.wiring.cache_clear()
    token._secrets.cache_clear()
    handler.settings.cache_clear()
    handler.keys.cache_clear()
    handler.vault.cache_clear()
    handler.records.cache_clear()
    handler.routes.cache_clear()


def call(event: dict[str, Any], seconds: float = 60.0) -> dict[str, Any]:
    return handler.handler(event, Context(seconds))  # type: ignore[arg-type] # the fake context


def test_create_makes_everything_and_says_so(
    aws: Aws, secrets: dict[str, str], cloudformation: CloudFormation
) -> None:
    call(cloudformation.event("Create"))

    [answer] = cloudformation.answers
    assert answer["Status"] == "SUCCESS", answer
    assert answer["RequestId"] == "Create-1"
    assert answer["LogicalResourceId"] == "Bootstrap"
    assert answer["PhysicalResourceId"] == "portico-bootstrap"
    # The presigned URL is signed for an empty content type.
    assert not cloudformation.content_types[0]
    assert PASSWORD not in json.dumps(answer)

    admin = aws.records.get(User, tenant=TENANT, name="admin")
    assert admin is not None
    assert admin.roles == ROLES
    assert admin.password.startswith("$argon2id$")
    assert Passwords().verify(admin.password, PASSWORD)
    assert len(aws.records.list(Policy, tenant=TENANT)) == 14
    table = aws.records.get(PolicyTable, tenant=TENANT)
    assert table is not None
    assert table.policies["subscription"]["Bronze"] == _limited(1000, 60)
    public = aws.records.get(PublicKeys, tenant="*")
    assert public is not None
    assert len(public.keys) == 3


def test_an_update_changes_nothing_and_keeps_the_physical_id(
    aws: Aws, secrets: dict[str, str], cloudformation: CloudFormation
) -> None:
    call(cloudformation.event("Create"))
    admin = aws.records.get(User, tenant=TENANT, name="admin")
    public = aws.records.get(PublicKeys, tenant="*")

    call(cloudformation.event("Update", PhysicalResourceId="from-an-older-release"))

    assert [answer["Status"] for answer in cloudformation.answers] == ["SUCCESS", "SUCCESS"]
    assert cloudformation.answers[1]["PhysicalResourceId"] == "from-an-older-release"
    assert cloudformation.answers[1]["Data"] == {
        "Tenant": TENANT,
        "NewKeys": "",
        "AdminMade": "false",
    }
    assert aws.records.get(User, tenant=TENANT, name="admin") == admin
    assert aws.records.get(PublicKeys, tenant="*") == public


@pytest.fixture
def http_api(aws: Aws, secrets: dict[str, str]) -> Iterator[str]:
    """An HTTP API with an authorizer, and one route and integration of the template."""
    client = boto3.client("apigatewayv2", region_name="us-east-1")
    api_id = client.create_api(Name="portico", ProtocolType="HTTP")["ApiId"]
    authorizer_id = client.create_authorizer(
        ApiId=api_id,
        AuthorizerType="REQUEST",
        Name="authorizer",
        IdentitySource=[],
        AuthorizerUri="arn:aws:lambda:us-east-1:000000000000:function:authorizer",
        AuthorizerPayloadFormatVersion="2.0",
    )["AuthorizerId"]
    integration = client.create_integration(
        ApiId=api_id,
        IntegrationType="AWS_PROXY",
        IntegrationUri="arn:aws:lambda:us-east-1:000000000000:function:gateway",
        PayloadFormatVersion="2.0",
    )["IntegrationId"]
    client.create_route(ApiId=api_id, RouteKey="$default", Target=f"integrations/{integration}")
    os.environ.update({"PORTICO_HTTP_API_ID": api_id, "PORTICO_AUTHORIZER_ID": authorizer_id})
    _forget()
    yield api_id
    # The tables are others' too, and the deletion that was played here is none of theirs.
    aws.records.commit(Discard(Lease(tenant="*", name="outbox", holder="", until=0)))
    for name in ("PORTICO_HTTP_API_ID", "PORTICO_AUTHORIZER_ID"):
        os.environ.pop(name)
    client.close()


def test_delete_removes_run_time_routes_and_no_others(
    aws: Aws, http_api: str, cloudformation: CloudFormation
) -> None:
    for number in range(3):
        handler.routes().ensure(
            TENANT, f"api{number}", f"/shop{number}/1.0", "https://example.com/shop"
        )
    client = boto3.client("apigatewayv2", region_name="us-east-1")
    assert len(client.get_routes(ApiId=http_api)["Items"]) == 7

    call(cloudformation.event("Delete", PhysicalResourceId="portico-bootstrap"))
    # CloudFormation may ask again.
    call(cloudformation.event("Delete", PhysicalResourceId="portico-bootstrap"))

    assert [answer["Status"] for answer in cloudformation.answers] == ["SUCCESS", "SUCCESS"]
    assert cloudformation.answers[0]["Data"] == {"RoutesRemoved": "6"}
    assert cloudformation.answers[1]["Data"] == {"RoutesRemoved": "0"}
    keys = [route["RouteKey"] for route in client.get_routes(ApiId=http_api)["Items"]]
    assert keys == ["$default"]
    assert len(client.get_integrations(ApiId=http_api)["Items"]) == 1
    client.close()


def test_nobody_makes_the_routes_again_while_the_stack_is_deleted(
    aws: Aws, http_api: str, cloudformation: CloudFormation
) -> None:
    outbox = Outbox(aws.records, SystemClock(), {"late": lambda entry: True})
    entry = enqueue(aws.records, SystemClock(), "deleted.example", "late", {})
    aws.records.commit(entry)
    call(cloudformation.event("Delete", PhysicalResourceId="portico-bootstrap"))

    worked = outbox.work(time.time() + 5, "deleted.example")

    assert (worked.busy, worked.done) == (True, [])
    aws.records.commit(Discard(Lease(tenant="*", name="outbox", holder="", until=0)))
    assert len(outbox.work(time.time() + 5, "deleted.example").done) == 1


def test_delete_leaves_keys_users_and_policies_alone(
    aws: Aws, http_api: str, cloudformation: CloudFormation
) -> None:
    call(cloudformation.event("Create"))
    before = aws.records.get(PublicKeys, tenant="*"), aws.records.list(User, tenant=TENANT)
    call(cloudformation.event("Delete", PhysicalResourceId="portico-bootstrap"))
    assert cloudformation.answers[1]["Status"] == "SUCCESS"
    after = aws.records.get(PublicKeys, tenant="*"), aws.records.list(User, tenant=TENANT)
    assert after == before


@pytest.mark.parametrize("api_id", ["", "gone"])
def test_delete_succeeds_where_nothing_can_be_in_the_way(
    api_id: str, aws: Aws, http_api: str, cloudformation: CloudFormation
) -> None:
    os.environ["PORTICO_HTTP_API_ID"] = api_id
    _forget()
    call(cloudformation.event("Delete", PhysicalResourceId="portico-bootstrap"))
    assert cloudformation.answers[0]["Status"] == "SUCCESS", cloudformation.answers


def test_delete_fails_with_a_reason_when_routes_stay(
    aws: Aws, http_api: str, cloudformation: CloudFormation, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: Any) -> int:
        raise Unavailable("API Gateway did not accept the change")

    monkeypatch.setattr("portico.gateway.routes.HttpApiRoutes.remove_all", refused)
    call(cloudformation.event("Delete", PhysicalResourceId="portico-bootstrap"))
    [answer] = cloudformation.answers
    assert answer["Status"] == "FAILED"
    assert "API Gateway" in answer["Reason"]


def test_a_direct_call_does_the_same(aws: Aws, secrets: dict[str, str]) -> None:
    answer = call({"request": "bootstrap"})
    assert answer["ok"]["Tenant"] == TENANT
    assert aws.records.get(PublicKeys, tenant="*") is not None


@pytest.mark.parametrize("event", [{}, {"request": "destroy"}, {"request": None}])
def test_another_direct_call_is_refused(event: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        call(event)


@pytest.mark.parametrize(
    ("secret", "expected"),
    [
        ('{"username": "admin", "password": "pa\\"ss"}', 'pa"ss'),
        ("plain text", "plain text"),
        ("12345678", "12345678"),
        ('["a", "list"]', '["a", "list"]'),
    ],
    ids=["json", "plain", "number", "list"],
)
def test_the_password_is_the_secrets_text_or_its_field(
    secret: str, expected: str, aws: Aws, secrets: dict[str, str]
) -> None:
    name = f"root{abs(hash(secret)) % 10**6}"
    os.environ["PORTICO_ADMIN_USER"] = name
    _put("PORTICO_ADMIN_SECRET", secret)
    call({"request": "bootstrap"})
    user = aws.records.get(User, tenant=TENANT, name=name)
    assert user is not None
    assert Passwords().verify(user.password, expected)


@pytest.mark.parametrize("secret", ['{"username": "admin"}', '{"password": ""}', '{"password": 7}'])
def test_no_password_no_administrator(
    secret: str, aws: Aws, secrets: dict[str, str], cloudformation: CloudFormation
) -> None:
    os.environ["PORTICO_ADMIN_USER"] = "nobody"
    _put("PORTICO_ADMIN_SECRET", secret)
    call(cloudformation.event("Create"))
    [answer] = cloudformation.answers
    assert answer["Status"] == "FAILED"
    assert "password" in answer["Reason"]
    assert aws.records.get(User, tenant=TENANT, name="nobody") is None


def test_a_failure_is_told_with_its_reason(
    aws: Aws, secrets: dict[str, str], cloudformation: CloudFormation
) -> None:
    _put("PORTICO_ACCESS_TOKEN_SECRET", "something else")
    call(cloudformation.event("Create"))
    [answer] = cloudformation.answers
    assert answer["Status"] == "FAILED"
    assert "signing keys" in answer["Reason"]
    assert "something else" not in answer["Reason"]
    # CloudFormation then deletes the resource, by the id that this answer gives.
    assert answer["PhysicalResourceId"] == "portico-bootstrap"


def test_work_that_hangs_is_given_up_in_time(cloudformation: CloudFormation) -> None:
    release = threading.Event()

    def hang() -> dict[str, Any]:
        release.wait(30)
        return {}

    began = time.monotonic()
    answering.answered(cloudformation.event("Create"), "id", answering.MARGIN + 0.2, hang)
    release.set()
    assert time.monotonic() - began < 5
    [answer] = cloudformation.answers
    assert answer["Status"] == "FAILED"
    assert "not done within" in answer["Reason"]


def test_a_long_reason_is_cut(cloudformation: CloudFormation) -> None:
    def fail() -> dict[str, Any]:
        raise RuntimeError("x" * 100_000)

    answering.answered(cloudformation.event("Create"), "id", 60, fail)
    assert len(cloudformation.answers[0]["Reason"]) == answering.MAX_REASON


def test_an_answer_that_is_not_taken_is_given_again(cloudformation: CloudFormation) -> None:
    cloudformation.failures = [503, 500]
    answering.answered(cloudformation.event("Create"), "id", 60, dict)
    assert [answer["Status"] for answer in cloudformation.answers] == ["SUCCESS"]


def test_an_answer_that_is_refused_fails_the_call(cloudformation: CloudFormation) -> None:
    cloudformation.failures = [403]
    with pytest.raises(ConnectionError):
        answering.answered(cloudformation.event("Create"), "id", 60, dict)


def _put(variable: str, value: str) -> None:
    client = boto3.client("secretsmanager", region_name="us-east-1")
    client.put_secret_value(SecretId=os.environ[variable], SecretString=value)
    client.close()
    _forget()


def test_keys_are_rotated_at_once_by_a_direct_call(aws: Aws, secrets: dict[str, str]) -> None:
    call({"request": "bootstrap"})
    assert call({"request": "keys"}) == {"ok": {"NewKeys": ""}}
    time.sleep(1.1)  # a key that began in this very second is no older than the next
    new = call({"request": "rotate-keys"})["ok"]["NewKeys"].split(",")
    public = aws.records.get(PublicKeys, tenant="*")
    assert public is not None
    assert len(new) == 3
    assert set(new) < {jwk["kid"] for jwk in public.keys}
    assert len(public.access) == 2


def test_the_deployment_does_not_read_the_keys_of_access_tokens(
    aws: Aws, secrets: dict[str, str]
) -> None:
    call({"request": "bootstrap"})
    read: list[str] = []
    vault = handler.vault()
    client = boto3.client("secretsmanager", region_name="us-east-1")
    client.meta.events.register(
        "before-parameter-build.secretsmanager.*",
        lambda params, **_: read.append(params["SecretId"]),
    )
    object.__setattr__(vault, "client", client)
    call({"request": "rotate-keys"})
    assert set(read) == {secrets["PORTICO_BACKEND_JWT_SECRET"]}
    client.close()


def _limited(calls: int, seconds: int) -> dict[str, object]:
    """A policy in the authorizer's table."""
    limit = {"kind": "requests", "amount": calls, "seconds": seconds}
    return {"limit": limit, "stop": True}
