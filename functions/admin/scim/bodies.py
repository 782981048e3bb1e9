"""Users as SCIM resources (RFC 7643 section 4.1), and what a client sends to make one."""

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from portico.domain.errors import InvalidInput
from portico.domain.tenant import shown_user
from portico.domain.user import EVERYONE, User

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
ENTERPRISE_USER = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"

# Attributes of the core schema that Portico keeps nothing of. A service provider may leave out what
# it does not support (RFC 7643 section 2.2); the answer shows what was kept.
Ignored = Any


class Part(BaseModel):
    """A complex attribute of which other sub-attributes may be sent, and are not kept."""

    model_config = ConfigDict(extra="ignore", strict=True, alias_generator=to_camel)


class Name(Part):
    """`name`."""

    given_name: Annotated[str, Field(max_length=256)] | None = None
    family_name: Annotated[str, Field(max_length=256)] | None = None


class Value(Part):
    """One value of a multi-valued attribute."""

    value: Annotated[str, Field(min_length=1, max_length=512)]
    primary: bool | None = None
    display: str | None = None


class NewUser(BaseModel):
    """A request to make a user. `groups` is taken like `roles`, as WSO2's clients send it."""

    model_config = ConfigDict(extra="forbid", strict=True, alias_generator=to_camel)

    schemas: Annotated[list[str], Field(min_length=1)]
    user_name: Annotated[str, Field(min_length=1)]
    password: str
    name: Name | None = None
    emails: list[str | Value] | None = None
    roles: list[str | Value] | None = None
    groups: list[str | Value] | None = None
    active: bool | None = None
    id: Ignored = None
    meta: Ignored = None
    external_id: Ignored = None
    display_name: Ignored = None
    nick_name: Ignored = None
    profile_url: Ignored = None
    title: Ignored = None
    user_type: Ignored = None
    preferred_language: Ignored = None
    locale: Ignored = None
    timezone: Ignored = None
    phone_numbers: Ignored = None
    ims: Ignored = None
    photos: Ignored = None
    addresses: Ignored = None
    entitlements: Ignored = None
    x509_certificates: Annotated[Ignored, Field(alias="x509Certificates")] = None
    enterprise: Annotated[Ignored, Field(alias=ENTERPRISE_USER)] = None

    def checked(self) -> "NewUser":
        """Itself, when it says that it is a user."""
        if USER not in self.schemas:
            raise InvalidInput.of("schemas", f"must name {USER}")
        return self

    @property
    def email(self) -> str:
        """The primary e-mail address, or the first."""
        emails = [one if isinstance(one, Value) else Value(value=one) for one in self.emails or []]
        first = emails[0].value if emails else ""
        return next((one.value for one in emails if one.primary), first)

    @property
    def all_roles(self) -> list[str]:
        """Roles and groups; a value may hold several with commas, as WSO2 writes them."""
        values = [
            one.display or one.value if isinstance(one, Value) else one
            for one in [*(self.roles or []), *(self.groups or [])]
        ]
        names = [name.strip() for value in values for name in value.split(",")]
        return [*dict.fromkeys(name for name in [*names, EVERYONE] if name)]


def user_body(user: User, base: str) -> dict[str, Any]:
    """A user as a SCIM resource, without the password; `base` is the address of `/scim2`."""
    created = datetime.fromtimestamp(user.created, UTC).isoformat().replace("+00:00", "Z")
    name = {"givenName": user.given_name, "familyName": user.family_name}
    body: dict[str, Any] = {
        "schemas": [USER],
        "id": user.id,
        "userName": shown_user(user.name, user.tenant),
        "active": user.active,
        "roles": [{"value": role, "display": role} for role in user.roles],
        "groups": [{"value": role, "display": role, "type": "direct"} for role in user.roles],
        "meta": {
            "resourceType": "User",
            "created": created,
            "lastModified": created,
            "location": f"{base}/Users/{user.id}",
            "version": f'W/"{user.stamp}"',
        },
    }
    if user.given_name or user.family_name:
        shown = {key: value for key, value in name.items() if value}
        body["name"] = {**shown, "formatted": " ".join(shown.values())}
    if user.email:
        body["emails"] = [{"value": user.email, "primary": True, "type": "work"}]
    return body
