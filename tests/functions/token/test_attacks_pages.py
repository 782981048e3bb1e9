"""Attacks on the pages by way of a browser: nobody is sent to a place that is not a client's, no
form of another site counts, and nothing begun in one browser goes on in another.
"""

import os
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from functions.token.paths import ENDPOINTS
from portico.domain.records import Put
from portico.domain.token_rules import TokenRules
from portico.services.clients import digest
from portico.services.flows import Flows
from tests.functions.token.attacked import (
    CALLBACK,
    PROVIDER,
    URL,
    VERIFIER,
    World,
    world_of,
)
from tests.functions.token.attacking import (
    Answer,
    Attack,
    Call,
    contents,
    kinds_changed,
    safe,
)
from tests.functions.token.authorizing import CHALLENGE
from tests.functions.token.conftest import JANE_PASSWORD, TENANT, Server, forget
from tests.functions.token.mailbox import SENDER, Mailbox
from tests.functions.token.provider import Provider, serving

AUTHORIZE, CONSENT, LOGIN = "/oauth2/authorize", "/oauth2/consent", "/oauth2/login"
OWN = {"sec-fetch-site": "same-origin"}
EVIL = (
    "https://evil.example/",
    "//evil.example/",
    "/\\evil.example/",
    "javascript:alert(1)",
    "https:evil.example",
    "\r\nLocation: https://evil.example/",
)
NAMES = (
    *("redirect_uri", "next", "return_to", "returnUrl", "redirect", "url", "continue", "target"),
    *("forms_to", "post_logout_redirect_uri", "as", "link", "tenant"),
)
# Every form: a page that is shown by GET and sent by POST. The others of those are asked for by
# other sites too, and change nothing: they lead to a page.
ASKED_BY_OTHERS = {AUTHORIZE, "/authorize", "/oidc/logout", "/oauth2/userinfo"}
FORMS = sorted(
    path
    for path, methods in ENDPOINTS.items()
    if {"GET", "POST"} <= set(methods) and path not in ASKED_BY_OTHERS
)


@pytest.fixture(scope="module")
def world(server: Server) -> Iterator[World]:
    """The targets, where mails can be sent."""
    os.environ["PORTICO_MAIL_SENDER"] = SENDER
    forget()
    Mailbox.at(server.aws.url)
    yield world_of(server)
    os.environ["PORTICO_MAIL_SENDER"] = ""
    forget()


def asking(world: World, **more: str) -> str:
    """The query of an authorization request; an empty value takes a parameter away."""
    given = {
        "response_type": "code",
        "client_id": world.client.client_id,
        "redirect_uri": CALLBACK,
        "scope": "openid",
        "state": "s",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        **more,
    }
    return urlencode({name: value for name, value in given.items() if value})


def ask(world: World, **more: str) -> Call:
    return Call("GET", AUTHORIZE, query=asking(world, **more))


def pushed(world: World) -> str:
    """The `request_uri` of a request that the client has pushed."""
    form = dict(parse_qsl(asking(world)))
    told = Call("POST", "/oauth2/par", form, basic=world.mine).send()
    assert told.status == 201, told
    return str(told.json["request_uri"])


def begun(world: World, kind: str = "authorize", session: str = "") -> tuple[str, tuple[str, ...]]:
    """A flow of Jane's browser, and the browser's cookies; signed in for it where a `session`."""
    parameters = dict(parse_qsl(asking(world)))
    if kind == "device":
        told = world.device()
        code = told["user_code"].replace("-", "")
        parameters = {"user_code": code, "device": digest(told["device_code"])}
    flows = Flows(world.server.aws.records, world.server.clients.clock)
    client = world.public if kind == "device" else world.client
    text = flows.begin(
        TENANT,
        kind,
        client.client_id,
        parameters,
        "browser-of-jane",
        session=digest(session) if session else "",
    )
    cookies = ("portico-browser=browser-of-jane",)
    return text, (*cookies, f"portico-session={session}") if session else cookies


