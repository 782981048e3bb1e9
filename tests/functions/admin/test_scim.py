"""Users by SCIM 2.0, through the handler."""

import json
import uuid
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from portico.domain.operations import AuditEntry
from portico.domain.user import User
from portico.services.passwords import Passwords
from tests.conftest import Aws
from tests.functions.admin.conftest import HOST, PASSWORD, TENANT, Answer, Client, basic

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"
LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
SECRET = "a secret of eight"


def draft(**more: Any) -> dict[str, Any]:
    name = f"u{uuid.uuid4().hex[:8]}"
    return {"schemas": [USER], "userName": name, "password": SECRET, **more}


def create(client: Client, **more: Any) -> Answer:
    return client.call("POST", "/scim2/Users", draft(**more))


def listed(client: Client, **parameters: str) -> Any:
    answer = client.call("GET", "/scim2/Users", query=urlencode(parameters))
    assert answer.status == 200, answer.text
    return answer.json


def assert_error(answer: Answer, status: int, scim_type: str = "") -> None:
    """RFC 7644 section 3.12: status as text, and the type where there is one."""
    assert answer.status == status, answer.text
    assert answer.headers["content-type"] == "application/scim+json"
    assert answer.json["schemas"] == [ERROR]
    assert answer.json["status"] == str(status)
    assert answer.json["detail"]
    assert answer.json.get("scimType", "") == scim_type


def test_a_users_life(client: Client, aws: Aws) -> None:
    body = draft(
        name={"givenName": "Ann", "familyName": "Lee"},
        emails=[{"value": "x@example.com"}, {"value": "ann@example.com", "primary": True}],
        roles=[{"value": "Internal/creator"}, {"value": "Internal/publisher"}],
    )
    made = client.call("POST", "/scim2/Users", body)
    assert made.status == 201, made.text
    assert made.headers["content-type"] == "application/scim+json"
    user_id = made.json["id"]
    assert made.headers["location"] == f"https://{HOST}/scim2/Users/{user_id}"
    assert made.json["meta"]["location"] == made.headers["location"]
    assert made.json["userName"] == body["userName"]
    assert made.json["name"] == {"givenName": "Ann", "familyName": "Lee", "formatted": "Ann Lee"}
    assert made.json["emails"] == [{"value": "ann@example.com", "primary": True, "type": "work"}]
    assert made.json["active"] is True
    roles = ["Internal/creator", "Internal/publisher", "Internal/everyone"]
    assert [one["value"] for one in made.json["roles"]] == roles

    shown = client.call("GET", f"/scim2/Users/{user_id}")
    assert (shown.status, shown.json) == (200, made.json)

    stored = aws.records.get(User, tenant=TENANT, name=body["userName"])
    assert stored is not None
    assert Passwords().verify(stored.password, SECRET)

    assert client.call("DELETE", f"/scim2/Users/{user_id}").status == 204
    assert_error(client.call("GET", f"/scim2/Users/{user_id}"), 404)
    assert_error(client.call("DELETE", f"/scim2/Users/{user_id}"), 404)
    assert aws.records.get(User, tenant=TENANT, name=body["userName"]) is None


def test_a_password_is_never_shown_nor_audited(client: Client, aws: Aws) -> None:
    made = create(client)
    answers = [
        made,
        client.call("GET", f"/scim2/Users/{made.json['id']}", query="attributes=password,userName"),
        client.call("GET", "/scim2/Users", query="attributes=password"),
        create(client, password=SECRET, userName=made.json["userName"]),
    ]
    for answer in answers:
        assert SECRET not in answer.text
        assert "argon2" not in answer.text
        assert '"password"' not in answer.text
    found = aws.records.list(AuditEntry, tenant=TENANT, day=_today())
    assert any(entry.subject == made.json["userName"] for entry in found)
    assert SECRET not in str(found)
    assert "argon2" not in str(found)


def _today() -> str:
    from datetime import UTC, datetime

    return datetime.now(UTC).date().isoformat()


@pytest.mark.parametrize(
    "more",
    [
        {"roles": [{"value": "Internal/publisher"}, {"value": "reviewer"}]},
        {"groups": [{"value": "Internal/publisher"}, {"value": "reviewer"}]},
        {"roles": ["Internal/publisher", "reviewer"]},
        {"roles": [{"type": "default", "value": "Internal/publisher, reviewer"}]},
        {"roles": [{"value": "Internal/publisher"}], "groups": [{"value": "reviewer"}]},
        {"groups": [{"value": "7a0c", "display": "Internal/publisher"}, {"value": "reviewer"}]},
    ],
    ids=["roles", "groups", "texts", "commas", "both", "display"],
)
def test_roles_come_in_several_forms(client: Client, more: dict[str, Any]) -> None:
    made = create(client, **more)
    assert made.status == 201, made.text
    roles = [one["value"] for one in made.json["roles"]]
    assert roles == ["Internal/publisher", "reviewer", "Internal/everyone"]
    assert [one["display"] for one in made.json["groups"]] == roles


