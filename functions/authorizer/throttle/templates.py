"""Key templates of custom policies: what calls have in common that are counted together."""

import re
from collections.abc import Callable, Mapping

from functions.authorizer.calls import Call
from portico.domain.tenant import join_user

# WSO2 API Manager 4.x, "Custom throttling": the variables of a key template.
VARIABLES: Mapping[str, Callable[[Call], str]] = {
    "userId": lambda call: (
        join_user(call.identity.user, call.identity.tenant)
        if call.identity and call.identity.user
        else ""
    ),
    "apiContext": lambda call: call.api.context,
    "apiVersion": lambda call: call.api.version,
    "apiName": lambda call: call.api.name,
    "apiTenant": lambda call: call.tenant,
    "appTenant": lambda call: call.identity.tenant if call.identity else "",
    "appId": lambda call: call.application.application_id if call.application else "",
    "clientIp": lambda call: call.source_ip,
    "resourceKey": lambda call: resource_key(call),
}
_VARIABLE = re.compile(r"\$(\w+)")


def resource_key(call: Call) -> str:
    """`/context/template:VERB`, WSO2's name of a resource; "" where the call has none."""
    found = call.resource
    return f"{call.api.context}{found.template}:{found.verb}" if found else ""


class Template:
    """A key template, taken apart once."""

    def __init__(self, text: str, only: Mapping[str, str]) -> None:
        # Texts and the names of variables take turns.
        parts = _VARIABLE.split(text)
        self._texts = parts[::2]
        self._values = [VARIABLES.get(name, _unknown) for name in parts[1::2]]
        self._only = [(VARIABLES.get(name, _unknown), value) for name, value in only.items()]

    def key(self, call: Call) -> str | None:
        """What the call is counted under; None when the policy is not for it, because a variable
        has no value, or another one than `only` names.
        """
        if any(value(call) != wanted for value, wanted in self._only):
            return None
        found = [value(call) for value in self._values]
        if not all(found):
            return None
        return self._texts[0] + "".join(
            value + text for value, text in zip(found, self._texts[1:], strict=True)
        )


def _unknown(call: Call) -> str:
    return ""
