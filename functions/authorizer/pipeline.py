"""The judgement of a call, as a visible list of small steps; each learns something or refuses."""

import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

from functions.authorizer.assertions import Assertions
from functions.authorizer.calls import Call, Guess, Identity, Refused, Resource
from functions.authorizer.throttling import Throttling, policies
from portico.domain.bounded import Bounded
from portico.domain.errors import InvalidInput
from portico.domain.faults import NO_ENDPOINT
from portico.domain.gateway import Deployment, GatewayClient, Grant
from portico.domain.paths import Templates, canonical, contexts
from portico.domain.tenant import tenant_of_path
from portico.domain.words import Access, AuthType, KeyType, SubscriptionStatus
from portico.storage.readmodel import Key, key

MAX_TENANT = 128  # characters
MAX_COMPILED = 1_000  # deployments whose templates are kept compiled
ASSERTION = "x-jwt-assertion"
NO_TOKEN = "none"  # noqa: S105 - the assertion of a refused call, which goes nowhere


class Credential(Protocol):
    """A kind of credential (`functions.authorizer.credentials`)."""

    def foresee(self, call: Call) -> Guess | None: ...

    def authenticate(self, call: Call) -> Identity | None: ...


class Pipeline:
    """Judges calls; everything that it may need is given, so that it can be tested without AWS."""

    def __init__(
        self,
        credentials: Sequence[Credential],
        throttling: Throttling,
        assertions: Assertions,
        clock: Callable[[], float],
    ) -> None:
        self._credentials = credentials
        self._throttling = throttling
        self._assertions = assertions
        self._resources: Bounded[tuple[object, ...], Templates[Resource]] = Bounded(
            MAX_COMPILED, clock
        )
        self.steps: tuple[Callable[[Call], None], ...] = (
            read_path,
            check_headers,
            self.find_api,
            check_state,
            self.find_resource,
            self.authenticate,
            check_client,
            find_grant,
            check_since,
            check_subscription,
            check_token_type,
            check_scopes,
            self.throttle,
            self.decide,
        )

    def judge(self, call: Call) -> dict[str, Any]:
        """The decision: what the integration must know, all texts or numbers. Raises Refused."""
        for step in self.steps:
            step(call)
        return call.decision

    def find_api(self, call: Call) -> None:
        """The API with the longest context that begins the path."""
        call.tenant = tenant_of_path(call.path)
        if len(call.tenant) > MAX_TENANT:
            raise Refused("404")
        tenant = call.tenant
        prefixes = contexts(call.path)
        candidates = tuple(key(Deployment, tenant=tenant, prefix=prefix) for prefix in prefixes)
        call.deployment = call.view.deployment(candidates, lambda: self._foreseen(call, prefixes))
        if call.deployment is None:
            raise Refused("404")
        # What was not read along, in one request.
        call.view.load(self._foreseen(call, (call.api.context,)))

    def _foreseen(self, call: Call, apis: Iterable[str]) -> list[Key[Any]]:
        """What this call will probably need; a credential is believed, for reading only."""
        found: list[Key[Any]] = [policies(call.tenant)]
        for credential in self._credentials:
            guess = credential.foresee(call)
            if guess is not None:
                found += guess.records
                if guess.application_id:
                    found += [_grant(call.tenant, guess.application_id, api) for api in apis]
        return found

    def find_resource(self, call: Call) -> None:
        """The most specific template that has the verb; preflights need none."""
        matches = list(self._templates(call.api).match(call.rest))
        if not matches:
            raise Refused("404")
        call.verbs = sorted({match.verb for match in matches} | {"OPTIONS"})
        call.resource = next((match for match in matches if match.verb == call.method), None)
        if call.method == "OPTIONS" and (
            call.resource is None or "access-control-request-method" in call.headers
        ):
            call.preflight = True
        elif call.resource is None:
            raise Refused("405", allow=", ".join(call.verbs))
        call.open = (
            call.open
            or call.preflight
            or (call.resource is not None and call.resource.auth_type == AuthType.NONE)
        )

    def _templates(self, api: Deployment) -> Templates[Resource]:
        name = (api.tenant, api.prefix, api.api_id, api.revision_id, api.stamp)
        found = self._resources.get(name)
        if found is None:
            found = Templates((row[0], Resource(*row)) for row in api.resources)
            self._resources.put(name, found, float("inf"))
        return found

    def authenticate(self, call: Call) -> None:
        """The first credential that is responsible tells who calls."""
        if call.open:
            return
        for credential in self._credentials:
            call.identity = credential.authenticate(call)
            if call.identity is not None:
                return
        raise Refused("900902")

    def throttle(self, call: Call) -> None:
        """The call fits into all limits and is counted; a preflight is not a call."""
        if not call.preflight:
            self._throttling(call)

    def decide(self, call: Call) -> None:
        """What the integration must know."""
        api = call.api
        sandbox = call.identity is not None and call.identity.key_type == KeyType.SANDBOX
        endpoint = api.sandbox_endpoint if sandbox else api.production_endpoint
        if call.identity is None:
            endpoint = api.production_endpoint or api.sandbox_endpoint
        mock = api.mock and not endpoint and call.resource is not None
        if not endpoint and not mock and not call.preflight:
            raise Refused(NO_ENDPOINT)
        call.decision = {
            "jwt": self._assertions.of(call),
            "endpoint": endpoint,
            "path": call.rest,
            "tenant": call.tenant,
            "api": api.api_id,
            "application": call.application.application_id if call.application else "",
            "header": api.authorization_header,
            "pass_authorization": "true" if api.pass_authorization else "false",
            "preflight": "true" if call.preflight else "false",
            "cors": cors_of(api),
            "verbs": ",".join(call.verbs),
            "deprecated": api.deprecated,
            "sunset": api.sunset,
            "revision": api.revision_id,
            "mock": f"{call.resource.verb} {call.resource.template}"
            if mock and call.resource
            else "",
        }


