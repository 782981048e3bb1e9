"""Throttling policies: how much in what time, for whom; and deny policies, which let nothing pass.

Not the counting, which is the authorizer's.
"""

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
BYTES = {"KB": 1024, "MB": 1024**2, "GB": 1024**3}


class Level(StrEnum):
    """What a policy applies to."""

    APPLICATION = "application"
    SUBSCRIPTION = "subscription"
    API = "api"  # advanced policies, of an API or a resource
    CUSTOM = "custom"  # whatever a key template picks out of a tenant's calls


@dataclass(frozen=True)
class Limit:
    """How much in what time: calls, or data where there is a `data_unit`; 0 means no limit."""

    amount: int
    unit_time: int = 1
    time_unit: str = "min"
    data_unit: str = ""

    @property
    def is_bandwidth(self) -> bool:
        """Whether it counts bytes, which only the gateway function sees."""
        return bool(self.data_unit)

    @property
    def total(self) -> int:
        """Calls, or bytes."""
        return self.amount * BYTES.get(self.data_unit, 1)

    @property
    def seconds(self) -> int:
        """The window; 0 for no limit."""
        return self.unit_time * SECONDS[self.time_unit] if self.amount else 0

    def __str__(self) -> str:
        """For people: `5000 calls in 1 min`, `20 MB in 1 day`, `no limit`."""
        if not self.amount:
            return "no limit"
        calls = "call" if self.amount == 1 else "calls"
        return f"{self.amount} {self.data_unit or calls} in {self.unit_time} {self.time_unit}"


class Sign(StrEnum):
    """What a condition looks at."""

    IP = "ip"
    IP_RANGE = "iprange"
    HEADER = "header"
    QUERY = "query"
    CLAIM = "claim"


@dataclass(frozen=True)
class Condition:
    """One thing that a call must have, or must not have (`invert`)."""

    kind: str
    name: str = ""  # of the header, query parameter or claim
    value: str = ""  # of it, or the address
    start: str = ""  # first and last address of a range
    end: str = ""
    invert: bool = False


@dataclass(frozen=True)
class Group:
    """A limit of its own for the calls that meet all the conditions."""

    conditions: tuple[Condition, ...]
    limit: Limit
    description: str = ""


@dataclass(frozen=True, kw_only=True)
class Policy(Record):
    """A named limit: `request_count` calls, or `data_amount` x `data_unit`, in each window of
    `unit_time` x `time_unit`; 0 means no limit.

    A custom policy has a `key_template`; calls that differ in one of its variables are counted
    apart, and `only` names values that variables must have for a call to count at all.
    """

    level: str
    name: str
    id: str
    display_name: str = ""
    description: str = ""
    request_count: int = 0
    unit_time: int = 1
    time_unit: str = "min"
    data_amount: int = 0
    data_unit: str = ""
    burst_count: int = 0  # calls in each `burst_unit`, 0: any
    burst_unit: str = ""
    stop_on_quota_reach: bool = True
    billing_plan: str = "FREE"
    groups: tuple[Group, ...] = ()  # the first that a call meets counts instead of the limit
    key_template: str = ""
    siddhi_query: str = ""  # a custom policy in WSO2's words, as it was given
    only: dict[str, str] = field(default_factory=dict)
    is_deployed: bool = True
    default: bool = False  # seeded by the deployment
    # other fields of the contract, kept as given
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def limit(self) -> Limit:
        """The limit that counts unless a group's does."""
        amount = self.data_amount if self.data_unit else self.request_count
        return Limit(amount, self.unit_time, self.time_unit, self.data_unit)

    @property
    def window(self) -> int:
        """The window in seconds; 0 for no limit."""
        return self.limit.seconds

    @property
    def measures_bandwidth(self) -> bool:
        """Whether any of its limits counts bytes."""
        return any(one.is_bandwidth for one in (self.limit, *(each.limit for each in self.groups)))


@dataclass(frozen=True, kw_only=True)
class PolicyUse(Record):
    """Says that an application, a subscription or an API (`kind`, `subject`) uses a policy, so that
    it may not go.
    """

    level: str
    policy: str
    kind: str
    subject: str


class DenyKind(StrEnum):
    """What a deny policy looks at: the contract's `conditionType`."""

    API = "API"
    APPLICATION = "APPLICATION"
    USER = "USER"
    IP = "IP"
    IP_RANGE = "IPRANGE"


@dataclass(frozen=True, kw_only=True)
class DenyPolicy(Record):
    """Refuses all calls of an API (full context), an application (`owner:name`), a user (name
    without tenant), an address or a range of addresses while it is `active`.
    """

    id: str
    kind: str
    value: str = ""
    start: str = ""  # first and last address of a range
    end: str = ""
    subject: str = ""  # the application's id, which a new name leaves as it is
    invert: bool = False  # all addresses but these
    active: bool = True
    created: int = 0  # epoch seconds
    created_by: str = ""
