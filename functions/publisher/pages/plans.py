"""What is planned, on the Life Cycle tab: transitions at a time, and the day of the sunset."""

from datetime import UTC, datetime

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from functions.publisher.pages.lifecycle_tab import PUBLISH, done, seen, ways
from functions.publisher.wiring import Wiring
from portico.domain.errors import InvalidInput
from portico.web.forms import form
from portico.web.pages import visitor
from portico.web.rest import wired

router = Router()


@router.post("/apis/<api_id>/lifecycle/plans")
def plan(api_id: str) -> Response[str]:
    """Plan an event: with the boxes of the page between, or as they are to begin with."""
    caller, fields = visitor(router, PUBLISH), form(router)
    services, event = wired(router, Wiring), fields.get("event", "")

    def do() -> None:
        ticked = {}
        if fields.get("boxes"):
            ticked = ways(router, caller, api_id).ticked(event, fields)
        at, comment = _utc(fields.get("at", "")), fields.get("comment", "").strip()
        services.scheduling.plan(caller, api_id, event, at, ticked, comment)
        services.lifecycle.work_outbox()

    return done(router, caller, api_id, do)


@router.post("/apis/<api_id>/lifecycle/plans/<plan_id>/cancel")
def cancel(api_id: str, plan_id: str) -> Response[str]:
    caller, services = visitor(router, PUBLISH), wired(router, Wiring)

    def do() -> None:
        services.scheduling.cancel(caller, api_id, plan_id)
        services.lifecycle.work_outbox()

    return done(router, caller, api_id, do)


@router.post("/apis/<api_id>/lifecycle/sunset")
def set_sunset(api_id: str) -> Response[str]:
    """The day from which the API may be gone; an empty field takes it away."""
    caller, fields = visitor(router, PUBLISH), form(router)
    sunsetting = wired(router, Wiring).sunsetting

    def do() -> None:
        day = fields.get("day", "").strip()
        sunsetting.set(caller, api_id, _utc(day) if day else 0, seen(fields))

    return done(router, caller, api_id, do)


def _utc(text: str) -> int:
    """What a browser sends of a `datetime-local` or `date` field, in epoch seconds."""
    try:
        return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())
    except (ValueError, OverflowError) as exc:
        raise InvalidInput.of("at", "is a date and a time, as 2027-03-01T08:00") from exc
