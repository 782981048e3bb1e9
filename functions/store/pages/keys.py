"""Pages of an application's keys of one type: what they may do, their secrets, and how to use them.

The application itself is in `applications`.
"""

from datetime import UTC, datetime

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from functions.store.pages.key_forms import BLANK, chosen, form_of, kinds
from functions.store.pages.key_forms import examples as examples_of
from functions.store.pages.shown import PAGES
from functions.store.wiring import Wiring
from portico.domain.application import KeyType
from portico.domain.errors import InvalidInput, LimitReached, NotFound, Problem
from portico.domain.user import Caller
from portico.services.keys import Key
from portico.web.forms import form
from portico.web.pages import redirect, visitor
from portico.web.rest import wired

router = Router()
HERE = "/applications"
SCOPE = "apim:app_manage"
KEYS = "/applications/<application_id>/keys/<key_type>"
# Days until a new secret ends, and what the page calls them.
LIFETIMES = {"": "Never", "30": "In 30 days", "90": "In 90 days", "365": "In a year"}
DAY = 86_400  # seconds
# What the page calls the fields that an input's problems name.
LABELS = {
    "grantTypesToBeSupported": "Grant types",
    "callbackUrl": "Callback URLs",
    "validityTime": "Tokens of users",
    "additionalProperties.application_access_token_expiry_time": "Tokens of the application",
    "additionalProperties.refresh_token_expiry_time": "Refresh tokens",
    "scopes": "Scopes",
    "description": "Description",
    "lifetime": "Ends",
    "keyMappingId": "Secrets",
}


@router.get(KEYS)
def show(application_id: str, key_type: str) -> Response[str]:
    return _page(visitor(router, SCOPE), application_id, key_type)


@router.post(KEYS)
def save(application_id: str, key_type: str) -> Response[str]:
    """Makes the keys, or changes what they may do."""
    caller, fields = visitor(router, SCOPE), form(router)
    keys = wired(router, Wiring).keys
    found = _found(caller, application_id, key_type)
    try:
        wanted = chosen(fields)
        if found:
            keys.change(caller, application_id, key_type, wanted)
            return redirect(f"/applications/{application_id}/keys/{key_type}")
        made = keys.generate(caller, application_id, key_type, wanted)
    except InvalidInput as exc:
        return _page(caller, application_id, key_type, typed=fields, problems=_problems(exc))
    # Its secret is shown in this answer and never again, so no redirect.
    return _page(caller, application_id, key_type, made=made)


@router.post(f"{KEYS}/secrets")
def add_secret(application_id: str, key_type: str) -> Response[str]:
    caller, fields = visitor(router, SCOPE), form(router)
    lifetime = fields.get("lifetime", "")
    try:
        if lifetime not in LIFETIMES:
            raise InvalidInput.of("lifetime", f"must be one of {', '.join(LIFETIMES)}")
        made = wired(router, Wiring).keys.add_secret(
            caller,
            application_id,
            _type(key_type),
            int(lifetime or 0) * DAY,
            fields.get("description", "").strip(),
        )
    except (InvalidInput, LimitReached) as exc:
        return _page(caller, application_id, key_type, problems=_problems(exc))
    return _page(caller, application_id, key_type, made=made)


@router.post(f"{KEYS}/secrets/<secret_id>/revoke")
def revoke_secret(application_id: str, key_type: str, secret_id: str) -> Response[str]:
    caller = visitor(router, SCOPE)
    wired(router, Wiring).keys.revoke_secret(caller, application_id, _type(key_type), secret_id)
    return redirect(f"/applications/{application_id}/keys/{key_type}#secrets")


@router.post(f"{KEYS}/regenerate")
def regenerate(application_id: str, key_type: str) -> Response[str]:
    caller = visitor(router, SCOPE)
    made = wired(router, Wiring).keys.regenerate_secret(caller, application_id, _type(key_type))
    return _page(caller, application_id, key_type, made=made)


@router.post(f"{KEYS}/remove")
def remove(application_id: str, key_type: str) -> Response[str]:
    wired(router, Wiring).keys.remove(visitor(router, SCOPE), application_id, _type(key_type))
    return redirect(f"/applications/{application_id}")


def _day(moment: int) -> str:
    """A date in UTC; '' for never."""
    return datetime.fromtimestamp(moment, UTC).strftime("%d %b %Y") if moment else ""


def _type(text: str) -> str:
    if text not in list(KeyType):
        raise NotFound("Key type", text[:50])
    return text


def _found(caller: Caller, application_id: str, key_type: str) -> Key | None:
    try:
        return wired(router, Wiring).keys.show(caller, application_id, _type(key_type))
    except NotFound as exc:
        if exc.kind != "Key":
            raise
        return None


def _problems(error: InvalidInput | LimitReached) -> tuple[Problem, ...]:
    known = error.problems if isinstance(error, InvalidInput) else ()
    return known or (Problem("", str(error)),)


def _page(
    caller: Caller,
    application_id: str,
    key_type: str,
    *,
    made: Key | None = None,
    typed: dict[str, str] | None = None,
    problems: tuple[Problem, ...] = (),
) -> Response[str]:
    services = wired(router, Wiring)
    application = services.applications.show(caller, application_id)
    key = made or _found(caller, application_id, key_type)
    filled = typed or (form_of(key.client) if key else BLANK)
    granted = key.client.grant_types if key else ()
    return PAGES.show(
        "keys.html",
        caller,
        400 if problems else 200,
        here=HERE,
        application=application,
        type=key_type,
        key=key,
        made=made,
        filled=filled,
        kinds=kinds((*services.keys.offered(caller.tenant), *granted)),
        problems=problems,
        labels=LABELS,
        dates={one.id: (_day(one.created), _day(one.expires)) for one in key.live} if key else {},
        lifetimes=LIFETIMES,
        examples=examples_of(key, services.gateway_url) if key else None,
    )
