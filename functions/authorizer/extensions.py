"""The tenant's gateway extension: an operator's own class or function, which adds claims to backend
JWTs or refuses calls. Loaded when the first tenant has one.

It is told no credential. Slow, failing or wrong, it stops the call, or is left out where the tenant
wants that.
"""

import json
from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_plus

from functions.authorizer.assertions import Added
from functions.authorizer.calls import Call, Kind, Refused
from functions.authorizer.credentials.api_keys import name_of
from functions.authorizer.credentials.internal import HEADER as INTERNAL_KEY
from functions.authorizer.steps.requests import ASSERTION
from portico.domain.backend_jwt import BackendJwtRules
from portico.domain.errors import InvalidInput, Unavailable
from portico.domain.faults import FAULTS
from portico.plugins.classes import is_class_name, load
from portico.plugins.functions import called
from portico.plugins.timed import within
from portico.tokens.claims import backend_names

if TYPE_CHECKING:
    from types_boto3_lambda import LambdaClient

MAX_CLAIMS, MAX_NAME, MAX_BYTES = 20, 200, 1_500  # number, characters, all of them as JSON
REFUSALS = frozenset(code for code, fault in FAULTS.items() if fault.status in (401, 403))
# Of every API; those with names of its own come on top.
CREDENTIALS = frozenset(
    ("authorization", "proxy-authorization", "cookie", INTERNAL_KEY, ASSERTION, "apikey")
)
# A client for a function that has this many seconds.
Functions = Callable[[float], "LambdaClient"]


class Extensions:
    """Asks extensions; `packages` are those of the plug-in layer that may be named."""

    def __init__(
        self, packages: Collection[str], functions: Functions, notice: Callable[..., None]
    ) -> None:
        self._packages = packages
        self._functions = functions
        self._notice = notice

    def __call__(
        self, call: Call, rules: BackendJwtRules, claims: Mapping[str, Any] | None
    ) -> Added:
        """What the tenant's extension adds (`functions.authorizer.assertions.Extension`)."""
        told = _told(call)
        told |= {"request": _request(call)} if claims is None else {"claims": dict(claims)}
        try:
            # A copy: what is judged and signed afterwards is out of its reach.
            answer = self._asked(rules, json.loads(json.dumps(told)))
            added, refusal = _checked(answer, rules.dialect)
        # Whatever code of others raises is its failure and not ours.
        except Exception as exc:
            self._notice(
                "A gateway extension failed",
                extension=rules.extension,
                reason=repr(exc)[:300],
                tenant=call.tenant,
                api=call.api.api_id,
                passes=rules.extension_open,
            )
            if rules.extension_open:
                return Added({}, whole=False)
            raise Unavailable("The gateway extension did not answer") from exc
        if refusal:
            raise Refused(refusal)
        return Added(added)

    def _asked(self, rules: BackendJwtRules, told: dict[str, Any]) -> Any:
        name, seconds = rules.extension, rules.extension_seconds
        if is_class_name(name):
            return within(seconds, lambda: load(name, self._packages, "extend")().extend(told))
        # Loading the client's model is not the function's time.
        client = self._functions(seconds)
        return within(seconds, lambda: called(client, name, told))


def _told(call: Call) -> dict[str, Any]:
    api, application, identity = call.api, call.application, call.identity
    return {
        "tenant": call.tenant,
        "api": {
            "id": api.api_id,
            "name": api.name,
            "version": api.version,
            "context": api.context,
        },
        "application": application
        and {
            "id": application.application_id,
            "name": application.name,
            "owner": application.owner,
            "policy": application.policy,
            "attributes": dict(application.attributes),
        },
        "caller": identity
        and {
            "user": identity.user,
            "is_user": identity.is_user,
            "kind": identity.kind,
            "key_type": identity.key_type,
            "client": identity.client_id,
            "scopes": sorted(identity.scopes),
        },
        "policy": call.grant.policy if call.grant else "",
    }


def _request(call: Call) -> dict[str, Any]:
    secret = {call.api.authorization_header.lower(), name_of(call).lower(), *CREDENTIALS}
    query = call.query
    if Kind.API_KEY in call.api.security:
        query = "&".join(part for part in query.split("&") if not _is_key(part, secret))
    return {
        "method": call.method,
        "path": call.path,
        "query": query,
        "resource": call.resource.template if call.resource else "",
        "address": call.source_ip,
        "headers": {name: text for name, text in call.headers.items() if name not in secret},
    }


def _is_key(part: str, secret: Collection[str]) -> bool:
    return unquote_plus(part.partition("=")[0]).strip().lower() in secret


def _checked(answer: Any, dialect: str) -> tuple[dict[str, Any], str]:
    """The claims and the code of a refusal that an answer has; InvalidInput for any other."""
    if not isinstance(answer, Mapping) or set(answer) - {"claims", "refuse"}:
        raise InvalidInput("The answer is no object of 'claims' and 'refuse'")
    refusal, claims = answer.get("refuse") or "", answer.get("claims") or {}
    if refusal and refusal not in REFUSALS:
        raise InvalidInput(f"'refuse' is none of {', '.join(sorted(REFUSALS))}")
    if not isinstance(claims, Mapping) or len(claims) > MAX_CLAIMS:
        raise InvalidInput(f"'claims' is no object of at most {MAX_CLAIMS}")
    ours = backend_names(dialect)
    for name in claims:
        if not isinstance(name, str) or not 0 < len(name) <= MAX_NAME or name in ours:
            raise InvalidInput(f"The claim {name!r:.100} may not be added")
    try:
        text = json.dumps(dict(claims), allow_nan=False)
    except (TypeError, ValueError, RecursionError) as exc:
        raise InvalidInput("'claims' is not JSON") from exc
    if len(text) > MAX_BYTES:
        raise InvalidInput(f"'claims' has more than {MAX_BYTES} bytes")
    found: dict[str, Any] = json.loads(text)
    return found, str(refusal)
