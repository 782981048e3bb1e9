"""Users and roles as SCIM resources (RFC 7643 section 4) and back."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from pydantic.alias_generators import to_camel
from scim2_models import Context, EnterpriseUser, Group, Resource, ResponseParameters
from scim2_models import User as ScimUser

from portico.domain.claims import DIALECT
from portico.domain.errors import InvalidInput
from portico.domain.roles import Role, standing
from portico.domain.tenant import shown_user
from portico.domain.user import EVERYONE, User

UserResource = ScimUser[EnterpriseUser]
USER, ENTERPRISE = str(ScimUser.__schema__), str(EnterpriseUser.__schema__)
MAX_TEXT = 512
# Attributes that are kept as claims: by their name in SCIM, the local claim.
TEXTS = {
    "display_name": "displayName",
    "nick_name": "nickname",
    "title": "title",
    "locale": "local",
    "timezone": "timeZone",
    "profile_url": "url",
    "preferred_language": "preferredLanguage",
    "user_type": "userType",
    "external_id": "externalid",
}
ADDRESS = {
    "formatted": "addresses.formatted",
    "street_address": "streetaddress",
    "locality": "locality",
    "region": "region",
    "postal_code": "postalcode",
    "country": "country",
}
FORMATTED = f"{DIALECT}/{ADDRESS['formatted']}"
PHONES = {"work": "telephone", "mobile": "mobile"}
PHOTO, MIDDLE, ORGANIZATION = "photourl", "middleName", "organization"
OURS = {*TEXTS.values(), *ADDRESS.values(), *PHONES.values(), PHOTO, MIDDLE, ORGANIZATION}


def user_resource(user: User, base: str) -> "ScimUser[EnterpriseUser]":
    """A user as a SCIM resource, without the password; `base` is the address of `/scim2`."""

    def told(local: str) -> str:
        return user.claims.get(f"{DIALECT}/{local}", "")

    full = " ".join(part for part in (user.given_name, user.family_name) if part)
    name = {
        "givenName": user.given_name,
        "familyName": user.family_name,
        "middleName": told(MIDDLE),
        "formatted": full,
    }
    address = {part: told(local) for part, local in ADDRESS.items()}
    phones = [{"value": told(local), "type": kind} for kind, local in PHONES.items()]
    body: dict[str, Any] = {
        "schemas": [USER],
        "id": user.id,
        "userName": shown_user(user.name, user.tenant),
        "active": user.active,
        "name": _present(name),
        "emails": [{"value": user.email, "primary": True, "type": "work"}] * bool(user.email),
        "phoneNumbers": [one for one in phones if one["value"]],
        "addresses": [{**_present(address), "type": "work"}] if any(address.values()) else [],
        "photos": [{"value": told(PHOTO), "type": "photo"}] * bool(told(PHOTO)),
        "roles": [{"value": role, "display": role} for role in user.roles],
        "groups": [_membership(user.tenant, role, base) for role in user.roles],
        "meta": _meta("User", user.created, f"{base}/Users/{user.id}", user.stamp),
        **{to_camel(name): told(local) for name, local in TEXTS.items()},
    }
    if told(ORGANIZATION):
        body["schemas"] = [USER, ENTERPRISE]
        body[ENTERPRISE] = {"organization": told(ORGANIZATION)}
    return UserResource.model_validate(_present(body))


def user_fields(given: "ScimUser[EnterpriseUser]", known: User | None = None) -> dict[str, Any]:
    """What a resource says of a user, as `Accounts` takes it; claims of other kinds stay."""
    claims = {} if known is None else dict(known.claims)
    for local in OURS:
        claims.pop(f"{DIALECT}/{local}", None)
    name, enterprise = given.name, given[EnterpriseUser]
    address = _primary(given.addresses)
    photo = _primary(given.photos)
    values: dict[str, Any] = {
        **{local: getattr(given, name) for name, local in TEXTS.items()},
        **{local: getattr(address, part, None) for part, local in ADDRESS.items()},
        **{local: _phone(given.phone_numbers, kind) for kind, local in PHONES.items()},
        PHOTO: photo.value if photo else None,
        MIDDLE: name.middle_name if name else None,
        ORGANIZATION: enterprise.organization if enterprise else None,
    }
    texts = {local: str(value).strip() for local, value in values.items() if value}
    email = _primary(given.emails)
    fields = {
        "given_name": (name.given_name if name else None) or "",
        "family_name": (name.family_name if name else None) or "",
        "email": str(email.value) if email and email.value else "",
        "active": given.active is not False,
        "roles": _roles(given.roles),
        "claims": {**claims, **{f"{DIALECT}/{local}": text for local, text in texts.items()}},
    }
    _check(fields)
    return fields


def group_resource(role: Role, members: Iterable[User], base: str) -> Group:
    """A role as a SCIM group."""
    found = [
        {
            "value": user.id,
            "display": user.name,
            "type": "User",
            "$ref": f"{base}/Users/{user.id}",
        }
        for user in members
    ]
    return Group.model_validate(
        _present(
            {
                "schemas": [str(Group.__schema__)],
                "id": role.id,
                "displayName": role.name,
                "members": found,
                "meta": _meta("Group", role.created, f"{base}/Groups/{role.id}", role.stamp),
            }
        )
    )


def shown(resource: Resource[Any], chosen: "ResponseParameters[Any]") -> dict[str, Any]:
    """A resource as JSON, with only the attributes asked for (RFC 7644 section 3.9)."""
    body: dict[str, Any] = resource.model_dump(
        scim_ctx=Context.RESOURCE_QUERY_RESPONSE, response_parameters=chosen
    )
    return body


def _membership(tenant: str, role: str, base: str) -> dict[str, str]:
    group = standing(tenant, role)
    return {
        "value": role,
        "display": role,
        "type": "direct",
        "$ref": f"{base}/Groups/{group.id}",
    }


def _meta(kind: str, created: int, location: str, stamp: int) -> dict[str, Any]:
    moment = datetime.fromtimestamp(created, UTC)
    return {
        "resourceType": kind,
        "created": moment,
        "lastModified": moment,
        "location": location,
        "version": f'W/"{stamp}"',
    }


def _present(body: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in body.items() if value not in ("", [], {}, None)}


def _primary(values: "list[Any] | None") -> Any:
    """The primary one of several values, or the first."""
    found = [one for one in values or [] if one is not None]
    return next((one for one in found if one.primary), found[0] if found else None)


def _phone(numbers: "list[Any] | None", kind: str) -> str | None:
    return next((one.value for one in numbers or [] if (one.type or "work").lower() == kind), None)


def _roles(values: "list[Any] | None") -> list[str]:
    """Names of roles; a value may hold several with commas, as WSO2 writes them."""
    names = []
    for one in values or []:
        if not one.value:
            raise InvalidInput.of("roles", "a role needs a value")
        names += [name.strip() for name in (one.display or one.value).split(",")]
    return [*dict.fromkeys(name for name in [*names, EVERYONE] if name)]


def _check(fields: dict[str, Any]) -> None:
    texts = {"given_name": 256, "family_name": 256, "email": MAX_TEXT}
    for name, most in texts.items():
        if len(fields[name]) > most:
            raise InvalidInput.of(name, f"has more than {most} characters")
    for uri, text in fields["claims"].items():
        # RFC 7643 section 4.1.2 writes a whole address in several lines.
        lines = text.split("\n") if uri == FORMATTED else [text]
        if len(text) > 2 * MAX_TEXT or not all(line.isprintable() for line in lines):
            raise InvalidInput.of(uri, f"must be printable, at most {2 * MAX_TEXT} characters")
