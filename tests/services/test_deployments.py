"""What a revision becomes on the gateway: credentials, scopes and what cannot be delivered."""

from dataclasses import replace
from typing import Any

import pytest

from portico.domain.api import Api, Resource, Revision
from portico.domain.errors import InvalidInput
from portico.domain.gateway import Deployment
from portico.domain.records import Create, Put
from portico.domain.tenant import Tenant
from portico.domain.user import Caller
from portico.services.deployments import Deployments, check_deliverable, compile
from portico.services.tenant_config import TenantConfig
from tests.fakes import FakeClock, FakeRecords

PIZZA = Api(
    tenant="carbon.super",
    id="pizza",
    name="Pizza",
    version="1.0",
    context="/pizza",
    provider="paula",
    production_endpoint="https://pizza.example",
)


def compiled(**changes: Any) -> Deployment:
    api = replace(PIZZA, **changes)
    revision = Revision(tenant=api.tenant, api_id=api.id, id="r", number=1, api=api)
    (deployment,) = compile(api, revision)
    return deployment


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        (None, ["oauth2"]),
        ([], ["oauth2"]),
        (["oauth2", "oauth_basic_auth_api_key_mandatory"], ["oauth2"]),
        (["oauth_basic_auth_api_key_mandatory"], ["oauth2"]),
        (["api_key", "oauth2"], ["oauth2", "api_key"]),
        (["basic_auth"], ["basic_auth"]),
        (["mutualssl", "api_key"], ["api_key"]),
        # What nobody checks admits nobody.
        (["mutualssl"], ["none"]),
    ],
)
def test_the_credentials_that_count(named: Any, expected: list[str]) -> None:
    assert compiled(extra={"securityScheme": named}).security == expected


@pytest.mark.parametrize("named", [["mutualssl"], ["oauth2", "mutualssl_mandatory"], ["magic"]])
def test_what_the_gateway_cannot_check_is_not_deployed(named: list[str]) -> None:
    with pytest.raises(InvalidInput) as refused:
        check_deliverable(replace(PIZZA, extra={"securityScheme": named}))
    assert [one.field for one in refused.value.problems] == ["securityScheme"]


def test_the_header_of_api_keys_and_the_audiences() -> None:
    found = compiled(extra={"apiKeyHeader": "X-Key", "audiences": ["shop"]})
    assert (found.api_key_header, found.audiences) == ("X-Key", ["shop"])
    found = compiled(extra={"apiKeyHeader": None, "audiences": None})
    assert (found.api_key_header, found.audiences) == ("", [])


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, ("X-Token", "X-Key")),
        ({"authorization_header": "authorization"}, ("X-Token", "X-Key")),
        ({"extra": {"apiKeyHeader": "ApiKey"}}, ("X-Token", "X-Key")),
        (
            {"authorization_header": "Own", "extra": {"apiKeyHeader": "Own-Key"}},
            ("Own", "Own-Key"),
        ),
    ],
)
def test_the_tenants_headers_are_for_apis_without_their_own(
    changes: dict[str, Any], expected: tuple[str, str]
) -> None:
    records = FakeRecords()
    config = TenantConfig(records, FakeClock())
    records.commit(Put(Tenant(tenant="carbon.super")))
    wanted = {"AuthorizationHeader": "X-Token", "ApiKeyHeader": "X-Key"}
    config.change(Caller("carbon.super", "admin"), wanted)
    api = replace(PIZZA, **changes)
    revision = Revision(tenant=api.tenant, api_id=api.id, id="r", number=1, api=api)
    made = Deployments(records).put(api, revision)[0]
    assert isinstance(made, Create)
    assert isinstance(made.record, Deployment)
    assert (made.record.authorization_header, made.record.api_key_header) == expected


@pytest.mark.parametrize("value", ["", "a b", "a\r\nb", 5, True, None, "x" * 101])
def test_what_is_no_header(value: Any) -> None:
    records = FakeRecords()
    with pytest.raises(InvalidInput) as refused:
        TenantConfig(records, FakeClock()).change(
            Caller("carbon.super", "admin"), {"ApiKeyHeader": value}
        )
    assert [one.field for one in refused.value.problems] == ["ApiKeyHeader"]


def test_a_resource_that_asks_for_all_scopes_says_so() -> None:
    rows = (Resource("/a", "GET", scopes=("x", "y")), Resource("/b", "GET", every_scope=True))
    one, all_ = compiled(resources=rows).resources
    assert one[3:] == [["x", "y"], "Unlimited"]
    assert all_[3:] == [[], "Unlimited", True]
