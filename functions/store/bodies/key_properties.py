"""The additional properties of keys, by the names that WSO2's resident key manager has for them,
and several callback URLs in its one field.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from portico.domain.application import ID_TOKEN, Client
from portico.domain.errors import InvalidInput
from portico.domain.grant_types import CLIENT_CREDENTIALS
from portico.services.client_keys import keys_of
from portico.services.key_settings import KeySettings

FIELD = "additionalProperties"
APPLICATION_EXPIRY = "application_access_token_expiry_time"
USER_EXPIRY = "user_access_token_expiry_time"
REFRESH_EXPIRY = "refresh_token_expiry_time"
ID_EXPIRY = "id_token_expiry_time"
GRANT_EXPIRIES = "grant_type_expiry_times"  # ours: grant type -> seconds
JWKS, JWKS_URI = "jwks", "jwks_uri"  # ours, as RFC 7591 section 2 has them: private_key_jwt
PKCE, PKCE_PLAIN, PUBLIC = "pkceMandatory", "pkceSupportPlain", "bypassClientCredentials"
KNOWN = (
    APPLICATION_EXPIRY,
    USER_EXPIRY,
    REFRESH_EXPIRY,
    ID_EXPIRY,
    GRANT_EXPIRIES,
    PKCE,
    PKCE_PLAIN,
    PUBLIC,
    JWKS,
    JWKS_URI,
)
# WSO2 takes one text and has a pattern in it where there are several. Addresses are compared as
# they are (RFC 9700 section 4.1.3), so only a plain choice of them is understood.
_SEVERAL = re.compile(r"regexp=\((.*)\)")


def settings_of(properties: Mapping[str, Any]) -> KeySettings:
    """What the properties choose; InvalidInput that names one that is unknown or wrong."""
    for name in properties:
        if name not in KNOWN:
            raise InvalidInput.of(f"{FIELD}.{name[:100]}", "is not a known property")
    if _flag(properties, PKCE_PLAIN):
        text = "is refused: only S256 protects a code (RFC 7636 section 7.2, RFC 9700)"
        raise InvalidInput.of(f"{FIELD}.{PKCE_PLAIN}", text)
    validities = dict(_grant_expiries(properties.get(GRANT_EXPIRIES)))
    for name, grant in ((APPLICATION_EXPIRY, CLIENT_CREDENTIALS), (ID_EXPIRY, ID_TOKEN)):
        given = seconds(f"{FIELD}.{name}", properties.get(name))
        if given is not None:
            validities[grant] = given
    return KeySettings(
        token_validity=seconds(f"{FIELD}.{USER_EXPIRY}", properties.get(USER_EXPIRY)),
        refresh_validity=seconds(f"{FIELD}.{REFRESH_EXPIRY}", properties.get(REFRESH_EXPIRY)),
        validities=validities or None,
        public=_flag(properties, PUBLIC),
        require_pkce=_flag(properties, PKCE),
        proof=_proof(properties),
    )


def properties_of(client: Client) -> dict[str, Any]:
    """The properties as the contract's answers have them."""
    special = (CLIENT_CREDENTIALS, ID_TOKEN)
    others = {name: value for name, value in client.validities.items() if name not in special}
    return {
        APPLICATION_EXPIRY: client.validity(CLIENT_CREDENTIALS),
        USER_EXPIRY: client.token_validity,
        REFRESH_EXPIRY: client.refresh_validity,
        ID_EXPIRY: client.validities.get(ID_TOKEN, "N/A"),
        **({GRANT_EXPIRIES: others} if others else {}),
        PKCE: client.public or client.require_pkce,
        PKCE_PLAIN: False,
        PUBLIC: client.public,
        **({JWKS: {"keys": client.jwks}} if client.jwks else {}),
        **({JWKS_URI: client.jwks_uri} if client.jwks_uri else {}),
    }


def callbacks(text: str) -> tuple[str, ...]:
    """The callback URLs in WSO2's field: one, several with commas or white space between them, or
    `regexp=(one|another)`.
    """
    several = _SEVERAL.fullmatch(text.strip())
    found = several[1].split("|") if several else re.split(r"[\s,]+", text.strip())
    return tuple(dict.fromkeys(one.strip() for one in found if one.strip()))


def callback_text(uris: Sequence[str]) -> str:
    """The callback URLs as WSO2's field has them."""
    return uris[0] if len(uris) == 1 else ",".join(uris)


def seconds(field: str, value: Any) -> int | None:
    """A whole number as number or text; WSO2's portal writes "N/A" for none."""
    if value in (None, "", "N/A"):
        return None
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 10:
        return int(value)
    raise InvalidInput.of(field, "must be a whole number of seconds")


def _grant_expiries(value: Any) -> dict[str, int]:
    if not isinstance(value, dict | None):
        raise InvalidInput.of(f"{FIELD}.{GRANT_EXPIRIES}", "must be an object: grant type, seconds")
    found = {
        name: seconds(f"{FIELD}.{GRANT_EXPIRIES}.{name[:100]}", one)
        for name, one in (value or {}).items()
    }
    return {name: one or 0 for name, one in found.items()}


def _proof(properties: Mapping[str, Any]) -> tuple[list[dict[str, Any]], str] | None:
    """The keys that the application signs assertions with; None when nothing is said of them, none
    at all when they are said to be empty, which brings secrets back.
    """
    said = {name: properties[name] for name in (JWKS, JWKS_URI) if properties.get(name) is not None}
    given = {name: value for name, value in said.items() if value not in ("", {})}
    if said and not given:
        return [], ""

    def wrong(name: str, text: str) -> InvalidInput:
        return InvalidInput.of(f"{FIELD}.{name}", text)

    return keys_of(given, "", wrong) if given else None


def _flag(properties: Mapping[str, Any], name: str) -> bool | None:
    """A truth value as such or as text, as WSO2's portal may send it."""
    value = properties.get(name)
    known = {True: True, False: False, "true": True, "false": False}
    if value is None or value == "":
        return None
    if isinstance(value, bool | str) and value in known:
        return known[value]
    raise InvalidInput.of(f"{FIELD}.{name}", "must be true or false")
