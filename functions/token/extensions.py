"""The token-issue extension: what an operator's own class or function adds to token responses.

`Issuing` asks it by the claims of the access token, before anything is stored. It may add headers
and fields, never replace ours; slow, failing or wrong, it stops the issuing, or is left out where
the tenant wants that.
"""

import json
from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.logging import Logger

from functions.token.additions import checked
from portico.domain.application import Client
from portico.domain.claims import CLAIMS, roles_of, value_of
from portico.domain.errors import Unavailable
from portico.domain.plugins import NOTHING, Extra
from portico.domain.tenant import split_user
from portico.domain.token_rules import TokenRules
from portico.domain.user import User
from portico.plugins.classes import is_class_name, load
from portico.plugins.functions import called
from portico.plugins.timed import within
from portico.services.issuing import APPLICATION_USER

if TYPE_CHECKING:
    from types_boto3_lambda import LambdaClient

    from functions.token.wiring import Wiring

# A client for a function that has this many seconds.
Functions = Callable[[float], "LambdaClient"]


@cache
def _log() -> Logger:
    return Logger(service="token", child=True)


def extender(wiring: "Wiring") -> Callable[[Client, Mapping[str, Any]], Extra]:
    """What `Issuing` asks: the extension of the client's application or else of its tenant."""

    def extend(client: Client, claims: Mapping[str, Any]) -> Extra:
        rules = wiring.rules(client.tenant)
        single = rules.extensions.get(client.application_id or client.client_id)
        name = single or rules.extension
        if not name:
            return NOTHING
        try:
            return checked(_asked(name, rules, _token(wiring, client, claims), wiring))
        # Whatever code of others raises is its failure and not ours.
        except Exception as exc:
            _log().warning("token extension failed", extension=name, reason=repr(exc)[:300])
            if rules.extension_open:
                return NOTHING
            raise Unavailable("The token response cannot be made now") from exc

    return extend


def client_told(client: Client) -> dict[str, Any]:
    """What code of others is told about a client."""
    return {
        "id": client.client_id,
        "name": client.name,
        "owner": client.application_owner or client.owner,
        "application": client.application_id,
        "key_type": client.key_type,
    }


def _token(wiring: "Wiring", client: Client, claims: Mapping[str, Any]) -> dict[str, Any]:
    token = {
        "tenant": client.tenant,
        "client": client_told(client),
        "user": None,
        "scopes": str(claims.get("scope", "")).split(),
        "claims": claims,
    }
    if claims.get("aut") == APPLICATION_USER:
        name, tenant = split_user(str(claims["sub"]))
        user = wiring.records.get(User, tenant=tenant, name=name.lower())
        token["user"] = _person(user) if user else {"name": name}
    # A copy: what is signed afterwards is out of its reach.
    copied: dict[str, Any] = json.loads(json.dumps(token))
    return copied


def _person(user: User) -> dict[str, Any]:
    return {
        "name": user.name,
        "id": user.id,
        "email": user.email,
        "roles": list(roles_of(user)),
        "claims": {uri: text for uri in CLAIMS if (text := value_of(user, uri))},
    }


def _asked(name: str, rules: TokenRules, token: dict[str, Any], wiring: "Wiring") -> Any:
    if is_class_name(name):
        packages = wiring.settings.plugin_packages
        return within(
            rules.extension_seconds, lambda: load(name, packages, "extend")().extend(token)
        )
    # Loading the client's model is not the function's time.
    client = wiring.functions(rules.extension_seconds)
    return within(rules.extension_seconds, lambda: called(client, name, token))
