"""Claims on names and paths: records whose existence makes two APIs with the same one impossible.

An API claims its name with its version, its bare context together with all APIs of its name, and
its full context alone;
so no two deployments can meet at a path, whatever `{version}` stands for.
"""

from dataclasses import replace

from portico.domain.api import Api, ContextClaim, NameClaim
from portico.domain.contexts import bare_context
from portico.domain.errors import AlreadyExists
from portico.domain.records import Change, Create, Discard, Remove, Replace
from portico.ports import Records


def claim(records: Records, api: Api) -> list[Change]:
    """Changes that make name and paths this API's. Raises AlreadyExists when another has them."""
    name = NameClaim(tenant=api.tenant, name=api.name.lower(), version=api.version, api_id=api.id)
    if records.get(NameClaim, tenant=api.tenant, name=name.name, version=name.version):
        raise AlreadyExists(f"name: an API {api.name} with version {api.version} exists already")
    changes: list[Change] = [Create(name)]
    for path, owner in _paths(api).items():
        found = records.get(ContextClaim, tenant=api.tenant, context=path)
        if found is None:
            changes.append(
                Create(ContextClaim(tenant=api.tenant, context=path, name=owner, count=1))
            )
        elif found.name != owner or owner.endswith(f"#{api.version}"):
            raise AlreadyExists(f"context: the path {path} belongs to another API")
        else:
            changes.append(Replace(replace(found, count=found.count + 1)))
    return changes


def unclaim(records: Records, api: Api) -> list[Change]:
    """Changes that give name and paths free."""
    changes: list[Change] = [
        Discard(
            NameClaim(tenant=api.tenant, name=api.name.lower(), version=api.version, api_id=api.id)
        )
    ]
    for path, owner in _paths(api).items():
        found = records.get(ContextClaim, tenant=api.tenant, context=path)
        if found and found.name == owner:
            rest = found.count - 1
            changes.append(Replace(replace(found, count=rest)) if rest > 0 else Remove(found))
    return changes


def claimed_by_another(records: Records, tenant: str, context: str) -> bool:
    """Whether any API has this path, given with or without its leading slash."""
    path = bare_context("/" + context.strip("/")).lower()
    prefix = "" if path.startswith("/t/") else _tenant_prefix(tenant)
    return records.get(ContextClaim, tenant=tenant, context=prefix + path) is not None


def _tenant_prefix(tenant: str) -> str:
    from portico.domain.tenant import SUPER_TENANT

    return "" if tenant == SUPER_TENANT else f"/t/{tenant}".lower()


def _paths(api: Api) -> dict[str, str]:
    """Each path that the API claims, and in whose name; a name cannot contain `#`."""
    name = api.name.lower()
    return {
        bare_context(api.context).lower(): name,
        api.full_context.lower(): f"{name}#{api.version}",
    }
