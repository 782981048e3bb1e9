"""A user name and password (RFC 7617), for APIs that allow it.

The password is checked by the token function, which keeps users and counts wrong guesses; the
answer is remembered for a few seconds. No password, nor a plain hash of one, is kept here.
"""

import base64
import binascii
import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from functions.authorizer.calls import Call, Guess, Identity, Kind, Refused
from portico.domain.bounded import Bounded

SCHEME = "basic "
MAX_USERS = 1_000  # checked credentials kept, of right and of wrong ones
MAX_CREDENTIAL = 1_024  # characters, encoded


@dataclass(frozen=True)
class Known:
    """Somebody whose password was right; `user` has no tenant."""

    tenant: str
    user: str
    roles: frozenset[str]


class Passwords(Protocol):
    """Who checks passwords."""

    def check(self, tenant: str, name: str, password: str, address: str) -> Known | None:
        """The user, of `tenant` if the name has none; None when it is wrong. Raises Unavailable."""


class Basic:
    """Asks for each user name and password once in `seconds`."""

    kind = Kind.BASIC

    def __init__(self, passwords: Passwords, seconds: float, clock: Callable[[], float]) -> None:
        self._passwords = passwords
        self._seconds = seconds
        self._clock = clock
        # A key of this environment's own: what is in memory cannot be guessed from elsewhere.
        self._key = os.urandom(32)
        # Apart, so that wrong guesses push no right ones out.
        self._right: Bounded[bytes, Identity] = Bounded(MAX_USERS, clock)
        self._wrong: Bounded[bytes, bool] = Bounded(MAX_USERS, clock)

    def foresee(self, call: Call) -> Guess | None:
        """Nothing: users are not in the read model."""
        return None

    def authenticate(self, call: Call) -> Identity | None:
        """Who calls; None for another scheme, Refused for a wrong password or another's tenant."""
        header = call.headers.get(call.api.authorization_header.lower(), "")
        if header[: len(SCHEME)].lower() != SCHEME:
            return None
        given = header[len(SCHEME) :].strip()
        told = f"{call.tenant}\n{given}".encode(errors="surrogatepass")
        digest = hashlib.blake2b(told, key=self._key, digest_size=32).digest()
        known = self._right.get(digest)
        if known is None and not self._wrong.get(digest):
            known = self._ask(call, given, digest)
            until = self._clock() + max(self._seconds, 1.0)
            if known is None:
                self._wrong.put(digest, True, until)
            else:
                self._right.put(digest, known, until)
        if known is None:
            raise Refused("900901")
        return known

    def _ask(self, call: Call, given: str, digest: bytes) -> Identity | None:
        name, password = _pair(given)
        found = None
        if name:
            found = self._passwords.check(call.tenant, name, password, call.source_ip)
        if found is None or found.tenant != call.tenant:
            return None
        return Identity(
            digest=digest,
            kid="",
            tenant=found.tenant,
            client_id="",
            application_id="",
            key_type="PRODUCTION",
            user=found.user,
            is_user=True,
            scopes=frozenset(),
            issued=call.now,
            expires=call.now + self._seconds,
            revocations=(),
            client=None,
            application=None,
            records=(),
            kind=Kind.BASIC,
            roles=found.roles,
        )


def _pair(given: str) -> tuple[str, str]:
    """User name and password of the encoded text; empty when it is none."""
    if len(given) > MAX_CREDENTIAL:
        return "", ""
    try:
        text = base64.b64decode(given, validate=True).decode()
    except (binascii.Error, ValueError):
        return "", ""
    name, _, password = text.partition(":")
    return name, password
