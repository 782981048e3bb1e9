"""What a change of state means to portal, gateway and subscribers, in sentences for people."""

from portico.domain.api import Api
from portico.domain.behaviour import HIDDEN, STANDARD, Access, Behaviour, behaviour_of
from portico.lifecycle.model import LifeCycle

CALLS = {
    Access.TOKEN: "need a token of a subscriber",
    Access.OPEN: "are answered to everybody, without a token",
    Access.BLOCKED: "are refused (503)",
    Access.NONE: "are not answered (404)",
}


def behaviour_in(lifecycle: LifeCycle, state: str) -> Behaviour:
    """What the document declares for a state, else what is usual for one of this name."""
    node = lifecycle.state(state)
    return (node and node.behaviour) or STANDARD.get(state.upper(), HIDDEN)


def consequences(api: Api, after: Behaviour) -> list[str]:
    """What is different with another behaviour than the present one."""
    before = behaviour_of(api)
    told = []
    if after.listed and not before.listed:
        told.append("It appears in the developer portal.")
    if before.listed and not after.listed:
        found = "; its subscribers still find it" if after.kept_in_sight else ""
        told.append(f"It leaves the lists of the developer portal{found}.")
    if after.subscribable != before.subscribable:
        told.append(f"It takes {'' if after.subscribable else 'no '}new subscriptions.")
    if after.deprecated and not before.deprecated:
        told.append("Answers to calls say that it is deprecated.")
    return told


def calls(after: Behaviour) -> str:
    """What becomes of calls to a deployed API."""
    return CALLS[Access(after.access)]
