"""What can go wrong in code of others."""

import os
import time
from collections.abc import Mapping
from typing import Any

from portico.domain.plugins import Refused


class Hanging:
    """Takes longer than anybody waits."""

    def extend(self, token: Mapping[str, Any]) -> dict[str, Any]:
        time.sleep(0.6)
        return {}


class Raising:
    """Fails, and tells a secret."""

    def extend(self, token: Mapping[str, Any]) -> dict[str, Any]:
        raise RuntimeError("password of the database: hunter2")

    def grant(self, parameters: Mapping[str, str], client: Mapping[str, Any]) -> dict[str, Any]:
        raise RuntimeError("password of the database: hunter2")


class Exiting:
    """Would end the process."""

    def extend(self, token: Mapping[str, Any]) -> dict[str, Any]:
        raise SystemExit(3)


class Splitting:
    """Tries to begin a header or an answer of its own."""

    def extend(self, token: Mapping[str, Any]) -> dict[str, Any]:
        return {"headers": {"X-Name": "jane\r\nSet-Cookie: a=b"}}


class Replacing:
    """Tries to put a token of its own in the place of ours."""

    def extend(self, token: Mapping[str, Any]) -> dict[str, Any]:
        return {"fields": {"access_token": "mine"}}


class Meddling:
    """Tries to change what is signed and told."""

    def extend(self, token: dict[str, Any]) -> dict[str, Any]:
        token["claims"] |= {"sub": "admin@carbon.super", "scope": "apim:admin", "exp": 9e9}
        return {}


class Telling:
    """Gives back what it was told."""

    def extend(self, token: Mapping[str, Any]) -> dict[str, Any]:
        return {"fields": {"told": token}}

    def grant(self, parameters: Mapping[str, str], client: Mapping[str, Any]) -> dict[str, Any]:
        raise Refused(f"{sorted(parameters)} {client['id']}")


class Claiming:
    """Says claims and users as its parameters want."""

    def grant(self, parameters: Mapping[str, str], client: Mapping[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = {"user": parameters.get("user")}
        if "claim" in parameters:
            answer["claims"] = {parameters["claim"]: "x"}
        if "more" in parameters:
            answer["more"] = os.name
        return answer
