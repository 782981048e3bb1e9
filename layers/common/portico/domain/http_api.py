"""Routes of pass-through APIs as they should be, what differs from that on the HTTP API, and how
much of its quotas is taken.
"""

from dataclasses import dataclass

from portico.domain.records import Record

PER_API = 2  # routes, and integrations: the context itself, and everything below it
DELIVERY_FIELD = "portico_delivery"  # what a request names when it asks for pass-through


def no_room(what: str, taken: int, limit: int) -> str:
    """Why there is no room, and what can be done; `what` is "routes" or "integrations"."""
    return (
        f"the HTTP API has {taken} of at most {limit} {what}, and a pass-through API needs "
        f"{PER_API} of its own: choose mediated delivery, which needs none, or take another "
        "pass-through API off the gateway"
    )


@dataclass(frozen=True)
class WantedRoute:
    """What calls of a deployed pass-through API need: its full context leads to its back end."""

    tenant: str
    api_id: str
    context: str
    endpoint: str


@dataclass(frozen=True)
class Drift:
    """What is not as it should be of one API's routes and integrations."""

    tenant: str
    api_id: str
    found: tuple[str, ...] = ()  # what can be repaired, for people: "ANY /a: authorizer"
    taken: tuple[str, ...] = ()  # route keys that others have; they are left alone
    urgent: bool = False  # calls may reach the back end unchecked, or with a header of their own


@dataclass(frozen=True)
class Survey:
    """The HTTP API at one moment; `other_` are those that Portico did not make at run time."""

    drifts: tuple[Drift, ...] = ()
    other_routes: int = 0
    other_integrations: int = 0


@dataclass(frozen=True, kw_only=True)
class HttpApiUse(Record):
    """How much of the HTTP API's quotas is spoken for; `tenant` is `*`.

    `apis` are the pass-through APIs on the gateway: each has its routes and integrations counted
    even while it is blocked, so that it can always come back.
    """

    apis: int = 0
    other_routes: int = 0
    other_integrations: int = 0
    route_limit: int = 300
    integration_limit: int = 300
    counted: int = 0  # epoch seconds

    @property
    def quotas(self) -> tuple[tuple[str, int, int], ...]:
        """What of, how many are taken, and how many there may be."""
        ours = PER_API * self.apis
        return (
            ("routes", self.other_routes + ours, self.route_limit),
            ("integrations", self.other_integrations + ours, self.integration_limit),
        )
