"""What is told about users: WSO2's claim URIs, their display tags, and OpenID Connect's names.

Pure: the tokens, the userinfo endpoint, response headers and SCIM all read from here.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from portico.domain.backend_jwt import DIALECT as DIALECT
from portico.domain.tenant import join_user
from portico.domain.user import EVERYONE, User

OPENID = "openid"
USERINFO = "userinfo"
# Scope -> the claims that it asks for (OpenID Connect Core section 5.4). `groups` and `roles` are
# what WSO2's users know.
SCOPES: dict[str, tuple[str, ...]] = {
    "profile": (
        "name",
        "family_name",
        "given_name",
        "middle_name",
        "nickname",
        "preferred_username",
        "profile",
        "picture",
        "website",
        "gender",
        "birthdate",
        "zoneinfo",
        "locale",
        "updated_at",
    ),
    "email": ("email", "email_verified"),
    "address": ("address",),
    "phone": ("phone_number", "phone_number_verified"),
    "groups": ("groups",),
    "roles": ("roles",),
}
OIDC_SCOPES = frozenset((OPENID, "offline_access", *SCOPES))
_ADDRESS = {
    "formatted": "addresses.formatted",
    "street_address": "streetaddress",
    "locality": "locality",
    "region": "region",
    "postal_code": "postalcode",
    "country": "country",
}
_BOOLEAN = ("email_verified", "phone_number_verified")


@dataclass(frozen=True)
class Claim:
    """A local claim; `oidc` is its name in id_tokens, '' when it has none there."""

    name: str  # the URI without the dialect
    tag: str  # what people read
    oidc: str = ""

    @property
    def uri(self) -> str:
        """WSO2's name of it."""
        return f"{DIALECT}/{self.name}"

    @property
    def header(self) -> str:
        """The HTTP header of a token response that carries it."""
        return self.tag.replace(" ", "-")


# WSO2's default claim dialect, as far as it is about people.
CLAIMS: dict[str, Claim] = {
    claim.uri: claim
    for claim in (
        Claim("username", "Username"),
        Claim("userid", "User ID"),
        Claim("emailaddress", "Email", "email"),
        Claim("identity/emailVerified", "Email Verified", "email_verified"),
        Claim("givenname", "First Name", "given_name"),
        Claim("lastname", "Last Name", "family_name"),
        Claim("middleName", "Middle Name", "middle_name"),
        Claim("fullname", "Full Name", "name"),
        Claim("nickname", "Nick Name", "nickname"),
        Claim("displayName", "Display Name", "preferred_username"),
        Claim("role", "Role", "groups"),
        Claim("addresses", "Address", "address"),
        Claim("addresses.formatted", "Formatted Address"),
        Claim("streetaddress", "Street Address"),
        Claim("locality", "Locality"),
        Claim("region", "Region"),
        Claim("postalcode", "Postal Code"),
        Claim("country", "Country"),
        Claim("organization", "Organization"),
        Claim("telephone", "Telephone", "phone_number"),
        Claim("identity/phoneVerified", "Phone Verified", "phone_number_verified"),
        Claim("mobile", "Mobile"),
        Claim("dob", "Birth Date", "birthdate"),
        Claim("gender", "Gender", "gender"),
        Claim("title", "Title"),
        Claim("url", "URL", "website"),
        Claim("photourl", "Photo URL", "picture"),
        Claim("timeZone", "Time Zone", "zoneinfo"),
        Claim("local", "Local", "locale"),
        Claim("modified", "Modified Time", "updated_at"),
    )
}
_OIDC = {claim.oidc: claim for claim in CLAIMS.values() if claim.oidc}
# Every name that a client may ask for, by a scope or the `claims` parameter.
NAMES = frozenset((*_OIDC, "groups", "roles"))


def value_of(user: User, uri: str) -> str:
    """The user's value of a claim as text; '' when there is none."""
    full = " ".join(part for part in (user.given_name, user.family_name) if part)
    own = {
        "username": user.name,
        "userid": user.id,
        "emailaddress": user.email,
        "givenname": user.given_name,
        "lastname": user.family_name,
        "fullname": full,
        "displayName": user.name,
        "role": ",".join(roles_of(user)),
        "addresses": _address_of(user),
    }
    given = user.claims.get(uri, "")
    return given or own.get(uri.removeprefix(f"{DIALECT}/"), "")


def told(user: User) -> dict[str, str]:
    """All claims that the user has, by URI."""
    known = {uri: value_of(user, uri) for uri in (*CLAIMS, *user.claims)}
    return {uri: text for uri, text in known.items() if text}


def _address_of(user: User) -> str:
    """The address in one piece: as it was written, or its parts in the order of an envelope."""
    formatted, *parts = (user.claims.get(f"{DIALECT}/{name}", "") for name in _ADDRESS.values())
    return formatted or ", ".join(part for part in parts if part)


def roles_of(user: User) -> tuple[str, ...]:
    """The user's roles, with the one that all have."""
    return tuple(dict.fromkeys((*user.roles, EVERYONE)))


def oidc_claims(user: User, names: Collection[str]) -> dict[str, Any]:
    """Those of the OpenID Connect claims that the user has; `sub` is not one of them."""
    found: dict[str, Any] = {}
    for name in names:
        if name in ("groups", "roles"):
            found[name] = list(roles_of(user))
        elif name == "address":
            address = {
                part: text
                for part, local in _ADDRESS.items()
                if (text := value_of(user, f"{DIALECT}/{local}"))
            }
            if address:
                found[name] = address
        elif name in _OIDC and (text := value_of(user, _OIDC[name].uri)):
            found[name] = _typed(name, text)
    return found


def names_of(scopes: Collection[str]) -> list[str]:
    """The claims that scopes ask for."""
    return [name for scope, names in SCOPES.items() if scope in scopes for name in names]


def requested(claims: Mapping[str, Any], place: str) -> tuple[str, ...]:
    """The names that the `claims` parameter asks for (OpenID Connect Core section 5.5); `place` is
    `id_token` or `userinfo`. Names that are not known are left out; values that are asked for are
    not heeded, and neither is `essential`, for a claim that is not there is no error.
    """
    asked = claims.get(place)
    return tuple(name for name in asked if name in NAMES) if isinstance(asked, Mapping) else ()


def subject_of(user: User) -> str:
    """`sub` of a user's tokens: the full name, as WSO2 has it."""
    return join_user(user.name, user.tenant)


def _typed(name: str, text: str) -> Any:
    if name in _BOOLEAN:
        return text.lower() == "true"
    if name == "updated_at":
        return int(text) if text.isdigit() else text
    return text