def other_browser(world: World, path: str, *, post: bool, kind: str = "authorize") -> Call:
    """What Jane's browser has begun goes on in the attacker's, who is signed in too."""
    session = world.session()
    flow, _ = begun(world, kind, session)
    cookies = ("portico-browser=another", f"portico-session={session}")
    fields = {
        "flow": flow,
        "decision": "allow",
        "username": "jane",
        "password": JANE_PASSWORD,
    }
    if post:
        return Call("POST", path, fields, headers=OWN, cookies=cookies)
    return Call("GET", path, query=urlencode({"flow": flow, "provider": "acme"}), cookies=cookies)


def finished(world: World, path: str, kind: str) -> Call:
    session = world.session()
    flow, cookies = begun(world, kind, session)
    form = {"flow": flow, "decision": "allow"}
    call = Call("POST", path, form, headers=OWN, cookies=cookies)
    assert call.send().status in (200, 303)
    return call


def used_request_uri(world: World) -> Call:
    query = urlencode({"client_id": world.client.client_id, "request_uri": pushed(world)})
    call = Call("GET", AUTHORIZE, query=query)
    assert call.send().location.startswith(LOGIN)
    return call


UNTRUSTED = (
    Attack(
        "an unknown client",
        "RFC 6749 4.1.2.1",
        lambda world: ask(world, client_id="nobody"),
        400,
        "page",
    ),
    Attack("no client", "RFC 6749 4.1.2.1", lambda world: ask(world, client_id=""), 400, "page"),
    *(
        Attack(
            f"a redirect URI that is not the client's: {name}",
            "RFC 6749 3.1.2.3, RFC 9700 2.1",
            lambda world, uri=uri: ask(world, redirect_uri=uri),
            400,
            "page",
        )
        for name, uri in {
            "elsewhere": "https://evil.example/callback",
            "path": f"{CALLBACK}/../evil",
            "deeper path": f"{CALLBACK}/x",
            "encoded path": f"{CALLBACK}%2f..%2fevil",
            "slash": f"{CALLBACK}/",
            "port": "https://app.example:8443/callback",
            "its own port": "https://app.example:443/callback",
            "fragment": f"{CALLBACK}#x",
            "empty fragment": f"{CALLBACK}#",
            "user": "https://app.example@evil.example/callback",
            "user before it": "https://x@app.example/callback",
            "backslash": "https://evil.example\\@app.example/callback",
            "query": f"{CALLBACK}?x=1",
            "case of the host": "https://APP.example/callback",
            "case of the path": "https://app.example/Callback",
            "plain HTTP": "http://app.example/callback",
            "subdomain": "https://x.app.example/callback",
            "suffix": "https://app.example.evil.example/callback",
            "no scheme": "//app.example/callback",
            "line break": f"{CALLBACK}\r\nX: y",
            "tab": f"{CALLBACK}\t",
            "space": f" {CALLBACK}",
            "letter like another": "https://\u0430pp.example/callback",
            "script": "javascript:alert(1)",
            "long": CALLBACK + "?" + "a" * 3000,
        }.items()
    ),
    Attack(
        "two redirect URIs",
        "RFC 6749 3.1",
        lambda world: Call(
            "GET", AUTHORIZE, query=asking(world) + "&redirect_uri=https%3A%2F%2Fevil.example%2F"
        ),
        400,
        "page",
    ),
    Attack(
        "a request_uri of another client",
        "RFC 9126 4",
        lambda world: Call(
            "GET",
            AUTHORIZE,
            query=urlencode({"client_id": world.theirs[0], "request_uri": pushed(world)}),
        ),
        400,
        "page",
    ),
    Attack(
        "a request_uri of another tenant's client",
        "RFC 9126 4",
        lambda world: Call(
            "GET",
            AUTHORIZE,
            query=urlencode({"client_id": world.acme[0], "request_uri": pushed(world)}),
        ),
        400,
        "page",
    ),
    Attack("a request_uri is used twice", "RFC 9126 7.3", used_request_uri, 400, "page"),
    Attack(
        "the text of a flow as a request_uri",
        "RFC 9126 7.1",
        lambda world: Call(
            "GET",
            AUTHORIZE,
            query=urlencode(
                {
                    "client_id": world.client.client_id,
                    "request_uri": f"urn:ietf:params:oauth:request_uri:{begun(world)[0]}",
                }
            ),
        ),
        400,
        "page",
    ),
    Attack(
        "HEAD, which would use up what it may not see",
        "RFC 9110 9.3.2",
        lambda world: replace(ask(world), method="HEAD"),
        405,
    ),
)
FLOWS = (
    *(
        Attack(
            f"another browser goes on at {path} by {'POST' if post else 'GET'}",
            "RFC 9700 4.7, RFC 6819 4.4.1.8",
            lambda world, path=path, post=post, kind=kind: other_browser(
                world, path, post=post, kind=kind
            ),
            400,
            "page",
        )
        for path, post, kind in (
            (LOGIN, False, "authorize"),
            (LOGIN, True, "authorize"),
            (CONSENT, False, "authorize"),
            (CONSENT, True, "authorize"),
            ("/oauth2/device/confirm", False, "device"),
            ("/oauth2/device/confirm", True, "device"),
            ("/oauth2/federated/start", False, "authorize"),
        )
    ),
    *(
        Attack(
            f"two cookies of one name: {name}",
            "RFC 6265 8.6",
            lambda world, name=name: tossed(world, name),
            status,
            error,
        )
        for name, status, error in (
            ("portico-browser", 400, "page"),
            ("portico-session", 303, ""),
        )
    ),
    *(
        Attack(
            f"{path} without a sign-in",
            "OpenID Connect Core 3.1.2.3",
            lambda world, path=path, kind=kind: unsigned(world, path, kind),
            303,
        )
        for path, kind in ((CONSENT, "authorize"), ("/oauth2/device/confirm", "device"))
    ),
    *(
        Attack(
            f"{path} with a session that did not sign in for it",
            "OpenID Connect Core 3.1.2.3",
            lambda world, path=path, kind=kind: unsigned(world, path, kind, world.session("admin")),
            303,
        )
        for path, kind in ((CONSENT, "authorize"), ("/oauth2/device/confirm", "device"))
    ),
    *(
        Attack(
            f"{path} is sent twice",
            "RFC 6749 10.5",
            lambda world, path=path, kind=kind: finished(world, path, kind),
            400,
            "page",
        )
        for path, kind in ((CONSENT, "authorize"), ("/oauth2/device/confirm", "device"))
    ),
    *(
        Attack(
            f"a flow of one kind at the page of another: {path}",
            "RFC 9700 4.7",
            lambda world, path=path, kind=kind: mixed_up(world, path, kind),
            400,
            "page",
        )
        for path, kind in (
            (CONSENT, "device"),
            ("/oauth2/device/confirm", "authorize"),
            (CONSENT, "password"),
            (LOGIN, "pushed"),
        )
    ),
)


