"""Parameter mappings of HTTP_PROXY integrations, checked as API Gateway checks them.

Source: API Gateway developer guide, "Transform API requests and responses for HTTP APIs".
"""

from collections.abc import Mapping

from portico.domain.errors import InvalidInput

# The guide's "Reserved headers": a mapping that names one is refused. `*` ends a prefix.
RESERVED = (
    "access-control-*",
    "apigw-*",
    "authorization",
    "connection",
    "content-encoding",
    "content-length",
    "content-location",
    "forwarded",
    "keep-alive",
    "origin",
    "proxy-authenticate",
    "proxy-authorization",
    "te",
    "trailers",
    "transfer-encoding",
    "upgrade",
    "x-amz-*",
    "x-amzn-*",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "via",
)
# `overwrite`, because the client may send a header of this name: it must never get through.
BACKEND_JWT = {"overwrite:header.X-JWT-Assertion": "$context.authorizer.jwt"}


def check_mapping(parameters: Mapping[str, str]) -> None:
    """Raises InvalidInput for a mapping that API Gateway refuses."""
    for target in parameters:
        action, _, place = target.partition(":")
        kind, _, name = place.partition(".")
        if action not in ("append", "overwrite", "remove"):
            raise InvalidInput.of(target, "starts with append:, overwrite: or remove:")
        if kind == "path":
            if action != "overwrite" or name:
                raise InvalidInput.of(target, "of a path, only overwrite:path is possible")
        elif kind not in ("header", "querystring") or not name:
            raise InvalidInput.of(target, "maps neither header.<name> nor querystring.<name>")
        elif kind == "header" and _reserved(name):
            raise InvalidInput.of(target, "names a reserved header")


def _reserved(name: str) -> bool:
    lower = name.lower()
    return any(
        lower.startswith(entry[:-1]) if entry.endswith("*") else lower == entry
        for entry in RESERVED
    )
