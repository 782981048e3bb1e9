"""The audit trail: one entry for every state-changing call, in the same commit as the change.

Not a log: an entry says who changed what, and nothing of how.
"""

import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from portico.domain.operations import AuditEntry
from portico.domain.records import Create
from portico.domain.user import Caller
from portico.ports import Clock


def audit(
    clock: Clock,
    caller: Caller,
    action: str,
    kind: str,
    subject: str,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> Create:
    """The entry to commit with a change.

    `before` and `after` hold a few telling fields, never secrets; a field that is equal in both is
    left out. `action` is a verb of the domain ("create", "deploy", "transition"), `kind` what it
    was done to ("api") and `subject` its id.
    """
    now = clock.now()
    was, became = dict(before or {}), dict(after or {})
    for name in [name for name in was if name in became and was[name] == became[name]]:
        del was[name], became[name]
    return Create(
        AuditEntry(
            tenant=caller.tenant,
            day=datetime.fromtimestamp(now, UTC).date().isoformat(),
            order=time_order(now),
            user=caller.user,
            action=action,
            kind=kind,
            subject=subject,
            before=was,
            after=became,
        )
    )


def time_order(now: float) -> str:
    """A sort key: epoch milliseconds in fixed width, and a random part against collisions."""
    return f"{int(now * 1000):015d}-{secrets.token_hex(4)}"
