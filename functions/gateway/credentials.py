"""Credentials for back ends: what a call to one carries, and what happens when it is refused.

RFC 7617 (basic), RFC 7616 (digest), RFC 6749 sections 4.3 and 4.4 (tokens), or a key in a header or
query parameter.
"""

import base64
import hashlib
import json
import re
import secrets
import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol
from urllib.parse import quote, urlencode

from functions.gateway.answers import Answer
from functions.gateway.deadline import Deadline
from functions.gateway.forward import Forwarder, NotDelivered
from functions.gateway.requests import Outgoing, target, without
from portico.domain.endpoints import AUTHORITIES, custom_parameters

MAX_TOKEN = 16_384  # characters of a token that another server gives
USUAL_SECONDS = 300.0  # a token's life when its server does not say
EARLY = 0.1  # a token is renewed in the last tenth of its life
_PARAMETER = re.compile(r'([\w-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))')
_CHALLENGE = re.compile(r"(?:^|,)\s*(?=(?:Basic|Bearer|Digest|Negotiate|NTLM)\b)", re.IGNORECASE)
_HASHES: Mapping[str, Callable[[bytes], Any]] = {
    "SHA-256": hashlib.sha256,
    "MD5": hashlib.md5,  # what servers of old offer; RFC 7616 section 3.2
}

Send = Callable[[Outgoing], Answer]


class NoCredential(NotDelivered):
    """The credential could not be had: not the endpoint's failure."""


class Credential(Protocol):
    """Adds itself to a call, and repeats it where the back end's answer asks for that."""

    def exchange(self, request: Outgoing, url: str, send: Send, deadline: Deadline) -> Answer: ...


class Open:
    """None at all."""

    def exchange(self, request: Outgoing, url: str, send: Send, deadline: Deadline) -> Answer:
        return send(request)


class Basic:
    def __init__(self, username: str, password: str) -> None:
        self._value = basic(username, password)

    def exchange(self, request: Outgoing, url: str, send: Send, deadline: Deadline) -> Answer:
        request.headers["authorization"] = self._value
        return send(request)


class ApiKey:
    def __init__(self, name: str, value: str, in_query: bool) -> None:
        self._name, self._value, self._in_query = name, value, in_query

    def exchange(self, request: Outgoing, url: str, send: Send, deadline: Deadline) -> Answer:
        if self._in_query:
            request.query = without(request.query, self._name)
            own = f"{quote(self._name, safe='')}={quote(self._value, safe='')}"
            request.added = [own]
        else:
            request.headers[self._name.lower()] = self._value
        return send(request)


class Digest:
    """Remembers a server's challenge, so that one call in many is asked for it."""

    def __init__(self, username: str, password: str) -> None:
        self._username, self._password = username, password
        self._challenges: dict[str, dict[str, str]] = {}
        self._uses = 0

    def exchange(self, request: Outgoing, url: str, send: Send, deadline: Deadline) -> Answer:
        # A credential of the client's is not for the challenge to see.
        request.headers.pop("authorization", None)
        known = self._challenges.get(url)
        if known:
            request.headers["authorization"] = self._answer(known, request, url)
        answer = send(request)
        if answer.status != 401:
            return answer
        challenge = strongest(answer.headers.get("www-authenticate", ""))
        if challenge is None or (known and known["nonce"] == challenge["nonce"]):
            self._challenges.pop(url, None)
            return answer
        self._challenges[url], self._uses = challenge, 0
        request.headers["authorization"] = self._answer(challenge, request, url)
        return send(request)

    def _answer(self, challenge: Mapping[str, str], request: Outgoing, url: str) -> str:
        algorithm = challenge.get("algorithm", "MD5").upper()
        hashed = _HASHES[algorithm.removesuffix("-SESS")]

        def digest(*parts: str) -> str:
            return str(hashed(":".join(parts).encode()).hexdigest())

        query = "&".join(part for part in (request.query, *request.added) if part)
        uri = target(url, request.path, query)
        self._uses += 1
        count, own, nonce = f"{self._uses:08x}", secrets.token_hex(16), challenge["nonce"]
        secret = digest(self._username, challenge["realm"], self._password)
        if algorithm.endswith("-SESS"):
            secret = digest(secret, nonce, own)
        asked = digest(request.method, uri)
        fields = {
            "username": _quoted(self._username),
            "realm": _quoted(challenge["realm"]),
            "nonce": _quoted(nonce),
            "uri": _quoted(uri),
            "algorithm": challenge.get("algorithm", "MD5"),
        }
        if "qop" in challenge:
            response = digest(secret, nonce, count, own, "auth", asked)
            fields |= {"qop": "auth", "nc": count, "cnonce": _quoted(own)}
        else:
            response = digest(secret, nonce, asked)
        if "opaque" in challenge:
            fields["opaque"] = _quoted(challenge["opaque"])
        fields["response"] = _quoted(response)
        return "Digest " + ", ".join(f"{name}={value}" for name, value in fields.items())


