"""The versions of one API name: which are older, by number and not by date."""

import re

from portico.domain.api import Api, NameClaim
from portico.ports import Records

_PART = re.compile(r"\d+|[A-Za-z]+")


def version_key(version: str) -> tuple[tuple[int, int, str], ...]:
    """Sorts `1.9` before `1.10`, `1.0` before `1.0.1` and `2.0-beta` before `2.0`."""
    parts = _PART.findall(version)
    # A number continues a version, a word qualifies it: the end of it stands between the two.
    known = [(2, int(part), "") if part.isdigit() else (0, 0, part.lower()) for part in parts]
    return (*known, (1, 0, ""))


def older_versions(records: Records, api: Api) -> list[Api]:
    """The older versions of the API's name by the same provider, newest first."""
    claims = records.list(NameClaim, tenant=api.tenant, name=api.name.lower())
    keys = [{"tenant": api.tenant, "id": claim.api_id} for claim in claims]
    mine = version_key(api.version)
    found = [
        other
        for other in records.get_many(Api, keys)
        if other.provider == api.provider and version_key(other.version) < mine
    ]
    return sorted(found, key=lambda other: version_key(other.version), reverse=True)
