"""The schemas Application and ApplicationInfo."""

from typing import Annotated, Any, Literal

from pydantic import Field

from functions.store.bodies.model import Body, ReadOnly
from portico.domain.application import Application
from portico.domain.tenant import shown_user
from portico.services.application_rules import ApplicationDraft


class ApplicationBody(Body):
    """The schema Application, as a request."""

    name: str
    throttling_policy: Annotated[str, Field(min_length=1)]
    description: str | None = None
    token_type: Literal["JWT", "OAUTH"] | None = None
    groups: list[str] | None = None
    attributes: dict[str, str] | None = None
    visibility: Literal["PRIVATE"] | None = None  # applications are not shared with an organisation
    application_id: ReadOnly = None
    status: ReadOnly = None
    subscription_count: ReadOnly = None
    keys: ReadOnly = None
    subscription_scopes: ReadOnly = None
    owner: ReadOnly = None
    hash_enabled: ReadOnly = None
    created_time: ReadOnly = None
    updated_time: ReadOnly = None

    def draft(self) -> ApplicationDraft:
        """What the service takes."""
        return ApplicationDraft(
            name=self.name,
            policy=self.throttling_policy,
            description=self.description or "",
            token_type=self.token_type or "JWT",
            groups=tuple(self.groups or ()),
            attributes=self.attributes or {},
        )


def application_info(application: Application, subscriptions: int) -> dict[str, Any]:
    """The schema ApplicationInfo; times are epoch milliseconds as text."""
    return {
        "applicationId": application.id,
        "name": application.name,
        "throttlingPolicy": application.policy,
        "description": application.description,
        "status": application.status,
        "groups": list(application.groups),
        "subscriptionCount": subscriptions,
        "attributes": application.attributes,
        "owner": shown_user(application.owner, application.tenant),
        "tokenType": application.token_type,
        "createdTime": str(application.created),
        "updatedTime": str(application.updated),
    }


def application_body(application: Application, subscriptions: int) -> dict[str, Any]:
    """The schema Application; `keys` stays empty, for `oauth-keys` answers that."""
    return {
        **application_info(application, subscriptions),
        "keys": [],
        "subscriptionScopes": [],
        "hashEnabled": False,
        "visibility": "PRIVATE",
    }
