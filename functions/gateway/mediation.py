"""Carries out an API's header and query rules; what they may be is `portico.domain.mediation`'s."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from urllib.parse import quote, unquote_plus

from functions.gateway.answers import Answer
from functions.gateway.requests import Outgoing, without

Rules = Mapping[str, Mapping[str, Sequence[Sequence[str]]]]


def change_request(rules: Rules, operation: str, request: Outgoing) -> None:
    """The API's own steps, then the operation's."""
    for name, *arguments in (*_steps(rules, "", "request"), *_steps(rules, operation, "request")):
        first, second = (*arguments, "")[:2]
        match name:
            case "addQueryParam":
                request.query = without(request.query, first)
                own = f"{quote(first, safe='')}={quote(second, safe='')}"
                request.query = "&".join(filter(None, (request.query, own)))
            case "removeQueryParam":
                request.query = without(request.query, first)
            case "renameQueryParam":
                request.query = _renamed(request.query, first, second)
            case "rewriteHTTPMethod":
                request.method = first
            case "rewriteResourcePath":
                request.path = first
            case _:
                _change_headers(name, first, second, request.headers)


def change_answer(rules: Rules, operation: str, answer: Answer) -> Answer:
    """The operation's steps, then the API's own: the way back is the other way round."""
    steps = [*_steps(rules, operation, "response"), *_steps(rules, "", "response")]
    if not steps:
        return answer
    headers = dict(answer.headers)
    for name, *arguments in steps:
        first, second = (*arguments, "")[:2]
        _change_headers(name, first, second, headers)
    return replace(answer, headers=headers)


def _steps(rules: Rules, where: str, flow: str) -> Iterable[Sequence[str]]:
    return rules.get(where, {}).get(flow, ())


def _change_headers(name: str, first: str, second: str, headers: dict[str, str]) -> None:
    match name:
        case "addHeader":
            headers[first] = second
        case "removeHeader":
            headers.pop(first, None)
        case "renameHeader":
            if first in headers:
                headers[second] = headers.pop(first)


def _renamed(query: str, name: str, to: str) -> str:
    parts = []
    for part in query.split("&") if query else ():
        key, equals, value = part.partition("=")
        renamed = quote(to, safe="") if unquote_plus(key) == name else key
        parts.append(f"{renamed}{equals}{value}")
    return "&".join(parts)
