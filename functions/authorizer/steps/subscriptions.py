"""Whether the application, its consumer key and its subscription stand."""

from functions.authorizer.calls import Call, Kind, Refused
from functions.authorizer.credentials.identities import grant_of
from portico.domain.words import KeyType, SubscriptionStatus

IN_USE = ("", "APPROVED")  # states of an application whose calls count
SUBSCRIBED = (Kind.TOKEN, Kind.API_KEY)  # credentials of applications, which need a subscription


def check_client(call: Call) -> None:
    """The consumer key of the token still exists and belongs to the application that the token
    names.
    """
    identity = call.identity
    if identity is None or identity.client is None:
        return
    client = call.view.get(identity.client)
    if client is None or client.application_id != identity.application_id:
        # Clients of the REST APIs have no application and never a subscription.
        raise Refused("900901" if identity.application_id else "900908")


def find_grant(call: Call) -> None:
    """The application, which must be in use, and its subscription to this API."""
    identity = call.identity
    if identity is None or identity.kind not in SUBSCRIBED:
        return
    if identity.application is None or identity.tenant != call.tenant:
        raise Refused("900908")
    grant = grant_of(call.tenant, identity.application_id, call.api.context)
    call.view.load((grant, identity.application))
    call.grant = call.view.get(grant)
    call.application = call.view.get(identity.application)
    if call.grant is None or call.application is None or call.grant.api_id != call.api.api_id:
        raise Refused("900908")
    if call.application.status not in IN_USE:
        raise Refused("900908")


def check_since(call: Call) -> None:
    """The tokens of the application, or those for this subscription, have not been revoked after
    this one was issued.
    """
    if call.identity is None:
        return
    for one in (call.application, call.grant):
        if one is not None and one.since and call.identity.issued <= one.since:
            raise Refused("900901")


def check_subscription(call: Call) -> None:
    """The subscription is not blocked, waiting or rejected."""
    if call.grant is None or call.identity is None:
        return
    match call.grant.status:
        case SubscriptionStatus.BLOCKED:
            raise Refused("900907")
        case SubscriptionStatus.PROD_ONLY_BLOCKED:
            if call.identity.key_type == KeyType.PRODUCTION:
                raise Refused("900907")
        case SubscriptionStatus.UNBLOCKED:
            pass
        case _:
            raise Refused("900909")
