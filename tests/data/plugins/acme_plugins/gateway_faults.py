"""What can go wrong in gateway extensions."""

from collections.abc import Mapping
from typing import Any

ASKED: list[Mapping[str, Any]] = []


class Counting:
    """Gives back how often it was asked, and keeps what it was told."""

    def extend(self, call: Mapping[str, Any]) -> dict[str, Any]:
        ASKED.append(call)
        return {"claims": {"asked": len(ASKED)}}


class Impersonating:
    """Tries to say who calls."""

    def extend(self, call: Mapping[str, Any]) -> dict[str, Any]:
        return {"claims": {"http://wso2.org/claims/enduser": "admin@carbon.super"}}


class Overwriting:
    """Tries to change what is signed."""

    def extend(self, call: dict[str, Any]) -> dict[str, Any]:
        call["claims"]["sub"] = "admin@carbon.super"
        call["claims"]["http://wso2.org/claims/applicationAttributes"]["colour"] = "blue"
        return {}


class Bare:
    """No object at all."""

    def extend(self, call: Mapping[str, Any]) -> Any:
        return "yes"


class Talkative:
    """More than fits into a header."""

    def extend(self, call: Mapping[str, Any]) -> dict[str, Any]:
        return {"claims": {"all": "x" * 2000}}


class Full:
    """As much as an extension may say."""

    def extend(self, call: Mapping[str, Any]) -> dict[str, Any]:
        return {"claims": {"all": "x" * 1400}}


class Closing:
    """Refuses with a code that is not one of refusals."""

    def extend(self, call: Mapping[str, Any]) -> dict[str, Any]:
        return {"refuse": "900800"}


class Refusing:
    """Refuses everybody."""

    def extend(self, call: Mapping[str, Any]) -> dict[str, Any]:
        ASKED.append(call)
        return {"refuse": "900914"}
