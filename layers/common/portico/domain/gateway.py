"""The authorizer's read model: what it must know to judge a call, written in the same transaction
as its sources.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from portico.domain.behaviour import HIDDEN, STANDARD
from portico.domain.records import Record
from portico.domain.tenant import split_user


@dataclass(frozen=True, kw_only=True)
class Deployment(Record):
    """A revision on the gateway, compiled. `prefix` is the full context, lower case is not applied
    (paths are case-sensitive).

    `resources` are `[template, verb, auth_type, [scopes], policy]` lists, most specific first is
    the reader's business.
    """

    prefix: str
    api_id: str
    name: str
    version: str
    context: str  # full context, the same as `prefix` but for a default version
    provider: str
    state: str
    revision_id: str
    resources: list[list[Any]]
    production_endpoint: str = ""
    sandbox_endpoint: str = ""
    api_policy: str = ""
    delivery: str = "mediated"
    pass_authorization: bool = False
    authorization_header: str = "Authorization"
    cors: dict[str, Any] | None = None
    scopes: dict[str, list[str]] = field(default_factory=dict)  # name -> roles that may have it
    access: str = ""  # what the state means to callers; '' in records older than this field
    deprecated: int = 0  # epoch seconds since when, 0: it is not
    sunset: int = 0  # epoch seconds from when on it may be gone, 0: nobody said
    planned: bool = False  # delivered by a `DeliveryPlan`
    mock: bool = False  # answered from the examples of its definition; it has no endpoint
    wording: dict[str, str] = field(default_factory=dict)  # scope -> what it allows, for people
    # Kinds of credentials that count, in WSO2's words (oauth2, api_key, basic_auth); [] in records
    # older than this field, which means oauth2.
    security: list[str] = field(default_factory=list)
    api_key_header: str = ""  # and query parameter; '': `apikey`
    audiences: list[str] = field(default_factory=list)  # tokens must be for one of them, []: any

    @property
    def answers(self) -> str:
        """How calls are answered: `access`, or what the state has always meant."""
        return self.access or STANDARD.get(self.state.upper(), HIDDEN).access


@dataclass(frozen=True, kw_only=True)
class MockAnswers(Record):
    """What a deployed prototype without a back end answers: by `VERB template` its status, content
    type and body.
    """

    revision_id: str
    answers: dict[str, list[Any]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class DeliveryPlan(Record):
    """How calls of a deployed revision are delivered, where an address a side does not say it all.

    `production` and `sandbox` are as `portico.domain.endpoints.side_plan` makes them, `rules` as
    `portico.domain.mediation.rules`. A plan that is no longer deployed stays for a while: what was
    decided before is delivered by it.
    """

    revision_id: str
    api_id: str
    production: dict[str, Any] = field(default_factory=dict)
    sandbox: dict[str, Any] = field(default_factory=dict)
    cache_seconds: int = 0  # how long answers may be kept, 0: not at all
    rules: dict[str, dict[str, list[list[str]]]] = field(default_factory=dict)
    validated: bool = False  # requests must fit their `RequestSchemas`
    expires: int = 0  # epoch seconds, 0: it is deployed


@dataclass(frozen=True, kw_only=True)
class RequestSchemas(Record):
    """What requests of a deployed revision must look like, taken from its definition.

    `operations` are, by `VERB template`, the parameters and the bodies by media type; their
    references lead to `components`.
    """

    revision_id: str
    operations: dict[str, dict[str, Any]] = field(default_factory=dict)
    components: dict[str, Any] = field(default_factory=dict)
    dialect: str = "3.0"  # of OpenAPI
    expires: int = 0  # epoch seconds, 0: it is deployed


@dataclass(frozen=True, kw_only=True)
class Grant(Record):
    """A subscription as the gateway sees it; `prefix` is the API's full context.

    Tokens issued up to `since` (epoch seconds) are revoked for this subscription.
    """

    application_id: str
    prefix: str
    api_id: str
    subscription_id: str
    status: str
    policy: str
    since: int = 0


@dataclass(frozen=True, kw_only=True)
class GatewayApplication(Record):
    """An application as the gateway sees it; tokens issued up to `since` (epoch seconds) are
    revoked.
    """

    application_id: str
    number: int
    name: str
    owner: str
    policy: str
    attributes: dict[str, str] = field(default_factory=dict)
    since: int = 0
    status: str = ""  # '' and APPROVED: in use


@dataclass(frozen=True, kw_only=True)
class OpaqueToken(Record):
    """An access token that is a random text, by its SHA-256 digest: the claims that a JWT would
    carry. It is gone when it is revoked.
    """

    digest: str
    expires: int  # epoch seconds
    claims: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class GatewayApiKey(Record):
    """An API key that is a random text, by its SHA-256 digest: the claims that a self-contained one
    would carry. It is gone when it is revoked.
    """

    digest: str
    expires: int  # epoch seconds
    claims: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class GatewayClient(Record):
    """A live consumer key; it is removed when the key is, and calls with its tokens fail from then
    on.
    """

    client_id: str
    application_id: str
    key_type: str


@dataclass(frozen=True, kw_only=True)
class PolicyTable(Record):
    """All throttling and deny policies of a tenant in one item: level -> name -> entry.

    What an entry is, `portico.services.policy_mirror` says. In older tables it is a list: calls,
    window in seconds, and whether calls stop at the limit.
    """

    policies: dict[str, dict[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Revocation(Record):
    """A revoked token (its `jti`), token family (`fam:`), consumer key (`client:`) or user
    (`user:`); it stays until what it revokes has expired.
    """

    subject: str
    expires: int  # epoch seconds
    since: int = 0  # tokens issued up to this moment are revoked, 0: all; epoch seconds

    def ends(self, issued: float, now: float) -> bool:
        """Whether a token issued at that moment is revoked now; both in epoch seconds."""
        return self.expires > now and (not self.since or issued <= self.since)


def subject_of_user(name: str) -> str:
    """The subject of the revocation of a user's tokens; `name` without tenant, in any case."""
    return f"user:{name.lower()}"


def revoking_subjects(claims: Mapping[str, Any]) -> list[str]:
    """The subjects of all revocations that may end an access token with these claims."""
    told = {name: str(claims.get(name) or "") for name in ("jti", "fam", "client_id", "sub")}
    subjects = [told["jti"]] * bool(told["jti"])
    subjects += [f"fam:{told['fam']}"] * bool(told["fam"])
    subjects.append(f"client:{told['client_id']}")
    if claims.get("aut") == "APPLICATION_USER":
        subjects.append(subject_of_user(split_user(told["sub"])[0]))
    return subjects


@dataclass(frozen=True, kw_only=True)
class PublicKeys(Record):
    """The JWKS (RFC 7517) of the deployment: the public halves of all signing keys; `tenant` is
    `*`.

    `access` names the key ids that sign access tokens, so that no other key of the set is taken for
    them.
    """

    keys: list[dict[str, Any]]
    access: tuple[str, ...] = ()
