"""What is remembered of access tokens besides themselves, where a tenant's rules ask for it: how
many a client has, and which may be given again. No token's text is ever kept.
"""

from dataclasses import dataclass, field
from typing import Any

from portico.domain.records import Record


@dataclass(frozen=True)
class LiveToken:
    """A token that has not expired; `digest` is that of an opaque one."""

    jti: str
    expires: int  # epoch seconds
    digest: str = ""


@dataclass(frozen=True, kw_only=True)
class LiveTokens(Record):
    """The live access tokens of a client whose number is limited, the oldest first."""

    client_id: str
    tokens: tuple[LiveToken, ...]
    expires: int  # epoch seconds: the last one's end


@dataclass(frozen=True, kw_only=True)
class KeptToken(Record):
    """A token that may be given again, by a digest of whom it is for and what it allows.

    Signing `claims` with the key `kid` gives the same text again.
    """

    digest: str
    kid: str
    expires: int  # epoch seconds
    claims: dict[str, Any] = field(default_factory=dict)
