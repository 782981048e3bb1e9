"""Create, import, find, change and delete APIs as their publishers edit them.

Life-cycle states, revisions and the gateway are other services' business; a change here reaches
callers with the next
deployed revision.
"""

import hashlib
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar
from uuid import uuid4

from portico.domain.api import (
    Api,
    ApiCard,
    Delivery,
    HistoryEntry,
    NameClaim,
    Resource,
    Revision,
    SubscriberCount,
    card_of,
)
from portico.domain.approvals import PendingTransition
from portico.domain.contexts import canonical_context, check_name, check_version
from portico.domain.errors import InUse, InvalidInput, LostRace, NotFound, Stale
from portico.domain.query import Query
from portico.domain.records import Change, Create, Discard, Remove, Replace, Require
from portico.domain.user import ADMIN, Caller, User
from portico.lifecycle.model import LifeCycle
from portico.lifecycle.scxml import default
from portico.ports import Clock, Documents, Records, Sealer
from portico.services import endpoint_credentials
from portico.services.api_rules import ApiRules
from portico.services.auditing import audit
from portico.services.claims import claim, claimed_by_another, unclaim
from portico.services.definitions import reading, texts, writing
from portico.services.definitions.reading import Definition
from portico.services.deployments import Deployments, endpoint_config
from portico.services.drafts import Changes, Draft, changed, filled, permitted
from portico.services.policy_uses import api_uses, drops, snapshots
from portico.services.revisions import Revisions
from portico.services.route_quota import undeploying

T = TypeVar("T")
TRIES = 5
MAX_DISCARDED = 60  # history entries and uses of policies removed in the commit that deletes an API
MAX_USES = 75  # uses of policies that begin or end in one commit; a new API has at most 71
# What a new API without operations gets, as WSO2 gives it.
DEFAULT_RESOURCES = tuple(
    Resource("/*", verb) for verb in ("GET", "PUT", "POST", "DELETE", "PATCH")
)
SORTS = {
    "name": lambda card: (card.name.lower(), card.version, card.id),
    "version": lambda card: (card.version, card.name.lower(), card.id),
    "context": lambda card: (card.context.lower(), card.version, card.id),
    "status": lambda card: (card.state, card.name.lower(), card.id),
    "createdTime": lambda card: (card.created, card.id),
    "updatedTime": lambda card: (card.updated, card.id),
}  # fmt: skip


