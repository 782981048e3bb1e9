"""Conditional groups of a policy: calls that meet all conditions of one have a limit of their own.

Compiled once for a tenant's table; a condition that cannot be read is met by no call.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl

from functions.authorizer.calls import Call
from functions.authorizer.throttle.addresses import packed, range_of
from functions.authorizer.throttle.claims import claims_of

Test = Callable[[Call], bool]
LONGEST = 1024  # characters of a value that an expression is searched in
MAX_PARAMETERS = 100  # of a query


def test_of(condition: Mapping[str, Any]) -> Test:
    """Whether a call meets the condition (an entry of `groups` in the policy table).

    Values of headers, query parameters and claims are regular expressions that are searched for, as
    in WSO2; inverted ones are met by calls without the header, parameter or claim too.
    """
    test = _straight(condition)
    if test is None:
        return lambda call: False
    if not condition.get("invert"):
        return test
    met = test
    return lambda call: not met(call)


def _straight(condition: Mapping[str, Any]) -> Test | None:
    name = str(condition.get("name") or "")
    value = str(condition.get("value") or "")
    match condition.get("kind"):
        case "ip" | "iprange":
            first = str(condition.get("from") or value)
            within = range_of(first, str(condition.get("to") or ""))
            if within is None:
                return None
            return lambda call: packed(call.source_ip) in within
        case "header":
            header, pattern = name.lower(), _pattern(value)
            return lambda call: _found(pattern, call.headers.get(header))
        case "query":
            pattern = _pattern(value)
            return lambda call: any(
                _found(pattern, given) for key, given in _query(call.query) if key == name
            )
        case "claim":
            pattern = _pattern(value)
            return lambda call: _found(pattern, _text(claims_of(call).get(name)))
    return None


def _pattern(value: str) -> "re.Pattern[str]":
    try:
        return re.compile(value)
    except re.error:
        return re.compile(re.escape(value))


def _found(pattern: "re.Pattern[str]", value: str | None) -> bool:
    return value is not None and pattern.search(value[:LONGEST]) is not None


def _query(text: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_PARAMETERS)
    except ValueError:
        return []


def _text(value: object) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return " ".join(map(str, value))
    return str(value)
