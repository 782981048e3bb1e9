"""What takes an API key out of force, whoever ends it."""

from portico.domain.application import ApiKey
from portico.domain.gateway import GatewayApiKey, Revocation
from portico.domain.records import Change, Discard, Put, Remove


def ending(found: ApiKey) -> list[Change]:
    """A random key is gone from the gateway, a signed one is marked by its `jti`."""
    if found.opaque:
        kept = GatewayApiKey(tenant=found.tenant, digest=found.digest, expires=found.expires)
        return [Remove(found), Discard(kept)]
    mark = Revocation(tenant=found.tenant, subject=found.id, expires=found.expires)
    return [Remove(found), Put(mark)]
