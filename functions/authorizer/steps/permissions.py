"""What the caller's credential allows: kinds of tokens, audience, scopes."""

from functions.authorizer.calls import Call, Identity, Kind, Refused
from portico.domain.gateway import Deployment
from portico.domain.words import AuthType

EVERYBODY = "all"  # WSO2's word for an API without a certain audience


def check_token_type(call: Call) -> None:
    """The resource takes tokens of applications, of their users, or both."""
    identity = call.identity
    if identity is None or call.resource is None or identity.kind == Kind.INTERNAL:
        return
    wanted = call.resource.auth_type
    if (wanted == AuthType.USER and not identity.is_user) or (
        wanted == AuthType.APPLICATION and identity.is_user
    ):
        raise Refused("900905")


def check_audience(call: Call) -> None:
    """The token is for one of the audiences that the API names (RFC 7519 section 4.1.3)."""
    audiences = call.api.audiences
    if not audiences or call.identity is None or call.identity.kind != Kind.TOKEN:
        return
    if EVERYBODY not in audiences and call.identity.audience.isdisjoint(audiences):
        raise Refused("900914")


def check_scopes(call: Call) -> None:
    """The caller has one of the resource's scopes, or all where the resource says so (RFC 6750
    section 3.1, insufficient_scope). API keys have none; whoever tests an API needs none.
    """
    identity, resource = call.identity, call.resource
    if identity is None or resource is None or not resource.scopes:
        return
    if identity.kind == Kind.INTERNAL:
        return
    has = (_has(identity, call.api, scope) for scope in resource.scopes)
    if not (all(has) if resource.every else any(has)):
        raise Refused("900910")


def _has(identity: Identity, api: Deployment, scope: str) -> bool:
    if identity.kind == Kind.BASIC:
        # As a token would: the roles of the user decide, and a scope without roles is for all.
        roles = api.scopes.get(scope, [])
        return not roles or not identity.roles.isdisjoint(roles)
    return scope in identity.scopes