def tossed(world: World, name: str) -> Call:
    """A neighbouring host has put a cookie beside ours (RFC 6265 section 8.6)."""
    session = world.session()
    flow, cookies = begun(world, session=session)
    form = {"flow": flow, "decision": "allow"}
    mine = next(one for one in cookies if one.startswith(name))
    theirs = f"{name}=tossed" if "browser" in name else f"{name}={world.session('admin')}"
    cookies = tuple(one for one in cookies if one != mine)
    return Call("POST", CONSENT, form, headers=OWN, cookies=(mine, theirs, *cookies))


def unsigned(world: World, path: str, kind: str, session: str = "") -> Call:
    flow, cookies = begun(world, kind)
    cookies = (*cookies, f"portico-session={session}") if session else cookies
    return Call("POST", path, {"flow": flow, "decision": "allow"}, headers=OWN, cookies=cookies)


def mixed_up(world: World, path: str, kind: str) -> Call:
    flow, cookies = begun(world, kind, world.session())
    form = {"flow": flow, "decision": "allow", "username": "jane", "password": JANE_PASSWORD}
    return Call("POST", path, form, headers=OWN, cookies=cookies)


OTHER_SITES = {
    "cross-site": {"sec-fetch-site": "cross-site"},
    "same-site": {"sec-fetch-site": "same-site"},
    "an unknown word": {"sec-fetch-site": "x"},
    "cross-site with our origin": {"sec-fetch-site": "cross-site", "origin": URL},
    "another origin": {"origin": "https://evil.example"},
    "another port": {"origin": "http://127.0.0.1:8281"},
    "ours as a user": {"origin": "http://127.0.0.1:8280@evil.example"},
    "ours as a prefix": {"origin": "http://127.0.0.1:8280.evil.example"},
    "no origin": {"origin": "null"},
    "no address at all": {"origin": "//["},
    "a host that cannot be one": {"origin": "http://[:::"},
}
FORGERIES = tuple(
    Attack(
        f"the form of {path} from elsewhere: {name}",
        "RFC 6749 10.12, RFC 9700 4.7",
        lambda world, path=path, headers=headers: forged(world, path, headers),
        403,
        "page",
    )
    for path in FORMS
    for name, headers in OTHER_SITES.items()
)


