"""Revisions of an API: immutable snapshots, of which one may be on the gateway.

`put_on_gateway` and `take_off_gateway` give changes, so that a life-cycle transition can make and
deploy a revision in its own commit; everything else commits and retries a lost race.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar
from uuid import uuid4

from portico.domain.api import (
    ENVIRONMENT,
    MAX_REVISIONS,
    Api,
    ApiCard,
    Delivery,
    Revision,
    card_of,
)
from portico.domain.behaviour import behaviour_of
from portico.domain.errors import Conflict, InUse, InvalidInput, LimitReached, LostRace, NotFound
from portico.domain.gateway import DeliveryPlan, Deployment, MockAnswers, RequestSchemas
from portico.domain.records import Change, Create, Discard, Put, Remove, Replace
from portico.domain.user import Caller
from portico.ports import Clock, Documents, Records
from portico.services.auditing import audit
from portico.services.definitions import examples, requests, texts
from portico.services.deployments import Deployments, mocked, plan_of
from portico.services.outbox import enqueue
from portico.services.policy_uses import api_uses, check_choices, snapshots
from portico.services.route_quota import deploying, undeploying

T = TypeVar("T")
Changes = list[Change]  # inside the class, `list` is a use case
MAX_DESCRIPTION = 255  # the contract's APIRevision.description
TRIES = 5
OUTGOING = 3600  # seconds that the delivery of a replaced revision is kept
ROUTE = "route"  # the kind of outbox entry that has a route put right
# What a restore leaves as it is: who the API is, where it stands, and how its revisions count.
_KEPT = (
    "id",
    "tenant",
    "stamp",
    "name",
    "version",
    "context",
    "provider",
    "state",
    "behaviour",
    "deprecated",
    "sunset",
    "is_default_version",
    "created",
    "revisions_made",
    "revision_count",
    "deployed_revision",
)


@dataclass(frozen=True)
class Revisions:
    """Make, deploy, restore and delete revisions.

    Deploying and undeploying a pass-through API leaves an outbox entry: the caller then asks the
    lifecycle function to work the outbox, or its schedule does within a minute.
    """

    records: Records
    documents: Documents
    clock: Clock

    def create(self, caller: Caller, api_id: str, description: str = "") -> Revision:
        """Snapshot the API. Raises LimitReached when it has five revisions."""
        if len(description) > MAX_DESCRIPTION:
            raise InvalidInput.of("description", f"at most {MAX_DESCRIPTION} characters")

        def attempt() -> Revision:
            api, revision = self.snapshot(self._api(caller, api_id), caller, description)
            after = {"revision": revision.number}
            entry = audit(self.clock, caller, "create-revision", "api", api.id, after=after)
            self.records.commit(Replace(api), Create(revision), entry)
            return replace(revision, stamp=1)

        return _retried(attempt)

    def list(self, caller: Caller, api_id: str) -> list[Revision]:
        """All revisions of an API, oldest first."""
        self._api(caller, api_id)
        found = self.records.list(Revision, tenant=caller.tenant, api_id=api_id)
        return sorted(found, key=lambda revision: revision.number)

    def get(self, caller: Caller, api_id: str, revision_id: str) -> Revision:
        """One revision; NotFound also when the API is not there."""
        return self._revision(self._api(caller, api_id), revision_id)

    def deploy(
        self,
        caller: Caller,
        api_id: str,
        revision_id: str,
        *,
        environment: str = ENVIRONMENT,
        vhost: str = "",
        display_on_devportal: bool = True,
    ) -> Revision:
        """Put a revision on the gateway in place of the one that is there.

        Raises InvalidInput (unknown environment, no usable endpoint), Conflict (a retired API) and
        AlreadyExists (another API has the path).
        """
        _check_environment(environment)

        def attempt() -> Revision:
            api = self._api(caller, api_id)
            if not behaviour_of(api).keeps_subscriptions:
                raise Conflict("A retired API cannot be deployed")
            wanted = replace(
                self._revision(api, revision_id),
                vhost=vhost,
                display_on_devportal=display_on_devportal,
            )
            before = {"deployed": api.deployed_revision}
            api, revision, changes = self.put_on_gateway(api, wanted)
            after = {"deployed": revision.id}
            entry = audit(self.clock, caller, "deploy-revision", "api", api.id, before, after)
            self.records.commit(Replace(api), Replace(revision), *changes, entry)
            return replace(revision, stamp=revision.stamp + 1)

        return _retried(attempt)

    def undeploy(
        self, caller: Caller, api_id: str, revision_id: str, *, environment: str = ENVIRONMENT
    ) -> Revision:
        """Take a revision off the gateway; one that is not there is left alone."""
        _check_environment(environment)

        def attempt() -> Revision:
            api = self._api(caller, api_id)
            revision = self._revision(api, revision_id)
            if api.deployed_revision != revision.id:
                return revision
            before = {"deployed": revision.id}
            api, changes = self.take_off_gateway(api)
            after = {"deployed": ""}
            entry = audit(self.clock, caller, "undeploy-revision", "api", api.id, before, after)
            self.records.commit(Replace(api), *changes, entry)
            return self._revision(api, revision_id)

        return _retried(attempt)

    def restore(self, caller: Caller, api_id: str, revision_id: str) -> Api:
        """Bring the API back to what it was in a revision, but not to its state then."""

        def attempt() -> Api:
            api = self._api(caller, api_id)
            if not behaviour_of(api).keeps_subscriptions:
                raise Conflict("A retired API cannot be restored")
            revision = self._revision(api, revision_id)
            snapshot = revision.api
            key = self._copy(snapshot.definition_key, f"{_folder(api)}/definitions/{uuid4()}")
            restored = replace(
                snapshot,
                **{name: getattr(api, name) for name in _KEPT},
                definition_key=key,
                updated=self._now(),
                updated_by=caller.user,
            )
            # A policy may have been deleted since; one that a revision names is in use now.
            check_choices(self.records, restored)
            named = snapshots(self.records, api)
            after = {"revision": revision.number}
            entry = audit(self.clock, caller, "restore-revision", "api", api.id, after=after)
            uses = api_uses([api, *named], [restored, *named], api.tenant, api.id)
            changes = [*uses, entry]
            self.records.commit(Replace(restored), self.card(restored), *changes)
            return replace(restored, stamp=restored.stamp + 1)

        return _retried(attempt)

    def delete(self, caller: Caller, api_id: str, revision_id: str) -> None:
        """Delete a revision. Raises InUse while it is on the gateway."""

        def attempt() -> Revision:
            api = self._api(caller, api_id)
            revision = self._revision(api, revision_id)
            if api.deployed_revision == revision.id:
                raise InUse(f"Revision {revision.number} is deployed; undeploy it first")
            fewer = replace(api, revision_count=max(api.revision_count - 1, 0))
            named = self.list(caller, api_id)
            left = [one.api for one in named if one.id != revision.id]
            uses = api_uses([api, revision.api, *left], [api, *left], api.tenant, api.id)
            before = {"revision": revision.number}
            entry = audit(self.clock, caller, "delete-revision", "api", api.id, before)
            self.records.commit(Replace(fewer), Remove(revision), *uses, entry)
            return revision

        gone = _retried(attempt)
        if gone.api.definition_key:
            self.documents.delete(gone.api.definition_key)

    # --- what others put into commits of their own ---

    def snapshot(self, api: Api, caller: Caller, description: str = "") -> tuple[Api, Revision]:
        """The API with one revision more, and that revision; the caller commits both."""
        if api.revision_count >= MAX_REVISIONS:
            raise LimitReached(
                f"{api.name} {api.version} has {api.revision_count} revisions; "
                f"{MAX_REVISIONS} are allowed, so delete one first"
            )
        revision_id = str(uuid4())
        # The snapshot has its own copy: editing the API may overwrite the document it has now.
        key = self._copy(api.definition_key, f"{_folder(api)}/revisions/{revision_id}/definition")
        made = replace(
            api, revisions_made=api.revisions_made + 1, revision_count=api.revision_count + 1
        )
        revision = Revision(
            tenant=api.tenant,
            api_id=api.id,
            id=revision_id,
            number=made.revisions_made,
            description=description,
            created=self._now(),
            created_by=caller.user,
            api=replace(api, definition_key=key, stamp=0),
        )
        return made, revision

    def put_on_gateway(self, api: Api, revision: Revision) -> tuple[Api, Revision, Changes]:
        """The API and the revision as deployed, for the caller to commit with the changes.

        Raises InvalidInput when it names a limit that is gone or cannot be applied, or when the
        HTTP API has no room for its routes.
        """
        check_choices(self.records, revision.api, offering=False)
        changes: Changes = []
        if api.deployed_revision and api.deployed_revision != revision.id:
            changes += self._no_longer_deployed(api)
        deployments = Deployments(self.records)
        before = deployments.of(api)
        changes += deployments.put(api, revision)
        changes += self._mocks(api, revision)
        changes += self._plans(api, revision, before)
        changes += self._routes(api, before, revision.api.delivery == Delivery.PASS_THROUGH)
        return (
            replace(api, deployed_revision=revision.id),
            replace(revision, deployed=self._now()),
            changes,
        )

    def take_off_gateway(self, api: Api) -> tuple[Api, Changes]:
        """The API as not deployed, for the caller to commit with the changes."""
        deployments = Deployments(self.records)
        changes = self._no_longer_deployed(api) + deployments.remove(api)
        changes += self._without_mocks(deployments.of(api))
        changes += self._routes(api, deployments.of(api), False)
        return replace(api, deployed_revision=""), changes

    def route_entry(self, api: Api) -> Change:
        """An outbox entry that has the API's route compared with its deployment."""
        payload = {"api_id": api.id, "prefix": api.full_context}
        return enqueue(self.records, self.clock, api.tenant, ROUTE, payload)

    def card(self, api: Api) -> Change:
        """The change that makes the API's card equal to it, keeping the card's stamp counting."""
        found = self.records.get(ApiCard, tenant=api.tenant, id=api.id)
        card = card_of(api)
        return Replace(replace(card, stamp=found.stamp)) if found else Put(card)

    def _mocks(self, api: Api, revision: Revision) -> Changes:
        """The examples that a prototype without a back end answers, in place of earlier ones."""
        there = Deployments(self.records).of(api)
        earlier = self._without_mocks([one for one in there if one.revision_id != revision.id])
        if not mocked(api, revision.api):
            return earlier
        key = revision.api.definition_key
        content = self.documents.read(key) if key else None
        known = examples.answers(texts.load(content)) if content else {}
        made = MockAnswers(tenant=api.tenant, revision_id=revision.id, answers=known)
        return [*earlier, Put(made)]

    def _plans(self, api: Api, revision: Revision, before: Sequence[Deployment]) -> Changes:
        """How the revision is delivered. What delivered the one before goes on for a while: calls
        that were decided by it are still on their way.
        """
        changes: Changes = []
        until = int(self.clock.now()) + OUTGOING
        earlier = {one.revision_id for one in before if one.planned} - {revision.id}
        for name in sorted(earlier):
            key = {"tenant": api.tenant, "revision_id": name}
            if delivered := self.records.get(DeliveryPlan, **key):
                changes.append(Put(replace(delivered, expires=until)))
            if checked := self.records.get(RequestSchemas, **key):
                changes.append(Put(replace(checked, expires=until)))
        plan = plan_of(api, revision)
        if plan:
            changes.append(Put(plan))
            if plan.validated:
                changes.append(Put(self._schemas(revision)))
        return changes

    def _schemas(self, revision: Revision) -> RequestSchemas:
        key = revision.api.definition_key
        content = self.documents.read(key) if key else None
        if not content:
            raise InvalidInput.of("enableSchemaValidation", "the API has no definition")
        operations, components, dialect = requests.requests(texts.load(content))
        return RequestSchemas(
            tenant=revision.tenant,
            revision_id=revision.id,
            operations=operations,
            components=components,
            dialect=dialect,
        )

    def _without_mocks(self, deployments: Sequence[Deployment]) -> Changes:
        gone = {(one.tenant, one.revision_id) for one in deployments if one.mock}
        return [
            Discard(MockAnswers(tenant=tenant, revision_id=revision))
            for tenant, revision in sorted(gone)
        ]

    def _routes(self, api: Api, before: Sequence[Deployment], after: bool) -> Changes:
        """Routes follow, and room for them is taken or given back, as the API passes through or
        not.
        """
        was = _passes_through(before)
        changes: Changes = [self.route_entry(api)] if was or after else []
        if after and not was:
            changes += deploying(self.records)
        if was and not after:
            changes += undeploying(self.records)
        return changes

    def _no_longer_deployed(self, api: Api) -> Changes:
        revision = self.records.get(
            Revision, tenant=api.tenant, api_id=api.id, id=api.deployed_revision
        )
        return [Replace(replace(revision, deployed=0))] if revision else []

    def _api(self, caller: Caller, api_id: str) -> Api:
        api = self.records.get(Api, tenant=caller.tenant, id=api_id)
        if api is None:
            raise NotFound("API", api_id)
        return api

    def _revision(self, api: Api, revision_id: str) -> Revision:
        revision = self.records.get(Revision, tenant=api.tenant, api_id=api.id, id=revision_id)
        if revision is None:
            raise NotFound("Revision", revision_id)
        return revision

    def _copy(self, key: str, to: str) -> str:
        content = self.documents.read(key) if key else None
        if content is None:
            return ""
        self.documents.write(to, content, "application/json")
        return to

    def _now(self) -> int:
        return int(self.clock.now() * 1000)


def _folder(api: Api) -> str:
    return f"{api.tenant}/apis/{api.id}"


def _passes_through(deployments: Sequence[Deployment]) -> bool:
    return any(found.delivery == Delivery.PASS_THROUGH for found in deployments)


def _check_environment(name: str) -> None:
    if name != ENVIRONMENT:
        raise InvalidInput.of("name", f"the gateway environment '{name}' is not known")


def _retried(attempt: Callable[[], T]) -> T:
    """Read again and repeat when another writer was faster; the last time, say so."""
    for _ in range(TRIES - 1):
        try:
            return attempt()
        except LostRace:
            continue
    return attempt()
