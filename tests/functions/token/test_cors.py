"""Cross-origin calls of applications that run in a browser (Fetch Standard, CORS protocol)."""

import pytest

from functions.token.paths import ENDPOINTS
from tests.functions.token.conftest import Server

ORIGIN = {"origin": "https://app.example"}
ASKING = {**ORIGIN, "access-control-request-method": "POST"}
# Where a person's browser goes, and what only servers and administrators call.
CLOSED = {
    "/oauth2/authorize",
    "/authorize",
    "/oauth2/introspect",
    "/oauth2/register",
    "/client-registration/v0.17/register",
    "/oidc/logout",
    "/oauth2/logout",
    "/oauth2/device",
    "/oauth2/device/confirm",
    "/oauth2/login",
    "/oauth2/consent",
    "/oauth2/sign-up",
    "/oauth2/sign-up/confirm",
    "/oauth2/reset",
    "/oauth2/reset/new",
    "/oauth2/password",
    "/oauth2/federated/start",
    "/oauth2/federated/callback",
}
FIXED = sorted(path for path in ENDPOINTS if not path.endswith("/*"))


@pytest.mark.parametrize("path", FIXED)
def test_a_preflight_is_answered_for_what_applications_call_and_for_no_page(
    server: Server, path: str
) -> None:
    """RFC 9700 section 2.6: the token endpoint may, the authorization endpoint must not."""
    answer = server.call("OPTIONS", path, headers=ASKING)

    if path in CLOSED:
        assert answer.status == 405
        assert not [name for name in answer.headers if name.lower().startswith("access-control")]
        return
    assert (answer.status, answer.text) == (204, "")
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Access-Control-Allow-Headers"] == "authorization, content-type"
    assert answer.headers["Access-Control-Allow-Methods"] == ", ".join(ENDPOINTS[path])
    assert "Access-Control-Allow-Credentials" not in answer.headers


@pytest.mark.parametrize(
    "path", ["/oauth2/jwks", "/oauth2/userinfo", "/userinfo", "/t/a/oauth2/jwks"]
)
def test_answers_and_errors_may_be_read_by_scripts(server: Server, path: str) -> None:
    answer = server.call("GET", path, headers=ORIGIN)

    assert answer.status == (401 if "userinfo" in path else 200)
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Access-Control-Expose-Headers"] == "*"


def test_options_without_a_question_about_origins_is_no_method_of_ours(server: Server) -> None:
    assert server.call("OPTIONS", "/oauth2/token", headers=ORIGIN).status == 405
