"""An authorization request read strictly: every parameter, and where its errors may be told
(RFC 6749 section 4.1.1, RFC 7636 section 4.3, OpenID Connect Core section 3.1.2.1).
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from portico.domain.application import Client
from portico.domain.errors import PorticoError
from portico.domain.redirects import acceptable, fits
from portico.domain.token_rules import TokenRules

GRANT = "authorization_code"
QUERY, FORM_POST = "query", "form_post"
# What is read, and at most so many characters of it; all else is ignored (RFC 6749 section 3.1).
PARAMETERS = {
    "response_type": 100,
    "client_id": 255,
    "redirect_uri": 2048,
    "scope": 4096,
    "state": 4096,
    "response_mode": 100,
    "nonce": 1024,
    "code_challenge": 128,
    "code_challenge_method": 20,
    "prompt": 100,
    "max_age": 10,
    "login_hint": 256,
    "id_token_hint": 8192,
    "claims": 4096,
    "request": 32_768,
    "request_uri": 2048,
    "registration": 32_768,
}
PROMPTS = frozenset({"none", "login", "consent", "select_account"})
MAX_SCOPES = 100
_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")  # scope-token, RFC 6749 section 3.3
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")  # BASE64URL of a SHA-256
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
# OpenID Connect Core sections 6 and 7.2.1: what they say where a thing is not supported.
_NOT_SUPPORTED = ("request", "request_uri", "registration")


@dataclass(frozen=True)
class Place:
    """Where the answer goes, which has been checked."""

    redirect_uri: str
    mode: str = QUERY
    state: str = ""


class Untrusted(PorticoError):
    """The client or its redirect URI does not hold: nobody may be sent anywhere (RFC 6749 section
    4.1.2.1). `error` is the code for where there is no browser.
    """

    def __init__(self, error: str, description: str) -> None:
        super().__init__(description)
        self.error = error


class Refused(PorticoError):
    """An error for the client to learn, with its code and the place to tell it to."""

    def __init__(self, error: str, description: str, place: Place) -> None:
        super().__init__(description)
        self.error = error
        self.place = place


@dataclass(frozen=True)
class Asked:
    """An authorization request that holds."""

    place: Place
    stated: bool  # whether it named the redirect URI
    scopes: tuple[str, ...] = ()
    nonce: str = ""
    challenge: str = ""
    prompts: frozenset[str] = frozenset()
    max_age: int | None = None  # seconds
    login_hint: str = ""
    subject: str = ""  # who the client means, by an id_token of ours
    claims: dict[str, Any] = field(default_factory=dict)


def known(parameters: Mapping[str, str]) -> dict[str, str]:
    """The parameters that mean something here."""
    return {name: value for name, value in parameters.items() if name in PARAMETERS}


def place_of(client: Client, parameters: Mapping[str, str]) -> Place:
    """Where the answer may go; Untrusted when the redirect URI is not one of the client's."""
    asked = parameters.get("redirect_uri", "")
    if asked:
        if not any(fits(one, asked) for one in client.redirect_uris) or not acceptable(asked):
            raise Untrusted(
                "invalid_request", "The redirect URI is not one that the application registered"
            )
    elif len(client.redirect_uris) == 1 and acceptable(client.redirect_uris[0]):
        asked = client.redirect_uris[0]
    else:
        raise Untrusted("invalid_request", "The request does not tell where its answer belongs")
    mode = parameters.get("response_mode", "")
    state = parameters.get("state", "")
    fine = len(state) <= PARAMETERS["state"] and not _CONTROL.search(state)
    return Place(asked, FORM_POST if mode == FORM_POST else QUERY, state if fine else "")


