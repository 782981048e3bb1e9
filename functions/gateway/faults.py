"""A refusal as an HTTP answer: WSO2's JSON body, or XML for those who ask for it."""

import json
import math
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from xml.sax.saxutils import escape

from portico.domain.faults import FAULTS, Fault

REALM = 'Bearer realm="Portico"'
# RFC 6750 section 3.1; a call without a credential gets the realm alone.
ERRORS = {
    "900901": "invalid_token",
    "900903": "invalid_token",
    "900905": "invalid_token",
    "900907": "invalid_token",
    "900909": "invalid_token",
    "900910": "insufficient_scope",
}


def answer(
    decision: Mapping[str, Any], accept: str, now: float | None = None
) -> tuple[int, dict[str, str], str]:
    """Status, headers and body for the authorizer's `fault`, `status`, `until` and `allow`."""
    fault = FAULTS.get(str(decision["fault"])) or FAULTS["900900"]
    # One code has another status in one case.
    status = int(decision.get("status") or fault.status)
    headers = _headers(fault, status)
    fields = {"code": fault.code, "message": fault.message, "description": fault.description}
    until = int(float(decision.get("until") or 0))
    if decision.get("told"):
        fields["description"] = str(decision["told"])
    if until:
        moment = datetime.fromtimestamp(until, UTC).strftime("%Y-%b-%d %H:%M:%S+0000 UTC")
        seconds = math.ceil(until - (time.time() if now is None else now))
        headers["retry-after"] = str(max(1, seconds))
        fields["description"] += f" .You can access API after {moment}"
        fields["nextAccessTime"] = moment
    if decision.get("allow"):
        headers["allow"] = str(decision["allow"])
    if wants_xml(accept):
        headers["content-type"] = "application/xml; charset=UTF-8"
        return status, headers, _xml(fields)
    return status, headers, json.dumps(fields)


def _headers(fault: Fault, status: int) -> dict[str, str]:
    headers = {"content-type": "application/json; charset=UTF-8", "cache-control": "no-store"}
    error = ERRORS.get(fault.code)
    if status == 401 or error == "insufficient_scope":
        headers["www-authenticate"] = f'{REALM}, error="{error}"' if error else REALM
    return headers


def _xml(fields: Mapping[str, str]) -> str:
    inside = {
        "code": fields["code"],
        "type": "Status report",
        "message": fields["message"],
        "description": fields["description"],
    }
    text = "".join(f"<am:{name}>{escape(value)}</am:{name}>" for name, value in inside.items())
    return f'<am:fault xmlns:am="http://wso2.org/apimanager">{text}</am:fault>'


def wants_xml(accept: str) -> bool:
    """Whether XML is preferred to JSON (RFC 9110 section 12.5.1); JSON when both are as welcome."""
    best = {"json": 0.0, "xml": 0.0}
    for entry in accept.lower().split(","):
        media, *parameters = (part.strip() for part in entry.split(";"))
        quality = _quality(parameters)
        if media in ("application/xml", "text/xml"):
            best["xml"] = max(best["xml"], quality)
        elif media in ("application/json", "application/*", "*/*"):
            best["json"] = max(best["json"], quality)
    return best["xml"] > best["json"]


def _quality(parameters: list[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0