class Tokens:
    """Access tokens of another authorization server, asked for when needed."""

    def __init__(
        self,
        forwarder: Forwarder,
        security: Mapping[str, Any],
        secret: Mapping[str, str],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._forwarder = forwarder
        self._url = str(security["tokenUrl"])
        self._authorities = str(security.get(AUTHORITIES) or "")
        self._clock = clock
        self._form = _form(security, secret)
        self._value = basic(quote(str(security["clientId"])), quote(secret["clientSecret"]))
        self._token, self._renew, self._ends = "", 0.0, 0.0

    def exchange(self, request: Outgoing, url: str, send: Send, deadline: Deadline) -> Answer:
        request.headers["authorization"] = f"Bearer {self._current(deadline)}"
        answer = send(request)
        if answer.status != 401:
            return answer
        # Revoked before its time: a new one, once. What was answered with 401 was not done.
        self._token = ""
        request.headers["authorization"] = f"Bearer {self._current(deadline)}"
        return send(request)

    def _current(self, deadline: Deadline) -> str:
        now = self._clock()
        if self._token and now < self._renew:
            return self._token
        try:
            self._ask(deadline)
        except NotDelivered as exc:
            if self._token and now < self._ends:
                return self._token
            raise NoCredential("101503", f"No token for the endpoint: {exc}") from exc
        return self._token

    def _ask(self, deadline: Deadline) -> None:
        headers = {
            "authorization": self._value,
            "content-type": "application/x-www-form-urlencoded",
            "accept": "application/json",
        }
        request = Outgoing("POST", "", "", headers, self._form)
        answer = self._forwarder.exchange(request, self._url, deadline, self._authorities)
        content = base64.b64decode(answer.body) if answer.encoded else answer.body
        try:
            told = json.loads(content) if answer.status == 200 else {}
            token, life = told["access_token"], float(told.get("expires_in") or USUAL_SECONDS)
        except (ValueError, KeyError, TypeError) as exc:
            raise NotDelivered("101503", f"the token endpoint answers {answer.status}") from exc
        if not isinstance(token, str) or not re.fullmatch(r"[\x21-\x7e]+", token[: MAX_TOKEN + 1]):
            raise NotDelivered("101503", "the token endpoint gives no token")
        now = self._clock()
        self._token, self._ends = token, now + life
        self._renew = now + life * (1 - EARLY)


def made(
    security: Mapping[str, Any], secret: Callable[[], Mapping[str, str]], forwarder: Forwarder
) -> Credential:
    """The credential that a side's `security` describes; `secret` opens what is sealed of it."""
    match security.get("type"):
        case "BASIC":
            return Basic(str(security["username"]), secret()["password"])
        case "DIGEST":
            return Digest(str(security["username"]), secret()["password"])
        case "OAUTH":
            return Tokens(forwarder, security, secret())
        case "API_KEY":
            place = str(security.get("apiKeyIdentifierType") or "HEADER").upper()
            name = str(security["apiKeyIdentifier"])
            return ApiKey(name, secret()["apiKeyValue"], place == "QUERY_PARAMETER")
        case _:
            return Open()


def basic(username: str, password: str) -> str:
    """RFC 7617 section 2, in UTF-8."""
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()


def strongest(header: str) -> dict[str, str] | None:
    """The best digest challenge of a `WWW-Authenticate` that can be answered."""
    found: list[dict[str, str]] = []
    for one in _CHALLENGE.split(header):
        scheme, _, rest = one.strip().partition(" ")
        if scheme.lower() != "digest":
            continue
        told = {
            name.lower(): re.sub(r"\\(.)", r"\1", text) or plain
            for name, text, plain in _PARAMETER.findall(rest)
        }
        algorithm = told.get("algorithm", "MD5").upper().removesuffix("-SESS")
        offered = [part.strip() for part in told.get("qop", "auth").split(",")]
        if algorithm in _HASHES and "auth" in offered and {"realm", "nonce"} <= told.keys():
            found.append(told)
    order = list(_HASHES)
    return min(
        found,
        key=lambda told: order.index(told.get("algorithm", "MD5").upper().removesuffix("-SESS")),
        default=None,
    )


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _form(security: Mapping[str, Any], secret: Mapping[str, str]) -> bytes:
    form = custom_parameters(security) or {}
    if str(security.get("grantType") or "").upper() == "PASSWORD":
        form |= {
            "grant_type": "password",
            "username": str(security.get("username") or ""),
            "password": secret["password"],
        }
    else:
        form["grant_type"] = "client_credentials"
    scopes = security.get("scopes") or ()
    if scopes:
        form["scope"] = " ".join(map(str, scopes))
    return urlencode(form).encode()
