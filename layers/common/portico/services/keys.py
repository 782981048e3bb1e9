"""The keys of an application: one consumer key for PRODUCTION and one for SANDBOX, and tokens for
trying them out.

How clients and their secrets are kept is `clients`' business; tokens come from the token endpoint.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from portico.domain.application import Application, Client, KeyMapping
from portico.domain.errors import (
    AlreadyExists,
    InvalidInput,
    LostRace,
    NotFound,
    Problem,
    Unauthenticated,
)
from portico.domain.records import Create, Remove, Require
from portico.domain.user import Caller
from portico.ports import Clock, Records, TokenEndpoint
from portico.services.applications import Applications
from portico.services.auditing import audit
from portico.services.clients import LONGEST_TOKEN, Clients

ANSWERED = ("client_credentials", "password", "refresh_token")  # by the token endpoint, today
REDIRECTING = ("authorization_code",)  # sends a browser back to a callback URL
GRANT_TYPES = (*ANSWERED, *REDIRECTING)
LONGEST_REFRESH = 31_536_000  # seconds
MAX_URL = 2000
ATTEMPTS = 4


@dataclass(frozen=True, kw_only=True)
class KeySettings:
    """What a developer may choose about keys; None leaves a thing as it is. Validities are in
    seconds.
    """

    grant_types: tuple[str, ...] | None = None
    callback_url: str | None = None
    token_validity: int | None = None
    refresh_validity: int | None = None


@dataclass(frozen=True)
class Key:
    """The keys of one type; the secret is there only when it has just been made."""

    mapping: KeyMapping
    client: Client
    secret: str = ""


@dataclass(frozen=True)
class Token:
    """An access token as the token endpoint gave it; `validity` is in seconds."""

    text: str
    scopes: tuple[str, ...]
    validity: int


@dataclass(frozen=True)
class Keys:
    """Keys of the caller's applications."""

    records: Records
    clock: Clock
    applications: Applications
    clients: Clients
    tokens: TokenEndpoint

    def generate(
        self, caller: Caller, application_id: str, key_type: str, wanted: KeySettings
    ) -> Key:
        """New keys, with their secret for the only time. AlreadyExists when the application has
        keys of this type.
        """
        grant_types = wanted.grant_types or ()
        _check(replace(wanted, grant_types=grant_types), wanted.callback_url or "")
        for attempt in range(ATTEMPTS):
            application = self.applications.show(caller, application_id)
            mapping_id = str(uuid.uuid4())
            client, secret, changes = self.clients.prepare(
                caller.tenant,
                f"{caller.user}_{application.name}_{key_type}",
                caller.user,
                grant_types,
                redirect_uris=_uris(wanted.callback_url),
                application_id=application.id,
                key_type=key_type,
                key_mapping_id=mapping_id,
                token_validity=wanted.token_validity or 3600,
                refresh_validity=wanted.refresh_validity or 86400,
            )
            mapping = KeyMapping(
                tenant=caller.tenant,
                application_id=application.id,
                key_type=key_type,
                id=mapping_id,
                client_id=client.client_id,
            )
            entry = audit(
                self.clock,
                caller,
                "generate-keys",
                "application",
                application.id,
                after={"key_type": key_type, "client": client.client_id},
            )
            try:
                # A removal of the application at this moment either sees the keys or prevents them.
                self.records.commit(Create(mapping), *changes, Require(application), entry)
            except AlreadyExists:
                raise AlreadyExists(f"'{application.name}' has {key_type} keys already") from None
            except LostRace:
                if attempt == ATTEMPTS - 1:
                    raise
            else:
                return Key(replace(mapping, stamp=1), replace(client, stamp=1), secret)
        raise AssertionError("the last attempt returns or raises")

    def all(self, caller: Caller, application_id: str) -> list[Key]:
        """The keys of an application, without secrets."""
        application = self.applications.show(caller, application_id)
        return [
            Key(mapping, client)
            for mapping in self._mappings(application)
            if (client := self._client(mapping))
        ]

    def show(self, caller: Caller, application_id: str, key: str) -> Key:
        """The keys with this mapping id or of this type; NotFound."""
        for found in self.all(caller, application_id):
            if key in (found.mapping.id, found.mapping.key_type):
                return found
        raise NotFound("Key", key)

    def change(self, caller: Caller, application_id: str, key: str, wanted: KeySettings) -> Key:
        """The keys with other grant types, callback URL or validities."""
        found = self.show(caller, application_id, key)
        known = found.client.redirect_uris[0] if found.client.redirect_uris else ""
        callback = known if wanted.callback_url is None else wanted.callback_url
        grants = found.client.grant_types if wanted.grant_types is None else wanted.grant_types
        _check(replace(wanted, grant_types=grants), callback)
        client = self.clients.change(
            caller,
            found.client,
            grant_types=grants,
            redirect_uris=None if wanted.callback_url is None else _uris(callback),
            token_validity=wanted.token_validity,
            refresh_validity=wanted.refresh_validity,
        )
        return replace(found, client=client)

    def regenerate_secret(self, caller: Caller, application_id: str, key: str) -> Key:
        """A new secret, told only now; the old one and the tokens it got hold no longer."""
        found = self.show(caller, application_id, key)
        client, secret = self.clients.regenerate_secret(caller, found.client)
        return replace(found, client=client, secret=secret)

    def remove(self, caller: Caller, application_id: str, key: str) -> None:
        """Remove the keys; every token of them is refused from then on."""
        found = self.show(caller, application_id, key)
        entry = audit(
            self.clock,
            caller,
            "remove-keys",
            "application",
            application_id,
            before={"key_type": found.mapping.key_type, "client": found.client.client_id},
        )
        self.records.commit(Remove(found.mapping), *self.clients.removal(found.client), entry)

    def token(
        self,
        caller: Caller,
        application_id: str,
        key: str,
        secret: str,
        scopes: Sequence[str] = (),
        validity: int | None = None,
        revoke: str = "",
    ) -> Token:
        """An access token for the application itself, got with the consumer secret that the caller
        gives.

        Only a digest of the secret is stored, so without it there is no token: InvalidInput.
        `revoke` is an earlier token that the new one takes the place of.
        """
        found = self.show(caller, application_id, key)
        if not secret:
            raise InvalidInput.of(
                "consumerSecret", "is needed; a lost one is replaced by regenerate-secret"
            )
        if "client_credentials" not in found.client.grant_types:
            raise InvalidInput.of(
                "grantType", "these keys may not use the grant client_credentials"
            )
        try:
            self.clients.authenticate(found.client.client_id, secret, caller.tenant)
            if revoke:
                self.tokens.revoke(found.client.client_id, secret, revoke)
            text, granted, seconds = self.tokens.client_credentials(
                found.client.client_id, secret, scopes, validity
            )
        except Unauthenticated:
            raise InvalidInput.of("consumerSecret", "does not belong to these keys") from None
        return Token(text, granted, seconds)

    def _mappings(self, application: Application) -> list[KeyMapping]:
        return self.records.list(
            KeyMapping, tenant=application.tenant, application_id=application.id
        )

    def _client(self, mapping: KeyMapping) -> Client | None:
        return self.records.get(Client, tenant=mapping.tenant, client_id=mapping.client_id)


