"""What somebody gave away before the account was deleted or closed is worth nothing afterwards."""

import pytest

from tests.functions.token.attacked import (
    ACCESS_TOKEN,
    DEVICE,
    EXCHANGE,
    GRANT,
    World,
    world_of,
)
from tests.functions.token.attacking import Attack, Call, token
from tests.functions.token.conftest import TENANT, Server
from tests.functions.token.saml import encoded, text
from tests.functions.token.saml import signed as signed_xml
from tests.functions.token.signing import pair
from tests.functions.token.test_attacks_endpoints import userinfo

SAML_BEARER = f"{GRANT}saml2-bearer"


@pytest.fixture(scope="module")
def world(server: Server) -> World:
    return world_of(server)


def allowed_device(world: World, name: str) -> Call:
    """A device whose user has allowed it in a browser."""
    told = world.device()
    headers = {"sec-fetch-site": "same-origin"}
    cookies: tuple[str, ...] = (f"portico-session={world.session(name)}",)
    form = {"user_code": told["user_code"]}
    number = next(world.numbers)
    seen = Call(
        "POST",
        "/oauth2/device",
        form,
        cookies=cookies,
        headers=headers,
        address=f"198.51.100.{number}",
    ).send()
    flow = seen.location.partition("flow=")[2]
    cookies += tuple(cookie.partition(";")[0] for cookie in seen.cookies)
    form = {"flow": flow, "decision": "allow"}
    done = Call("POST", "/oauth2/device/confirm", form, cookies=cookies, headers=headers).send()
    assert done.status == 200, done
    form = {"grant_type": DEVICE, "device_code": told["device_code"]}
    return token({**form, "client_id": world.public.client_id})


def of_person(world: World, grant: str) -> tuple[str, Call]:
    """A new user, and a use of what the user gave away."""
    name, password = world.person()
    form = {"grant_type": "password", "username": name, "password": password, "scope": "openid"}
    match grant:
        case "password":
            return name, token(form, basic=world.mine)
        case "refresh_token":
            given = world.tokens(world.mine, name, password)["refresh_token"]
            form = {"grant_type": grant, "refresh_token": given}
            return name, token(form, basic=world.mine)
        case "code":
            user = world.server.accounts.get(TENANT, name)
            return name, world.exchange(world.code(user=name, user_id=user.id))
        case "device":
            return name, allowed_device(world, name)
        case "jwt":
            given = pair("RS256").sign(world.bearer(sub=name))
            form = {"grant_type": f"{GRANT}jwt-bearer", "assertion": given}
            return name, token(form, basic=world.mine)
        case "saml":
            given = encoded(signed_xml(text(name_id=name)))
            return name, token({"grant_type": SAML_BEARER, "assertion": given}, basic=world.mine)
        case "userinfo":
            return name, userinfo(world.tokens(world.mine, name, password)["access_token"])
        case _:
            given = world.tokens(world.mine, name, password)["access_token"]
            form = {
                "grant_type": EXCHANGE,
                "subject_token": given,
                "subject_token_type": ACCESS_TOKEN,
            }
            return name, token(form, basic=world.theirs)


def without(world: World, grant: str, deleted: bool) -> Call:
    name, call = of_person(world, grant)
    world.gone(name, deleted=deleted)
    return call


GONE = tuple(
    Attack(
        f"{grant}: the user was {'deleted' if deleted else 'closed'} meanwhile",
        "RFC 6749 5.2, 10.4",
        lambda world, grant=grant, deleted=deleted: without(world, grant, deleted),
        401 if grant == "userinfo" else 400,
        {"userinfo": "invalid_token", "exchange": "invalid_request"}.get(grant, "invalid_grant"),
        frozenset({"ATTEMPTS"}) if grant == "password" else frozenset(),
    )
    for grant in (
        *("password", "refresh_token", "code", "device", "jwt", "saml", "exchange", "userinfo"),
    )
    for deleted in (True, False)
)


@pytest.mark.parametrize("attack", GONE, ids=lambda one: f"{one.name} [{one.source}]")
def test_what_a_user_who_is_gone_gave_away(server: Server, world: World, attack: Attack) -> None:
    attack.run(server, world)


@pytest.mark.parametrize(
    "grant",
    ["password", "refresh_token", "code", "device", "jwt", "saml", "exchange", "userinfo"],
)
def test_what_the_attacks_change_is_answered_while_the_user_is_there(
    world: World, grant: str
) -> None:
    assert of_person(world, grant)[1].send().status == 200
