"""Throttling policies: how many calls in what time."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from portico.domain.records import Record
from portico.domain.words import UNLIMITED as UNLIMITED

SECONDS = {
    "sec": 1,
    "min": 60,
    "hour": 3600,
    "day": 86400,
    "days": 86400,  # as WSO2's own console writes it
    "week": 604800,
    "month": 2592000,
    "year": 31536000,
}


class Level(StrEnum):
    """What a policy applies to."""

    APPLICATION = "application"
    SUBSCRIPTION = "subscription"
    API = "api"  # advanced policies, of an API or a resource


@dataclass(frozen=True, kw_only=True)
class Policy(Record):
    """A named limit: `request_count` calls in each window of `unit_time` x `time_unit`; 0 calls
    means no limit.
    """

    level: str
    name: str
    id: str
    display_name: str = ""
    description: str = ""
    request_count: int = 0
    unit_time: int = 1
    time_unit: str = "min"
    stop_on_quota_reach: bool = True
    billing_plan: str = "FREE"
    is_deployed: bool = True
    default: bool = False  # seeded by the deployment
    # other fields of the contract, kept as given
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def window(self) -> int:
        """The window in seconds; 0 for no limit."""
        return self.unit_time * SECONDS[self.time_unit] if self.request_count else 0


@dataclass(frozen=True, kw_only=True)
class PolicyUse(Record):
    """Says that an application, a subscription or an API (`kind`, `subject`) uses a policy, so that
    it may not go.
    """

    level: str
    policy: str
    kind: str
    subject: str
