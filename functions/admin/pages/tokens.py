"""The page of a tenant's rules about tokens; issuers and login providers have their own pages."""

from collections.abc import Mapping
from dataclasses import replace

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from functions.admin.pages import ADMIN_SCOPE, PAGES
from functions.admin.pages.fields import lines_of, number_in, pairs_of, shown_pairs, stamp_in
from functions.admin.wiring import Wiring
from portico.domain.claims import CLAIMS
from portico.domain.errors import InvalidInput, PorticoError
from portico.domain.token_rules import GRANT_WORDS, TokenRules
from portico.domain.user import Caller
from portico.services.checking_token_rules import CODE_SECONDS, EXTENSION_SECONDS, MAX_TOKENS
from portico.services.token_rules import Draft
from portico.web.errors import status_of
from portico.web.forms import form
from portico.web.pages import redirect, visitor
from portico.web.rest import query, wired

router = Router()
HERE = "/tokens"
GRANT, CLAIM = "grant:", "claim:"  # prefixes of the names of boxes


@router.get("/tokens")
def show() -> Response[str]:
    caller = visitor(router, ADMIN_SCOPE)
    rules = wired(router, Wiring).tokens.show(caller.tenant)
    return _page(caller, rules, _given(rules), saved=bool(query(router, "saved")))


@router.post("/tokens")
def change() -> Response[str]:
    caller, fields = visitor(router, ADMIN_SCOPE), form(router)
    tokens = wired(router, Wiring).tokens
    rules = tokens.show(caller.tenant)
    try:
        tokens.change(caller, Draft(_rules(rules, fields)), stamp_in(fields))
    except PorticoError as exc:
        return _page(caller, rules, {**fields, "stamp": str(rules.stamp)}, exc)
    return redirect(f"{HERE}?saved=1")


def _rules(rules: TokenRules, fields: Mapping[str, str]) -> TokenRules:
    """The rules with what the form says; raises InvalidInput."""
    plugins = pairs_of("Tokens.pluginGrants", fields.get("plugins", ""))
    every = fields.get("grants") != "these"
    ticked = tuple(name for name in (*GRANT_WORDS, *plugins) if f"{GRANT}{name}" in fields)
    if (
        every
        and rules.grants is None
        and any(f"{GRANT}{name}" not in fields for name in (*GRANT_WORDS, *rules.plugins))
    ):
        text = "some are not ticked, but all are chosen: choose 'Only these', or tick them"
        raise InvalidInput.of("Tokens.grantTypes", text)
    # A grant type that this form adds has no box on it yet.
    added = tuple(name for name in plugins if name not in rules.plugins)
    return replace(
        rules,
        grants=None if every else tuple(dict.fromkeys((*ticked, *added))),
        plugins=plugins,
        reissue="reissue" in fields,
        max_tokens=int(number_in("Tokens.maxLiveTokens", fields.get("max_tokens", ""))),
        code_validity=int(number_in("Tokens.codeValidity", fields.get("code_validity", ""))),
        claim_headers=tuple(uri for uri in CLAIMS if f"{CLAIM}{uri}" in fields),
        extension=fields.get("extension", "").strip(),
        extensions=pairs_of("Tokens.extension.applications", fields.get("extensions", "")),
        extension_seconds=number_in(
            "Tokens.extension.seconds", fields.get("extension_seconds", ""), fraction=True
        ),
        extension_open=fields.get("extension_fails") == "open",
        sign_up="sign_up" in fields,
        sign_up_roles=tuple(lines_of(fields.get("sign_up_roles", ""))),
        open_registration="open_registration" in fields,
    )


def _given(rules: TokenRules) -> dict[str, str]:
    """The fields of the form as the rules have them."""
    names = (*GRANT_WORDS, *rules.plugins) if rules.grants is None else rules.grants
    boxes = {
        "reissue": rules.reissue,
        "sign_up": rules.sign_up,
        "open_registration": rules.open_registration,
        **{f"{GRANT}{name}": True for name in names},
        **{f"{CLAIM}{uri}": True for uri in rules.claim_headers},
    }
    return {
        "stamp": str(rules.stamp),
        "grants": "all" if rules.grants is None else "these",
        "max_tokens": str(rules.max_tokens),
        "code_validity": str(rules.code_validity),
        "plugins": shown_pairs(rules.plugins),
        "extension": rules.extension,
        "extensions": shown_pairs(rules.extensions),
        "extension_seconds": f"{rules.extension_seconds:g}",
        "extension_fails": "open" if rules.extension_open else "closed",
        "sign_up_roles": "\n".join(rules.sign_up_roles),
        **{name: "on" for name, ticked in boxes.items() if ticked},
    }


def _page(
    caller: Caller,
    rules: TokenRules,
    given: Mapping[str, str],
    problem: PorticoError | None = None,
    *,
    saved: bool = False,
) -> Response[str]:
    return PAGES.show(
        "tokens.html",
        caller,
        status_of(problem)[0] if problem else 200,
        here=HERE,
        rules=rules,
        given=given,
        grants={**GRANT_WORDS, **{name: name for name in rules.plugins}},
        claims=CLAIMS.values(),
        code_seconds=CODE_SECONDS,
        extension_seconds=EXTENSION_SECONDS,
        max_tokens=MAX_TOKENS,
        packages=wired(router, Wiring).settings.plugin_packages,
        saved=saved,
        problem=problem,
    )
