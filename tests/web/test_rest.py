"""The REST toolkit, seen through a small app on the publisher's contract."""

import json
from dataclasses import dataclass
from typing import Any

import pytest
from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router
from pydantic import BaseModel, ConfigDict

from portico.domain.errors import InUse, NotFound, Stale, TooManyAttempts, Unauthenticated
from portico.domain.user import Caller
from portico.web.contract import contract
from portico.web.rest import (
    MAX_BODY,
    answer,
    body,
    caller,
    if_match,
    listed,
    multipart,
    operations,
    paging,
    rest_app,
)
from tests.events import REQUEST_ID, Context, function_url_event

BASE = "/api/am/publisher/v4"


class Pizza(BaseModel):
    """A body."""

    model_config = ConfigDict(extra="forbid", strict=True)
    name: str
    price: float = 1.0


@dataclass
class FixedCaller:
    """Callers that always find the same one."""

    caller: Caller | None

    def of(self, _: Any) -> Caller | None:
        return self.caller


VIEWER = Caller("carbon.super", "jane", ("Internal/creator",), frozenset({"apim:api_view"}))
EVERYTHING = Caller(
    "carbon.super", "jane", (), frozenset({"apim:api_view", "apim:api_create", "apim:api_delete"})
)


def send(event: dict[str, Any], who: Caller | None = EVERYTHING) -> tuple[int, Any, dict[str, str]]:
    router = Router()
    operation = operations(router, contract("publisher"))

    @operation("GET", "/apis")
    def list_apis() -> Response[str]:
        page = paging(router)
        return answer(listed([1], page, 60, "/apis", query="x"))

    @operation("POST", "/apis")
    def create() -> Response[str]:
        return answer(body(router, Pizza).model_dump(), 201)

    @operation("GET", "/apis/{apiId}")
    def show(api_id: str) -> Response[str]:
        raising = {
            "missing": NotFound("API", "missing"),
            "stale": Stale("old"),
            "used": InUse("used"),
            "slow": TooManyAttempts("wait", 30),
            "nobody": Unauthenticated("no"),
        }
        if api_id in raising:
            raise raising[api_id]
        if api_id == "bug":
            raise RuntimeError("secret detail")
        who = caller(router)
        return answer({"id": api_id, "user": who.user, "if": if_match(router)}, etag=7)

    @operation("POST", "/apis/import-openapi")
    def upload() -> Response[str]:
        parts = multipart(router)
        return answer({name: [part.filename, part.text] for name, part in parts.items()})

    app = rest_app([contract("publisher")], [router])
    app.append_context(callers=FixedCaller(who))
    result = app.resolve(event, Context())
    text = result.get("body") or "null"
    return result["statusCode"], json.loads(text), result["headers"]


def test_a_route_gets_its_parameters_in_snake_case_and_answers_an_etag() -> None:
    event = function_url_event("GET", f"{BASE}/apis/42", headers={"If-Match": '"5"'})
    status, found, headers = send(event)
    assert (status, found) == (200, {"id": "42", "user": "jane", "if": 5})
    assert headers["ETag"] == '"7"'


@pytest.mark.parametrize(
    ("id_", "status", "header"),
    [
        ("missing", 404, None),
        ("stale", 412, None),
        ("used", 409, None),
        ("slow", 429, ("Retry-After", "30")),
        ("nobody", 401, ("WWW-Authenticate", 'Bearer realm="portico"')),
    ],
)
def test_a_domain_error_becomes_the_contracts_body(
    id_: str, status: int, header: tuple[str, str] | None
) -> None:
    got, found, headers = send(function_url_event("GET", f"{BASE}/apis/{id_}"))
    assert got == status
    assert found.keys() == {"code", "message", "description", "moreInfo", "error"}
    if header:
        assert headers[header[0]] == header[1]


def test_an_unexpected_error_tells_the_request_id_and_nothing_else() -> None:
    status, found, _ = send(function_url_event("GET", f"{BASE}/apis/bug"))
    assert status == 500
    assert REQUEST_ID in found["description"]
    assert "secret" not in json.dumps(found)


