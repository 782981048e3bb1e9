"""`/lifecycles`: versions of the tenant's life cycle, and which is in force. Operations of our own
beside the contract's (docs/lifecycles.md).
"""

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from functions.admin.bodies.lifecycles import (
    Activation,
    CheckedLifecycle,
    NewLifecycle,
    finding_body,
    id_of,
    number_of,
    shown_body,
    version_body,
)
from functions.admin.wiring import Wiring
from portico.domain.errors import InvalidInput
from portico.domain.lifecycle_versions import LifecycleChoice
from portico.lifecycle import json_form
from portico.web.contract import contract
from portico.web.rest import answer, body, caller, if_match, operations, query, raw_body, wired

router = Router()
ADMIN = contract("admin")
SCOPES = ("apim:admin",)
operation = operations(router, ADMIN)


@operation("GET", "/lifecycles", SCOPES)
def show_all() -> Response[str]:
    service, tenant = wired(router, Wiring).lifecycles, caller(router).tenant
    choice = service.choice(tenant)
    rows = [version_body(version, choice) for version in service.list(tenant)]
    more = {"active": id_of(choice.active), "former": [id_of(one) for one in choice.former]}
    return answer({"count": len(rows), "list": rows, **more}, etag=choice.stamp)


@operation("POST", "/lifecycles", SCOPES)
def create() -> Response[str]:
    wanted = body(router, NewLifecycle)
    service, by = wired(router, Wiring).lifecycles, caller(router)
    content = wanted.document.encode()
    version = service.save(by, content, wanted.labels, wanted.comment)
    location = {"Location": f"{ADMIN.base}/lifecycles/{version.number}"}
    return answer(version_body(version, service.choice(by.tenant)), 201, headers=location)


@operation("POST", "/lifecycles/validate", SCOPES)
def validate() -> Response[str]:
    wanted = body(router, CheckedLifecycle)
    service, tenant = wired(router, Wiring).lifecycles, caller(router).tenant
    checked = service.validate(tenant, wanted.document.encode(), wanted.labels)
    return answer(
        {
            "isValid": checked.sound,
            "findings": [finding_body(finding) for finding in checked.findings],
            "statesToMap": [{"state": one, "apis": n} for one, n in checked.homeless.items()],
        }
    )


@operation("POST", "/lifecycles/roll-back", SCOPES)
def roll_back() -> Response[str]:
    service = wired(router, Wiring).activating
    return _in_force(service.roll_back(caller(router), _mapping(), if_match(router)))


@operation("GET", "/lifecycles/{lifecycleId}", SCOPES)
def show(lifecycle_id: str) -> Response[str]:
    service, tenant = wired(router, Wiring).lifecycles, caller(router).tenant
    shown = service.show(tenant, number_of(lifecycle_id))
    return answer(shown_body(shown, service.choice(tenant)))


@operation("GET", "/lifecycles/{lifecycleId}/document", SCOPES)
def export(lifecycle_id: str) -> Response[str]:
    """The document itself, as `format` says: scxml (when absent) or json."""
    kind = query(router, "format", "scxml")
    if kind not in ("scxml", "json"):
        raise InvalidInput.of("format", "must be scxml or json")
    tenant = caller(router).tenant
    shown = wired(router, Wiring).lifecycles.show(tenant, number_of(lifecycle_id))
    text = json_form.write(shown.lifecycle).decode() if kind == "json" else shown.document
    return Response(
        200, content_type="application/json" if kind == "json" else "application/xml", body=text
    )


@operation("GET", "/lifecycles/{lifecycleId}/diff", SCOPES)
def compare(lifecycle_id: str) -> Response[str]:
    """A unified diff from `from` (when absent: the one in force) to this version."""
    service, tenant = wired(router, Wiring).lifecycles, caller(router).tenant
    given = query(router, "from")
    old = number_of(given) if given else service.choice(tenant).active
    text = service.compare(tenant, old, number_of(lifecycle_id))
    return Response(200, content_type="text/x-diff; charset=utf-8", body=text)


@operation("POST", "/lifecycles/{lifecycleId}/activate", SCOPES)
def activate(lifecycle_id: str) -> Response[str]:
    service, number = wired(router, Wiring).activating, number_of(lifecycle_id)
    return _in_force(service.activate(caller(router), number, _mapping(), if_match(router)))


def _mapping() -> dict[str, str]:
    """A body is needed only where APIs must change their state."""
    return body(router, Activation).mapping if raw_body(router).strip() else {}


def _in_force(choice: LifecycleChoice) -> Response[str]:
    wired(router, Wiring).lifecycle.work_outbox()
    more = {"active": id_of(choice.active), "former": [id_of(one) for one in choice.former]}
    return answer(more, etag=choice.stamp)
