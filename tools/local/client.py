"""A client of the product's REST as WSO2's own tools use it; for seed, demo and journey tests.

Standard library only. Calls return an Answer, refused or not; `Answer.expect` raises on a surprise.
"""

from __future__ import annotations

import base64
import json
import secrets
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.client import HTTPMessage
from typing import IO, Any

PUBLISHER = "/api/am/publisher/v4"
STORE = "/api/am/devportal/v3"
ADMIN = "/api/am/admin/v4"
REGISTER = "/client-registration/v0.17/register"
PUBLISHER_SCOPES = (
    "apim:api_view apim:api_create apim:api_publish apim:api_manage apim:api_delete "
    "apim:api_import_export apim:tier_view apim:subscription_view apim:subscription_block "
    "apim:subscription_manage"
)
STORE_SCOPES = "apim:subscribe apim:app_manage apim:sub_manage apim:api_key"
ADMIN_SCOPES = "apim:admin apim:tier_view apim:tier_manage apim:admin_operations"
SECONDS = 35.0


class Unexpected(Exception):
    """An answer other than the caller counted on; its text shows the call and the answer."""


@dataclass(frozen=True)
class Answer:
    """What came back; header names in lower case."""

    method: str
    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode(errors="replace")

    @property
    def json(self) -> Any:
        try:
            return json.loads(self.body)
        except ValueError as error:
            raise Unexpected(
                f"{self.method} {self.url} answered no JSON: {self.text[:500]}"
            ) from error

    def expect(self, *statuses: int) -> Answer:
        if self.status not in statuses:
            raise Unexpected(f"{self.method} {self.url} answered {self.status}: {self.text[:1000]}")
        return self


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(
        self, req: Any, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> None:
        return None


_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirects)
Watcher = Callable[[str, str, Any, Answer], None]


@dataclass(frozen=True)
class Http:
    """Sends requests; `authorization` is added to each; `watcher` sees each with its answer."""

    base: str = ""
    authorization: str = ""
    watcher: Watcher | None = None

    def call(
        self,
        method: str,
        path: str,
        *,
        json_body: Any = None,
        form: Mapping[str, str] | None = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
    ) -> Answer:
        url = self.base + path
        if query:
            url += "?" + urllib.parse.urlencode(query)
        sent = {"Accept": "application/json", "User-Agent": "portico-local"}
        if self.authorization:
            sent["Authorization"] = self.authorization
        if json_body is not None:
            body, sent["Content-Type"] = json.dumps(json_body).encode(), "application/json"
        elif form is not None:
            body = urllib.parse.urlencode(form).encode()
            sent["Content-Type"] = "application/x-www-form-urlencoded"
        sent.update(headers or {})
        answer = _send(method, url, body, sent)
        if self.watcher:
            self.watcher(method, url, json_body if json_body is not None else form, answer)
        return answer

    def get(self, path: str, **more: Any) -> Answer:
        return self.call("GET", path, **more)

    def post(self, path: str, json_body: Any = None, **more: Any) -> Answer:
        return self.call("POST", path, json_body=json_body, **more)


def _send(method: str, url: str, body: bytes | None, headers: Mapping[str, str]) -> Answer:
    request = urllib.request.Request(url, data=body, headers=dict(headers), method=method)
    try:
        with _OPENER.open(request, timeout=SECONDS) as response:
            status, got, content = response.status, response.headers, response.read()
    except urllib.error.HTTPError as error:
        with error:
            status, got, content = error.code, error.headers, error.read()
    return Answer(
        method, url, status, {name.lower(): value for name, value in got.items()}, content
    )


