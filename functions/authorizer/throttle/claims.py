"""The claims of a call's token, for policies that look at them; read again only for those."""

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any

from functions.authorizer.calls import Call, Kind
from functions.authorizer.credentials.identities import token_of
from portico.domain.gateway import OpaqueToken
from portico.storage.readmodel import Key, key
from portico.tokens.claims import DIALECT


def claims_of(call: Call) -> Mapping[str, Any]:
    """What the verified token says, and what is known of the caller under WSO2's names."""
    identity, application = call.identity, call.application
    if identity is None:
        return {}
    known = {
        f"{DIALECT}/enduser": identity.user,
        f"{DIALECT}/usertype": "APPLICATION_USER" if identity.is_user else "APPLICATION",
        f"{DIALECT}/keytype": identity.key_type,
    }
    if application is not None:
        known |= {
            f"{DIALECT}/subscriber": application.owner,
            f"{DIALECT}/applicationid": application.application_id,
            f"{DIALECT}/applicationname": application.name,
            f"{DIALECT}/applicationtier": application.policy,
        }
    if call.grant is not None:
        known[f"{DIALECT}/tier"] = call.grant.policy
    return {**known, **_told(call)} if identity.kind == Kind.TOKEN else known


def _told(call: Call) -> Mapping[str, Any]:
    token = token_of(call) or ""
    if "." not in token or "~" in token:
        return _kept(call)
    try:
        part = token.split(".", 2)[1]
        claims = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (IndexError, ValueError, binascii.Error, RecursionError):
        return {}
    return claims if isinstance(claims, dict) else {}


def _kept(call: Call) -> Mapping[str, Any]:
    assert call.identity is not None  # noqa: S101 - asked for calls with a token only
    where: Key[OpaqueToken] = key(
        OpaqueToken, tenant=call.tenant, digest=call.identity.digest.hex()
    )
    record = call.view.get(where)
    return record.claims if record else {}
