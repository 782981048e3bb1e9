"""Client metadata (RFC 7591 section 2, and what OpenID Connect and RFC 9126 add), strictly read.

Registering and keeping the client is `registering_clients`' business.
"""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from portico.domain.application import NO_SECRET, Client
from portico.domain.errors import InvalidInput, Problem
from portico.domain.grant_types import CLIENT_CREDENTIALS, CODE, redirects
from portico.domain.redirect_uris import MAX_URIS, redirect_problem, web_problem
from portico.services.client_keys import PRIVATE_KEY_JWT, keys_of

AUTH_METHODS = ("client_secret_basic", "client_secret_post", PRIVATE_KEY_JWT, NO_SECRET)
ID_TOKEN_ALGORITHMS = ("RS256",)
NAME = re.compile(r"[^\x00-\x1f\x7f<>]{1,150}")
SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,200}")  # RFC 6749 section 3.3
MAX_LIST = 50
MAX_TEXT = 500
PAGES = ("client_uri", "logo_uri", "tos_uri", "policy_uri")  # shown to people
TEXTS = ("software_id", "software_version")
# Metadata with one value that is ours; a client that needs another one would not work.
FIXED = {"subject_type": "public", "id_token_signed_response_alg": ID_TOKEN_ALGORITHMS[0]}


class InvalidMetadata(InvalidInput):
    """A registration with metadata that cannot be had (RFC 7591 section 3.2.2)."""

    error = "invalid_client_metadata"


class InvalidRedirectUri(InvalidMetadata):
    """A registration with a redirect URI that cannot be had (RFC 7591 section 3.2.2)."""

    error = "invalid_redirect_uri"


@dataclass(frozen=True, kw_only=True)
class ClientMetadata:
    """What a client says of itself, checked and with the defaults of RFC 7591 section 2."""

    name: str  # '' when the client has not told one
    auth_method: str
    grant_types: tuple[str, ...]
    redirect_uris: tuple[str, ...]
    logout_uris: tuple[str, ...]
    scopes: tuple[str, ...] | None
    require_par: bool
    jwks: list[dict[str, Any]]
    jwks_uri: str
    told: dict[str, Any] = field(default_factory=dict)  # without behaviour here; given back

    def fields(self) -> dict[str, Any]:
        """The fields of a Client that come from it, but for the name."""
        return {
            "auth_method": self.auth_method,
            "grant_types": self.grant_types,
            "redirect_uris": self.redirect_uris,
            "logout_uris": self.logout_uris,
            "scopes": self.scopes,
            "require_par": self.require_par,
            "jwks": self.jwks,
            "jwks_uri": self.jwks_uri,
            "metadata": self.told,
        }


def read(body: Mapping[str, Any], offered: Collection[str]) -> ClientMetadata:
    """The metadata in a registration; InvalidMetadata that names what is wrong.

    What is not known is left out of account, as RFC 7591 section 2 wants it; null is the same as
    nothing. `offered` are the grant types of the tenant.
    """
    given = {name: value for name, value in body.items() if value is not None}
    method = _text(given, "token_endpoint_auth_method") or AUTH_METHODS[0]
    if method not in AUTH_METHODS:
        raise _wrong("token_endpoint_auth_method", f"must be one of {', '.join(AUTH_METHODS)}")
    grants = _texts(given, "grant_types") if "grant_types" in given else (CODE,)
    responses = _responses(given, grants)
    _check_grants(grants, method, offered)
    jwks, jwks_uri = keys_of(given, method, _wrong)
    told: dict[str, Any] = {"response_types": list(responses)}
    told |= {name: text for name in TEXTS if (text := _text(given, name))}
    told |= {name: uri for name in PAGES if (uri := _page(given, name))}
    told |= {name: value for name in FIXED if (value := _fixed(given, name))}
    if contacts := _texts(given, "contacts"):
        told["contacts"] = list(contacts)
    return ClientMetadata(
        name=_name(given),
        auth_method=method,
        grant_types=grants,
        redirect_uris=_redirect_uris(given, grants),
        logout_uris=_uris(given, "post_logout_redirect_uris", _wrong),
        scopes=_scopes(given),
        require_par=_flag(given, "require_pushed_authorization_requests"),
        jwks=jwks,
        jwks_uri=jwks_uri,
        told=told,
    )


