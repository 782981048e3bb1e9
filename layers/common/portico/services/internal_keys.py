"""Internal keys: a publisher tests an API with one before it is published. They are short-lived,
for one API, and ask for no subscription.
"""

import uuid
from dataclasses import dataclass

from portico.domain.api import Api
from portico.domain.errors import NotFound
from portico.domain.tenant import join_user
from portico.domain.user import Caller
from portico.ports import Clock, Records
from portico.services.api_keys import KeySigner
from portico.services.auditing import audit

VALIDITY = 900  # seconds


@dataclass(frozen=True)
class InternalKeys:
    """Makes internal keys; they are not kept."""

    records: Records
    clock: Clock
    signer: KeySigner

    def generate(self, caller: Caller, api_id: str) -> tuple[str, int]:
        """A key's text and its validity in seconds. NotFound, Unavailable."""
        api = self.records.get(Api, tenant=caller.tenant, id=api_id)
        if api is None:
            raise NotFound("API", api_id)
        now, key_id = int(self.clock.now()), str(uuid.uuid4())
        text = self.signer.sign(
            "internal_key",
            {
                "sub": join_user(caller.user, caller.tenant),
                "jti": key_id,
                "iat": now,
                "exp": now + VALIDITY,
                "tenant": caller.tenant,
                "token_type": "InternalKey",
                "keytype": "PRODUCTION",
                "api": api.id,
            },
        )
        self.records.commit(
            audit(self.clock, caller, "generate-internal-key", "api", api.id, after={"key": key_id})
        )
        return text, VALIDITY
