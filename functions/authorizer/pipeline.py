"""The judgement of a call, as a visible list of small steps; each learns something or refuses."""

import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from functions.authorizer.assertions import Assertions
from functions.authorizer.calls import Call, Kind, Refused
from functions.authorizer.credentials.api_keys import NAME
from functions.authorizer.credentials.identities import grant_of
from functions.authorizer.steps.identifying import Credential, Credentials
from functions.authorizer.steps.locating import Resources, find_api
from functions.authorizer.steps.permissions import check_audience, check_scopes, check_token_type
from functions.authorizer.steps.requests import check_headers, read_path
from functions.authorizer.steps.ruling import foreseen
from functions.authorizer.steps.subscriptions import (
    check_client,
    check_since,
    check_subscription,
    find_grant,
)
from functions.authorizer.throttling import Throttling, policies
from portico.domain.faults import NO_ENDPOINT
from portico.domain.gateway import Deployment
from portico.domain.words import KeyType
from portico.storage.readmodel import Key

NO_TOKEN = "none"  # noqa: S105 - the assertion of a refused call, which goes nowhere


class Pipeline:
    """Judges calls; everything that it may need is given, so that it can be tested without AWS."""

    def __init__(
        self,
        credentials: Sequence[Credential],
        throttling: Throttling,
        assertions: Assertions,
        clock: Callable[[], float],
    ) -> None:
        self._credentials = Credentials(credentials)
        self._throttling = throttling
        self._assertions = assertions
        self.steps: tuple[Callable[[Call], None], ...] = (
            read_path,
            check_headers,
            self.find_api,
            self._credentials.check_state,
            Resources(clock).find,
            self._credentials.authenticate,
            check_client,
            check_token_type,
            find_grant,
            check_since,
            check_subscription,
            check_scopes,
            check_audience,
            throttling.check_denied,
            self.throttle,
            assertions.extend,
            self.decide,
        )

    def judge(self, call: Call) -> dict[str, Any]:
        """The decision: what the integration must know, all texts or numbers. Raises Refused."""
        for step in self.steps:
            step(call)
        return call.decision

    def find_api(self, call: Call) -> None:
        """The API, and with it in one request what the call will probably need."""
        find_api(call, self._foreseen)

    def _foreseen(self, call: Call, apis: Iterable[str]) -> list[Key[Any]]:
        guesses = self._credentials.foreseen(call)
        found: list[Key[Any]] = [policies(call.tenant), *foreseen(call, guesses)]
        for guess in guesses:
            found += guess.records
            if guess.application_id:
                found += [grant_of(call.tenant, guess.application_id, api) for api in apis]
        return found

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
        resource = f"{call.resource.verb} {call.resource.template}" if call.resource else ""
        call.decision = {
            "jwt": self._assertions.of(call),
            "endpoint": endpoint,
            "path": call.rest,
            "tenant": call.tenant,
            "api": api.api_id,
            "application": call.application.application_id if call.application else "",
            "header": api.authorization_header,
            # Of the header and the parameter that no back end may see; "": it reads none.
            "key_name": (api.api_key_header or NAME) if Kind.API_KEY in api.security else "",
            "pass_authorization": "true" if api.pass_authorization else "false",
            "preflight": "true" if call.preflight else "false",
            "cors": cors_of(api),
            "verbs": ",".join(call.verbs),
            "deprecated": api.deprecated,
            "sunset": api.sunset,
            "revision": api.revision_id,
            "limits": call.limits,
            "usage": call.usage,
            "resource": resource,
            # Whose endpoint it is: keys of the sandbox, or nobody's and there is no other.
            "sandbox": "true" if sandbox or not api.production_endpoint else "false",
            "plan": "true" if api.planned else "",
            "mock": resource if mock else "",
        }


def cors_of(api: Deployment | None) -> str:
    """The API's own CORS settings as JSON; "" for the gateway's default."""
    return json.dumps(api.cors) if api and api.cors else ""
