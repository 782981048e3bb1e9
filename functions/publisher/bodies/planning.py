"""Answers about transitions that have not been taken: dry runs."""

from typing import Any

from portico.domain.api import Api
from portico.domain.errors import InvalidInput, PorticoError
from portico.services.previewing import Preview


def preview_body(preview: Preview) -> dict[str, Any]:
    """What a transition would do. `refusal` is null when it would be taken."""
    return {
        "event": preview.event,
        "previousState": preview.previous,
        "postState": preview.state or None,
        "checklist": dict(preview.checklist),
        "refusal": refusal_body(preview.refusal) if preview.refusal else None,
        "gateway": {
            "deployed": list(preview.deployed),
            "undeployed": list(preview.undeployed),
            "changed": list(preview.changed),
        },
        "deprecatedVersions": [_version(api) for api in preview.deprecated],
        "refusingVersions": [
            {**_version(api), "reason": reason} for api, reason in preview.not_deprecated
        ],
        "subscriptions": {
            "carried": preview.carried,
            "closed": preview.closed,
            "kept": preview.kept,
        },
        "mails": preview.mails,
        "executions": [str(entry.payload.get("executor") or entry.kind) for entry in preview.later],
    }


def refusal_body(error: PorticoError) -> dict[str, Any]:
    """Why a transition would be refused, with a row for each field that is at fault."""
    problems = error.problems if isinstance(error, InvalidInput) else ()
    return {
        "reason": error.error,
        "description": str(error),
        "error": [{"code": one.field, "message": one.message} for one in problems],
    }


def _version(api: Api) -> dict[str, str]:
    return {"id": api.id, "name": api.name, "version": api.version}
