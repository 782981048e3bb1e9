"""What an application may be: its draft, and the rules of each field."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from portico.domain.errors import InvalidInput, Problem
from portico.domain.policy import Level, Policy
from portico.ports import Records

OPAQUE = "OAUTH"  # WSO2's word for access tokens that are random texts
TOKEN_TYPES = ("JWT", OPAQUE)
NAME = re.compile(r"[^\W_](?:[\w .-]{0,98}[\w.-])?")
MAX_DESCRIPTION = 512
MAX_GROUPS = 50
MAX_ATTRIBUTES = 1024  # bytes of JSON: they travel in the backend JWT of every call


@dataclass(frozen=True, kw_only=True)
class ApplicationDraft:
    """What a developer says of an application."""

    name: str
    policy: str
    description: str = ""
    token_type: str = "JWT"  # noqa: S105 - a kind of token, not one
    groups: tuple[str, ...] = ()
    attributes: Mapping[str, str] = field(default_factory=dict)


def check(records: Records, tenant: str, draft: ApplicationDraft) -> None:
    """InvalidInput that names every field at fault; the policy must be one of the tenant's."""
    problems = []
    if not NAME.fullmatch(draft.name):
        text = "1 to 100 letters, digits, spaces, '_', '-' and '.'; a letter or digit first"
        problems.append(Problem("name", text))
    if len(draft.description) > MAX_DESCRIPTION:
        problems.append(Problem("description", f"at most {MAX_DESCRIPTION} characters"))
    if draft.token_type not in TOKEN_TYPES:
        problems.append(Problem("tokenType", f"one of {', '.join(TOKEN_TYPES)}"))
    if len(json.dumps(dict(draft.attributes))) > MAX_ATTRIBUTES:
        text = f"at most {MAX_ATTRIBUTES} bytes in all, names and values as JSON"
        problems.append(Problem("attributes", text))
    if len(draft.groups) > MAX_GROUPS or any(len(group) > 100 for group in draft.groups):
        text = f"at most {MAX_GROUPS}, each of 100 characters at most"
        problems.append(Problem("groups", text))
    known = records.get(Policy, tenant=tenant, level=Level.APPLICATION, name=draft.policy)
    if known is None:
        problems.append(
            Problem("throttlingPolicy", f"there is no application policy '{draft.policy}'")
        )
    if problems:
        raise InvalidInput("The application is not valid", problems)
