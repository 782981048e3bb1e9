"""Pages to find, make and look after an API."""

from collections.abc import Mapping

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from functions.publisher.pages import PAGES
from functions.publisher.pages.living import labels_for, state_labels
from functions.publisher.wiring import Wiring
from portico.domain.api import Delivery
from portico.domain.errors import NotFound, PorticoError
from portico.domain.policy import Level
from portico.domain.user import Caller
from portico.services.definitions import reading
from portico.services.drafts import Changes, Draft
from portico.services.route_quota import in_use, warning
from portico.web.errors import status_of
from portico.web.forms import form
from portico.web.pages import redirect, visitor
from portico.web.rest import Part, multipart, query, wired

router = Router()
FIELDS = ("name", "version", "context", "endpoint", "description")
VIEW, CREATE, PUBLISH = "apim:api_view", "apim:api_create", "apim:api_publish"


@router.get("/")
def find() -> Response[str]:
    caller, wanted = visitor(router, VIEW), query(router, "query")
    found = wired(router, Wiring).publishing.find(caller, wanted)
    return PAGES.show("apis.html", caller, here="/", apis=found, query=wanted)


@router.get("/apis/new")
def ask_for_new() -> Response[str]:
    return _new_page(visitor(router, CREATE), {})


@router.post("/apis/new")
def create() -> Response[str]:
    caller, fields = visitor(router, CREATE), multipart(router)
    given = {name: part.text.strip() for name, part in fields.items() if name != "definition"}
    try:
        api = _made(caller, given, fields)
    except PorticoError as exc:
        return _new_page(caller, given, exc)
    return redirect(f"/apis/{api}")


def _made(caller: Caller, given: Mapping[str, str], fields: Mapping[str, Part]) -> str:
    file = fields.get("definition")
    definition = reading.read(file.content) if file and file.content else None
    changes: Changes = {"policies": (given.get("policy") or "Unlimited",)}
    if given.get("endpoint"):
        changes["production_endpoint"] = given["endpoint"]
    if given.get("description"):
        changes["description"] = given["description"]
    name, version, context = (given.get(field, "") for field in ("name", "version", "context"))
    draft = Draft(name, version, context, changes)
    return wired(router, Wiring).publishing.create(caller, draft, definition).id


def _new_page(
    caller: Caller, given: Mapping[str, str], problem: PorticoError | None = None
) -> Response[str]:
    policies = wired(router, Wiring).policies.list(caller.tenant, Level.SUBSCRIPTION)
    return PAGES.show(
        "new.html",
        caller,
        status_of(problem)[0] if problem else 200,
        here="/apis/new",
        given={**dict.fromkeys(FIELDS, ""), "policy": "Unlimited", **given},
        problem=problem,
        policies=policies,
    )


@router.get("/apis/<api_id>")
def show(api_id: str) -> Response[str]:
    return _page(visitor(router, VIEW), api_id)


@router.post("/apis/<api_id>/revisions")
def deploy_new_revision(api_id: str) -> Response[str]:
    caller, fields = visitor(router, PUBLISH, CREATE), form(router)
    services = wired(router, Wiring)
    try:
        made = services.revisions.create(caller, api_id, fields.get("description", ""))
        services.revisions.deploy(caller, api_id, made.id)
    except NotFound:
        raise
    except PorticoError as exc:
        return _page(caller, api_id, exc)
    services.lifecycle.work_outbox()
    return redirect(f"/apis/{api_id}")


@router.post("/apis/<api_id>/test-key")
def make_test_key(api_id: str) -> Response[str]:
    """The key is shown in this answer and never again, so no redirect."""
    caller = visitor(router, CREATE)
    try:
        key, seconds = wired(router, Wiring).internal_keys.generate(caller, api_id)
    except NotFound:
        raise
    except PorticoError as exc:
        return _page(caller, api_id, exc)
    return _page(caller, api_id, test_key=key, test_minutes=seconds // 60)


def _page(
    caller: Caller,
    api_id: str,
    problem: PorticoError | None = None,
    test_key: str = "",
    test_minutes: int = 0,
) -> Response[str]:
    services = wired(router, Wiring)
    api = services.publishing.show(caller, api_id)
    lifecycle = services.transitions.lifecycle_of(caller.tenant)
    return PAGES.show(
        "api.html",
        caller,
        status_of(problem)[0] if problem else 200,
        here="/",
        api=api,
        state=state_labels(lifecycle, labels_for(router, caller))(api.state),
        problem=problem,
        revisions=services.revisions.list(caller, api_id),
        subscriptions=services.subscribers.of_api(caller, api_id),
        quota=warning(in_use(services.publishing.records))
        if api.delivery == Delivery.PASS_THROUGH
        else "",
        test_key=test_key,
        test_minutes=test_minutes,
        test_path=next((one.target for one in api.resources if one.verb == "GET"), "/"),
        address=services.settings.gateway_url + api.full_context,
        may_publish=PUBLISH in caller.scopes,
        may_create=CREATE in caller.scopes,
    )
