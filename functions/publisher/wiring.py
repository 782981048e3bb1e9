"""What the routes and pages of the publisher function may ask for."""

from dataclasses import dataclass

from portico.ports import Downloads, Lifecycle
from portico.services.approving import Approving
from portico.services.executing import Executing
from portico.services.internal_keys import InternalKeys
from portico.services.lifecycles import Lifecycles
from portico.services.policies import Policies
from portico.services.previewing import Previewing
from portico.services.publishing import Publishing
from portico.services.revisions import Revisions
from portico.services.scheduling import Scheduling
from portico.services.subscribers import Subscribers
from portico.services.sunsetting import Sunsetting
from portico.services.transitions import Transitions
from portico.services.undoing import Undoing
from portico.services.uploads import Uploads
from portico.settings import Settings


@dataclass(frozen=True)
class Wiring:
    """The services of the publisher function."""

    settings: Settings
    publishing: Publishing
    uploads: Uploads
    downloads: Downloads
    revisions: Revisions
    lifecycles: Lifecycles
    transitions: Transitions
    lifecycle: Lifecycle
    previewing: Previewing
    undoing: Undoing
    scheduling: Scheduling
    approving: Approving
    executing: Executing
    sunsetting: Sunsetting
    subscribers: Subscribers
    policies: Policies
    internal_keys: InternalKeys
