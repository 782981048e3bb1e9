"""The pages of a tenant's throttling policies: all levels, and one policy with its form."""

from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from functions.admin.pages import ADMIN_SCOPE, PAGES
from functions.admin.pages.fields import stamp_in
from functions.admin.pages.policy_forms import (
    SIGNS,
    TIMES,
    UNITS,
    Form,
    blank,
    draft_of,
    pressed,
    shown,
    typed,
)
from functions.admin.wiring import Wiring
from portico.domain.errors import NotFound, PorticoError
from portico.domain.policy import Level, Policy
from portico.domain.user import Caller
from portico.services import siddhi
from portico.services.policies import INDISPENSABLE
from portico.services.policy_rules import MAX_CONDITIONS, MAX_GROUPS
from portico.services.tenant_config import THROTTLING_FAILS_CLOSED
from portico.web.errors import status_of
from portico.web.forms import form
from portico.web.pages import redirect, visitor
from portico.web.rest import query, wired

router = Router()
HERE, NEW = "/policies", "new"
# Part of the address -> level, its title, one of it, and what it is for.
LEVELS = {
    "subscription": (
        Level.SUBSCRIPTION,
        "Subscription policies",
        "subscription policy",
        "What an application may call of one API. Publishers offer them, developers choose.",
    ),
    "application": (
        Level.APPLICATION,
        "Application policies",
        "application policy",
        "What one user of an application may call, over all its APIs. Developers choose.",
    ),
    "advanced": (
        Level.API,
        "Advanced policies",
        "advanced policy",
        "What all callers together may call of an API or one of its resources. Publishers choose.",
    ),
    "custom": (
        Level.CUSTOM,
        "Custom rules",
        "custom rule",
        "Limits that hold for every call of this tenant, counted by what a key is made of.",
    ),
}
CLOSED = THROTTLING_FAILS_CLOSED
SAID = {"saved": "Saved. Gateways follow within seconds.", "deleted": "The policy is deleted."}


@router.get("/policies")
def show() -> Response[str]:
    caller = visitor(router, ADMIN_SCOPE)
    policies = wired(router, Wiring).policies
    groups = [
        (slug, title, one, about, policies.list(caller.tenant, level))
        for slug, (level, title, one, about) in LEVELS.items()
    ]
    said = SAID.get(query(router, "said"), "")
    closed = wired(router, Wiring).config.show(caller.tenant)[CLOSED]
    return PAGES.show("policies.html", caller, here=HERE, groups=groups, said=said, closed=closed)


@router.post("/policies")
def change_all() -> Response[str]:
    caller, fields = visitor(router, ADMIN_SCOPE), form(router)
    config = wired(router, Wiring).config
    config.change(caller, {**config.show(caller.tenant), CLOSED: fields.get("fails") == "closed"})
    return redirect(f"{HERE}?said=saved")


@router.get("/policies/<slug>/<policy_id>")
def show_one(slug: str, policy_id: str) -> Response[str]:
    caller = visitor(router, ADMIN_SCOPE)
    policy = _policy(caller, slug, policy_id)
    return _page(caller, slug, policy, shown(policy) if policy else blank())


@router.post("/policies/<slug>/<policy_id>")
def change(slug: str, policy_id: str) -> Response[str]:
    caller, fields = visitor(router, ADMIN_SCOPE), form(router)
    policy, given = _policy(caller, slug, policy_id), typed(fields)
    focus = pressed(given, fields)
    if focus is not None:
        return _page(caller, slug, policy, given, focus=focus)
    service, level = wired(router, Wiring).policies, _level(slug)
    try:
        draft = draft_of(given, level, policy)
        if policy is None:
            service.create(caller, level, draft)
        else:
            service.replace(caller, level, policy.id, draft, stamp_in(fields))
    except PorticoError as exc:
        return _page(caller, slug, policy, given, problem=exc)
    return redirect(f"{HERE}?said=saved")


@router.post("/policies/<slug>/<policy_id>/delete")
def delete(slug: str, policy_id: str) -> Response[str]:
    caller = visitor(router, ADMIN_SCOPE)
    policy = _policy(caller, slug, policy_id)
    if policy is None:
        raise NotFound("Policy", policy_id)
    try:
        wired(router, Wiring).policies.delete(caller, _level(slug), policy.id)
    except PorticoError as exc:
        return _page(caller, slug, policy, shown(policy), problem=exc)
    return redirect(f"{HERE}?said=deleted")


def _level(slug: str) -> str:
    if slug not in LEVELS:
        raise NotFound("Policy level", slug)
    return LEVELS[slug][0]


def _policy(caller: Caller, slug: str, policy_id: str) -> Policy | None:
    """The policy; None for a new one."""
    level = _level(slug)
    if policy_id == NEW:
        return None
    return wired(router, Wiring).policies.find(caller.tenant, level, policy_id)


def _page(
    caller: Caller,
    slug: str,
    policy: Policy | None,
    given: Form,
    problem: PorticoError | None = None,
    focus: str = "",
) -> Response[str]:
    level, title, one, _ = LEVELS[slug]
    known: dict[str, Any] = {
        "units": UNITS,
        "times": TIMES,
        "signs": SIGNS,
        "variables": siddhi.VARIABLES,
        "max_groups": MAX_GROUPS,
        "max_conditions": MAX_CONDITIONS,
    }
    return PAGES.show(
        "policy.html",
        caller,
        status_of(problem)[0] if problem else 200,
        here=HERE,
        slug=slug,
        level=level.value,
        title=title,
        one=one,
        policy=policy,
        given=given,
        fixed=policy is not None and (policy.level, policy.name) in INDISPENSABLE,
        problem=problem,
        focus=focus,
        **known,
    )
