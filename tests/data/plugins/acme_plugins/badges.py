"""A grant type for employees' badges: the reader has signed the number that the badge has."""

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

from portico.domain.plugins import Refused

READER_KEY = b"shared with the badge readers"


class Badge:
    """`badge` is the number, `proof` its HMAC-SHA256 in hex; badge 7 is Jane's."""

    def grant(self, parameters: Mapping[str, str], client: Mapping[str, Any]) -> dict[str, Any]:
        number = parameters.get("badge", "")
        proof = hmac.new(READER_KEY, number.encode(), hashlib.sha256).hexdigest()
        if not hmac.compare_digest(proof, parameters.get("proof", "")):
            raise Refused("The badge is not proved")
        return {"user": "jane", "scopes": ["apim:api_view"], "claims": {"badge": number}}
