"""Every parameter of an authorization request: what is refused, with which code, told to whom."""

from dataclasses import replace

import pytest

from portico.domain.application import NO_SECRET, Client, Secret
from portico.domain.token_rules import TokenRules
from portico.services.asking import Asked, Refused, Untrusted, known, read

CALLBACK = "https://app.example/cb"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
CLIENT = Client(
    tenant="carbon.super",
    client_id="app",
    name="App",
    owner="jane",
    secrets=(Secret("1", "digest"),),
    grant_types=("authorization_code",),
    redirect_uris=(CALLBACK,),
)
PUBLIC = replace(CLIENT, auth_method=NO_SECRET, secrets=())
RULES = TokenRules(tenant="carbon.super")
REQUEST = {
    "response_type": "code",
    "client_id": "app",
    "redirect_uri": CALLBACK,
    "state": "s",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}


def request(**more: str | None) -> dict[str, str]:
    return {name: value for name, value in {**REQUEST, **more}.items() if value is not None}


def subject(token: str) -> str:
    return "jane@carbon.super" if token == "good" else ""


def asked(client: Client = CLIENT, /, **more: str | None) -> Asked:
    return read(client, request(**more), RULES, subject=subject)


def test_a_whole_request_is_read() -> None:
    found = asked(
        scope="openid email openid",
        nonce="n",
        prompt="login consent",
        max_age="60",
        login_hint="jane",
        id_token_hint="good",
        claims='{"userinfo": {"email": null}, "id_token": {"acr": {"essential": true}}, "x": 1}',
        ui_locales="de",
        display="popup",
    )
    assert (found.place.redirect_uri, found.place.state, found.place.mode) == (
        CALLBACK,
        "s",
        "query",
    )
    assert found.scopes == ("openid", "email")
    assert (found.nonce, found.challenge, found.max_age) == ("n", CHALLENGE, 60)
    assert found.prompts == {"login", "consent"}
    assert (found.login_hint, found.subject) == ("jane", "jane@carbon.super")
    assert found.claims == {
        "userinfo": {"email": None},
        "id_token": {"acr": {"essential": True}},
    }


@pytest.mark.parametrize(
    ("more", "error"),
    [
        # RFC 6749 section 4.1.2.1
        ({"response_type": None}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "id_token"}, "unsupported_response_type"),
        ({"response_type": "code id_token"}, "unsupported_response_type"),
        ({"scope": 'a "quoted" one'}, "invalid_scope"),
        ({"scope": "ü"}, "invalid_scope"),
        ({"scope": " ".join(f"s{i}" for i in range(101))}, "invalid_scope"),
        ({"state": "s" * 4097}, "invalid_request"),
        ({"state": "a\r\nSet-Cookie: b=1"}, "invalid_request"),
        ({"nonce": "n" * 1025}, "invalid_request"),
        # RFC 7636 sections 4.3 and 4.4.1
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"code_challenge": CHALLENGE + "="}, "invalid_request"),
        # OAuth 2.0 Multiple Response Types
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"response_mode": "query.jwt"}, "invalid_request"),
        # OpenID Connect Core sections 3.1.2.1, 3.1.2.6, 5.5
        ({"request": "e30.e30."}, "request_not_supported"),
        ({"request_uri": "https://app.example/request"}, "request_uri_not_supported"),
        ({"registration": "{}"}, "registration_not_supported"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"prompt": "sing"}, "invalid_request"),
        ({"max_age": "-1"}, "invalid_request"),
        ({"max_age": "soon"}, "invalid_request"),
        ({"max_age": "٣"}, "invalid_request"),
        ({"max_age": "1" * 11}, "invalid_request"),
        ({"id_token_hint": "forged"}, "invalid_request"),
        ({"claims": "not json"}, "invalid_request"),
        ({"claims": "[]"}, "invalid_request"),
        ({"claims": '{"userinfo": ["email"]}'}, "invalid_request"),
        ({"claims": '{"userinfo": {"email": "yes"}}'}, "invalid_request"),
        ({"claims": '{"userinfo": ' + "[" * 4000}, "invalid_request"),
    ],
)
def test_an_error_is_told_to_the_client(more: dict[str, str | None], error: str) -> None:
    with pytest.raises(Refused) as refused:
        asked(**more)
    assert refused.value.error == error
    assert refused.value.place.redirect_uri == CALLBACK
    # A state that cannot be handed back safely is not.
    assert refused.value.place.state == ("" if "state" in more else "s")


