"""Names, versions and contexts of APIs: what is legal, what the gateway keeps for itself, what
collides.
"""

import re

from portico.domain.errors import InvalidInput
from portico.domain.paths import MAX_CONTEXT_SEGMENTS
from portico.domain.tenant import SUPER_TENANT

MAX_NAME = 150
MAX_CONTEXT = 232  # the contract's limit
RESERVED = frozenset(
    [
        ".well-known",
        "api",
        "authorize",
        "client-registration",
        "login",
        "logout",
        "oauth2",
        "oidc",
        "revoke",
        "scim2",
        "t",
        "token",
        "userinfo",
    ]
)
_NAME = re.compile(r"""[^~!@#;:%^*()+={}|\\<>"',&$\[\]/\x00-\x1f\x7f]+""")  # the contract's pattern
_VERSION = re.compile(r"[A-Za-z0-9._-]{1,30}")
_SEGMENT = re.compile(r"[A-Za-z0-9._~-]+")


def check_name(name: str) -> None:
    """An API's name by the contract's pattern."""
    if not name.strip():
        raise InvalidInput.of("name", "is empty")
    if len(name) > MAX_NAME:
        raise InvalidInput.of("name", f"is longer than {MAX_NAME} characters")
    if name != name.strip() or not _NAME.fullmatch(name):
        raise InvalidInput.of(
            "name", "has white space at an end or one of ~!@#;:%^*()+={}|\\<>\"',&$[]/"
        )


def check_version(version: str) -> None:
    """A version is one segment of the API's path, so only letters, digits, `.`, `_` and `-`."""
    if not _VERSION.fullmatch(version) or version in (".", ".."):
        raise InvalidInput.of("version", "must be 1 to 30 letters, digits, '.', '_' or '-'")


def canonical_context(text: str, version: str, tenant: str) -> str:
    """The context as stored: with a leading `/` and, outside the super tenant, `/t/{tenant}` before
    it.

    `{version}` may stand for one whole segment; without it the version follows the context.
    """
    own = "/" + text.strip("/") if text.strip("/") else ""
    if not own:
        raise InvalidInput.of("context", "is empty")
    prefix = "" if tenant == SUPER_TENANT else f"/t/{tenant}"
    if prefix and own.startswith(prefix + "/"):
        own = own.removeprefix(prefix)
    segments = own[1:].split("/")
    for segment in segments:
        if segment != "{version}" and (not _SEGMENT.fullmatch(segment) or segment in (".", "..")):
            raise InvalidInput.of(
                "context",
                "may have letters, digits, '.', '_', '~' and '-', and the segment '{version}'",
            )
    if segments.count("{version}") > 1:
        raise InvalidInput.of("context", "may have '{version}' once")
    if segments == ["{version}"]:
        raise InvalidInput.of("context", "must have more than '{version}'")
    _check_reserved(segments, version)
    context = prefix + own
    if len(context) > MAX_CONTEXT:
        raise InvalidInput.of("context", f"is longer than {MAX_CONTEXT} characters")
    deep = context.count("/") + (0 if "{version}" in segments else 1)
    if deep > MAX_CONTEXT_SEGMENTS:
        raise InvalidInput.of(
            "context", f"has {deep} segments with the version; {MAX_CONTEXT_SEGMENTS} are allowed"
        )
    return context


def _check_reserved(segments: list[str], version: str) -> None:
    # The default version is served without the version segment, so its first segment counts too.
    firsts = {segments[0], *(segment for segment in segments[:2] if segments[0] == "{version}")}
    for first in firsts:
        name = version if first == "{version}" else first
        if name.lower() in RESERVED:
            raise InvalidInput.of(
                "context", f"may not begin with /{name}: the gateway itself uses it"
            )


def bare_context(context: str) -> str:
    """The context of the default version: `/pizza` stays, `/{version}/pizza` becomes `/pizza`."""
    return context.replace("/{version}", "")