def test_an_operation_that_is_not_there_answers_501_with_its_name() -> None:
    status, found, _ = send(function_url_event("GET", f"{BASE}/apis/42/documents"))
    assert status == 501
    assert "documents" in found["description"].lower()


def test_a_path_outside_the_contract_is_404() -> None:
    assert send(function_url_event("GET", f"{BASE}/nonsense"))[0] == 404
    assert send(function_url_event("GET", "/elsewhere"))[0] == 404


def test_nobody_is_401_and_a_missing_scope_is_401_with_its_names() -> None:
    assert send(function_url_event("GET", f"{BASE}/apis/1"), None)[0] == 401
    status, found, headers = send(function_url_event("POST", f"{BASE}/apis", body={}), VIEWER)
    assert status == 401
    assert found["code"] == 900910
    assert "apim:api_create" in found["description"]
    assert "insufficient_scope" in headers["WWW-Authenticate"]


BAD_BODIES = [
    ("", "body"),
    ("{", "body"),
    ("[1]", "body"),
    ('{"name": 5}', "name"),
    ('{"name": "x", "price": "1"}', "price"),
    ('{"name": "x", "colour": "red"}', "colour"),
    ('{"name": "x", "price": NaN}', "body"),
    ("[" * 100_000, "body"),
]


@pytest.mark.parametrize(("text", "field"), BAD_BODIES, ids=range(len(BAD_BODIES)))
def test_a_bad_body_is_400_and_names_the_field(text: str, field: str) -> None:
    status, found, _ = send(function_url_event("POST", f"{BASE}/apis", body=text))
    assert status == 400
    assert [problem["code"] for problem in found["error"]] == [field]


def test_a_body_that_is_not_utf8_is_400() -> None:
    status, _, _ = send(function_url_event("POST", f"{BASE}/apis", body=b'{"name": "\xff"}'))
    assert status == 400


def test_a_body_over_the_limit_is_413_and_says_what_to_do() -> None:
    event = function_url_event("POST", f"{BASE}/apis", body=b" " * (MAX_BODY + 1))
    status, found, _ = send(event)
    assert status == 413
    assert "/uploads" in found["description"]


def test_a_list_tells_its_neighbours() -> None:
    query = {"limit": "20", "offset": "20"}
    _, found, _ = send(function_url_event("GET", f"{BASE}/apis", query=query))
    assert found["count"] == 1
    assert found["pagination"] == {
        "offset": 20,
        "limit": 20,
        "total": 60,
        "next": "/apis?limit=20&offset=40&query=x",
        "previous": "/apis?limit=20&offset=0&query=x",
    }


@pytest.mark.parametrize(
    "query", [{"limit": "-1"}, {"limit": "x"}, {"limit": "1001"}, {"offset": "1.5"}]
)
def test_paging_out_of_range_is_400(query: dict[str, str]) -> None:
    status, found, _ = send(function_url_event("GET", f"{BASE}/apis", query=query))
    assert status == 400
    assert found["error"][0]["code"] in query


def test_a_multipart_form_is_read_with_its_file_names() -> None:
    form = (
        b'--b\r\nContent-Disposition: form-data; name="file"; filename="pizza.yaml"\r\n\r\n'
        b"openapi: 3.0.3\r\n--b\r\n"
        b'Content-Disposition: form-data; name="additionalProperties"\r\n\r\n{}\r\n--b--\r\n'
    )
    headers = {"content-type": "multipart/form-data; boundary=b"}
    event = function_url_event("POST", f"{BASE}/apis/import-openapi", body=form, headers=headers)
    status, found, _ = send(event)
    assert status == 200
    assert found == {"file": ["pizza.yaml", "openapi: 3.0.3"], "additionalProperties": ["", "{}"]}


@pytest.mark.parametrize(
    "kind", ["text/plain", "multipart/form-data", "multipart/form-data; boundary=zz"]
)
def test_a_form_that_is_none_is_400(kind: str) -> None:
    event = function_url_event(
        "POST", f"{BASE}/apis/import-openapi", body=b"--b\r\n", headers={"content-type": kind}
    )
    assert send(event)[0] == 400