def test_an_empty_list_of_schemas_is_as_wso2s_examples_have_it(client: Client) -> None:
    assert create(client, schemas=[]).json["schemas"] == [USER]


def test_emails_may_be_plain_texts(client: Client) -> None:
    made = create(client, emails=["a@example.com", "b@example.com"])
    assert [one["value"] for one in made.json["emails"]] == ["a@example.com"]


def test_what_is_kept_and_what_is_not(client: Client) -> None:
    enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
    kept: dict[str, Any] = {
        "displayName": "Ann",
        "nickName": "A",
        "title": "Dr",
        "phoneNumbers": [
            {"value": "1", "type": "work"},
            {"value": "2", "type": "mobile"},
        ],
        "locale": "en",
        "timezone": "Europe/Berlin",
        "externalId": "e1",
        "profileUrl": "https://example.com/ann",
        "addresses": [{"locality": "Ulm", "postalCode": "89073", "country": "DE", "type": "work"}],
    }
    made = create(
        client,
        **kept,
        ims=[{"value": "ann"}],
        id="mine",
        meta={"location": "https://example.com"},
        schemas=[USER, enterprise],
        **{enterprise: {"organization": "Example", "department": "x"}},
    )
    assert made.status == 201, made.text
    assert made.json["id"] != "mine"
    assert "ims" not in made.json
    assert {name: made.json[name] for name in kept} == kept
    assert made.json[enterprise] == {"organization": "Example"}
    assert client.call("GET", f"/scim2/Users/{made.json['id']}").json == made.json


def test_a_whole_address_may_have_several_lines(client: Client) -> None:
    """As in RFC 7643 section 4.1.2; other line breaks and control characters stay out."""
    given = {"formatted": "100 Universal City Plaza\nHollywood, CA 91608 USA", "type": "work"}

    assert create(client, addresses=[given]).json["addresses"] == [given]
    for text in ("a\r\nb", "a\x00"):
        assert_error(create(client, addresses=[{"formatted": text}]), 400, "invalidValue")
    assert_error(create(client, addresses=[{"locality": "a\nb"}]), 400, "invalidValue")


def test_the_tenant_in_a_user_name_is_its_tenant(client: Client) -> None:
    name = f"u{uuid.uuid4().hex[:8]}"
    assert create(client, userName=f"{name}@{TENANT}").json["userName"] == name
    assert_error(create(client, userName=name.upper()), 409, "uniqueness")


@pytest.mark.parametrize("name", ["jane", "JANE", "jane@carbon.super"])
def test_a_name_that_is_taken_is_a_conflict(client: Client, name: str) -> None:
    assert_error(create(client, userName=name), 409, "uniqueness")


BAD: dict[str, tuple[Any, str]] = {
    "no body": ("", "invalidSyntax"),
    "not JSON": ("{", "invalidSyntax"),
    "half a surrogate": (draft(userName="\ud800"), "invalidSyntax"),
    "a list": ([], "invalidSyntax"),
    "no schemas": ({"userName": "x1", "password": SECRET}, "invalidValue"),
    "another schema": (draft(schemas=["urn:x"]), "invalidValue"),
    "no password": ({"schemas": [USER], "userName": "x1"}, "invalidValue"),
    "short password": (draft(password="1234567"), "invalidValue"),
    "long password": (draft(password="x" * 257), "invalidValue"),
    "password not text": (draft(password=12345678), "invalidValue"),
    "no name": ({"schemas": [USER], "password": SECRET}, "invalidValue"),
    "empty name": (draft(userName=""), "invalidValue"),
    "name with slash": (draft(userName="a/b"), "invalidValue"),
    "name with line": (draft(userName="a\nb"), "invalidValue"),
    "name with markup": (draft(userName="<script>"), "invalidValue"),
    "long name": (draft(userName="x" * 101), "invalidValue"),
    "unknown attribute": (draft(isAdmin=True), "invalidValue"),
    "active as a word": (draft(active="perhaps"), "invalidValue"),
    "roles as text": (draft(roles="admin"), "invalidValue"),
    "role with line": (draft(roles=[{"value": "a\nb"}]), "invalidValue"),
    "role without value": (draft(roles=[{"display": "x"}]), "invalidValue"),
    "too many roles": (draft(roles=[f"r{n}" for n in range(60)]), "invalidValue"),
    "email not text": (draft(emails=[{"value": 7}]), "invalidValue"),
    "long given name": (draft(name={"givenName": "x" * 300}), "invalidValue"),
}


