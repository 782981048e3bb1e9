"""What the gateway knows of an API: a revision compiled for the authorizer, and the changes that
put it there.

Nothing here commits: revisions and transitions add these changes to commits of their own.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from portico.domain import endpoints, mediation
from portico.domain.api import Api, Delivery, Resource, Revision
from portico.domain.behaviour import Access, behaviour_of
from portico.domain.errors import AlreadyExists, InvalidInput
from portico.domain.gateway import DeliveryPlan, Deployment, RequestSchemas
from portico.domain.records import Change, Create, Discard, Remove, Replace
from portico.ports import Records
from portico.services.tenant_config import headers

# A pass-through route exists for these only; all other calls fall to the catch-all, whose answers
# are ours.
ROUTED = (Access.TOKEN, Access.OPEN)

SECURITY = ("oauth2", "api_key", "basic_auth")  # WSO2's words in `securityScheme`
MUTUAL_TLS = "mutualssl_mandatory"

WORDING = 300  # characters of a scope's description that are shown to those who are asked


def compile(api: Api, revision: Revision) -> list[Deployment]:
    """The revision as the gateway's table has it, in the API's present state.

    One deployment at the full context; a second one at the bare context when the API is its name's
    default version.
    """
    snapshot = revision.api
    through = snapshot.delivery == Delivery.PASS_THROUGH
    compiled = Deployment(
        tenant=api.tenant,
        prefix=api.full_context,
        api_id=api.id,
        name=api.name,
        version=api.version,
        context=api.full_context,
        provider=api.provider,
        state=api.state,
        revision_id=revision.id,
        resources=[_row(found) for found in snapshot.resources],
        security=security_of(snapshot),
        api_key_header=str(snapshot.extra.get("apiKeyHeader") or ""),
        audiences=[str(one) for one in snapshot.extra.get("audiences") or ()],
        production_endpoint=snapshot.production_endpoint,
        # A route has one back end: with sandbox keys a pass-through API is not callable.
        sandbox_endpoint="" if through else snapshot.sandbox_endpoint,
        api_policy=snapshot.api_throttling_policy,
        delivery=snapshot.delivery,
        pass_authorization=snapshot.pass_authorization,
        authorization_header=snapshot.authorization_header,
        cors=asdict(snapshot.cors) if snapshot.cors else None,
        scopes={scope.name: list(scope.roles) for scope in snapshot.scopes},
        **_standing(api),
        planned=plan_of(api, revision) is not None,
        mock=mocked(api, snapshot),
        wording={
            scope.name: words
            for scope in snapshot.scopes
            if (words := (scope.description or scope.display_name)[:WORDING])
        },
    )
    if not api.is_default_version or bare_context(api) == api.full_context:
        return [compiled]
    return [compiled, replace(compiled, prefix=bare_context(api))]


def plan_of(api: Api, revision: Revision) -> DeliveryPlan | None:
    """How calls of the revision are delivered; None where an address a side says it all."""
    snapshot = revision.api
    config = endpoint_config(snapshot)
    made = mediation.rules(
        snapshot.extra, [f"{one.verb} {one.target}" for one in snapshot.resources]
    )
    seconds = cached_seconds(snapshot)
    validated = bool(snapshot.extra.get("enableSchemaValidation"))
    plain = endpoints.plain(config) and not (made or seconds or validated)
    if plain or snapshot.delivery == Delivery.PASS_THROUGH:
        return None
    return DeliveryPlan(
        tenant=api.tenant,
        revision_id=revision.id,
        api_id=api.id,
        production=endpoints.side_plan(config, "production"),
        sandbox=endpoints.side_plan(config, "sandbox"),
        cache_seconds=seconds,
        rules=made,
        validated=validated,
    )


def endpoint_config(api: Api) -> dict[str, Any]:
    """The API's endpoint configuration, secrets sealed."""
    return endpoints.config_of(api.extra, api.production_endpoint, api.sandbox_endpoint)


def cached_seconds(api: Api) -> int:
    """How long answers may be kept; WSO2's 300 seconds where caching is on and nothing is said."""
    if not api.extra.get("responseCachingEnabled"):
        return 0
    given = api.extra.get("cacheTimeout")
    return 300 if given is None else int(given)


def _row(found: Resource) -> list[Any]:
    row = [found.target, found.verb, found.auth_type, list(found.scopes), found.throttling_policy]
    return [*row, True] if found.every_scope else row


def security_of(api: Api) -> list[str]:
    """The kinds of credentials that an API takes; oauth2 where it says nothing."""
    named = api.extra.get("securityScheme")
    kinds = [one for one in named or () if not str(one).endswith("_mandatory")]
    if not kinds:
        return [SECURITY[0]]
    # What it names and nobody here checks admits nobody: "none" is no kind of credential.
    return [kind for kind in SECURITY if kind in kinds] or ["none"]


def bare_context(api: Api) -> str:
    """The path of an API's default version: its context without the version."""
    return api.context.replace("/{version}", "") or "/"


def mocked(api: Api, snapshot: Api) -> bool:
    """Whether calls are answered from the definition's examples: open ones, without an endpoint."""
    return (
        behaviour_of(api).access == Access.OPEN
        and not (snapshot.production_endpoint or snapshot.sandbox_endpoint)
        and snapshot.delivery != Delivery.PASS_THROUGH
    )


