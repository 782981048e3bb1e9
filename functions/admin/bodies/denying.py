"""The schema BlockingCondition of deny policies.

`conditionValue` is a text for APIs, applications and users, as WSO2 has it, and an object for
addresses.
"""

import re
from typing import Any, Literal

from functions.admin.bodies.limits import Body
from portico.domain.errors import InvalidInput, Problem
from portico.domain.policy import DenyKind, DenyPolicy
from portico.services.denying import FIELD, Denial
from portico.web.rest import parse

KINDS = Literal["API", "APPLICATION", "IP", "IPRANGE", "USER"]
_TERM = re.compile(r"\s*(condition(?:Type|Value))\s*:\s*([^&]*?)\s*", re.IGNORECASE)


class AddressValue(Body):
    """The value of a condition of type IP."""

    fixed_ip: str
    invert: bool = False


class RangeValue(Body):
    """The value of a condition of type IPRANGE."""

    starting_ip: str
    ending_ip: str
    invert: bool = False


class DenyBody(Body):
    """The schema BlockingCondition."""

    condition_id: str | None = None  # read-only
    condition_type: KINDS
    condition_value: str | dict[str, Any]
    condition_status: bool = True

    def denial(self) -> Denial:
        """What the service takes; InvalidInput for a value of another type's form."""
        kind, value, active = self.condition_type, self.condition_value, self.condition_status
        if kind not in (DenyKind.IP, DenyKind.IP_RANGE):
            if not isinstance(value, str):
                raise InvalidInput.of(FIELD, f"must be a text for the type {kind}")
            return Denial(kind=kind, value=value.strip(), active=active)
        if isinstance(value, str):
            raise InvalidInput.of(FIELD, f"must be an object for the type {kind}")
        try:
            if kind == DenyKind.IP:
                one = parse(AddressValue, value)
                return Denial(kind=kind, value=one.fixed_ip, invert=one.invert, active=active)
            two = parse(RangeValue, value)
        except InvalidInput as exc:
            problems = [Problem(f"{FIELD}.{one.field}", one.message) for one in exc.problems]
            raise InvalidInput(f"{FIELD}: {exc}", problems) from exc
        return Denial(
            kind=kind, start=two.starting_ip, end=two.ending_ip, invert=two.invert, active=active
        )


class StatusBody(Body):
    """The schema BlockingConditionStatus."""

    condition_id: str | None = None
    condition_status: bool


def deny_body(policy: DenyPolicy) -> dict[str, Any]:
    """A deny policy as the schema BlockingCondition."""
    value: Any = policy.value
    if policy.kind == DenyKind.IP:
        value = {"fixedIp": policy.value, "invert": policy.invert}
    if policy.kind == DenyKind.IP_RANGE:
        value = {"startingIp": policy.start, "endingIp": policy.end, "invert": policy.invert}
    return {
        "conditionId": policy.id,
        "conditionType": policy.kind,
        "conditionValue": value,
        "conditionStatus": policy.active,
    }


def sought_denies(query: str) -> tuple[str, str]:
    """Type and value that a search such as `conditionType:API & conditionValue:test/1.0.0` asks
    for.
    """
    kind = value = ""
    for term in query.split("&") if query.strip() else ():
        found = _TERM.fullmatch(term)
        if found is None:
            raise InvalidInput.of("query", "is conditionType:... & conditionValue:...")
        if found[1].lower() == "conditiontype":
            kind = found[2].upper()
            if kind not in set(DenyKind):
                raise InvalidInput.of("query", f"conditionType is one of {', '.join(DenyKind)}")
        else:
            value = found[2]
    return kind, value