@pytest.mark.parametrize(("body", "scim_type"), BAD.values(), ids=BAD.keys())
def test_bad_input_makes_no_user(client: Client, body: Any, scim_type: str) -> None:
    before = listed(client)["totalResults"]
    assert_error(client.call("POST", "/scim2/Users", body), 400, scim_type)
    assert listed(client)["totalResults"] == before


def test_the_list_is_paged_from_one(client: Client) -> None:
    for _ in range(3):
        create(client)
    everyone = listed(client)
    assert everyone["schemas"] == [LIST]
    total = everyone["totalResults"]
    assert total == len(everyone["Resources"]) >= 5
    page = listed(client, startIndex="2", count="2")
    assert page["totalResults"] == total
    assert (page["startIndex"], page["itemsPerPage"]) == (2, 2)
    assert page["Resources"] == everyone["Resources"][1:3]
    assert listed(client, startIndex=str(total + 1))["Resources"] == []


@pytest.mark.parametrize(
    ("parameters", "items", "start"),
    [
        ({"count": "0"}, 0, 1),
        ({"count": "-5"}, 0, 1),
        ({"startIndex": "0", "count": "1"}, 1, 1),
        ({"startIndex": "-3", "count": "1"}, 1, 1),
        ({"startIndex": "999999999"}, 0, 999999999),
    ],
)
def test_paging_follows_rfc_7644(
    client: Client, parameters: dict[str, str], items: int, start: int
) -> None:
    # Section 3.4.2.4: less than one is one, a negative count is zero.
    page = listed(client, **parameters)
    assert (page["itemsPerPage"], page["startIndex"]) == (items, start)
    assert page["totalResults"] >= 2


@pytest.mark.parametrize("text", ["x", "1.5", "1e3", "٣", "9" * 30])
@pytest.mark.parametrize("name", ["startIndex", "count"])
def test_paging_by_no_number_is_refused(client: Client, name: str, text: str) -> None:
    answer = client.call("GET", "/scim2/Users", query=urlencode({name: text}))
    assert_error(answer, 400, "invalidValue")


@pytest.mark.parametrize(
    "text",
    [
        'userName eq "jane"',
        'USERNAME EQ "Jane"',
        "userName eq jane",
        'userName eq "jane@carbon.super"',
        'urn:ietf:params:scim:schemas:core:2.0:User:userName eq "jane"',
        'userName sw "jan"',
        'userName ew "ane"',
        'userName co "an" and emails.value eq "jane@example.com"',
        'emails pr and userName eq "jane"',
        'roles eq "Internal/publisher" and userName sw "j"',
        'userName eq "jane" and active eq true',
        'userName eq "jane" or userName eq "nobody"',
        'not (userName sw "u") and emails[type eq "work" and value co "@example"]',
        'userName ge "jane" and userName le "janf"',
    ],
)
def test_a_filter_finds(client: Client, text: str) -> None:
    found = listed(client, filter=text)
    assert [user["userName"] for user in found["Resources"]] == ["jane"]
    assert found["totalResults"] == 1


@pytest.mark.parametrize(
    "text", ['userName eq "nobody"', 'userName eq "jan"', 'userName eq "jane" and id eq "x"']
)
def test_a_filter_finds_nobody(client: Client, text: str) -> None:
    found = listed(client, filter=text)
    assert (found["totalResults"], found["Resources"]) == (0, [])


@pytest.mark.parametrize(
    "text",
    [
        "userName",
        "userName eq",
        'userName xx "jane"',
        'password eq "x"',
        'userName eq "jane',
        'userName eq "jane" and',
        'userName eq "jane" "x"',
        "x" * 2000,
        " " * 900 + "(",
    ],
)
def test_a_filter_that_cannot_be_read_is_refused(client: Client, text: str) -> None:
    answer = client.call("GET", "/scim2/Users", query=f"filter={quote(text)}")
    assert_error(answer, 400, "invalidFilter")


def test_only_the_attributes_that_are_asked_for(client: Client) -> None:
    found = listed(client, filter='userName eq "jane"', attributes="userName,emails.value")
    assert set(found["Resources"][0]) == {"schemas", "id", "userName", "emails"}
    found = listed(client, filter='userName eq "jane"', excludedAttributes="emails, id")
    assert "emails" not in found["Resources"][0]
    assert "id" in found["Resources"][0]


