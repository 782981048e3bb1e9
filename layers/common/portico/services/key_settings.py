"""What a developer may choose about an application's keys, and the rules of it.

Making and changing the keys is `keys`' business.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from portico.domain.application import ID_TOKEN, NO_SECRET, Client
from portico.domain.errors import InvalidInput, Problem
from portico.domain.grant_types import CLIENT_CREDENTIALS, REDIRECTING, redirects
from portico.domain.redirect_uris import MAX_URIS, redirect_problem
from portico.services.client_keys import PRIVATE_KEY_JWT
from portico.services.clients import LONGEST_TOKEN

LONGEST_REFRESH = 31_536_000  # seconds
MAX_SCOPES = 100
# Where an input's field is at fault: the contract's names.
GRANTS, CALLBACK, VALIDITY = "grantTypesToBeSupported", "callbackUrl", "validityTime"
MORE = "additionalProperties"


@dataclass(frozen=True, kw_only=True)
class KeySettings:
    """What is chosen; None leaves a thing as it is.

    Validities are in seconds; those of `validities` are by grant type (and `id_token`), 0 for the
    same as `token_validity`.
    """

    grant_types: tuple[str, ...] | None = None
    callback_urls: tuple[str, ...] | None = None
    token_validity: int | None = None
    refresh_validity: int | None = None
    validities: dict[str, int] | None = None
    public: bool | None = None  # whether it has no secret and proves itself by PKCE alone
    require_pkce: bool | None = None  # also of a client with a secret
    scopes: tuple[str, ...] | None = None  # the only ones it may ask for, () for any
    # Public keys and their address, to sign assertions with instead of a secret; ([], "") for none.
    proof: tuple[list[dict[str, Any]], str] | None = None


def settled(client: Client, wanted: KeySettings, offered: Sequence[str]) -> Client:
    """The client with what is wanted; InvalidInput that names every field at fault.

    `offered` are the grant types of the tenant. What the client has already may stay: grant types
    that the tenant no longer offers, which the token endpoint refuses, and callback URLs of before.
    """
    chosen = {
        "grant_types": wanted.grant_types,
        "redirect_uris": wanted.callback_urls,
        "token_validity": wanted.token_validity,
        "refresh_validity": wanted.refresh_validity,
        "require_pkce": wanted.require_pkce,
    }
    fields: dict[str, Any] = {name: value for name, value in chosen.items() if value is not None}
    if wanted.scopes is not None:
        fields["scopes"] = wanted.scopes or None
    if wanted.validities is not None:
        together = {**client.validities, **wanted.validities}
        fields["validities"] = {name: value for name, value in together.items() if value}
    if wanted.public is not None and wanted.public != client.public:
        fields["auth_method"] = NO_SECRET if wanted.public else ""
        if wanted.public:
            fields |= {"secrets": (), "jwks": [], "jwks_uri": ""}
    if wanted.proof is not None:
        fields |= _proof(client, wanted)
    changed = replace(client, **fields)
    problems = [
        *_grant_problems(changed, (*offered, *client.grant_types)),
        *_callback_problems(changed, client.redirect_uris),
        *_validity_problems(changed, wanted),
    ]
    if len(changed.scopes or ()) > MAX_SCOPES:
        problems.append(Problem("scopes", f"are more than {MAX_SCOPES}"))
    if problems:
        raise InvalidInput("The keys' settings are not valid", problems)
    return changed


def _proof(client: Client, wanted: KeySettings) -> dict[str, Any]:
    """Fields of a client that signs assertions (private_key_jwt), or that does so no longer."""
    jwks, uri = wanted.proof or ([], "")
    if not jwks and not uri:
        signed = client.auth_method == PRIVATE_KEY_JWT
        return {"auth_method": "", "jwks": [], "jwks_uri": ""} if signed else {}
    if wanted.public or (client.public and wanted.public is None):
        raise InvalidInput.of(f"{MORE}.jwks", "is not for an application that proves nothing")
    return {"auth_method": PRIVATE_KEY_JWT, "jwks": jwks, "jwks_uri": uri, "secrets": ()}


def _grant_problems(client: Client, offered: Sequence[str]) -> list[Problem]:
    if not client.grant_types:
        return [Problem(GRANTS, "names no grant type")]
    unknown = [grant for grant in client.grant_types if grant not in offered]
    if unknown:
        known = ", ".join(dict.fromkeys(offered))
        return [Problem(GRANTS, f"'{unknown[0][:100]}' is not one of {known}")]
    if client.public and CLIENT_CREDENTIALS in client.grant_types:
        text = "client_credentials needs a secret (RFC 6749 section 4.4), so a client without one"
        return [Problem(GRANTS, f"{text} may not have it")]
    return []


def _callback_problems(client: Client, known: Sequence[str]) -> list[Problem]:
    uris = client.redirect_uris
    if len(uris) > MAX_URIS:
        return [Problem(CALLBACK, f"names more than {MAX_URIS} addresses")]
    problems = [
        Problem(CALLBACK, f"'{uri[:100]}' {text}")
        for uri in uris
        if uri not in known and (text := redirect_problem(uri))
    ]
    if not uris and redirects(client.grant_types):
        problems.append(Problem(CALLBACK, f"is needed for {', '.join(REDIRECTING)}"))
    return problems


def _validity_problems(client: Client, wanted: KeySettings) -> list[Problem]:
    # A removed client's tokens are remembered as revoked for LONGEST_TOKEN, not longer.
    checked = [
        (VALIDITY, wanted.token_validity, LONGEST_TOKEN),
        (f"{MORE}.refresh_token_expiry_time", wanted.refresh_validity, LONGEST_REFRESH),
    ]
    names = {
        CLIENT_CREDENTIALS: "application_access_token_expiry_time",
        ID_TOKEN: "id_token_expiry_time",
    }
    for name, seconds in (wanted.validities or {}).items():
        if name not in (*client.grant_types, *names):
            text = "is not a grant type of these keys"
            return [Problem(f"{MORE}.grant_type_expiry_times.{name[:100]}", text)]
        field = names.get(name, f"grant_type_expiry_times.{name}")
        checked.append((f"{MORE}.{field}", seconds or None, LONGEST_TOKEN))
    return [
        Problem(field, f"must be 1 to {most} seconds")
        for field, seconds, most in checked
        if seconds is not None and not 1 <= seconds <= most
    ]
