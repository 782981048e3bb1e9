"""Reading and changing a tenant's rules about backend JWTs and the gateway's extension, and whether
they hold together.
"""

import re
from collections.abc import Collection, Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

from portico.domain.backend_jwt import (
    ALGORITHMS,
    COMPATIBILITIES,
    ENCODINGS,
    BackendJwtRules,
)
from portico.domain.claims import CLAIMS
from portico.domain.errors import InvalidInput, LostRace, Problem, Stale
from portico.domain.records import Change, Replace
from portico.domain.user import Caller
from portico.plugins.classes import allowed, is_class_name, is_function_name
from portico.ports import Clock, Records
from portico.services.auditing import audit
from portico.services.gateway_users import GatewayUsers
from portico.tokens.claims import backend_names

TRIES = 5
MEMBER = "BackendJwt"
MAX_CLAIMS = 20
EXTENSION_SECONDS = (0.05, 5.0)  # API Gateway waits ten seconds for the authorizer
# An absolute URI (RFC 3986) to which names are added, so without query, fragment or last slash.
_DIALECT = re.compile(r"[a-z][a-z0-9+.-]*:[\x21\x24-\x3b\x3d\x40-\x5b\x5d-\x7e]{1,200}", re.I)


@dataclass(frozen=True)
class RulingBackendJwt:
    """The rules of all tenants. `packages` are those of the plug-in layer that may be named."""

    records: Records
    clock: Clock
    packages: Collection[str] = ()

    def show(self, tenant: str) -> BackendJwtRules:
        """The rules in force; their defaults, with stamp 0, where nobody has set any."""
        found = self.records.get(BackendJwtRules, tenant=tenant)
        return found or BackendJwtRules(tenant=tenant)

    def change(
        self, caller: Caller, wanted: BackendJwtRules, stamp: int | None = None
    ) -> BackendJwtRules:
        """Put the rules in force. InvalidInput names every field that is wrong; Stale unless they
        still have the stamp, where one is given.
        """
        for attempt in range(TRIES):
            before = self.show(caller.tenant)
            if stamp is not None and stamp != before.stamp:
                raise Stale("The rules were changed meanwhile; look at them again")
            after, changes = self.prepare(caller, before, wanted)
            try:
                self.records.commit(*changes)
            except LostRace:
                if attempt == TRIES - 1:
                    raise
            else:
                return replace(after, stamp=before.stamp + 1)
        raise AssertionError("the last attempt returns or raises")

    def prepare(
        self, caller: Caller, before: BackendJwtRules, wanted: BackendJwtRules
    ) -> tuple[BackendJwtRules, list[Change]]:
        """The rules as they would be stored over `before`, and what to commit for it; InvalidInput
        naming every field that is wrong.

        Where claims of users are to be told, the gateway gets to know the users first.
        """
        if problems := list(problems_of(wanted, self.packages)):
            first = f"{problems[0].field}: {problems[0].message}"
            several = f"{len(problems)} of the rules about backend JWTs are not valid"
            raise InvalidInput(first if len(problems) == 1 else several, problems)
        after = replace(wanted, tenant=caller.tenant, stamp=before.stamp)
        if after.claims and not before.claims:
            GatewayUsers(self.records).complete(caller.tenant)
        entry = audit(
            self.clock,
            caller,
            "update",
            "backend-jwt-rules",
            caller.tenant,
            _telling(before),
            _telling(after),
        )
        return after, [Replace(after), entry]


def problems_of(rules: BackendJwtRules, packages: Collection[str]) -> Iterator[Problem]:
    """Everything that is wrong with the rules, by the names of the tenant configuration."""
    if not _DIALECT.fullmatch(rules.dialect) or rules.dialect.endswith("/"):
        yield _wrong("dialect", "must be a URI such as http://wso2.org/claims, without a last '/'")
    if len(rules.claims) > MAX_CLAIMS:
        yield _wrong("userClaims", f"has {len(rules.claims)} entries; {MAX_CLAIMS} are allowed")
    ours = backend_names(rules.dialect)
    for number, uri in enumerate(rules.claims):
        if uri not in CLAIMS or uri in ours:
            yield _wrong(f"userClaims.{number}", f"'{uri[:100]}' is not a claim of users")
    if len(set(rules.claims)) < len(rules.claims):
        yield _wrong("userClaims", "has an entry twice")
    for field, value, known in (
        ("algorithm", rules.algorithm, ALGORITHMS),
        ("encoding", rules.encoding, ENCODINGS),
        ("compatibility", rules.compatibility, COMPATIBILITIES),
    ):
        if value not in known:
            yield _wrong(field, f"must be one of {', '.join(repr(one) for one in known)}")
    least, most = EXTENSION_SECONDS
    if not least <= rules.extension_seconds <= most:
        yield _wrong("extension.seconds", f"must be {least} to {most}")
    yield from _extension(rules.extension, packages)


def _extension(name: str, packages: Collection[str]) -> Iterator[Problem]:
    if is_class_name(name):
        if not allowed(name, packages):
            listed = ", ".join(packages) or "none"
            text = f"is not in a package of the plug-in layer that may be used: {listed}"
            yield _wrong("extension.name", text)
    elif name and not is_function_name(name):
        text = "must be package.module.Class, or the name or ARN of a Lambda function"
        yield _wrong("extension.name", text)


def _wrong(field: str, message: str) -> Problem:
    return Problem(f"{MEMBER}.{field}", message)


def _telling(rules: BackendJwtRules) -> dict[str, Any]:
    told = asdict(rules)
    return {name: told[name] for name in told if name not in ("tenant", "stamp")}