def test_the_last_administrator_stays(client: Client) -> None:
    [admin] = listed(client, filter='userName eq "admin"')["Resources"]
    assert_error(client.call("DELETE", f"/scim2/Users/{admin['id']}"), 409)
    assert client.call("GET", f"/scim2/Users/{admin['id']}").status == 200


def test_a_new_user_can_sign_in_and_an_inactive_one_cannot(client: Client) -> None:
    body = draft(roles=["admin"])
    made = client.call("POST", "/scim2/Users", body).json
    his = basic(body["userName"], SECRET)
    assert client.call("GET", "/scim2/Users", authorization=his).status == 200
    client.call("DELETE", f"/scim2/Users/{made['id']}")
    assert_error(client.call("GET", "/scim2/Users", authorization=his), 401)
    idle = draft(roles=["admin"], active=False)
    made = client.call("POST", "/scim2/Users", idle).json
    assert made["active"] is False
    his = basic(idle["userName"], SECRET)
    assert_error(client.call("GET", "/scim2/Users", authorization=his), 401)


@pytest.mark.parametrize(
    "authorization",
    ["", "Bearer x.y.z", "Basic", "Basic !!", "Digest x", basic("admin", "wrong"), "Bearer"],
)
def test_who_does_not_sign_in_is_refused(client: Client, authorization: str) -> None:
    answer = client.call("GET", "/scim2/Users", authorization=authorization)
    assert_error(answer, 401)
    assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_who_is_no_administrator_is_refused(client: Client, method: str) -> None:
    path = "/scim2/Users" + ("/x" if method == "DELETE" else "")
    body = draft() if method == "POST" else None
    for credential in (
        basic("jane", PASSWORD),
        client.token("admin", "openid"),
        client.token("jane", "apim:tier_view"),
    ):
        assert_error(client.call(method, path, body, authorization=credential), 403)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("PUT", "/scim2/Users/1", 404),
        ("PATCH", "/scim2/Users/1", 404),
        ("GET", "/scim2/Groups/1", 404),
        ("PUT", "/scim2/Groups/1", 404),
        ("DELETE", "/scim2/Groups/1", 404),
        ("POST", "/scim2/Bulk", 501),
        ("POST", "/scim2/.search", 501),
        ("GET", "/scim2", 404),
        ("GET", "/scim2/Nothing", 404),
        ("GET", "/scim2/Users/1/2", 404),
    ],
)
def test_what_is_not_there(client: Client, method: str, path: str, status: int) -> None:
    assert_error(client.call(method, path), status)


def test_anyone_may_ask_what_the_service_can(client: Client) -> None:
    def shown(path: str) -> Any:
        answer = client.call("GET", f"/scim2/{path}", authorization="")
        assert answer.status == 200, answer.text
        return answer.json

    config = shown("ServiceProviderConfig")
    assert config["filter"] == {"supported": True, "maxResults": 200}
    assert config["patch"] == config["etag"] == config["sort"] == {"supported": True}
    kinds = {kind["endpoint"]: kind["schema"] for kind in shown("ResourceTypes")["Resources"]}
    assert kinds == {"/Users": USER, "/Groups": GROUP}
    schema = shown(f"Schemas/{USER}")
    assert schema in shown("Schemas")["Resources"]
    # RFC 7643 section 7: a password is written, never returned.
    password = next(one for one in schema["attributes"] if one["name"] == "password")
    assert (password["mutability"], password["returned"]) == ("writeOnly", "never")
    assert_error(client.call("GET", "/scim2/ResourceTypes/Other", authorization=""), 404)
    assert_error(client.call("GET", "/scim2/Schemas/urn:x", authorization=""), 404)


