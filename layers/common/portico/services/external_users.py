"""The users of ours that people of other providers are: found by provider and `sub`, made at their
first sign-in, their roles and claims kept as the provider tells them.

A user who is here already is nobody's to take over by a name or an e-mail address.
"""

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from portico.domain.claims import CLAIMS
from portico.domain.errors import AlreadyExists, Conflict, InUse, LostRace
from portico.domain.records import Put
from portico.domain.self_service import ExternalUser
from portico.domain.token_rules import LoginProvider
from portico.domain.user import Caller, User
from portico.ports import Records
from portico.services.accounts import NO_PASSWORD, Accounts, name_problems
from portico.services.clients import digest
from portico.services.federating import Proved, ProviderRefused

TRIES = 3
MAX_TEXT = 500  # characters of a claim that is kept
_CONTROL = re.compile(r"[\x00-\x1f\x7f\u2028\u2029\ud800-\udfff]")
# What our user has in fields of its own, or what is ours to say.
_OWN = {"email", "given_name", "family_name", "name", "preferred_username", "groups", "updated_at"}
_KEPT = {
    claim.oidc: claim.uri for claim in CLAIMS.values() if claim.oidc and claim.oidc not in _OWN
}
_VERIFIED = ("email_verified", "phone_number_verified")


class NotTakenOver(Conflict):
    """There is a user of this name or e-mail address who has nothing to do with the provider."""

    error = "not_taken_over"


@dataclass(frozen=True)
class ExternalUsers:
    """Users who sign in elsewhere."""

    records: Records
    accounts: Accounts

    def of(self, proved: Proved) -> User:
        """The user; ProviderRefused when they may not come in, NotTakenOver."""
        for _ in range(TRIES - 1):
            try:
                return self._found(proved)
            except LostRace:
                continue
        return self._found(proved)

    def _found(self, proved: Proved) -> User:
        provider, claims = proved.provider, proved.claims
        link = ExternalUser(
            tenant=proved.tenant,
            provider=provider.id,
            subject=digest(f"{provider.issuer}\n{claims['sub']}"),
            user="",
            user_id="",
        )
        known = self.records.get(
            ExternalUser, tenant=link.tenant, provider=link.provider, subject=link.subject
        )
        user = self.records.get(User, tenant=known.tenant, name=known.user) if known else None
        if known and user and user.id == known.user_id:
            if not user.active:
                raise ProviderRefused("Your account here is not active")
            return self._kept(user, provider, claims)
        return self._made(proved, link)

    def _made(self, proved: Proved, link: ExternalUser) -> User:
        provider, claims, tenant = proved.provider, proved.claims, proved.tenant
        name = _text(claims, provider.user_claim).lower()
        if provider.user_claim == "email" and claims.get("email_verified") is False:
            raise ProviderRefused(f"{provider.name} has not verified your e-mail address")
        if name_problems(name) or self.accounts.resolve(name, tenant) != (tenant, name):
            raise ProviderRefused(
                f"{provider.name} does not tell a user name that can be used here"
            )
        email = _email(claims)
        if self.records.get(User, tenant=tenant, name=name) or (
            email and self.accounts.with_email(tenant, email)
        ):
            raise _taken(provider)
        user_id = str(uuid.uuid4())
        linked = replace(link, user=name, user_id=user_id)
        try:
            return self.accounts.create(
                Caller(tenant, name),
                name,
                NO_PASSWORD,
                roles_told(provider, claims),
                email=email,
                given_name=_text(claims, "given_name"),
                family_name=_text(claims, "family_name"),
                claims=_claims_kept(claims),
                user_id=user_id,
                also=[Put(linked)],
            )
        except AlreadyExists as exc:
            raise _taken(provider) from exc

    def _kept(self, user: User, provider: LoginProvider, claims: Mapping[str, Any]) -> User:
        """The user with what the provider tells today."""
        texts = {
            "email": _email(claims),
            "given_name": _text(claims, "given_name"),
            "family_name": _text(claims, "family_name"),
        }
        told: dict[str, Any] = {name: text for name, text in texts.items() if text}
        verified = {_KEPT[name] for name in _VERIFIED}
        before = {uri: text for uri, text in user.claims.items() if uri not in verified}
        told["claims"] = {**before, **_claims_kept(claims)}
        told["roles"] = _roles_today(user, provider, claims)
        changed = {name: value for name, value in told.items() if value != getattr(user, name)}
        if not changed:
            return user
        caller = Caller(user.tenant, user.name)
        try:
            return self.accounts.update(caller, user, **changed)
        except InUse:
            # The last administrator stays one, whatever the provider says.
            changed.pop("roles", None)
            return self.accounts.update(caller, user, **changed) if changed else user


def roles_told(provider: LoginProvider, claims: Mapping[str, Any]) -> tuple[str, ...]:
    """The roles of ours that the provider's mean, and those that all of its people have."""
    value = claims.get(provider.role_claim) if provider.role_claim else None
    told = [value] if isinstance(value, str) else value if isinstance(value, list) else []
    mapped = [provider.roles[one] for one in told if isinstance(one, str) and one in provider.roles]
    return tuple(dict.fromkeys((*provider.default_roles, *mapped)))


def _roles_today(user: User, provider: LoginProvider, claims: Mapping[str, Any]) -> tuple[str, ...]:
    """Roles that the mapping knows come and go with it; others are the administrators'."""
    if not provider.role_claim:
        return user.roles
    known = {*provider.roles.values(), *provider.default_roles}
    own = [role for role in user.roles if role not in known]
    return tuple(dict.fromkeys((*own, *roles_told(provider, claims))))


def _claims_kept(claims: Mapping[str, Any]) -> dict[str, str]:
    kept = {uri: _text(claims, name) for name, uri in _KEPT.items()}
    for name in _VERIFIED:
        kept[_KEPT[name]] = "true" if claims.get(name) is True else ""
    return {uri: text for uri, text in kept.items() if text}


def _email(claims: Mapping[str, Any]) -> str:
    """The e-mail address, unless the provider says that it may be anybody's."""
    return "" if claims.get("email_verified") is False else _text(claims, "email")


def _text(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name)
    if not isinstance(value, str) or len(value) > MAX_TEXT or _CONTROL.search(value):
        return ""
    return value.strip()


def _taken(provider: LoginProvider) -> NotTakenOver:
    return NotTakenOver(
        f"There is a user with your name or e-mail address here, who does not sign in with "
        f"{provider.name}"
    )
