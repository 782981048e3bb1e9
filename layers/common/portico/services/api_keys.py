"""API keys of applications: made, listed, replaced and revoked. A key's text is told once; only a
digest of it is kept.

Applications with self-contained tokens get self-contained keys, which the token function signs;
those with opaque tokens get random texts that the gateway looks up.
"""

import ipaddress
import secrets
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from portico.domain.application import ApiKey, Application
from portico.domain.errors import InvalidInput, LimitReached, NotFound, Problem
from portico.domain.gateway import GatewayApiKey
from portico.domain.records import Change, Create, Require
from portico.domain.tenant import join_user
from portico.domain.user import Caller
from portico.ports import Clock, Records
from portico.services.application_rules import OPAQUE
from portico.services.applications import Applications
from portico.services.auditing import audit
from portico.services.clients import digest
from portico.services.ending_api_keys import ending

MAX_KEYS = 50  # of an application and key type
MAX_NAME = 100  # characters
MAX_RESTRICTION = 1_000  # characters of the addresses and of the referrers
MAX_ENTRIES = 50
FOREVER = -1  # WSO2's validity of a key without an end
LONGEST = 100 * 365 * 86_400  # seconds
NEVER = 253_402_300_799  # the end of the year 9999, in epoch seconds


class KeySigner(Protocol):
    """Who signs self-contained keys."""

    def sign(self, kind: str, claims: Mapping[str, Any]) -> str:
        """A JWT with the claims. Raises Unavailable."""


@dataclass(frozen=True)
class Wish:
    """What a key is to be; `validity` in seconds or FOREVER, addresses and referrers as lists with
    commas.
    """

    name: str = ""
    validity: int = FOREVER
    addresses: str = ""
    referrers: str = ""


@dataclass(frozen=True)
class ApiKeys:
    """The API keys of the caller's applications."""

    records: Records
    clock: Clock
    applications: Applications
    signer: KeySigner

    def generate(
        self, caller: Caller, application_id: str, key_type: str, wish: Wish
    ) -> tuple[ApiKey, str]:
        """A new key and its text, for the only time. InvalidInput names what is wrong with it;
        LimitReached when there are too many.
        """
        application = self.applications.show(caller, application_id)
        _check(wish)
        if len(self._of(application, key_type)) >= MAX_KEYS:
            raise LimitReached(f"There are {MAX_KEYS} keys of this type already; revoke one first")
        made, text, changes = self._make(application, key_type, wish)
        # A removal of the application at this moment either sees the key or prevents it.
        self.records.commit(*changes, Require(application), self._told(caller, "generate", made))
        return replace(made, stamp=1), text

    def all(self, caller: Caller, application_id: str, key_type: str) -> list[ApiKey]:
        """The keys of an application that have not expired, the oldest first."""
        application = self.applications.show(caller, application_id)
        return self._of(application, key_type)

    def regenerate(
        self, caller: Caller, application_id: str, key_type: str, key_id: str
    ) -> tuple[ApiKey, str]:
        """Another key of the same name, validity and restrictions in place of one; NotFound."""
        application = self.applications.show(caller, application_id)
        old = self._find(application, key_type, key_id)
        wish = Wish(old.name, old.validity, old.addresses, old.referrers)
        made, text, changes = self._make(application, key_type, wish)
        entry = self._told(caller, "regenerate", made)
        self.records.commit(*changes, *ending(old), Require(application), entry)
        return replace(made, stamp=1), text

    def revoke(
        self,
        caller: Caller,
        application_id: str,
        key_type: str,
        *,
        text: str = "",
        key_id: str = "",
    ) -> None:
        """End a key, named by its text or its id; NotFound."""
        application = self.applications.show(caller, application_id)
        found = self._find(application, key_type, key_id, digest(text) if text else "")
        self.records.commit(*ending(found), self._told(caller, "revoke", found))

    def _make(
        self, application: Application, key_type: str, wish: Wish
    ) -> tuple[ApiKey, str, list[Change]]:
        now, key_id = int(self.clock.now()), str(uuid.uuid4())
        expires = NEVER if wish.validity == FOREVER else now + wish.validity
        # WSO2's names; which APIs are subscribed is looked up, so that it is never out of date.
        claims: dict[str, Any] = {
            "sub": join_user(application.owner, application.tenant),
            "jti": key_id,
            "iat": now,
            "exp": expires,
            "tenant": application.tenant,
            "token_type": "apiKey",
            "keytype": key_type,
            "permittedIP": wish.addresses,
            "permittedReferer": wish.referrers,
            "application": {
                "id": application.number,
                "uuid": application.id,
                "name": application.name,
                "owner": application.owner,
                "tier": application.policy,
            },
        }
        opaque = application.token_type == OPAQUE
        text = secrets.token_urlsafe(32) if opaque else self.signer.sign("api_key", claims)
        made = ApiKey(
            tenant=application.tenant,
            application_id=application.id,
            key_type=key_type,
            id=key_id,
            name=wish.name,
            digest=digest(text),
            opaque=opaque,
            created=now,
            expires=expires,
            validity=wish.validity,
            addresses=wish.addresses,
            referrers=wish.referrers,
        )
        changes: list[Change] = [Create(made)]
        if opaque:
            kept = GatewayApiKey(
                tenant=made.tenant, digest=made.digest, expires=expires, claims=claims
            )
            changes.append(Create(kept))
        return made, text, changes

    def _of(self, application: Application, key_type: str) -> list[ApiKey]:
        found = self.records.list(
            ApiKey,
            tenant=application.tenant,
            application_id=application.id,
            key_type=key_type,
        )
        living = [one for one in found if one.expires > self.clock.now()]
        return sorted(living, key=lambda one: (one.created, one.id))

    def _find(
        self, application: Application, key_type: str, key_id: str, hashed: str = ""
    ) -> ApiKey:
        for one in self._of(application, key_type):
            if one.id == key_id or (hashed and one.digest == hashed):
                return one
        raise NotFound("API key", key_id)

    def _told(self, caller: Caller, action: str, made: ApiKey) -> Change:
        about = {"key": made.id, "key_type": made.key_type, "name": made.name}
        return audit(
            self.clock, caller, f"{action}-api-key", "application", made.application_id, after=about
        )


def _check(wish: Wish) -> None:
    problems = []
    if len(wish.name) > MAX_NAME:
        problems.append(Problem("keyName", f"may have {MAX_NAME} characters"))
    if wish.validity != FOREVER and not 1 <= wish.validity <= LONGEST:
        problems.append(Problem("validityPeriod", f"must be -1 or 1 to {LONGEST} seconds"))
    for field, text in (("permittedIP", wish.addresses), ("permittedReferer", wish.referrers)):
        entries = [one.strip() for one in text.split(",") if one.strip()]
        if len(text) > MAX_RESTRICTION or len(entries) > MAX_ENTRIES or not text.isprintable():
            problems.append(
                Problem(field, f"may have {MAX_ENTRIES} entries in {MAX_RESTRICTION} characters")
            )
        elif field == "permittedIP":
            problems += [
                Problem(field, f"'{one[:50]}' is no address or range (CIDR)")
                for one in entries
                if not _is_network(one)
            ]
    if problems:
        raise InvalidInput("The API key cannot be made", problems)


def _is_network(text: str) -> bool:
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    return True
