"""The page "Tokens" of the admin console, with its issuers and login providers."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import boto3
import pytest
from lxml import html

from functions.admin import handler
from portico.clock import SystemClock
from portico.domain.records import Discard
from portico.domain.token_rules import TokenRules, sealed_for
from portico.domain.user import User
from portico.storage.sealing import KmsSealer
from portico.web.session import Sessions
from tests.conftest import REGION, Aws
from tests.events import Context, function_url_event
from tests.functions.admin.conftest import TENANT, Client, forget
from tests.functions.admin.keys import JWK, PEM

FORM = {"content-type": "application/x-www-form-urlencoded", "sec-fetch-site": "same-origin"}
ISSUER = {"kind": "saml", "issuer": "urn:idp", "certificates": PEM + PEM, "user_claim": "uid"}
PROVIDER = {
    "id": "corp",
    "name": "Corporate",
    "issuer": "https://login.example.com",
    "client_id": "portico",
    "scopes": "openid email",
    "user_claim": "email",
    "roles": "dev = Internal/creator\nops=Internal/publisher",
}


@pytest.fixture(scope="module", autouse=True)
def kms_key(aws: Aws, client: Client) -> Iterator[str]:
    kms = boto3.client("kms", region_name=REGION)
    arn = kms.create_key()["KeyMetadata"]["Arn"]
    kms.close()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PORTICO_KMS_KEY", arn)
        forget()
        handler.kms.cache_clear()
        yield arn


@pytest.fixture(autouse=True)
def _afresh(aws: Aws) -> None:
    aws.records.commit(Discard(TokenRules(tenant=TENANT)))


def send(
    aws: Aws, method: str, path: str, fields: Any = None, who: str = "admin", **headers: str
) -> Any:
    user = aws.records.get(User, tenant=TENANT, name=who)
    assert user
    cookie = Sessions(aws.records, SystemClock(), secure=False).begin(user)
    event = function_url_event(
        method,
        path,
        body=urlencode(fields) if fields is not None else None,
        headers={**(FORM if fields is not None else {}), **headers},
        cookies=[f"{cookie.name}={cookie.value}"],
    )
    return handler.handler(event, Context())


def shown(aws: Aws, path: str = "/tokens") -> html.HtmlElement:
    answer = send(aws, "GET", path)
    assert answer["statusCode"] == 200
    return html.fromstring(answer["body"])


def filled(page: html.HtmlElement, place: int = 0) -> dict[str, str]:
    """The fields that a browser would send of a form that nobody has touched."""
    form = [one for one in page.forms if one.get("action") != "/logout"][place]
    return {name: value for name, value in form.fields.items() if value is not None}


def stored(aws: Aws) -> TokenRules:
    found = aws.records.get(TokenRules, tenant=TENANT)
    assert found
    return found


def test_a_form_that_nobody_touched_changes_nothing(client: Client, aws: Aws) -> None:
    answer = send(aws, "POST", "/tokens", filled(shown(aws)))
    assert answer["statusCode"] == 303
    rules = stored(aws)
    assert rules == TokenRules(tenant=TENANT, stamp=rules.stamp)


def test_an_administrator_changes_every_rule(client: Client, aws: Aws) -> None:
    fields = filled(shown(aws))
    del fields["grant:password"]
    fields |= {
        "grants": "these",
        "reissue": "on",
        "max_tokens": "7",
        "code_validity": "60",
        "claim:http://wso2.org/claims/emailaddress": "on",
        "extension": "portico-hook-claims",
        "extensions": "1111-2222 = portico-hook-other",
        "extension_seconds": "0.5",
        "extension_fails": "open",
        "sign_up": "on",
        "sign_up_roles": "Internal/subscriber\r\nInternal/creator",
    }
    assert send(aws, "POST", "/tokens", fields)["statusCode"] == 303
    rules = stored(aws)
    assert rules.grants
    assert "password" not in rules.grants
    assert "client_credentials" in rules.grants
    assert (rules.reissue, rules.max_tokens, rules.code_validity) == (True, 7, 60)
    assert rules.claim_headers == ("http://wso2.org/claims/emailaddress",)
    assert (rules.extension, rules.extension_seconds) == ("portico-hook-claims", 0.5)
    assert rules.extension_open
    assert rules.extensions == {"1111-2222": "portico-hook-other"}
    assert rules.sign_up
    assert rules.sign_up_roles == ("Internal/subscriber", "Internal/creator")
    again = filled(shown(aws))
    assert send(aws, "POST", "/tokens", again)["statusCode"] == 303
    assert stored(aws) == TokenRules(**{**vars(rules), "stamp": rules.stamp + 1})


def test_a_grant_type_that_was_unticked_while_all_are_chosen_is_asked_about(
    client: Client, aws: Aws
) -> None:
    fields = filled(shown(aws))
    del fields["grant:password"]
    answer = send(aws, "POST", "/tokens", fields)
    assert answer["statusCode"] == 400
    assert "Only these" in html.fromstring(answer["body"]).xpath("string(//*[@role='alert'])")
    assert send(aws, "POST", "/tokens", {**fields, "grants": "these"})["statusCode"] == 303
    limited = filled(shown(aws))
    assert send(aws, "POST", "/tokens", {**limited, "grants": "all"})["statusCode"] == 303
    assert stored(aws).grants is None


@pytest.mark.parametrize(
    ("name", "value", "field"),
    [
        ("max_tokens", "many", "maxLiveTokens"),
        ("code_validity", "86400", "codeValidity"),
        ("extension", "os.system", "extension.name"),
        ("extension_seconds", "nan", "extension.seconds"),
        ("plugins", "urn:acme:badge", "pluginGrants"),
        ("sign_up_roles", "admin", "signUp.roles"),
    ],
)
def test_what_is_wrong_is_said_and_what_was_typed_stays(
    client: Client, aws: Aws, name: str, value: str, field: str
) -> None:
    answer = send(aws, "POST", "/tokens", {**filled(shown(aws)), name: value})
    assert answer["statusCode"] == 400
    page = html.fromstring(answer["body"])
    assert field in page.xpath("string(//*[@role='alert'])")
    assert filled(page)[name] == value
    assert aws.records.get(TokenRules, tenant=TENANT) is None


def test_a_form_made_from_older_rules_is_refused(client: Client, aws: Aws) -> None:
    old = filled(shown(aws))
    assert send(aws, "POST", "/tokens", {**old, "max_tokens": "7"})["statusCode"] == 303
    late = send(aws, "POST", "/tokens", {**old, "max_tokens": "8"})
    assert late["statusCode"] == 412
    assert stored(aws).max_tokens == 7


def test_an_issuer_is_made_changed_and_removed(client: Client, aws: Aws) -> None:
    path = "/tokens/issuers/new"
    fields = {**filled(shown(aws, path)), **ISSUER}
    assert send(aws, "POST", path, fields)["statusCode"] == 303
    (issuer,) = stored(aws).issuers
    assert (issuer.kind, issuer.issuer, issuer.user_claim) == ("saml", "urn:idp", "uid")
    assert issuer.certificates == (PEM, PEM)
    assert "urn:idp" in shown(aws).text_content()

    path = "/tokens/issuers/0"
    keys = '{"keys": [' + str(JWK).replace("'", '"') + "]}"
    fields = {**filled(shown(aws, path)), "kind": "jwt", "certificates": "", "jwks": keys}
    assert send(aws, "POST", path, fields)["statusCode"] == 303
    assert stored(aws).issuers[0].jwks == [JWK]

    fields = filled(shown(aws, path), 1)
    assert send(aws, "POST", f"{path}/delete", fields)["statusCode"] == 303
    assert stored(aws).issuers == ()


def test_a_wrong_issuer_is_not_kept(client: Client, aws: Aws) -> None:
    path = "/tokens/issuers/new"
    fields = {**filled(shown(aws, path)), **ISSUER, "certificates": "nonsense"}
    answer = send(aws, "POST", path, fields)
    assert answer["statusCode"] == 400
    assert "certificates" in html.fromstring(answer["body"]).xpath("string(//*[@role='alert'])")
    assert aws.records.get(TokenRules, tenant=TENANT) is None


def test_a_provider_is_made_and_its_secret_never_shown(
    client: Client, aws: Aws, kms_key: str
) -> None:
    path = "/tokens/providers/new"
    fields = {**filled(shown(aws, path)), **PROVIDER, "client_secret": "top-s3cret"}
    assert send(aws, "POST", path, fields)["statusCode"] == 303
    (provider,) = stored(aws).providers
    assert provider.roles == {"dev": "Internal/creator", "ops": "Internal/publisher"}
    kms = boto3.client("kms", region_name=REGION)
    sealer = KmsSealer(lambda: kms, kms_key)
    assert sealer.open(provider.sealed_secret, sealed_for(TENANT, "corp")) == "top-s3cret"
    kms.close()

    path = "/tokens/providers/0"
    for page in (shown(aws, path), shown(aws)):
        text = html.tostring(page).decode()
        assert "top-s3cret" not in text
        assert provider.sealed_secret not in text
    assert send(aws, "POST", path, filled(shown(aws, path)))["statusCode"] == 303
    assert stored(aws).providers[0] == provider
    bad = {**filled(shown(aws, path)), "client_secret": "an0ther", "scopes": "email"}
    answer = send(aws, "POST", path, bad)
    assert answer["statusCode"] == 400
    assert "an0ther" not in answer["body"]
    gone = {**filled(shown(aws, path)), "no_secret": "on"}
    assert send(aws, "POST", path, gone)["statusCode"] == 303
    assert stored(aws).providers[0].sealed_secret == ""
    fields = filled(shown(aws, path), 1)
    assert send(aws, "POST", f"{path}/delete", fields)["statusCode"] == 303
    assert stored(aws).providers == ()


@pytest.mark.parametrize("number", ["1", "-1", "x", "99999", "\u0661"])
def test_an_entry_that_is_not_there_is_not_found(client: Client, aws: Aws, number: str) -> None:
    assert send(aws, "GET", f"/tokens/issuers/{number}")["statusCode"] == 404
    assert send(aws, "POST", f"/tokens/providers/{number}", {})["statusCode"] == 404


def test_only_administrators_and_only_from_our_own_pages(client: Client, aws: Aws) -> None:
    for path in ("/tokens", "/tokens/issuers/new", "/tokens/providers/new"):
        assert send(aws, "GET", path, who="jane")["statusCode"] == 403
        assert send(aws, "POST", path, {}, who="jane")["statusCode"] == 403
        foreign = {"sec-fetch-site": "cross-site"}
        assert send(aws, "POST", path, {"stamp": "0"}, **foreign)["statusCode"] == 403
