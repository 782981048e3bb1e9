"""Reading and changing a tenant's rules about tokens; whether they hold together is
`checking_token_rules`' business.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from portico.domain.errors import InvalidInput, LostRace, Stale
from portico.domain.records import Change, Replace
from portico.domain.token_rules import LoginProvider, TokenRules, sealed_for
from portico.domain.user import Caller
from portico.ports import Clock, Records, Sealer
from portico.services.auditing import audit
from portico.services.checking_token_rules import problems_of

TRIES = 5


@dataclass(frozen=True)
class Draft:
    """Rules as an administrator wants them.

    `secrets` are the client secrets of login providers by id, '' to have none; a provider that is
    left out keeps the one it has, as long as it is the same client of the same issuer.
    """

    rules: TokenRules
    secrets: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class RulingTokens:
    """The rules of all tenants. `packages` are those of the plug-in layer that may be named."""

    records: Records
    clock: Clock
    sealer: Sealer
    packages: Collection[str] = ()

    def show(self, tenant: str) -> TokenRules:
        """The rules in force; their defaults, with stamp 0, where nobody has set any."""
        return self.records.get(TokenRules, tenant=tenant) or TokenRules(tenant=tenant)

    def change(self, caller: Caller, draft: Draft, stamp: int | None = None) -> TokenRules:
        """Put the draft in force. InvalidInput names every field that is wrong; Stale unless the
        rules still have the stamp, where one is given.
        """
        for attempt in range(TRIES):
            before = self.show(caller.tenant)
            if stamp is not None and stamp != before.stamp:
                raise Stale("The rules were changed meanwhile; look at them again")
            after, changes = self.prepare(caller, before, draft)
            try:
                self.records.commit(*changes)
            except LostRace:
                if attempt == TRIES - 1:
                    raise
            else:
                return replace(after, stamp=before.stamp + 1)
        raise AssertionError("the last attempt returns or raises")

    def prepare(
        self, caller: Caller, before: TokenRules, draft: Draft
    ) -> tuple[TokenRules, list[Change]]:
        """The draft as it would be stored over `before`, and what to commit for it; InvalidInput
        naming every field that is wrong.
        """
        if problems := problems_of(draft.rules, draft.secrets, self.packages):
            first = f"{problems[0].field}: {problems[0].message}"
            several = f"{len(problems)} of the rules about tokens are not valid"
            raise InvalidInput(first if len(problems) == 1 else several, problems)
        known = {one.id: one for one in before.providers}
        providers = tuple(
            self._sealed(caller.tenant, one, known.get(one.id), draft.secrets)
            for one in draft.rules.providers
        )
        after = replace(draft.rules, tenant=caller.tenant, stamp=before.stamp, providers=providers)
        entry = audit(
            self.clock,
            caller,
            "update",
            "token-rules",
            caller.tenant,
            _telling(before),
            _telling(after),
        )
        return after, [Replace(after), entry]

    def _sealed(
        self,
        tenant: str,
        wanted: LoginProvider,
        known: LoginProvider | None,
        secrets: Mapping[str, str],
    ) -> LoginProvider:
        if wanted.id in secrets:
            text = secrets[wanted.id]
            sealed = self.sealer.seal(text, sealed_for(tenant, wanted.id)) if text else ""
            return replace(wanted, sealed_secret=sealed)
        # A secret is never sent to another server than the one that gave it.
        same = known and (known.issuer, known.client_id) == (wanted.issuer, wanted.client_id)
        return replace(wanted, sealed_secret=known.sealed_secret if known and same else "")


def _telling(rules: TokenRules) -> dict[str, Any]:
    """What the audit trail tells: of issuers and providers who they are and what they may give."""
    return {
        "grants": None if rules.grants is None else list(rules.grants),
        "plugins": rules.plugins,
        "reissue": rules.reissue,
        "max_tokens": rules.max_tokens,
        "code_validity": rules.code_validity,
        "claim_headers": list(rules.claim_headers),
        "extension": [rules.extension, rules.extension_seconds, rules.extension_open],
        "extensions": rules.extensions,
        "issuers": [
            [
                one.issuer,
                one.kind,
                one.jwks_uri,
                [str(key.get("kid", "")) for key in one.jwks],
                len(one.certificates),
                one.create_users,
                one.roles,
            ]
            for one in rules.issuers
        ],
        "providers": [
            [one.id, one.issuer, one.client_id, one.roles, list(one.default_roles)]
            for one in rules.providers
        ],
        "sign_up": [rules.sign_up, list(rules.sign_up_roles)],
        "open_registration": rules.open_registration,
    }
