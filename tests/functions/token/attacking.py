"""A table of attacks, as rows: what is sent, what it must come to, and what may change meanwhile in
the tables; for all tests that have one.
"""

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode

from functions.token import handler as function
from tests.conftest import TABLES
from tests.events import Context
from tests.functions.token.conftest import Server, basic_header

FORM = "application/x-www-form-urlencoded"
Item = dict[str, Any]
# What no answer may tell: where it went wrong inside, and what things are called there.
INTERNAL = (
    *("Traceback", 'File "', "botocore", "Exception", "functions.token"),
    *("portico.services", "portico.domain", "portico.storage", "portico.tokens"),
)


@dataclass(frozen=True)
class Answer:
    """What the attacker sees."""

    status: int
    headers: dict[str, str]
    text: str
    cookies: list[str] = field(default_factory=list)

    @property
    def error(self) -> str:
        """`error` of a JSON answer, or the first field at fault in one of WSO2's contracts; `page`
        for a page.
        """
        kind = self.headers.get("Content-Type", "")
        if kind.startswith("text/html"):
            return "page"
        found = json.loads(self.text).get("error", "") if self.text else ""
        return str(found) if not isinstance(found, list) else found[0]["code"] if found else ""

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def location(self) -> str:
        return self.headers.get("Location", "")


@dataclass(frozen=True)
class Call:
    """One request, exactly as it arrives; `form` is sent form-encoded."""

    method: str
    path: str
    form: Mapping[str, str] | Sequence[tuple[str, str]] | None = None
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    basic: tuple[str, str] | None = None
    cookies: tuple[str, ...] = ()
    address: str = "203.0.113.9"

    def event(self) -> dict[str, Any]:
        """What HTTP API hands over."""
        fields = {"host": "127.0.0.1:8280"}
        body = self.body
        if self.form is not None:
            fields["content-type"] = FORM
            body = urlencode(self.form).encode()
        if self.basic:
            fields["authorization"] = basic_header(*self.basic)
        return {
            "version": "2.0",
            "rawPath": self.path,
            "rawQueryString": self.query,
            "headers": {**fields, **self.headers},
            "cookies": list(self.cookies),
            "requestContext": {
                "http": {"method": self.method, "path": self.path, "sourceIp": self.address},
                "stage": "$default",
            },
            "body": base64.b64encode(body).decode(),
            "isBase64Encoded": True,
        }

    def send(self) -> Answer:
        """The real handler's answer."""
        told = function.handler(self.event(), Context("token"))
        return Answer(told["statusCode"], told["headers"], told["body"], told.get("cookies", []))


def bearer(given: str) -> dict[str, str]:
    """The header of a bearer token (RFC 6750 section 2.1)."""
    return {"authorization": f"Bearer {given}"}


def token(form: Any, **more: Any) -> Call:
    """A call of the token endpoint."""
    return Call("POST", "/oauth2/token", form, **more)


@dataclass(frozen=True)
class Attack:
    """A row: `prepare` does all that is needed before, and gives the calls of the attack itself.

    `changes` are the kinds of records (by their keys) that the attack may and must change: counters
    of failures, or a revocation that is the wanted answer.
    """

    name: str
    source: str  # the section that asks for the refusal
    prepare: Callable[..., Call | Sequence[Call]]  # given a world
    status: int
    error: str = ""
    changes: frozenset[str] = frozenset()
    told: str = ""  # a part of the body

    def run(self, server: Server, world: Any) -> Answer:
        """The last answer, after everything that holds for every attack has been asserted."""
        calls = self.prepare(world)
        before = contents(server)
        for call in [calls] if isinstance(calls, Call) else calls:
            answer = call.send()
        changed = kinds_changed(before, contents(server))
        assert (answer.status, answer.error) == (self.status, self.error), answer
        assert changed == self.changes, (changed, answer)
        assert self.told in answer.text, answer
        safe(answer)
        gives_nothing(answer)
        return answer


def contents(server: Server) -> dict[tuple[str, str, str], Item]:
    """Everything in the five tables, by table and key."""
    client = function._records().client
    found: dict[tuple[str, str, str], Item] = {}
    for table in TABLES:
        name = getattr(server.aws.settings, f"{table}_table")
        for page in client.get_paginator("scan").paginate(TableName=name, ConsistentRead=True):
            for item in page["Items"]:
                found[table, item["pk"]["S"], item["sk"]["S"]] = item
    return found


def kinds_changed(
    before: Mapping[tuple[str, str, str], Item], after: Mapping[tuple[str, str, str], Item]
) -> frozenset[str]:
    """The second parts of the partition keys of all that came, went or changed."""
    changed = {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
    return frozenset(pk.split("#")[1] for _, pk, _ in changed)


def safe(answer: Answer) -> None:
    """What holds for every answer whatever was asked."""
    for text in (answer.text, *answer.headers, *answer.headers.values(), *answer.cookies):
        text.encode()  # no half of a surrogate pair, which no answer over HTTP can carry
    for name, value in (*answer.headers.items(), *(("Set-Cookie", one) for one in answer.cookies)):
        assert name.isascii(), answer
        assert value.isprintable(), answer
        assert value.isascii(), answer
    assert answer.status < 500, answer
    assert not [word for word in INTERNAL if word in answer.text], answer
    kind = answer.headers.get("Content-Type", "")
    if kind.startswith("text/html"):
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy or "default-src 'self'" in policy, policy
        assert "unsafe" not in policy, policy
    if answer.status >= 400 or answer.cookies or "token" in answer.text:
        cached = answer.headers.get("Cache-Control", "")
        assert "no-store" in cached or cached.startswith("public"), answer
    assert "access-control-allow-credentials" not in {name.lower() for name in answer.headers}
    if answer.status >= 400:
        assert "no-store" in answer.headers["Cache-Control"], answer
    if answer.status == 401 and answer.error != "page":
        assert answer.headers.get("WWW-Authenticate"), answer


def gives_nothing(answer: Answer) -> None:
    """No token, code or sign-in comes of an attack."""
    assert '"access_token"' not in answer.text, answer
    assert "code=" not in answer.location, answer
    assert not [one for one in answer.cookies if one.startswith("portico-session=")], answer


def altered(call: Call, **more: Any) -> Call:
    """The same call but for this."""
    return replace(call, **more)
