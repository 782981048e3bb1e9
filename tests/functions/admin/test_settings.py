"""`/settings` and `/system-scopes`, through the handler."""

import base64

import pytest

from tests.functions.admin.conftest import Client


def encoded(name: str) -> str:
    return base64.urlsafe_b64encode(name.encode()).decode().rstrip("=")


def test_settings_name_the_scopes_of_the_admin_api(client: Client) -> None:
    answer = client.rest("GET", "/settings")
    assert answer.status == 200
    assert {"apim:admin", "apim:tier_manage", "apim:admin_settings"} <= set(answer.json["scopes"])
    assert "apim:api_create" not in answer.json["scopes"]


def test_scopes_have_the_roles_that_may_have_them(client: Client) -> None:
    answer = client.rest("GET", "/system-scopes").json
    assert answer["count"] == len(answer["list"]) > 50
    scopes = {one["name"]: one for one in answer["list"]}
    assert scopes["apim:api_publish"]["roles"] == ["Internal/publisher", "admin"]
    assert scopes["apim:api_publish"]["tag"] == "publisher"
    assert scopes["apim:subscribe"]["tag"] == "devportal"
    assert scopes["apim:admin"]["roles"] == ["admin"]


@pytest.mark.parametrize(
    ("scope", "user", "status"),
    [
        ("apim:api_publish", "jane", 200),
        ("apim:api_publish", "jane@carbon.super", 200),
        ("apim:admin", "jane", 404),
        ("apim:admin", "admin", 200),
        ("apim:nothing", "admin", 404),
        ("apim:admin", "nobody", 404),
        ("apim:admin", "", 200),
    ],
)
def test_whether_a_user_may_have_a_scope(
    client: Client, scope: str, user: str, status: int
) -> None:
    query = f"username={user}" if user else ""
    answer = client.rest("GET", f"/system-scopes/{encoded(scope)}", query=query)
    assert answer.status == status
    if status == 200:
        assert answer.json == {"name": scope}


@pytest.mark.parametrize("text", ["a", "_w", "Zm9v%"])
def test_a_scope_that_is_not_encoded_is_refused(client: Client, text: str) -> None:
    assert client.rest("GET", f"/system-scopes/{text}").status in (400, 404)
    assert client.rest("PUT", "/system-scopes", {}).status == 501


def test_the_tenant_configuration_is_read_and_set(client: Client) -> None:
    name = "DeprecateOldVersions"
    assert client.rest("GET", "/tenant-config").json[name] is False
    changed = client.rest("PUT", "/tenant-config", {name: True})
    assert (changed.status, changed.json[name]) == (200, True)
    assert client.rest("GET", "/tenant-config").json[name] is True
    schema = client.rest("GET", "/tenant-config-schema").json
    assert schema["properties"][name]["type"] == "boolean"
    assert client.rest("PUT", "/tenant-config", {}).json[name] is False


@pytest.mark.parametrize(
    ("body", "field"),
    [({"Unknown": True}, "Unknown"), ({"DeprecateOldVersions": 1}, "DeprecateOldVersions")],
)
def test_a_setting_that_is_wrong_is_named(
    client: Client, body: dict[str, object], field: str
) -> None:
    answer = client.rest("PUT", "/tenant-config", body)
    assert answer.status == 400
    assert field in str(answer.json)
