"""Custom throttling rules as WSO2 writes them: the one form of Siddhi query that its documentation
uses, read and written.

Not a Siddhi interpreter: what has another form is refused, and says which form is known.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from portico.domain.errors import InvalidInput
from portico.domain.policy import SECONDS, Limit

FIELD = "siddhiQuery"
# The variables of key templates, and of WSO2's request stream.
VARIABLES = (
    "userId",
    "apiContext",
    "apiVersion",
    "apiName",
    "resourceKey",
    "appTenant",
    "apiTenant",
    "appId",
    "clientIp",
)
MAX_QUERY = 4_000  # characters
_NAME = r"[A-Za-z]\w*"
_TEXT = r"'[^'$]*'"  # without "$", which begins a variable
_FORM = re.compile(
    rf"from requeststream select (?:{_NAME} ?, ?)*"
    r"\(? ?(?P<condition>[^(),]*?) ?\)? as iseligible ?, ?"
    r"(?P<key>str:concat ?\([^()]*\)|[A-Za-z]\w*) as throttlekey insert into eligibilitystream ?; ?"
    r"from eligibilitystream ?\[ ?iseligible ?== ?true ?\] ?"
    r"#throttler:timebatch ?\( ?(?P<time>\d{1,7}) (?P<unit>[a-z]+) ?\) "
    rf"select throttlekey ?, ?\(? ?count ?\( ?(?:{_NAME})? ?\) ?(?P<sign>>=|>) ?"
    r"(?P<calls>\d{1,10}) ?\)? as isthrottled ?, ?expirytimestamp group by throttlekey "
    r"insert all events into resultstream ?;?",
    re.IGNORECASE,
)
_EQUALS = re.compile(rf"({_NAME}) ?== ?({_TEXT})")
_PART = re.compile(rf"({_TEXT})|({_NAME})")
_VARIABLE = re.compile(rf"\$({_NAME})")
_KNOWN_FORM = (
    "only this form is known: FROM RequestStream SELECT ..., (variable == 'value' and ...) AS "
    "isEligible, str:concat(...) as throttleKey INSERT INTO EligibilityStream; FROM "
    "EligibilityStream[isEligible==true]#throttler:timeBatch(1 min) SELECT throttleKey, "
    "(count(userId) >= 10) as isThrottled, expiryTimeStamp group by throttleKey INSERT ALL EVENTS "
    "into ResultStream; or leave it out and give keyTemplate and defaultLimit"
)


@dataclass(frozen=True)
class Rule:
    """A rule: calls whose variables have the values of `only` are limited, each key for itself."""

    limit: Limit
    only: Mapping[str, str]


def read(query: str, key_template: str) -> Rule:
    """The rule that a query says; InvalidInput when it has another form or counts by another key
    than `key_template`.
    """
    if len(query) > MAX_QUERY:
        raise InvalidInput.of(FIELD, f"at most {MAX_QUERY} characters")
    # Line ends come as they are, or written as \n, as in the contract's example.
    found = _FORM.fullmatch(" ".join(query.replace("\\n", " ").split()))
    if found is None:
        raise InvalidInput.of(FIELD, _KNOWN_FORM)
    only = _only(found["condition"])
    unit = found["unit"].lower()
    unit = unit if unit in SECONDS else unit.removesuffix("s")
    if unit not in SECONDS:
        raise InvalidInput.of(FIELD, f"timeBatch has one of {', '.join(SECONDS)}")
    calls = int(found["calls"]) + (found["sign"] == ">")
    if not calls or not int(found["time"]):
        raise InvalidInput.of(FIELD, "counts no calls, or in no time")
    if _key(found["key"], only) != _template(key_template, only):
        raise InvalidInput.of(FIELD, "its throttleKey is another key than keyTemplate")
    return Rule(Limit(calls, int(found["time"]), unit), only)


def write(key_template: str, limit: Limit, only: Mapping[str, str]) -> str:
    """The query that `read` reads as this."""
    parts = _template(key_template, {})
    names = [part[1:] for part in parts if part.startswith("$")]
    told = [part[1:] if part.startswith("$") else f"'{part}'" for part in parts]
    condition = " and ".join(f"{name} == '{value}'" for name, value in only.items()) or "true"
    return (
        f"FROM RequestStream\nSELECT {', '.join(names)}, ( {condition} ) AS isEligible , "
        f"str:concat({', '.join(told)}) as throttleKey\nINSERT INTO EligibilityStream;\n\n"
        "FROM EligibilityStream[isEligible==true]#throttler:timeBatch("
        f"{limit.unit_time} {limit.time_unit})\nSELECT throttleKey, (count({names[0]}) >= "
        f"{limit.amount}) as isThrottled, expiryTimeStamp group by throttleKey\n"
        "INSERT ALL EVENTS into ResultStream;"
    )


def template_problem(template: str) -> str:
    """What is wrong with a key template, or ''."""
    names = _VARIABLE.findall(template)
    if not names:
        return f"names no variable; there are {_listed()}"
    for name in names:
        if name not in VARIABLES:
            return f"'${name}' is no variable; there are {_listed()}"
    if len(template) > 200 or not re.fullmatch(r"[\w$:./@*-]+", template, re.ASCII):
        return "has at most 200 letters, digits and characters of $:./@*_-"
    if "$" in _VARIABLE.sub("", template):
        return "has a '$' that begins no variable"
    return ""


def _listed() -> str:
    return ", ".join(f"${name}" for name in VARIABLES)


def _only(condition: str) -> dict[str, str]:
    if condition.strip().lower() in ("true", "1 == 1", "1==1"):
        return {}
    only: dict[str, str] = {}
    for part in re.split(r" and ", condition, flags=re.IGNORECASE):
        found = _EQUALS.fullmatch(part.strip())
        if found is None or found[1] not in VARIABLES or found[1] in only:
            raise InvalidInput.of(FIELD, _KNOWN_FORM)
        only[found[1]] = found[2][1:-1]
    return only


def _key(expression: str, only: Mapping[str, str]) -> list[str]:
    """The parts of a throttleKey; what `only` fixes is its value."""
    inner = expression
    if "(" in expression:
        inner = expression[expression.index("(") + 1 : -1]
    parts = []
    for text in _split(inner):
        found = _PART.fullmatch(text.strip())
        if found is None:
            raise InvalidInput.of(FIELD, _KNOWN_FORM)
        name = found[2]
        parts.append(found[1][1:-1] if found[1] else only.get(name, f"${name}"))
    return _joined(parts)


def _split(arguments: str) -> list[str]:
    """Arguments between commas; a comma in quotes separates nothing."""
    return re.findall(r"(?:'[^']*'|[^,'])+", arguments)


def _template(template: str, only: Mapping[str, str]) -> list[str]:
    parts, last = [], 0
    for found in _VARIABLE.finditer(template):
        parts += [template[last : found.start()], only.get(found[1], f"${found[1]}")]
        last = found.end()
    return _joined([*parts, template[last:]])


def _joined(parts: list[str]) -> list[str]:
    """Neighbouring texts as one; variables stay on their own."""
    joined: list[str] = []
    for part in parts:
        if joined and not part.startswith("$") and not joined[-1].startswith("$"):
            joined[-1] += part
        elif part:
            joined.append(part)
    return joined
