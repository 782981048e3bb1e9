"""The device authorization grant: the device polls the token endpoint (RFC 8628 section 3.4)."""

from collections.abc import Mapping, Sequence

from functions.token.errors import OAuthError
from functions.token.wiring import GrantRequest, Wiring
from portico.domain.authorization import DeviceGrant
from portico.domain.records import Wanted
from portico.services.clients import digest
from portico.services.devices import DeviceRefused
from portico.services.issuing import Issued


def foresee(parameters: Mapping[str, str], tenant: str) -> Sequence[Wanted]:
    """What it reads in any case."""
    return [
        Wanted(DeviceGrant, {"tenant": tenant, "digest": digest(parameters.get("device_code", ""))})
    ]


def issue(grant: GrantRequest, wiring: Wiring) -> Issued:
    """Tokens for a device whose user has allowed it; the errors of section 3.5 until then."""
    code = grant.parameters.get("device_code")
    if not code:
        raise OAuthError("invalid_request", "The parameter 'device_code' is missing")
    try:
        return wiring.devices.poll(grant.client, code)
    except DeviceRefused as exc:
        raise OAuthError(exc.error, str(exc)) from exc
