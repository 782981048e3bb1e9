"""What operators see when the counters do not answer: one line a call, which is the log and, in
CloudWatch's embedded metric format, the metric `UncountedCalls` too.
"""

import json

from functions.authorizer.calls import Call
from portico.domain.errors import Unavailable

NAMESPACE = "Portico"
PASSED, REFUSED = "UncountedCalls", "CallsRefusedUncounted"


def uncounted(call: Call, passes: bool, reason: Unavailable) -> None:
    """Say that a call passes uncounted, or is refused because it cannot be counted."""
    name = PASSED if passes else REFUSED
    line = {
        "_aws": {
            "Timestamp": int(call.now * 1000),
            "CloudWatchMetrics": [
                {
                    "Namespace": NAMESPACE,
                    "Dimensions": [["service"]],
                    "Metrics": [{"Name": name, "Unit": "Count"}],
                }
            ],
        },
        "level": "WARNING",
        "service": "authorizer",
        "message": "A call passes uncounted" if passes else "A call cannot be counted",
        "reason": str(reason),
        "tenant": call.tenant,
        "api": call.api.api_id,
        name: 1,
    }
    print(json.dumps(line), flush=True)  # noqa: T201 - CloudWatch reads it from the output
