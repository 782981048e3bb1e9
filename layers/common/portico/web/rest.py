"""The REST toolkit: routes by contract operation, bodies checked by models, lists paged, ETags; on
Powertools' resolver.
"""

import base64
import json
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any, Protocol, TypeVar
from urllib.parse import urlencode

from aws_lambda_powertools.event_handler import LambdaFunctionUrlResolver, Response
from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from multipart import MultipartError, MultipartParser, parse_options_header
from pydantic import BaseModel, ValidationError

from portico.domain.errors import (
    InvalidInput,
    MissingScope,
    NotFound,
    NotImplementedHere,
    PorticoError,
    Problem,
    TooLarge,
    Unauthenticated,
)
from portico.domain.user import Caller
from portico.web.contract import Contract, Operation
from portico.web.errors import answer_error, error_body, plain_error

log = logging.getLogger(__name__)
M = TypeVar("M", bound=BaseModel)
T = TypeVar("T")
Handler = Callable[..., Any]

MAX_BODY = 4_718_592  # bytes: 6 MB of Lambda payload, less base64 and the event around it
MAX_PAGE = 1000
MACHINES = ("/api/", "/scim2")  # paths that answer JSON, never pages


@dataclass(frozen=True)
class Paging:
    """`limit` and `offset` of a list request, as the contracts define them."""

    limit: int = 25
    offset: int = 0


@dataclass(frozen=True)
class Part:
    """One part of a multipart form."""

    name: str
    content: bytes
    filename: str = ""
    content_type: str = ""

    @property
    def text(self) -> str:
        """The part as UTF-8 text."""
        try:
            return self.content.decode()
        except UnicodeDecodeError as exc:
            raise InvalidInput.of(self.name, "is not UTF-8 text") from exc


def operations(router: Router, contract: Contract) -> Callable[..., Callable[[Handler], Handler]]:
    """A decorator that makes a function the route of an operation: `@operation("GET",
    "/apis/{apiId}")`.

    Path parameters arrive in snake case. Scopes are the contract's; an operation of our own names
    its `scopes`.
    """

    def operation(
        method: str, path: str, scopes: tuple[str, ...] | None = None
    ) -> Callable[[Handler], Handler]:
        known = (
            contract.operation(method, path)
            if scopes is None
            else Operation(method, path, "", scopes)
        )
        rule = contract.base + path.replace("{", "<").replace("}", ">")

        def register(handler: Handler) -> Handler:
            def called(**parameters: str) -> Any:
                event = router.current_event
                # `/apis/export` fits `/apis/{apiId}` too, but is an operation of its own.
                meant = contract.match(event.http_method, event.path)
                if meant not in (None, known):
                    raise NotImplementedHere(meant.name)
                _admit(router, known)
                return handler(**{_snake(name): value for name, value in parameters.items()})

            router.route(rule, method=method)(called)
            return handler

        return register

    return operation


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)


def _admit(router: Router, operation: Operation) -> None:
    """Find out who calls and whether a scope of the operation allows it; a session counts as all
    scopes of its roles.
    """
    found: Caller | None = router.context["callers"].of(router.current_event)
    if found is None and operation.scopes:
        raise Unauthenticated("This operation needs an access token: Authorization: Bearer <token>")
    if found is not None and operation.scopes and not found.scopes & set(operation.scopes):
        raise MissingScope(
            "The access token lacks a scope of this operation: one of "
            + ", ".join(operation.scopes)
        )
    router.append_context(caller=found)


class ErrorPage(Protocol):
    """How a console shows an error; `portico.web.pages.Pages.error`."""

    def __call__(self, error: PorticoError, path: str) -> Response[str]: ...


def rest_app(
    contracts: Sequence[Contract], routers: Iterable[Router], error_page: ErrorPage | None = None
) -> LambdaFunctionUrlResolver:
    """The resolver of a function: its routers, errors as the contract's bodies, 501 for the rest of
    the contracts.

    With `error_page`, errors outside the REST APIs are pages.
    """
    app = LambdaFunctionUrlResolver()
    for router in routers:
        app.include_router(router)

    def refused(error: PorticoError) -> Response[str]:
        path = app.current_event.path
        if error_page and not path.startswith(MACHINES):
            return error_page(error, path)
        return answer_error(error)

    def unexpected(exc: Exception) -> Response[str]:
        request_id = app.lambda_context.aws_request_id
        log.exception("unexpected error", extra={"request_id": request_id})
        return plain_error(
            500,
            error_body(500, "Internal Server Error", f"The request failed; its id is {request_id}"),
        )

    def missing(_: NotFoundError) -> Response[str]:
        event = app.current_event
        for contract in contracts:
            operation = contract.match(event.http_method, event.path)
            if operation:
                return refused(NotImplementedHere(operation.name))
        return refused(NotFound("Path", f"{event.http_method} {event.path}"))

    app.exception_handler(PorticoError)(refused)
    app.exception_handler(Exception)(unexpected)
    app.not_found(missing)
    return app


def caller(router: Router) -> Caller:
    """Who calls; operations without scopes may have an anonymous caller of the tenant that the
    request names.
    """
    found: Caller | None = router.context.get("caller")
    if found:
        return found
    tenant = header(router, "x-wso2-tenant") or "carbon.super"
    return Caller(tenant=tenant, user="")


def wired(router: Router, kind: type[T]) -> T:
    """The function's services, put in the context by its handler."""
    services: T = router.context["services"]
    return services


def header(router: Router, name: str) -> str:
    """A request header, whatever its case; '' when missing."""
    wanted = name.lower()
    headers = router.current_event.headers or {}
    return next((value for key, value in headers.items() if key.lower() == wanted), "")


