"""Exchanging an authorization code for tokens (RFC 6749 section 4.1.3, RFC 7636), once.

Codes are made by the authorization endpoint.
"""

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass, replace
from typing import NoReturn

from portico.domain.application import Client
from portico.domain.authorization import Code
from portico.domain.errors import AlreadyExists, InvalidInput, LostRace
from portico.domain.records import Replace
from portico.domain.user import User
from portico.ports import Clock, Records
from portico.services.clients import digest
from portico.services.families import end_given
from portico.services.issuing import InvalidGrant, Issued, Issuing
from portico.services.same_user import same_user

GRANT_TYPE = "authorization_code"
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")  # RFC 7636 section 4.1
TRIES = 4


@dataclass(frozen=True)
class ExchangingCodes:
    """The use of codes: what is stored of the tokens and that the code is used up go together."""

    records: Records
    clock: Clock
    issuing: Issuing

    def exchange(
        self, client: Client, code_text: str, *, redirect_uri: str = "", verifier: str = ""
    ) -> Issued:
        """Tokens for a code of the client. Raises InvalidGrant, and InvalidInput for a verifier
        that can be none.

        A code that comes twice has been stolen, by whichever came first: what it gave is revoked
        (RFC 6749 section 4.1.2, RFC 9700 section 2.1.1). Any other refusal changes nothing.
        """
        if verifier and not _VERIFIER.fullmatch(verifier):
            raise InvalidInput.of("code_verifier", "must have 43 to 128 unreserved characters")
        for _ in range(TRIES):
            code = self._valid(client, code_text)
            _check_redirect_uri(code, redirect_uri)
            _check_verifier(code, verifier)
            user = self._user(code)
            try:
                return self.issuing.to_user(
                    client,
                    user,
                    code.scopes,
                    grant_type=GRANT_TYPE,
                    sign_in=code.sign_in,
                    family=code.family,
                    claims=code.claims,
                    also=[Replace(replace(code, used=True))],
                )
            except (LostRace, AlreadyExists):
                continue  # by another use of the code, which the next round sees
        raise LostRace("The code is being used at the same moment")

    def _valid(self, client: Client, code_text: str) -> Code:
        code = self.records.get(Code, tenant=client.tenant, digest=digest(code_text))
        if code is None or code.client_id != client.client_id:
            raise InvalidGrant("The code is not known")
        if code.used:
            self._replayed(client, code)
        if code.expires <= self.clock.now():
            raise InvalidGrant("The code has expired")
        return code

    def _replayed(self, client: Client, code: Code) -> NoReturn:
        end_given(self.records, self.clock, client, code.family)
        raise InvalidGrant("The code was used before; all tokens that it gave are revoked")

    def _user(self, code: Code) -> User:
        """The user who signed in for the code, if still the same and active."""
        user = same_user(
            self.records, self.clock, code.tenant, code.user, code.user_id, code.sign_in.at
        )
        if user is None:
            raise InvalidGrant("The user of the code is no longer active")
        return user


def _check_redirect_uri(code: Code, redirect_uri: str) -> None:
    """The same address, letter for letter; it may be left out only where the authorization request
    left it out.
    """
    if redirect_uri != code.redirect_uri and (code.stated or redirect_uri):
        raise InvalidGrant("redirect_uri is not that of the authorization request")


def _check_verifier(code: Code, verifier: str) -> None:
    if verifier and not code.challenge:
        # Somebody took the challenge out of the authorization request (RFC 9700 section 4.8.2).
        raise InvalidGrant("The authorization request had no code_challenge")
    if code.challenge and not hmac.compare_digest(challenge_of(verifier), code.challenge):
        raise InvalidGrant("code_verifier does not fit the code_challenge")


def challenge_of(verifier: str) -> str:
    """The S256 challenge of a verifier (RFC 7636 section 4.2)."""
    found = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(found).decode().rstrip("=")
