"""The services of the store function, as its routes and pages find them."""

from dataclasses import dataclass

from portico.services.api_keys import ApiKeys
from portico.services.applications import Applications
from portico.services.browsing import Browsing
from portico.services.ending import Ending
from portico.services.keys import Keys
from portico.services.policies import Policies
from portico.services.subscribing import Subscribing


@dataclass(frozen=True)
class Wiring:
    """What `handler` puts together; `gateway_url` has no trailing slash."""

    browsing: Browsing
    applications: Applications
    keys: Keys
    api_keys: ApiKeys
    subscribing: Subscribing
    ending: Ending
    policies: Policies
    gateway_url: str
