"""What the gateway answers to a call that it does not deliver: WSO2's codes, statuses and texts in
one table.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    """A refusal in the gateway's own words; `code` is what clients branch on."""

    code: str
    status: int
    message: str
    description: str


_QUOTA = "You have exceeded your quota"

FAULTS = {
    fault.code: fault
    for fault in (
        Fault(
            "400",
            400,
            "Bad Request",
            "The path or a header of the request can be read in more than one way",
        ),
        Fault("404", 404, "Not Found", "The requested resource is not available."),
        Fault("405", 405, "Method not allowed", "Method not allowed for given API resource"),
        Fault("413", 413, "Payload Too Large", "The request is larger than the gateway can take"),
        Fault("501", 501, "Not Implemented", "The API's definition has no example of an answer"),
        Fault(
            "700700",
            503,
            "API blocked",
            "This API has been blocked temporarily. Please try again later or contact the "
            "system administrators.",
        ),
        Fault("900800", 429, "Message throttled out", _QUOTA),
        Fault("900802", 429, "Message throttled out", _QUOTA),
        Fault("900803", 429, "Message throttled out", _QUOTA),
        Fault("900804", 429, "Message throttled out", _QUOTA),
        Fault(
            "900805",
            403,
            "Message blocked",
            "You have been blocked from accessing the resource",
        ),
        Fault("900806", 429, "Message throttled out", _QUOTA),
        Fault("900807", 429, "Message throttled out", _QUOTA),
        Fault(
            "900809",
            429,
            "Message throttled out",
            "You have exceeded your application burst limit quota",
        ),
        Fault(
            "900900",
            500,
            "Unclassified Authentication Failure",
            "The call could not be judged; try again later",
        ),
        Fault(
            "900901",
            401,
            "Invalid Credentials",
            "Invalid Credentials. Make sure you have provided the correct security credentials",
        ),
        Fault(
            "900902",
            401,
            "Missing Credentials",
            "Missing Credentials. Make sure your API invocation call has a header: "
            '"Authorization: Bearer ACCESS_TOKEN"',
        ),
        Fault(
            "900903",
            401,
            "Access Token Expired",
            "Access Token Expired. Renew the access token and try again",
        ),
        Fault(
            "900905",
            401,
            "Incorrect Access Token Type is provided",
            "The resource does not accept an access token of this type",
        ),
        Fault(
            "900907",
            401,
            "The requested API is temporarily blocked",
            "The subscription of this application to the API is blocked",
        ),
        Fault(
            "900908",
            403,
            "Resource forbidden",
            "The application of this access token is not subscribed to the API",
        ),
        Fault(
            "900909",
            401,
            "The subscription to the API is inactive",
            "The subscription waits for approval or was rejected",
        ),
        Fault(
            "900910",
            403,
            "The access token does not allow you to access the requested resource",
            "The access token has none of the scopes that the resource asks for",
        ),
        Fault(
            "900914",
            403,
            "Access Denied",
            "The access token does not allow you to access the requested resource",
        ),
        Fault(
            "101503",
            503,
            "Runtime Error",
            "Error connecting to the back end",
        ),
        Fault("101504", 504, "Runtime Error", "The back end did not answer in time"),
        Fault(
            "101507",
            502,
            "Runtime Error",
            "The back end's answer could not be read",
        ),
        Fault(
            "101513",
            502,
            "Runtime Error",
            "The back end's answer exceeds the 6 MB that a mediated API can return; its publisher "
            "can switch it to pass-through, which returns 10 MB",
        ),
        Fault(
            "303001",
            503,
            "Runtime Error",
            "The API's endpoints failed and are left alone for a while; try again later",
        ),
    )
}
# A token of one key type, and an API without an endpoint for it: WSO2 uses the code of 401 with
# status 403.
NO_ENDPOINT = Fault(
    "900901", 403, "Invalid Credentials", "The API has no endpoint for keys of this type"
)
