"""What the tenant has decided about backend JWTs and extensions, and what is known of the end user:
records that are read along, and the users' only where their claims are told.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from functions.authorizer.calls import Call, Guess
from portico.domain.backend_jwt import BackendJwtRules, GatewayUser
from portico.storage.keys import PLACES
from portico.storage.readmodel import Key, key


def rules_of(call: Call) -> BackendJwtRules | None:
    """The rules of the call's tenant; None: the defaults."""
    return call.view.get(key(BackendJwtRules, tenant=call.tenant))


def user_of(call: Call) -> GatewayUser | None:
    """The end user: who the token is for, or who owns the application."""
    identity = call.identity
    if identity is None:
        return None
    name = identity.user or (call.application.owner if call.application else "")
    return call.view.get(_user(identity.tenant, name)) if name else None


def foreseen(call: Call, guesses: Sequence[Guess]) -> list[Key[Any]]:
    """What a backend JWT will need: the rules, and users unless their claims are known not to be
    told.
    """
    wanted = key(BackendJwtRules, tenant=call.tenant)
    known, rules = call.view.peek(wanted)
    if known and (rules is None or not rules.claims):
        return [wanted]
    return [wanted, *(_user(call.tenant, guess.user) for guess in guesses if guess.user)]


@lru_cache(maxsize=4096)
def _user(tenant: str, name: str) -> Key[GatewayUser]:
    # Not the common cache of keys: names that callers make up would push others' keys out.
    values = {"tenant": tenant, "name": name.lower()}
    return Key(GatewayUser, *PLACES["GatewayUser"].key.fill(values))
