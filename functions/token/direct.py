"""What the deployment itself may ask by invoking the function directly, for which IAM must allow
it: to look after the keys of access tokens, to sign API keys with them, and to check a password for
the authorizer, which knows no users. Nothing that arrives over HTTP looks like this.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from portico.domain.errors import InvalidInput, TooManyAttempts, Unauthenticated
from portico.ports import Clock, Records
from portico.services.rotating import KeySet, Vault
from portico.settings import Settings
from portico.tokens.jwt import API_KEY, INTERNAL_KEY, sign
from portico.tokens.keys import RS256, SigningKey

if TYPE_CHECKING:
    from portico.services.accounts import Accounts

DAY = 86_400  # seconds


# What each request may carry; all but `at_once` must be there.
MEMBERS = {
    "keys": {"at_once"},
    "sign": {"kind", "claims"},
    "password": {"tenant", "name", "password", "address"},
}
# Kinds of keys that other functions have signed; never an access token.
KINDS = {"api_key": API_KEY, "internal_key": INTERNAL_KEY}
NEEDED = ("sub", "jti", "tenant", "iat", "exp")


def check(event: Mapping[str, Any]) -> None:
    """InvalidInput unless it is such a request and nothing else.

    An event of the HTTP API has members of its own, whatever a caller sends in it.
    """
    members = MEMBERS.get(str(event.get("request")))
    if members is None or event.keys() - {"request"} - members:
        raise InvalidInput.of("request", "must be 'keys', 'sign' or 'password' and its members")
    missing = members - event.keys() - {"at_once"}
    if missing:
        raise InvalidInput.of("request", f"lacks {', '.join(sorted(missing))}")


def sign_key(event: Mapping[str, Any], signing: SigningKey, issuer: str) -> dict[str, Any]:
    """An API key or internal key with these claims, as a JWT that says in its type what it is."""
    typ, claims = KINDS.get(str(event["kind"])), event["claims"]
    if typ is None or not isinstance(claims, dict) or any(one not in claims for one in NEEDED):
        raise InvalidInput.of("request", f"must have a kind and claims with {', '.join(NEEDED)}")
    return {"token": sign({**claims, "iss": issuer}, signing, typ)}


def check_password(event: Mapping[str, Any], accounts: "Accounts") -> dict[str, Any]:
    """Whose user name and password it is: `{tenant, user, roles}`, or `{"refused": true}`.

    Wrong guesses count as they do at the sign-in page.
    """
    tenant, name = accounts.resolve(str(event["name"]), str(event["tenant"]))
    try:
        user = accounts.authenticate(tenant, name, str(event["password"]), str(event["address"]))
    except (Unauthenticated, TooManyAttempts):
        return {"refused": True}
    return {"tenant": user.tenant, "user": user.name, "roles": list(user.roles)}


def look_after_keys(
    event: Mapping[str, Any], settings: Settings, vault: Vault, records: Records, clock: Clock
) -> dict[str, Any]:
    """Make, rotate (`at_once`, or because the time has come), publish and retire keys; tells the
    ids of new ones. The keys themselves stay here and in the secret.
    """
    keys = KeySet(vault, records, clock, settings.access_token_secret, RS256, access=True)
    every = settings.key_rotation_days * DAY
    return {"made": keys.ensure(every, at_once=event.get("at_once") is True)}