@dataclass(frozen=True)
class Publishing:
    """The APIs of a tenant."""

    records: Records
    documents: Documents
    clock: Clock
    allowed_hosts: Collection[str] = ()
    lifecycle_of: Callable[[str], LifeCycle] = lambda _: default()  # by tenant
    sealer: Sealer | None = None  # without it, back ends have no credentials

    def create(self, caller: Caller, draft: Draft, definition: Definition | None = None) -> Api:
        """A new API in the first state of its life cycle, from a draft alone or with a definition
        that fills what the draft leaves out.

        Raises InvalidInput, or AlreadyExists when name and version or the context are taken.
        """
        if definition:
            draft = filled(draft, definition)
        check_name(draft.name)
        check_version(draft.version)
        now = self._now()
        api = Api(
            tenant=caller.tenant,
            id=str(uuid4()),
            name=draft.name,
            version=draft.version,
            context=canonical_context(draft.context, draft.version, caller.tenant),
            provider=self._provider(caller, draft.provider),
            created=now,
            updated=now,
            updated_by=caller.user,
        )
        lifecycle = self.lifecycle_of(caller.tenant)
        first = lifecycle.state(lifecycle.initial)
        if first:
            api = replace(api, state=first.id.upper(), behaviour=first.behaviour)
        api = changed(api, draft.changes)
        if not api.resources:
            api = replace(api, resources=DEFAULT_RESOURCES)
        ApiRules(self.records, self.allowed_hosts).check(api)
        api = self._sealed(api, None)

        def attempt() -> Api:
            claims = claim(self.records, api)
            stored = self._document(api, definition.document if definition else None)
            others = self._one_default(stored)
            self.records.commit(
                Create(stored),
                Create(card_of(stored)),
                *claims,
                *others,
                *_policy_changes(None, stored),
                audit(self.clock, caller, "create", "api", stored.id, after=_telling(stored)),
            )
            return replace(stored, stamp=1)

        return _retried(attempt)

    def show(self, caller: Caller, api_id: str) -> Api:
        """One API; NotFound."""
        api = self.records.get(Api, tenant=caller.tenant, id=api_id)
        if api is None:
            raise NotFound("API", api_id)
        return api

    def find(
        self, caller: Caller, query: str = "", sort: str = "name", descending: bool = False
    ) -> list[ApiCard]:
        """All matching APIs, sorted; InvalidInput for a query or an order that is not known."""
        if sort not in SORTS:
            raise InvalidInput.of("sortBy", f"must be one of {', '.join(SORTS)}")
        wanted = Query.parse(query)
        cards = [
            card
            for card in self.records.list(ApiCard, tenant=caller.tenant)
            if wanted.matches(card)
        ]
        return sorted(cards, key=SORTS[sort], reverse=descending)

    def update(
        self,
        caller: Caller,
        api_id: str,
        changes: Changes,
        stamp: int | None = None,
        definition: Definition | None = None,
    ) -> Api:
        """The API with these changes, and its definition in line with them.

        Raises Stale when `stamp` is not the API's present one.
        """

        def attempt() -> Api:
            before = self._current(caller, api_id, stamp)
            api = changed(before, permitted(caller, changes))
            api = replace(api, updated=self._now(), updated_by=caller.user)
            if not api.resources:
                raise InvalidInput.of("operations", "an API needs at least one")
            ApiRules(self.records, self.allowed_hosts).check(api)
            api = self._sealed(api, before)
            api = self._document(api, definition.document if definition else None)
            others = self._one_default(api) if not before.is_default_version else []
            self.records.commit(
                Replace(api),
                self._card(api),
                *others,
                *_policy_changes(before, api, self._snapshots(before, api)),
                audit(self.clock, caller, "update", "api", api.id, _telling(before), _telling(api)),
            )
            return replace(api, stamp=api.stamp + 1)

        return _retried(attempt, stamp)

    def delete(self, caller: Caller, api_id: str, stamp: int | None = None) -> None:
        """Delete an API with its revisions and history, and take it off the gateway. InUse while
        subscribed.
        """

        def attempt() -> list[str]:
            api = self._current(caller, api_id, stamp)
            tenant = api.tenant
            count = self.records.get(SubscriberCount, tenant=tenant, api_id=api.id)
            if count and count.count:
                raise InUse(
                    f"{api.name} {api.version} has {count.count} subscriptions; remove them first"
                )
            revisions = self.records.list(Revision, tenant=tenant, api_id=api.id)
            # What only revisions name is left: `Policies.delete` sees that the API is gone.
            uses = _policy_changes(api, None)
            room = max(MAX_DISCARDED - len(uses), 1)
            history = self.records.list(
                HistoryEntry, newest_first=True, limit=room, tenant=tenant, api_id=api.id
            )
            gateway = Deployments(self.records)
            through = any(one.delivery == Delivery.PASS_THROUGH for one in gateway.of(api))
            changes = gateway.remove(api) + (undeploying(self.records) if through else [])
            if changes:
                # The route's executor finds no deployment and takes away the route, if there is
                # one.
                changes.append(Revisions(self.records, self.documents, self.clock).route_entry(api))
            waiting = self.records.get(PendingTransition, tenant=tenant, api_id=api.id)
            self.records.commit(
                Remove(api),
                Discard(card_of(api)),
                *([Remove(waiting)] if waiting else []),
                Remove(count)
                if count
                else Require(SubscriberCount(tenant=tenant, api_id=api.id, count=0)),
                *(Remove(revision) for revision in revisions),
                *(Discard(entry) for entry in history),
                *unclaim(self.records, api),
                *uses,
                *changes,
                audit(self.clock, caller, "delete", "api", api.id, _telling(api)),
            )
            return [api.definition_key, *(revision.api.definition_key for revision in revisions)]

        # Only now that no record names them any more.
        for key in _retried(attempt, stamp):
            if key:
                self.documents.delete(key)

    def definition(self, caller: Caller, api_id: str) -> tuple[bytes, Api]:
        """The API's definition as JSON text, in line with its resources."""
        api = self.show(caller, api_id)
        content = self.documents.read(api.definition_key) if api.definition_key else None
        return content or texts.dump(writing.generate(api)), api

    def replace_definition(
        self, caller: Caller, api_id: str, content: bytes, stamp: int | None = None
    ) -> tuple[bytes, Api]:
        """Give an API another definition; its resources and scopes become those of it."""
        definition = reading.read(content)
        names = {scope.name: scope.display_name for scope in self.show(caller, api_id).scopes}
        # A definition has no place for what a scope is called.
        scopes = tuple(
            replace(scope, display_name=names.get(scope.name) or scope.display_name)
            for scope in definition.scopes
        )
        changes = Changes(resources=definition.resources, scopes=scopes)
        api = self.update(caller, api_id, changes, stamp, definition)
        return self.documents.read(api.definition_key) or b"", api

    def taken(self, caller: Caller, field: str, value: str) -> bool:
        """Whether an API name, or a context, is in use; compared without case."""
        if field == "context":
            return claimed_by_another(self.records, caller.tenant, value)
        return bool(self.records.list(NameClaim, limit=1, tenant=caller.tenant, name=value.lower()))

    # --- what the use cases share ---

    def _snapshots(self, before: Api, after: Api) -> list[Api]:
        """The API's revisions, which matter when the API names a policy no longer."""
        read = before.revision_count and drops(before, after)
        return snapshots(self.records, before) if read else []

    def _current(self, caller: Caller, api_id: str, stamp: int | None) -> Api:
        api = self.show(caller, api_id)
        if stamp is not None and stamp != api.stamp:
            raise Stale("The API has been changed since it was read; read it again")
        return api

    def _provider(self, caller: Caller, wanted: str) -> str:
        """The provider: whom an administrator names, for everybody else the caller."""
        name = wanted.removesuffix(f"@{caller.tenant}")
        if not name or name == caller.user or not caller.has_role(ADMIN):
            return caller.user
        if self.records.get(User, tenant=caller.tenant, name=name.lower()) is None:
            raise InvalidInput.of("provider", f"there is no user '{name}'")
        return name

    def _document(self, api: Api, document: dict[str, Any] | None) -> Api:
        """Write the definition under a key of its own content, before any record names it."""
        if document is None and api.definition_key:
            stored = self.documents.read(api.definition_key)
            document = texts.load(stored) if stored else None
        content = texts.dump(writing.reflect(document, api) if document else writing.generate(api))
        digest = hashlib.sha256(content).hexdigest()
        if digest == api.definition_hash and api.definition_key:
            return api
        key = f"{api.tenant}/apis/{api.id}/definitions/{digest}.json"
        self.documents.write(key, content, "application/json")
        return replace(api, definition_key=key, definition_hash=digest)

    def _one_default(self, api: Api) -> list[Change]:
        """Changes that make this the only default version of its name."""
        if not api.is_default_version:
            return []
        changes: list[Change] = []
        for card in self.records.list(ApiCard, tenant=api.tenant):
            if (
                card.is_default_version
                and card.name.lower() == api.name.lower()
                and card.id != api.id
            ):
                other = self.records.get(Api, tenant=api.tenant, id=card.id)
                if other:
                    changes += [
                        Replace(replace(other, is_default_version=False)),
                        Replace(replace(card, is_default_version=False)),
                    ]
        return changes

    def _card(self, api: Api) -> Change:
        found = self.records.get(ApiCard, tenant=api.tenant, id=api.id)
        return Replace(replace(card_of(api), stamp=found.stamp if found else 0))

    def _sealed(self, api: Api, before: Api | None) -> Api:
        """With the credentials of its back ends encrypted."""
        config = endpoint_config(api)
        earlier = endpoint_config(before) if before else {}
        if config == earlier or not config.get("endpoint_security"):
            return api
        made = endpoint_credentials.sealed(config, earlier, api.tenant, api.id, self.sealer)
        return replace(api, extra={**api.extra, "endpointConfig": made})

    def _now(self) -> int:
        return int(self.clock.now() * 1000)


def _retried(attempt: Callable[[], T], stamp: int | None = None) -> T:
    """Read again and repeat when another writer was faster; who gave a stamp is told instead."""
    for _ in range(TRIES - 1):
        try:
            return attempt()
        except LostRace as exc:
            if stamp is not None:
                raise Stale("Somebody else is changing the API; read it again") from exc
    return attempt()


def _policy_changes(
    before: Api | None, after: Api | None, revisions: Sequence[Api] = ()
) -> list[Change]:
    """What makes a policy that an API or one of its revisions names impossible to delete."""
    api = after or before
    assert api is not None  # noqa: S101 - for the type checker: one of the two is always there
    changes = api_uses([before, *revisions], [after, *revisions], api.tenant, api.id)
    if len(changes) > MAX_USES:
        raise InvalidInput.of(
            "policies", f"{len(changes)} come or go; {MAX_USES} may at once, so take two steps"
        )
    return changes


def _telling(api: Api) -> dict[str, Any]:
    return {
        "name": api.name,
        "version": api.version,
        "context": api.context,
        "endpoint": api.production_endpoint,
        "policies": list(api.policies),
        "resources": len(api.resources),
        "visibility": api.visibility,
        "delivery": api.delivery,
        "definition": api.definition_hash[:12],
    }
