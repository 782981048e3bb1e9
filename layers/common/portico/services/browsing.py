"""What the store shows: published APIs as a caller may see them, their definitions and tags.

It never writes. Of subscriptions it knows only that subscribers still find what has left the lists.
"""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import yaml

from portico.domain.api import Api, ApiCard
from portico.domain.application import Application, Subscription
from portico.domain.behaviour import behaviour_of
from portico.domain.errors import NotFound, Unavailable
from portico.domain.policy import Level, Policy
from portico.domain.query import Query
from portico.domain.user import EVERYONE, Caller
from portico.ports import Documents, Records

PUBLIC, PRIVATE, RESTRICTED = "PUBLIC", "PRIVATE", "RESTRICTED"
_VERBS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")


@dataclass(frozen=True)
class Browsing:
    """The catalogue of one tenant's store; `gateway_url` has no trailing slash."""

    records: Records
    documents: Documents
    gateway_url: str

    def find(self, caller: Caller, tenant: str, query: str = "") -> list[ApiCard]:
        """The visible APIs that match, by name and version; InvalidInput for an unknown search
        prefix.
        """
        wanted = Query.parse(query)
        cards = [
            card
            for card in self.records.list(ApiCard, tenant=tenant)
            if visible(card, caller) and wanted.matches(card)
        ]
        return sorted(cards, key=lambda card: (card.name.lower(), card.version, card.id))

    def show(self, caller: Caller, tenant: str, api_id: str) -> Api:
        """One API; NotFound when it is not there or not for this caller."""
        api = self.records.get(Api, tenant=tenant, id=api_id)
        if api is None or not (visible(api, caller) or subscribed(self.records, api, caller)):
            raise NotFound("API", api_id)
        return api

    def definition(self, caller: Caller, tenant: str, api_id: str) -> dict[str, Any]:
        """The OpenAPI document of an API, with the gateway as its only server."""
        api = self.show(caller, tenant, api_id)
        content = self.documents.read(api.definition_key) if api.definition_key else None
        if content is None:
            raise NotFound("API definition", api_id)
        return served(_read(content), f"{self.gateway_url}{api.full_context}")

    def tags(self, caller: Caller, tenant: str) -> list[tuple[str, int]]:
        """Each tag of the visible APIs and how many have it."""
        counts = Counter(
            tag for card in self.find(caller, tenant) for tag in dict.fromkeys(card.tags)
        )
        return sorted(counts.items())

    def offered(self, api: Api) -> list[Policy]:
        """The subscription policies that an API offers, in its own order."""
        keys = [
            {"tenant": api.tenant, "level": Level.SUBSCRIPTION, "name": name}
            for name in api.policies
        ]
        found = {policy.name: policy for policy in self.records.get_many(Policy, keys)}
        return [found[name] for name in api.policies if name in found]


def visible(api: Api | ApiCard, caller: Caller) -> bool:
    """Whether the store lists an API for a caller; an anonymous one has no user name."""
    return behaviour_of(api).listed and _meant_for(api, caller)


def subscribed(records: Records, api: Api | ApiCard, caller: Caller) -> bool:
    """Whether the API, though not listed any more, is shown to the caller for a subscription."""
    if not behaviour_of(api).kept_in_sight or not caller.user or caller.tenant != api.tenant:
        return False
    mine = records.list(Application, tenant=caller.tenant, owner=caller.user)
    keys = [
        {"tenant": api.tenant, "application_id": one.id, "api_id": api.id}
        for one in mine
        if one.status != "DELETE_PENDING"
    ]
    return bool(keys) and bool(records.get_many(Subscription, keys))


def _meant_for(api: Api | ApiCard, caller: Caller) -> bool:
    if api.visibility == PUBLIC:
        return True
    if not caller.user or caller.tenant != api.tenant:
        return False
    return api.visibility == PRIVATE or (
        api.visibility == RESTRICTED
        and (EVERYONE in api.visible_roles or caller.has_role(*api.visible_roles))
    )


def _read(content: bytes) -> dict[str, Any]:
    try:
        # JSON first: it is what is stored nearly always, and a hundred times faster to read.
        document = json.loads(content)
    except ValueError:
        try:
            document = yaml.safe_load(content)
        except yaml.YAMLError as exc:
            raise Unavailable("The stored API definition cannot be read") from exc
    if not isinstance(document, dict):
        raise Unavailable("The stored API definition cannot be read")
    return document


def served(document: Mapping[str, Any], url: str) -> dict[str, Any]:
    """The document with the gateway's URL of the API as its server, and without a word of the back
    end.

    OpenAPI 3 has `servers` on three levels (OAS 3.1 section 4.8.5), Swagger 2.0 host, basePath and
    schemes.
    """
    kept = {key: value for key, value in document.items() if not key.startswith("x-wso2-")}
    kept["paths"] = {path: _bare(item) for path, item in dict(kept.get("paths") or {}).items()}
    if "swagger" in kept:
        parts = urlsplit(url)
        return {**kept, "host": parts.netloc, "basePath": parts.path, "schemes": [parts.scheme]}
    return {**kept, "servers": [{"url": url}]}


def _bare(item: Any) -> Any:
    """A path item without servers of its own: they would lead past the gateway."""
    if not isinstance(item, Mapping):
        return item
    return {
        key: _without_servers(value) if key in _VERBS and isinstance(value, Mapping) else value
        for key, value in item.items()
        if key != "servers"
    }


def _without_servers(operation: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: value
        for key, value in operation.items()
        if key not in ("servers", "schemes") and not key.startswith("x-wso2-")
    }