def forged(world: World, path: str, headers: dict[str, str]) -> Call:
    kind = "device" if "device" in path else "authorize"
    flow, cookies = begun(world, kind, world.session())
    fields = {
        "flow": flow,
        "decision": "allow",
        "username": "jane",
        "password": JANE_PASSWORD,
        "repeat": JANE_PASSWORD,
        "present": JANE_PASSWORD,
        "email": "x@mail.example",
    }
    return Call("POST", path, fields, headers=headers, cookies=cookies)


TABLE = (*UNTRUSTED, *FLOWS, *FORGERIES)


@pytest.mark.parametrize("attack", TABLE, ids=lambda one: f"{one.name} [{one.source}]")
def test_an_attack_by_a_browser(server: Server, world: World, attack: Attack) -> None:
    answer = attack.run(server, world)
    assert not answer.location or answer.location.startswith(f"{LOGIN}?flow="), answer


def test_the_forms_that_the_attacks_forge_are_the_pages_own(world: World) -> None:
    """What is refused from elsewhere is taken from our own pages."""
    assert {LOGIN, CONSENT, "/oauth2/device", "/oauth2/password", "/oauth2/reset"} <= set(FORMS)
    for headers in (OWN, {"sec-fetch-site": "none"}, {"origin": URL}, {}):
        call = forged(world, CONSENT, headers)
        assert "code=" in call.send().location


def nowhere_else(answer: Answer) -> None:
    """Where the answer sends people, or has them go, is ours or the client's."""
    safe(answer)
    parts = urlsplit(answer.location)
    if parts.scheme or parts.netloc:
        assert f"{parts.scheme}://{parts.netloc}" in ("https://app.example", URL), answer
    else:
        assert not answer.location or answer.location.startswith("/oauth2"), answer
        assert not answer.location.startswith(("//", "/\\")), answer
    for attribute in ("href=", "action=", "src=", "url="):
        for text in answer.text.split(attribute)[1:]:
            assert "evil.example" not in text.split('"')[1], answer
            assert not text.strip('"').lower().startswith("javascript:"), answer


PAGES = sorted(path for path, methods in ENDPOINTS.items() if "GET" in methods and "*" not in path)


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("name", NAMES)
def test_no_page_leads_to_where_a_parameter_says(world: World, path: str, name: str) -> None:
    """RFC 9700 section 4.11.2: no open redirector, signed in or not, with a flow or without."""
    flow, cookies = begun(world, session="")
    for evil in EVIL:
        query = urlencode({name: evil, "flow": flow, "client_id": world.client.client_id})
        nowhere_else(Call("GET", path, query=query, cookies=cookies).send())
    if path in FORMS:
        form = {name: EVIL[0], "flow": flow, "email": "x"}
        nowhere_else(Call("POST", path, form, headers=OWN, cookies=cookies).send())


@pytest.mark.parametrize(
    "state",
    [
        "a\r\nLocation: https://evil.example/",
        "a\u2028b",
        "<script>alert(1)</script>",
        "\"'><img src=x>",
        "&code=stolen",
        "#fragment",
        "\U0001f600",
    ],
)
@pytest.mark.parametrize("mode", ["", "form_post"])
def test_what_is_echoed_is_only_ever_a_value(world: World, state: str, mode: str) -> None:
    """RFC 6749 section 10.14: `state` comes back as it was, or not at all, and as nothing else."""
    answer = ask(world, state=state, prompt="none", response_mode=mode).send()
    safe(answer)
    assert "<script>alert" not in answer.text
    assert "<img src=x" not in answer.text
    if mode:
        assert answer.error == "page"
        return
    parts = urlsplit(answer.location)
    assert answer.location.startswith(f"{CALLBACK}?")
    assert not parts.fragment
    told = parse_qsl(parts.query, strict_parsing=True)
    assert [value for name, value in told if name == "state"] in ([], [state])
    assert [name for name, _ in told if name == "code"] == []
    assert dict(told)["iss"] == f"{URL}/oauth2/token"


