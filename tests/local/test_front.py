"""The gateway and the function URLs on loopback behave as API Gateway and Lambda do."""

import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from tests.local.conftest import Platform
from tools.local.client import Http

NOT_FOUND = b'{"message":"Not Found"}'


def event_of(answer: Any) -> Any:
    return answer.expect(200).json["event"]


def test_the_path_arrives_decoded_and_ends_at_an_encoded_question_mark(platform: Platform) -> None:
    event = event_of(platform.gateway("/open/a%20b/c%3Fd=1?x=%20"))
    assert event["rawPath"] == "/open/a b/c"
    assert event["pathParameters"] == {"proxy": "a b/c"}
    assert event["rawQueryString"] == "x=%20"
    assert event["routeKey"] == "ANY /open/{proxy+}"
    host = platform.endpoints["gateway"].partition("//")[2]
    assert event["headers"]["host"] == event["requestContext"]["domainName"] == host


def test_a_trailing_slash_stays(platform: Platform) -> None:
    assert event_of(platform.gateway("/open/a/"))["rawPath"] == "/open/a/"


def test_the_function_runs_under_its_alias(platform: Platform) -> None:
    assert platform.gateway("/open/a").json["arn"].endswith(":function:small-echo:live")


def test_what_no_route_takes_is_not_found(platform: Platform) -> None:
    answer = platform.gateway("/nowhere")
    assert (answer.status, answer.body) == (404, NOT_FOUND)
    assert answer.headers["apigw-requestid"]


def test_options_passes_to_the_function_when_there_is_no_cors_configuration(
    platform: Platform,
) -> None:
    event = event_of(platform.gateway("/open/a", "OPTIONS"))
    assert event["requestContext"]["http"]["method"] == "OPTIONS"


@pytest.mark.parametrize(
    ("guard", "status", "message"),
    [
        ("no", 403, "Forbidden"),
        ("unauthorized", 401, "Unauthorized"),
        ("fail", 500, "Internal Server Error"),
    ],
)
def test_a_refusal_of_the_authorizer(
    platform: Platform, guard: str, status: int, message: str
) -> None:
    answer = platform.gateway("/guarded/a", headers={"X-Guard": guard})
    assert (answer.status, answer.json) == (status, {"message": message})


def test_the_authorizers_context_reaches_the_function(platform: Platform) -> None:
    event = event_of(platform.gateway("/guarded/a", headers={"X-Guard": "yes"}))
    context = event["requestContext"]["authorizer"]["lambda"]
    assert context == {"who": "a caller", "number": 5, "yes": True, "event": "REQUEST"}


@pytest.mark.parametrize("do", ["fail", "exit", "large"])
def test_a_functions_error_is_a_500_without_its_message(platform: Platform, do: str) -> None:
    answer = platform.gateway("/open/a", headers={"X-Do": do})
    assert (answer.status, answer.json) == (500, {"message": "Internal Server Error"})


def test_a_function_out_of_time_is_unavailable(platform: Platform) -> None:
    answer = platform.gateway("/open/a", headers={"X-Do": "sleep"})
    assert (answer.status, answer.json) == (503, {"message": "Service Unavailable"})


def test_binary_answers_are_decoded(platform: Platform) -> None:
    for answer in (
        platform.gateway("/open/a", headers={"X-Do": "binary"}),
        platform.url("/a", headers={"X-Do": "binary"}),
    ):
        assert answer.body == bytes(range(256))


@pytest.mark.parametrize(
    ("size", "status"), [(1_000_000, 200), (7 * 1024 * 1024, 413), (11 * 1024 * 1024, 413)]
)
def test_bodies_have_awss_limits(platform: Platform, size: int, status: int) -> None:
    """10 MB at an HTTP API, 6 MB at Lambda; text counts as it is."""
    headers = {"Content-Type": "text/plain", "X-Do": "plain"}
    assert platform.gateway("/open/a", "POST", body=b"x" * size, headers=headers).status == status
    assert platform.url("/a", "POST", body=b"x" * size, headers=headers).status == status


def test_base64_counts_towards_lambdas_limit(platform: Platform) -> None:
    body, headers = b"x" * (5 * 1024 * 1024), {"Content-Type": "application/zip"}
    assert platform.gateway("/open/a", "POST", body=body, headers=headers).status == 413


