"""The libraries, each with an application of its own in the deployed stack, and users with
browsers.
"""

from collections.abc import Callable, Iterator

import pytest

from tests.clients.applications import Application, subscribed
from tests.clients.browsing import Browser
from tests.clients.library import Library
from tests.clients.with_authlib import Authlib
from tests.clients.with_node import Oauth4webapi, OpenidClient
from tests.clients.with_requests_oauthlib import RequestsOauthlib
from tests.deployed import Person, Stack

LIBRARIES: dict[str, type[Library]] = {
    "authlib": Authlib,
    "requests-oauthlib": RequestsOauthlib,
    "openid-client": OpenidClient,
    "oauth4webapi": Oauth4webapi,
}


@pytest.fixture(scope="session")
def _http_on_loopback() -> Iterator[None]:
    """oauthlib's own switch for servers without TLS; the other libraries have theirs in code, or
    know loopback addresses.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
        yield


@pytest.fixture(scope="session", params=LIBRARIES)
def library(request: pytest.FixtureRequest, _http_on_loopback: None) -> type[Library]:
    return LIBRARIES[request.param]


@pytest.fixture(scope="session")
def application(library: type[Library], stack: Stack, developer: Person) -> Application:
    """Keys and a subscription from the developer portal, for each library its own."""
    return subscribed(stack, developer)


@pytest.fixture(scope="session")
def client(library: type[Library], application: Application) -> Iterator[Library]:
    found = library(application)
    yield found
    found.close()


@pytest.fixture
def browser(developer: Person) -> Iterator[Browser]:
    with Browser(developer.name, developer.password) as found:
        yield found


@pytest.fixture
def opened(_http_on_loopback: None) -> Iterator[Callable[[type[Library], Application], Library]]:
    """More applications with a library, closed when the test ends."""
    found: list[Library] = []

    def start(library: type[Library], application: Application) -> Library:
        found.append(library(application))
        return found[-1]

    yield start
    for one in found:
        one.close()
