"""The page of an application's API keys: make one, see which there are, end one."""

from datetime import UTC, datetime

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from functions.store.pages.shown import PAGES
from functions.store.wiring import Wiring
from portico.domain.application import ApiKey, KeyType
from portico.domain.errors import InvalidInput, LimitReached, NotFound, Problem
from portico.domain.user import Caller
from portico.services.api_keys import FOREVER, NEVER, Wish
from portico.web.forms import form
from portico.web.pages import redirect, visitor
from portico.web.rest import wired

router = Router()
HERE = "/applications"
SCOPE = "apim:app_manage"
KEYS = "/applications/<application_id>/api-keys"
DAY = 86_400  # seconds
# Days until a new key ends, and what the page calls them.
LIFETIMES = {
    "": "Never",
    "1": "In a day",
    "30": "In 30 days",
    "90": "In 90 days",
    "365": "In a year",
}
# What the page calls the fields that an input's problems name.
LABELS = {
    "keyName": "Name",
    "validityPeriod": "Ends",
    "keyType": "For",
    "permittedIP": "Addresses",
    "permittedReferer": "Referrers",
}


@router.get(KEYS)
def show(application_id: str) -> Response[str]:
    return _page(visitor(router, SCOPE), application_id)


@router.post(KEYS)
def generate(application_id: str) -> Response[str]:
    caller, fields = visitor(router, SCOPE), form(router)
    try:
        lifetime, kind = fields.get("lifetime", ""), fields.get("type", "")
        if lifetime not in LIFETIMES or kind not in list(KeyType):
            raise InvalidInput.of("keyType", "or its end is none of those to choose from")
        wish = Wish(
            name=fields.get("name", "").strip(),
            validity=int(lifetime) * DAY if lifetime else FOREVER,
            addresses=_listed(fields.get("addresses", "")),
            referrers=_listed(fields.get("referrers", "")),
        )
        made = wired(router, Wiring).api_keys.generate(caller, application_id, kind, wish)
    except (InvalidInput, LimitReached) as exc:
        return _page(caller, application_id, typed=fields, problems=_problems(exc))
    # Its text is shown in this answer and never again, so no redirect.
    return _page(caller, application_id, made=made)


@router.post(f"{KEYS}/<key_type>/<key_id>/revoke")
def revoke(application_id: str, key_type: str, key_id: str) -> Response[str]:
    caller = visitor(router, SCOPE)
    if key_type not in list(KeyType):
        raise NotFound("Key type", key_type[:50])
    wired(router, Wiring).api_keys.revoke(caller, application_id, key_type, key_id=key_id)
    return redirect(f"/applications/{application_id}/api-keys")


def _listed(text: str) -> str:
    """Entries of a text field, one a line or with commas, as the service has them."""
    return ",".join(one.strip() for one in text.replace("\n", ",").split(",") if one.strip())


def _day(moment: int) -> str:
    """A date in UTC; '' for never."""
    return "" if moment >= NEVER else datetime.fromtimestamp(moment, UTC).strftime("%d %b %Y")


def _problems(error: InvalidInput | LimitReached) -> tuple[Problem, ...]:
    known = error.problems if isinstance(error, InvalidInput) else ()
    return known or (Problem("", str(error)),)


def _page(
    caller: Caller,
    application_id: str,
    *,
    made: tuple[ApiKey, str] | None = None,
    typed: dict[str, str] | None = None,
    problems: tuple[Problem, ...] = (),
) -> Response[str]:
    services = wired(router, Wiring)
    application = services.applications.show(caller, application_id)
    keys = [one for kind in KeyType for one in services.api_keys.all(caller, application_id, kind)]
    return PAGES.show(
        "api-keys.html",
        caller,
        400 if problems else 200,
        here=HERE,
        application=application,
        keys=keys,
        dates={one.id: (_day(one.created), _day(one.expires)) for one in keys},
        made=made[0] if made else None,
        text=made[1] if made else "",
        typed=typed or {},
        problems=problems,
        labels=LABELS,
        lifetimes=LIFETIMES,
        kinds=list(KeyType),
    )
