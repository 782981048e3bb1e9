"""What publishers say of an API: drafts of new ones, changes to others, and who may change what.

Nothing here is stored or checked; that is `portico.services.publishing`'s.
"""

from dataclasses import dataclass, replace
from typing import Any, TypedDict

from portico.domain.api import Api, Cors, Resource, Scope
from portico.domain.user import Caller
from portico.services.definitions.reading import Definition


class Changes(TypedDict, total=False):
    """What a publisher may set; what is left out stays as it is."""

    description: str
    resources: tuple[Resource, ...]
    scopes: tuple[Scope, ...]
    production_endpoint: str
    sandbox_endpoint: str
    policies: tuple[str, ...]
    api_throttling_policy: str
    tags: tuple[str, ...]
    visibility: str
    visible_roles: tuple[str, ...]
    transports: tuple[str, ...]
    cors: Cors | None
    delivery: str
    pass_authorization: bool
    authorization_header: str
    is_default_version: bool
    extra: dict[str, Any]


# Fields that a publisher who is not a creator may change: the contract's `x-otherScopes`.
PUBLISHERS_FIELDS = frozenset(
    {"policies", "tags", "api_throttling_policy", "visibility", "visible_roles"}
)


@dataclass(frozen=True)
class Draft:
    """A new API; '' where the definition or the caller decides."""

    name: str
    version: str
    context: str
    changes: Changes
    provider: str = ""


def filled(draft: Draft, definition: Definition) -> Draft:
    """What the draft leaves out, from the definition."""
    version = draft.version or definition.version
    name = draft.name or definition.title
    context = draft.context or definition.context or "/" + "".join(name.lower().split())
    changes = Changes(
        description=definition.description[:32766],
        resources=definition.resources,
        scopes=definition.scopes,
        tags=tuple(dict.fromkeys(tag.replace(",", " ") for tag in definition.tags))[:50],
    )
    changes.update(draft.changes)
    if draft.changes.get("resources") == ():
        changes["resources"] = definition.resources
    return replace(draft, name=name, version=version, context=context, changes=changes)


def permitted(caller: Caller, changes: Changes) -> Changes:
    """All changes for a creator; for one who only publishes, those of the contract's fields."""
    if caller.scopes & {"apim:api_create", "apim:api_manage"}:
        return changes
    left_out = changes.keys() - PUBLISHERS_FIELDS
    permitted = changes.copy()
    for name in left_out:
        permitted.pop(name)  # type: ignore[misc]  # a TypedDict's keys, taken from itself
    return permitted


def changed(api: Api, changes: Changes) -> Api:
    """The API with changes; of the kept fields, None takes one away and the others stay."""
    kept = {**api.extra, **changes.get("extra", {})}
    extra = {name: value for name, value in kept.items() if value is not None}
    return replace(replace(api, **changes), extra=extra)