def basic(name: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


def multipart(
    fields: Mapping[str, str], files: Mapping[str, tuple[str, bytes]]
) -> tuple[bytes, str]:
    """Body and Content-Type of a form with files (name -> file name, content)."""
    boundary = secrets.token_hex(16)
    parts = []
    for name, value in fields.items():
        parts.append(f'Content-Disposition: form-data; name="{name}"\r\n\r\n{value}'.encode())
    for name, (file_name, content) in files.items():
        head = (
            f'Content-Disposition: form-data; name="{name}"; filename="{file_name}"\r\n'
            "Content-Type: application/octet-stream\r\n\r\n"
        )
        parts.append(head.encode() + content)
    marker = f"--{boundary}\r\n".encode()
    body = b"".join(marker + part + b"\r\n" for part in parts) + f"--{boundary}--\r\n".encode()
    return body, f"multipart/form-data; boundary={boundary}"


class Portico:
    """One platform's REST, by its `endpoints.json`."""

    def __init__(self, endpoints: Mapping[str, Any], watcher: Watcher | None = None) -> None:
        self._endpoints = endpoints
        self._watcher = watcher

    def password(self, user: str) -> str:
        found: str = next(u["password"] for u in self._endpoints["users"] if u["name"] == user)
        return found

    def http(self, service: str, base: str = "", authorization: str = "") -> Http:
        return Http(self._endpoints[service] + base, authorization, self._watcher)

    def register(self, user: str) -> tuple[str, str]:
        """A REST client of this user, as WSO2's tools register one: its id and secret."""
        http = self.http("dcr", authorization=basic(user, self.password(user)))
        answer = http.post(
            REGISTER,
            {
                "callbackUrl": "https://localhost",
                "clientName": f"rest_{user}",
                "owner": user,
                "grantType": "password refresh_token",
                "saasApp": True,
            },
        ).expect(200, 201)
        return answer.json["clientId"], answer.json["clientSecret"]

    def token(self, client: tuple[str, str], **form: str) -> Answer:
        return self.http("token", authorization=basic(*client)).post("/oauth2/token", form=form)

    def sign_in(self, user: str, scope: str) -> str:
        """An access token of the user with what of `scope` their roles allow."""
        answer = self.token(
            self.register(user),
            grant_type="password",
            username=user,
            password=self.password(user),
            scope=scope,
        ).expect(200)
        token: str = answer.json["access_token"]
        return token

    def publisher(self, user: str = "publisher") -> Http:
        token = self.sign_in(user, PUBLISHER_SCOPES)
        return self.http("publisher", PUBLISHER, f"Bearer {token}")

    def store(self, user: str = "developer") -> Http:
        token = self.sign_in(user, STORE_SCOPES)
        return self.http("store", STORE, f"Bearer {token}")

    def admin(self, user: str = "admin") -> Http:
        token = self.sign_in(user, ADMIN_SCOPES)
        return self.http("admin", ADMIN, f"Bearer {token}")

    def make_user(self, name: str, password: str, email: str, roles: list[str]) -> bool:
        """Makes a user by SCIM (RFC 7644 section 3.3); False when there is one of that name."""
        http = self.http("admin", "/scim2", basic("admin", self.password("admin")))
        answer = http.post(
            "/Users",
            {
                "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
                "userName": name,
                "password": password,
                "emails": [{"value": email, "primary": True}],
                "roles": [{"value": role} for role in roles],
            },
            headers={"Content-Type": "application/scim+json"},
        )
        return answer.expect(201, 409).status == 201


def import_api(publisher: Http, definition: bytes, properties: Mapping[str, Any]) -> Answer:
    body, kind = multipart(
        {"additionalProperties": json.dumps(properties)}, {"file": ("pizza-shop.yaml", definition)}
    )
    return publisher.call("POST", "/apis/import-openapi", body=body, headers={"Content-Type": kind})


def endpoint_config(url: str) -> dict[str, Any]:
    """An API's back end in the contract's form, the same for production and sandbox."""
    return {
        "endpoint_type": "http",
        "production_endpoints": {"url": url},
        "sandbox_endpoints": {"url": url},
    }


def deploy_revision(publisher: Http, api_id: str) -> str:
    """Makes a revision and puts it on the gateway; its id."""
    revision = publisher.post(f"/apis/{api_id}/revisions", {"description": "demo"}).expect(201).json
    publisher.post(
        f"/apis/{api_id}/deploy-revision",
        [{"name": "Default", "vhost": "localhost", "displayOnDevportal": True}],
        query={"revisionId": revision["id"]},
    ).expect(201)
    made: str = revision["id"]
    return made


def change_state(publisher: Http, api_id: str, action: str, **query: str) -> Answer:
    query = {"apiId": api_id, "action": action, **query}
    return publisher.call("POST", "/apis/change-lifecycle", query=query)


def find(listing: Answer, **wanted: str) -> dict[str, Any] | None:
    """The first of a list's entries that has these values."""
    for entry in listing.expect(200).json["list"]:
        if all(entry.get(name) == value for name, value in wanted.items()):
            found: dict[str, Any] = entry
            return found
    return None


def generate_keys(store: Http, application_id: str, key_type: str = "PRODUCTION") -> dict[str, Any]:
    answer = store.post(
        f"/applications/{application_id}/generate-keys",
        {
            "keyType": key_type,
            "keyManager": "Resident Key Manager",
            "grantTypesToBeSupported": ["client_credentials", "password", "refresh_token"],
            "callbackUrl": "https://localhost",
            "validityTime": 3600,
        },
    ).expect(200, 201)
    keys: dict[str, Any] = answer.json
    return keys
