"""Words that the gateway judges by: on their own, because every dataclass that the authorizer does
not load makes its start shorter.
"""

from enum import StrEnum

UNLIMITED = "Unlimited"  # the policy without a limit


class State(StrEnum):
    """The states of the default life cycle; a custom life cycle may have others, so records hold
    plain text.
    """

    CREATED = "CREATED"
    PROTOTYPED = "PROTOTYPED"
    PUBLISHED = "PUBLISHED"
    BLOCKED = "BLOCKED"
    DEPRECATED = "DEPRECATED"
    RETIRED = "RETIRED"


class Access(StrEnum):
    """The gateway's answer to a call of a deployed API."""

    TOKEN = "token"  # noqa: S105 - a rule, not a password; judged by credential and subscription
    OPEN = "open"  # neither token nor subscription
    BLOCKED = "blocked"  # 503 700700
    NONE = "none"  # 404


class AuthType(StrEnum):
    """Who may call a resource, in WSO2's words (`x-auth-type`)."""

    NONE = "None"
    APPLICATION = "Application"
    USER = "Application User"
    ANY = "Application & Application User"


class KeyType(StrEnum):
    """Which of an application's two sets of keys."""

    PRODUCTION = "PRODUCTION"
    SANDBOX = "SANDBOX"


class SubscriptionStatus(StrEnum):
    """WSO2's five states of a subscription."""

    UNBLOCKED = "UNBLOCKED"
    BLOCKED = "BLOCKED"
    PROD_ONLY_BLOCKED = "PROD_ONLY_BLOCKED"
    ON_HOLD = "ON_HOLD"
    REJECTED = "REJECTED"
