"""What these tests do with every client library, whatever language it is written in."""

from typing import Any, Protocol

from tests.clients.applications import Application


class Refused(Exception):
    """The library tells its application that something failed.

    `code` is the error of the RFC that the server named, or what the library calls its own
    objection.
    """

    def __init__(self, code: str, text: str = "") -> None:
        super().__init__(f"{code}: {text}")
        self.code = code


class Library(Protocol):
    """One application that uses the library. All answers are as the library gives them."""

    def __init__(self, application: Application) -> None: ...

    def discover(self) -> dict[str, Any]:
        """The server's metadata."""

    def begin(self, scope: str) -> str:
        """Where to send the browser, with PKCE, state and nonce."""

    def finish(self, callback: str) -> dict[str, Any]:
        """The tokens, once the browser is back; the verified id_token's claims as `claims`."""

    def refresh(self, refresh_token: str) -> dict[str, Any]:
        """The next tokens."""

    def client_credentials(self) -> dict[str, Any]:
        """A token of the application itself."""

    def device(self, scope: str) -> dict[str, Any]:
        """The codes of a device."""

    def poll(self) -> dict[str, Any]:
        """The device's tokens, asked for again and again until the user has decided."""

    def introspect(self, token: str) -> dict[str, Any]:
        """What the server knows about a token."""

    def revoke(self, token: str) -> None:
        """End a token."""

    def userinfo(self, access_token: str, subject: str) -> dict[str, Any]:
        """The claims of the user."""

    def close(self) -> None:
        """End connections and processes."""
