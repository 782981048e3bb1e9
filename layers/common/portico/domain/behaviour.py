"""What a state means to the outside: to the store, the gateway and subscriptions. One table for the
standard states.

A custom state declares its own in the life-cycle document; undeclared means hidden and not
callable.
"""

from dataclasses import dataclass
from typing import Protocol

from portico.domain.words import Access as Access


@dataclass(frozen=True)
class Behaviour:
    """How a state shows."""

    listed: bool = False  # in the store's lists
    access: str = Access.NONE
    subscribable: bool = False  # takes new subscriptions
    keeps_subscriptions: bool = True  # False: they are closed on entering the state
    kept_in_sight: bool = False  # not listed, but its subscribers still find it
    deprecated: bool = False  # answers carry `Deprecation` (RFC 9745)


HIDDEN = Behaviour()
STANDARD = {
    "CREATED": HIDDEN,
    "PROTOTYPED": Behaviour(listed=True, access=Access.OPEN),
    "PUBLISHED": Behaviour(listed=True, access=Access.TOKEN, subscribable=True),
    "BLOCKED": Behaviour(access=Access.BLOCKED, kept_in_sight=True),
    "DEPRECATED": Behaviour(access=Access.TOKEN, kept_in_sight=True, deprecated=True),
    "RETIRED": Behaviour(keeps_subscriptions=False),
}


class Living(Protocol):
    """Something in a state: an API or its card."""

    @property
    def state(self) -> str: ...

    @property
    def behaviour(self) -> Behaviour | None: ...


def behaviour_of(living: Living) -> Behaviour:
    """The behaviour that its state declared, else the standard one, else hidden."""
    return living.behaviour or STANDARD.get(living.state.upper(), HIDDEN)
