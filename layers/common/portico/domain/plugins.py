"""What classes of the plug-in layer look like that take part in issuing tokens or judging calls.

A class is named `package.module.Class`, is made without arguments for each use, and runs in a
thread of its own that is left alone when it takes too long.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from portico.domain.errors import PorticoError


class Refused(PorticoError):
    """A grant plug-in raises this when what the client sent does not hold: the client is answered
    `invalid_grant` (RFC 6749 section 5.2) with this text.
    """

    error = "invalid_grant"


@dataclass(frozen=True)
class Extra:
    """What an extension adds to a token response."""

    fields: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


NOTHING = Extra()


class TokenExtension(Protocol):
    """Adds to token responses."""

    def extend(self, token: Mapping[str, Any]) -> Mapping[str, Any]:
        """`{"headers": {name: text}, "fields": {name: JSON value}}`, either of which may be absent.

        `token` is `{"tenant", "client": {"id", "name", "owner", "application", "key_type"},
        "user": None or {"name", "id", "email", "roles", "claims": {claim URI: text}}, "scopes",
        "claims"}`, where `claims` are those of the access token. Whatever it raises fails the
        request or leaves the response as it was, as the tenant decides.
        """


class GrantPlugin(Protocol):
    """A grant type of the operator's own."""

    def grant(self, parameters: Mapping[str, str], client: Mapping[str, Any]) -> Mapping[str, Any]:
        """`{"user": name or None, "scopes": [...], "claims": {...}}` for a token request.

        `parameters` are the request's without the client's credentials, `client` as for
        extensions. `user` names a user of the client's tenant, None gives a token of the client
        itself; `scopes` (by default those asked for) are granted as far as client and roles allow;
        `claims` are further ones of the access token, and of no refreshed one. Raises Refused.
        """


class GatewayExtension(Protocol):
    """Adds claims to backend JWTs, or is a step of the gateway's pipeline."""

    def extend(self, call: Mapping[str, Any]) -> Mapping[str, Any]:
        """`{"claims": {name: JSON value}, "refuse": code}`, either of which may be absent.

        `call` is `{"tenant", "api": {"id", "name", "version", "context"}, "application": None or
        {"id", "name", "owner", "policy", "attributes"}, "caller": None or {"user", "is_user",
        "kind", "key_type", "client", "scopes"}, "policy"}`, where `policy` is the subscription's.
        Asked once for an assertion, it has `claims` as well, what the assertion will say; asked on
        every call, `request`: `{"method", "path", "query", "resource", "address", "headers"}`
        without any credentials. `refuse` is a code of `portico.domain.faults` with status 401 or
        403, such as "900914". Whatever it raises refuses the call or lets it pass as it was, as the
        tenant decides.
        """