def test_an_error_of_ours_shows_its_id_and_nothing_else(
    client: Client, aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> Any:
        raise RuntimeError("the secret of the house")

    monkeypatch.setattr("portico.services.accounts.Accounts.list", broken)
    answer = client.call("GET", "/scim2/Users")
    assert_error(answer, 500)
    assert "00000000-0000-0000-0000-000000000001" in answer.text
    assert "secret" not in answer.text
    assert json.loads(answer.text)["status"] == "500"


def test_a_replaced_user_has_what_the_resource_says_and_nothing_else(client: Client) -> None:
    made = create(client, name={"givenName": "Ann"}, title="Dr", roles=["reviewer"]).json
    body = {"schemas": [USER], "userName": made["userName"], "name": {"familyName": "Lee"}}
    changed = client.call("PUT", f"/scim2/Users/{made['id']}", body)
    assert changed.status == 200, changed.text
    assert changed.json["name"] == {"familyName": "Lee", "formatted": "Lee"}
    assert "title" not in changed.json
    assert [one["value"] for one in changed.json["roles"]] == ["Internal/everyone"]
    assert changed.json["id"] == made["id"]
    renamed = {**body, "userName": "somebody-else"}
    path = f"/scim2/Users/{made['id']}"
    assert_error(client.call("PUT", path, renamed), 400, "mutability")
    assert client.call("GET", path).json == changed.json


def operations(*some: dict[str, Any]) -> dict[str, Any]:
    return {"schemas": [PATCH], "Operations": list(some)}


@pytest.mark.parametrize(
    ("operation", "attribute", "expected"),
    [
        ({"op": "replace", "path": "name.givenName", "value": "Bea"}, "name", "Bea"),
        ({"op": "Replace", "path": "active", "value": False}, "active", False),
        ({"op": "replace", "path": "active", "value": "False"}, "active", False),
        ({"op": "add", "value": {"title": "Dr"}}, "title", "Dr"),
        ({"op": "replace", "value": {"title": "Dr", "active": True}}, "title", "Dr"),
        (
            {"op": "replace", "path": 'emails[type eq "work"].value', "value": "b@example.com"},
            "emails",
            "b@example.com",
        ),
        ({"op": "remove", "path": "emails"}, "emails", None),
        ({"op": "add", "path": "roles", "value": [{"value": "tester"}]}, "roles", "tester"),
        ({"op": "add", "path": "groups", "value": ["tester"]}, "roles", "tester"),
        ({"op": "remove", "path": 'roles[value eq "reviewer"]'}, "roles", "Internal/everyone"),
    ],
)
def test_a_patch_changes_what_it_names(
    client: Client, operation: dict[str, Any], attribute: str, expected: Any
) -> None:
    made = create(client, emails=["a@example.com"], roles=["reviewer"], name={"givenName": "A"})
    path = f"/scim2/Users/{made.json['id']}"
    changed = client.call("PATCH", path, operations(operation))
    assert changed.status == 200, changed.text
    text = json.dumps(changed.json.get(attribute))
    assert (attribute not in changed.json) if expected is None else (json.dumps(expected) in text)
    untouched = {"userName", "id", "schemas"} - {attribute}
    assert all(changed.json[name] == made.json[name] for name in untouched)
    assert client.call("GET", path).json == changed.json


@pytest.mark.parametrize(
    ("some", "scim_type"),
    [
        ([{"op": "replace", "path": "nonsense", "value": 1}], "invalidPath"),
        ([{"op": "explode", "path": "title", "value": "x"}], "invalidValue"),
        ([{"op": "replace", "path": "active", "value": "perhaps"}], "invalidValue"),
        ([{"op": "replace", "path": "userName", "value": "other"}], "mutability"),
        ([{"op": "replace", "path": "id", "value": "other"}], "mutability"),
        (
            [
                {"op": "replace", "path": "title", "value": "Dr"},
                {"op": "replace", "path": "nonsense", "value": 1},
            ],
            "invalidPath",
        ),
        ([{"op": "remove"}], "noTarget"),
        ([], "invalidValue"),
    ],
)
def test_a_patch_is_done_wholly_or_not_at_all(
    client: Client, some: list[dict[str, Any]], scim_type: str
) -> None:
    made = create(client)
    path = f"/scim2/Users/{made.json['id']}"
    answer = client.call("PATCH", path, operations(*some))
    assert_error(answer, 400, scim_type)
    assert client.call("GET", path).json == made.json


def test_a_patched_password_is_the_one_that_signs_in(client: Client) -> None:
    made = create(client, roles=["admin"]).json
    path = f"/scim2/Users/{made['id']}"
    operation = {"op": "replace", "path": "password", "value": "another secret"}
    assert client.call("PATCH", path, operations(operation)).status == 200
    name = made["userName"]
    assert_error(client.call("GET", "/scim2/Me", authorization=basic(name, SECRET)), 401)
    me = client.call("GET", "/scim2/Me", authorization=basic(name, "another secret"))
    assert (me.status, me.json["id"]) == (200, made["id"])
    client.call("DELETE", path)


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_a_stale_version_changes_nothing(client: Client, method: str) -> None:
    made = create(client)
    path = f"/scim2/Users/{made.json['id']}"
    assert made.headers["etag"] == made.json["meta"]["version"] == 'W/"1"'
    stale = {"If-Match": 'W/"7"'}
    assert_error(client.call(method, path, operations(), headers=stale), 412)
    assert client.call("GET", path).json == made.json