def test_the_answer_tells_whose_it_is(world: World) -> None:
    """RFC 9207: a client of two servers sees which of them answered, be it an error or a code."""
    session = world.session()
    flow, cookies = begun(world, session=session)
    form = {"flow": flow, "decision": "deny"}
    denied = Call("POST", CONSENT, form, headers=OWN, cookies=cookies).send()
    told = dict(parse_qsl(urlsplit(denied.location).query))
    assert (told["error"], told["iss"]) == ("access_denied", f"{URL}/oauth2/token")
    flow, cookies = begun(world, session=session)
    form = {"flow": flow, "decision": "allow"}
    allowed = Call("POST", CONSENT, form, headers=OWN, cookies=cookies).send()
    told = dict(parse_qsl(urlsplit(allowed.location).query))
    assert told["iss"] == f"{URL}/oauth2/token"
    assert world.exchange(told["code"], code_verifier=VERIFIER).send().status == 400
    given = world.exchange(
        told["code"], code_verifier="a-verifier-that-is-long-enough-for-rfc-7636-43"
    )
    assert given.send().status == 200


@pytest.fixture
def provider(server: Server, world: World) -> Iterator[Provider]:
    """A company's provider, and the attacker's own; both are offered."""
    before = server.aws.records.get(TokenRules, tenant=TENANT)
    assert before
    with serving(Provider()) as running:
        offered = (replace(PROVIDER, issuer=running.issuer, client_id="portico at acme"),)
        server.aws.records.commit(Put(replace(before, providers=offered)))
        yield running
    after = server.aws.records.get(TokenRules, tenant=TENANT)
    assert after
    server.aws.records.commit(Put(replace(after, providers=before.providers)))


@pytest.mark.parametrize(
    "answered",
    [
        {"iss": "https://evil.example"},
        {"iss": None},
        {"iss": ""},
        {"state": "x"},
        {"state": ""},
        {"code": "stolen"},
        {"error": "access_denied", "code": None},
    ],
    ids=str,
)
def test_a_mixed_up_answer_of_a_provider_signs_nobody_in(
    server: Server, world: World, provider: Provider, answered: dict[str, str | None]
) -> None:
    """RFC 9207 section 2.4, RFC 9700 section 4.4."""
    flow, cookies = begun(world)
    query = urlencode({"flow": flow, "provider": "acme"})
    seen = Call("GET", "/oauth2/federated/start", query=query, cookies=cookies).send()
    assert seen.location.startswith(provider.issuer), seen
    provider.answered = answered
    back = provider.sign_in(seen.location)
    before = contents(server)
    answer = Call("GET", "/oauth2/federated/callback", query=back, cookies=cookies).send()
    assert answer.status in (400, 403), answer
    assert answer.cookies == []
    nowhere_else(answer)
    assert kinds_changed(before, contents(server)) <= {"FLOW"}


def test_an_answer_of_a_provider_goes_on_in_its_own_browser_alone(
    server: Server, world: World, provider: Provider
) -> None:
    """RFC 9700 section 4.7.1: nobody is signed in with the attacker's account."""
    flow, cookies = begun(world)
    query = urlencode({"flow": flow, "provider": "acme"})
    seen = Call("GET", "/oauth2/federated/start", query=query, cookies=cookies).send()
    back = provider.sign_in(seen.location)
    before = contents(server)
    for other in ((), ("portico-browser=another",)):
        answer = Call("GET", "/oauth2/federated/callback", query=back, cookies=other).send()
        assert (answer.status, answer.cookies) == (400, [])
    assert contents(server) == before
    right = Call("GET", "/oauth2/federated/callback", query=back, cookies=cookies).send()
    assert right.location == f"{CONSENT}?flow={flow}"
