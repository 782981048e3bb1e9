"""What the authorization server keeps between two requests of one sign-in or grant.

Whatever a client or browser holds is stored by its SHA-256 digest and has an end (epoch seconds).
"""

from dataclasses import dataclass, field
from typing import Any

from portico.domain.records import Record


@dataclass(frozen=True)
class SignIn:
    """How and when a user signed in, as an id_token tells it (OpenID Connect Core section 2)."""

    at: int  # epoch seconds: `auth_time`
    nonce: str = ""
    methods: tuple[str, ...] = ()  # `amr` (RFC 8176)
    sid: str = ""  # the session at the authorization server


@dataclass(frozen=True, kw_only=True)
class Code(Record):
    """An authorization code (RFC 6749 section 4.1.2).

    A used one stays to its end: its second use revokes the `family` of tokens that it gave.
    """

    digest: str
    client_id: str
    user: str  # name without tenant
    user_id: str
    scopes: tuple[str, ...]
    redirect_uri: str
    stated: bool  # whether the request named the redirect URI, so that the exchange must
    family: str
    sign_in: SignIn
    expires: int
    challenge: str = ""  # PKCE, S256
    claims: dict[str, Any] = field(default_factory=dict)  # the `claims` parameter
    used: bool = False


@dataclass(frozen=True, kw_only=True)
class Flow(Record):
    """An authorization request on its way: pushed (RFC 9126), or waiting for sign-in and consent.

    `browser` is the digest of the cookie of the browser that it belongs to.
    """

    digest: str
    client_id: str
    parameters: dict[str, str]
    expires: int
    browser: str = ""
    session: str = ""  # digest of the session that signed in for it
    kind: str = "authorize"  # or `pushed`, `device`, `provider`, ...


@dataclass(frozen=True, kw_only=True)
class BrowserSession(Record):
    """A browser that is signed in at the authorization server (single sign-on)."""

    digest: str
    user: str
    user_id: str
    at: int  # epoch seconds of the sign-in
    expires: int
    methods: tuple[str, ...] = ()
    sid: str = ""  # public name of the session, in id_tokens
    era: int = 0  # the user's at sign-in: a new password begins another


@dataclass(frozen=True, kw_only=True)
class Consent(Record):
    """What a user has allowed a client; asked for again when it wants more."""

    user: str
    client_id: str
    scopes: tuple[str, ...]
    at: int = 0  # epoch seconds
    user_id: str = ""  # the name may be somebody else's one day


@dataclass(frozen=True, kw_only=True)
class DeviceGrant(Record):
    """A device that waits for its user (RFC 8628); found by both of its codes."""

    digest: str  # of the device code
    user_code: str  # canonical: upper case, without the dash
    client_id: str
    scopes: tuple[str, ...]
    expires: int
    interval: int = 5  # seconds between two polls
    polled: int = 0  # epoch seconds of the last poll
    status: str = "pending"  # approved, denied, used
    user: str = ""
    user_id: str = ""
    family: str = ""
    sign_in: SignIn | None = None


@dataclass(frozen=True, kw_only=True)
class Seen(Record):
    """An id that may come once only: of an assertion (`jti`, `ID`), a client assertion."""

    subject: str  # kind and issuer and id, digested where long
    expires: int
