"""Whom a trusted issuer speaks of: the user that an assertion or a foreign token names.

How it was signed and whether it holds has been judged before.
"""

import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from portico.domain.errors import AlreadyExists, InvalidInput
from portico.domain.records import Create
from portico.domain.token_rules import TokenRules, TrustedIssuer
from portico.domain.user import Caller, User
from portico.ports import Records
from portico.services.accounts import NAME, Accounts
from portico.services.issuing import InvalidGrant

JWT = "jwt"
SAML = "saml"


@dataclass(frozen=True)
class Person:
    """What an issuer says of somebody: the name by its `user_claim`, and its own role names."""

    name: str
    roles: Sequence[str] = ()
    email: str = ""
    given_name: str = ""
    family_name: str = ""


@dataclass(frozen=True)
class Assertions:
    """The users that trusted issuers may speak of: those of the tenant that trusts, no others."""

    records: Records
    accounts: Accounts

    def user(
        self, tenant: str, issuer: TrustedIssuer, person: Person, once: Create | None = None
    ) -> tuple[User, tuple[Create, ...]]:
        """The user, and what is still to be committed with the tokens.

        A user who is not there is made where the issuer may make users; `once`, by which an
        assertion comes once only, is then committed before. InvalidGrant otherwise.
        """
        home, name = self.accounts.resolve(person.name, tenant)
        if home != tenant:
            raise InvalidGrant("The user belongs to another tenant than the client")
        # What cannot be a name is nobody's, and no key of a table is made of it.
        if not NAME.fullmatch(name):
            raise InvalidGrant("The user is not known here")
        user = self.records.get(User, tenant=tenant, name=name)
        pending = () if once is None else (once,)
        if user is None and issuer.create_users:
            # A used one must not bring back a user who has been removed since.
            if pending:
                self._spend(pending)
            user, pending = self._made(tenant, issuer, name, person), ()
        if user is None:
            raise InvalidGrant("The user is not known here")
        if not user.active:
            raise InvalidGrant("The user is not active")
        return user, pending

    def _spend(self, pending: Sequence[Create]) -> None:
        try:
            self.records.commit(*pending)
        except AlreadyExists as exc:
            raise InvalidGrant("The assertion has been used before") from exc

    def _made(self, tenant: str, issuer: TrustedIssuer, name: str, person: Person) -> User:
        try:
            return self.accounts.create(
                Caller(tenant, issuer.issuer[:200]),
                name,
                # Nobody knows it: the user signs in where the issuer does.
                secrets.token_urlsafe(32),
                mapped_roles(issuer.roles, person.roles),
                email=person.email,
                given_name=person.given_name,
                family_name=person.family_name,
            )
        except AlreadyExists:
            return self.accounts.get(tenant, name)  # made at the same moment by another request
        except InvalidInput as exc:
            raise InvalidGrant("The user's name cannot be one here") from exc


def trusted(rules: TokenRules, kind: str, name: str) -> TrustedIssuer:
    """The issuer of this kind and name that the tenant trusts; InvalidGrant when it does not."""
    for issuer in rules.issuers:
        if name and (issuer.kind, issuer.issuer) == (kind, name):
            return issuer
    raise InvalidGrant("The issuer is not trusted")


def mapped_roles(mapping: Mapping[str, str], theirs: Collection[str]) -> list[str]:
    """Our roles for those of an issuer; what is not in the mapping counts for nothing."""
    return list(dict.fromkeys(mapping[role] for role in theirs if role in mapping))