def check_deliverable(api: Api) -> None:
    """Raises InvalidInput when calls could not be delivered: no endpoint, or one that no HTTP_PROXY
    integration can have.
    """
    if not (api.production_endpoint or api.sandbox_endpoint):
        raise InvalidInput.of("endpointConfig", "an endpoint is needed")
    named = api.extra.get("securityScheme") or ()
    if MUTUAL_TLS in named or security_of(api) == ["none"]:
        raise InvalidInput.of(
            "securityScheme",
            "client certificates are not checked by the gateway; name oauth2, api_key or basic_auth"
            " and not mutualssl_mandatory",
        )
    if api.delivery != Delivery.PASS_THROUGH:
        return
    for field, needs in (
        ("endpointConfig", not endpoints.plain(endpoint_config(api))),
        ("responseCachingEnabled", cached_seconds(api) > 0),
        ("enableSchemaValidation", bool(api.extra.get("enableSchemaValidation"))),
        (
            "operationPolicies",
            bool(mediation.rules(api.extra, [f"{one.verb} {one.target}" for one in api.resources])),
        ),
    ):
        if needs:
            raise InvalidInput.of(
                field,
                "is for mediated APIs: a pass-through call goes from API Gateway to one address, "
                "and nothing of ours sees it",
            )
    address = urlsplit(api.production_endpoint)
    if address.scheme not in ("http", "https") or not address.hostname:
        raise InvalidInput.of("endpointConfig", "a pass-through API needs a production endpoint")
    # The integration's URI is the endpoint followed by the path of the call; braces are its
    # variables.
    if (
        address.query
        or address.fragment
        or address.username
        or set("{}") & set(api.production_endpoint)
    ):
        raise InvalidInput.of(
            "endpointConfig",
            "the endpoint of a pass-through API may have no query, fragment, user or braces",
        )


@dataclass(frozen=True)
class Deployments:
    """Changes to the gateway's table."""

    records: Records

    def of(self, api: Api) -> list[Deployment]:
        """What of this API is on the gateway now."""
        prefixes = list(dict.fromkeys([api.full_context, bare_context(api)]))
        found = self.records.get_many(
            Deployment, [{"tenant": api.tenant, "prefix": prefix} for prefix in prefixes]
        )
        return [deployment for deployment in found if deployment.api_id == api.id]

    def put(self, api: Api, revision: Revision) -> list[Change]:
        """Changes that put a revision on the gateway in place of what is there of the API.

        Raises InvalidInput when calls could not be delivered, AlreadyExists when another API has
        the path.
        """
        if not mocked(api, revision.api):
            check_deliverable(revision.api)
        wanted = [self._with_headers(one) for one in compile(api, revision)]
        prefixes = [{"tenant": api.tenant, "prefix": deployment.prefix} for deployment in wanted]
        there = {found.prefix: found for found in self.records.get_many(Deployment, prefixes)}
        changes: list[Change] = []
        for deployment in wanted:
            found = there.get(deployment.prefix)
            if found is None:
                changes.append(Create(deployment))
            elif found.api_id == api.id or _hands_over(found, deployment):
                changes.append(Replace(replace(deployment, stamp=found.stamp)))
            else:
                raise AlreadyExists(
                    f"{found.name} {found.version} has the path {deployment.prefix} on the gateway"
                )
        kept = {deployment.prefix for deployment in wanted}
        return changes + [Remove(found) for found in self.of(api) if found.prefix not in kept]

    def _with_headers(self, deployment: Deployment) -> Deployment:
        """With the tenant's names of headers where the API has none of its own."""
        tokens, keys = headers(self.records, deployment.tenant)
        own = deployment.authorization_header.lower() != "authorization"
        own_key = deployment.api_key_header.lower() not in ("", "apikey")
        return replace(
            deployment,
            authorization_header=deployment.authorization_header if own else tokens,
            api_key_header=deployment.api_key_header if own_key else keys,
        )

    def mark(self, api: Api) -> list[Change]:
        """Changes that carry the API's state over to what is on the gateway."""
        marked = [
            (found, replace(found, state=api.state, **_standing(api))) for found in self.of(api)
        ]
        return [Replace(after) for found, after in marked if after != found]

    def remove(self, api: Api) -> list[Change]:
        """Changes that take the API off the gateway, and its back ends' credentials with it."""
        there = self.of(api)
        plans = sorted({found.revision_id for found in there if found.planned})
        gone: list[Change] = [Remove(found) for found in there]
        for revision in plans:
            gone.append(
                Discard(DeliveryPlan(tenant=api.tenant, revision_id=revision, api_id=api.id))
            )
            gone.append(Discard(RequestSchemas(tenant=api.tenant, revision_id=revision)))
        return gone


def routed(deployments: Sequence[Deployment], api_id: str) -> Deployment | None:
    """The deployment that should have a route of its own, if any.

    Never the one at a bare context: its route would swallow the calls of the API's other versions.
    """
    for found in deployments:
        if (
            found.api_id == api_id
            and found.prefix == found.context
            and found.delivery == Delivery.PASS_THROUGH
        ):
            return found if found.answers in ROUTED else None
    return None


def _standing(api: Api) -> dict[str, Any]:
    """What the API's state means to its callers."""
    behaviour = behaviour_of(api)
    deprecated = behaviour.deprecated
    return {
        "access": str(behaviour.access),
        "deprecated": api.deprecated if deprecated else 0,
        "sunset": api.sunset if deprecated else 0,
    }


def _hands_over(found: Deployment, wanted: Deployment) -> bool:
    """Whether both are default versions of one API name, so that the newer takes the older one's
    place.
    """
    bare = found.prefix != found.context and wanted.prefix != wanted.context
    return bare and found.name.casefold() == wanted.name.casefold()
