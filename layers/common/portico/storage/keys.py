"""Table keys of every kind of record, as plain templates: light enough for the authorizer, complete
enough for all.

A key template names record fields in braces. Every partition key starts with the tenant. `also` are
copies of the record
under other keys, written in the same transaction; their fields never change in a record's life.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

_FIELD = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class KeyPair:
    """A partition key and a sort key template."""

    pk: str
    sk: str

    def fill(self, values: Mapping[str, object]) -> tuple[str, str]:
        """The full key; a missing field is a KeyError."""
        return _fill(self.pk, values), _fill(self.sk, values)

    def prefix(self, values: Mapping[str, object]) -> tuple[str, str]:
        """The partition key and as much of the sort key as the values give."""
        known = self.sk
        for match in _FIELD.finditer(self.sk):
            if match[1] not in values:
                known = self.sk[: match.start()]
                break
        return _fill(self.pk, values), _fill(known, values)


def _fill(template: str, values: Mapping[str, object]) -> str:
    # "#" separates the parts of a key, so it may not appear inside one.
    return _FIELD.sub(
        lambda match: str(values[match[1]]).replace("%", "%25").replace("#", "%23"), template
    )


@dataclass(frozen=True)
class Place:
    """Where one kind of record lives."""

    table: str  # catalog, access, gateway, traffic, operations
    key: KeyPair
    also: Mapping[str, KeyPair] = field(default_factory=dict)


def _place(table: str, pk: str, sk: str, **also: tuple[str, str]) -> Place:
    return Place(table, KeyPair(pk, sk), {name: KeyPair(*pair) for name, pair in also.items()})


PLACES: Mapping[str, Place] = {
    # Catalog
    "Api": _place("catalog", "{tenant}#API#{id}", "API"),
    "ApiCard": _place("catalog", "{tenant}#APIS", "API#{id}"),
    "NameClaim": _place("catalog", "{tenant}#NAME#{name}", "VERSION#{version}"),
    "ContextClaim": _place("catalog", "{tenant}#CONTEXT#{context}", "CONTEXT"),
    "Revision": _place("catalog", "{tenant}#API#{api_id}", "REVISION#{id}"),
    "HistoryEntry": _place("catalog", "{tenant}#API#{api_id}", "HISTORY#{order}"),
    "Plan": _place("catalog", "{tenant}#API#{api_id}", "PLAN#{id}"),
    "ExecutionResult": _place("catalog", "{tenant}#API#{api_id}", "EXECUTION#{order}#{number}"),
    # Access
    "Tenant": _place("access", "{tenant}#TENANT", "TENANT"),
    "User": _place("access", "{tenant}#USERS", "USER#{name}", id=("{tenant}#USERIDS", "ID#{id}")),
    "UserEmail": _place("access", "{tenant}#EMAIL#{email}", "USER#{user}"),
    "SignUp": _place("access", "{tenant}#SIGNUP#{digest}", "SIGNUP"),
    "PasswordReset": _place("access", "{tenant}#RESET#{digest}", "RESET"),
    "ExternalUser": _place("access", "{tenant}#EXTERNAL#{provider}", "SUBJECT#{subject}"),
    "Role": _place("access", "{tenant}#ROLES", "ROLE#{name}"),
    "Attempts": _place("access", "{tenant}#ATTEMPTS#{subject}", "ATTEMPTS"),
    "Session": _place("access", "{tenant}#SESSION#{digest}", "SESSION"),
    "Application": _place("access", "{tenant}#OWNER#{owner}", "APPLICATION#{id}"),
    "ApplicationName": _place("access", "{tenant}#OWNER#{owner}", "NAME#{name}"),
    "ApplicationNumbers": _place("access", "{tenant}#APPLICATIONS", "NUMBERS"),
    "Developer": _place("access", "{tenant}#OWNER#{owner}", "DEVELOPER"),
    "Client": _place("access", "{tenant}#CLIENT#{client_id}", "CLIENT"),
    "ClientHome": _place("access", "{tenant}#CLIENT#{client_id}", "HOME"),
    "ClientName": _place("access", "{tenant}#OWNER#{owner}", "CLIENT#{name}"),
    "KeyMapping": _place("access", "{tenant}#APPLICATION#{application_id}", "KEYS#{key_type}"),
    "ApiKey": _place("access", "{tenant}#APPLICATION#{application_id}", "APIKEY#{key_type}#{id}"),
    "Subscription": _place(
        "access",
        "{tenant}#APPLICATION#{application_id}",
        "SUBSCRIPTION#{api_id}",
        id=("{tenant}#SUBSCRIPTION#{id}", "SUBSCRIPTION"),
        api=("{tenant}#SUBSCRIBERS#{api_id}", "SUBSCRIPTION#{application_id}"),
    ),
    "SubscriberCount": _place("access", "{tenant}#SUBSCRIBERS#{api_id}", "COUNT"),
    "RefreshToken": _place("access", "{tenant}#REFRESH#{digest}", "REFRESH"),
    "TokenFamily": _place("access", "{tenant}#FAMILY#{id}", "FAMILY"),
    "LiveTokens": _place("access", "{tenant}#CLIENT#{client_id}", "LIVE"),
    "KeptToken": _place("access", "{tenant}#KEPT#{digest}", "KEPT"),
    "TokenRules": _place("access", "{tenant}#TENANT", "TOKENS"),
    "Code": _place("access", "{tenant}#CODE#{digest}", "CODE"),
    "Flow": _place("access", "{tenant}#FLOW#{digest}", "FLOW"),
    "BrowserSession": _place("access", "{tenant}#BROWSER#{digest}", "BROWSER"),
    "Consent": _place("access", "{tenant}#CONSENT#{user}", "CLIENT#{client_id}"),
    "DeviceGrant": _place(
        "access",
        "{tenant}#DEVICE#{digest}",
        "DEVICE",
        code=("{tenant}#DEVICECODE#{user_code}", "DEVICE"),
    ),
    "Seen": _place("access", "{tenant}#SEEN#{subject}", "SEEN"),
    "Policy": _place("access", "{tenant}#POLICIES", "{level}#{name}"),
    "DenyPolicy": _place("access", "{tenant}#DENIES", "{id}"),
    "LifecycleVersion": _place("access", "{tenant}#LIFECYCLES", "VERSION#{order}"),
    "LifecycleText": _place("access", "{tenant}#LIFECYCLES", "TEXT#{order}"),
    "LifecycleChoice": _place("access", "{tenant}#LIFECYCLES", "CHOICE"),
    "PolicyUse": _place("access", "{tenant}#POLICYUSE#{level}#{policy}", "{kind}#{subject}"),
    # Gateway
    "Deployment": _place(
        "gateway",
        "{tenant}#DEPLOYMENT#{prefix}",
        "DEPLOYMENT",
        # Tells the authorizer whether a context has others below it.
        all=("{tenant}#DEPLOYMENTS", "{prefix}"),
    ),
    "MockAnswers": _place("gateway", "{tenant}#MOCKS#{revision_id}", "MOCKS"),
    "DeliveryPlan": _place("gateway", "{tenant}#DELIVERY#{revision_id}", "PLAN"),
    "RequestSchemas": _place("gateway", "{tenant}#DELIVERY#{revision_id}", "SCHEMAS"),
    "Grant": _place("gateway", "{tenant}#GRANT#{application_id}", "{prefix}"),
    "GatewayApplication": _place("gateway", "{tenant}#APPLICATION#{application_id}", "APPLICATION"),
    "GatewayClient": _place("gateway", "{tenant}#CLIENT#{client_id}", "CLIENT"),
    "OpaqueToken": _place("gateway", "{tenant}#TOKEN#{digest}", "TOKEN"),
    "GatewayApiKey": _place("gateway", "{tenant}#APIKEY#{digest}", "APIKEY"),
    "BackendJwtRules": _place("gateway", "{tenant}#BACKENDJWT", "RULES"),
    "GatewayUser": _place("gateway", "{tenant}#USER#{name}", "USER"),
    "PolicyTable": _place("gateway", "{tenant}#POLICIES", "POLICIES"),
    "Revocation": _place("gateway", "{tenant}#REVOKED#{subject}", "REVOKED"),
    "PublicKeys": _place("gateway", "{tenant}#KEYS", "KEYS"),
    # Operations
    "OutboxEntry": _place("operations", "{tenant}#OUTBOX", "{order}#{id}"),
    "OutboxTenant": _place("operations", "{tenant}#OUTBOXES", "{name}"),
    "MailSent": _place("operations", "{tenant}#MAILS#{execution}", "{digest}"),
    "DuePlan": _place("operations", "{tenant}#PLANS", "{at}#{id}"),
    "PendingTransition": _place(
        "operations",
        "{tenant}#APPROVALS",
        "API#{api_id}",
        id=("{tenant}#APPROVAL#{id}", "APPROVAL"),
    ),
    "Lease": _place("operations", "{tenant}#LEASE#{name}", "LEASE"),
    "HttpApiUse": _place("operations", "{tenant}#HTTPAPI", "USE"),
    "AuditEntry": _place("operations", "{tenant}#AUDIT#{day}", "{order}"),
}
