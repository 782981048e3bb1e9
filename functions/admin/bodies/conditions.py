"""The schema ConditionalGroup: conditions of the four types, and the limit of calls that meet them
all.
"""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from functions.admin.bodies.limits import Body, Limit, limit_body, limit_of
from portico.domain.policy import Condition, Group, Sign


class HeaderBody(Body):
    """The schema HeaderCondition."""

    header_name: str
    header_value: str


class QueryBody(Body):
    """The schema QueryParameterCondition."""

    parameter_name: str
    parameter_value: str


class ClaimBody(Body):
    """The schema JWTClaimsCondition."""

    claim_url: str
    attribute: str


class AddressBody(Body):
    """The schema IPCondition; what its type does not use may be null or empty."""

    kind: Annotated[Literal["IPSPECIFIC", "IPRANGE"], Field(alias="ipConditionType")]
    specific: Annotated[str | None, Field(alias="specificIP")] = None
    starting: Annotated[str | None, Field(alias="startingIP")] = None
    ending: Annotated[str | None, Field(alias="endingIP")] = None


# type -> the field that has its part
PARTS = {
    "HEADERCONDITION": "header_condition",
    "IPCONDITION": "ip_condition",
    "JWTCLAIMSCONDITION": "jwt_claims_condition",
    "QUERYPARAMETERCONDITION": "query_parameter_condition",
}


class ConditionBody(Body):
    """The schema ThrottleCondition."""

    type: Literal["HEADERCONDITION", "IPCONDITION", "JWTCLAIMSCONDITION", "QUERYPARAMETERCONDITION"]
    invert_condition: bool = False
    header_condition: HeaderBody | None = None
    ip_condition: AddressBody | None = None
    jwt_claims_condition: ClaimBody | None = None
    query_parameter_condition: QueryBody | None = None

    @model_validator(mode="after")
    def _has_its_part(self) -> Self:
        for kind, name in PARTS.items():
            if (getattr(self, name) is not None) != (kind == self.type):
                raise ValueError(f"the type {self.type} needs its own part, and no other")
        return self

    def condition(self) -> Condition:
        """What the service takes."""
        invert = self.invert_condition
        if (header := self.header_condition) is not None:
            return Condition(Sign.HEADER, header.header_name, header.header_value, invert=invert)
        if (query := self.query_parameter_condition) is not None:
            return Condition(Sign.QUERY, query.parameter_name, query.parameter_value, invert=invert)
        if (claim := self.jwt_claims_condition) is not None:
            return Condition(Sign.CLAIM, claim.claim_url, claim.attribute, invert=invert)
        address = self.ip_condition
        assert address is not None  # noqa: S101 - the model has seen to it
        if address.kind == "IPSPECIFIC":
            return Condition(Sign.IP, value=address.specific or "", invert=invert)
        start, end = address.starting or "", address.ending or ""
        return Condition(Sign.IP_RANGE, start=start, end=end, invert=invert)


class GroupBody(Body):
    """The schema ConditionalGroup."""

    description: str | None = None
    conditions: list[ConditionBody]
    limit: Limit

    def group(self) -> Group:
        """What the service takes."""
        conditions = tuple(one.condition() for one in self.conditions)
        return Group(conditions, limit_of(self.limit), self.description or "")


def group_body(group: Group) -> dict[str, Any]:
    """A group as the schema ConditionalGroup."""
    return {
        "description": group.description,
        "conditions": [_condition_body(one) for one in group.conditions],
        "limit": limit_body(group.limit),
    }


def _condition_body(condition: Condition) -> dict[str, Any]:
    name, value = condition.name, condition.value
    parts: dict[str, tuple[str, str, dict[str, Any]]] = {
        Sign.HEADER: (
            "HEADERCONDITION",
            "headerCondition",
            {"headerName": name, "headerValue": value},
        ),
        Sign.QUERY: (
            "QUERYPARAMETERCONDITION",
            "queryParameterCondition",
            {"parameterName": name, "parameterValue": value},
        ),
        Sign.CLAIM: (
            "JWTCLAIMSCONDITION",
            "jwtClaimsCondition",
            {"claimUrl": name, "attribute": value},
        ),
        Sign.IP: (
            "IPCONDITION",
            "ipCondition",
            {"ipConditionType": "IPSPECIFIC", "specificIP": value},
        ),
        Sign.IP_RANGE: (
            "IPCONDITION",
            "ipCondition",
            {
                "ipConditionType": "IPRANGE",
                "startingIP": condition.start,
                "endingIP": condition.end,
            },
        ),
    }
    kind, part, told = parts[condition.kind]
    return {"type": kind, "invertCondition": condition.invert, part: told}