def test_headers_over_10_kb_are_refused(platform: Platform) -> None:
    assert platform.gateway("/open/a", headers={"X-A": "x" * 9_000}).status == 200
    assert platform.gateway("/open/a", headers={"X-A": "x" * 10_241}).status == 431


def test_a_function_url_hands_the_path_over_as_sent(platform: Platform) -> None:
    event = event_of(platform.url("/a%20b/c%2Fd/"))
    assert event["rawPath"] == "/a%20b/c%2Fd/"
    assert event["routeKey"] == "$default"
    assert event["requestContext"]["accountId"] == "anonymous"


def test_a_function_urls_error_is_a_502_without_its_message(platform: Platform) -> None:
    answer = platform.url("/a", headers={"X-Do": "fail"})
    assert answer.status == 502
    assert b"secret" not in answer.body


def test_calls_run_beside_each_other(platform: Platform) -> None:
    statuses: list[int] = []

    def call() -> None:
        statuses.append(platform.gateway("/guarded/a", headers={"X-Guard": "yes"}).status)

    threads = [threading.Thread(target=call) for _ in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 30


@pytest.fixture
def passed_through(platform: Platform) -> Iterator[Http]:
    """A route made at run time, to the demo back end, with what the authorizer says in a header."""
    gateway = platform.aws("apigatewayv2")
    api = platform.physical("HttpApi")
    integration = gateway.create_integration(
        ApiId=api,
        IntegrationType="HTTP_PROXY",
        IntegrationMethod="ANY",
        IntegrationUri=f"{platform.endpoints['backend']}/echo/{{proxy}}",
        PayloadFormatVersion="1.0",
        RequestParameters={"overwrite:header.X-JWT-Assertion": "$context.authorizer.who"},
    )["IntegrationId"]
    authorizer = gateway.get_authorizers(ApiId=api)["Items"][0]["AuthorizerId"]
    route = gateway.create_route(
        ApiId=api,
        RouteKey="ANY /through/{proxy+}",
        AuthorizationType="CUSTOM",
        AuthorizerId=authorizer,
        Target=f"integrations/{integration}",
    )["RouteId"]
    yield Http(platform.endpoints["gateway"])
    gateway.delete_route(ApiId=api, RouteId=route)
    gateway.delete_integration(ApiId=api, IntegrationId=integration)


def test_a_route_made_at_run_time_passes_calls_through(passed_through: Http) -> None:
    answer = passed_through.call(
        "POST",
        "/through/a%20b/c?x=1&x=%2F",
        body=b"\x00\x01",
        headers={"X-Guard": "yes", "X-JWT-Assertion": "forged", "Authorization": "Bearer t"},
    ).expect(200)
    assert answer.headers["x-pizza-shop"] == "demo"
    received = answer.json["_received"]
    assert received["method"] == "POST"
    assert received["path"] == "/echo/a%20b/c"
    assert received["query"] == {"x": ["1", "/"]}
    assert received["headers"]["x-jwt-assertion"] == "a caller"
    assert received["headers"]["authorization"] == "Bearer t"
    assert received["body"] == "\x00\x01"
    assert "127.0.0.1" in received["headers"]["forwarded"]


def test_a_refused_call_is_not_passed_through(passed_through: Http) -> None:
    assert passed_through.get("/through/a", headers={"X-Guard": "no"}).status == 403


def test_a_back_ends_status_is_passed_on(passed_through: Http) -> None:
    assert passed_through.get("/through/a?status=418", headers={"X-Guard": "yes"}).status == 418


def test_an_unreachable_back_end_is_unavailable(platform: Platform, passed_through: Http) -> None:
    gateway = platform.aws("apigatewayv2")
    api = platform.physical("HttpApi")
    route = next(
        r
        for r in gateway.get_routes(ApiId=api)["Items"]
        if r["RouteKey"].endswith("/through/{proxy+}")
    )
    integration = route["Target"].rpartition("/")[2]
    gateway.update_integration(
        ApiId=api, IntegrationId=integration, IntegrationUri="http://127.0.0.1:1/{proxy}"
    )
    answer = passed_through.get("/through/a", headers={"X-Guard": "yes"})
    assert (answer.status, json.loads(answer.body)) == (503, {"message": "Service Unavailable"})


def test_a_deleted_route_answers_no_more(platform: Platform) -> None:
    assert platform.gateway("/through/a", headers={"X-Guard": "yes"}).status == 404