def _uris(callback_url: str | None) -> list[str]:
    return [callback_url] if callback_url else []


def _check(wanted: KeySettings, callback: str) -> None:
    problems = []
    grants = wanted.grant_types or ()
    if not grants:
        problems.append(Problem("grantTypesToBeSupported", "names no grant type"))
    unknown = [grant for grant in grants if grant not in GRANT_TYPES]
    if unknown:
        text = f"'{unknown[0]}' is not one of {', '.join(GRANT_TYPES)}"
        problems.append(Problem("grantTypesToBeSupported", text))
    if callback and not _is_callback(callback):
        text = "must be an absolute URL without fragment (RFC 6749 section 3.1.2)"
        problems.append(Problem("callbackUrl", text))
    if not callback and any(grant in REDIRECTING for grant in grants):
        problems.append(Problem("callbackUrl", f"is needed for {', '.join(REDIRECTING)}"))
    for field, seconds, most in (
        # A removed client's tokens are remembered as revoked for that long, not longer.
        ("validityTime", wanted.token_validity, LONGEST_TOKEN),
        (
            "additionalProperties.refresh_token_expiry_time",
            wanted.refresh_validity,
            LONGEST_REFRESH,
        ),
    ):
        if seconds is not None and not 1 <= seconds <= most:
            problems.append(Problem(field, f"must be 1 to {most} seconds"))
    if problems:
        raise InvalidInput("The keys' settings are not valid", problems)


def _is_callback(url: str) -> bool:
    if len(url) > MAX_URL or not url.isascii() or not url.isprintable() or " " in url:
        return False
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    if parts.fragment or not parts.scheme or parts.scheme in ("javascript", "data", "vbscript"):
        return False
    return (
        bool(parts.netloc)
        if parts.scheme in ("http", "https")
        else bool(parts.path or parts.netloc)
    )
