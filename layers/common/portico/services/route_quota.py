"""Quotas of the HTTP API: room for a pass-through API is taken in the commit that deploys it, so
that two at once cannot both have the last of it.

What is taken is counted anew by `reconciling_routes`; before its first count nothing is known, and
only the control plane's own count stops what is too much.
"""

from dataclasses import replace

from portico.domain.errors import InvalidInput
from portico.domain.http_api import DELIVERY_FIELD, PER_API, HttpApiUse, no_room
from portico.domain.records import Change, Replace
from portico.ports import Records

EVERYBODY = "*"
NEAR = 0.9  # of a quota: from here on it is warned about


def in_use(records: Records) -> HttpApiUse | None:
    """What is taken, as it is known; None before the first count."""
    return records.get(HttpApiUse, tenant=EVERYBODY)


def deploying(records: Records) -> list[Change]:
    """The change that takes room for one API more.

    Raises InvalidInput naming the quota that is used up.
    """
    use = in_use(records)
    if use is None:
        return []
    more = replace(use, apis=use.apis + 1)
    for what, taken, limit in more.quotas:
        if taken > limit:
            raise InvalidInput.of(DELIVERY_FIELD, no_room(what, taken - PER_API, limit))
    return [Replace(more)]


def undeploying(records: Records) -> list[Change]:
    """The change that gives the room of one API back."""
    use = in_use(records)
    return [Replace(replace(use, apis=use.apis - 1))] if use and use.apis else []


def warning(use: HttpApiUse | None) -> str:
    """What people should know of quotas that are nearly used up; '' while there is room."""
    if use is None:
        return ""
    short = [
        f"{taken} of {limit} {what}" for what, taken, limit in use.quotas if taken >= NEAR * limit
    ]
    if not short:
        return ""
    return (
        f"The HTTP API has {' and '.join(short)}. Each pass-through API needs {PER_API} of both; "
        "mediated APIs need none."
    )
