"""Filters of lists (RFC 7644 section 3.4.2.2): comparisons of attributes, joined by `and`."""

import re
from collections.abc import Callable, Mapping

from portico.domain.errors import InvalidInput
from portico.domain.user import User

MAX_LENGTH = 1000
_COMPARISON = re.compile(
    r"\s*(?:urn:ietf:params:scim:schemas:core:2\.0:User:)?(?P<attribute>[A-Za-z.]+)\s+"
    r"(?:(?P<present>[Pp][Rr])(?=\s|$)|(?P<operator>[A-Za-z]{2})"
    r'\s+(?:"(?P<quoted>[^"\\]{0,512})"|(?P<bare>[^\s"()]{1,512})))\s*'
)
_AND = re.compile(r"and(?=\s)", re.IGNORECASE)

# Attribute names are compared without case (RFC 7643 section 2.1).
ATTRIBUTES: Mapping[str, Callable[[User], list[str]]] = {
    "id": lambda user: [user.id],
    "username": lambda user: [user.name],
    "name.givenname": lambda user: [user.given_name],
    "name.familyname": lambda user: [user.family_name],
    "emails": lambda user: [user.email],
    "emails.value": lambda user: [user.email],
    "roles": lambda user: list(user.roles),
    "roles.value": lambda user: list(user.roles),
    "groups": lambda user: list(user.roles),
    "groups.value": lambda user: list(user.roles),
    "active": lambda user: [str(user.active).lower()],
}
OPERATORS: Mapping[str, Callable[[str, str], bool]] = {
    "eq": lambda has, wanted: has == wanted,
    "co": lambda has, wanted: wanted in has,
    "sw": lambda has, wanted: has.startswith(wanted),
    "ew": lambda has, wanted: has.endswith(wanted),
}


class InvalidFilter(InvalidInput):
    """A filter that cannot be read, or asks what cannot be compared."""


def filter_of(text: str, tenant: str) -> Callable[[User], bool]:
    """What a filter says of a user of this tenant; '' is true of everyone. Raises InvalidFilter.

    `ne`, `gt`, `or`, `not` and value paths are not supported; `pr` is.
    """
    if len(text) > MAX_LENGTH:
        raise InvalidFilter(f"A filter has at most {MAX_LENGTH} characters")
    tests: list[Callable[[User], bool]] = []
    position = 0
    while position < len(text):
        found = _COMPARISON.match(text, position)
        if not found:
            raise InvalidFilter(f"The filter cannot be read at character {position + 1}")
        tests.append(_comparison(found, tenant))
        position = found.end()
        joined = _AND.match(text, position)
        if joined:
            position = joined.end()
        elif position < len(text):
            raise InvalidFilter(f"'and' is expected at character {position + 1} of the filter")
        if joined and not text[position:].strip():
            raise InvalidFilter("The filter ends with 'and'")
    return lambda user: all(test(user) for test in tests)


def _comparison(found: re.Match[str], tenant: str) -> Callable[[User], bool]:
    values = ATTRIBUTES.get(found["attribute"].lower())
    if values is None:
        raise InvalidFilter(f"Users cannot be filtered by '{found['attribute'][:50]}'")
    if found["present"]:
        return lambda user: any(values(user))
    operator = found["operator"].lower()
    compare = OPERATORS.get(operator)
    if compare is None:
        raise InvalidFilter(f"'{found['operator']}' is not one of eq, co, sw, ew, pr")
    wanted: str = found["bare"] if found["quoted"] is None else found["quoted"]
    value = wanted.lower()
    if found["attribute"].lower() == "username" and operator == "eq":
        value = value.removesuffix(f"@{tenant}")
    return lambda user: any(compare(has.lower(), value) for has in values(user))
