"""The pages of trusted issuers and of login providers: one of them at a time."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from functions.admin.pages import ADMIN_SCOPE, PAGES
from functions.admin.pages.fields import lines_of, pairs_of, shown_pairs, stamp_in
from functions.admin.wiring import Wiring
from portico.domain.errors import InvalidInput, NotFound, PorticoError
from portico.domain.token_rules import SAML, LoginProvider, TokenRules, TrustedIssuer
from portico.domain.user import Caller
from portico.services.token_rules import Draft
from portico.web.errors import status_of
from portico.web.forms import form
from portico.web.pages import redirect, visitor
from portico.web.rest import json_of, wired

router = Router()
HERE, NEW = "/tokens", "new"
BACK = f"{HERE}?saved=1"
_END = "-----END CERTIFICATE-----"


@router.get("/tokens/issuers/<number>")
def show_issuer(number: str) -> Response[str]:
    caller = visitor(router, ADMIN_SCOPE)
    rules = _rules(caller)
    place = _place(number, rules.issuers)
    one = TrustedIssuer("") if place is None else rules.issuers[place]
    return _page(caller, "token-issuer.html", number, rules, _given_issuer(one))


@router.post("/tokens/issuers/<number>")
def change_issuer(number: str) -> Response[str]:
    caller, fields = visitor(router, ADMIN_SCOPE), form(router)
    rules = _rules(caller)
    place = _place(number, rules.issuers)
    try:
        issuers = _with(rules.issuers, place, _issuer(fields))
        _change(caller, replace(rules, issuers=issuers), fields)
    except PorticoError as exc:
        return _page(caller, "token-issuer.html", number, rules, fields, exc)
    return redirect(BACK)


@router.post("/tokens/issuers/<number>/delete")
def delete_issuer(number: str) -> Response[str]:
    caller, fields = visitor(router, ADMIN_SCOPE), form(router)
    rules = _rules(caller)
    place = _place(number, rules.issuers)
    if place is not None:
        issuers = _without(rules.issuers, place)
        _change(caller, replace(rules, issuers=issuers), fields)
    return redirect(BACK)


@router.get("/tokens/providers/<number>")
def show_provider(number: str) -> Response[str]:
    caller = visitor(router, ADMIN_SCOPE)
    rules = _rules(caller)
    place = _place(number, rules.providers)
    one = LoginProvider("", "", "", "") if place is None else rules.providers[place]
    return _page(caller, "token-provider.html", number, rules, _given_provider(one))


@router.post("/tokens/providers/<number>")
def change_provider(number: str) -> Response[str]:
    caller, fields = visitor(router, ADMIN_SCOPE), form(router)
    rules = _rules(caller)
    place = _place(number, rules.providers)
    try:
        one, secret = _provider(fields), fields.get("client_secret", "")
        # An empty field leaves the secret as it is: it is never shown.
        secrets = {one.id: ""} if "no_secret" in fields else {one.id: secret} if secret else {}
        providers = _with(rules.providers, place, one)
        _change(caller, replace(rules, providers=providers), fields, secrets)
    except PorticoError as exc:
        shown = {name: text for name, text in fields.items() if name != "client_secret"}
        if place is not None and rules.providers[place].sealed_secret:
            shown["sealed"] = "on"
        return _page(caller, "token-provider.html", number, rules, shown, exc)
    return redirect(BACK)


@router.post("/tokens/providers/<number>/delete")
def delete_provider(number: str) -> Response[str]:
    caller, fields = visitor(router, ADMIN_SCOPE), form(router)
    rules = _rules(caller)
    place = _place(number, rules.providers)
    if place is not None:
        providers = _without(rules.providers, place)
        _change(caller, replace(rules, providers=providers), fields)
    return redirect(BACK)


def _rules(caller: Caller) -> TokenRules:
    return wired(router, Wiring).tokens.show(caller.tenant)


def _change(
    caller: Caller,
    rules: TokenRules,
    fields: Mapping[str, str],
    secrets: Mapping[str, str] | None = None,
) -> None:
    wired(router, Wiring).tokens.change(caller, Draft(rules, secrets or {}), stamp_in(fields))


def _place(number: str, entries: tuple[Any, ...]) -> int | None:
    """Where in the list; None for a new entry. NotFound."""
    if number == NEW:
        return None
    if number.isascii() and number.isdigit() and len(number) < 4 and int(number) < len(entries):
        return int(number)
    raise NotFound("Entry", number)


def _with(entries: tuple[Any, ...], place: int | None, one: Any) -> tuple[Any, ...]:
    if place is None:
        return (*entries, one)
    return (*entries[:place], one, *entries[place + 1 :])


def _without(entries: tuple[Any, ...], place: int) -> tuple[Any, ...]:
    return (*entries[:place], *entries[place + 1 :])


def _issuer(fields: Mapping[str, str]) -> TrustedIssuer:
    """What the form says; raises InvalidInput."""
    pems = fields.get("certificates", "").replace("\r\n", "\n").split(_END)
    return TrustedIssuer(
        issuer=fields.get("issuer", "").strip(),
        kind=fields.get("kind", ""),
        jwks=_jwks(fields.get("jwks", "")),
        jwks_uri=fields.get("jwks_uri", "").strip(),
        certificates=tuple(
            f"{pem.strip()}\n{_END}\n" if number < len(pems) - 1 else pem.strip()
            for number, pem in enumerate(pems)
            if pem.strip()
        ),
        audiences=tuple(lines_of(fields.get("audiences", ""))),
        user_claim=fields.get("user_claim", "").strip(),
        create_users="create_users" in fields,
        role_claim=fields.get("role_claim", "").strip(),
        roles=pairs_of("roles", fields.get("roles", "")),
    )


def _jwks(text: str) -> list[dict[str, Any]]:
    """Keys of a JWK Set, a list of keys or one key (RFC 7517)."""
    if not text.strip():
        return []
    value = json_of(text.encode(), "jwks")
    keys = value.get("keys", [value]) if isinstance(value, dict) else value
    if not isinstance(keys, list) or not all(isinstance(key, dict) for key in keys):
        raise InvalidInput.of("jwks", 'must be a JWK Set: {"keys": [...]}')
    return keys


def _given_issuer(one: TrustedIssuer) -> dict[str, str]:
    return {
        "issuer": one.issuer,
        "kind": one.kind,
        "jwks": json.dumps({"keys": one.jwks}, indent=2) if one.jwks else "",
        "jwks_uri": one.jwks_uri,
        "certificates": "".join(one.certificates),
        "audiences": "\n".join(one.audiences),
        "user_claim": one.user_claim,
        "role_claim": one.role_claim,
        "roles": shown_pairs(one.roles),
        **({"create_users": "on"} if one.create_users else {}),
    }


def _provider(fields: Mapping[str, str]) -> LoginProvider:
    """What the form says, but for the secret; raises InvalidInput."""
    return LoginProvider(
        id=fields.get("id", "").strip(),
        name=fields.get("name", "").strip(),
        issuer=fields.get("issuer", "").strip(),
        client_id=fields.get("client_id", "").strip(),
        scopes=tuple(fields.get("scopes", "").split()),
        user_claim=fields.get("user_claim", "").strip(),
        role_claim=fields.get("role_claim", "").strip(),
        roles=pairs_of("roles", fields.get("roles", "")),
        default_roles=tuple(lines_of(fields.get("default_roles", ""))),
    )


def _given_provider(one: LoginProvider) -> dict[str, str]:
    return {
        "id": one.id,
        "name": one.name,
        "issuer": one.issuer,
        "client_id": one.client_id,
        "scopes": " ".join(one.scopes),
        "user_claim": one.user_claim,
        "role_claim": one.role_claim,
        "roles": shown_pairs(one.roles),
        "default_roles": "\n".join(one.default_roles),
        **({"sealed": "on"} if one.sealed_secret else {}),
    }


def _page(
    caller: Caller,
    template: str,
    number: str,
    rules: TokenRules,
    given: Mapping[str, str],
    problem: PorticoError | None = None,
) -> Response[str]:
    return PAGES.show(
        template,
        caller,
        status_of(problem)[0] if problem else 200,
        here=HERE,
        number=number,
        new=number == NEW,
        stamp=rules.stamp,
        given=given,
        saml=SAML,
        callback=f"{wired(router, Wiring).settings.gateway_url}/oauth2/federated/callback",
        problem=problem,
    )
