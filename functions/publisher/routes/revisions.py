"""Revisions of an API: make, deploy, undeploy, restore, delete. Answers carry WSO2's statuses."""

from collections.abc import Sequence
from urllib.parse import urlsplit

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from functions.publisher.bodies.answers import (
    DeploymentBody,
    DeploymentsBody,
    RevisionBody,
    deployment_body,
    revision_body,
)
from functions.publisher.bodies.api_answers import api_body
from functions.publisher.wiring import Wiring
from portico.domain.api import ENVIRONMENT, Revision
from portico.domain.errors import InvalidInput
from portico.web.contract import contract
from portico.web.rest import answer, body, caller, flag, operations, query, raw_body, wired

router = Router()
PUBLISHER = contract("publisher")
operation = operations(router, PUBLISHER)


@operation("GET", "/apis/{apiId}/revisions")
def show_all(api_id: str) -> Response[str]:
    wanted = query(router, "query")
    if wanted not in ("", "deployed:true", "deployed:false"):
        raise InvalidInput.of("query", "must be deployed:true or deployed:false")
    found = wired(router, Wiring).revisions.list(caller(router), api_id)
    if wanted:
        found = [one for one in found if bool(one.deployed) == (wanted == "deployed:true")]
    return answer(_listed(api_id, found))


@operation("POST", "/apis/{apiId}/revisions")
def create(api_id: str) -> Response[str]:
    services = wired(router, Wiring)
    given = body(router, RevisionBody) if raw_body(router).strip() else RevisionBody()
    made = services.revisions.create(caller(router), api_id, given.description or "")
    location = {"Location": f"{PUBLISHER.base}/apis/{api_id}/revisions/{made.id}"}
    return answer(revision_body(made, api_id, _host()), 201, headers=location)


@operation("GET", "/apis/{apiId}/revisions/{revisionId}")
def show(api_id: str, revision_id: str) -> Response[str]:
    found = wired(router, Wiring).revisions.get(caller(router), api_id, revision_id)
    return answer(revision_body(found, api_id, _host()))


@operation("DELETE", "/apis/{apiId}/revisions/{revisionId}")
def delete(api_id: str, revision_id: str) -> Response[str]:
    revisions = wired(router, Wiring).revisions
    revisions.delete(caller(router), api_id, revision_id)
    return answer(_listed(api_id, revisions.list(caller(router), api_id)))


@operation("GET", "/apis/{apiId}/deployments")
def deployments(api_id: str) -> Response[str]:
    found = wired(router, Wiring).revisions.list(caller(router), api_id)
    return answer({"list": [deployment_body(one, _host()) for one in found if one.deployed]})


@operation("POST", "/apis/{apiId}/deploy-revision")
def deploy(api_id: str) -> Response[str]:
    services = wired(router, Wiring)
    wanted = _wanted()
    if not wanted:
        raise InvalidInput.of("body", "names no gateway environment")
    revision_id = _revision_id()
    for one in wanted:
        revision = services.revisions.deploy(
            caller(router),
            api_id,
            revision_id,
            environment=one.name,
            vhost=one.vhost or "",
            display_on_devportal=one.display_on_devportal is not False,
        )
    services.lifecycle.work_outbox()
    return answer([deployment_body(revision, _host())], 201)


@operation("POST", "/apis/{apiId}/undeploy-revision")
def undeploy(api_id: str) -> Response[str]:
    services, who = wired(router, Wiring), caller(router)
    names = [one.name for one in _wanted()]
    if flag(router, "allEnvironments") or not names:
        names = [ENVIRONMENT]
    revision_id = query(router, "revisionId") or _by_number(services, api_id)
    for name in names:
        services.revisions.undeploy(who, api_id, revision_id, environment=name)
    services.lifecycle.work_outbox()
    left = services.revisions.list(who, api_id)
    return answer([deployment_body(one, _host()) for one in left if one.deployed], 201)


@operation("POST", "/apis/{apiId}/restore-revision")
def restore(api_id: str) -> Response[str]:
    services = wired(router, Wiring)
    api = services.revisions.restore(caller(router), api_id, _revision_id())
    return answer(api_body(api), 201, etag=api.stamp)


def _wanted() -> Sequence[DeploymentBody]:
    """The deployments in the body; the contract lets it be absent when undeploying."""
    if not raw_body(router).strip():
        return ()
    return body(router, DeploymentsBody).root


def _revision_id() -> str:
    found = query(router, "revisionId")
    if not found:
        raise InvalidInput.of("revisionId", "is missing")
    return found


def _by_number(services: Wiring, api_id: str) -> str:
    number = query(router, "revisionNumber")
    for one in services.revisions.list(caller(router), api_id):
        if number and str(one.number) == number:
            return one.id
    raise InvalidInput.of("revisionId", "is missing, or there is no revision with that number")


def _listed(api_id: str, found: Sequence[Revision]) -> dict[str, object]:
    return {"count": len(found), "list": [revision_body(one, api_id, _host()) for one in found]}


def _host() -> str:
    return urlsplit(wired(router, Wiring).settings.gateway_url).hostname or "localhost"