def told_of(client: Client) -> dict[str, Any]:
    """The metadata of a client as a registration's answer has it (RFC 7591 section 3.2.1)."""
    found: dict[str, Any] = {
        "token_endpoint_auth_method": client.auth_method or AUTH_METHODS[0],
        "grant_types": list(client.grant_types),
        "redirect_uris": list(client.redirect_uris),
        "require_pushed_authorization_requests": client.require_par,
        **client.metadata,
    }
    if client.name != client.client_id:
        found["client_name"] = client.name
    if client.scopes is not None:
        found["scope"] = " ".join(client.scopes)
    if client.logout_uris:
        found["post_logout_redirect_uris"] = list(client.logout_uris)
    if client.jwks:
        found["jwks"] = {"keys": client.jwks}
    if client.jwks_uri:
        found["jwks_uri"] = client.jwks_uri
    return found


def _wrong(name: str, text: str) -> InvalidMetadata:
    return InvalidMetadata(f"{name}: {text}", [Problem(name, text)])


def _wrong_uri(name: str, text: str) -> InvalidMetadata:
    return InvalidRedirectUri(f"{name}: {text}", [Problem(name, text)])


def _text(given: Mapping[str, Any], name: str) -> str:
    value = given.get(name, "")
    if not isinstance(value, str) or len(value) > MAX_TEXT or not value.isprintable():
        raise _wrong(name, f"must be a text of at most {MAX_TEXT} printable characters")
    return value


def _texts(given: Mapping[str, Any], name: str) -> tuple[str, ...]:
    values = given.get(name, [])
    if not isinstance(values, list) or len(values) > MAX_LIST:
        raise _wrong(name, f"must be a list of at most {MAX_LIST} texts")
    return tuple(dict.fromkeys(_text({name: value}, name) for value in values))


def _flag(given: Mapping[str, Any], name: str) -> bool:
    value = given.get(name, False)
    if not isinstance(value, bool):
        raise _wrong(name, "must be true or false")
    return value


def _name(given: Mapping[str, Any]) -> str:
    name = _text(given, "client_name").strip()
    if name and not NAME.fullmatch(name):
        raise _wrong("client_name", "must have 1 to 150 characters, without '<' and '>'")
    return name


def _page(given: Mapping[str, Any], name: str) -> str:
    value = given.get(name, "")
    if value != "" and (not isinstance(value, str) or web_problem(value)):
        problem = web_problem(value) if isinstance(value, str) else "must be a text"
        raise _wrong(name, problem)
    return str(value)


def _fixed(given: Mapping[str, Any], name: str) -> str:
    value = given.get(name, "")
    if value not in ("", FIXED[name]):
        raise _wrong(name, f"can only be '{FIXED[name]}'")
    return str(value)


def _scopes(given: Mapping[str, Any]) -> tuple[str, ...] | None:
    if "scope" not in given:
        return None
    text = given["scope"]
    scopes = text.split() if isinstance(text, str) else [""]
    if len(scopes) > MAX_LIST or not all(SCOPE.fullmatch(scope) for scope in scopes):
        raise _wrong("scope", f"must be at most {MAX_LIST} scopes with spaces between them")
    return tuple(dict.fromkeys(scopes)) or None


def _uris(
    given: Mapping[str, Any], name: str, wrong: Callable[[str, str], InvalidMetadata]
) -> tuple[str, ...]:
    values = given.get(name, [])
    if not isinstance(values, list) or len(values) > MAX_URIS:
        raise wrong(name, f"must be a list of at most {MAX_URIS} URIs")
    for value in values:
        problem = redirect_problem(value) if isinstance(value, str) else "must be texts"
        if problem:
            raise wrong(name, problem)
    return tuple(dict.fromkeys(values))


def _redirect_uris(given: Mapping[str, Any], grants: Collection[str]) -> tuple[str, ...]:
    found = _uris(given, "redirect_uris", _wrong_uri)
    if not found and redirects(grants):
        raise _wrong_uri("redirect_uris", f"are needed for {CODE}")
    return found


def _responses(given: Mapping[str, Any], grants: Collection[str]) -> tuple[str, ...]:
    """Response types go with grant types (RFC 7591 section 2.1): `code` with authorization_code."""
    fitting = ("code",) if CODE in grants else ()
    if "response_types" not in given:
        return fitting
    responses = _texts(given, "response_types")
    if responses != fitting:
        text = f"must be ['code'] with the grant type {CODE}, and empty without"
        raise _wrong("response_types", text)
    return responses


def _check_grants(grants: Collection[str], method: str, offered: Collection[str]) -> None:
    unknown = [grant for grant in grants if grant not in offered]
    if unknown:
        text = f"'{unknown[0][:100]}' is not one of {', '.join(offered)}"
        raise _wrong("grant_types", text)
    if not grants:
        raise _wrong("grant_types", "names no grant type")
    if method == NO_SECRET and CLIENT_CREDENTIALS in grants:
        text = f"{CLIENT_CREDENTIALS} is for clients that authenticate (RFC 6749 section 4.4)"
        raise _wrong("grant_types", text)
