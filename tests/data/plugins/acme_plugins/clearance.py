"""A gateway extension that adds one claim: how much an application may see, by its attributes."""

from collections.abc import Mapping
from typing import Any

CLAIM = "https://acme.example/clearance"


class Clearance:
    """`clearance` is "partner" for applications whose attribute `partner` says so."""

    def extend(self, call: Mapping[str, Any]) -> dict[str, Any]:
        attributes = (call["application"] or {}).get("attributes", {})
        level = "partner" if attributes.get("partner") == "yes" else "public"
        return {"claims": {CLAIM: level}}


class OfficeHours:
    """A step of the pipeline: no orders but from the office."""

    def extend(self, call: Mapping[str, Any]) -> dict[str, Any]:
        outside = not call["request"]["address"].startswith("203.0.113.")
        return {"refuse": "900914"} if outside and call["request"]["method"] == "POST" else {}