def read_path(call: Call) -> None:
    """A path with more than one reading is refused before anything is matched."""
    try:
        canonical(call.path)
    except InvalidInput as exc:
        raise Refused("400") from exc


def check_headers(call: Call) -> None:
    """No header that a back end could take for ours: CGI and WSGI read `_` and `-` alike.

    The header under its own name is harmless: whoever delivers the call replaces it.
    """
    for name in call.headers:
        if "_" in name and name.replace("_", "-") == ASSERTION:
            raise Refused("400")


def check_state(call: Call) -> None:
    """Blocked APIs say so; prototypes are open; what is not for callers is not there."""
    match call.api.answers:
        case Access.TOKEN:
            pass
        case Access.OPEN:
            call.open = True
        case Access.BLOCKED:
            raise Refused("700700")
        case _:
            raise Refused("404")


def check_client(call: Call) -> None:
    """The consumer key of the token still exists and belongs to the application that the token
    names.
    """
    identity = call.identity
    if identity is None:
        return
    client: GatewayClient | None = call.view.get(identity.client)
    if client is None or client.application_id != identity.application_id:
        # Clients of the REST APIs have no application and never a subscription.
        raise Refused("900901" if identity.application_id else "900908")


def find_grant(call: Call) -> None:
    """The application's subscription to this API."""
    identity = call.identity
    if identity is None:
        return
    if not identity.application_id or identity.tenant != call.tenant:
        raise Refused("900908")
    grant = _grant(call.tenant, identity.application_id, call.api.context)
    call.view.load((grant, identity.application))
    call.grant = call.view.get(grant)
    call.application = call.view.get(identity.application)
    if call.grant is None or call.application is None or call.grant.api_id != call.api.api_id:
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


def check_token_type(call: Call) -> None:
    """The resource takes tokens of applications, of their users, or both."""
    if call.identity is None or call.resource is None:
        return
    wanted = call.resource.auth_type
    if (wanted == AuthType.USER and not call.identity.is_user) or (
        wanted == AuthType.APPLICATION and call.identity.is_user
    ):
        raise Refused("900905")


def check_scopes(call: Call) -> None:
    """The token has one of the resource's scopes (RFC 6750 section 3.1, insufficient_scope)."""
    if call.identity is None or call.resource is None or not call.resource.scopes:
        return
    if call.identity.scopes.isdisjoint(call.resource.scopes):
        raise Refused("900910")


def _grant(tenant: str, application_id: str, context: str) -> Key[Grant]:
    return key(Grant, tenant=tenant, application_id=application_id, prefix=context)


def cors_of(api: Deployment | None) -> str:
    """The API's own CORS settings as JSON; "" for the gateway's default."""
    return json.dumps(api.cors) if api and api.cors else ""
