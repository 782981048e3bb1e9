"""The pages of a tenant's users: who there is, and one of them with all that can be done."""

from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from functions.admin.pages import ADMIN_SCOPE, PAGES
from functions.admin.wiring import Wiring
from portico.domain.claims import CLAIMS, DIALECT
from portico.domain.errors import NotFound, PorticoError
from portico.domain.user import EVERYONE, ROLES, Caller, User
from portico.web.errors import status_of
from portico.web.forms import form
from portico.web.pages import redirect, visitor
from portico.web.rest import query, wired

router = Router()
FIELDS = ("name", "email")
SHOWN = 200  # users on one page; the search finds the others
# What the user's own fields and roles tell is not typed in a second time.
ELSEWHERE = ("username", "userid", "emailaddress", "givenname", "lastname", "fullname", "role")
FURTHER = [
    claim for claim in CLAIMS.values() if claim.uri.removeprefix(f"{DIALECT}/") not in ELSEWHERE
]
# An address may have several lines, which a browser sends with CR LF.
SEVERAL_LINES = tuple(f"{DIALECT}/{name}" for name in ("addresses", "addresses.formatted"))
SAID = {
    "saved": "The changes are saved.",
    "ended": "All tokens of this user are revoked.",
    "unlocked": "The user may try to sign in again at once.",
}


@router.get("/")
def show() -> Response[str]:
    return _page(visitor(router, ADMIN_SCOPE))


@router.post("/users")
def create() -> Response[str]:
    caller, fields = visitor(router, ADMIN_SCOPE), form(router)
    accounts = wired(router, Wiring).accounts
    try:
        made = accounts.create(
            caller,
            fields.get("name", ""),
            fields.get("password", ""),
            _ticked(fields),
            email=fields.get("email", ""),
        )
    except PorticoError as exc:
        return _page(caller, fields, exc)
    return redirect(f"/users/{made.id}")


@router.get("/users/<user_id>")
def show_one(user_id: str) -> Response[str]:
    caller = visitor(router, ADMIN_SCOPE)
    return _user_page(caller, _user(caller, user_id), said=SAID.get(query(router, "said"), ""))


@router.post("/users/<user_id>")
def change(user_id: str) -> Response[str]:
    caller, fields = visitor(router, ADMIN_SCOPE), form(router)
    user = _user(caller, user_id)
    if fields.get("stamp") != str(user.stamp):
        problem = "Somebody else changed this user meanwhile; here is what is true now."
        return _user_page(caller, user, status=409, problem=problem)
    typed = {
        claim.uri: fields.get(f"claim:{claim.uri}", "").replace("\r\n", "\n").strip()
        for claim in FURTHER
    }
    claims = {**user.claims, **typed}
    try:
        wired(router, Wiring).accounts.update(
            caller,
            user,
            password=fields.get("password") or None,
            roles=_ticked(fields),
            email=fields.get("email", "").strip(),
            given_name=fields.get("given_name", "").strip(),
            family_name=fields.get("family_name", "").strip(),
            active="active" in fields,
            claims={uri: text for uri, text in claims.items() if text},
        )
    except PorticoError as exc:
        return _user_page(caller, user, fields, status=status_of(exc)[0], problem=exc)
    return redirect(f"/users/{user_id}?said=saved")


@router.post("/users/<user_id>/revoke-tokens")
def revoke_tokens(user_id: str) -> Response[str]:
    caller = visitor(router, ADMIN_SCOPE)
    wired(router, Wiring).ending.end_user(caller, _user(caller, user_id).name)
    return redirect(f"/users/{user_id}?said=ended")


@router.post("/users/<user_id>/unlock")
def unlock(user_id: str) -> Response[str]:
    caller = visitor(router, ADMIN_SCOPE)
    wired(router, Wiring).accounts.unlock(caller, _user(caller, user_id))
    return redirect(f"/users/{user_id}?said=unlocked")


@router.post("/users/<user_id>/delete")
def delete(user_id: str) -> Response[str]:
    caller = visitor(router, ADMIN_SCOPE)
    user = _user(caller, user_id)
    try:
        wired(router, Wiring).accounts.delete(caller, user)
    except NotFound:
        raise
    except PorticoError as exc:
        return _user_page(caller, user, status=status_of(exc)[0], problem=exc)
    return redirect("/")


def _user(caller: Caller, user_id: str) -> User:
    return wired(router, Wiring).accounts.get_by_id(caller.tenant, user_id)


def _ticked(fields: Mapping[str, str]) -> list[str]:
    return [name.removeprefix("role:") for name in fields if name.startswith("role:")]


def _page(
    caller: Caller, given: Mapping[str, str] | None = None, problem: PorticoError | None = None
) -> Response[str]:
    words = query(router, "q").strip().lower()
    everybody = wired(router, Wiring).accounts.list(caller.tenant)
    found = [
        user
        for user in everybody
        if all(
            word in f"{user.name} {user.email} {user.given_name} {user.family_name}".lower()
            for word in words.split()
        )
    ]
    return PAGES.show(
        "users.html",
        caller,
        status_of(problem)[0] if problem else 200,
        here="/",
        users=found[:SHOWN],
        found=len(found),
        words=words,
        roles=_roles(caller),
        given={**dict.fromkeys(FIELDS, ""), **(given or {})},
        problem=problem,
    )


def _user_page(
    caller: Caller,
    user: User,
    given: Mapping[str, str] | None = None,
    *,
    status: int = 200,
    problem: PorticoError | str | None = None,
    said: str = "",
) -> Response[str]:
    stored: dict[str, Any] = {
        "email": user.email,
        "given_name": user.given_name,
        "family_name": user.family_name,
        **{f"claim:{claim.uri}": user.claims.get(claim.uri, "") for claim in FURTHER},
        **{f"role:{role}": "on" for role in user.roles},
        **({"active": "on"} if user.active else {}),
    }
    return PAGES.show(
        "user.html",
        caller,
        status,
        here="/",
        user=user,
        given=stored if given is None else {**dict.fromkeys(stored, ""), **given},
        ticked=_ticked(stored if given is None else given),
        is_active="active" in (stored if given is None else given),
        roles=_roles(caller),
        further=FURTHER,
        several_lines=SEVERAL_LINES,
        problem=problem,
        said=said,
    )


def _roles(caller: Caller) -> list[str]:
    """The roles that there are, those of every deployment first."""
    names = [role.name for role in wired(router, Wiring).roles.list(caller.tenant)]
    return [*ROLES, *(name for name in names if name not in (*ROLES, EVERYONE))]
