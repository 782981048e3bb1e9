"""The schema ThrottleLimit and its parts, of which its type chooses one."""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

from portico.domain.policy import Limit as DomainLimit
from portico.services.policy_rules import MAX_CALLS

REQUESTS, BANDWIDTH = "REQUESTCOUNTLIMIT", "BANDWIDTHLIMIT"
Count = Annotated[int, Field(ge=0, le=MAX_CALLS)]
Amount = Annotated[int, Field(ge=1, le=MAX_CALLS)]


class Body(BaseModel):
    """The contract's field names, no unknown fields, no silent conversions."""

    model_config = ConfigDict(extra="forbid", strict=True, alias_generator=to_camel)


class Span(Body):
    """The schema ThrottleLimitBase."""

    time_unit: str
    unit_time: Annotated[int, Field(ge=1)]


class RequestCount(Span):
    """The schema RequestCountLimit; 2147483647 requests mean no limit."""

    request_count: Amount


class Bandwidth(Span):
    """The schema BandwidthLimit."""

    data_amount: Amount
    data_unit: str


class EventCount(Span):
    """The schema EventCountLimit, which limits nothing here."""

    event_count: int


class Limit(Body):
    """The schema ThrottleLimit. Parts of other types may be there, as in the contract's own
    example, and have no meaning.
    """

    type: Literal["REQUESTCOUNTLIMIT", "BANDWIDTHLIMIT", "EVENTCOUNTLIMIT", "AIAPIQUOTALIMIT"]
    request_count: RequestCount | None = None
    bandwidth: Bandwidth | None = None
    event_count: EventCount | None = None
    ai_api_quota: dict[str, Any] | None = None

    @model_validator(mode="after")
    def _has_its_part(self) -> Self:
        match self.type:
            case "EVENTCOUNTLIMIT":
                raise ValueError(
                    "EVENTCOUNTLIMIT counts events of streaming APIs, which Portico does not have: "
                    "use REQUESTCOUNTLIMIT or BANDWIDTHLIMIT"
                )
            case "AIAPIQUOTALIMIT":
                raise ValueError(
                    "AIAPIQUOTALIMIT counts tokens of AI APIs, which Portico does not have: use "
                    "REQUESTCOUNTLIMIT or BANDWIDTHLIMIT"
                )
            case "REQUESTCOUNTLIMIT" if self.request_count is None:
                raise ValueError("requestCount is needed for the type REQUESTCOUNTLIMIT")
            case "BANDWIDTHLIMIT" if self.bandwidth is None:
                raise ValueError("bandwidth is needed for the type BANDWIDTHLIMIT")
        return self


def limit_of(body: Limit) -> DomainLimit:
    """The limit that a body says."""
    if body.type == BANDWIDTH and body.bandwidth is not None:
        told = body.bandwidth
        return DomainLimit(told.data_amount, told.unit_time, told.time_unit, told.data_unit)
    assert body.request_count is not None  # noqa: S101 - the model has seen to it
    count = body.request_count
    calls = 0 if count.request_count == MAX_CALLS else count.request_count
    return DomainLimit(calls, count.unit_time, count.time_unit)


def limit_body(limit: DomainLimit) -> dict[str, Any]:
    """A limit as the schema ThrottleLimit."""
    span = {"timeUnit": limit.time_unit, "unitTime": limit.unit_time}
    if limit.is_bandwidth:
        amount = {"dataAmount": limit.amount, "dataUnit": limit.data_unit}
        return {"type": BANDWIDTH, "bandwidth": {**span, **amount}}
    return {
        "type": REQUESTS,
        "requestCount": {**span, "requestCount": limit.amount or MAX_CALLS},
    }