def raw_body(router: Router) -> bytes:
    """The request body as bytes."""
    event = router.current_event
    text = event.body or ""
    try:
        content = (
            base64.b64decode(text, validate=True) if event.is_base64_encoded else text.encode()
        )
    except ValueError as exc:
        raise InvalidInput("The body is not valid base64") from exc
    if len(content) > MAX_BODY:
        raise TooLarge(
            f"The body has {len(content)} bytes; {MAX_BODY} are allowed. "
            "Upload larger files by POST /uploads"
        )
    return content


def body(router: Router, model: type[M]) -> M:
    """The JSON body as a model; every problem is named at once with its field."""
    return parse(model, json_of(raw_body(router)))


def json_of(content: bytes, field: str = "body") -> Any:
    """JSON text as values; refuses what JSON does not have (NaN, wrong encoding, depth without
    end).
    """
    if not content.strip():
        raise InvalidInput.of(field, "is empty; JSON is expected")
    try:
        value = json.loads(content.decode("utf-8"), parse_constant=_refuse_constant)
        if b"\\ud" in content.lower():
            # JSON can spell half of a surrogate pair (RFC 8259 section 8.2); nothing can store it.
            json.dumps(value, ensure_ascii=False).encode()
        return value
    except UnicodeEncodeError as exc:
        raise InvalidInput.of(field, "has half of a surrogate pair, which is no character") from exc
    except UnicodeDecodeError as exc:
        raise InvalidInput.of(field, "is not UTF-8 text") from exc
    except json.JSONDecodeError as exc:
        raise InvalidInput.of(
            field, f"is not JSON: {exc.msg} at line {exc.lineno}, column {exc.colno}"
        ) from exc
    except (ValueError, RecursionError) as exc:
        raise InvalidInput.of(field, f"is not JSON that can be read: {exc}") from exc


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a JSON value")


def parse(model: type[M], value: Any) -> M:
    """A value as a model, or InvalidInput with a problem for every field."""
    try:
        return model.model_validate(value)
    except ValidationError as exc:
        problems = [
            Problem(".".join(_named(error["loc"])) or "body", error["msg"])
            for error in exc.errors()[:50]
        ]
        text = "; ".join(f"{problem.field}: {problem.message}" for problem in problems[:5])
        raise InvalidInput(text, problems) from exc


def multipart(router: Router) -> dict[str, Part]:
    """The parts of a multipart/form-data body by name (RFC 7578)."""
    kind, options = parse_options_header(header(router, "content-type"))
    if kind != "multipart/form-data" or "boundary" not in options:
        raise InvalidInput.of("Content-Type", "multipart/form-data with a boundary is expected")
    content = raw_body(router)
    try:
        parser = MultipartParser(
            BytesIO(content), options["boundary"], len(content), memory_limit=MAX_BODY * 2
        )
        return {
            part.name: Part(part.name, part.raw, part.filename or "", part.content_type or "")
            for part in parser
        }
    except MultipartError as exc:
        raise InvalidInput.of("body", f"is not a multipart form: {exc}") from exc


def query(router: Router, name: str, default: str = "") -> str:
    """A query parameter."""
    return (router.current_event.query_string_parameters or {}).get(name) or default


def flag(router: Router, name: str, default: bool = False) -> bool:
    """A boolean query parameter."""
    text = query(router, name).lower()
    if text not in ("", "true", "false"):
        raise InvalidInput.of(name, "must be true or false")
    return text == "true" if text else default


def paging(router: Router) -> Paging:
    """`limit` and `offset`, checked."""
    return Paging(_number(router, "limit", 25, MAX_PAGE), _number(router, "offset", 0, 10**9))


def _number(router: Router, name: str, default: int, most: int) -> int:
    text = query(router, name)
    if not text:
        return default
    if not (text.isascii() and text.isdigit()) or len(text) > 10 or int(text) > most:
        raise InvalidInput.of(name, f"must be a whole number from 0 to {most}")
    return int(text)


def listed(
    rows: Sequence[Any], page: Paging, total: int, path: str, **filters: str
) -> dict[str, Any]:
    """A list body of the contracts: count, list, and links to the neighbouring pages."""

    def link(offset: int) -> str:
        return f"{path}?{urlencode({'limit': page.limit, 'offset': offset, **filters})}"

    has_next = page.offset + page.limit < total
    return {
        "count": len(rows),
        "list": list(rows),
        "pagination": {
            "offset": page.offset,
            "limit": page.limit,
            "total": total,
            "next": link(page.offset + page.limit) if has_next and page.limit else "",
            "previous": link(max(0, page.offset - page.limit))
            if page.offset and page.limit
            else "",
        },
    }


def etag_of(stamp: int) -> str:
    """The ETag of a record's state."""
    return f'"{stamp}"'


def if_match(router: Router) -> int | None:
    """The stamp in `If-Match` (RFC 9110 section 13.1.1); None when absent or `*`."""
    text = header(router, "if-match").strip()
    if not text or text == "*":
        return None
    digits = text.removeprefix("W/").strip('"')
    # A tag that we never gave can match nothing: 0 is no stored record's stamp.
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 16 else 0


def answer(
    content: Any = None,
    status: int = 200,
    *,
    etag: int | None = None,
    headers: dict[str, str] | None = None,
) -> Response[str]:
    """A JSON answer; None gives an empty body."""
    fields = dict(headers or {})
    if etag is not None:
        fields["ETag"] = etag_of(etag)
    text = "" if content is None else json.dumps(content, ensure_ascii=False)
    return Response(status, content_type="application/json", body=text, headers=fields)


def _named(place: Sequence[str | int]) -> list[str]:
    """The contract's names of where something is; pydantic tells the kinds of a choice among
    them.
    """
    return [str(part) for part in place if not str(part).endswith(("Body", "Body]"))]
