"""The claims of the backend JWT (`X-JWT-Assertion`): who calls which API, under WSO2's names.

Pure; signing is `portico.tokens.jwt`'s business.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from portico.domain.backend_jwt import DIALECT as DIALECT
from portico.domain.tenant import SUPER_TENANT, join_user, shown_user

ISSUER = "wso2.org/products/am"
LIFETIME = 900  # seconds, WSO2's default
ANONYMOUS = "anonymous"

REGISTERED = frozenset(("iss", "sub", "aud", "exp", "nbf", "iat", "jti"))  # RFC 7519 section 4.1
OWN = frozenset(
    (
        *("apicontext", "apiname", "version", "tier", "keytype", "usertype", "enduser"),
        *("enduserTenantId", "subscriber", "applicationid", "applicationUUId", "applicationname"),
        *("applicationtier", "applicationAttributes"),
    )
)


@dataclass(frozen=True)
class Caller:
    """Who called, as far as a back end may know; an unauthenticated call keeps the defaults."""

    tenant: str = SUPER_TENANT
    end_user: str = ANONYMOUS  # without tenant
    user_type: str = "APPLICATION"  # or APPLICATION_USER
    key_type: str = "PRODUCTION"
    subscriber: str = ""  # owner of the application, without tenant
    application_id: str = ""  # the UUID
    application_number: int = 0  # WSO2's integer id
    application_name: str = ""
    application_policy: str = ""
    application_attributes: Mapping[str, str] = field(default_factory=dict)
    policy: str = "Unauthenticated"  # of the subscription


def backend_claims(
    caller: Caller,
    *,
    api_name: str,
    api_context: str,
    api_version: str,
    now: int,
    lifetime: int = LIFETIME,
    dialect: str = DIALECT,
    extra: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Claims for one caller and one API; times are in epoch seconds (RFC 7519 section 2).

    The names of all but the registered claims begin with the `dialect`. `extra` are further claims,
    such as those of the user store; they replace none of these.
    """
    claims: dict[str, Any] = {
        "iss": ISSUER,
        "sub": join_user(caller.end_user, caller.tenant),
        "iat": now,
        "exp": now + lifetime,
        "jti": str(uuid.uuid4()),
    }
    values: dict[str, Any] = {
        "apicontext": api_context,
        "apiname": api_name,
        "version": api_version,
        "tier": caller.policy,
        "keytype": caller.key_type,
        "usertype": caller.user_type,
        "enduser": join_user(caller.end_user, caller.tenant),
    }
    if caller.tenant == SUPER_TENANT:
        values["enduserTenantId"] = "-1234"
    if caller.application_id:
        values |= {
            "subscriber": shown_user(caller.subscriber, caller.tenant),
            "applicationid": str(caller.application_number),
            "applicationUUId": caller.application_id,
            "applicationname": caller.application_name,
            "applicationtier": caller.application_policy,
        }
        if caller.application_attributes:
            values["applicationAttributes"] = dict(caller.application_attributes)
    claims |= {f"{dialect}/{name}": value for name, value in values.items()}
    return {**(extra or {}), **claims}


def backend_names(dialect: str) -> frozenset[str]:
    """The names of all claims that `backend_claims` may make: nobody else's are called so."""
    return REGISTERED | {f"{dialect}/{name}" for name in OWN}
