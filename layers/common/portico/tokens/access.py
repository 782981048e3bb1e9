"""Whether an access token of ours holds: signed or kept, in its time, and ended by nobody.

What it allows is not asked here.
"""

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from portico.domain.errors import Unauthenticated
from portico.domain.gateway import (
    GatewayApplication,
    OpaqueToken,
    Revocation,
    revoking_subjects,
)
from portico.domain.records import Record, Wanted
from portico.domain.tenant import split_user
from portico.domain.user import User
from portico.ports import Records
from portico.tokens.jwt import verify
from portico.tokens.keys import Keys

# A random text, with its tenant before it where it must be found without knowing that.
OPAQUE = re.compile(r"(?:(?P<tenant>[A-Za-z0-9.-]{1,100})~)?[A-Za-z0-9_-]{32,128}")
APPLICATION_USER = "APPLICATION_USER"


def opaque_key(token: str, tenant: str) -> dict[str, str] | None:
    """The key of the record of an opaque token; None for what does not look like one.

    `tenant` is where a token that names none belongs.
    """
    found = OPAQUE.fullmatch(token)
    if found is None:
        return None
    digest = hashlib.sha256(token.encode()).hexdigest()
    return {"tenant": found["tenant"] or tenant, "digest": digest}


def stated_claims(
    token: str, tenant: str, records: Records, now: float, keys: Callable[[], Keys]
) -> dict[str, Any] | None:
    """The claims of an access token of either kind that is ours and whose time is now, ended or
    not; None for every other text. `tenant` is where an opaque one that names none belongs.
    """
    key = opaque_key(token, tenant)
    if key is not None:
        kept = records.get(OpaqueToken, **key)
        return dict(kept.claims) if kept is not None and kept.expires > now else None
    try:
        return verify(token, keys(), now=now)
    except Unauthenticated:
        return None


def marks(claims: Mapping[str, Any]) -> list[Wanted]:
    """What may have ended a token with these claims, to be read at once."""
    tenant = str(claims.get("tenant", ""))
    wanted = [
        Wanted(Revocation, {"tenant": tenant, "subject": subject})
        for subject in revoking_subjects(claims)
    ]
    if claims.get("app"):
        key = {"tenant": tenant, "application_id": str(claims["app"])}
        wanted.append(Wanted(GatewayApplication, key))
    if claims.get("aut") == APPLICATION_USER:
        name = split_user(str(claims.get("sub", "")))[0].lower()
        wanted.append(Wanted(User, {"tenant": tenant, "name": name}))
    return wanted


def holds(claims: Mapping[str, Any], found: Sequence[Record | None], now: float) -> bool:
    """Whether none of its `marks` ends the token, and the user of a user's token is still there
    and is not another of the name.
    """
    issued = int(claims.get("iat", 0))
    for mark in found:
        if isinstance(mark, Revocation) and mark.ends(issued, now):
            return False
        if isinstance(mark, GatewayApplication) and mark.since and issued <= mark.since:
            return False
    if claims.get("aut") != APPLICATION_USER:
        return True
    user = next((one for one in found if isinstance(one, User)), None)
    return user is not None and user.active and user.existed(issued)