def read(
    client: Client,
    parameters: Mapping[str, str],
    rules: TokenRules,
    *,
    pushed: bool = False,
    subject: Callable[[str], str] = lambda _: "",
) -> Asked:
    """The request in its parameters; `pushed` when it came by RFC 9126.

    Raises Untrusted, or Refused for everything that the client may learn.
    """
    place = place_of(client, parameters)

    def refuse(code: str, description: str) -> Refused:
        return Refused(code, description, place)

    for name in _NOT_SUPPORTED:
        if name in parameters:
            raise refuse(f"{name}_not_supported", f"'{name}' is not supported")
    for name, most in PARAMETERS.items():
        value = parameters.get(name, "")
        if len(value) > most or (name != "claims" and _CONTROL.search(value)):
            raise refuse("invalid_request", f"'{name}' is too long or has control characters")
    if GRANT not in client.grant_types or (rules.grants is not None and GRANT not in rules.grants):
        raise refuse("unauthorized_client", "The client may not use the authorization code grant")
    if client.require_par and not pushed:
        raise refuse("invalid_request", "The client must push its requests (RFC 9126)")
    _check_response(parameters, refuse)
    return Asked(
        place=place,
        stated="redirect_uri" in parameters,
        scopes=_scopes(client, parameters, refuse),
        nonce=parameters.get("nonce", ""),
        challenge=_challenge(client, parameters, refuse),
        prompts=_prompts(parameters, refuse),
        max_age=_max_age(parameters, refuse),
        login_hint=parameters.get("login_hint", ""),
        subject=_subject(parameters, subject, refuse),
        claims=_claims(parameters, refuse),
    )


Refuse = Callable[[str, str], Refused]


def _check_response(parameters: Mapping[str, str], refuse: Refuse) -> None:
    kind = parameters.get("response_type", "")
    if not kind:
        raise refuse("invalid_request", "The parameter 'response_type' is missing")
    if kind != "code":
        raise refuse("unsupported_response_type", "Only the response type 'code' is supported")
    if parameters.get("response_mode", QUERY) not in (QUERY, FORM_POST):
        raise refuse("invalid_request", "Only the response modes query and form_post are supported")


def _scopes(client: Client, parameters: Mapping[str, str], refuse: Refuse) -> tuple[str, ...]:
    # Spaces only (RFC 6749 section 3.3): other white space is no part of a scope.
    scopes = tuple(dict.fromkeys(filter(None, parameters.get("scope", "").split(" "))))
    if len(scopes) > MAX_SCOPES or not all(_SCOPE.fullmatch(scope) for scope in scopes):
        raise refuse("invalid_scope", "The scopes are too many or not well-formed")
    return scopes


def _challenge(client: Client, parameters: Mapping[str, str], refuse: Refuse) -> str:
    """RFC 7636: S256 only, for `plain` protects nothing that was seen (RFC 9700 section 2.1.1)."""
    challenge = parameters.get("code_challenge", "")
    method = parameters.get("code_challenge_method", "")
    if not challenge:
        if method:
            raise refuse("invalid_request", "'code_challenge' is missing")
        if client.public or not client.secrets or client.require_pkce:
            raise refuse("invalid_request", "'code_challenge' is missing: PKCE is required")
        return ""
    if method != "S256":
        raise refuse("invalid_request", "'code_challenge_method' must be S256")
    if not _CHALLENGE.fullmatch(challenge):
        raise refuse("invalid_request", "'code_challenge' is not an S256 challenge")
    return challenge


def _prompts(parameters: Mapping[str, str], refuse: Refuse) -> frozenset[str]:
    prompts = frozenset(parameters.get("prompt", "").split())
    if prompts - PROMPTS or ("none" in prompts and len(prompts) > 1):
        raise refuse("invalid_request", "'prompt' must be none, or some of the other values")
    return prompts


def _max_age(parameters: Mapping[str, str], refuse: Refuse) -> int | None:
    text = parameters.get("max_age")
    if text is None:
        return None
    if not (text.isascii() and text.isdigit()):
        raise refuse("invalid_request", "'max_age' must be a number of seconds")
    return int(text)


def _subject(parameters: Mapping[str, str], subject: Callable[[str], str], refuse: Refuse) -> str:
    token = parameters.get("id_token_hint", "")
    if not token:
        return ""
    found = subject(token)
    if not found:
        raise refuse("invalid_request", "'id_token_hint' is not an id_token of this server")
    return found


def _claims(parameters: Mapping[str, str], refuse: Refuse) -> dict[str, Any]:
    """OpenID Connect Core section 5.5; members that are not understood are ignored."""
    text = parameters.get("claims", "")
    if not text:
        return {}
    wrong = refuse("invalid_request", "'claims' is not a JSON object of claims")
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as exc:
        raise wrong from exc
    if not isinstance(found, dict):
        raise wrong
    kept = {name: found[name] for name in ("userinfo", "id_token") if name in found}
    for members in kept.values():
        if not isinstance(members, dict) or not all(
            one is None or isinstance(one, dict) for one in members.values()
        ):
            raise wrong
    return kept
