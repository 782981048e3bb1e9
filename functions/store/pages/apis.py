"""Pages to find an API, read about it and subscribe to it."""

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from functions.store.pages.shown import ANYBODY, PAGES, guest, subscriber
from functions.store.wiring import Wiring
from portico.domain.behaviour import behaviour_of
from portico.web.forms import form
from portico.web.pages import redirect, visitor
from portico.web.rest import query, wired

router = Router()


@router.get("/")
def find() -> Response[str]:
    caller = guest(router)
    seen_by, wanted = caller or ANYBODY, query(router, "query")
    found = wired(router, Wiring).browsing.find(seen_by, seen_by.tenant, wanted)
    return PAGES.show("apis.html", caller, here="/", apis=found, query=wanted)


@router.get("/apis/<api_id>")
def show(api_id: str) -> Response[str]:
    caller = guest(router)
    services = wired(router, Wiring)
    api = services.browsing.show(caller or ANYBODY, (caller or ANYBODY).tenant, api_id)
    mine = services.applications.mine(caller) if caller and subscriber(caller) else []
    subscribed = (
        {one.application_id: one for one in services.subscribing.of_api(caller, api_id)}
        if caller and mine
        else {}
    )
    return PAGES.show(
        "api.html",
        caller,
        here="/",
        api=api,
        address=services.gateway_url + api.full_context,
        may_subscribe=caller is not None and subscriber(caller),
        policies=services.browsing.offered(api),
        subscribable=behaviour_of(api).subscribable,
        free=[one for one in mine if one.id not in subscribed],
        subscriptions=list(subscribed.values()),
    )


@router.post("/apis/<api_id>/subscriptions")
def subscribe(api_id: str) -> Response[str]:
    caller, fields = visitor(router, "apim:subscribe"), form(router)
    wired(router, Wiring).subscribing.subscribe(
        caller, fields.get("application", ""), api_id, fields.get("policy", "")
    )
    return redirect(f"/apis/{api_id}")