@pytest.mark.parametrize(
    "uri",
    [
        "https://evil.example/cb",
        "https://app.example/cb/",
        "https://app.example/cb?x=1",
        "https://app.example/cb#x",
        "https://app.example:443/cb",
        "https://user@app.example/cb",
    ],
)
def test_a_redirect_uri_that_is_not_registered_is_told_to_nobody(uri: str) -> None:
    """RFC 6749 section 4.1.2.1, whatever else is wrong with the request."""
    for more in ({}, {"response_type": "token"}, {"prompt": "none login"}):
        with pytest.raises(Untrusted):
            asked(redirect_uri=uri, **more)


def test_a_registered_uri_of_a_forbidden_scheme_is_not_used() -> None:
    uri = "javascript:alert(1)"
    for client in (replace(CLIENT, redirect_uris=(uri,)), replace(CLIENT, redirect_uris=())):
        for stated in (uri, None):
            with pytest.raises(Untrusted):
                asked(client, redirect_uri=stated)


def test_the_redirect_uri_may_be_left_out_when_there_is_one_only() -> None:
    """RFC 6749 section 3.1.2.3."""
    found = asked(redirect_uri=None)
    assert (found.place.redirect_uri, found.stated) == (CALLBACK, False)
    assert asked().stated
    two = replace(CLIENT, redirect_uris=(CALLBACK, "https://app.example/other"))
    with pytest.raises(Untrusted):
        asked(two, redirect_uri=None)
    assert asked(two).place.redirect_uri == CALLBACK


def test_pkce_is_required_of_who_has_no_secret_or_wishes_so() -> None:
    """RFC 7636; RFC 9700 section 2.1.1."""
    bare = {"code_challenge": None, "code_challenge_method": None}
    required = (PUBLIC, replace(CLIENT, secrets=()), replace(CLIENT, require_pkce=True))
    for client in required:
        with pytest.raises(Refused, match="PKCE is required"):
            asked(client, **bare)
        assert asked(client).challenge == CHALLENGE
    assert asked(CLIENT, **bare).challenge == ""


def test_client_and_tenant_must_allow_the_grant() -> None:
    """RFC 6749 section 4.1.2.1: unauthorized_client."""
    with pytest.raises(Refused) as refused:
        asked(replace(CLIENT, grant_types=("client_credentials",)))
    assert refused.value.error == "unauthorized_client"
    for grants, fine in (((), False), (("password",), False), (("authorization_code",), True)):
        rules = replace(RULES, grants=grants)
        if fine:
            assert read(CLIENT, request(), rules)
            continue
        with pytest.raises(Refused) as refused:
            read(CLIENT, request(), rules)
        assert refused.value.error == "unauthorized_client"


def test_a_client_may_have_to_push_its_requests() -> None:
    """RFC 9126 section 6."""
    client = replace(CLIENT, require_par=True)
    with pytest.raises(Refused) as refused:
        read(client, request(), RULES)
    assert refused.value.error == "invalid_request"
    assert read(client, request(), RULES, pushed=True)


def test_form_post_is_a_place_too() -> None:
    assert asked(response_mode="form_post").place.mode == "form_post"
    with pytest.raises(Refused) as refused:
        asked(response_mode="form_post", response_type="token")
    assert refused.value.place.mode == "form_post"


def test_parameters_that_mean_nothing_are_not_kept() -> None:
    """RFC 6749 section 3.1: they must be ignored."""
    assert known({"scope": "a", "client_secret": "s", "utm": "1"}) == {"scope": "a"}
