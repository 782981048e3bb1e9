"""The SAML 2.0 bearer grant (RFC 7522 section 2.1): tokens for whom a trusted issuer speaks of."""

from functions.token.errors import OAuthError
from functions.token.wiring import GrantRequest, Wiring
from portico.domain.errors import AlreadyExists
from portico.domain.grant_types import SAML_BEARER
from portico.domain.token_rules import TrustedIssuer
from portico.services.assertions import SAML, Person, trusted
from portico.services.issuing import InvalidGrant, Issued
from portico.tokens.saml import Assertion, InvalidAssertion, issuer_of, verified

KIND = "saml"  # of what may come once only
NAME_ID = "sub"  # `user_claim` of an issuer whose NameID names our user


def issue(grant: GrantRequest, wiring: Wiring) -> Issued:
    """Tokens for the user; `invalid_grant` with the reason when the assertion does not hold or has
    been used before (section 3).
    """
    text = grant.parameters.get("assertion")
    if not text:
        raise OAuthError("invalid_request", "The parameter 'assertion' is missing")
    tenant = grant.client.tenant
    issuer, assertion = _read(wiring, tenant, text)
    once = wiring.replays.first(tenant, KIND, issuer.issuer, assertion.id, assertion.expires)
    user, also = wiring.assertions.user(tenant, issuer, _person(issuer, assertion), once)
    try:
        return wiring.issuing.to_user(
            grant.client, user, grant.scopes, grant_type=SAML_BEARER, also=also
        )
    except AlreadyExists as exc:
        raise InvalidGrant("The assertion has been used before") from exc


def _read(wiring: Wiring, tenant: str, text: str) -> tuple[TrustedIssuer, Assertion]:
    try:
        issuer = trusted(wiring.rules(tenant), SAML, issuer_of(text))
        names = wiring.names(tenant)
        assertion = verified(
            text,
            issuer.certificates,
            audiences={*names, *issuer.audiences},
            recipients=names,
            now=wiring.clock.now(),
        )
    except InvalidAssertion as exc:
        raise InvalidGrant(str(exc)) from exc
    if assertion.issuer != issuer.issuer:
        raise InvalidGrant("The issuer is not trusted")
    return issuer, assertion


def _person(issuer: TrustedIssuer, assertion: Assertion) -> Person:
    """Whom the assertion speaks of; InvalidGrant when it names nobody."""

    def first(attribute: str) -> str:
        return next(iter(assertion.attributes.get(attribute, ())), "")

    name = assertion.name if issuer.user_claim == NAME_ID else first(issuer.user_claim)
    if not name:
        raise InvalidGrant(f"The assertion has no '{issuer.user_claim}' that names a user")
    roles = assertion.attributes.get(issuer.role_claim, ()) if issuer.role_claim else ()
    texts = {one: first(one) for one in ("email", "given_name", "family_name")}
    return Person(name, roles, **texts)
