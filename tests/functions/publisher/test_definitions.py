"""Import, validate, show and replace API definitions over REST."""

import json
from pathlib import Path

import pytest

from portico.domain.user import SUBSCRIBER
from portico.services.uploads import MAX_BYTES
from portico.web.rest import MAX_BODY
from tests.functions.publisher.conftest import TENANT, Publisher

SHOP = (Path(__file__).parents[2] / "data" / "definitions" / "shop-3.0.yaml").read_bytes()
URL = "https://files.example.com/shop.yaml"
ABOUT = json.dumps(
    {
        "name": "Shop",
        "version": "2.0.0",
        "context": "/mine",
        "policies": ["Gold"],
        "endpointConfig": {
            "endpoint_type": "http",
            "production_endpoints": {"url": "https://live.example.com"},
        },
    }
)


@pytest.mark.parametrize("about", [ABOUT, ABOUT.encode()], ids=["field", "file"])
def test_an_api_is_imported_from_a_file(publisher: Publisher, about: str | bytes) -> None:
    parts = {"file": SHOP, "additionalProperties": about}
    made = publisher.form("POST", "/apis/import-openapi", parts, expect=201).json
    assert (made["name"], made["version"], made["context"]) == ("Shop", "2.0.0", "/mine")
    assert made["policies"] == ["Gold"]
    assert made["description"] == "What the shop sells."
    assert made["tags"] == ["food"]
    operations = {(one["verb"], one["target"]): one for one in made["operations"]}
    assert operations["GET", "/menu"]["throttlingPolicy"] == "10KPerMin"
    assert operations["DELETE", "/orders/{id}"]["scopes"] == ["shop:write", "shop:admin"]
    assert {one["scope"]["name"] for one in made["scopes"]} == {
        "shop:read",
        "shop:write",
        "shop:admin",
    }


def test_what_is_left_out_comes_from_the_definition(publisher: Publisher) -> None:
    made = publisher.form("POST", "/apis/import-openapi", {"file": SHOP}, expect=201).json
    assert (made["name"], made["version"], made["context"]) == ("Pizza Shop", "1.2.0", "/shop")
    assert "endpointConfig" not in made


def test_the_servers_of_a_definition_are_no_endpoint_until_somebody_says_so(
    publisher: Publisher,
) -> None:
    """A definition from elsewhere does not decide where calls go."""
    made = publisher.form("POST", "/apis/import-openapi", {"file": SHOP}).json
    found = publisher.form("POST", "/apis/validate-openapi", {"file": SHOP}).json
    assert "endpointConfig" not in made
    assert found["info"]["endpoints"] == ["https://backend.example.com/live"]


def test_an_api_is_imported_from_a_url_and_from_the_form(publisher: Publisher) -> None:
    publisher.downloads.files[URL] = SHOP
    publisher.form("POST", "/apis/import-openapi", {"url": URL}, expect=201)
    parts = {"inlineAPIDefinition": SHOP.decode(), "additionalProperties": ABOUT}
    publisher.form("POST", "/apis/import-openapi", parts, expect=201)


@pytest.mark.parametrize("path", ["/apis/import-openapi", "/apis/validate-openapi"])
@pytest.mark.parametrize(
    "url",
    ["http://169.254.169.254/latest", "http://localhost:8080/", "file:///etc/passwd", "nonsense"],
)
def test_internal_addresses_are_not_fetched(publisher: Publisher, path: str, url: str) -> None:
    publisher.downloads.addresses = ("169.254.169.254",)
    publisher.downloads.files[url] = SHOP
    refused = publisher.form("POST", path, {"url": url}, expect=400)
    assert refused.json["error"][0]["code"] == "url"


def test_a_large_file_goes_by_an_upload(publisher: Publisher) -> None:
    begun = publisher.call("POST", "/uploads", expect=201).json
    assert begun["maxBytes"] == MAX_BYTES
    key = begun["fields"]["key"]
    assert key == f"{TENANT}/uploads/{begun['id']}"
    parts = {"uploadId": begun["id"]}
    publisher.form("POST", "/apis/import-openapi", parts, expect=404)
    padding = b"# " + b"x" * MAX_BODY + b"\n"
    publisher.documents.content[key] = padding + SHOP
    assert publisher.form("POST", "/apis/validate-openapi", parts).json["isValid"]
    publisher.form("POST", "/apis/import-openapi", parts, expect=201)
    assert key not in publisher.documents.content


def test_uploads_of_other_tenants_do_not_exist(publisher: Publisher) -> None:
    begun = publisher.call("POST", "/uploads", expect=201).json
    publisher.documents.content[f"{TENANT}/uploads/{begun['id']}"] = SHOP
    roles = publisher.caller.roles if publisher.caller else ()
    acme = publisher.as_user("jane", *roles, tenant="acme.com")
    for upload_id in (begun["id"], f"../../{TENANT}/uploads/{begun['id']}"):
        acme.form("POST", "/apis/import-openapi", {"uploadId": upload_id}, expect=404)
    publisher.as_user("dev", SUBSCRIBER).call("POST", "/uploads", expect=401)


