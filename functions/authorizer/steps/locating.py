"""Which API and resource a call is for; decided before any credential is looked at."""

from collections.abc import Callable, Iterable
from typing import Any

from functions.authorizer.calls import Call, Refused, Resource
from portico.domain.bounded import Bounded
from portico.domain.gateway import Deployment
from portico.domain.paths import Templates, contexts, other_readings
from portico.domain.tenant import tenant_of_path
from portico.domain.words import AuthType
from portico.storage.readmodel import Key, key

MAX_TENANT = 128  # characters
MAX_COMPILED = 1_000  # deployments whose templates are kept compiled

# What a call will probably need of these APIs, to be read along.
Foresight = Callable[[Call, Iterable[str]], list[Key[Any]]]


def find_api(call: Call, foreseen: Foresight) -> None:
    """The API with the longest context that begins the path; 404 without one."""
    call.tenant = tenant = tenant_of_path(call.path)
    if len(tenant) > MAX_TENANT:
        raise Refused("404")
    prefixes = contexts(call.path)
    candidates = tuple(key(Deployment, tenant=tenant, prefix=prefix) for prefix in prefixes)
    call.deployment = call.view.deployment(candidates, lambda: foreseen(call, prefixes))
    if call.deployment is None:
        raise Refused("404")
    # What was not read along, in one request.
    call.view.load(foreseen(call, (call.api.context,)))


class Resources:
    """The resources of deployments, compiled once for each deployed revision."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._compiled: Bounded[tuple[object, ...], Templates[Resource]] = Bounded(
            MAX_COMPILED, clock
        )

    def find(self, call: Call) -> None:
        """The most specific template that has the verb; preflights need none.

        404 when no template fits, 405 when none that fits has the verb, 400 when it depends on how
        a back end reads the path which resource it is.
        """
        templates = self._templates(call.api)
        rest = call.rest
        call.resource = _of_verb(templates, rest, call.method)
        for reading in other_readings(rest):
            if _of_verb(templates, reading, call.method) != call.resource:
                raise Refused("400")
        asked = call.method == "OPTIONS" and "access-control-request-method" in call.headers
        if call.resource is None or asked:
            call.verbs = sorted({match.verb for match in templates.match(rest)})
            if not call.verbs:
                raise Refused("404")
            call.verbs = sorted({*call.verbs, "OPTIONS"})
            if call.method != "OPTIONS":
                raise Refused("405", allow=", ".join(call.verbs))
            call.preflight = True
        call.open = (
            call.open
            or call.preflight
            or (call.resource is not None and call.resource.auth_type == AuthType.NONE)
        )

    def _templates(self, api: Deployment) -> Templates[Resource]:
        name = (api.tenant, api.prefix, api.api_id, api.revision_id, api.stamp)
        found = self._compiled.get(name)
        if found is None:
            found = Templates((row[0], Resource(*row)) for row in api.resources)
            self._compiled.put(name, found, float("inf"))
        return found


def _of_verb(templates: Templates[Resource], path: str, verb: str) -> Resource | None:
    return next((match for match in templates.match(path) if match.verb == verb), None)
