"""Grant types of the operator's own: a class of the plug-in layer says who a token is for.

How such a class looks is told in `portico.domain.plugins`.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from aws_lambda_powertools.logging import Logger

from functions.token.errors import OAuthError
from functions.token.extensions import client_told
from functions.token.wiring import GrantRequest, Wiring
from portico.domain.plugins import Refused
from portico.domain.tenant import split_user
from portico.domain.user import User
from portico.plugins.classes import load
from portico.plugins.timed import within
from portico.services.issuing import Issued

SECONDS = 10.0  # a plug-in may ask another server
MAX_SCOPES, MAX_CLAIMS = 100, 4096  # number, and bytes of JSON
# What proves who the client is, and is nobody else's to see.
CREDENTIALS = frozenset(("client_secret", "client_assertion", "client_assertion_type"))
# What we say ourselves in an access token, by RFC 9068, RFC 8693 and WSO2's names.
OURS = frozenset(
    (
        *("iss", "sub", "aud", "exp", "nbf", "iat", "jti", "client_id", "azp", "scope", "aut"),
        *("keytype", "owner", "tenant", "app", "fam", "act", "may_act", "cnf", "auth_time"),
        *("acr", "amr", "sid", "userinfo"),
    )
)
_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,255}")


@cache
def _log() -> Logger:
    return Logger(service="token", child=True)


@dataclass(frozen=True)
class Said:
    """What a plug-in answered, checked."""

    user: str
    scopes: tuple[str, ...]
    claims: Mapping[str, Any]


def issue(grant: GrantRequest, wiring: Wiring) -> Issued:
    """Tokens as the tenant's class for the grant type says. OAuthError `invalid_grant` when it
    refuses, `server_error` without details for whatever else goes wrong in it.
    """
    client, grant_type = grant.client, grant.parameters["grant_type"]
    said = _said(wiring.rules(client.tenant).plugins[grant_type], grant, wiring)
    if not said.user:
        return wiring.issuing.to_application(
            client, said.scopes, grant_type=grant_type, more=said.claims
        )
    user = _user(said.user, client.tenant, wiring)
    return wiring.issuing.to_user(
        client, user, said.scopes, grant_type=grant_type, more=said.claims
    )


def _said(name: str, grant: GrantRequest, wiring: Wiring) -> Said:
    packages = wiring.settings.plugin_packages
    parameters = {
        name: value for name, value in grant.parameters.items() if name not in CREDENTIALS
    }
    try:
        answer = within(
            SECONDS,
            lambda: load(name, packages, "grant")().grant(parameters, client_told(grant.client)),
        )
        return _checked(answer, grant.scopes)
    except Refused as exc:
        raise OAuthError("invalid_grant", str(exc)[:500]) from exc
    # Whatever code of others raises is its failure and not ours.
    except Exception as exc:
        _log().warning("grant plug-in failed", plugin=name, reason=repr(exc)[:300])
        raise OAuthError("server_error", "The grant type does not work now", 500) from exc


def _checked(answer: Any, asked: tuple[str, ...]) -> Said:
    if not isinstance(answer, Mapping) or set(answer) - {"user", "scopes", "claims"}:
        raise TypeError("the answer is no object of 'user', 'scopes' and 'claims'")
    user, scopes, claims = (answer.get(name) for name in ("user", "scopes", "claims"))
    claims = {} if claims is None else claims
    if user is not None and (not isinstance(user, str) or not user):
        raise TypeError("'user' is no name")
    scopes = asked if scopes is None else scopes
    if not isinstance(scopes, list | tuple) or len(scopes) > MAX_SCOPES:
        raise TypeError(f"'scopes' is no list of at most {MAX_SCOPES}")
    if not all(isinstance(scope, str) and _SCOPE.fullmatch(scope) for scope in scopes):
        raise TypeError("'scopes' has what is no scope")
    if not isinstance(claims, Mapping) or not all(isinstance(name, str) for name in claims):
        raise TypeError("'claims' is no object")
    if taken := OURS & set(claims):
        raise ValueError(f"'claims' has {min(taken)}, which is not the plug-in's to say")
    text = json.dumps(dict(claims), allow_nan=False)
    if len(text) > MAX_CLAIMS:
        raise ValueError(f"'claims' has more than {MAX_CLAIMS} bytes")
    return Said(user or "", tuple(scopes), json.loads(text))


def _user(name: str, tenant: str, wiring: Wiring) -> User:
    """The named user of the tenant; a name may end in the tenant's own."""
    plain, domain = split_user(name)
    names = (name, plain) if domain == tenant else (name,)
    for one in names:
        user = wiring.records.get(User, tenant=tenant, name=one.lower())
        if user and user.active:
            return user
    raise OAuthError("invalid_grant", "The user is not known here or not active")