def test_a_body_over_the_limit_names_the_way_out(publisher: Publisher) -> None:
    parts = {"file": b"x" * (MAX_BODY + 1)}
    refused = publisher.form("POST", "/apis/import-openapi", parts, expect=413)
    assert "/uploads" in refused.json["description"]


def test_validation_tells_what_is_in_a_definition(publisher: Publisher) -> None:
    found = publisher.form("POST", "/apis/validate-openapi", {"file": SHOP}, expect=200).json
    assert found["isValid"] is True
    assert found["info"]["name"] == "Pizza Shop"
    assert found["info"]["context"] == "/shop"
    assert found["info"]["openAPIVersion"] == "3.0.1"
    assert len(found["info"]["operations"]) == 3
    assert "content" not in found
    publisher.downloads.files[URL] = SHOP
    query = {"returnContent": "true"}
    found = publisher.form("POST", "/apis/validate-openapi", {"url": URL}, query=query).json
    assert found["content"] == SHOP.decode()


def test_validation_tells_what_is_wrong_with_one(publisher: Publisher) -> None:
    parts = {"file": b"openapi: 3.0.1\ninfo:\n  title: x\n bad: y"}
    found = publisher.form("POST", "/apis/validate-openapi", parts, expect=200).json
    assert found["isValid"] is False
    assert "line 4" in found["errors"][0]["message"]
    assert not publisher.documents.content


def test_a_refused_import_leaves_nothing(publisher: Publisher) -> None:
    publisher.create(name="Other", context="/mine")
    before = (dict(publisher.records.items), dict(publisher.documents.content))
    parts = {"file": SHOP, "additionalProperties": ABOUT}
    publisher.form("POST", "/apis/import-openapi", parts, expect=409)
    parts["additionalProperties"] = ABOUT.replace("Gold", "Platinum")
    publisher.form("POST", "/apis/import-openapi", parts, expect=400)
    assert (publisher.records.items, publisher.documents.content) == before


def test_the_definition_shows_the_apis_resources(publisher: Publisher) -> None:
    made = publisher.form("POST", "/apis/import-openapi", {"file": SHOP}).json
    where = f"/apis/{made['id']}/swagger"
    shown = publisher.call("GET", where, expect=200)
    assert shown.headers["etag"] == '"1"'
    assert shown.json["paths"].keys() == {"/menu", "/orders/{id}"}
    body = {**made, "operations": [*made["operations"][:1], {"target": "/new", "verb": "POST"}]}
    publisher.call("PUT", f"/apis/{made['id']}", body, expect=200)
    assert publisher.call("GET", where).json["paths"].keys() == {"/menu", "/new"}


def test_an_api_without_file_has_a_definition_too(publisher: Publisher) -> None:
    made = publisher.create(operations=[{"target": "/a/{b}", "verb": "get", "authType": "Any"}])
    shown = publisher.call("GET", f"/apis/{made['id']}/swagger", expect=200).json
    assert shown["openapi"].startswith("3.0")
    assert shown["paths"]["/a/{b}"]["get"]["parameters"][0]["name"] == "b"


@pytest.mark.parametrize("part", ["apiDefinition", "file", "url"])
def test_another_definition_changes_the_resources(publisher: Publisher, part: str) -> None:
    made = publisher.create(
        scopes=[{"scope": {"name": "shop:read", "displayName": "Reading"}}], tags=["kept"]
    )
    publisher.downloads.files[URL] = SHOP
    parts = {part: URL if part == "url" else SHOP}
    stale = {"If-Match": '"9"'}
    where = f"/apis/{made['id']}/swagger"
    publisher.form("PUT", where, parts, expect=200)
    after = publisher.call("GET", f"/apis/{made['id']}").json
    assert {one["target"] for one in after["operations"]} == {"/menu", "/orders/{id}"}
    assert after["scopes"][0]["scope"]["displayName"] == "Reading"
    assert (after["name"], after["tags"]) == ("Pizza", ["kept"])
    assert publisher.call("GET", where).json["info"]["title"] == "Pizza"
    kind = {"content-type": "multipart/form-data; boundary=portico-boundary", **stale}
    body = b"--portico-boundary\r\nContent-Disposition: form-data; name=file\r\n\r\n"
    body += SHOP + b"\r\n--portico-boundary--\r\n"
    publisher.call("PUT", where, body, headers=kind, expect=412)
    publisher.form("PUT", where, {"file": b"{}"}, expect=400)
    publisher.form("PUT", "/apis/none/swagger", {"file": SHOP}, expect=404)


def test_an_old_definition_is_kept_until_no_record_names_it(publisher: Publisher) -> None:
    """What is written lies under a key of its content before the record that names it."""
    made = publisher.create()
    first = set(publisher.documents.content)

    def broken() -> None:
        raise RuntimeError

    publisher.records.before_commit = broken
    body = {**made, "operations": [{"target": "/new", "verb": "GET"}]}
    publisher.call("PUT", f"/apis/{made['id']}", body, expect=500)
    assert first < set(publisher.documents.content)
    shown = publisher.call("GET", f"/apis/{made['id']}/swagger", expect=200).json
    assert "/new" not in shown["paths"]
